"""What other records' events mean for tickets."""

from __future__ import annotations

from servicedesk.core.actions import acting
from servicedesk.core.actors import SYSTEM
from servicedesk.core.document_events import DocumentSigned, SignatureRefused
from servicedesk.core.documents import Method
from servicedesk.core.events import on
from sla.events import DeadlineMoved, DeadlineResumed
from tickets.actions import extensions, handovers, tickets
from tickets.events import TicketClosed, TicketResolved
from tickets.models import Extension, Handover, Ticket
from tickets.pdf import EXTENSION_TO_SIGN
from tickets.states import ExtensionStatus, HandoverStatus


@on(DocumentSigned)
def signing_is_consent(event: DocumentSigned) -> None:
    """The customer signed plan and new time through his link (SLA-5)."""
    if event.kind == EXTENSION_TO_SIGN.name:
        extensions.consent_by_signature(
            Extension.objects.get(pk=event.subject_id),
            signer_name=event.signer_name,
            in_person=event.method == Method.HANDED_OVER,
            evidence=f"{event.number} SHA-256 {event.sha256[:16]}",
            at=event.at,
            by=SYSTEM,
        )


@on(SignatureRefused)
def not_signing_is_refusal(event: SignatureRefused) -> None:
    if event.kind != EXTENSION_TO_SIGN.name:
        return
    extension = Extension.objects.get(pk=event.subject_id)
    if extension.status == ExtensionStatus.PROPOSED:
        extensions.refuse_by_link(
            extension,
            signer_name=event.signer_name,
            in_person=event.method == Method.HANDED_OVER,
            reason=event.reason,
            at=event.at,
            by=SYSTEM,
        )


@on(DeadlineResumed)
def after_a_pause(event: DeadlineResumed) -> None:
    _follow(event)


@on(DeadlineMoved)
def under_new_terms(event: DeadlineMoved) -> None:
    _follow(event)


def _follow(event: DeadlineResumed | DeadlineMoved) -> None:
    """The engine moved the deadline. After people's actions the ticket follows by itself."""
    if acting() is SYSTEM and event.kind == "ticket.resolution":
        # Whoever holds the ticket may be waiting for the deadline, which the engine holds.
        ticket = Ticket.objects.select_for_update(nowait=True, no_key=True).get(pk=event.subject_id)
        tickets.keep_due_time(ticket, at=event.at, by=SYSTEM)


@on(TicketResolved)
def nothing_to_agree_to(event: TicketResolved) -> None:
    """What is solved needs no more time: the open proposal, and its link, are over."""
    for extension in Extension.objects.filter(
        ticket_id=event.ticket_id, status=ExtensionStatus.PROPOSED
    ):
        extensions.withdraw(extension, at=event.at, by=SYSTEM)


@on(TicketClosed)
def nothing_to_take_over(event: TicketClosed) -> None:
    """Nobody is asked any more to own what is closed (OPS-1)."""
    for handover in Handover.objects.filter(
        ticket_id=event.ticket_id, status=HandoverStatus.PENDING
    ):
        handovers.lapse(handover, at=event.at, by=SYSTEM)
