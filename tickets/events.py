"""What happens to calls, tickets and remote sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from servicedesk.core.events import Event

# --- Tickets -------------------------------------------------------------------------------


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
    urgency_reason: str
    expected_at: str | None
    no_wish: bool
    due_at: str
    owner_id: int
    owner: str


@dataclass(frozen=True, kw_only=True)
class TicketAssigned(TicketEvent):
    """Somebody was given the ticket, or took it himself (`taken`)."""

    type: ClassVar[str] = "ticket.assigned"
    label = _("Assigned")
    detail = "{assignee}"
    icon = "user-check"
    title: str
    assignee_id: int
    assignee: str
    former_id: int | None
    taken: bool
    is_urgent: bool


@dataclass(frozen=True, kw_only=True)
class TicketResponded(TicketEvent):
    """The first response to the customer (SLA-6); once per ticket."""

    type: ClassVar[str] = "ticket.responded"
    label = _("First response")
    icon = "message-reply"
    minutes: int


@dataclass(frozen=True, kw_only=True)
class TicketStarted(TicketEvent):
    type: ClassVar[str] = "ticket.started"
    label = _("Work started")
    icon = "player-play"


@dataclass(frozen=True, kw_only=True)
class TicketWaiting(TicketEvent):
    type: ClassVar[str] = "ticket.waiting"
    label = _("Waiting")
    detail = "{reason} → {until}"
    icon = "player-pause"
    reason: str
    until: str


@dataclass(frozen=True, kw_only=True)
class TicketResumed(TicketEvent):
    type: ClassVar[str] = "ticket.resumed"
    label = _("Work resumed")
    icon = "player-play"


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
    detail = "{solution_label}: {resolution}"
    icon = "check"
    solution: str
    solution_label: str
    resolution: str


@dataclass(frozen=True, kw_only=True)
class TicketClosed(TicketEvent):
    """OPS-12: by the customer's word (`confirmed_by`), or because no further report came."""

    type: ClassVar[str] = "ticket.closed"
    label = _("Ticket closed")
    detail = "{closing_label} {confirmed_by} {evidence}"
    icon = "circle-check"
    closing: str
    closing_label: str
    confirmed_by: str
    evidence: str


@dataclass(frozen=True, kw_only=True)
class TicketReopened(TicketEvent):
    type: ClassVar[str] = "ticket.reopened"
    label = _("Ticket reopened")
    detail = "{reason}"
    icon = "refresh"
    reason: str
    times: int
    resolved_at: str
    closed_at: str | None
    due_at: str


@dataclass(frozen=True, kw_only=True)
class TicketEdited(TicketEvent):
    """Which fields; from what to what is in the field history."""

    type: ClassVar[str] = "ticket.edited"
    label = _("Details corrected")
    detail = "{fields}"
    icon = "edit"
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TicketMarkedUrgent(TicketEvent):
    type: ClassVar[str] = "ticket.marked_urgent"
    label = _("Marked as urgent")
    detail = "{reason}"
    icon = "urgent"
    reason: str


@dataclass(frozen=True, kw_only=True)
class TicketNudged(TicketEvent):
    """催办: somebody asks for news of it; `count` is how often that was by now."""

    type: ClassVar[str] = "ticket.nudged"
    label = _("Nudged")
    detail = "{told} ({count})"
    icon = "bell-ringing"
    title: str
    told: str
    told_ids: list[int]
    count: int


@dataclass(frozen=True, kw_only=True)
class ComplaintFlagged(TicketEvent):
    type: ClassVar[str] = "ticket.complaint"
    label = _("Complaint")
    detail = "{text}"
    icon = "mood-angry"
    text: str
    owner_id: int


@dataclass(frozen=True, kw_only=True)
class NoteAdded(TicketEvent):
    type: ClassVar[str] = "ticket.noted"
    label = _("Note on the ticket")
    detail = "{text}"
    icon = "note"
    text: str


@dataclass(frozen=True, kw_only=True)
class FileAttached(TicketEvent):
    type: ClassVar[str] = "ticket.file_attached"
    label = _("File attached")
    detail = "{name}"
    icon = "paperclip"
    name: str
    file: str
    sha256: str


# --- Ownership (OPS-1) ---------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HandoverEvent(TicketEvent):
    from_user_id: int
    from_user: str
    to_user_id: int
    to_user: str


