"""What happens under the roof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from servicedesk.core.events import Event


@dataclass(frozen=True, kw_only=True)
class FiguresExported(Event):
    """Who took which figures or records out of the house (GEN-7)."""

    type: ClassVar[str] = "figures.exported"
    label = _("Figures exported")
    detail = "{title} ({file_type}, {rows}): {filters}"
    icon = "file-download"
    table: str
    title: str
    file_type: str
    filters: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class ReportTriedAgain(Event):
    type: ClassVar[str] = "report.tried_again"
    label = _("Report tried again")
    detail = "{number}"
    icon = "refresh"
    number: str


@dataclass(frozen=True, kw_only=True)
class WallLinkMade(Event):
    type: ClassVar[str] = "wall.link_made"
    label = _("Wall screen set up")
    detail = "{name}: {filters}"
    icon = "device-tv"
    name: str
    filters: str


@dataclass(frozen=True, kw_only=True)
class WallLinkRevoked(Event):
    type: ClassVar[str] = "wall.link_revoked"
    label = _("Wall screen switched off")
    detail = "{name}"
    icon = "device-tv-off"
    name: str
