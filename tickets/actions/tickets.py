"""All that can happen to a ticket. Ownership, extensions and remote sessions are next door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.utils.translation import gettext as _

from accounts.models import User
from customers.models import Contact, Customer, Installation, Product, Store
from knowledge.models import FaultCategory
from servicedesk.core import files, rules
from servicedesk.core.actions import action, advance, begin, lock, require, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record
from servicedesk.core.models import Attachment, Entry
from servicedesk.core.numbering import next_number
from sla import deadlines
from sla.deadlines import By, Plan, Scope, plan
from sla.models import Deadline, DeadlineMove
from tickets.events import (
    ComplaintFlagged,
    FileAttached,
    NoteAdded,
    TicketAssigned,
    TicketClosed,
    TicketEdited,
    TicketMarkedUrgent,
    TicketOpened,
    TicketReopened,
    TicketResolved,
    TicketResponded,
    TicketResumed,
    TicketStarted,
    TicketWaiting,
    VisitRequested,
)
from tickets.models import Call, Note, Ticket
from tickets.states import OPEN, TICKET, RemoteStatus, Status

EDITABLE = frozenset({
    "title", "need", "contact", "product", "installation", "category", "expected_at", "no_wish",
})  # fmt: skip


@action
def open_ticket(
    *,
    title: str,
    need: str,
    customer: Customer,
    store: Store,
    contact: Contact | None = None,
    product: Product | None = None,
    installation: Installation | None = None,
    category: FaultCategory | None = None,
    is_urgent: bool = False,
    urgency_reason: str = "",
    expected_at: datetime | None = None,
    no_wish: bool = False,
    owner: User,
    at: datetime,
    by: Actor,
    call: Call | None = None,
) -> Ticket:
    """Take a need in: from now on it has an owner and three clocks."""
    require(by, "tickets.open")
    _check_expectation(expected_at, no_wish=no_wish, received_at=at)
    if is_urgent and not urgency_reason.strip():
        raise Refused(_("Say why it is urgent."), field="urgency_reason")
    check_worker(owner, field="owner")
    product = product or (installation.product if installation else None)
    scope = Scope(is_urgent, customer.pk, product.pk if product else None)
    clocks = {
        "ticket.response": By(),
        "ticket.assignment": By(),
        # SLA-1: within 24 hours, or earlier if the customer says so.
        "ticket.resolution": By(expected_at),
    }
    plans = plan(clocks, scope, at=at)
    ticket = Ticket(
        title=title,
        need=need,
        customer=customer,
        store=store,
        contact=contact,
        product=product,
        installation=installation,
        category=category,
        is_urgent=is_urgent,
        urgency_reason=urgency_reason if is_urgent else "",
        received_at=at,
        expected_at=expected_at,
        no_wish=no_wish,
        due_at=plans["ticket.resolution"].due_at,
        owner=owner,
    )
    _check_belonging(ticket)
    ticket.number = next_number("TK", at=at)
    ticket.save()
    start_clocks(ticket, plans, at=at, by=by)
    record(
        TicketOpened(
            at=at,
            ticket_id=ticket.pk,
            number=ticket.number,
            title=title,
            is_urgent=is_urgent,
            urgency_reason=ticket.urgency_reason,
            expected_at=expected_at.isoformat() if expected_at else None,
            no_wish=no_wish,
            due_at=ticket.due_at.isoformat(),
            owner_id=owner.pk,
            owner=owner.name,
        ),
        about=[ticket, customer, store, call],
        by=by,
    )
    return ticket


@action
def assign(ticket: Ticket, *, assignee: User, at: datetime, by: Actor) -> Ticket:
    """Give the work to a colleague; whoever had it is told."""
    step = begin(TICKET, "assign", ticket, by=by)
    if assignee.pk == ticket.assignee_id:
        raise Refused(_("%(person)s has it already.") % {"person": assignee.name}, field="assignee")
    check_worker(assignee, field="assignee")
    return _give(ticket, assignee, step, taken=False, at=at, by=by)


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row of a bulk action."""

    number: str
    ticket: Ticket | None
    ok: bool
    message: str


