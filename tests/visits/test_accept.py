from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Notification
from servicedesk.core.errors import Refused
from servicedesk.core.rules import journal_of
from sla.models import Deadline
from tests.conftest import AT
from tests.visits.factories import AGREED, make_visit
from visits import actions
from visits.states import Status

pytestmark = pytest.mark.django_db


def test_the_first_judgement_is_kept_and_the_customer_is_called_next(engineer):
    visit = make_visit(Status.ASSIGNED, engineer)
    at = AT + timedelta(minutes=12)

    actions.accept(visit, first_judgement="电源", unclear="终端型号", at=at, by=engineer.as_actor())

    assert (visit.first_judgement, visit.unclear, visit.accepted_at) == ("电源", "终端型号", at)
    clock = Deadline.objects.of(visit).get(kind="visit.appointment")
    assert clock.due_at == at + timedelta(hours=1)
    assert Deadline.objects.of(visit).get(kind="visit.accept").status == "met"


def test_without_a_judgement_it_is_refused(engineer):
    visit = make_visit(Status.ASSIGNED, engineer)
    with pytest.raises(Refused) as refused:
        actions.accept(visit, first_judgement=" ", at=AGREED, by=engineer.as_actor())
    assert refused.value.field == "first_judgement"


def test_what_he_did_before_with_such_a_fault_stands_in_the_journal(engineer):
    make_visit(Status.ARCHIVED, engineer)

    visit = make_visit(Status.ACCEPTED, engineer, shift=timedelta(days=1))

    accepted = journal_of(visit).last("visit.accepted")
    assert (accepted.data["seen_before"], accepted.data["failed_before"]) == (1, 0)


def test_the_page_shows_that_the_fault_is_new_to_him(logged_in, engineer):
    visit = make_visit(Status.ASSIGNED, engineer)

    response = logged_in(engineer).get(f"/visits/{visit.number}/accept/")

    assert response.context["experience"].seen == 0


def test_the_page_shows_how_colleagues_solved_it(logged_in, engineer, other_engineer):
    make_visit(Status.ARCHIVED, other_engineer)
    visit = make_visit(Status.ASSIGNED, engineer)

    response = logged_in(engineer).get(f"/visits/{visit.number}/accept/")

    assert "重新插紧并固定网线" in response.content.decode()


def test_sent_back_it_is_nobodys_and_the_supervisor_knows(engineer, dispatcher):
    visit = make_visit(Status.ACCEPTED, engineer)

    actions.send_back(visit, reason="在外地", at=AT + timedelta(hours=1), by=engineer.as_actor())

    assert (visit.status, visit.engineer) == (Status.ORDERED, None)
    assert list(Deadline.objects.of(visit).open().values_list("kind", flat=True)) == [
        "visit.assign"
    ]
    assert Notification.objects.filter(user=dispatcher, text__contains="在外地").exists()


def test_sent_back_without_a_reason_is_refused(engineer):
    visit = make_visit(Status.ASSIGNED, engineer)
    with pytest.raises(Refused):
        actions.send_back(visit, reason="", at=AGREED, by=engineer.as_actor())
