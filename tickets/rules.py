"""Handbook rules as checks: GEN-1, CALL, SLA, OPS-1, OPS-12, REM.

No check reads a clock. What is not decided yet, because the ticket is open and nothing was
missed, is “not applicable” until it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from servicedesk.core.models import Entry
from servicedesk.core.rules import (
    Finding,
    Journal,
    broken,
    kept,
    not_applicable,
    not_provable,
    rule,
)
from sla.events import DeadlineMet, DeadlineMoved, DeadlineStepFired
from sla.models import Deadline, Escalation
from tickets.events import (
    ExtensionConsented,
    ExtensionProposed,
    HandoverAccepted,
    HandoverDeclined,
    HandoverRequested,
    RemoteClosed,
    RemoteConsented,
    RemoteStarted,
    RemoteStepAdded,
    TicketAssigned,
    TicketClosed,
    TicketMarkedUrgent,
    TicketOpened,
    TicketResolved,
    TicketResponded,
)
from tickets.models import Call, CallbackPromise, Message, RemoteSession, Ticket
from tickets.states import OPEN, MessageStatus, PromiseStatus, RemoteStatus, Status

TICKET = "tickets.ticket"
SESSION = "tickets.remotesession"
MISSED = _lazy("The time limit ran out before it was done.")


def _misses(journal: Journal, kind: str) -> list[Entry]:
    """Entries that show that a clock of this kind ran out."""
    fired = [e for e in journal.all(DeadlineStepFired.type) if e.data["missed"]]
    late = [e for e in journal.all(DeadlineMet.type) if e.data["late"]]
    # Moved when it had run out already: the miss stands.
    moved = [
        e
        for e in journal.all(DeadlineMoved.type)
        if e.at > datetime.fromisoformat(e.data["old_due_at"])
    ]
    return [e for e in (*fired, *late, *moved) if e.data["kind"] == kind]


def _met(journal: Journal, kind: str) -> list[Entry]:
    return [e for e in journal.all(DeadlineMet.type) if e.data["kind"] == kind]


def _clock_kept(ticket: Ticket, journal: Journal, kind: str, *deeds: Entry | None) -> Finding:
    """Whether a clock was met in time, missed, is still open, or was never recorded."""
    if misses := _misses(journal, kind):
        return broken(*misses, *_known(deeds), note=str(MISSED))
    if met := _met(journal, kind):
        return kept(*met, *_known(deeds))
    if ticket.status in OPEN:
        return not_applicable()
    return not_provable(_("The journal has no deadline of this kind."))


def _known(entries: Iterable[Entry | None]) -> list[Entry]:
    return [entry for entry in entries if entry is not None]


@rule("GEN-1", subject=TICKET, title=_lazy("No request is ignored"))
def has_owner_and_next_deadline(ticket: Ticket, journal: Journal) -> Finding:
    opened = journal.first(TicketOpened.type)
    if opened is None:
        return not_provable(_("The journal does not tell how the ticket came in."))
    if ticket.status not in OPEN:
        return kept(opened, *_known([journal.last(TicketResolved.type)]))
    if Deadline.objects.of(ticket).open().exists():
        return kept(opened)
    return broken(opened, note=_("Open, and no deadline watches it."))


@rule("SLA-1", subject=TICKET, title=_lazy("Solved within 24 hours, or by the expected time"))
def solved_in_time(ticket: Ticket, journal: Journal) -> Finding:
    """Opened again, it is not solved: what a former solution met says nothing until the end."""
    if ticket.status in OPEN and not _misses(journal, "ticket.resolution"):
        return not_applicable()
    return _clock_kept(
        ticket, journal, "ticket.resolution",
        journal.first(TicketOpened.type), journal.last(TicketResolved.type),
    )  # fmt: skip


@rule("SLA-2", subject=TICKET, title=_lazy("The customer's expected time is asked and recorded"))
def expectation_recorded(ticket: Ticket, journal: Journal) -> Finding:
    opened = journal.first(TicketOpened.type)
    if opened is None:
        return not_provable(_("The journal does not tell how the ticket came in."))
    if opened.data["expected_at"] or opened.data["no_wish"]:
        return kept(opened)
    return broken(opened)


@rule("SLA-3", subject=TICKET, title=_lazy("Urgent requests take the fast track"))
def urgent_is_fast(ticket: Ticket, journal: Journal) -> Finding:
    if not ticket.is_urgent:
        return not_applicable()
    marked = journal.first(TicketMarkedUrgent.type) or journal.first(TicketOpened.type)
    return _clock_kept(
        ticket, journal, "ticket.response", marked, journal.first(TicketResponded.type)
    )


@rule("SLA-4", subject=TICKET, title=_lazy("Handling is arranged at once"))
def assigned_at_once(ticket: Ticket, journal: Journal) -> Finding:
    return _clock_kept(ticket, journal, "ticket.assignment", journal.first(TicketAssigned.type))


@rule("SLA-5", subject=TICKET, title=_lazy("More than 24 hours only by plan and consent"))
def longer_only_with_consent(ticket: Ticket, journal: Journal) -> Finding:
    """A consent that came after the miss does not undo it."""
    missed = _misses(journal, "ticket.resolution")
    consents = journal.all(ExtensionConsented.type)
    if missed:
        note = _("The time limit ran out before the customer consented to more.")
        return broken(*missed, *consents, note=note if consents else str(MISSED))
    if consents:
        return kept(*journal.all(ExtensionProposed.type), *consents)
    if ticket.status in OPEN:
        return not_applicable()
    opened, resolved = journal.first(TicketOpened.type), journal.last(TicketResolved.type)
    if opened is None or resolved is None:
        return not_provable(_("The journal does not tell when it was received and solved."))
    if ticket.reopened_count or resolved.at - opened.at <= timedelta(hours=24):
        return not_applicable()
    return broken(
        opened, resolved, note=_("Solved after more than 24 hours, without plan and consent.")
    )


@rule("SLA-6", subject=TICKET, title=_lazy("First response within 30 minutes"))
def answered_in_time(ticket: Ticket, journal: Journal) -> Finding:
    return _clock_kept(
        ticket, journal, "ticket.response",
        journal.first(TicketOpened.type), journal.first(TicketResponded.type),
    )  # fmt: skip


@rule("SLA-7", subject=TICKET, title=_lazy("Escalations go up step by step and are acknowledged"))
def escalations_acknowledged(ticket: Ticket, journal: Journal) -> Finding:
    fired = journal.all(DeadlineStepFired.type)
    if not fired:
        return not_applicable()
    waiting = Escalation.objects.filter(deadline__in=Deadline.objects.of(ticket)).open()
    if not waiting.exists():
        return kept(*fired)
    if ticket.status in OPEN:
        return not_applicable()
    return broken(*fired, note=_("Nobody acknowledged at least one of them."))


@rule("OPS-1", subject=TICKET, title=_lazy("The first-contact owner owns it until accepted"))
def owned_without_a_gap(ticket: Ticket, journal: Journal) -> Finding:
    opened = journal.first(TicketOpened.type)
    if opened is None:
        return not_provable(_("The journal does not tell who took it in."))
    accepted = journal.all(HandoverAccepted.type)
    answered = [*accepted, *journal.all(HandoverDeclined.type)]
    offered = journal.all(HandoverRequested.type)
    owner_id = accepted[-1].data["to_user_id"] if accepted else opened.data["owner_id"]
    if owner_id != ticket.owner_id:
        return broken(opened, *accepted, note=_("The owner changed without acceptance."))
    if len(offered) > len(answered) and ticket.status == Status.CLOSED:
        return broken(*offered, note=_("A hand-over was never answered."))
    return kept(opened, *offered, *answered)


@rule("OPS-12", subject=TICKET, title=_lazy("Closed by the customer's word, or after a set time"))
def closed_rightly(ticket: Ticket, journal: Journal) -> Finding:
    if ticket.status != Status.CLOSED:
        return not_applicable()
    closed, resolved = journal.last(TicketClosed.type), journal.last(TicketResolved.type)
    if closed is None or resolved is None:
        return not_provable(_("The journal does not tell how it was closed."))
    if closed.data["closing"] == Ticket.Closing.AUTOMATIC:
        waited = closed.at - resolved.at >= timedelta(days=settings.TICKET_CLOSE_DAYS)
        return kept(resolved, closed) if waited else broken(resolved, closed)
    if closed.data["confirmed_by"]:
        return kept(closed)
    return not_provable(_("It is not noted who of the customer confirmed it."))


# --- Remote sessions -------------------------------------------------------------------------


@rule("REM-1", subject=SESSION, title=_lazy("No remote session without consent"))
def consent_came_first(session: RemoteSession, journal: Journal) -> Finding:
    if session.started_at is None:
        return not_applicable()
    consent, started = journal.first(RemoteConsented.type), journal.first(RemoteStarted.type)
    if started is None:
        return not_provable(_("The journal does not tell when it started."))
    if consent is None or consent.at > started.at:
        return broken(started)
    return kept(consent, started)


@rule("REM-2", subject=SESSION, title=_lazy("The customer watches, and confirms the end"))
def customer_watched(session: RemoteSession, journal: Journal) -> Finding:
    """On the telephone the customer does it himself; there is nothing to watch."""
    closed = journal.last(RemoteClosed.type)
    if session.status != RemoteStatus.CLOSED or session.channel == RemoteSession.Channel.PHONE:
        return not_applicable()
    if closed is None:
        return not_provable(_("The journal does not tell how it ended."))
    if not session.watcher:
        return broken(closed, note=_("Nobody of the customer watched."))
    if not session.end_confirmed_by:
        return not_provable(_("It is not noted who confirmed the end."))
    return kept(closed)


@rule("REM-3", subject=SESSION, title=_lazy("Telephone guidance has its call record"))
def guidance_has_a_call(session: RemoteSession, journal: Journal) -> Finding:
    started = journal.first(RemoteStarted.type)
    if session.channel != RemoteSession.Channel.PHONE or started is None:
        return not_applicable()
    if session.ticket.calls.exists():
        return kept(started)
    return not_provable(_("No call is recorded with the ticket."))


@rule("REM-4", subject=SESSION, title=_lazy("Steps and results are recorded and classified"))
def steps_are_recorded(session: RemoteSession, journal: Journal) -> Finding:
    closed, steps = journal.last(RemoteClosed.type), journal.all(RemoteStepAdded.type)
    if session.status != RemoteStatus.CLOSED:
        return not_applicable()
    if closed is None:
        return not_provable(_("The journal does not tell how it ended."))
    if session.category_id is None or not session.steps.exists():
        return broken(closed, *steps)
    if session.steps.filter(outcome="").exists():
        return broken(closed, *steps, note=_("A step has no result."))
    return kept(*steps, closed)


@rule(
    "REM-5", subject=SESSION, title=_lazy("Other software and the customer's data stay untouched"),
    attested=True,
)  # fmt: skip
def data_stayed_untouched(session: RemoteSession, journal: Journal) -> Finding:
    closed = journal.last(RemoteClosed.type)
    if session.status != RemoteStatus.CLOSED:
        return not_applicable()
    if closed is None:
        return not_provable(_("The journal does not tell how it ended."))
    return kept(closed) if session.data_untouched else broken(closed, note=session.changes_made)


# --- Calls, messages, promises: GEN-1 and §2 of the handbook ----------------------------------

CALL, MESSAGE, PROMISE = "tickets.call", "tickets.message", "tickets.callbackpromise"
MOST_RINGS = 3
FAULT = frozenset({Call.Outcome.SOLVED, Call.Outcome.TICKET, Call.Outcome.VISIT})


@rule("GEN-1", subject=CALL, title=_lazy("No request is ignored"))
def call_has_an_end(call: Call, journal: Journal) -> Finding:
    """What the outcome speaks of exists, and somebody has it."""
    match call.outcome:
        case Call.Outcome.MESSAGE:
            follows = call.messages.exists()
        case Call.Outcome.PROMISE:
            follows = call.promises.exists()
        case Call.Outcome.REFERRAL:
            follows = call.referral_id is not None
        case Call.Outcome.WRONG_NUMBER:
            follows = True
        case _:
            follows = call.ticket_id is not None
    if not follows:
        return broken(note=_("Nothing came of the call."))
    return kept(*journal.all("call.ended"))


def _looked_after(record: Message | CallbackPromise, journal: Journal, *, over: bool) -> Finding:
    if over or Deadline.objects.of(record).open().exists():
        return kept(*journal.entries[-1:])
    return broken(note=_("Open, and no deadline watches it."))


@rule("GEN-1", subject=MESSAGE, title=_lazy("No request is ignored"))
def message_has_a_deadline(message: Message, journal: Journal) -> Finding:
    return _looked_after(message, journal, over=message.status == MessageStatus.DONE)


@rule("GEN-1", subject=PROMISE, title=_lazy("No request is ignored"))
def promise_has_a_deadline(promise: CallbackPromise, journal: Journal) -> Finding:
    return _looked_after(promise, journal, over=promise.status != PromiseStatus.OPEN)


@rule("CALL-1", subject=CALL, title=_lazy("Answered within three rings"))
def answered_within_three_rings(call: Call, journal: Journal) -> Finding:
    if call.ring_count is None:
        return not_provable(_("The number of rings is not known."))
    if call.ring_count > MOST_RINGS:
        return broken(*journal.all("call.ended"), note=_("%d rings") % call.ring_count)
    return kept(*journal.all("call.ended"))


@rule("CALL-2", subject=CALL, title=_lazy("Greeted with company and own name"), attested=True)
def greeted(call: Call, journal: Journal) -> Finding:
    if not call.greeted:
        return not_provable(_("The greeting was not ticked."))
    return kept(*journal.all("call.ended"))


@rule("CALL-3", subject=CALL, title=_lazy("Wrong numbers are told so kindly"), attested=True)
def wrong_number_told(call: Call, journal: Journal) -> Finding:
    if call.outcome != Call.Outcome.WRONG_NUMBER:
        return not_applicable()
    return kept(*journal.all("call.ended"))


@rule("CALL-4", subject=MESSAGE, title=_lazy("Messages reach the colleague, who calls back"))
def message_answered(message: Message, journal: Journal) -> Finding:
    if message.done_at is None:
        return not_provable(_("Nobody has called back yet."))
    evidence = journal.all("message.taken", "message.read", "message.finished")
    if message.done_at > message.call_back_by:
        return broken(*evidence, note=_("Called back too late."))
    return kept(*evidence)


@rule("CALL-5", subject=CALL, title=_lazy("Out of scope: the caller is shown a way"))
def referred(call: Call, journal: Journal) -> Finding:
    if call.outcome != Call.Outcome.REFERRAL:
        return not_applicable()
    return kept(*journal.all("call.ended"), note=str(call.referral))


@rule("CALL-6", subject=PROMISE, title=_lazy("What was promised is answered by then"))
def promise_kept(promise: CallbackPromise, journal: Journal) -> Finding:
    if promise.status == PromiseStatus.DROPPED:
        return not_applicable()
    if promise.kept_at is None:
        return not_provable(_("The answer is not given yet."))
    evidence = journal.all("promise.made", "promise.moved", "promise.kept")
    if promise.kept_at > promise.due_at:
        return broken(*evidence, note=_("Answered too late."))
    return kept(*evidence)


@rule(
    "CALL-7", subject=PROMISE, title=_lazy("A time that cannot be kept is moved before it passes")
)
def promise_moved_in_time(promise: CallbackPromise, journal: Journal) -> Finding:
    moves = journal.all("promise.moved")
    if late := [move for move in moves if not move.data["in_time"]]:
        return broken(*late, note=_("The caller heard of it only after the time had passed."))
    if promise.kept_at is not None and promise.kept_at > promise.due_at:
        return broken(*journal.all("promise.kept"), note=_("The caller was not told before."))
    return kept(*moves) if moves else not_applicable()


@rule("CALL-8", subject=CALL, title=_lazy("Store, name, form of address and number are registered"))
def caller_registered(call: Call, journal: Journal) -> Finding:
    if call.outcome not in FAULT | {Call.Outcome.EXISTING}:
        return not_applicable()
    asked = {
        _("store"): call.store_id,
        _("name"): call.caller_name,
        _("form of address"): call.salutation,
        _("number"): call.caller_number,
    }
    if missing := [name for name, value in asked.items() if not value]:
        note = _("Not registered: %(what)s") % {"what": "、".join(missing)}
        return broken(*journal.all("call.ended"), note=note)
    return kept(*journal.all("call.ended"))


@rule("CALL-9", subject=CALL, title=_lazy("The product in use is confirmed"))
def product_confirmed(call: Call, journal: Journal) -> Finding:
    if call.outcome not in FAULT:
        return not_applicable()
    if call.installation_id is not None:
        return kept(*journal.all("call.ended"))
    if call.product_id is not None:
        return not_provable(_("A product was named that is not registered at the store."))
    return broken(*journal.all("call.ended"), note=_("No product was named."))


@rule("CALL-10", subject=CALL, title=_lazy("Help by telephone is offered"))
def phone_help_offered(call: Call, journal: Journal) -> Finding:
    if call.outcome not in FAULT:
        return not_applicable()
    if call.phone_solution_offered:
        return kept(*journal.all("call.ended"))
    return broken(*journal.all("call.ended"), note=_("Help by telephone was not offered."))


@rule("CALL-11", subject=CALL, title=_lazy("The record is confirmed to the caller"), attested=True)
def confirmed_to_the_caller(call: Call, journal: Journal) -> Finding:
    if call.outcome not in {Call.Outcome.TICKET, Call.Outcome.VISIT, Call.Outcome.EXISTING}:
        return not_applicable()
    if call.read_back:
        return kept(*journal.all("call.ended"))
    return broken(*journal.all("call.ended"), note=_("It was not read back."))