def assign_each(
    visible: models.QuerySet[Ticket],
    numbers: Sequence[str],
    *,
    assignee: User,
    at: datetime,
    by: Actor,
) -> list[RowResult]:
    """Assign many tickets, each in a transaction of its own: one refusal stops no other."""
    require(by, TICKET["assign"].permission)
    found = {ticket.number: ticket for ticket in visible.filter(number__in=numbers)}
    results = []
    for number in numbers:
        ticket = found.get(number)
        if ticket is None:
            results.append(RowResult(number, None, ok=False, message=_("There is no such ticket.")))
            continue
        try:
            assign(ticket, assignee=assignee, at=at, by=by)
        except Refused as refusal:
            results.append(RowResult(number, ticket, ok=False, message=str(refusal.message)))
        else:
            results.append(RowResult(number, ticket, ok=True, message=_("Assigned")))
    return results


@action
def take(ticket: Ticket, *, at: datetime, by: Actor) -> Ticket:
    step = begin(TICKET, "take", ticket, by=by)
    return _give(ticket, colleague(by), step, taken=True, at=at, by=by)


def _give(
    ticket: Ticket, assignee: User, step: Any, *, taken: bool, at: datetime, by: Actor
) -> Ticket:
    check_moment(ticket, at)
    former_id = ticket.assignee_id
    ticket.assignee = assignee
    ticket.waiting_reason, ticket.waiting_until = "", None
    run_on(ticket, at=at, by=by)
    advance(ticket, step, "assignee", "waiting_reason", "waiting_until", "due_at")
    deadlines.meet("ticket.assignment", ticket, at=at, by=by)
    deadlines.cancel(ticket, "ticket.follow_up", at=at, by=by)
    deadlines.reassign(ticket, assignee, by=by)
    record(
        TicketAssigned(
            at=at,
            ticket_id=ticket.pk,
            number=ticket.number,
            title=ticket.title,
            assignee_id=assignee.pk,
            assignee=assignee.name,
            former_id=former_id,
            taken=taken,
            is_urgent=ticket.is_urgent,
        ),
        about=[ticket],
        by=by,
    )
    return ticket


@action
def respond(ticket: Ticket, *, at: datetime, by: Actor) -> Ticket:
    """The first response to the customer (SLA-6)."""
    begin(TICKET, "respond", ticket, by=by)
    check_moment(ticket, at)
    if ticket.responded_at is not None:
        raise Refused(_("The first response is recorded already."))
    note_response(ticket, at=at, by=by)
    save_changes(ticket, "responded_at")
    return ticket


@action
def start(ticket: Ticket, *, at: datetime, by: Actor) -> Ticket:
    """Work begins; that is a response too, if none was recorded."""
    step = begin(TICKET, "start", ticket, by=by)
    check_moment(ticket, at)
    note_response(ticket, at=at, by=by)
    advance(ticket, step, "responded_at")
    record(TicketStarted(at=at, ticket_id=ticket.pk, number=ticket.number), about=[ticket], by=by)
    return ticket


@action
def wait(ticket: Ticket, *, reason: str, until: datetime, at: datetime, by: Actor) -> Ticket:
    """Wait for something.

    The 24 hours go on, since only the customer's consent moves them (SLA-5); a contract whose
    policy allows pauses may say otherwise.
    """
    step = begin(TICKET, "wait", ticket, by=by)
    check_moment(ticket, at)
    if not reason.strip():
        raise Refused(_("Say what the ticket waits for."), field="reason")
    if until <= at:
        raise Refused(_("The time to wait until must be in the future."), field="until")
    ticket.waiting_reason, ticket.waiting_until = reason, until
    advance(ticket, step, "waiting_reason", "waiting_until")
    start_clocks(ticket, {"ticket.follow_up": until}, at=at, by=by)
    deadlines.pause(ticket, "ticket.resolution", reason=reason, until=until, at=at, by=by)
    record(
        TicketWaiting(
            at=at, ticket_id=ticket.pk, number=ticket.number, reason=reason,
            until=until.isoformat(),
        ),
        about=[ticket],
        by=by,
    )  # fmt: skip
    return ticket


