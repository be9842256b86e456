"""What happens on visits. Presales and training listen too.

Moments are ISO strings and each has its words beside it (`window`): the journal is read by
people on timelines, and by rule checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from servicedesk.core.events import Event


@dataclass(frozen=True, kw_only=True)
class VisitEvent(Event):
    visit_id: int
    number: str
    ticket_id: int | None


# --- the order --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class VisitOrdered(VisitEvent):
    type: ClassVar[str] = "visit.ordered"
    label = _("Visit ordered")
    detail = "{number} {address}: {reason}"
    icon = "truck"
    address: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class BringNoted(VisitEvent):
    type: ClassVar[str] = "visit.bring_noted"
    label = _("What to bring")
    detail = "{bring}"
    icon = "backpack"
    bring: str


@dataclass(frozen=True, kw_only=True)
class VisitAssigned(VisitEvent):
    type: ClassVar[str] = "visit.assigned"
    label = _("Assigned")
    detail = "{engineer_name} {reason}"
    icon = "user-check"
    engineer_id: int
    engineer_name: str
    former_id: int | None
    former_name: str
    # Why the former engineer does not go on; "" before he set off.
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class VisitCancelled(VisitEvent):
    type: ClassVar[str] = "visit.cancelled"
    label = _("Cancelled")
    detail = "{reason}"
    icon = "x"
    reason: str


# --- accepting (VISIT-2, 4) -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class VisitAccepted(VisitEvent):
    """`seen_before`, `failed_before`: the engineer's own visits with this fault category."""

    type: ClassVar[str] = "visit.accepted"
    label = _("Accepted")
    detail = "{first_judgement}"
    icon = "check"
    first_judgement: str
    unclear: str
    seen_before: int | None
    failed_before: int | None


@dataclass(frozen=True, kw_only=True)
class VisitSentBack(VisitEvent):
    type: ClassVar[str] = "visit.sent_back"
    label = _("Sent back")
    detail = "{reason}"
    icon = "arrow-back-up"
    reason: str
    engineer_id: int


@dataclass(frozen=True, kw_only=True)
class VisitConsulted(VisitEvent):
    type: ClassVar[str] = "visit.consulted"
    label = _("Consulted")
    detail = "{source} {learned}"
    icon = "users"
    source: str
    learned: str


# --- the plan (dispatch board) ----------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class VisitPlanned(VisitEvent):
    """What the desk intends. `just_assigned`: the engineer hears of the order by that already."""

    type: ClassVar[str] = "visit.planned"
    label = _("Planned, not agreed yet")
    detail = "{window} {engineer_name}"
    icon = "calendar-plus"
    window: str
    window_from: str
    window_until: str
    engineer_id: int
    engineer_name: str
    just_assigned: bool


@dataclass(frozen=True, kw_only=True)
class TimesOffered(VisitEvent):
    type: ClassVar[str] = "visit.times_offered"
    label = _("Times offered to the customer")
    detail = "{windows}"
    icon = "calendar-share"
    offer: str
    windows: str
    asked_by: str
    reason: str
    expires_at: str


@dataclass(frozen=True, kw_only=True)
class TimeChosen(VisitEvent):
    """The customer's own answer by link. `kept`: the appointment that stands suits him."""

    type: ClassVar[str] = "visit.time_chosen"
    label = _("Customer chose a time")
    detail = "{window} {name} {note}"
    icon = "calendar-heart"
    offer: str
    window: str
    window_from: str
    window_until: str
    name: str
    note: str
    kept: bool


@dataclass(frozen=True, kw_only=True)
class TimesDeclined(VisitEvent):
    type: ClassVar[str] = "visit.times_declined"
    label = _("None of the times suits the customer")
    detail = "{name} {wish}"
    icon = "calendar-question"
    offer: str
    name: str
    wish: str


