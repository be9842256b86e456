"""A record's timeline, drawn from the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from servicedesk.core.events import EVENTS, subject_key
from servicedesk.core.models import Entry

# Reported later than this, an entry says so.
LATE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime
    recorded_at: datetime
    label: Any
    text: str
    icon: str
    actor_label: str
    uid: str

    @property
    def late(self) -> bool:
        return self.recorded_at - self.at > LATE


def timeline(obj: Any, *, limit: int = 100) -> list[Line]:
    """The newest entries about the record, newest first, in one query."""
    kind, pk = subject_key(obj)
    entries = Entry.objects.filter(subjects__kind=kind, subjects__object_id=pk)
    return [line(entry) for entry in entries.order_by("-at", "-id")[:limit]]


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def line(entry: Entry) -> Line:
    event = EVENTS.get(entry.type)
    known = {k: "" if v is None else v for k, v in entry.data.items()}
    return Line(
        entry.at,
        entry.recorded_at,
        event.label if event else entry.type,
        str(event.detail).format_map(_Blank(known)).strip() if event else "",
        event.icon if event else "point",
        entry.actor_label,
        str(entry.uid),
    )