@action
def resume(ticket: Ticket, *, at: datetime, by: Actor) -> Ticket:
    step = begin(TICKET, "resume", ticket, by=by)
    check_moment(ticket, at)
    ticket.waiting_reason, ticket.waiting_until = "", None
    run_on(ticket, at=at, by=by)
    advance(ticket, step, "waiting_reason", "waiting_until", "due_at")
    deadlines.meet("ticket.follow_up", ticket, at=at, by=by)
    record(TicketResumed(at=at, ticket_id=ticket.pk, number=ticket.number), about=[ticket], by=by)
    return ticket


@action
def resolve(ticket: Ticket, *, solution: str, resolution: str, at: datetime, by: Actor) -> Ticket:
    """The need is met. Open visits refuse it (they listen to `TicketResolved`)."""
    step = begin(TICKET, "resolve", ticket, by=by)
    check_moment(ticket, at)
    given = _last(ticket, TicketAssigned.type)
    if given is not None and at < given:
        raise Refused(_("That is before the ticket was assigned."), field="at")
    if solution not in Ticket.Solution.values:
        raise Refused(_("Say how it was solved."), field="solution")
    if not resolution.strip():
        raise Refused(_("Write down what solved it."), field="resolution")
    session = ticket.remote_sessions.filter(
        status__in=[RemoteStatus.PREPARED, RemoteStatus.CONSENTED, RemoteStatus.RUNNING]
    ).first()
    if session is not None:
        raise Refused(
            _("Remote session %(session)s is still open; end it first.") % {"session": session}
        )
    note_response(ticket, at=at, by=by)
    ticket.waiting_reason, ticket.waiting_until = "", None
    ticket.resolved_at, ticket.solution, ticket.resolution = at, solution, resolution
    run_on(ticket, at=at, by=by)
    advance(
        ticket, step, "responded_at", "waiting_reason", "waiting_until", "resolved_at", "solution",
        "resolution", "due_at",
    )  # fmt: skip
    deadlines.meet("ticket.resolution", ticket, at=at, by=by)
    deadlines.cancel(ticket, at=at, by=by)
    record(
        TicketResolved(
            at=at,
            ticket_id=ticket.pk,
            number=ticket.number,
            solution=solution,
            solution_label=str(Ticket.Solution(solution).label),
            resolution=resolution,
        ),
        about=[ticket, ticket.customer, ticket.store],
        by=by,
    )
    return ticket


@action
def close(
    ticket: Ticket,
    *,
    closing: str,
    confirmed_by: str = "",
    evidence: str = "",
    at: datetime,
    by: Actor,
) -> Ticket:
    """Done with it: the customer confirmed, withdrew, or did not report again (OPS-12).

    `confirmed_by` is the customer's person, `evidence` the call or message it was said in.
    """
    step = begin(TICKET, "close", ticket, by=by)
    assert ticket.resolved_at is not None
    if closing not in Ticket.Closing.values:
        raise Refused(_("Say why it is closed."), field="closing")
    if at < ticket.resolved_at:
        raise Refused(_("It was not resolved yet at that time."), field="at")
    if closing == Ticket.Closing.AUTOMATIC and by.kind != "system":
        raise Refused(
            _("Without the customer's word a ticket closes by itself only."), field="closing"
        )
    if closing == Ticket.Closing.AUTOMATIC and at < automatic_closing_at(ticket):
        raise Refused(
            _("Without the customer's word it closes %(days)s days after the solution.")
            % {"days": settings.TICKET_CLOSE_DAYS},
            field="closing",
        )
    ticket.closed_at, ticket.closing = at, closing
    advance(ticket, step, "closed_at", "closing")
    record(
        TicketClosed(
            at=at,
            ticket_id=ticket.pk,
            number=ticket.number,
            closing=closing,
            closing_label=str(Ticket.Closing(closing).label),
            confirmed_by=confirmed_by,
            evidence=evidence,
        ),
        about=[ticket, ticket.customer, ticket.store],
        by=by,
    )
    rules.store(
        ticket,
        counts_at=ticket.received_at,
        person_id=ticket.owner_id,
        team_id=ticket.owner.team_id,
        at=at,
    )
    return ticket


