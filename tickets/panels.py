"""Navigation and looks of calls, messages, promises, tickets and remote sessions."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from servicedesk.core.actors import Actor
from servicedesk.core.looks import Look, looks
from servicedesk.core.panels import Nav, nav
from tickets.models import Call, CallbackPromise, Message
from tickets.states import (
    ExtensionStatus,
    HandoverStatus,
    MessageStatus,
    PromiseStatus,
    RemoteStatus,
    Status,
)

# --- Calls, messages, promises -----------------------------------------------------------------


def unread_and_due(actor: Actor) -> int:
    """What waits for this person: unread messages, and callbacks due within half an hour."""
    soon = timezone.now() + timedelta(minutes=30)
    unread = Message.objects.filter(to_user_id=actor.id, status=MessageStatus.UNREAD)
    due = CallbackPromise.objects.open().filter(owner_id=actor.id, due_at__lte=soon)
    return unread.count() + due.count()


nav(Nav("intake", _("Take a call"), "phone-incoming", "tickets:intake", "calls.take", "primary", 1))
nav(
    Nav(
        "inbox", _("Messages and callbacks"), "message-2", "tickets:inbox", "messages.work", "",
        14, unread_and_due,
    )
)  # fmt: skip
nav(Nav("calls", _("Calls"), "phone", "tickets:calls", "calls.take", "", 12))
looks(
    "tickets.Call",
    {
        Call.Outcome.SOLVED: Look("good", "circle-check"),
        Call.Outcome.TICKET: Look("active", "ticket"),
        Call.Outcome.VISIT: Look("active", "truck"),
        Call.Outcome.MESSAGE: Look("info", "message-2"),
        Call.Outcome.PROMISE: Look("wait", "phone-calling"),
        Call.Outcome.REFERRAL: Look("neutral", "arrow-forward-up"),
        Call.Outcome.WRONG_NUMBER: Look("muted", "phone-off"),
        Call.Outcome.EXISTING: Look("info", "link"),
    },
)
looks(
    "tickets.Message",
    {
        MessageStatus.UNREAD: Look("info", "mail"),
        MessageStatus.READ: Look("active", "mail-opened"),
        MessageStatus.DONE: Look("good", "check"),
    },
)
looks(
    "tickets.CallbackPromise",
    {
        PromiseStatus.OPEN: Look("active", "phone-calling"),
        PromiseStatus.KEPT: Look("good", "phone-check"),
        PromiseStatus.DROPPED: Look("muted", "x"),
    },
)

# --- Tickets, remote sessions -------------------------------------------------------------------

nav(Nav("tickets", _("Tickets"), "ticket", "tickets:list", "tickets.comment", "", 20))
nav(
    Nav(
        "remote",
        _("Remote sessions"),
        "device-desktop",
        "tickets:remote_list",
        "remote.work",
        "",
        22,
    )
)
looks(
    "tickets.Ticket",
    {
        Status.NEW: Look("info", "sparkles"),
        Status.ASSIGNED: Look("info", "user-check"),
        Status.IN_PROGRESS: Look("active", "progress"),
        Status.WAITING: Look("wait", "player-pause"),
        Status.RESOLVED: Look("good", "check"),
        Status.CLOSED: Look("muted", "circle-check"),
    },
)
looks(
    "tickets.Handover",
    {
        HandoverStatus.PENDING: Look("wait", "hourglass"),
        HandoverStatus.ACCEPTED: Look("good", "check"),
        HandoverStatus.DECLINED: Look("muted", "x"),
        HandoverStatus.LAPSED: Look("muted", "circle-minus"),
    },
)
looks(
    "tickets.Extension",
    {
        ExtensionStatus.PROPOSED: Look("wait", "hourglass"),
        ExtensionStatus.CONSENTED: Look("good", "calendar-check"),
        ExtensionStatus.REFUSED: Look("bad", "calendar-x"),
        ExtensionStatus.WITHDRAWN: Look("muted", "trash"),
    },
)
looks(
    "tickets.RemoteSession",
    {
        RemoteStatus.PREPARED: Look("wait", "shield"),
        RemoteStatus.CONSENTED: Look("info", "shield-check"),
        RemoteStatus.RUNNING: Look("active", "device-desktop"),
        RemoteStatus.CLOSED: Look("good", "check"),
        RemoteStatus.ABANDONED: Look("muted", "x"),
    },
)
