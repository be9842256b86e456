"""What happens on visits. Presales and training listen too."""

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


@dataclass(frozen=True, kw_only=True)
class VisitOrdered(VisitEvent):
    type: ClassVar[str] = "visit.ordered"
    label = _("Visit ordered")
    detail = "{number} {address}"
    icon = "truck"
    address: str


@dataclass(frozen=True, kw_only=True)
class VisitArrived(VisitEvent):
    type: ClassVar[str] = "visit.arrived"
    label = _("Arrived")
    icon = "map-pin-check"
    window_from: str | None
    minutes_before: int | None


@dataclass(frozen=True, kw_only=True)
class VisitFinished(VisitEvent):
    type: ClassVar[str] = "visit.finished"
    label = _("Work done")
    detail = "{result_label}"
    icon = "check"
    result: str
    result_label: str
    next_step: str
    next_step_at: str | None


@dataclass(frozen=True, kw_only=True)
class VisitArchived(VisitEvent):
    type: ClassVar[str] = "visit.archived"
    label = _("Archived")
    icon = "archive"