def automatic_closing_at(ticket: Ticket) -> datetime:
    assert ticket.resolved_at is not None
    return ticket.resolved_at + timedelta(days=settings.TICKET_CLOSE_DAYS)


@action
def reopen(ticket: Ticket, *, reason: str, at: datetime, by: Actor) -> Ticket:
    """The customer reports again; what was, stays in journal and history.

    A solution that the customer never confirmed, nor let stand for the set time, was none: the
    first clock goes on as if it had not been stopped (SLA-1). Otherwise this is a new report
    and gets 24 new hours.
    """
    step = begin(TICKET, "reopen", ticket, by=by)
    assert ticket.resolved_at is not None
    if not reason.strip():
        raise Refused(_("Say why it is opened again."), field="reason")
    resolved_at, closed_at, held = ticket.resolved_at, ticket.closed_at, _solution_held(ticket)
    if at < (closed_at or resolved_at):
        raise Refused(_("It was still open at that time."), field="at")
    ticket.resolved_at, ticket.closed_at, ticket.closing = None, None, ""
    ticket.solution, ticket.resolution = "", ""
    ticket.reopened_count += 1
    ticket.due_at = _new_clock(ticket, at=at, by=by) if held else _old_clock(ticket, by=by)
    advance(
        ticket, step, "resolved_at", "closed_at", "closing", "solution", "resolution",
        "reopened_count", "due_at",
    )  # fmt: skip
    record(
        TicketReopened(
            at=at,
            ticket_id=ticket.pk,
            number=ticket.number,
            reason=reason,
            times=ticket.reopened_count,
            resolved_at=resolved_at.isoformat(),
            closed_at=closed_at.isoformat() if closed_at else None,
            due_at=ticket.due_at.isoformat(),
        ),
        about=[ticket, ticket.customer, ticket.store],
        by=by,
    )
    return ticket


def _solution_held(ticket: Ticket) -> bool:
    """The customer confirmed it by name, or reported nothing for the set time (OPS-12)."""
    if ticket.status != Status.CLOSED:
        return False
    closed = (
        Entry.objects.filter(
            type=TicketClosed.type,
            subjects__kind=Ticket._meta.label_lower,
            subjects__object_id=ticket.pk,
        )
        .order_by("pk")
        .last()
    )  # fmt: skip
    if closed is None:
        return False
    return ticket.closing == Ticket.Closing.AUTOMATIC or bool(closed.data["confirmed_by"].strip())


def _new_clock(ticket: Ticket, *, at: datetime, by: Actor) -> datetime:
    expected = ticket.expected_at if ticket.expected_at and ticket.expected_at > at else None
    plans = plan({"ticket.resolution": By(expected)}, scope_of(ticket), at=at)
    start_clocks(ticket, plans, at=at, by=by)
    return plans["ticket.resolution"].due_at


