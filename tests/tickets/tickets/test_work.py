"""take, respond, start, wait, resume"""

from __future__ import annotations

from datetime import timedelta

import pytest

from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from sla.models import Deadline
from sla.states import Status as Clock
from tests.conftest import AT
from tests.journal import journal
from tests.tickets.tickets.factories import make_ticket
from tickets.actions import tickets as actions
from tickets.states import Status

pytestmark = pytest.mark.django_db

SOON = AT + timedelta(minutes=20)


def clock(ticket, kind):
    return Deadline.objects.of(ticket).get(kind=kind)


def test_take_gives_it_to_oneself(helpdesk):
    ticket = make_ticket()

    actions.take(ticket, at=SOON, by=helpdesk.as_actor())

    assert (ticket.status, ticket.assignee_id) == (Status.ASSIGNED, helpdesk.pk)
    assert clock(ticket, "ticket.assignment").status == Clock.MET


def test_the_system_takes_nothing(db):
    ticket = make_ticket()

    with pytest.raises(Refused):
        actions.take(ticket, at=SOON, by=SYSTEM)


@pytest.mark.parametrize(("minutes", "late"), [(30, False), (31, True)])
def test_respond_meets_the_response_clock(minutes, late, helpdesk):
    """SLA-6"""
    ticket = make_ticket(owner=helpdesk)
    at = AT + timedelta(minutes=minutes)

    actions.respond(ticket, at=at, by=helpdesk.as_actor())

    ticket.refresh_from_db()
    assert ticket.responded_at == at
    assert clock(ticket, "ticket.response").late is late


def test_there_is_one_first_response(helpdesk):
    ticket = make_ticket(owner=helpdesk)
    actions.respond(ticket, at=SOON, by=helpdesk.as_actor())

    with pytest.raises(Refused, match="已登记"):
        actions.respond(ticket, at=SOON, by=helpdesk.as_actor())


def test_start_counts_as_a_response(engineer):
    ticket = make_ticket(Status.ASSIGNED, engineer)

    actions.start(ticket, at=SOON, by=engineer.as_actor())

    assert (ticket.status, ticket.responded_at) == (Status.IN_PROGRESS, SOON)
    assert ("ticket.responded", SOON, "张伟") in journal(ticket)


def test_waiting_does_not_stop_the_24_hours(engineer):
    """SLA-5: only the customer's consent moves them."""
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    until = SOON + timedelta(hours=2)

    actions.wait(ticket, reason="等总部授权", until=until, at=SOON, by=engineer.as_actor())

    resolution, follow_up = clock(ticket, "ticket.resolution"), clock(ticket, "ticket.follow_up")
    assert (resolution.status, resolution.due_at) == (Clock.RUNNING, AT + timedelta(hours=24))
    assert (follow_up.status, follow_up.due_at) == (Clock.RUNNING, until)


@pytest.mark.parametrize(
    ("reason", "minutes", "field"), [(" ", 60, "reason"), ("等客户", 0, "until")]
)
def test_waiting_says_for_what_and_until_when(reason, minutes, field, engineer):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)

    with pytest.raises(Refused) as refused:
        actions.wait(
            ticket, reason=reason, until=SOON + timedelta(minutes=minutes), at=SOON,
            by=engineer.as_actor(),
        )  # fmt: skip

    assert refused.value.field == field


def test_resume_ends_the_wait(engineer):
    ticket = make_ticket(Status.WAITING, engineer)

    actions.resume(ticket, at=SOON, by=engineer.as_actor())

    ticket.refresh_from_db()
    assert (ticket.status, ticket.waiting_reason, ticket.waiting_until) == (
        Status.IN_PROGRESS, "", None,
    )  # fmt: skip
    assert clock(ticket, "ticket.follow_up").status == Clock.MET