@dataclass(frozen=True, kw_only=True)
class HandoverRequested(HandoverEvent):
    type: ClassVar[str] = "ticket.handover_requested"
    label = _("Hand-over offered")
    detail = "{from_user} → {to_user}: {reason}"
    icon = "arrows-exchange"
    reason: str


@dataclass(frozen=True, kw_only=True)
class HandoverAccepted(HandoverEvent):
    type: ClassVar[str] = "ticket.handover_accepted"
    label = _("Hand-over accepted")
    detail = "{from_user} → {to_user} {answer}"
    icon = "check"
    answer: str


@dataclass(frozen=True, kw_only=True)
class HandoverDeclined(HandoverEvent):
    type: ClassVar[str] = "ticket.handover_declined"
    label = _("Hand-over declined")
    detail = "{to_user}: {answer}"
    icon = "x"
    answer: str


@dataclass(frozen=True, kw_only=True)
class HandoverLapsed(HandoverEvent):
    """The ticket was closed before the colleague had answered."""

    type: ClassVar[str] = "ticket.handover_lapsed"
    label = _("Hand-over ended with the ticket")
    detail = "{from_user} → {to_user}"
    icon = "circle-minus"


# --- Extensions (SLA-5) --------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ExtensionEvent(TicketEvent):
    extension: str


@dataclass(frozen=True, kw_only=True)
class ExtensionProposed(ExtensionEvent):
    type: ClassVar[str] = "extension.proposed"
    label = _("Extension proposed")
    detail = "{due_at} → {proposed_due_at}: {plan}"
    icon = "calendar-plus"
    plan: str
    files: int
    due_at: str
    proposed_due_at: str


@dataclass(frozen=True, kw_only=True)
class ExtensionConsented(ExtensionEvent):
    type: ClassVar[str] = "extension.consented"
    label = _("Customer agreed to the extension")
    detail = "{answered_by}, {channel_label}: {evidence} → {due_at}"
    icon = "calendar-check"
    answered_by: str
    channel: str
    channel_label: str
    evidence: str
    due_at: str


@dataclass(frozen=True, kw_only=True)
class ExtensionRefused(ExtensionEvent):
    type: ClassVar[str] = "extension.refused"
    label = _("Customer refused the extension")
    detail = "{answered_by}: {reason}"
    icon = "calendar-x"
    answered_by: str
    reason: str
    owner_id: int


@dataclass(frozen=True, kw_only=True)
class ExtensionWithdrawn(ExtensionEvent):
    type: ClassVar[str] = "extension.withdrawn"
    label = _("Extension withdrawn")
    icon = "trash"


# --- Remote sessions (REM-1 … REM-5) -------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RemoteEvent(TicketEvent):
    session: str


@dataclass(frozen=True, kw_only=True)
class RemotePrepared(RemoteEvent):
    type: ClassVar[str] = "remote.prepared"
    label = _("Remote session prepared")
    detail = "{session} {channel_label}"
    icon = "device-desktop"
    channel: str
    channel_label: str


@dataclass(frozen=True, kw_only=True)
class RemoteConsented(RemoteEvent):
    type: ClassVar[str] = "remote.consented"
    label = _("Consent to the remote session")
    detail = "{consent_by}, {consent_channel_label}"
    icon = "shield-check"
    consent_by: str
    consent_channel: str
    consent_channel_label: str


@dataclass(frozen=True, kw_only=True)
class RemoteStarted(RemoteEvent):
    type: ClassVar[str] = "remote.started"
    label = _("Remote session started")
    detail = "{session}"
    icon = "player-play"


@dataclass(frozen=True, kw_only=True)
class RemoteStepAdded(RemoteEvent):
    type: ClassVar[str] = "remote.step_added"
    label = _("Step taken")
    detail = "{position}. {did} → {outcome}"
    icon = "list-numbers"
    position: int
    did: str
    outcome: str


@dataclass(frozen=True, kw_only=True)
class RemoteClosed(RemoteEvent):
    type: ClassVar[str] = "remote.closed"
    label = _("Remote session ended")
    detail = "{session} {result_label}: {summary}"
    icon = "check"
    result: str
    result_label: str
    summary: str
    steps: int
    watcher: str
    end_confirmed_by: str
    changes_made: str
    data_untouched: bool


