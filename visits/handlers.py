"""What visits do when tickets and forms change."""

from __future__ import annotations

from django.utils.translation import gettext as _

from servicedesk.core.actions import acting
from servicedesk.core.actors import SYSTEM
from servicedesk.core.document_events import (
    DocumentCompleted,
    DocumentEvent,
    DocumentSigned,
    SignatureRefused,
)
from servicedesk.core.errors import Refused
from servicedesk.core.events import on
from sla import deadlines
from tickets.events import TicketClosed, TicketResolved, VisitRequested
from tickets.models import Ticket
from visits import actions, pdf
from visits.models import VisitOrder


@on(VisitRequested)
def order_what_was_requested(event: VisitRequested) -> None:
    """The order is the requester's act, in the same transaction; nothing is typed again."""
    actions.order_visit(
        ticket=Ticket.objects.get(pk=event.ticket_id),
        address=event.address,
        contact_name=event.contact_name,
        contact_phone=event.contact_phone,
        task=event.reason,
        at=event.at,
        by=acting() or SYSTEM,
    )


@on(TicketResolved)
def refuse_resolving_before_the_visit_is_signed(event: TicketResolved) -> None:
    _refuse_while_unsigned(event.ticket_id)
    for visit in VisitOrder.objects.filter(ticket_id=event.ticket_id):
        # Whatever was announced as the next step has led to the solution.
        deadlines.meet("visit.next_step", visit, at=event.at, by=acting() or SYSTEM)


@on(TicketClosed)
def refuse_closing_before_the_visit_is_signed(event: TicketClosed) -> None:
    _refuse_while_unsigned(event.ticket_id)


def _refuse_while_unsigned(ticket_id: int) -> None:
    visit = VisitOrder.objects.filter(ticket_id=ticket_id).unsigned().first()
    if visit is not None:
        raise Refused(
            _("Visit %(visit)s is “%(status)s”; finish or cancel it first.")
            % {"visit": visit, "status": visit.get_status_display()}
        )


def _visit_of(event: DocumentEvent) -> VisitOrder:
    return VisitOrder.objects.get(pk=event.subject_id)


@on(DocumentSigned)
def keep_the_rating(event: DocumentSigned) -> None:
    if event.kind == pdf.VISIT_FORM.name and event.block == pdf.CUSTOMER.name and event.answers:
        actions.keep_rating(
            _visit_of(event), answers=event.answers, at=event.at, by=acting() or SYSTEM
        )


@on(DocumentCompleted)
def note_that_both_have_signed(event: DocumentCompleted) -> None:
    if event.kind == pdf.VISIT_FORM.name:
        actions.complete_form(_visit_of(event), at=event.at, by=SYSTEM)


@on(SignatureRefused)
def take_the_refusal(event: SignatureRefused) -> None:
    if event.kind == pdf.VISIT_FORM.name:
        actions.refuse_signature(_visit_of(event), reason=event.reason, at=event.at, by=SYSTEM)
