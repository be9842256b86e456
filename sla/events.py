"""What happens to deadlines. Upper apps listen to react on a miss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from servicedesk.core.events import Event


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


@dataclass(frozen=True, kw_only=True)
class DeadlineMoved(DeadlineEvent):
    type: ClassVar[str] = "deadline.moved"
    label = _("Deadline moved")
    detail = "{kind_label}: {old_due_at} → {due_at} {reason}"
    icon = "clock-edit"
    old_due_at: str
    cause: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DeadlineMet(DeadlineEvent):
    type: ClassVar[str] = "deadline.met"
    label = _("Deadline met")
    detail = "{kind_label}"
    icon = "clock-check"
    late: bool


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
