from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Notification
from servicedesk.core.errors import Refused
from sla.models import Deadline
from sla.states import Status as Clock
from tests.conftest import AT
from tests.tickets.tickets.factories import make_ticket
from tickets.actions import tickets as actions
from tickets.states import Status

pytestmark = pytest.mark.django_db

SOON = AT + timedelta(minutes=5)


def test_the_assignee_has_the_work_the_owner_stays(helpdesk, engineer):
    ticket = make_ticket(owner=helpdesk)

    actions.assign(ticket, assignee=engineer, at=SOON, by=helpdesk.as_actor())

    ticket.refresh_from_db()
    assert (ticket.status, ticket.assignee, ticket.owner) == (Status.ASSIGNED, engineer, helpdesk)
    clock = Deadline.objects.of(ticket).get(kind="ticket.assignment")
    assert (clock.status, clock.met_at) == (Clock.MET, SOON)
    running = Deadline.objects.of(ticket).open()
    assert {d.owner for d in running} == {engineer}


def test_the_new_and_the_former_assignee_are_told(helpdesk, engineer, other_engineer):
    ticket = make_ticket(Status.ASSIGNED, engineer, owner=helpdesk)

    actions.assign(ticket, assignee=other_engineer, at=SOON, by=helpdesk.as_actor())

    told = Notification.objects.filter(created_at=SOON).order_by("id")
    assert {n.user for n in told} == {engineer, other_engineer}
    assert all(ticket.get_absolute_url() == n.url for n in told)


def test_assigning_a_waiting_one_ends_the_wait(helpdesk, engineer, other_engineer):
    ticket = make_ticket(Status.WAITING, engineer, owner=helpdesk)

    actions.assign(
        ticket, assignee=other_engineer, at=AT + timedelta(minutes=20), by=helpdesk.as_actor()
    )

    assert (ticket.status, ticket.waiting_reason) == (Status.ASSIGNED, "")
    follow_up = Deadline.objects.of(ticket).get(kind="ticket.follow_up")
    assert follow_up.status == Clock.CANCELLED


def test_the_same_person_again_is_refused(helpdesk, engineer):
    ticket = make_ticket(Status.ASSIGNED, engineer, owner=helpdesk)

    with pytest.raises(Refused) as refused:
        actions.assign(ticket, assignee=engineer, at=SOON, by=helpdesk.as_actor())

    assert refused.value.field == "assignee"


def test_who_cannot_work_on_tickets_gets_none(helpdesk, business):
    ticket = make_ticket(owner=helpdesk)

    with pytest.raises(Refused) as refused:
        actions.assign(ticket, assignee=business, at=SOON, by=helpdesk.as_actor())

    assert refused.value.field == "assignee"


def test_nothing_happens_before_the_ticket_was_received(helpdesk, engineer):
    ticket = make_ticket(owner=helpdesk)

    with pytest.raises(Refused) as refused:
        actions.assign(
            ticket, assignee=engineer, at=AT - timedelta(seconds=1), by=helpdesk.as_actor()
        )

    assert refused.value.field == "at"
