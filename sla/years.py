"""A calendar as people read it: the week, a year of days, and what changed between versions."""

from __future__ import annotations

from calendar import Calendar as Months
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from django.db import models
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla.holidays import PUBLIC
from sla.hours import spell
from sla.models import CalendarVersion


class DayKind(models.TextChoices):
    WORK = "work", gettext_lazy("Working day")
    OFF = "off", gettext_lazy("Day without work")
    HOLIDAY = "holiday", gettext_lazy("Holiday, or closed")
    MAKE_UP = "make-up", gettext_lazy("Make-up working day")
    SPECIAL = "special", gettext_lazy("Other hours than usual")


# Beside the colour, for whoever does not see it.
SIGNS: dict[str, Any] = {
    DayKind.WORK: "•",
    DayKind.OFF: "–",
    DayKind.HOLIDAY: gettext_lazy("hol."),
    DayKind.MAKE_UP: gettext_lazy("mk."),
    DayKind.SPECIAL: gettext_lazy("sp."),
}


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    kind: DayKind
    name: str
    hours: str
    public: bool = False

    @property
    def sign(self) -> Any:
        return SIGNS[self.kind]


@dataclass(frozen=True, slots=True)
class WeekDay:
    """`bars`: the windows in minutes, (start, length), to be drawn."""

    label: Any
    hours: str
    bars: list[tuple[int, int]]


def week(version: CalendarVersion) -> list[WeekDay]:
    return [
        WeekDay(WEEKDAYS[number], spell(day), [(a // 60, (b - a) // 60) for a, b in day])
        for number, day in enumerate(version.weekly)
    ]


def hours_a_week(version: CalendarVersion) -> timedelta:
    return timedelta(seconds=sum(b - a for day in version.weekly for a, b in day))


def year(version: CalendarVersion, number: int) -> list[tuple[date, list[list[Day | None]]]]:
    """Twelve months, each with its first day and its weeks; None beside the month."""
    return [
        (date(number, month, 1), [
            [_day(version, day) if day.month == month else None for day in days]
            for days in Months().monthdatescalendar(number, month)
        ])
        for month in range(1, 13)
    ]  # fmt: skip


def exceptions(version: CalendarVersion, number: int) -> list[Day]:
    """The days of a year that differ from their weekday."""
    days = (date.fromisoformat(day) for day in sorted(version.days))
    return [_day(version, day) for day in days if day.year == number]


def legend() -> list[tuple[str, Any, Any]]:
    return [(kind.value, SIGNS[kind], kind.label) for kind in DayKind]


def _day(version: CalendarVersion, day: date) -> Day:
    usual = version.weekly[day.weekday()]
    exception = version.days.get(day.isoformat())
    if exception is None:
        return Day(day, DayKind.WORK if usual else DayKind.OFF, "", spell(usual))
    windows = exception["windows"]
    kind = DayKind.SPECIAL if usual else DayKind.MAKE_UP
    if not windows:
        kind = DayKind.HOLIDAY
    return Day(day, kind, exception["name"], spell(windows), bool(exception.get(PUBLIC)))


@dataclass(frozen=True, slots=True)
class Edition:
    """A version and what it changed."""

    version: CalendarVersion
    changes: list[str]


def editions(versions: Iterable[CalendarVersion]) -> list[Edition]:
    """The newest first, as given; the last one is compared with nothing."""
    rows = list(versions)
    found = [Edition(new, _differences(old, new)) for new, old in pairwise(rows)]
    return [*found, *(Edition(row, []) for row in rows[-1:])]


def _differences(old: CalendarVersion, new: CalendarVersion) -> list[str]:
    found = []
    if old.zone != new.zone:
        found.append(f"{old.zone} → {new.zone}")
    for number, (before, now) in enumerate(zip(old.weekly, new.weekly, strict=True)):
        if before != now:
            closed = _("no work")
            found.append(f"{WEEKDAYS[number]}: {spell(before) or closed} → {spell(now) or closed}")
    days = sorted(day for day in {*old.days, *new.days} if old.days.get(day) != new.days.get(day))
    if days:
        shown = "、".join(days[:3]) + ("…" if len(days) > 3 else "")
        found.append(_("%(count)d days: %(days)s") % {"count": len(days), "days": shown})
    return found