# --- the appointment (VISIT-3, 5, 8, 13, 14) ----------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ContactAttempted(VisitEvent):
    """`go_there`: by the time of the next try it would be too late, so one goes to the address.

    `supervisors` are told of that.
    """

    type: ClassVar[str] = "visit.contact_attempted"
    label = _("Call attempt")
    detail = "{outcome_label} {note}"
    icon = "phone-outgoing"
    outcome: str
    outcome_label: str
    note: str
    next_try_at: str | None
    go_there: bool
    supervisors: list[str]


@dataclass(frozen=True, kw_only=True)
class AppointmentMade(VisitEvent):
    type: ClassVar[str] = "visit.appointed"
    label = _("Appointment made")
    detail = "{window} {agreed_with}"
    icon = "calendar-check"
    window: str
    window_from: str
    window_until: str
    leave_at: str
    agreed_with: str
    address_verified: bool
    phone_verified: bool
    # By which offer he agreed, through his link; empty: on the telephone.
    offer: str = ""


@dataclass(frozen=True, kw_only=True)
class AppointmentMoved(VisitEvent):
    """`in_time`: VISIT-14; null where the customer himself asked for it."""

    type: ClassVar[str] = "visit.rearranged"
    label = _("Re-arranged")
    detail = "{old_window} → {window} {reason}"
    icon = "calendar-time"
    old_window: str
    old_from: str | None
    window: str
    window_from: str
    window_until: str
    leave_at: str
    asked_by: str
    reason: str
    agreed_with: str
    notice_minutes: int | None
    needed_minutes: int | None
    in_time: bool | None
    offer: str = ""


@dataclass(frozen=True, kw_only=True)
class NewTimeRefused(VisitEvent):
    type: ClassVar[str] = "visit.new_time_refused"
    label = _("Customer refused a new time")
    detail = "{reason}"
    icon = "calendar-x"
    reason: str
    supervisors: list[str]


@dataclass(frozen=True, kw_only=True)
class LateNoticeGiven(VisitEvent):
    type: ClassVar[str] = "visit.told_late"
    label = _("Customer was told of the delay")
    detail = "{expected} {reason}"
    icon = "clock-exclamation"
    expected: str
    expected_at: str
    reason: str
    minutes_before: int | None


# --- the way (VISIT-9…12, 15) -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class DeparturePrepared(VisitEvent):
    type: ClassVar[str] = "visit.prepared"
    label = _("Departure checklist")
    detail = "{usb_drive}"
    icon = "checklist"
    usb_drive: str
    usb_scanned_at: str | None
    unticked: list[str]


@dataclass(frozen=True, kw_only=True)
class VisitDeparted(VisitEvent):
    type: ClassVar[str] = "visit.departed"
    label = _("Set off")
    icon = "car"
    leave_at: str | None
    minutes_late: int | None


@dataclass(frozen=True, kw_only=True)
class VisitArrived(VisitEvent):
    """`minutes_before` the window began; negative when it came after."""

    type: ClassVar[str] = "visit.arrived"
    label = _("Arrived")
    detail = "{window}"
    icon = "map-pin-check"
    window: str
    window_from: str | None
    window_until: str | None
    minutes_before: int | None


@dataclass(frozen=True, kw_only=True)
class CustomerAwaited(VisitEvent):
    type: ClassVar[str] = "visit.waiting"
    label = _("Customer is not there")
    detail = "{asked}"
    icon = "hourglass"
    asked: str


@dataclass(frozen=True, kw_only=True)
class CustomerMet(VisitEvent):
    type: ClassVar[str] = "visit.met"
    label = _("Customer has come")
    icon = "user-plus"
    waited_minutes: int


@dataclass(frozen=True, kw_only=True)
class NoteLeft(VisitEvent):
    type: ClassVar[str] = "visit.note_left"
    label = _("Note left")
    detail = "{note_number} {left_with}"
    icon = "note"
    note_number: str
    left_with: str
    waited_minutes: int
    asked: str


# --- the work (VISIT-17…20, 22) -----------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class WorkStarted(VisitEvent):
    type: ClassVar[str] = "visit.started"
    label = _("Work started")
    detail = "{people_met}"
    icon = "player-play"
    people_met: str
    unticked: list[str]


