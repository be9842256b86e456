"""Working time against an oracle that looks at every quarter of an hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sla.worktime import ALWAYS, DAY, NeverDue, Worktime, after, counted, elapsed

QUARTER = timedelta(minutes=15)
# Where clocks change by an hour, by half an hour, at midnight, or not at all; all by quarters.
ZONES = {
    "Asia/Shanghai": datetime(2026, 2, 14, tzinfo=UTC),
    "Europe/Berlin": datetime(2026, 3, 28, tzinfo=UTC),
    "America/New_York": datetime(2026, 10, 31, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 4, 3, tzinfo=UTC),
    "America/Santiago": datetime(2026, 9, 4, tzinfo=UTC),
    "Asia/Kathmandu": datetime(2026, 5, 1, tzinfo=UTC),
}
HOUR = 3600
OFFICE = ((9 * HOUR, 12 * HOUR), (13 * HOUR, 18 * HOUR))
SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def office(**days: tuple[tuple[int, int], ...]) -> Worktime:
    exceptions = {date.fromisoformat(day[1:].replace("_", "-")): w for day, w in days.items()}
    return Worktime("Asia/Shanghai", (OFFICE,) * 5 + ((),) * 2, exceptions)


Case = tuple[Worktime, datetime, datetime, list[tuple[datetime, datetime]]]


def windows(dice: Random) -> tuple[tuple[int, int], ...]:
    marks = sorted(dice.sample(range(97), 2 * dice.randrange(4)))
    return tuple((a * 900, b * 900) for a, b in zip(marks[::2], marks[1::2], strict=True))


def case(dice: Random) -> Case:
    """A calendar, some days near a change of the clocks, up to three holds, all by quarters."""
    zone, begin = dice.choice(sorted(ZONES.items()))
    weekly = tuple(windows(dice) for _day in range(7))
    days = {
        (begin + timedelta(days=dice.randint(-1, 4))).date(): windows(dice)
        for _exception in range(dice.randrange(3))
    }
    start = begin + dice.randrange(200) * QUARTER
    end = start + dice.randrange(240) * QUARTER
    holds = []
    for _hold in range(dice.randrange(4)):
        began = start + dice.randint(-8, 200) * QUARTER
        holds.append((began, began + dice.randrange(60) * QUARTER))
    return Worktime(zone, weekly, days), start, end, holds


cases = st.randoms(use_true_random=False).map(case)


def oracle(work, start, end, holds):
    """Every quarter from start to end, asked one by one whether the wall clock is in a window."""
    zone, found = ZoneInfo(work.zone), []
    while start < end:
        wall = start.astimezone(zone)
        second = wall.hour * HOUR + wall.minute * 60
        works = any(a <= second < b for a, b in work.windows_on(wall.date()))
        if works and not any(a <= start < b for a, b in holds):
            found.append(start)
        start += QUARTER
    return found


@pytest.mark.parametrize("seed", range(10))
def test_every_quarter_is_counted_as_the_oracle_counts_it(seed):
    """10,000 calendars. Plain dice: a strategy would take ten times as long to throw them."""
    dice = Random(seed)  # noqa: S311 - dice, no secret
    for _throw in range(1_000):
        work, start, end, holds = thrown = case(dice)
        quarters = oracle(work, start, end, holds)

        spans = counted(work, start, end, holds)

        shown = [s + n * QUARTER for s, e in spans for n in range((e - s) // QUARTER)]
        assert shown == quarters, thrown
        assert all((e - s) % QUARTER == timedelta(0) for s, e in spans), thrown
        assert all(spans[n][1] < spans[n + 1][0] for n in range(len(spans) - 1)), thrown
        assert elapsed(work, start, end, holds) == len(quarters) * QUARTER, thrown


@settings(max_examples=300, deadline=None)
@given(cases, st.integers(1, 30), st.integers(1, 30))
def test_the_end_of_a_length_is_where_the_oracle_has_counted_it(thrown, first, second):
    work, start, end, holds = thrown
    quarters = oracle(work, start, end, holds)
    if len(quarters) < first + second:
        return

    one = after(work, start, first * QUARTER, holds)
    both = after(work, start, (first + second) * QUARTER, holds)

    assert one == quarters[first - 1] + QUARTER
    assert both == after(work, one, second * QUARTER, holds)
    assert elapsed(work, start, both, holds) == (first + second) * QUARTER


@settings(max_examples=300, deadline=None)
@given(cases, st.integers(0, 10**12), st.integers(0, 10**12))
@example((office(), at("2026-11-20T17:59:59"), at("2026-11-23T09:00:01"), []), 1, 1_500_000)
def test_time_adds_up_to_the_microsecond(thrown, a, b):
    """Where the oracle's quarters do not reach: any instants, cut anywhere."""
    work, start, end, holds = thrown
    length = (end - start) // timedelta(microseconds=1) + 1
    cut = start + timedelta(microseconds=a % length)
    odd = start + timedelta(microseconds=b % length)
    low, high = sorted((cut, odd))

    whole = elapsed(work, low, end, holds)

    assert elapsed(work, low, high, holds) + elapsed(work, high, end, holds) == whole
    if whole:
        assert after(work, low, whole, holds) <= end
        assert elapsed(work, low, after(work, low, whole, holds), holds) == whole


