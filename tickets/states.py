"""The processes of this app: ticket, hand-over, extension, message, promise, remote session."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from servicedesk.core.actors import Actor
from servicedesk.core.states import Machine, Transition


class Status(models.TextChoices):
    """Of a ticket."""

    NEW = "new", _("New")
    ASSIGNED = "assigned", _("Assigned")
    IN_PROGRESS = "in_progress", _("In progress")
    WAITING = "waiting", _("Waiting")
    RESOLVED = "resolved", _("Resolved")
    CLOSED = "closed", _("Closed")


OPEN = frozenset({Status.NEW, Status.ASSIGNED, Status.IN_PROGRESS, Status.WAITING})
_ALL = frozenset(Status.values)
_HELD = OPEN - {Status.NEW}

TICKET = Machine(
    Transition("assign", _("Assign"), OPEN, Status.ASSIGNED, "tickets.assign", "user-check"),
    Transition("take", _("Take it myself"), frozenset({Status.NEW}), Status.ASSIGNED,
               "tickets.work", "hand-grab"),
    Transition("respond", _("Record first response"), OPEN, None, "tickets.work", "message-reply"),
    Transition("start", _("Start work"), frozenset({Status.ASSIGNED}), Status.IN_PROGRESS,
               "tickets.work", "player-play"),
    Transition("wait", _("Wait"), frozenset({Status.IN_PROGRESS, Status.ASSIGNED}),
               Status.WAITING, "tickets.work", "player-pause"),
    Transition("resume", _("Resume"), frozenset({Status.WAITING}), Status.IN_PROGRESS,
               "tickets.work", "player-play"),
    Transition("resolve", _("Resolve"), _HELD, Status.RESOLVED, "tickets.work", "check"),
    Transition("close", _("Close"), frozenset({Status.RESOLVED}), Status.CLOSED,
               "tickets.close", "circle-check"),
    Transition("reopen", _("Reopen"), frozenset({Status.RESOLVED, Status.CLOSED}),
               Status.IN_PROGRESS, "tickets.reopen", "refresh"),
    Transition("nudge", _("Nudge"), OPEN, None, "tickets.nudge", "bell-ringing"),
    Transition("edit", _("Correct the details"), OPEN | {Status.RESOLVED}, None, "tickets.work",
               "edit"),
    Transition("mark_urgent", _("Mark as urgent"), OPEN, None, "tickets.work", "urgent"),
    Transition("flag_complaint", _("Flag a complaint"), _ALL, None, "tickets.comment",
               "mood-angry"),
    Transition("comment", _("Add a note"), _ALL, None, "tickets.comment", "note"),
    Transition("attach", _("Attach a file"), _ALL, None, "tickets.comment", "paperclip"),
    Transition("hand_over", _("Hand over ownership"), OPEN, None, "tickets.work",
               "arrows-exchange"),
    Transition("request_visit", _("Order a visit"), OPEN, None, "visits.order", "truck"),
    Transition("propose_extension", _("Propose an extension"), OPEN, None, "tickets.extend",
               "calendar-plus"),
)  # fmt: skip


class HandoverStatus(models.TextChoices):
    PENDING = "pending", _("Waiting for acceptance")
    ACCEPTED = "accepted", _("Accepted")
    DECLINED = "declined", _("Declined")
    LAPSED = "lapsed", _("Ended with the ticket")


_PENDING = frozenset({HandoverStatus.PENDING})
HANDOVER = Machine(
    Transition("accept", _("Accept"), _PENDING, HandoverStatus.ACCEPTED, "tickets.work", "check"),
    Transition("decline", _("Decline"), _PENDING, HandoverStatus.DECLINED, "tickets.work", "x"),
    Transition("lapse", _("End with the ticket"), _PENDING, HandoverStatus.LAPSED, "tickets.work",
               "circle-minus", hidden=True),
)  # fmt: skip


class ExtensionStatus(models.TextChoices):
    PROPOSED = "proposed", _("Waiting for consent")
    CONSENTED = "consented", _("Customer agreed")
    REFUSED = "refused", _("Customer refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")


_PROPOSED = frozenset({ExtensionStatus.PROPOSED})
EXTENSION = Machine(
    Transition("consent", _("Agreed by telephone"), _PROPOSED, ExtensionStatus.CONSENTED,
               "tickets.extend", "phone-check"),
    Transition("refuse", _("Record refusal"), _PROPOSED, ExtensionStatus.REFUSED,
               "tickets.extend", "x"),
    Transition("withdraw", _("Withdraw"), _PROPOSED, ExtensionStatus.WITHDRAWN,
               "tickets.extend", "trash"),
)  # fmt: skip


class MessageStatus(models.TextChoices):
    UNREAD = "unread", _("Unread")
    READ = "read", _("Read")
    DONE = "done", _("Done")


MESSAGE = Machine(
    Transition("read", _("I have read it"), frozenset({MessageStatus.UNREAD}), MessageStatus.READ,
               "messages.work", "eye"),
    Transition("finish", _("Called back / done"),
               frozenset({MessageStatus.UNREAD, MessageStatus.READ}), MessageStatus.DONE,
               "messages.work", "check"),
    Transition("pass_on", _("Pass on"), frozenset({MessageStatus.UNREAD, MessageStatus.READ}),
               MessageStatus.UNREAD, "messages.work", "arrow-forward"),
)  # fmt: skip


def open_to_message(actor: Actor, status: str, *, mine: bool) -> list[Transition]:
    """Reading is the addressee's alone; a supervisor may do the rest in his place."""
    return [
        step
        for step in MESSAGE.open_to(actor, status)
        if mine or (step.name != "read" and actor.may("promises.see_all"))
    ]


