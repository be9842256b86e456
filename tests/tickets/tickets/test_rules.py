"""The answers of SLA-1 … SLA-7, OPS-1, OPS-12, GEN-1 on tickets, REM-1 … REM-5 on sessions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from servicedesk.core import timeline
from servicedesk.core.actions import action
from servicedesk.core.actors import SYSTEM
from servicedesk.core.models import Entry, EntrySubject
from servicedesk.core.rules import RULES, Journal, journal_of
from sla import actions as sla_actions
from sla import deadlines
from sla.models import Escalation
from sla.sweeping import sweep
from tests.conftest import AT
from tests.tickets.tickets.factories import make_call, make_session, make_ticket
from tickets.actions import extensions, handovers
from tickets.actions import tickets as actions
from tickets.models import Call, Ticket
from tickets.states import RemoteStatus, Status

pytestmark = pytest.mark.django_db

SOON = AT + timedelta(minutes=20)
LATE = AT + timedelta(hours=25)


def ask(rule_id, record, journal=None):
    kind = record._meta.label_lower
    return RULES[rule_id, kind].check(record, journal or journal_of(record))


def without(record, *types):
    """The journal as it would be, had these entries never been written."""
    return Journal([e for e in journal_of(record).entries if e.type not in types])


def resolve(ticket, at, by):
    actions.resolve(ticket, solution="phone", resolution="好了", at=at, by=by.as_actor())
    return ticket


def proofs(finding):
    return {entry.type for entry in finding.evidence}


def test_gen_1(helpdesk):
    """GEN-1"""
    watched, alone, closed = (
        make_ticket(owner=helpdesk), make_ticket(owner=helpdesk),
        make_ticket(Status.CLOSED, owner=helpdesk),
    )  # fmt: skip
    deadlines.cancel(alone, at=SOON, by=SYSTEM)

    assert ask("GEN-1", watched).answer == "kept"
    assert ask("GEN-1", closed).answer == "kept"
    assert ask("GEN-1", alone).answer == "broken"
    assert ask("GEN-1", watched, without(watched, "ticket.opened")).answer == "not_provable"


def test_sla_1(engineer):
    """SLA-1"""
    in_time = resolve(make_ticket(Status.IN_PROGRESS, engineer), SOON, engineer)
    too_late = resolve(make_ticket(Status.IN_PROGRESS, engineer), LATE, engineer)
    running = make_ticket(Status.IN_PROGRESS, engineer)

    kept = ask("SLA-1", in_time)
    assert (kept.answer, proofs(kept)) == (
        "kept", {"deadline.met", "ticket.opened", "ticket.resolved"},
    )  # fmt: skip
    assert ask("SLA-1", too_late).answer == "broken"
    assert ask("SLA-1", running).answer == "not_applicable"
    assert ask("SLA-1", in_time, without(in_time, "deadline.met")).answer == "not_provable"


def test_sla_1_is_broken_as_soon_as_the_sweep_says_so(engineer):
    """SLA-1: nobody has to resolve it before it counts."""
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    while sweep(LATE):
        pass

    missed = ask("SLA-1", ticket)

    assert (missed.answer, "deadline.escalated" in proofs(missed)) == ("broken", True)


def test_sla_1_the_customers_time_counts(engineer):
    """SLA-1"""
    ticket = make_ticket(
        Status.IN_PROGRESS, engineer, expected_at=AT + timedelta(hours=1), no_wish=False
    )

    assert ask("SLA-1", resolve(ticket, AT + timedelta(hours=2), engineer)).answer == "broken"


def test_sla_2(helpdesk):
    """SLA-2: neither asked cannot be written by us, but by a system that we took over."""
    ticket = make_ticket(owner=helpdesk)
    entry = Entry.objects.get(type="ticket.opened")
    entry.data |= {"no_wish": False, "expected_at": None}

    assert ask("SLA-2", ticket).answer == "kept"
    assert ask("SLA-2", ticket, Journal([entry])).answer == "broken"
    assert ask("SLA-2", ticket, Journal([])).answer == "not_provable"


def urgent(status, engineer, **more):
    return make_ticket(status, engineer, is_urgent=True, urgency_reason="排队", **more)


def test_sla_3(engineer):
    """SLA-3: ten minutes."""
    fast = urgent(Status.IN_PROGRESS, engineer)
    slow = urgent(Status.ASSIGNED, engineer)
    actions.start(slow, at=AT + timedelta(minutes=11), by=engineer.as_actor())

    assert ask("SLA-3", fast).answer == "kept"
    assert ask("SLA-3", slow).answer == "broken"
    assert ask("SLA-3", urgent(Status.ASSIGNED, engineer)).answer == "not_applicable"
    assert ask("SLA-3", make_ticket(Status.IN_PROGRESS, engineer)).answer == "not_applicable"
    closed = urgent(Status.CLOSED, engineer)
    assert ask("SLA-3", closed, without(closed, "deadline.met")).answer == "not_provable"


def test_sla_4(helpdesk, engineer):
    """SLA-4"""
    late = make_ticket(owner=helpdesk)
    actions.assign(late, assignee=engineer, at=AT + timedelta(minutes=31), by=helpdesk.as_actor())
    closed = make_ticket(Status.CLOSED, engineer)

    assert ask("SLA-4", make_ticket(Status.ASSIGNED, engineer)).answer == "kept"
    assert ask("SLA-4", late).answer == "broken"
    assert ask("SLA-4", make_ticket(owner=helpdesk)).answer == "not_applicable"
    assert ask("SLA-4", closed, without(closed, "deadline.met")).answer == "not_provable"


def extended(engineer, *, consent_at):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    by = engineer.as_actor()
    extension = extensions.propose_extension(
        ticket, plan="换机", proposed_due_at=AT + timedelta(days=2), at=SOON, by=by
    )
    call = make_call(ticket, at=consent_at, by=engineer)
    extensions.consent(extension, call=call, at=consent_at, by=by)
    ticket.refresh_from_db()
    return resolve(ticket, AT + timedelta(hours=30), engineer)


def test_sla_5(engineer):
    """SLA-5: a consent that comes after the miss does not undo it."""
    agreed = extended(engineer, consent_at=AT + timedelta(hours=20))
    afterwards = extended(engineer, consent_at=AT + timedelta(hours=25))
    never = resolve(make_ticket(Status.IN_PROGRESS, engineer), LATE, engineer)
    quick = resolve(make_ticket(Status.IN_PROGRESS, engineer), SOON, engineer)

    kept = ask("SLA-5", agreed)
    assert (kept.answer, proofs(kept)) == ("kept", {"extension.proposed", "extension.consented"})
    assert ask("SLA-5", afterwards).answer == "broken"
    assert ask("SLA-1", afterwards).answer == "broken"
    assert ask("SLA-1", agreed).answer == "kept"
    assert ask("SLA-5", never).answer == "broken"
    assert ask("SLA-5", never).note == "时限到了还没有完成。"
    assert ask("SLA-5", afterwards).note == "客户同意延长之前，时限已经到了。"
    late = [timeline.line(entry) for entry in ask("SLA-5", never).evidence]
    assert [str(each.label) for each in late] == ["超时后才完成"]
    assert ask("SLA-5", never, without(never, "deadline.met")).answer == "broken"
    assert ask("SLA-5", quick).answer == "not_applicable"
    assert ask("SLA-5", make_ticket(owner=engineer)).answer == "not_applicable"
    assert ask("SLA-5", quick, Journal([])).answer == "not_provable"


def test_sla_6(engineer):
    """SLA-6"""
    late = make_ticket(Status.ASSIGNED, engineer)
    actions.respond(late, at=AT + timedelta(minutes=31), by=engineer.as_actor())
    closed = make_ticket(Status.CLOSED, engineer)

    assert ask("SLA-6", make_ticket(Status.IN_PROGRESS, engineer)).answer == "kept"
    assert ask("SLA-6", late).answer == "broken"
    assert ask("SLA-6", make_ticket(owner=engineer)).answer == "not_applicable"
    assert ask("SLA-6", closed, without(closed, "deadline.met")).answer == "not_provable"


def test_sla_7(engineer, dispatcher):
    """SLA-7: each escalation is acknowledged by a person."""
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    assert ask("SLA-7", ticket).answer == "not_applicable"
    while sweep(LATE):
        pass
    assert ask("SLA-7", ticket).answer == "not_applicable"
    resolve(ticket, LATE, engineer)
    assert ask("SLA-7", ticket).answer == "broken"

    for escalation in Escalation.objects.open():
        sla_actions.acknowledge(escalation, at=LATE, by=dispatcher.as_actor())

    assert ask("SLA-7", ticket).answer == "kept"


def test_ops_1(helpdesk, other_helpdesk):
    """OPS-1"""
    handed = make_ticket(owner=helpdesk)
    handover = handovers.hand_over(
        handed, to_user=other_helpdesk, reason="交班", at=SOON, by=helpdesk.as_actor()
    )
    handovers.accept(handover, at=SOON, by=other_helpdesk.as_actor())
    handed.refresh_from_db()
    kept = ask("OPS-1", handed)
    assert (kept.answer, proofs(kept)) == (
        "kept", {"ticket.opened", "ticket.handover_requested", "ticket.handover_accepted"},
    )  # fmt: skip

    assert ask("OPS-1", make_ticket(owner=helpdesk)).answer == "kept"
    assert ask("OPS-1", handed, without(handed, "ticket.handover_accepted")).answer == "broken"
    assert ask("OPS-1", handed, Journal([])).answer == "not_provable"


def test_ops_1_a_hand_over_that_nobody_answered(helpdesk, other_helpdesk):
    """OPS-1"""
    ticket = make_ticket(Status.IN_PROGRESS, owner=helpdesk)
    handovers.hand_over(
        ticket, to_user=other_helpdesk, reason="交班", at=SOON, by=helpdesk.as_actor()
    )
    resolve(ticket, SOON, helpdesk)
    actions.close(ticket, closing="withdrawn", at=SOON, by=helpdesk.as_actor())

    assert ask("OPS-1", ticket).answer == "broken"


def closed_by(helpdesk, closing, *, days, confirmed_by=""):
    ticket = make_ticket(Status.RESOLVED, owner=helpdesk)
    actions.close(
        ticket, closing=closing, confirmed_by=confirmed_by,
        at=AT + timedelta(days=days, hours=1),
        by=SYSTEM if closing == "automatic" else helpdesk.as_actor(),
    )  # fmt: skip
    return ticket


def test_ops_12(helpdesk, settings):
    """OPS-12"""
    confirmed = closed_by(helpdesk, "confirmed", days=0, confirmed_by="李晓梅")
    quiet = closed_by(helpdesk, "automatic", days=3)
    silent = closed_by(helpdesk, "confirmed", days=0)

    assert ask("OPS-12", confirmed).answer == "kept"
    assert ask("OPS-12", quiet).answer == "kept"
    assert ask("OPS-12", silent).answer == "not_provable"
    assert ask("OPS-12", make_ticket(Status.RESOLVED, owner=helpdesk)).answer == "not_applicable"
    assert ask("OPS-12", confirmed, Journal([])).answer == "not_provable"
    settings.TICKET_CLOSE_DAYS = 7
    assert ask("OPS-12", quiet).answer == "broken"


# --- Remote sessions ---------------------------------------------------------------------------


def test_rem_1(engineer):
    """REM-1"""
    session = make_session(RemoteStatus.CLOSED, engineer)

    assert ask("REM-1", session).answer == "kept"
    assert ask("REM-1", session, without(session, "remote.consented")).answer == "broken"
    assert ask("REM-1", session, without(session, "remote.started")).answer == "not_provable"
    prepared = make_session(RemoteStatus.PREPARED, engineer)
    assert ask("REM-1", prepared).answer == "not_applicable"


def test_rem_2(engineer):
    """REM-2"""
    watched = make_session(RemoteStatus.CLOSED, engineer)

    assert ask("REM-2", watched).answer == "kept"
    assert ask("REM-2", make_session(RemoteStatus.CLOSED, engineer, watcher="")).answer == "broken"
    unconfirmed = make_session(RemoteStatus.CLOSED, engineer, end_confirmed_by="")
    assert ask("REM-2", unconfirmed).answer == "not_provable"
    assert ask("REM-2", watched, Journal([])).answer == "not_provable"
    guided = make_session(RemoteStatus.CLOSED, engineer, channel="phone", watcher="")
    assert ask("REM-2", guided).answer == "not_applicable"


def test_rem_3(engineer, helpdesk):
    """REM-3"""
    guided = make_session(RemoteStatus.CLOSED, engineer, channel="phone")
    assert ask("REM-3", guided).answer == "not_provable"
    assert ask("REM-3", make_session(RemoteStatus.CLOSED, engineer)).answer == "not_applicable"

    with_call(guided.ticket, helpdesk)

    assert ask("REM-3", guided).answer == "kept"


def with_call(ticket, helpdesk):

    @action
    def record_call(*, at, by):
        Call.objects.create(
            number="CA-20260302-0001", taken_by=helpdesk, outcome="ticket", answered_at=at,
            ended_at=at, ticket=ticket,
        )  # fmt: skip

    record_call(at=AT, by=helpdesk.as_actor())


def test_rem_4(engineer):
    """REM-4"""
    complete = make_session(RemoteStatus.CLOSED, engineer)

    assert ask("REM-4", complete).answer == "kept"
    assert ask("REM-4", make_session(RemoteStatus.CLOSED, engineer, outcome="")).answer == "broken"
    assert ask("REM-4", make_session(RemoteStatus.RUNNING, engineer)).answer == "not_applicable"
    assert ask("REM-4", complete, Journal([])).answer == "not_provable"


def test_rem_5(engineer):
    """REM-5, attested"""
    untouched = make_session(RemoteStatus.CLOSED, engineer)
    touched = make_session(
        RemoteStatus.CLOSED, engineer, data_untouched=False, changes_made="清空了离线积分表"
    )

    assert RULES["REM-5", "tickets.remotesession"].attested
    assert ask("REM-5", untouched).answer == "kept"
    broken = ask("REM-5", touched)
    assert (broken.answer, broken.note) == ("broken", "清空了离线积分表")
    assert ask("REM-5", make_session(RemoteStatus.RUNNING, engineer)).answer == "not_applicable"
    assert ask("REM-5", untouched, Journal([])).answer == "not_provable"


def test_evidence_is_in_the_journal(helpdesk):
    ticket = make_ticket(Status.CLOSED, owner=helpdesk)
    own = set(
        EntrySubject.objects.filter(
            kind="tickets.ticket", object_id=ticket.pk
        ).values_list("entry__uid", flat=True)
    )  # fmt: skip

    findings = [
        r.check(ticket, journal_of(ticket)) for (_, k), r in RULES.items() if k == "tickets.ticket"
    ]

    assert findings
    assert all({e.uid for e in f.evidence} <= own for f in findings)
    assert Ticket.objects.get().status == Status.CLOSED
