"""Ordering, assigning, accepting (VISIT-1, 2, 4), and calling a visit off."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import User
from customers.events import PhoneRevealed
from customers.models import Contact, Installation, Store
from knowledge.models import FaultCategory
from servicedesk.core import rules
from servicedesk.core.actions import action, advance, lock, require, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record
from servicedesk.core.numbering import next_number
from sla import deadlines
from tickets.actions import tickets
from tickets.models import Ticket
from tickets.states import OPEN
from tickets.states import Status as TicketStatus
from visits.actions.appointments import (
    check_free,
    end_interruption,
    forget_trip,
    forget_window,
    start_travel_clocks,
)
from visits.actions.common import begin_step, end_plan, start_clock, told
from visits.events import (
    BringNoted,
    VisitAccepted,
    VisitAssigned,
    VisitCancelled,
    VisitConsulted,
    VisitOrdered,
    VisitSentBack,
)
from visits.models import VisitOrder
from visits.queries import clashing, experience, in_words
from visits.states import VISIT


@action
def order_visit(
    *,
    store: Store | None = None,
    ticket: Ticket | None = None,
    contact: Contact | None = None,
    contact_name: str = "",
    contact_phone: str = "",
    address: str = "",
    need: str = "",
    installation: Installation | None = None,
    category: FaultCategory | None = None,
    bring: str = "",
    is_urgent: bool = False,
    task: str = "",
    at: datetime,
    by: Actor,
) -> VisitOrder:
    """Order a visit. From a ticket nothing is typed again; what is given here goes first."""
    require(by, "visits.order")
    if ticket is not None:
        _check_ticket(ticket, at)
        store, contact = store or ticket.store, contact or ticket.contact
        need, category = need or ticket.need, category or ticket.category
        installation = installation or ticket.installation
        is_urgent = is_urgent or ticket.is_urgent
    if store is None:
        raise Refused(_("A visit goes to a store."), field="store")
    if ticket is not None and store.customer_id != ticket.customer_id:
        raise Refused(_("This store belongs to another customer."), field="store")
    if contact is not None and contact.customer_id != store.customer_id:
        raise Refused(_("This contact belongs to another customer."), field="contact")
    if installation is not None and installation.store_id != store.pk:
        raise Refused(_("This product is not installed at this store."), field="installation")
    visit = VisitOrder(
        ticket=ticket,
        customer=store.customer,
        store=store,
        contact=contact,
        contact_name=contact_name or (contact.name if contact else ""),
        contact_phone=contact_phone or (contact.phone if contact else "") or store.phone,
        salutation=contact.salutation if contact else "",
        address=address or store.full_address,
        need=need,
        # Where nobody says what the visit is for, it is for the need.
        task="" if task.strip() == need.strip() else task.strip(),
        installation=installation,
        category=category,
        bring=bring.strip(),
        is_urgent=is_urgent,
        is_complaint=ticket.is_complaint if ticket else False,
        ordered_by=User.objects.get_queryset().filter(pk=by.id or 0).first()
        if by.kind in {"user", "client"}
        else None,
        ordered_at=at,
    )
    _check_complete(visit)
    visit.number = next_number("SV", at=at)
    visit.save()
    start_clock("visit.assign", visit, at=at, by=by)
    if ticket is not None:
        # What an unsolved visit announced as the next step is this order.
        for former in ticket.visits.exclude(pk=visit.pk):
            deadlines.meet("visit.next_step", former, at=at, by=by)
    told(
        visit, VisitOrdered, at=at, by=by, widely=True, address=visit.address, reason=visit.task,
    )  # fmt: skip
    return visit


def _check_ticket(ticket: Ticket, at: datetime) -> None:
    lock(ticket)
    tickets.check_moment(ticket, at)
    if ticket.status not in OPEN:
        raise Refused(_("Ticket %(ticket)s is not open.") % {"ticket": ticket})
    present: VisitOrder | None = ticket.visits.unsigned().first()
    if present is not None:
        raise Refused(_("Visit %(visit)s of this ticket is not done yet.") % {"visit": present})


def _check_complete(visit: VisitOrder) -> None:
    """VISIT-1: the order carries name, telephone, address and need."""
    for field, message in [
        ("contact_name", _("Say whom the engineer asks for.")),
        ("contact_phone", _("The engineer needs a number to call.")),
        ("address", _("The engineer needs an address.")),
        ("need", _("Say what the customer needs.")),
    ]:
        if not str(getattr(visit, field)).strip():
            raise Refused(message, field=field)


@action
def note_bring(visit: VisitOrder, *, bring: str, at: datetime, by: Actor) -> VisitOrder:
    """Parts, tools, papers that the engineer takes along; empty: nothing in particular."""
    begin_step("note_bring", visit, at=at, by=by)
    if bring.strip() == visit.bring:
        return visit
    visit.bring = bring.strip()
    save_changes(visit, "bring")
    told(visit, BringNoted, at=at, by=by, bring=visit.bring)
    return visit


@action
def assign(visit: VisitOrder, *, engineer: User, at: datetime, by: Actor) -> VisitOrder:
    """Give the order to an engineer. An appointment that stands must suit him, too."""
    step = begin_step("assign", visit, at=at, by=by)
    _check_engineer(visit, engineer)
    former = visit.engineer
    visit.engineer, visit.accepted_at = engineer, None
    advance(visit, step, "engineer", "accepted_at", *end_plan(visit, at=at))
    return _handed(visit, former, at=at, by=by)


@action
def send_another(
    visit: VisitOrder, *, engineer: User, reason: str, at: datetime, by: Actor
) -> VisitOrder:
    """The engineer under way or on site does not go on: ill, gone, needed elsewhere.

    What he recorded stays. An appointment that he did not come to stands for the next one.
    """
    step = begin_step("send_another", visit, at=at, by=by)
    _check_reason(reason)
    fields = [] if visit.arrived_at is None else forget_window(visit)
    _check_engineer(visit, engineer)
    former = visit.engineer
    end_interruption(visit, at=at)
    visit.engineer, visit.accepted_at = engineer, None
    advance(
        visit,
        step,
        "engineer",
        "accepted_at",
        *fields,
        *forget_trip(visit),
        *end_plan(visit, at=at),
    )
    return _handed(visit, former, reason=reason, at=at, by=by)


@action
def pass_on_form(
    visit: VisitOrder, *, engineer: User, reason: str, at: datetime, by: Actor
) -> VisitOrder:
    """The work is done, but whoever did it cannot bring the form: a colleague does."""
    begin_step("pass_on_form", visit, at=at, by=by)
    _check_reason(reason)
    _check_engineer(visit, engineer)
    former, visit.engineer = visit.engineer, engineer
    save_changes(visit, "engineer")
    deadlines.reassign(visit, engineer, by=by)
    _tell_who_has_it(visit, former, reason=reason, at=at, by=by)
    return visit


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise Refused(_("Say why the engineer does not go on."), field="reason")


def _check_engineer(visit: VisitOrder, engineer: User) -> None:
    """He makes visits, and is free if an appointment ahead stands."""
    if not (engineer.is_active and engineer.as_actor().may("visits.work")):
        raise Refused(
            _("%(person)s makes no visits.") % {"person": engineer.name}, field="engineer"
        )
    if visit.engineer_id == engineer.pk:
        raise Refused(_("%(person)s has it already.") % {"person": engineer.name}, field="engineer")
    if visit.leave_at is None or visit.window_until is None or visit.finished_at is not None:
        return
    others = clashing(engineer, leave_at=visit.leave_at, until=visit.window_until, but=visit)
    if others:
        names = ", ".join(f"{o.number} ({in_words(o.window_from, o.window_until)})" for o in others)
        raise Refused(
            _("%(person)s is at another customer then: %(orders)s")
            % {"person": engineer.name, "orders": names},
            field="engineer",
        )


# The former engineer's own; what the customer was promised runs on.
OWN_CLOCKS = ("visit.accept", "visit.appointment", "visit.next_try")


def _handed(
    visit: VisitOrder, former: User | None, *, reason: str = "", at: datetime, by: Actor
) -> VisitOrder:
    deadlines.meet("visit.assign", visit, at=at, by=by)
    deadlines.cancel(visit, *OWN_CLOCKS, at=at, by=by)
    deadlines.reassign(visit, visit.engineer, by=by)
    start_clock("visit.accept", visit, at=at, by=by)
    assert visit.engineer is not None
    if visit.ticket is not None and visit.ticket.status == TicketStatus.NEW:
        tickets.assign(visit.ticket, assignee=visit.engineer, at=at, by=by)
    _tell_who_has_it(visit, former, reason=reason, at=at, by=by)
    return visit


def _tell_who_has_it(
    visit: VisitOrder, former: User | None, *, reason: str, at: datetime, by: Actor
) -> None:
    assert visit.engineer is not None
    told(
        visit, VisitAssigned, at=at, by=by, engineer_id=visit.engineer.pk,
        engineer_name=visit.engineer.name, former_id=former.pk if former else None,
        former_name=former.name if former else "", reason=reason,
    )  # fmt: skip


@action
def cancel(visit: VisitOrder, *, reason: str, at: datetime, by: Actor) -> VisitOrder:
    step = begin_step("cancel", visit, at=at, by=by)
    if not reason.strip():
        raise Refused(_("Say why the visit is called off."), field="reason")
    end_interruption(visit, at=at)
    visit.cancelled_reason = reason
    advance(visit, step, "cancelled_reason", *end_plan(visit, at=at))
    deadlines.cancel(visit, at=at, by=by)
    told(visit, VisitCancelled, at=at, by=by, widely=True, reason=reason)
    keep_rules(visit, counts_at=at, at=at)
    return visit


@action
def accept(
    visit: VisitOrder, *, first_judgement: str, unclear: str = "", at: datetime, by: Actor
) -> VisitOrder:
    """VISIT-2: read, noted what is unclear, judged for the first time.

    An appointment that stands was agreed with the customer, so it binds this engineer, too:
    he keeps it, or moves it by consent.
    """
    step = begin_step("accept", visit, at=at, by=by)
    if not first_judgement.strip():
        raise Refused(_("Write down what you expect to find."), field="first_judgement")
    stands = visit.window_from is not None
    if stands:
        check_free(visit)
    known = experience(visit, visit.engineer_id)
    visit.accepted_at, visit.first_judgement, visit.unclear = at, first_judgement, unclear
    advance(visit, step, "accepted_at", "first_judgement", "unclear")
    deadlines.meet("visit.accept", visit, at=at, by=by)
    if stands:
        advance(visit, VISIT["appoint"])
        start_travel_clocks(visit, at=at, by=by)
    else:
        start_clock("visit.appointment", visit, at=at, by=by)
    told(
        visit, VisitAccepted, at=at, by=by, first_judgement=first_judgement, unclear=unclear,
        seen_before=known.seen if known else None, failed_before=known.failed if known else None,
    )  # fmt: skip
    return visit


@action
def send_back(visit: VisitOrder, *, reason: str, at: datetime, by: Actor) -> VisitOrder:
    """The engineer cannot take it; the desk looks for another."""
    step = begin_step("send_back", visit, at=at, by=by)
    if not reason.strip():
        raise Refused(_("Say why you cannot take it."), field="reason")
    engineer_id = visit.engineer_id
    visit.engineer, visit.accepted_at = None, None
    advance(visit, step, "engineer", "accepted_at", *end_plan(visit, at=at))
    deadlines.cancel(visit, *OWN_CLOCKS, at=at, by=by)
    deadlines.reassign(visit, None, by=by)
    start_clock("visit.assign", visit, at=at, by=by)
    told(visit, VisitSentBack, at=at, by=by, reason=reason, engineer_id=engineer_id)
    return visit


@action
def consult(
    visit: VisitOrder, *, source: str, learned: str = "", at: datetime, by: Actor
) -> VisitOrder:
    """VISIT-4: documents or colleagues were asked before going."""
    begin_step("consult", visit, at=at, by=by)
    if not source.strip():
        raise Refused(_("Say whom or what you consulted."), field="source")
    told(visit, VisitConsulted, at=at, by=by, source=source, learned=learned)
    return visit


@action
def reveal_phone(visit: VisitOrder, *, reason: str, at: datetime, by: Actor) -> str:
    """The whole number of the order, for a reason that the journal keeps (GEN-7)."""
    require(by, "customers.reveal_phone")
    reason = " ".join(reason.split())
    if not reason:
        raise Refused(_("Say what the number is needed for."), field="reason")
    record(
        PhoneRevealed(
            at=at, kind=visit._meta.label_lower, record_id=visit.pk,
            name=f"{visit.number} {visit.contact_name}", reason=reason[:200],
        ),
        about=[visit, visit.store, visit.customer],
        by=by,
    )  # fmt: skip
    return visit.contact_phone


def keep_rules(visit: VisitOrder, *, counts_at: datetime, at: datetime) -> None:
    """Store what the handbook's rules say about the visit now."""
    rules.store(
        visit,
        counts_at=counts_at,
        person_id=visit.engineer_id,
        team_id=visit.engineer.team_id if visit.engineer else None,
        at=at,
    )