def _old_clock(ticket: Ticket, *, by: Actor) -> datetime:
    """From the same start to the same due times, as first said and as agreed on since."""
    former = Deadline.objects.of(ticket).filter(kind="ticket.resolution").latest("pk")
    start_clocks(ticket, {"ticket.resolution": former.original_due_at}, at=former.started_at, by=by)
    if former.due_at != former.original_due_at:
        moves = list(former.moves.all())
        agreed = [move for move in moves if move.cause == DeadlineMove.Cause.EXTENSION]
        last = (agreed or moves)[-1]
        deadlines.move(
            "ticket.resolution", ticket, due_at=former.due_at,
            cause=DeadlineMove.Cause.EXTENSION if agreed else DeadlineMove.Cause.CHANGE,
            reason=last.reason,
            # When it was agreed on: a consent that came too late then is too late now.
            at=last.moved_at if agreed else min(last.moved_at, former.original_due_at), by=by,
        )  # fmt: skip
    return former.due_at


@action
def edit(ticket: Ticket, *, at: datetime, by: Actor, **changes: Any) -> Ticket:
    """Correct any of `EDITABLE`. An earlier expected time moves the deadline; a later one does
    not exist without the customer's consent (SLA-5)."""
    begin(TICKET, "edit", ticket, by=by)
    assert changes.keys() <= EDITABLE, changes.keys() - EDITABLE
    changed = [name for name, value in changes.items() if getattr(ticket, name) != value]
    if not changed:
        raise Refused(_("Nothing was changed."))
    for name in changed:
        setattr(ticket, name, changes[name])
    for name in ("title", "need"):
        if not getattr(ticket, name).strip():
            raise Refused(_("This must not be empty."), field=name)
    _check_belonging(ticket)
    if {"expected_at", "no_wish"} & set(changed):
        _change_expectation(ticket, at=at, by=by)
        changed.append("due_at")
    if "product" in changed and _follow_product(ticket, at=at, by=by):
        changed = [*dict.fromkeys([*changed, "due_at"])]
    save_changes(ticket, *changed)
    names = [str(getattr(Ticket, name).field.verbose_name) for name in changed]
    record(
        TicketEdited(at=at, ticket_id=ticket.pk, number=ticket.number, fields=tuple(names)),
        about=[ticket],
        by=by,
    )
    return ticket


def _follow_product(ticket: Ticket, *, at: datetime, by: Actor) -> bool:
    """Another product may have other terms; did the ticket's due time move?"""
    reason, old = _("The product was corrected."), ticket.due_at
    for deadline in deadlines.rescope(ticket, scope_of(ticket), reason=reason, at=at, by=by):
        if deadline.kind == "ticket.resolution":
            ticket.due_at = deadline.due_at
    return ticket.due_at != old


def _change_expectation(ticket: Ticket, *, at: datetime, by: Actor) -> None:
    _check_expectation(ticket.expected_at, no_wish=ticket.no_wish, received_at=ticket.received_at)
    if ticket.status not in OPEN:
        raise Refused(_("It is resolved; its time does not change any more."), field="expected_at")
    due_at = deadlines.due_with("ticket.resolution", ticket, latest=ticket.expected_at)
    if due_at > ticket.due_at:
        raise Refused(
            _("A later time needs the customer's consent: propose an extension."),
            field="expected_at",
        )
    if due_at < ticket.due_at:
        ticket.due_at = due_at
        deadlines.move(
            "ticket.resolution", ticket, due_at=due_at, cause="change",
            reason=_("The customer's expected time was corrected."), at=at, by=by,
        )  # fmt: skip


@action
def mark_urgent(ticket: Ticket, *, urgency_reason: str, at: datetime, by: Actor) -> Ticket:
    """Put it on the fast track (SLA-3): shorter clocks, and the ladder for urgent requests."""
    begin(TICKET, "mark_urgent", ticket, by=by)
    if ticket.is_urgent:
        raise Refused(_("It is marked as urgent already."))
    if not urgency_reason.strip():
        raise Refused(_("Say why it is urgent."), field="urgency_reason")
    ticket.is_urgent, ticket.urgency_reason = True, urgency_reason
    # None of its clocks may become longer by this.
    running = dict(Deadline.objects.of(ticket).open().values_list("kind", "due_at"))
    fast = ("ticket.response", "ticket.assignment", "ticket.resolution")
    plans = plan(
        {kind: By(running[kind]) for kind in fast if kind in running}, scope_of(ticket), at=at
    )
    ticket.due_at = plans["ticket.resolution"].due_at
    save_changes(ticket, "is_urgent", "urgency_reason", "due_at")
    start_clocks(ticket, plans, at=at, by=by)
    record(
        TicketMarkedUrgent(at=at, ticket_id=ticket.pk, number=ticket.number, reason=urgency_reason),
        about=[ticket],
        by=by,
    )
    return ticket


