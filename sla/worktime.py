"""Counting working time: several windows a day, holidays, make-up days, zones that change clocks.

Pure functions on instants; nothing here knows a database or reads a clock. A second counts when
the wall clock of the zone stands within a window of its day. So a window 01:30–02:30 has no half
hour in the night that skips 02:00–03:00, and an hour more in the night that repeats it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

# Seconds of a day's wall clock, from (included) and to (not included): 09:00–12:00 is (32400, 43200).
Window = tuple[int, int]
DAY = 24 * 60 * 60
# A calendar that has not counted enough by then counts nothing that matters: give up.
HORIZON = timedelta(days=3660)

Span = tuple[datetime, datetime]


class NeverDue(ValueError):
    """The calendar has too few working hours for the time that is to pass."""


@dataclass(frozen=True, slots=True)
class Worktime:
    """When work is done. `days` are exceptions: a holiday has no windows, a make-up day has some.

    `weekly`: the windows of Monday … Sunday, each in order and without overlap.
    """

    zone: str
    weekly: tuple[tuple[Window, ...], ...]
    days: Mapping[date, tuple[Window, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.weekly) != 7:
            raise ValueError("a week has seven days")
        for windows in (*self.weekly, *self.days.values()):
            check(windows)

    def windows_on(self, day: date) -> tuple[Window, ...]:
        exception = self.days.get(day)
        return self.weekly[day.weekday()] if exception is None else exception


def check(windows: Iterable[Window]) -> None:
    """ValueError unless the windows lie within a day, in order and apart."""
    last = 0
    for start, end in windows:
        if not last <= start < end <= DAY:
            raise ValueError("the windows of a day are in order, apart, and end by 24:00")
        last = end


# Day and night: the clock of the 24-hour rule (SLA-1).
ALWAYS = Worktime("UTC", (((0, DAY),),) * 7)


def counted(
    work: Worktime, start: datetime, end: datetime, holds: Iterable[Span] = ()
) -> list[Span]:
    """The stretches from `start` to `end` that count, in order, joined where they touch.

    `holds` do not count; they may overlap and come in any order. All instants are aware.
    """
    return list(_joined(_without(_working(work, start, end), holds)))


def elapsed(
    work: Worktime, start: datetime, end: datetime, holds: Iterable[Span] = ()
) -> timedelta:
    """How much counts from `start` to `end`; nothing, if the end comes first."""
    return sum((b - a for a, b in _without(_working(work, start, end), holds)), timedelta(0))


def after(
    work: Worktime, start: datetime, length: timedelta, holds: Iterable[Span] = ()
) -> datetime:
    """The first instant at which `length` has been counted since `start`.

    Half an hour from 17:45, where work ends at 18:00, is over at 9:15 in the morning; one that
    ends with the day is over at 18:00, not at 9:00. No time is over at once. Raises NeverDue.
    """
    left = length
    if left <= timedelta(0):
        return start
    for a, b in _without(_working(work, start, start + HORIZON), holds):
        if b - a >= left:
            return a + left
        left -= b - a
    raise NeverDue


def before(work: Worktime, end: datetime, length: timedelta, *, not_before: datetime) -> datetime:
    """The last instant from which `length` is counted until `end`, but none before the other."""
    left, until = length, end
    if work is ALWAYS:
        return max(end - length, not_before)
    while until > not_before:
        since = max(until - WEEK, not_before)
        for a, b in reversed(list(_working(work, since, until))):
            if b - a >= left:
                return b - left
            left -= b - a
        until = since
    return not_before


def _working(work: Worktime, start: datetime, end: datetime) -> Iterator[Span]:
    """Working stretches between two instants, in order; they may touch."""
    if work is ALWAYS:
        if start < end:
            yield start, end
        return
    for begin, until, offset in _segments(work.zone, start.astimezone(UTC), end.astimezone(UTC)):
        # Within a segment the wall clock runs evenly.
        day, last = (begin + offset).date(), (until + offset).date()
        while day <= last:
            midnight = datetime.combine(day, time.min, UTC) - offset
            for opens, closes in work.windows_on(day):
                a = max(begin, midnight + timedelta(seconds=opens))
                b = min(until, midnight + timedelta(seconds=closes))
                if a < b:
                    yield a, b
            day += timedelta(days=1)


def _without(spans: Iterable[Span], holds: Iterable[Span]) -> Iterator[Span]:
    """The spans less the holds."""
    stops = list(_joined(sorted(hold for hold in holds if hold[0] < hold[1])))
    for a, b in spans:
        for began, ended in stops:
            if ended <= a or began >= b:
                continue
            if began > a:
                yield a, began
            a = ended
            if a >= b:
                break
        if a < b:
            yield a, b


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans in order of their start, joined where they touch or overlap."""
    current: Span | None = None
    for a, b in spans:
        if current is not None and a <= current[1]:
            current = current[0], max(current[1], b)
            continue
        if current is not None:
            yield current
        current = a, b
    if current is not None:
        yield current


def _segments(
    zone: str, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """The stretches of constant offset to UTC, with the offset: walked week by week, lazily."""
    while start < end:
        week = min(end, _next_week(start))
        for change in _changes(zone, _week_of(start)):
            if start < change < week:
                yield start, change, _offset(zone, start)
                start = change
        yield start, week, _offset(zone, start)
        start = week


EPOCH = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday
WEEK = timedelta(days=7)


def _week_of(at: datetime) -> int:
    return (at - EPOCH) // WEEK


def _next_week(at: datetime) -> datetime:
    return EPOCH + (_week_of(at) + 1) * WEEK


def _offset(zone: str, at: datetime) -> timedelta:
    offset = at.astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return offset


@lru_cache(maxsize=4096)
def _changes(zone: str, week: int) -> tuple[datetime, ...]:
    """The instants of a week at which the zone's clocks are changed, to the second."""
    found = []
    for day in range(7):
        low = EPOCH + week * WEEK + timedelta(days=day)
        high = low + timedelta(days=1)
        before = _offset(zone, low)
        if before == _offset(zone, high):
            continue
        while high - low > timedelta(seconds=1):
            middle = low + (high - low) // 2
            middle = middle.replace(microsecond=0)
            if _offset(zone, middle) == before:
                low = middle
            else:
                high = middle
        found.append(high)
    return tuple(found)
