"""A record's timeline, drawn from the journal."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from servicedesk.core import subjects
from servicedesk.core.actors import Actor
from servicedesk.core.events import EVENTS, subject_key
from servicedesk.core.models import Entry
from servicedesk.core.moments import spoken

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


def timeline(
    obj: Any, *, limit: int = 100, without: Collection[str] = (), reader: Actor | None = None
) -> list[Line]:
    """The newest entries about the record, newest first, in one query.

    without: types that the page shows elsewhere, such as deadlines as chips.
    reader: only what is about records alone that he may see; for records that many kinds of
    records hang on, such as a customer. That costs one query more for each kind of them.
    """
    kind, pk = subject_key(obj)
    entries = Entry.objects.filter(subjects__kind=kind, subjects__object_id=pk)
    if without:
        entries = entries.exclude(type__in=without)
    entries = entries.order_by("-at", "-id")
    if reader is None:
        return [line(entry) for entry in entries[:limit]]
    # Most of what happens at a customer may be others'; further back is looked for no longer.
    newest = list(entries.prefetch_related("subjects")[: LOOKED_AT * limit])
    return [line(entry) for entry in _seen_by(reader, newest)][:limit]


# So many entries are looked at for each one that is shown.
LOOKED_AT = 10


def _seen_by(reader: Actor, entries: list[Entry]) -> list[Entry]:
    """Those whose subjects he may see, all of them."""
    ids: dict[str, set[int]] = defaultdict(set)
    for entry in entries:
        for subject in entry.subjects.all():
            ids[subject.kind].add(subject.object_id)
    visible = {kind: subjects.visible_among(kind, found, reader) for kind, found in ids.items()}
    return [
        entry
        for entry in entries
        if all(subject.object_id in visible[subject.kind] for subject in entry.subjects.all())
    ]


# How the journal keeps a moment (datetime.isoformat).
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d")


def _shown(value: Any, year: int) -> Any:
    """Moments as the pages say them; nothing for None; of several things, all."""
    if value is None:
        return ""
    if isinstance(value, str) and MOMENT.fullmatch(value):
        return spoken(datetime.fromisoformat(value), year=year)
    if isinstance(value, list):
        return ("、" if _in_chinese() else ", ").join(str(_shown(each, year)) for each in value)
    return value


# The details are written once; in Chinese text, Chinese punctuation stands between the facts.
FULL_WIDTH = {": ": "：", ", ": "，", "; ": "；", " (": "（", ")": "）"}


def _in_chinese() -> bool:
    return (get_language() or "").startswith("zh")


def _punctuated(detail: str) -> str:
    if _in_chinese():
        for half, full in FULL_WIDTH.items():
            detail = detail.replace(half, full)
    return detail


def _filled(detail: str, known: dict[str, Any]) -> str:
    """Without the signs that stood before or after a fact that is not there."""
    text = _punctuated(detail).format_map(_Blank(known)).strip()
    return (
        text.strip("：:，,；; ").removesuffix("→").removesuffix("（）").removesuffix("()").strip()
    )


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def line(entry: Entry) -> Line:
    event = EVENTS.get(entry.type)
    year = timezone.localtime(entry.at).year
    known = {name: _shown(value, year) for name, value in entry.data.items()}
    for name, words in (event.called if event else {}).items():
        known[name] = words.get(entry.data.get(name, ""), known.get(name, ""))
    return Line(
        entry.at,
        entry.recorded_at,
        event.named(entry.data) if event else entry.type,
        _filled(event.detail, known) if event else "",
        event.icon if event else "point",
        _("System") if entry.actor_kind == "system" else entry.actor_label,
        str(entry.uid),
    )
