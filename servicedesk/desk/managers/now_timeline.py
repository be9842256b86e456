"""Today's visits on a time line: where each bar stands, as shares of the width.

The content policy forbids style attributes, so the bars are SVG, whose x and width are plain
attributes that take per cents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from servicedesk.core.looks import look_of
from servicedesk.core.templatetags.desk import spell_duration
from visits.models import VisitOrder
from visits.states import APPOINTED_AHEAD, ON_SITE

# What a day shows at least.
FIRST_HOUR, LAST_HOUR = 8, 18
USUAL_LENGTH = timedelta(hours=1)
# Narrower bars could neither be read nor hit.
NARROWEST = 4.0
# Pixels: a lane, and the room above and below its bar.
LANE, GAP = 48, 4


@dataclass(frozen=True, slots=True)
class Bar:
    """`x` and `width` of the appointment, `way` of the journey before it, in per cent."""

    visit: VisitOrder
    x: float
    width: float
    way_x: float
    way_width: float
    lane: int
    tone: str
    times: str
    mark: str
    late: bool

    @property
    def start(self) -> str:
        """What a narrow bar has room for; where it ends, its length says."""
        return self.times.partition("–")[0]

    @property
    def y(self) -> int:
        return self.lane * LANE + GAP

    @property
    def middle(self) -> int:
        return self.y + (LANE - 2 * GAP) // 2


@dataclass(frozen=True, slots=True)
class Row:
    engineer: User
    bars: list[Bar]
    lanes: int

    @property
    def height(self) -> int:
        return self.lanes * LANE


@dataclass(frozen=True, slots=True)
class TimeLine:
    # (label, x in per cent) of the full hours
    hours: list[tuple[str, float]]
    now_x: float
    rows: list[Row]
    # Engineers without a visit today; there a row would say nothing.
    free: list[User]

    @property
    def visits(self) -> int:
        return sum(len(row.bars) for row in self.rows)


def time_line(day: list[tuple[User, list[VisitOrder]]], *, now: datetime) -> TimeLine:
    local = timezone.localtime(now)
    midnight = datetime.combine(local.date(), time(), tzinfo=local.tzinfo)
    starts = [_start(visit, now) for _person, visits in day for visit in visits]
    ends = [_end(visit, now) for _person, visits in day for visit in visits]
    first = max(min([midnight + timedelta(hours=FIRST_HOUR), local, *starts]), midnight)
    last = max([midnight + timedelta(hours=LAST_HOUR), local, *ends])
    first = _full_hour(first)
    last = min(
        _full_hour(last - timedelta(microseconds=1)) + timedelta(hours=1),
        midnight + timedelta(days=1),
    )
    scale = _Scale(first, last)
    count = int((last - first) / timedelta(hours=1))
    every = 1 if count <= 14 else 2
    hours = [
        (f"{timezone.localtime(first + timedelta(hours=n)):%H:%M}", round(100 * n / count, 2))
        for n in range(0, count, every)
    ]
    rows = [_row(person, visits, scale, now) for person, visits in day if visits]
    return TimeLine(hours, scale.at(now), rows, [person for person, visits in day if not visits])


@dataclass(frozen=True, slots=True)
class _Scale:
    first: datetime
    last: datetime

    def at(self, moment: datetime) -> float:
        share = (moment - self.first) / (self.last - self.first)
        return round(100 * min(max(share, 0.0), 1.0), 2)


def _full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _start(visit: VisitOrder, now: datetime) -> datetime:
    """Without an appointment: from when he set off or came."""
    found = visit.window_from or visit.departed_at or visit.arrived_at or now
    return timezone.localtime(found)


def _end(visit: VisitOrder, now: datetime) -> datetime:
    start = _start(visit, now)
    until = timezone.localtime(visit.window_until) if visit.window_until else start + USUAL_LENGTH
    if visit.status in ON_SITE:
        return max(until, timezone.localtime(now))
    return max(until, timezone.localtime(visit.finished_at)) if visit.finished_at else until


def _row(person: User, visits: list[VisitOrder], scale: _Scale, now: datetime) -> Row:
    """Bars that overlap lie below each other."""
    lanes: list[float] = []
    bars = []
    for visit in sorted(visits, key=lambda v: (_start(v, now), v.pk)):
        x = min(scale.at(_start(visit, now)), 100 - NARROWEST)
        width = max(scale.at(_end(visit, now)) - x, NARROWEST)
        leave = timezone.localtime(visit.leave_at) if visit.leave_at else None
        way_x = min(scale.at(leave), x) if leave else x
        lane = next((n for n, end in enumerate(lanes) if end <= way_x), len(lanes))
        lanes[lane:] = [x + width, *lanes[lane + 1 :]]
        mark, late = _mark(visit, now)
        tone = "bad" if late and visit.status in APPOINTED_AHEAD else _tone(visit)
        bars.append(
            Bar(visit, x, round(width, 2), way_x, round(x - way_x, 2), lane, tone,
                _times(visit), mark, late)
        )  # fmt: skip
    return Row(person, bars, max(len(lanes), 1))


def _tone(visit: VisitOrder) -> str:
    return look_of(visit._meta.label, visit.status).tone


def _times(visit: VisitOrder) -> str:
    if visit.window_from is None or visit.window_until is None:
        return _("no appointment")
    start, end = timezone.localtime(visit.window_from), timezone.localtime(visit.window_until)
    return f"{start:%H:%M}–{end:%H:%M}"


def _mark(visit: VisitOrder, now: datetime) -> tuple[str, bool]:
    """What is late about it: he came late, is not there yet, or should be on the way."""
    if visit.window_from is None:
        return "", False
    if visit.arrived_at is not None:
        late = (visit.arrived_at - visit.window_from).total_seconds()
        return (_("came %s late") % spell_duration(late), True) if late >= 60 else ("", False)
    if visit.status not in APPOINTED_AHEAD:
        return "", False
    if now > visit.window_from:
        late = (now - visit.window_from).total_seconds()
        return _("%s late") % spell_duration(late), True
    if visit.departed_at is None and visit.leave_at is not None and now > visit.leave_at:
        return _("not set off yet"), True
    return "", False