@dataclass(frozen=True, kw_only=True)
class WorkInterrupted(VisitEvent):
    type: ClassVar[str] = "visit.interrupted"
    label = _("Interrupted")
    detail = "{reason}"
    icon = "player-pause"
    reason: str


@dataclass(frozen=True, kw_only=True)
class WorkResumed(VisitEvent):
    type: ClassVar[str] = "visit.resumed"
    label = _("Resumed")
    icon = "player-play"
    still_minutes: int


@dataclass(frozen=True, kw_only=True)
class WorkRecorded(VisitEvent):
    type: ClassVar[str] = "visit.recorded"
    label = _("Work record written")
    detail = "{findings}"
    icon = "clipboard-text"
    findings: str
    touches_data: bool
    data_consent_by: str


@dataclass(frozen=True, kw_only=True)
class PartAdded(VisitEvent):
    type: ClassVar[str] = "visit.part_added"
    label = _("Part or software used")
    detail = "{name} × {quantity} {serial}"
    icon = "package"
    name: str
    quantity: int
    serial: str
    # Of the stock list; "" for what is not on it.
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class PartRemoved(VisitEvent):
    type: ClassVar[str] = "visit.part_removed"
    label = _("Part removed")
    detail = "{name}"
    icon = "package-off"
    name: str


@dataclass(frozen=True, kw_only=True)
class VisitFinished(VisitEvent):
    type: ClassVar[str] = "visit.finished"
    label = _("Work done")
    detail = "{result_label} {next_step}"
    icon = "check"
    result: str
    result_label: str
    next_step: str
    next_step_at: str | None
    unticked: list[str]


@dataclass(frozen=True, kw_only=True)
class RecordReopened(VisitEvent):
    type: ClassVar[str] = "visit.revised"
    label = _("Record is being corrected")
    detail = "{reason}"
    icon = "edit"
    reason: str


# --- signature and hand-in (VISIT-21, 23) -------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class FormPresented(VisitEvent):
    type: ClassVar[str] = "visit.presented"
    label = _("Form shown for signature")
    icon = "signature"
    document_uid: str


@dataclass(frozen=True, kw_only=True)
class FormSigned(VisitEvent):
    type: ClassVar[str] = "visit.signed"
    label = _("Signed by both")
    icon = "signature"


@dataclass(frozen=True, kw_only=True)
class FormNotSigned(VisitEvent):
    type: ClassVar[str] = "visit.signature_refused"
    label = _("Customer refused to sign")
    detail = "{reason}"
    icon = "signature-off"
    reason: str


@dataclass(frozen=True, kw_only=True)
class FormHandedIn(VisitEvent):
    type: ClassVar[str] = "visit.handed_in"
    label = _("Form handed in")
    icon = "inbox"
    usb_scanned_at: str | None


@dataclass(frozen=True, kw_only=True)
class FormReturned(VisitEvent):
    type: ClassVar[str] = "visit.returned"
    label = _("Form returned")
    detail = "{reason}"
    icon = "arrow-back-up"
    reason: str


@dataclass(frozen=True, kw_only=True)
class VisitArchived(VisitEvent):
    type: ClassVar[str] = "visit.archived"
    label = _("Archived")
    icon = "archive"


# --- afterwards and any time (VISIT-6, 24) ------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class FollowUpMade(VisitEvent):
    type: ClassVar[str] = "visit.followed_up"
    label = _("Follow-up call")
    detail = "{result}"
    icon = "phone-call"
    result: str
    satisfied: bool


@dataclass(frozen=True, kw_only=True)
class ComplaintFlagged(VisitEvent):
    type: ClassVar[str] = "visit.complaint"
    label = _("Customer is angry")
    detail = "{text}"
    icon = "mood-angry"
    text: str
    supervisors: list[str]


@dataclass(frozen=True, kw_only=True)
class FileAttached(VisitEvent):
    type: ClassVar[str] = "visit.attached"
    label = _("File added")
    detail = "{purpose_label} {name}"
    icon = "camera"
    name: str
    purpose: str = ""
    purpose_label: str = ""
