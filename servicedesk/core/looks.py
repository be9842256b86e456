"""How a status looks: one tone and one icon each, said once by the app that owns the status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# neutral: nothing to do | info: new, to be looked at | active: someone is at it
# wait: stands still for a reason | good: done | bad: failed, missed | muted: over, cancelled
Tone = Literal["neutral", "info", "active", "wait", "good", "bad", "muted"]


@dataclass(frozen=True, slots=True)
class Look:
    tone: Tone = "neutral"
    icon: str = "point"


PLAIN = Look()
_looks: dict[str, Look] = {}


def looks(model_label: str, by_status: Mapping[str, Look]) -> None:
    """Say in `<app>/panels.py` how the statuses of a model look: `looks("tickets.Ticket", {…})`."""
    for status, look in by_status.items():
        _looks[f"{model_label.lower()}:{status}"] = look


def look_of(model_label: str, status: str) -> Look:
    return _looks.get(f"{model_label.lower()}:{status}", PLAIN)
