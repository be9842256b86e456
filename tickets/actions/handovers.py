"""Who owns a ticket (首问负责制, OPS-1): it moves only when the next owner accepts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from servicedesk.core.actions import action, advance, begin, lock, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record
from sla import deadlines
from sla.deadlines import By, plan
from tickets.actions.tickets import check_worker, scope_of
from tickets.events import (
    HandoverAccepted,
    HandoverDeclined,
    HandoverLapsed,
    HandoverRequested,
)
from tickets.models import Handover, Ticket
from tickets.states import HANDOVER, TICKET, HandoverStatus


@action
def hand_over(ticket: Ticket, *, to_user: User, reason: str, at: datetime, by: Actor) -> Handover:
    """Offer the ownership to a colleague. Until he accepts, the owner stays the owner."""
    begin(TICKET, "hand_over", ticket, by=by)
    if by.id != ticket.owner_id and not by.may("tickets.assign"):
        raise Refused(_("Only %(owner)s can hand it over.") % {"owner": ticket.owner.name})
    if to_user.pk == ticket.owner_id:
        raise Refused(_("%(person)s owns it already.") % {"person": to_user.name}, field="to_user")
    check_worker(to_user, field="to_user")
    if not reason.strip():
        raise Refused(_("Say why you hand it over."), field="reason")
    pending = ticket.handovers.filter(status=HandoverStatus.PENDING).first()
    if pending is not None:
        raise Refused(
            _("It is offered to %(person)s, who has not answered yet.")
            % {"person": pending.to_user.name}
        )
    handover = Handover.objects.create(
        ticket=ticket, from_user=ticket.owner, to_user=to_user, reason=reason, requested_at=at
    )
    deadlines.start_all(
        plan({"ticket.handover": By()}, scope_of(ticket), at=at),
        handover,
        label=f"{ticket.number} {ticket.title}",
        url=ticket.get_absolute_url(),
        owner=to_user,
        at=at,
        by=by,
        scope=scope_of(ticket),
    )
    record(HandoverRequested(**_who(handover, at), reason=reason), about=[ticket, handover], by=by)
    return handover


@action
def accept(handover: Handover, *, answer: str = "", at: datetime, by: Actor) -> Handover:
    """The colleague accepts: from now on he is the first-contact owner."""
    ticket = _decide("accept", handover, answer, at=at, by=by)
    ticket.owner = handover.to_user
    save_changes(ticket, "owner")
    if ticket.assignee_id is None:
        deadlines.reassign(ticket, ticket.owner, by=by)
    record(HandoverAccepted(**_who(handover, at), answer=answer), about=[ticket, handover], by=by)
    return handover


@action
def decline(handover: Handover, *, answer: str, at: datetime, by: Actor) -> Handover:
    """He does not take it; nothing changes for the owner, who is told why."""
    if not answer.strip():
        raise Refused(_("Say why you do not take it."), field="answer")
    ticket = _decide("decline", handover, answer, at=at, by=by)
    record(HandoverDeclined(**_who(handover, at), answer=answer), about=[ticket, handover], by=by)
    return handover


@action
def lapse(handover: Handover, *, at: datetime, by: Actor) -> Handover:
    """The ticket is closed: there is nothing left to take over, and nobody to remind."""
    step = begin(HANDOVER, "lapse", handover, by=by)
    handover.decided_at = at
    advance(handover, step, "decided_at")
    deadlines.cancel(handover, at=at, by=by)
    record(HandoverLapsed(**_who(handover, at)), about=[handover.ticket, handover], by=by)
    return handover


def _decide(verb: str, handover: Handover, answer: str, *, at: datetime, by: Actor) -> Ticket:
    ticket = handover.ticket
    lock(ticket)
    step = begin(HANDOVER, verb, handover, by=by)
    if by.id != handover.to_user_id:
        raise Refused(_("Only %(person)s can answer this.") % {"person": handover.to_user.name})
    handover.decided_at, handover.answer = at, answer
    advance(handover, step, "decided_at", "answer")
    deadlines.meet("ticket.handover", handover, at=at, by=by)
    return ticket


def _who(handover: Handover, at: datetime) -> dict[str, Any]:
    return {
        "at": at,
        "ticket_id": handover.ticket_id,
        "number": handover.ticket.number,
        "from_user_id": handover.from_user_id,
        "from_user": handover.from_user.name,
        "to_user_id": handover.to_user_id,
        "to_user": handover.to_user.name,
    }
