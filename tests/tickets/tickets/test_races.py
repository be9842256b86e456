"""Two people at the same time: one succeeds, the other is told."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from sla.models import Deadline
from tests.conftest import AT
from tests.journal import journal
from tests.tickets.tickets.factories import details, make_call, make_session, make_ticket
from tickets.actions import extensions, handovers, remote
from tickets.actions import tickets as actions
from tickets.models import Extension, Handover, RemoteSession, RemoteStep, Ticket
from tickets.states import RemoteStatus, Status

pytestmark = pytest.mark.django_db(transaction=True)

NOW = AT + timedelta(hours=4)


def at_once(*attempts):
    """Run all at the same moment; returns how many were refused. Any other error is raised here."""
    start = threading.Barrier(len(attempts))

    def is_refused(attempt):
        try:
            start.wait(timeout=10)
            attempt()
        except Refused:
            return True
        finally:
            connection.close()
        return False

    with ThreadPoolExecutor(len(attempts)) as threads:
        return sum(threads.map(is_refused, attempts, timeout=30))


def count(ticket, event):
    return sum(1 for entry in journal(ticket) if entry[0] == event)


def test_an_error_that_is_no_refusal_is_seen():
    def fail():
        raise LookupError

    with pytest.raises(LookupError):
        at_once(lambda: None, fail)


def test_two_closes_are_one(helpdesk):
    ticket = make_ticket(Status.RESOLVED, owner=helpdesk)

    def close():
        actions.close(
            Ticket.objects.get(pk=ticket.pk), closing="confirmed", confirmed_by="李", at=NOW,
            by=helpdesk.as_actor(),
        )  # fmt: skip

    assert at_once(close, close, close) == 2
    assert count(ticket, "ticket.closed") == 1


def test_two_people_take_one(helpdesk, other_helpdesk):
    ticket = make_ticket(owner=helpdesk)

    def take(person):
        return lambda: actions.take(Ticket.objects.get(pk=ticket.pk), at=NOW, by=person.as_actor())

    assert at_once(take(helpdesk), take(other_helpdesk)) == 1
    assert count(ticket, "ticket.assigned") == 1


def test_resolving_and_waiting_do_not_mix(engineer):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)

    def resolve():
        actions.resolve(
            Ticket.objects.get(pk=ticket.pk), solution="phone", resolution="好了", at=NOW,
            by=engineer.as_actor(),
        )  # fmt: skip

    def wait():
        actions.wait(
            Ticket.objects.get(pk=ticket.pk), reason="等", until=NOW + timedelta(hours=1), at=NOW,
            by=engineer.as_actor(),
        )  # fmt: skip

    refused = at_once(resolve, wait)

    # Waiting first lets resolving follow; the other way round waiting is refused.
    ticket.refresh_from_db()
    assert ticket.status == Status.RESOLVED
    assert refused in {0, 1}
    assert not Deadline.objects.of(ticket).open().exists()


def test_the_worker_and_the_customer_close_once(helpdesk):
    ticket = make_ticket(Status.RESOLVED, owner=helpdesk)
    late = AT + timedelta(days=5)

    def by_itself():
        actions.close(Ticket.objects.get(pk=ticket.pk), closing="automatic", at=late, by=SYSTEM)

    def by_word():
        actions.close(
            Ticket.objects.get(pk=ticket.pk), closing="confirmed", confirmed_by="李", at=late,
            by=helpdesk.as_actor(),
        )  # fmt: skip

    assert at_once(by_itself, by_word) == 1
    assert count(ticket, "ticket.closed") == 1


def test_accepting_and_declining_is_one_answer(helpdesk, other_helpdesk):
    ticket = make_ticket(owner=helpdesk)
    handover = handovers.hand_over(
        ticket, to_user=other_helpdesk, reason="交班", at=AT, by=helpdesk.as_actor()
    )

    def answer(verb):
        return lambda: getattr(handovers, verb)(
            Handover.objects.get(pk=handover.pk), answer="好", at=NOW, by=other_helpdesk.as_actor()
        )

    assert at_once(answer("accept"), answer("decline")) == 1


def test_two_offers_are_one(helpdesk, other_helpdesk, dispatcher):
    ticket = make_ticket(owner=helpdesk)

    def offer(person):
        return lambda: handovers.hand_over(
            Ticket.objects.get(pk=ticket.pk), to_user=person, reason="交班", at=NOW,
            by=helpdesk.as_actor(),
        )  # fmt: skip

    assert at_once(offer(other_helpdesk), offer(dispatcher)) == 1
    assert Handover.objects.count() == 1


def test_consent_and_refusal_are_one_answer(engineer):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    extension = extensions.propose_extension(
        ticket, plan="换机", proposed_due_at=AT + timedelta(days=2), at=AT, by=engineer.as_actor()
    )

    call = make_call(ticket, at=NOW, by=engineer)

    def consent():
        extensions.consent(
            Extension.objects.get(pk=extension.pk), call=call, at=NOW, by=engineer.as_actor()
        )

    def refuse():
        extensions.refuse(
            Extension.objects.get(pk=extension.pk), answered_by="李", reason="不", at=NOW,
            by=engineer.as_actor(),
        )  # fmt: skip

    assert at_once(consent, refuse) == 1
    clock = Deadline.objects.of(ticket).get(kind="ticket.resolution")
    extension.refresh_from_db()
    agreed = extension.status == "consented"
    assert clock.due_at == AT + timedelta(days=2 if agreed else 1)


def test_two_sessions_on_one_ticket_are_one(engineer):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)

    def prepare():
        remote.prepare(
            Ticket.objects.get(pk=ticket.pk), channel="client", at=NOW, by=engineer.as_actor()
        )

    assert at_once(prepare, prepare) == 1
    assert RemoteSession.objects.count() == 1


def test_steps_that_come_together_get_numbers_of_their_own(engineer):
    session = make_session(RemoteStatus.RUNNING, engineer)

    def step(did):
        return lambda: remote.add_step(
            RemoteSession.objects.get(pk=session.pk), did=did, at=NOW, by=engineer.as_actor()
        )

    assert at_once(*(step(str(n)) for n in range(5))) == 0
    assert list(RemoteStep.objects.values_list("position", flat=True)) == [1, 2, 3, 4, 5]


def test_numbers_have_no_gap_and_no_double(helpdesk):

    told = [details(owner=helpdesk) for _ in range(4)]

    def open_one(said):
        return lambda: actions.open_ticket(**said, at=AT, by=helpdesk.as_actor())

    assert at_once(*(open_one(said) for said in told)) == 0
    numbers = sorted(Ticket.objects.values_list("number", flat=True))
    assert numbers == [f"TK-20260302-{n:04d}" for n in range(1, 5)]
