"""What becomes of acts that were tapped on a phone and could not be recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from servicedesk.core.events import Event


@dataclass(frozen=True, kw_only=True)
class CommandEvent(Event):
    """`at` is when the person tapped, by the corrected clock."""

    op_id: str
    verb: str
    verb_label: str
    subject_kind: str
    number: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CommandRefused(CommandEvent):
    type: ClassVar[str] = "phone.refused"
    label = _("Sent by the phone, not accepted")
    detail = "{verb_label}: {reason}"
    icon = "device-mobile-x"
    code: str


@dataclass(frozen=True, kw_only=True)
class CommandDiscarded(CommandEvent):
    type: ClassVar[str] = "phone.discarded"
    label = _("Entry of the phone thrown away")
    detail = "{verb_label}: {reason}"
    icon = "device-mobile-off"