# --- What people argue about ---------------------------------------------------------------------


def test_work_that_ends_with_the_day_ends_with_it():
    assert after(office(), at("2026-11-20T17:30"), timedelta(minutes=30)) == at("2026-11-20T18:00")


def test_what_is_left_on_friday_evening_goes_on_on_monday():
    assert after(office(), at("2026-11-20T17:45"), timedelta(hours=1)) == at("2026-11-23T09:45")


def test_the_break_at_noon_does_not_count():
    assert elapsed(office(), at("2026-11-20T11:00"), at("2026-11-20T14:00")) == timedelta(hours=2)


def test_a_make_up_saturday_counts_and_a_holiday_does_not():
    """调休: Saturday 10 October 2026 is worked, Thursday the 1st is a holiday."""
    work = office(d2026_10_10=OFFICE, d2026_10_01=())

    assert elapsed(work, at("2026-10-10T00:00"), at("2026-10-11T00:00")) == timedelta(hours=8)
    assert elapsed(work, at("2026-10-01T00:00"), at("2026-10-02T00:00")) == timedelta(0)


def test_a_hold_over_night_costs_no_working_time():
    """A desk that waits from 17:00 to 10:00 waited two hours, not seventeen."""
    hold = (at("2026-11-19T17:00"), at("2026-11-20T10:00"))

    due = after(office(), at("2026-11-19T16:00"), timedelta(hours=4), [hold])

    assert due == at("2026-11-20T14:00")


def test_a_hold_shorter_than_a_minute_is_not_lost():
    start = at("2026-11-20T10:00")
    hold = (start + timedelta(seconds=10), start + timedelta(seconds=17))

    assert after(office(), start, timedelta(minutes=1), [hold]) == start + timedelta(seconds=67)


def test_a_day_from_midnight_to_midnight_has_24_hours():
    """The peers lost a minute each midnight by writing 23:59."""
    work = Worktime("Asia/Shanghai", (((0, DAY),),) * 7)

    assert elapsed(work, at("2026-11-01T00:00"), at("2026-11-08T00:00")) == timedelta(days=7)
    assert counted(work, at("2026-11-01T00:00"), at("2026-11-08T00:00")) == [
        (at("2026-11-01T00:00"), at("2026-11-08T00:00"))
    ]


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)]
)
def test_a_day_has_as_many_hours_as_its_clocks_show(day, hours):
    zone = ZoneInfo("Europe/Berlin")
    work = Worktime("Europe/Berlin", (((0, DAY),),) * 7)
    start = datetime.fromisoformat(day).replace(tzinfo=zone)
    end = datetime.combine(start.date() + timedelta(days=1), start.time(), zone)

    assert elapsed(work, start, end) == timedelta(hours=hours)


def test_a_calendar_without_hours_is_never_due():
    with pytest.raises(NeverDue):
        after(Worktime("Asia/Shanghai", ((),) * 7), at("2026-11-20T10:00"), timedelta(hours=1))


def test_no_time_is_over_at_once():
    assert after(office(), at("2026-11-21T10:00"), timedelta(0)) == at("2026-11-21T10:00")


def test_day_and_night_is_plain_time():
    start = at("2026-11-20T10:00")

    assert after(ALWAYS, start, timedelta(hours=24)) == start + timedelta(hours=24)
    assert elapsed(ALWAYS, start, start + timedelta(days=3)) == timedelta(days=3)
    assert elapsed(ALWAYS, start, start - timedelta(days=3)) == timedelta(0)


@pytest.mark.parametrize(
    "windows", [((5, 5),), ((9, 12), (11, 14)), ((0, DAY + 1),), ((13, 14), (9, 10)), ((-1, 4),)]
)
def test_windows_that_are_none_are_refused(windows):
    with pytest.raises(ValueError, match="windows"):
        Worktime("Asia/Shanghai", (windows,) + ((),) * 6)


def test_a_week_has_seven_days():
    with pytest.raises(ValueError, match="seven"):
        Worktime("Asia/Shanghai", ((),) * 6)
