"""What happens to deadlines. Upper apps listen to react on a miss.

A handler of `DeadlineStepFired` runs inside the sweep, which holds the locks of a whole batch
of deadlines: it must not lock the record of the deadline. A person's action holds that lock
while it waits for the deadline's, and the two would block each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from servicedesk.core.events import Event
from sla.models import Deadline


@dataclass(frozen=True, kw_only=True)
class DeadlineEvent(Event):
    deadline_uid: str
    kind: str
    kind_label: str
    subject_kind: str
    subject_id: int
    due_at: str


@dataclass(frozen=True, kw_only=True)
class DeadlineStarted(DeadlineEvent):
    type: ClassVar[str] = "deadline.started"
    label = _("Deadline started")
    detail = "{kind_label}: {due_at}"
    icon = "clock-play"
    urgent: bool
    target: float | None
    latest: str | None
    calendar: str | None
    terms: str | None


@dataclass(frozen=True, kw_only=True)
class DeadlineMoved(DeadlineEvent):
    type: ClassVar[str] = "deadline.moved"
    label = _("Deadline moved")
    detail = "{kind_label}: {old_due_at} → {due_at} {reason}"
    icon = "clock-edit"
    old_due_at: str
    cause: str
    reason: str
    urgent: bool
    target: float | None
    latest: str | None
    calendar: str | None
    terms: str | None


@dataclass(frozen=True, kw_only=True)
class DeadlinePaused(DeadlineEvent):
    type: ClassVar[str] = "deadline.paused"
    label = _("Deadline paused")
    detail = "{kind_label}: {reason}"
    icon = "clock-pause"
    reason: str
    until: str


@dataclass(frozen=True, kw_only=True)
class DeadlineResumed(DeadlineEvent):
    type: ClassVar[str] = "deadline.resumed"
    label = _("Deadline runs again")
    detail = "{kind_label}: {old_due_at} → {due_at}"
    icon = "clock-play"
    old_due_at: str


@dataclass(frozen=True, kw_only=True)
class DeadlineMet(DeadlineEvent):
    type: ClassVar[str] = "deadline.met"
    label = _("Deadline met")
    detail = "{kind_label}"
    icon = "clock-check"
    late: bool

    @classmethod
    def named(cls, data: Mapping[str, Any]) -> Any:
        return _("Done after the deadline") if data.get("late") else cls.label


@dataclass(frozen=True, kw_only=True)
class DeadlineCancelled(DeadlineEvent):
    type: ClassVar[str] = "deadline.cancelled"
    label = _("No longer due")
    detail = "{kind_label}"
    icon = "clock-cancel"


@dataclass(frozen=True, kw_only=True)
class DeadlineStepFired(DeadlineEvent):
    """A step of the ladder: a warning, the miss itself (`missed`), a later escalation."""

    type: ClassVar[str] = "deadline.escalated"
    label = _("Escalated")
    detail = "{kind_label}: {step_label}"
    icon = "alarm"
    step: str
    step_label: str
    missed: bool


@dataclass(frozen=True, kw_only=True)
class EscalationAcknowledged(DeadlineEvent):
    type: ClassVar[str] = "deadline.acknowledged"
    label = _("Escalation acknowledged")
    detail = "{kind_label}: {step_label}"
    icon = "checks"
    step_label: str
    # The later steps of this ladder tell nobody.
    ends: bool = False


@dataclass(frozen=True, kw_only=True)
class CalendarCreated(Event):
    type: ClassVar[str] = "calendar.created"
    label = _("Calendar made")
    detail = "{name}"
    icon = "calendar-plus"
    calendar_uid: str
    code: str
    name: str
    zone: str


@dataclass(frozen=True, kw_only=True)
class CalendarChanged(Event):
    """`fields`: what changed; `days`: the dates whose exception came, went or changed."""

    type: ClassVar[str] = "calendar.changed"
    label = _("Calendar changed")
    detail = "v{number} {note}"
    icon = "calendar-cog"
    calendar_uid: str
    name: str
    number: int
    fields: tuple[str, ...]
    days: tuple[str, ...]
    note: str


@dataclass(frozen=True, kw_only=True)
class CalendarRetired(Event):
    type: ClassVar[str] = "calendar.retired"
    label = _("Calendar taken out of use")
    detail = "{name}"
    icon = "archive"
    calendar_uid: str
    name: str


@dataclass(frozen=True, kw_only=True)
class PolicyCreated(Event):
    type: ClassVar[str] = "policy.created"
    label = _("Policy made")
    detail = "{kind_label}: {name}"
    icon = "ruler-2"
    policy_uid: str
    kind: str
    kind_label: str
    name: str
    spreads: bool


@dataclass(frozen=True, kw_only=True)
class PolicyChanged(Event):
    """`fields`: what changed; the values stand in the versions."""

    type: ClassVar[str] = "policy.changed"
    label = _("Policy changed")
    detail = "v{number} {note}"
    icon = "ruler-2"
    policy_uid: str
    kind: str
    name: str
    number: int
    fields: tuple[str, ...]
    spreads: bool
    note: str


@dataclass(frozen=True, kw_only=True)
class PolicyRetired(Event):
    type: ClassVar[str] = "policy.retired"
    label = _("Policy taken out of use")
    detail = "{name}"
    icon = "archive"
    policy_uid: str
    kind: str
    name: str


def facts(deadline: Deadline) -> dict[str, Any]:
    """The fields that all these events share, of the deadline as it is now."""
    return {
        "deadline_uid": str(deadline.uid),
        "kind": deadline.kind,
        "kind_label": str(deadline.kind_label),
        "subject_kind": deadline.subject_kind,
        "subject_id": deadline.subject_id,
        "due_at": deadline.due_at.isoformat(),
    }


def terms(deadline: Deadline) -> dict[str, Any]:
    """What the due time is counted by: all that is needed to count it again.

    target: seconds; calendar and terms: the uid of the version; latest: ISO 8601.
    """
    return {
        "urgent": deadline.urgent,
        "target": None if deadline.target is None else deadline.target.total_seconds(),
        "latest": deadline.latest.isoformat() if deadline.latest else None,
        "calendar": str(deadline.calendar.uid) if deadline.calendar else None,
        "terms": str(deadline.terms.uid) if deadline.terms else None,
    }
