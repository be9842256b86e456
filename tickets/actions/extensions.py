"""More time for a plan, by the customer's consent alone (SLA-5, form EX)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from servicedesk.core import documents
from servicedesk.core.actions import action, advance, begin, lock, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused, WrongState
from servicedesk.core.events import record
from servicedesk.core.numbering import next_number
from sla import deadlines
from tickets.actions.tickets import colleague
from tickets.events import (
    ExtensionConsented,
    ExtensionProposed,
    ExtensionRefused,
    ExtensionWithdrawn,
)
from tickets.models import Extension, Ticket
from tickets.pdf import EXTENSION, EXTENSION_TO_SIGN, extension_data
from tickets.states import EXTENSION as MACHINE
from tickets.states import OPEN, TICKET, ExtensionStatus


@action
def propose_extension(
    ticket: Ticket, *, plan: str, proposed_due_at: datetime, at: datetime, by: Actor
) -> Extension:
    """Write down the plan and the new time, and make the form that the customer can sign.

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
    documents.freeze(
        EXTENSION_TO_SIGN, extension, number=extension.number, data=extension_data(extension),
        keywords=_keywords(ticket), at=at, by=by,
    )  # fmt: skip
    record(
        ExtensionProposed(
            **_which(extension, at), plan=plan, due_at=ticket.due_at.isoformat(),
            proposed_due_at=proposed_due_at.isoformat(),
        ),
        about=[ticket, extension],
        by=by,
    )  # fmt: skip
    return extension


@action
def consent(
    extension: Extension,
    *,
    answered_by: str,
    channel: str,
    evidence: str,
    at: datetime,
    by: Actor,
) -> Extension:
    """The customer agrees: the deadline moves. A miss that happened before stands."""
    ticket = extension.ticket
    lock(ticket)
    step = begin(MACHINE, "consent", extension, by=by)
    if ticket.status not in OPEN:
        raise WrongState(_("%(ticket)s is not open any more.") % {"ticket": ticket})
    if channel not in Extension.Channel.values:
        raise Refused(_("Say how the customer agreed."), field="channel")
    if channel == Extension.Channel.LINK and by.kind != "system":
        raise Refused(_("By link the customer answers himself."), field="channel")
    if not answered_by.strip():
        raise Refused(_("Say who agreed."), field="answered_by")
    if not evidence.strip():
        raise Refused(
            _("Name what proves it: the call, the recording, the message."), field="evidence"
        )
    if at < extension.proposed_at:
        raise Refused(_("That is before the extension was proposed."), field="at")
    if at > extension.proposed_due_at:
        raise Refused(_("The proposed time is over; propose another."), field="at")
    extension.answered_at, extension.answered_by = at, answered_by
    extension.channel, extension.evidence = channel, evidence
    advance(extension, step, "answered_at", "answered_by", "channel", "evidence")
    ticket.due_at = extension.proposed_due_at
    save_changes(ticket, "due_at")
    deadlines.move(
        "ticket.resolution", ticket, due_at=ticket.due_at, cause="extension",
        reason=f"{extension.number}: {answered_by}", at=at, by=by,
    )  # fmt: skip
    if channel != Extension.Channel.LINK:
        # Signed by nobody: the form names who agreed, how, and what proves it.
        documents.freeze(
            EXTENSION, extension, number=extension.number, data=extension_data(extension),
            keywords=_keywords(ticket), at=at, by=by,
        )  # fmt: skip
    record(
        ExtensionConsented(
            **_which(extension, at), answered_by=answered_by, channel=channel,
            channel_label=str(Extension.Channel(channel).label), evidence=evidence,
            due_at=ticket.due_at.isoformat(),
        ),
        about=[ticket, extension],
        by=by,
    )  # fmt: skip
    return extension


@action
def refuse(
    extension: Extension,
    *,
    answered_by: str,
    channel: str = "",
    reason: str,
    at: datetime,
    by: Actor,
) -> Extension:
    """The customer does not agree: the clock stays, and the supervisor is told."""
    ticket = extension.ticket
    lock(ticket)
    step = begin(MACHINE, "refuse", extension, by=by)
    if not answered_by.strip():
        raise Refused(_("Say who refused."), field="answered_by")
    if not reason.strip():
        raise Refused(_("Write down what the customer said."), field="reason")
    extension.answered_at, extension.answered_by = at, answered_by
    extension.channel, extension.evidence = channel, reason[:200]
    advance(extension, step, "answered_at", "answered_by", "channel", "evidence")
    documents.void(extension.number, at=at)
    record(
        ExtensionRefused(
            **_which(extension, at), answered_by=answered_by, reason=reason,
            owner_id=ticket.owner_id,
        ),
        about=[ticket, extension],
        by=by,
    )  # fmt: skip
    return extension


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


def _keywords(ticket: Ticket) -> list[str]:
    return [ticket.number, ticket.customer.name, ticket.store.name]