@action
def flag_complaint(ticket: Ticket, *, text: str, at: datetime, by: Actor) -> Ticket:
    """The customer is angry or complains; the supervisor is told (VISIT-6)."""
    begin(TICKET, "flag_complaint", ticket, by=by)
    if not text.strip():
        raise Refused(_("Write down what the customer said."), field="text")
    ticket.is_complaint = True
    save_changes(ticket, "is_complaint")
    record(
        ComplaintFlagged(
            at=at, ticket_id=ticket.pk, number=ticket.number, text=text, owner_id=ticket.owner_id
        ),
        about=[ticket, ticket.customer, ticket.store],
        by=by,
    )
    return ticket


@action
def comment(ticket: Ticket, *, text: str, at: datetime, by: Actor) -> Note:
    begin(TICKET, "comment", ticket, by=by)
    if not text.strip():
        raise Refused(_("The note is empty."), field="text")
    note = Note.objects.create(ticket=ticket, text=text, author_label=by.label, at=at)
    record(
        NoteAdded(at=at, ticket_id=ticket.pk, number=ticket.number, text=text),
        about=[ticket],
        by=by,
    )
    return note


@action
def attach(ticket: Ticket, *, file: UploadedFile[Any], at: datetime, by: Actor) -> Attachment:
    begin(TICKET, "attach", ticket, by=by)
    attachment = files.store(file, ticket, at=at, by=by)
    record(
        FileAttached(
            at=at,
            ticket_id=ticket.pk,
            number=ticket.number,
            name=attachment.name,
            file=str(attachment.uid),
            sha256=attachment.sha256,
        ),
        about=[ticket],
        by=by,
    )
    return attachment


@action
def request_visit(
    ticket: Ticket,
    *,
    reason: str,
    address: str = "",
    contact_name: str = "",
    contact_phone: str = "",
    at: datetime,
    by: Actor,
) -> Ticket:
    """Ask for a visit with what the ticket knows already (VISIT-1); `visits` makes the order."""
    begin(TICKET, "request_visit", ticket, by=by)
    contact, store = ticket.contact, ticket.store
    address = address or store.full_address
    contact_name = contact_name or (contact.name if contact else "")
    contact_phone = contact_phone or (contact.phone if contact else "") or store.phone
    for field, value, message in [
        ("reason", reason, _("Say what is to be done on site.")),
        ("contact_name", contact_name, _("Say whom the engineer asks for.")),
        ("contact_phone", contact_phone, _("The engineer needs a number to call.")),
    ]:
        if not value.strip():
            raise Refused(message, field=field)
    record(
        VisitRequested(
            at=at,
            ticket_id=ticket.pk,
            number=ticket.number,
            reason=reason,
            address=address,
            contact_name=contact_name,
            contact_phone=contact_phone,
        ),
        about=[ticket],
        by=by,
    )
    return ticket


# --- What the neighbouring modules use, too --------------------------------------------------


def scope_of(ticket: Ticket) -> Scope:
    return Scope(ticket.is_urgent, ticket.customer_id, ticket.product_id)


def start_clocks(
    ticket: Ticket, due: Mapping[str, datetime | Plan], *, at: datetime, by: Actor
) -> None:
    """Start the ticket's clocks: kind → due time or plan."""
    deadlines.start_all(
        due,
        ticket,
        label=f"{ticket.number} {ticket.title}",
        url=ticket.get_absolute_url(),
        owner=ticket.assignee or ticket.owner,
        at=at,
        by=by,
        scope=scope_of(ticket),
    )


