"""More time for a plan, by the customer's consent alone (SLA-5, form EX)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from customers.queries import masked, proof_of
from servicedesk.core import documents
from servicedesk.core.actions import action, advance, begin, lock, require, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.documents import DocumentKind
from servicedesk.core.errors import Refused, WrongState
from servicedesk.core.events import record
from servicedesk.core.files import clean_name, store
from servicedesk.core.models import Document
from servicedesk.core.numbering import next_number
from servicedesk.core.states import Transition
from sla import deadlines
from tickets.actions.tickets import colleague
from tickets.events import (
    ExtensionConsented,
    ExtensionProposed,
    ExtensionRefused,
    ExtensionWithdrawn,
)
from tickets.models import Call, Extension, Ticket
from tickets.pdf import CUSTOMER, EXTENSION, EXTENSION_TO_SIGN, extension_data
from tickets.states import EXTENSION as MACHINE
from tickets.states import OPEN, TICKET, ExtensionStatus

MOST_FILES = 10
# Together: what one request can carry (deploy/nginx.conf) less some room.
MOST_BYTES = 20_000_000


@action
def propose_extension(
    ticket: Ticket,
    *,
    plan: str,
    proposed_due_at: datetime,
    attachments: Sequence[UploadedFile[Any]] = (),
    at: datetime,
    by: Actor,
) -> Extension:
    """Write down plan, files and new time, and make the form that the customer can sign.

    The clock does not move.
    """
    begin(TICKET, "propose_extension", ticket, by=by)
    if not plan.strip():
        raise Refused(_("Write down how it will be solved."), field="plan")
    if proposed_due_at <= max(ticket.due_at, at):
        raise Refused(
            _("The new time must lie after the present one, and in the future."),
            field="proposed_due_at",
        )
    if ticket.extensions.filter(status=ExtensionStatus.PROPOSED).exists():
        raise Refused(_("The customer has not answered the last proposal yet."))
    extension = Extension.objects.create(
        number=next_number("EX", at=at),
        ticket=ticket,
        plan=plan,
        proposed_due_at=proposed_due_at,
        former_due_at=ticket.due_at,
        proposed_by=colleague(by),
        proposed_at=at,
    )
    _keep(attachments, extension, at=at, by=by)
    _freeze(EXTENSION_TO_SIGN, extension, at=at, by=by)
    record(
        ExtensionProposed(
            **_which(extension, at), plan=plan, files=len(attachments),
            due_at=ticket.due_at.isoformat(), proposed_due_at=proposed_due_at.isoformat(),
        ),
        about=[ticket, extension],
        by=by,
    )  # fmt: skip
    return extension


def _keep(
    files: Sequence[UploadedFile[Any]], extension: Extension, *, at: datetime, by: Actor
) -> None:
    if len(files) > MOST_FILES:
        raise Refused(_("At most %(count)d files.") % {"count": MOST_FILES}, field="attachments")
    if sum(file.size or 0 for file in files) > MOST_BYTES:
        raise Refused(_("The files are larger than 20 MB together."), field="attachments")
    for file in files:
        try:
            store(file, extension, purpose="plan", at=at, by=by)
        except Refused as refusal:
            message = f"{clean_name(file.name or '')}: {refusal.message}"
            raise Refused(message, field="attachments") from refusal


@action
def make_link(
    extension: Extension, *, at: datetime, by: Actor, ip: str | None = None, user_agent: str = ""
) -> str:
    """A one-time link by which the customer answers on his own device; by e-mail, if he has one.

    Returns the token. Nobody of the house can answer for him (GEN-2).
    """
    form = form_to_sign(extension, by=by)
    contact = extension.ticket.contact
    return documents.make_link(
        form,
        block=CUSTOMER.name,
        method=documents.Method.OWN_DEVICE,
        signer_name=contact.name if contact else "",
        contact_id=contact.pk if contact else None,
        **proof_of(contact),
        email=contact.email if contact else "",
        ip=ip,
        user_agent=user_agent,
        at=at,
        by=by,
    )


def form_to_sign(extension: Extension, *, by: Actor) -> Document:
    """The form that waits for the customer's answer, for whoever may ask him for it."""
    require(by, "tickets.extend")
    form = Document.objects.filter(number=extension.number, status=Document.Status.OPEN).first()
    if form is None:
        raise WrongState(_("%(number)s is answered already.") % {"number": extension.number})
    return form


@action
def consent(
    extension: Extension,
    *,
    call: Call,
    answered_by: str = "",
    recording: str = "",
    at: datetime,
    by: Actor,
) -> Extension:
    """The customer agreed in a call that is on record; he did so when it ended."""
    ticket = extension.ticket
    lock(ticket)
    step = begin(MACHINE, "consent", extension, by=by)
    _check_call(extension, call, at=at)
    who = answered_by.strip() or call.caller_name
    if not who:
        raise Refused(_("Say who agreed."), field="answered_by")
    extension.call = call
    _agree(
        extension, step, answered_by=who, channel=Extension.Channel.CALL,
        evidence=" · ".join(filter(None, [call.number, masked(call.caller_number), recording])),
        at=call.ended_at, by=by,
    )  # fmt: skip
    # Signed by nobody: the form names who agreed, in which call.
    _freeze(EXTENSION, extension, at=at, by=by)
    return extension


