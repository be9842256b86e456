"""Navigation and looks of calls, messages, promises, tickets and remote sessions."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from servicedesk.core.actors import Actor
from servicedesk.core.looks import Look, looks
from servicedesk.core.panels import Nav, nav
from tickets.models import CallbackPromise, Message
from tickets.states import MessageStatus, PromiseStatus

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
nav(Nav("calls", _("Calls"), "phone", "tickets:calls", "calls.take", "", 15))
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