def run_on(ticket: Ticket, *, at: datetime, by: Actor) -> None:
    """Let a clock run on that stood still while the ticket waited; the caller saves `due_at`."""
    for deadline in deadlines.resume(ticket, "ticket.resolution", at=at, by=by):
        ticket.due_at = deadline.due_at


@action
def keep_due_time(ticket: Ticket, *, at: datetime, by: Actor) -> Ticket:
    """The deadline engine moved the deadline: the ticket says what the deadline says."""
    require(by, "tickets.work")
    lock(ticket)
    deadline = Deadline.objects.of(ticket).open().get(kind="ticket.resolution")
    if ticket.due_at != deadline.due_at:
        ticket.due_at = deadline.due_at
        save_changes(ticket, "due_at")
    return ticket


def note_response(ticket: Ticket, *, at: datetime, by: Actor) -> None:
    """Set the first response if there is none; the caller saves `responded_at`."""
    if ticket.responded_at is not None:
        return
    ticket.responded_at = at
    deadlines.meet("ticket.response", ticket, at=at, by=by)
    minutes = int((at - ticket.received_at).total_seconds() // 60)
    record(
        TicketResponded(at=at, ticket_id=ticket.pk, number=ticket.number, minutes=minutes),
        about=[ticket],
        by=by,
    )


def colleague(by: Actor) -> User:
    """The person behind the actor; neither the system nor another program is one."""
    person = User.objects.staff().filter(pk=by.id or 0).first()
    if person is None:
        raise Refused(_("Only a colleague can do this."))
    return person


def check_worker(person: User, *, field: str) -> None:
    """Owner and assignee are colleagues who may work on tickets."""
    if not (person.is_active and person.as_actor().may("tickets.work")):
        raise Refused(
            _("%(person)s cannot work on tickets.") % {"person": person.name}, field=field
        )


def _last(ticket: Ticket, event: str) -> datetime | None:
    """When it happened to the ticket for the last time."""
    found = Entry.objects.filter(
        type=event,
        subjects__kind=Ticket._meta.label_lower,
        subjects__object_id=ticket.pk,
    ).aggregate(last=models.Max("at"))
    last: datetime | None = found["last"]
    return last


def check_moment(ticket: Ticket, at: datetime) -> None:
    """Nothing happens to a ticket before it was received, or before it was opened again."""
    if at < ticket.received_at:
        raise Refused(_("That is before the ticket was received."), field="at")
    if ticket.reopened_count:
        reopened = _last(ticket, TicketReopened.type)
        if reopened is not None and at < reopened:
            raise Refused(_("That is before the ticket was opened again."), field="at")


def _check_expectation(
    expected_at: datetime | None, *, no_wish: bool, received_at: datetime
) -> None:
    """SLA-2: either a time, or expressly none."""
    if (expected_at is None) != no_wish:
        raise Refused(
            _("Ask by when the customer expects a solution, or record that there is no wish."),
            field="expected_at",
        )
    if expected_at is not None and expected_at < received_at:
        raise Refused(
            _("The expected time lies before the request was received."), field="expected_at"
        )


def _check_belonging(ticket: Ticket) -> None:
    """Store, contact and installation belong to the customer who asks."""
    if ticket.store.customer_id != ticket.customer_id:
        raise Refused(_("This store belongs to another customer."), field="store")
    if ticket.contact is not None and ticket.contact.customer_id != ticket.customer_id:
        raise Refused(_("This contact belongs to another customer."), field="contact")
    if ticket.installation is not None:
        if ticket.installation.store_id != ticket.store_id:
            raise Refused(_("This installation is at another store."), field="installation")
        if ticket.installation.product_id != ticket.product_id:
            raise Refused(_("This installation is of another product."), field="installation")
