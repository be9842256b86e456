"""What the forms RS and EX print, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from customers.queries import addressees
from servicedesk.core.documents import Addressee, Block, DocumentKind, define
from servicedesk.core.files import files_of
from sla.models import Deadline
from tickets.models import Extension, RemoteSession, Ticket


def ticket_addressees(record: RemoteSession | Extension) -> Sequence[Addressee]:
    ticket = record.ticket
    return addressees(ticket.customer, ticket.store, ticket.contact)


REMOTE_RECORD = define(
    DocumentKind(
        name="remote",
        title=_("Remote service record"),
        template="pdf/remote.html",
        addressees=ticket_addressees,
    )
)
EXTENSION = define(
    DocumentKind(
        name="extension",
        title=_("Plan and extension consent"),
        template="pdf/extension.html",
        addressees=ticket_addressees,
    )
)
CUSTOMER = Block("customer", _("Customer"), outside=True)
# The same form while it waits for the customer, who may agree by signing it.
EXTENSION_TO_SIGN = define(
    DocumentKind(
        name="extension-to-sign",
        title=_("Plan and extension consent"),
        template="pdf/extension.html",
        blocks=(CUSTOMER,),
        declines=_("I do not agree to this plan or time"),
        addressees=ticket_addressees,
    )
)


def remote_data(session: RemoteSession) -> dict[str, Any]:
    """Every printed value, copied, in the language of the form."""
    with translation.override("zh-hans"):
        return _ticket(session.ticket) | {
            "number": session.number,
            "engineer": session.engineer.name,
            "channel": session.get_channel_display(),
            "tool": session.tool,
            "consent_by": session.consent_by,
            "consent_channel": session.get_consent_channel_display(),
            "consent_at": _moment(session.consent_at),
            "watcher": session.watcher,
            "started_at": _moment(session.started_at),
            "ended_at": _moment(session.ended_at),
            "end_confirmed_by": session.end_confirmed_by,
            "category": str(session.category or ""),
            "cause": session.cause,
            "steps": [
                {"position": s.position, "did": s.did, "outcome": s.outcome, "at": _moment(s.at)}
                for s in session.steps.all()
            ],
            "result": session.get_result_display(),
            "summary": session.summary,
            "changes_made": session.changes_made,
            "data_untouched": session.data_untouched,
        }


def extension_data(extension: Extension) -> dict[str, Any]:
    call = extension.call
    with translation.override("zh-hans"):
        return _ticket(extension.ticket) | {
            "number": extension.number,
            "plan": extension.plan,
            "files": [
                {"uid": str(f.uid), "name": f.name, "size": f.size, "sha256": f.sha256}
                for f in files_of(extension)
            ],
            **_promise(extension),
            "former_due_at": _moment(extension.former_due_at),
            "proposed_due_at": _moment(extension.proposed_due_at),
            "proposed_by": extension.proposed_by.name,
            "proposed_at": _moment(extension.proposed_at),
            "answer": extension.status,
            "answered_by": extension.answered_by,
            "answered_at": _moment(extension.answered_at),
            "channel": extension.get_channel_display(),
            "evidence": extension.evidence,
            "reason": extension.reason,
            "call": {
                "number": call.number,
                "caller": call.caller_name,
                "began_at": _moment(call.answered_at),
                "ended_at": _moment(call.ended_at),
                "taken_by": call.taken_by.name,
            } if call else None,
        }  # fmt: skip


def _promise(extension: Extension) -> dict[str, str]:
    """What was promised at first, and whether that was broken before the customer answered."""
    found = Deadline.objects.of(extension.ticket).filter(kind="ticket.resolution").order_by("-id")
    first = found.first()
    if first is None:
        return {"original_due_at": "", "missed_at": ""}
    until = extension.answered_at or extension.proposed_at
    missed = first.missed_at or (first.due_at if first.due_at < until else None)
    return {"original_due_at": _moment(first.original_due_at), "missed_at": _moment(missed)}


def _ticket(ticket: Ticket) -> dict[str, Any]:
    contact = ticket.contact
    return {
        "ticket": ticket.number,
        "title": ticket.title,
        "need": ticket.need,
        "received_at": _moment(ticket.received_at),
        "customer": ticket.customer.name,
        "store": ticket.store.name,
        "address": ticket.store.full_address,
        "contact": contact.name if contact else "",
        "product": ticket.product.name if ticket.product else "",
        "version": ticket.installation.software_version if ticket.installation else "",
    }


def _moment(value: Any) -> str:
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M}" if value else ""