class PromiseStatus(models.TextChoices):
    OPEN = "open", _("To be called back")
    KEPT = "kept", _("Kept")
    DROPPED = "dropped", _("No longer wanted")


_OPEN_PROMISE = frozenset({PromiseStatus.OPEN})
PROMISE = Machine(
    Transition("keep", _("Called back"), _OPEN_PROMISE, PromiseStatus.KEPT, "promises.work",
               "phone-check"),
    Transition("move", _("Agree on a new time"), _OPEN_PROMISE, None, "promises.work",
               "calendar-time"),
    Transition("attempt", _("Not reached"), _OPEN_PROMISE, None, "promises.work", "phone-x"),
    Transition("reassign", _("Reassign"), _OPEN_PROMISE, None, "tickets.assign", "user-check"),
    Transition("drop", _("No longer wanted"), _OPEN_PROMISE, PromiseStatus.DROPPED,
               "promises.work", "x"),
)  # fmt: skip


class RemoteStatus(models.TextChoices):
    PREPARED = "prepared", _("Waiting for consent")
    CONSENTED = "consented", _("Consent given")
    RUNNING = "running", _("Session running")
    CLOSED = "closed", _("Closed")
    ABANDONED = "abandoned", _("Abandoned")


REMOTE_OPEN = frozenset({RemoteStatus.PREPARED, RemoteStatus.CONSENTED, RemoteStatus.RUNNING})
REMOTE = Machine(
    Transition("consent", _("Record consent"), frozenset({RemoteStatus.PREPARED}),
               RemoteStatus.CONSENTED, "remote.work", "shield-check"),
    Transition("start", _("Start session"), frozenset({RemoteStatus.CONSENTED}),
               RemoteStatus.RUNNING, "remote.work", "player-play"),
    Transition("add_step", _("Add a step"), frozenset({RemoteStatus.RUNNING}), None,
               "remote.work", "list-numbers"),
    Transition("close", _("End session"), frozenset({RemoteStatus.RUNNING}), RemoteStatus.CLOSED,
               "remote.work", "check"),
    Transition("abandon", _("Abandon"), REMOTE_OPEN, RemoteStatus.ABANDONED, "remote.work", "x"),
    Transition("make_article", _("Make a knowledge entry"), frozenset({RemoteStatus.CLOSED}),
               None, "knowledge.write", "book-upload"),
)  # fmt: skip
