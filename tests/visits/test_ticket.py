"""What a visit does to its ticket, and the other way round."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import Notification
from servicedesk.core.errors import Refused
from sla.models import Deadline
from tests.visits.factories import AGREED, FINISHED, make_desk_person, make_visit
from tickets.actions import tickets
from visits import actions
from visits.models import VisitOrder
from visits.states import UNSIGNED, Status

pytestmark = pytest.mark.django_db
LATER = FINISHED + timedelta(hours=8)


def resolve(ticket):
    tickets.resolve(
        ticket, solution="visit", resolution="已修好", at=LATER, by=make_desk_person().as_actor()
    )


@pytest.mark.parametrize("status", sorted(UNSIGNED - {Status.ORDERED}))
def test_a_ticket_is_not_resolved_before_its_visit_is_signed(status, engineer):
    visit = make_visit(status, engineer)

    with pytest.raises(Refused, match=visit.number):
        resolve(visit.ticket)

    visit.ticket.refresh_from_db()
    assert visit.ticket.resolved_at is None


@pytest.mark.parametrize("status", [Status.SIGNED, Status.HANDED_IN, Status.ARCHIVED])
def test_a_signed_visit_lets_the_ticket_be_resolved(status, engineer):
    visit = make_visit(status, engineer)
    resolve(visit.ticket)
    assert visit.ticket.resolved_at == LATER


def test_a_resolved_ticket_is_not_closed_while_a_visit_is_unsigned(engineer):
    first = make_visit(Status.SIGNED, engineer)
    resolve(first.ticket)
    desk = make_desk_person().as_actor()
    tickets.reopen(first.ticket, reason="又坏了", at=LATER, by=desk)
    second = actions.order_visit(ticket=first.ticket, at=LATER, by=desk)
    # As if the ticket had been resolved by a door that did not ask the visits.
    type(first.ticket).objects.filter(pk=first.ticket.pk).update(
        status="resolved", resolved_at=LATER
    )

    with pytest.raises(Refused, match=second.number):
        tickets.close(
            first.ticket, closing="confirmed", confirmed_by="李店长", evidence="来电",
            at=LATER, by=desk,
        )  # fmt: skip


def test_after_the_signature_one_act_resolves_the_ticket(engineer, logged_in):
    visit = make_visit(Status.SIGNED, engineer)
    client = logged_in(engineer)
    assert client.get(visit.get_absolute_url()).context["can_resolve"] is True

    response = client.post(reverse("visits:resolve_ticket", args=[visit.number]))

    assert response.status_code == 302
    visit.ticket.refresh_from_db()
    assert (visit.ticket.status, visit.ticket.solution) == ("resolved", "visit")
    assert "重新插紧并固定网线" in visit.ticket.resolution


def test_an_unsolved_visit_leaves_the_ticket_open(engineer, logged_in):
    unsolved = {"result": "not_solved", "next_step": "换终端", "next_step_at": LATER}
    visit = make_visit(Status.SIGNED, engineer, record=unsolved)
    client = logged_in(engineer)
    assert client.get(visit.get_absolute_url()).context["can_resolve"] is False

    response = client.post(reverse("visits:resolve_ticket", args=[visit.number]))

    assert response.status_code == 409
    visit.ticket.refresh_from_db()
    assert visit.ticket.resolved_at is None


def test_resolved_otherwise_the_announced_next_step_is_done(engineer):
    unsolved = {"result": "not_solved", "next_step": "换终端", "next_step_at": LATER}
    visit = make_visit(Status.SIGNED, engineer, record=unsolved)

    resolve(visit.ticket)

    assert Deadline.objects.of(visit).get(kind="visit.next_step").status == "met"


def test_a_visit_without_a_ticket_resolves_none(engineer, doors):
    from tests.visits.factories import make_store, order

    visit = order(store=make_store(), contact_name="王经理", need="演示")
    VisitOrder.objects.filter(pk=visit.pk).update(engineer=engineer)
    with pytest.raises(Refused):
        actions.resolve_ticket(visit, at=LATER, by=engineer.as_actor())


def test_an_angry_customer_marks_visit_and_ticket_and_the_supervisor_knows(engineer, dispatcher):
    visit = make_visit(Status.APPOINTED, engineer)

    actions.flag_complaint(visit, text="等了三天", at=AGREED, by=engineer.as_actor())

    visit.ticket.refresh_from_db()
    assert visit.is_complaint
    assert visit.ticket.is_complaint
    assert Notification.objects.filter(user=dispatcher, text__contains="等了三天").exists()


def test_the_ticket_page_shows_its_visits(engineer, helpdesk):
    from visits.panels import visits_of_store, visits_of_ticket

    visit = make_visit(Status.APPOINTED, engineer)

    assert visits_of_ticket(visit.ticket, helpdesk.as_actor())["visits"] == [visit]
    assert visits_of_store(visit.store, helpdesk.as_actor())["visits"] == [visit]


def test_a_stranger_sees_no_visit_in_the_panel(engineer, other_engineer):
    from visits.panels import visits_of_ticket

    visit = make_visit(Status.APPOINTED, engineer)

    assert visits_of_ticket(visit.ticket, other_engineer.as_actor()) is None


def test_cancelled_all_clocks_stop(engineer):
    visit = make_visit(Status.APPOINTED, engineer)

    actions.cancel(visit, reason="已恢复", at=AGREED, by=make_desk_person().as_actor())

    assert not Deadline.objects.of(visit).open().exists()
    assert visit.cancelled_reason == "已恢复"


def test_a_visit_is_not_called_off_without_a_reason(engineer):
    with pytest.raises(Refused):
        actions.cancel(
            make_visit(Status.APPOINTED, engineer), reason=" ", at=AGREED,
            by=make_desk_person().as_actor(),
        )  # fmt: skip
