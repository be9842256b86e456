"""What happens to calls, tickets and remote sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from servicedesk.core.events import Event


@dataclass(frozen=True, kw_only=True)
class CallEnded(Event):
    type: ClassVar[str] = "call.ended"
    label = _("Call taken")
    detail = "{number} {outcome_label}"
    icon = "phone-incoming"
    call_id: int
    number: str
    outcome: str
    outcome_label: str
    ring_count: int | None
    answered_at: str
    greeted: bool
    read_back: bool
    phone_solution_offered: bool
    ticket_id: int | None


@dataclass(frozen=True, kw_only=True)
class TicketEvent(Event):
    ticket_id: int
    number: str


@dataclass(frozen=True, kw_only=True)
class TicketOpened(TicketEvent):
    type: ClassVar[str] = "ticket.opened"
    label = _("Ticket opened")
    detail = "{title}"
    icon = "ticket"
    title: str
    is_urgent: bool
    expected_at: str | None
    no_wish: bool
    owner_id: int


@dataclass(frozen=True, kw_only=True)
class VisitRequested(TicketEvent):
    """A visit is wanted for the ticket; `visits` listens and makes the order (CALL-11)."""

    type: ClassVar[str] = "ticket.visit_requested"
    label = _("Visit requested")
    detail = "{reason}"
    icon = "truck"
    reason: str
    address: str
    contact_name: str
    contact_phone: str


@dataclass(frozen=True, kw_only=True)
class TicketResolved(TicketEvent):
    type: ClassVar[str] = "ticket.resolved"
    label = _("Ticket resolved")
    detail = "{resolution}"
    icon = "check"
    solution: str
    resolution: str


@dataclass(frozen=True, kw_only=True)
class TicketClosed(TicketEvent):
    type: ClassVar[str] = "ticket.closed"
    label = _("Ticket closed")
    detail = "{closing_label}"
    icon = "circle-check"
    closing: str
    closing_label: str