@dataclass(frozen=True, kw_only=True)
class RemoteAbandoned(RemoteEvent):
    type: ClassVar[str] = "remote.abandoned"
    label = _("Remote session abandoned")
    detail = "{session} {reason}"
    icon = "x"
    reason: str


@dataclass(frozen=True, kw_only=True)
class ArticleMade(RemoteEvent):
    type: ClassVar[str] = "remote.article_made"
    label = _("Knowledge entry made")
    detail = "{article} {title}"
    icon = "book-upload"
    article: str
    title: str


# --- Calls and what follows from them ------------------------------------------------------


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


# --- Messages, promises, referrals -----------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class MessageEvent(Event):
    message_uid: str
    to_user_id: int
    to_name: str


@dataclass(frozen=True, kw_only=True)
class MessageTaken(MessageEvent):
    type: ClassVar[str] = "message.taken"
    label = _("Message taken")
    detail = "→ {to_name}"
    icon = "message-plus"
    about_visit: bool
    call_back_by: str


@dataclass(frozen=True, kw_only=True)
class MessageRead(MessageEvent):
    type: ClassVar[str] = "message.read"
    label = _("Message read")
    detail = "{to_name}"
    icon = "eye"


@dataclass(frozen=True, kw_only=True)
class MessageFinished(MessageEvent):
    type: ClassVar[str] = "message.finished"
    label = _("Called back")
    detail = "{outcome}"
    icon = "phone-check"
    outcome: str
    late: bool


@dataclass(frozen=True, kw_only=True)
class MessagePassedOn(MessageEvent):
    type: ClassVar[str] = "message.passed_on"
    label = _("Message passed on")
    detail = "{from_name} → {to_name} {reason}"
    icon = "arrow-forward"
    from_name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PromiseEvent(Event):
    promise_uid: str


@dataclass(frozen=True, kw_only=True)
class PromiseMade(PromiseEvent):
    type: ClassVar[str] = "promise.made"
    label = _("Callback promised")
    detail = "{owner_name}, {due_at}"
    icon = "phone-calling"
    owner_id: int
    owner_name: str
    due_at: str


@dataclass(frozen=True, kw_only=True)
class PromiseKept(PromiseEvent):
    type: ClassVar[str] = "promise.kept"
    label = _("Promise kept: called back")
    detail = "{answer}"
    icon = "phone-check"
    answer: str
    late: bool


@dataclass(frozen=True, kw_only=True)
class PromiseMoved(PromiseEvent):
    """A new time, agreed with the caller; `in_time`: before the old one had passed (CALL-7)."""

    type: ClassVar[str] = "promise.moved"
    label = _("New time agreed")
    detail = "{old_due_at} → {due_at}; {spoken_to}: {reason}"
    icon = "calendar-time"
    old_due_at: str
    due_at: str
    spoken_to: str
    reason: str
    in_time: bool


@dataclass(frozen=True, kw_only=True)
class PromiseAttempted(PromiseEvent):
    type: ClassVar[str] = "promise.attempted"
    label = _("Not reached")
    detail = "{note}"
    icon = "phone-x"
    note: str


@dataclass(frozen=True, kw_only=True)
class PromiseReassigned(PromiseEvent):
    type: ClassVar[str] = "promise.reassigned"
    label = _("Promise reassigned")
    detail = "{from_name} → {to_name} {reason}"
    icon = "user-check"
    from_name: str
    to_name: str
    to_user_id: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class PromiseDropped(PromiseEvent):
    type: ClassVar[str] = "promise.dropped"
    label = _("Callback no longer wanted")
    detail = "{spoken_to}: {reason}"
    icon = "x"
    spoken_to: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ReferralEvent(Event):
    target_uid: str
    topic: str
    name: str


@dataclass(frozen=True, kw_only=True)
class ReferralTargetAdded(ReferralEvent):
    type: ClassVar[str] = "referral.added"
    label = _("Referral target added")
    detail = "{topic}: {name}"
    icon = "address-book"


@dataclass(frozen=True, kw_only=True)
class ReferralTargetEdited(ReferralEvent):
    type: ClassVar[str] = "referral.edited"
    label = _("Referral target changed")
    detail = "{topic}: {name}"
    icon = "edit"


@dataclass(frozen=True, kw_only=True)
class ReferralTargetRetired(ReferralEvent):
    type: ClassVar[str] = "referral.retired"
    label = _("Referral target retired")
    detail = "{topic}: {name}"
    icon = "archive"