def _check_call(extension: Extension, call: Call, *, at: datetime) -> None:
    ticket = extension.ticket
    if call.ticket_id != ticket.pk and call.store_id != ticket.store_id:
        raise Refused(_("That was not a call of this customer's store."), field="call")
    if call.ended_at < extension.proposed_at:
        raise Refused(_("That call was before the extension was proposed."), field="call")
    if call.ended_at > at:
        raise Refused(_("This time has not come yet."), field="call")


@action
def consent_by_signature(
    extension: Extension,
    *,
    signer_name: str,
    in_person: bool,
    evidence: str,
    at: datetime,
    by: Actor,
) -> Extension:
    """The customer signed the form through his link. Follows from that signature alone."""
    if by.kind != "system":
        raise PermissionDenied("only the customer signs for the customer")
    lock(extension.ticket)
    step = begin(MACHINE, "consent", extension, by=by)
    channel = Extension.Channel.IN_PERSON if in_person else Extension.Channel.LINK
    _agree(
        extension, step, answered_by=signer_name, channel=channel, evidence=evidence, at=at, by=by
    )
    return extension


def _agree(
    extension: Extension,
    step: Transition,
    *,
    answered_by: str,
    channel: Extension.Channel,
    evidence: str,
    at: datetime,
    by: Actor,
) -> None:
    """The deadline moves. A miss that happened before stands."""
    ticket = extension.ticket
    if ticket.status not in OPEN:
        raise WrongState(_("%(ticket)s is not open any more.") % {"ticket": ticket})
    if at > extension.proposed_due_at:
        raise Refused(_("The proposed time is over; propose another."))
    extension.answered_at, extension.answered_by = at, answered_by
    extension.channel, extension.evidence = channel, evidence
    advance(extension, step, "answered_at", "answered_by", "channel", "evidence", "call")
    ticket.due_at = extension.proposed_due_at
    save_changes(ticket, "due_at")
    deadlines.move(
        "ticket.resolution", ticket, due_at=ticket.due_at, cause="extension",
        reason=f"{extension.number}: {answered_by}", at=at, by=by,
    )  # fmt: skip
    record(
        ExtensionConsented(
            **_which(extension, at), answered_by=answered_by, channel=channel,
            channel_label=str(channel.label), evidence=evidence,
            due_at=ticket.due_at.isoformat(),
        ),
        about=[ticket, extension, extension.call],
        by=by,
    )  # fmt: skip


@action
def refuse(
    extension: Extension,
    *,
    answered_by: str,
    reason: str,
    call: Call | None = None,
    at: datetime,
    by: Actor,
) -> Extension:
    """The customer does not agree: the clock stays, and the supervisor is told."""
    lock(extension.ticket)
    step = begin(MACHINE, "refuse", extension, by=by)
    if call is not None:
        _check_call(extension, call, at=at)
    extension.call = call
    channel = Extension.Channel.CALL if call else ""
    _disagree(
        extension, step, answered_by=answered_by, channel=channel, reason=reason, at=at, by=by
    )
    return extension


@action
def refuse_by_link(
    extension: Extension,
    *,
    signer_name: str,
    in_person: bool,
    reason: str,
    at: datetime,
    by: Actor,
) -> Extension:
    """The customer answered through his link that he does not agree."""
    if by.kind != "system":
        raise PermissionDenied("only the customer answers for the customer")
    lock(extension.ticket)
    step = begin(MACHINE, "refuse", extension, by=by)
    channel = Extension.Channel.IN_PERSON if in_person else Extension.Channel.LINK
    _disagree(
        extension, step, answered_by=signer_name, channel=channel, reason=reason, at=at, by=by
    )
    return extension


def _disagree(
    extension: Extension,
    step: Transition,
    *,
    answered_by: str,
    channel: str,
    reason: str,
    at: datetime,
    by: Actor,
) -> None:
    if not answered_by.strip():
        raise Refused(_("Say who refused."), field="answered_by")
    if not reason.strip():
        raise Refused(_("Write down what the customer said."), field="reason")
    extension.answered_at, extension.answered_by = at, answered_by
    extension.channel, extension.reason = channel, reason
    extension.evidence = extension.call.number if extension.call else ""
    advance(extension, step, "answered_at", "answered_by", "channel", "evidence", "reason", "call")
    # A refusal is an outcome, too: its form says so, and is sealed.
    _freeze(EXTENSION, extension, at=at, by=by)
    record(
        ExtensionRefused(
            **_which(extension, at), answered_by=answered_by, reason=reason,
            owner_id=extension.ticket.owner_id,
        ),
        about=[extension.ticket, extension, extension.call],
        by=by,
    )  # fmt: skip


@action
def withdraw(extension: Extension, *, at: datetime, by: Actor) -> Extension:
    """Not needed any more."""
    lock(extension.ticket)
    step = begin(MACHINE, "withdraw", extension, by=by)
    advance(extension, step)
    documents.void(extension.number, at=at)
    record(ExtensionWithdrawn(**_which(extension, at)), about=[extension.ticket, extension], by=by)
    return extension


def _which(extension: Extension, at: datetime) -> dict[str, Any]:
    return {
        "at": at,
        "ticket_id": extension.ticket_id,
        "number": extension.ticket.number,
        "extension": extension.number,
    }


def _freeze(kind: DocumentKind, extension: Extension, *, at: datetime, by: Actor) -> None:
    ticket = extension.ticket
    documents.freeze(
        kind, extension, number=extension.number, data=extension_data(extension),
        keywords=[ticket.number, ticket.customer.name, ticket.store.name], at=at, by=by,
    )  # fmt: skip
