"""When could an engineer come? Pure functions on instants; nothing here knows a database or a clock.

There is no map service. The way between two places is judged by what the addresses say: same
store, same district, same city. It is a rule of thumb, and the pages say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum

Span = tuple[datetime, datetime]

# Where windows may begin: on the hour and the half hour.
STEP = timedelta(minutes=30)
# From the office, or from a place of which nothing is known.
USUAL_WAY = 30


class Near(IntEnum):
    """How close two places are; the smaller, the closer."""

    STORE = 0
    DISTRICT = 1
    CITY = 2
    FAR = 3
    UNKNOWN = 4


WAY = {Near.STORE: 5, Near.DISTRICT: 20, Near.CITY: 45, Near.FAR: 120, Near.UNKNOWN: USUAL_WAY}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is, as its address says."""

    city: str
    district: str
    store: int = 0


def near(one: Place | None, other: Place) -> Near:
    """Two stores of which only one has a city are not told apart: unknown."""
    if one is None:
        return Near.UNKNOWN
    if one.store and one.store == other.store:
        return Near.STORE
    if not one.city or not other.city:
        return Near.UNKNOWN
    if one.city != other.city:
        return Near.FAR
    if one.district and one.district == other.district:
        return Near.DISTRICT
    return Near.CITY


def way(one: Place | None, other: Place) -> int:
    """Minutes from one place to the other."""
    return WAY[near(one, other)]


@dataclass(frozen=True, slots=True)
class Busy:
    """The engineer is taken: on the way from `leave`, at the customer's from `start` to `until`."""

    leave: datetime
    start: datetime
    until: datetime
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A window that fits. `before`, `after`: the neighbouring visits of the same day, if any."""

    start: datetime
    until: datetime
    travel: int
    before: Busy | None = None
    after: Busy | None = None

    @property
    def leave(self) -> datetime:
        return self.start - timedelta(minutes=self.travel)


def both(one: Iterable[Span], other: Iterable[Span]) -> list[Span]:
    """The stretches that lie in both lists; each list is in order and without overlap."""
    others = list(other)
    found = []
    for a, b in one:
        for c, d in others:
            start, end = max(a, c), min(b, d)
            if start < end:
                found.append((start, end))
    return found


# Who was somewhere this long ago has been elsewhere since.
SAME_DAY = timedelta(hours=8)


def free_slots(
    *,
    open_spans: Iterable[Span],
    busy: Iterable[Busy],
    place: Place,
    length: timedelta,
    earliest: datetime,
    latest: datetime | None,
    step: timedelta = STEP,
) -> Iterator[Slot]:
    """Every window on the grid that lies in `open_spans`, ends by `latest` and clashes with nothing.

    The engineer does not set off before `earliest`. He needs the way from the visit before, and
    from here to the one after, for which he has promised to leave at a certain time.
    """
    taken = sorted(busy, key=lambda b: (b.leave, b.until))
    for opens, closes in open_spans:
        start = _on_grid(opens, step)
        while start + length <= closes and (latest is None or start + length <= latest):
            slot = _slot(start, start + length, taken, place)
            if slot is not None and slot.leave >= earliest:
                yield slot
            start += step


def _slot(start: datetime, until: datetime, taken: Sequence[Busy], place: Place) -> Slot | None:
    before = max((b for b in taken if b.until <= start), key=lambda b: b.until, default=None)
    after = min((b for b in taken if b.start >= until), key=lambda b: b.start, default=None)
    if before is not None and start - before.until > SAME_DAY:
        before = None
    travel = way(before.place if before else None, place)
    leave = start - timedelta(minutes=travel)
    if any(b.leave < until and leave < b.until for b in taken):
        return None
    if after is not None:
        onward = way(place, after.place) if after.place else USUAL_WAY
        if until + timedelta(minutes=onward) > after.start:
            return None
        if after.start - until > SAME_DAY:
            after = None
    return Slot(start, until, travel, before, after)


_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def _on_grid(moment: datetime, step: timedelta) -> datetime:
    """The first point of the grid at or after a moment."""
    late = (moment - _EPOCH) % step
    return moment if not late else moment + step - late


# --- which of them first -------------------------------------------------------------------------


class Skill(IntEnum):
    """What is known of an engineer and this fault; the smaller, the better."""

    SOLVED = 0
    PRODUCT = 1
    UNKNOWN = 2
    FAILED = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A window of one engineer with all that the order goes by."""

    engineer: int
    slot: Slot
    skill: Skill
    # How close to his visits before and after.
    near: Near
    # How many visits he has on that day.
    load: int


def nearness(slot: Slot, place: Place) -> Near:
    """To the closer one of the neighbouring visits."""
    neighbours = [b.place for b in (slot.before, slot.after) if b is not None]
    return min((near(other, place) for other in neighbours if other), default=Near.UNKNOWN)


def ranked(candidates: Iterable[Candidate], *, urgent: bool) -> list[Candidate]:
    """The best first: who knows the fault, is close by, has less to do; then the earlier time.

    An urgent order goes by the time alone, then by the rest.
    """

    def key(c: Candidate) -> tuple[object, ...]:
        fit = (c.skill, WAY[c.near], c.load)
        first = (c.slot.start, *fit) if urgent else (*fit, c.slot.start)
        return (*first, c.engineer)

    return sorted(candidates, key=key)


def varied(candidates: Iterable[Candidate], *, most: int, each: int) -> list[Candidate]:
    """The first `most`, but not more than `each` of one engineer, and none that overlap for him."""
    found: list[Candidate] = []
    for c in candidates:
        own = [other.slot for other in found if other.engineer == c.engineer]
        if len(own) >= each or any(s.start < c.slot.until and c.slot.start < s.until for s in own):
            continue
        found.append(c)
        if len(found) == most:
            break
    return found
