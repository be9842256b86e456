"""resolve, close, reopen"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings

from servicedesk.core.actions import replaying
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from servicedesk.core.models import RuleResult
from servicedesk.core.rules import evaluate
from sla.models import Deadline
from sla.rebuilding import rebuild
from sla.states import Status as Clock
from tests.conftest import AT
from tests.journal import journal
from tests.tickets.tickets.factories import CLOSED, RESOLVED, make_session, make_ticket
from tickets.actions import tickets as actions
from tickets.models import Ticket
from tickets.states import RemoteStatus, Status
from tickets.tasks import close_what_is_quiet

pytestmark = pytest.mark.django_db

DONE = AT + timedelta(hours=2)
LATER = AT + timedelta(days=1)


def resolve(ticket, by, **said):
    told = {"solution": "remote", "resolution": "重装驱动", "at": DONE} | said
    return actions.resolve(ticket, **told, by=by.as_actor())


def test_resolve_meets_the_clock_and_ends_the_others(engineer):
    ticket = make_ticket(Status.WAITING, engineer)

    resolve(ticket, engineer)

    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolved_at, ticket.clock) == (Status.RESOLVED, DONE, "met")
    assert not Deadline.objects.of(ticket).open().exists()
    assert Deadline.objects.of(ticket).get(kind="ticket.resolution").status == Clock.MET
    assert journal(ticket)[-1] == ("ticket.resolved", DONE, "张伟")


def test_resolved_too_late_stays_missed(engineer):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)

    resolve(ticket, engineer, at=AT + timedelta(hours=24, seconds=1))

    clock = Deadline.objects.of(ticket).get(kind="ticket.resolution")
    assert (clock.late, clock.missed_at) == (True, AT + timedelta(hours=24))
    assert ticket.clock == "late"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"resolution": " "}, "resolution"),
        ({"solution": "magic"}, "solution"),
        ({"at": AT - timedelta(minutes=1)}, "at"),
    ],
)
def test_resolving_says_how_and_what(said, field, engineer):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)

    with pytest.raises(Refused) as refused:
        resolve(ticket, engineer, **said)

    assert refused.value.field == field


@pytest.mark.parametrize(
    "status", [RemoteStatus.PREPARED, RemoteStatus.CONSENTED, RemoteStatus.RUNNING]
)
def test_a_remote_session_that_is_open_comes_first(status, engineer):
    session = make_session(status, engineer)

    with pytest.raises(Refused, match=session.number):
        resolve(session.ticket, engineer)


def test_close_by_the_customers_word_keeps_the_answers_of_the_rules(helpdesk):
    """OPS-12"""
    ticket = make_ticket(Status.RESOLVED, owner=helpdesk)

    actions.close(
        ticket, closing="confirmed", confirmed_by="李晓梅", evidence="CA-20260302-0003", at=DONE,
        by=helpdesk.as_actor(),
    )  # fmt: skip

    ticket.refresh_from_db()
    assert (ticket.status, ticket.closed_at) == (Status.CLOSED, DONE)
    assert journal(ticket)[-1] == ("ticket.closed", DONE, "何雪")
    kept = RuleResult.objects.get(rule="OPS-12", subject_id=ticket.pk)
    assert (kept.answer, kept.person_id) == ("kept", helpdesk.pk)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"closing": "because"}, "closing"),
        ({"closing": "automatic"}, "closing"),
        ({"closing": "confirmed", "at": AT + RESOLVED - timedelta(seconds=1)}, "at"),
    ],
)
def test_close_is_refused(said, field, helpdesk):
    ticket = make_ticket(Status.RESOLVED, owner=helpdesk)

    with pytest.raises(Refused) as refused:
        actions.close(ticket, **{"at": DONE} | said, by=helpdesk.as_actor())

    assert refused.value.field == field


def test_a_quiet_ticket_closes_by_itself_after_the_set_time(helpdesk, time_machine):
    # Heard of when it happened; what is reported late waits from then on.
    with replaying():
        quiet = make_ticket(Status.RESOLVED, owner=helpdesk)
        fresh = make_ticket(Status.RESOLVED, owner=helpdesk, at=AT + timedelta(hours=1))
    open_one = make_ticket(Status.IN_PROGRESS, owner=helpdesk)
    time_machine.move_to(AT + RESOLVED + timedelta(days=settings.TICKET_CLOSE_DAYS), tick=False)

    assert close_what_is_quiet() == 1
    assert close_what_is_quiet() == 0

    status = {t.pk: (t.status, t.closing) for t in Ticket.objects.all()}
    assert status[quiet.pk] == (Status.CLOSED, Ticket.Closing.AUTOMATIC)
    assert status[fresh.pk][0] == Status.RESOLVED
    assert status[open_one.pk][0] == Status.IN_PROGRESS
    assert journal(quiet)[-1][2] == SYSTEM.label


def test_reopen_gives_24_new_hours_and_keeps_what_was(helpdesk, engineer):
    ticket = make_ticket(Status.CLOSED, engineer, owner=helpdesk)

    actions.reopen(ticket, reason="又打不出来了", at=LATER, by=helpdesk.as_actor())

    ticket.refresh_from_db()
    assert (ticket.status, ticket.reopened_count) == (Status.IN_PROGRESS, 1)
    assert (ticket.resolved_at, ticket.closed_at, ticket.closing) == (None, None, "")
    assert ticket.due_at == LATER + timedelta(hours=24)
    clocks = Deadline.objects.of(ticket).filter(kind="ticket.resolution").order_by("id")
    assert [c.status for c in clocks] == [Clock.MET, Clock.RUNNING]
    types = [entry[0] for entry in journal(ticket)]
    assert types.index("ticket.resolved") < types.index("ticket.reopened")
    assert ticket.history.filter(resolution="重装打印驱动后正常").exists()


def test_an_expected_time_that_is_over_does_not_count_again(helpdesk):
    ticket = make_ticket(
        Status.CLOSED, owner=helpdesk, expected_at=AT + timedelta(hours=3), no_wish=False
    )

    actions.reopen(ticket, reason="又坏了", at=LATER, by=helpdesk.as_actor())

    assert ticket.due_at == LATER + timedelta(hours=24)


@pytest.mark.parametrize(
    ("said", "field"),
    [({"reason": " "}, "reason"), ({"at": AT + CLOSED - timedelta(seconds=1)}, "at")],
)
def test_reopen_is_refused(said, field, helpdesk):
    ticket = make_ticket(Status.CLOSED, owner=helpdesk)

    with pytest.raises(Refused) as refused:
        actions.reopen(ticket, **{"reason": "又坏了", "at": LATER} | said, by=helpdesk.as_actor())

    assert refused.value.field == field


def test_nothing_is_reported_from_before_the_reopening(helpdesk, engineer):
    ticket = make_ticket(Status.CLOSED, engineer, owner=helpdesk)
    actions.reopen(ticket, reason="又坏了", at=LATER, by=helpdesk.as_actor())

    with pytest.raises(Refused) as refused:
        resolve(ticket, engineer, at=LATER - timedelta(hours=1))

    assert refused.value.field == "at"


def test_unconfirmed_and_opened_again_the_first_clock_goes_on(helpdesk, engineer):
    """SLA-1: what was no solution did not stop the 24 hours."""
    ticket = make_ticket(Status.RESOLVED, engineer, owner=helpdesk)
    again = AT + timedelta(hours=23, minutes=59)

    actions.reopen(ticket, reason="没好", at=again, by=helpdesk.as_actor())

    assert ticket.due_at == AT + timedelta(hours=24)
    old, new = Deadline.objects.of(ticket).filter(kind="ticket.resolution").order_by("id")
    assert (old.status, new.status) == (Clock.MET, Clock.RUNNING)
    assert (new.started_at, new.original_due_at) == (old.started_at, old.original_due_at)
    assert sla_1(ticket) == "not_applicable"
    resolve(ticket, engineer, at=again + timedelta(hours=23))
    assert sla_1(ticket) == "broken"


def test_opened_again_and_solved_within_the_first_24_hours_it_is_kept(helpdesk, engineer):
    ticket = make_ticket(Status.RESOLVED, engineer, owner=helpdesk)
    actions.reopen(ticket, reason="没好", at=AT + RESOLVED, by=helpdesk.as_actor())
    resolve(ticket, engineer, at=AT + timedelta(hours=20))
    assert sla_1(ticket) == "kept"


@pytest.mark.parametrize("named", ["李店长", " "])
def test_only_a_customer_who_is_named_makes_it_a_new_report(named, helpdesk, engineer):
    ticket = make_ticket(Status.RESOLVED, engineer, owner=helpdesk)
    by = helpdesk.as_actor()
    actions.close(ticket, closing="confirmed", confirmed_by=named, at=AT + RESOLVED, by=by)

    actions.reopen(ticket, reason="又坏了", at=LATER + timedelta(hours=1), by=by)
    resolve(ticket, engineer, at=LATER + timedelta(hours=2))

    assert sla_1(ticket) == ("kept" if named.strip() else "broken")


def test_an_extension_agreed_on_before_stays_agreed_on(helpdesk, engineer):
    from sla import deadlines

    ticket = make_ticket(Status.IN_PROGRESS, engineer, owner=helpdesk)
    with_consent = AT + timedelta(hours=48)
    deadlines.move(
        "ticket.resolution", ticket, due_at=with_consent, cause="extension", reason="等配件",
        at=AT + timedelta(hours=20), by=SYSTEM,
    )  # fmt: skip
    resolve(ticket, engineer, at=AT + timedelta(hours=30))

    actions.reopen(ticket, reason="没好", at=AT + timedelta(hours=40), by=helpdesk.as_actor())
    assert ticket.due_at == with_consent
    resolve(ticket, engineer, at=AT + timedelta(hours=47))

    assert sla_1(ticket) == "kept"
    clock = Deadline.objects.of(ticket).filter(kind="ticket.resolution").latest("pk")
    assert (clock.original_due_at, clock.due_at) == (AT + timedelta(hours=24), with_consent)


def sla_1(ticket):
    return next(found.answer for rule, found in evaluate(ticket) if rule.id == "SLA-1")


def test_the_journal_tells_the_same_of_a_clock_that_goes_on(helpdesk, engineer):
    ticket = make_ticket(Status.RESOLVED, engineer, owner=helpdesk)
    actions.reopen(ticket, reason="没好", at=LATER, by=helpdesk.as_actor())
    resolve(ticket, engineer, at=LATER + timedelta(hours=1))

    assert list(rebuild(Deadline.objects.of(ticket))) == []
