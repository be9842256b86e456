from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Notification
from servicedesk.core.errors import Refused
from servicedesk.core.rules import journal_of
from sla.models import Deadline
from tests.conftest import AT
from tests.visits.factories import WINDOW, make_ticket, make_visit
from visits import actions
from visits.models import ContactAttempt
from visits.states import Status

pytestmark = pytest.mark.django_db
NOW = AT + timedelta(minutes=20)


def call(visit, outcome, at=NOW, **more):
    return actions.log_attempt(visit, outcome=outcome, at=at, by=visit.engineer.as_actor(), **more)


@pytest.mark.parametrize(("outcome", "minutes"), [("busy", 10), ("no_answer", 30)])
def test_the_rule_proposes_the_next_try(outcome, minutes, engineer):
    visit = make_visit(Status.ACCEPTED, engineer)

    call(visit, outcome)

    proposed = NOW + timedelta(minutes=minutes)
    assert ContactAttempt.objects.get().next_try_at == proposed
    assert Deadline.objects.of(visit).get(kind="visit.next_try").due_at == proposed


def test_the_engineer_may_choose_the_time_himself(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    call(visit, "busy", next_try_at=NOW + timedelta(hours=2))
    assert ContactAttempt.objects.get().next_try_at == NOW + timedelta(hours=2)


def test_a_next_try_before_this_one_is_refused(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    with pytest.raises(Refused) as refused:
        call(visit, "busy", next_try_at=NOW - timedelta(minutes=1))
    assert refused.value.field == "next_try_at"


def test_reached_ends_the_trying_and_is_a_response(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    call(visit, "busy")

    call(visit, "reached", at=NOW + timedelta(minutes=10))

    assert Deadline.objects.of(visit).get(kind="visit.next_try").status == "met"
    visit.ticket.refresh_from_db()
    assert visit.ticket.responded_at == NOW + timedelta(minutes=10)


def test_if_the_time_would_be_missed_one_goes_there_and_the_supervisor_knows(engineer, dispatcher):
    visit = make_visit(Status.APPOINTED, engineer)

    call(visit, "no_answer", at=WINDOW[0] - timedelta(minutes=50))

    assert journal_of(visit).last("visit.contact_attempted").data["go_there"] is True
    assert Notification.objects.filter(user=dispatcher, urgent=True).count() == 1


def test_while_there_is_time_nobody_is_alarmed(engineer, dispatcher):
    visit = make_visit(Status.APPOINTED, engineer)

    call(visit, "no_answer", at=WINDOW[0] - timedelta(minutes=70))

    assert journal_of(visit).last("visit.contact_attempted").data["go_there"] is False
    assert not Notification.objects.filter(user=dispatcher).exists()


def test_before_the_appointment_the_customers_own_wish_counts(engineer, dispatcher):
    ticket = make_ticket(expected_at=AT + timedelta(minutes=75), no_wish=False)
    visit = make_visit(Status.ACCEPTED, engineer, ticket=ticket)

    call(visit, "no_answer")

    assert Notification.objects.filter(user=dispatcher, urgent=True).exists()


def test_an_outcome_that_does_not_exist_is_refused(engineer):
    with pytest.raises(Refused):
        call(make_visit(Status.ACCEPTED, engineer), "perhaps")
