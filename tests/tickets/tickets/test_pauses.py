"""A ticket whose contract lets its clock stand still while it waits."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from sla.models import Deadline
from sla.moving import resume_run_out, spread
from tests.conftest import AT
from tests.sla.policies import edit_policy, make_policy
from tests.tickets.tickets.factories import make_ticket
from tickets.actions import tickets as actions
from tickets.models import Ticket
from tickets.states import Status

HOUR = timedelta(hours=1)
KIND = "ticket.resolution"


@pytest.fixture
def waiting(engineer):
    """Ten hours from 9:30; since 10:30 it waits, at most until 12:30."""

    def run(**terms):
        make_policy(KIND, target=10 * HOUR, **{"longest_pause": 2 * HOUR} | terms)
        ticket = make_ticket(Status.IN_PROGRESS, engineer)
        actions.wait(
            ticket, reason="等配件", until=AT + 5 * HOUR, at=AT + HOUR, by=engineer.as_actor()
        )
        return ticket

    return run


def test_while_the_24_hours_hold_waiting_moves_nothing(engineer):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    due_at = ticket.due_at

    actions.wait(ticket, reason="等配件", until=AT + 5 * HOUR, at=AT + HOUR, by=engineer.as_actor())
    actions.resume(ticket, at=AT + 4 * HOUR, by=engineer.as_actor())

    assert ticket.due_at == due_at
    assert Deadline.objects.of(ticket).get(kind=KIND).status == "running"


@pytest.mark.parametrize("act", ["resume", "resolve", "assign"])
def test_whatever_ends_the_waiting_lets_the_clock_run_on(act, waiting, engineer, dispatcher):
    ticket = waiting()

    match act:
        case "resume":
            actions.resume(ticket, at=AT + 2 * HOUR, by=engineer.as_actor())
        case "resolve":
            actions.resolve(
                ticket,
                solution="remote",
                resolution="换纸",
                at=AT + 2 * HOUR,
                by=engineer.as_actor(),
            )
        case "assign":
            actions.assign(ticket, assignee=dispatcher, at=AT + 2 * HOUR, by=dispatcher.as_actor())

    ticket.refresh_from_db()
    deadline = Deadline.objects.of(ticket).get(kind=KIND)
    assert deadline.status == ("met" if act == "resolve" else "running")
    assert ticket.due_at == deadline.due_at == AT + 11 * HOUR


def test_the_ticket_follows_when_the_pause_runs_out(waiting):
    ticket = waiting()

    assert resume_run_out(AT + 4 * HOUR) == 1

    ticket.refresh_from_db()
    assert ticket.due_at == AT + 12 * HOUR
    assert ticket.status == Status.WAITING
    assert ticket.history.latest().due_at == AT + 12 * HOUR
    first = Deadline.objects.of(ticket).open().earliest("due_at")
    assert first.kind == "ticket.follow_up"


def test_the_ticket_follows_new_terms(engineer):
    policy = make_policy(KIND, target=10 * HOUR)
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    edit_policy(policy, target=6 * HOUR, spreads=True)

    assert spread(AT + HOUR) == 1

    ticket.refresh_from_db()
    assert ticket.due_at == AT + 6 * HOUR


@pytest.mark.django_db(transaction=True)
def test_the_engine_does_not_wait_for_whoever_holds_the_ticket(waiting):
    """He may be waiting for the deadline, which the engine holds: both would wait for ever."""
    ticket = waiting()
    held, done = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            Ticket.objects.select_for_update().get(pk=ticket.pk)
            held.set()
            done.wait(20)
        connection.close()

    person = threading.Thread(target=hold)
    person.start()
    try:
        assert held.wait(20)
        assert resume_run_out(AT + 4 * HOUR) == 0
        assert Deadline.objects.of(ticket).get(kind=KIND).status == "paused"
    finally:
        done.set()
        person.join()
    assert resume_run_out(AT + 4 * HOUR) == 1
