"""The free windows: properties that hold for any calendar, any day and any way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from visits.slots import (
    STEP,
    WAY,
    Busy,
    Candidate,
    Near,
    Place,
    Skill,
    both,
    free_slots,
    near,
    nearness,
    ranked,
    varied,
    way,
)

# A machine on which other tests run as well may be slow at drawing.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
places = st.builds(
    Place, st.sampled_from(["", "上海市", "苏州市"]), st.sampled_from(["", "黄浦区", "徐汇区"]),
    st.integers(0, 3),
)  # fmt: skip
moments = st.integers(-600, 2000).map(lambda minutes: NOON + minutes * MINUTE)


@st.composite
def spans(draw):
    """In order, apart."""
    cuts = sorted(draw(st.lists(moments, min_size=0, max_size=8, unique=True)))
    return list(zip(cuts[::2], cuts[1::2], strict=False))


@st.composite
def busy_times(draw):
    start = draw(moments)
    lead, length = draw(st.integers(0, 90)), draw(st.integers(15, 240))
    place = draw(st.none() | places)
    return Busy(start - lead * MINUTE, start, start + length * MINUTE, place)


asked = st.fixed_dictionaries(
    {
        "open_spans": spans(),
        "busy": st.lists(busy_times(), max_size=5),
        "place": places,
        "length": st.sampled_from([30, 60, 90, 120]).map(lambda n: n * MINUTE),
        "earliest": moments,
        "latest": st.none() | moments,
    }
)


@patient
@given(asked)
def test_a_window_lies_in_the_opening_hours_before_the_limit_and_on_the_grid(wanted):
    for slot in free_slots(**wanted):
        assert slot.until - slot.start == wanted["length"]
        assert any(a <= slot.start and slot.until <= b for a, b in wanted["open_spans"])
        assert wanted["latest"] is None or slot.until <= wanted["latest"]
        assert slot.leave >= wanted["earliest"]
        assert (slot.start - datetime(2000, 1, 1, tzinfo=UTC)) % STEP == timedelta(0)


@patient
@given(asked)
def test_no_window_clashes_and_there_is_time_for_the_way_on_both_sides(wanted):
    for slot in free_slots(**wanted):
        for b in wanted["busy"]:
            # What the database asks of two appointments: the ways do not overlap either.
            assert b.until <= slot.leave or b.leave >= slot.until
        if slot.before is not None and slot.before.place is not None:
            there = way(slot.before.place, wanted["place"]) * MINUTE
            assert slot.start - slot.before.until >= there
        if slot.after is not None and slot.after.place is not None:
            onward = way(wanted["place"], slot.after.place) * MINUTE
            assert slot.after.start - slot.until >= onward


@patient
@given(asked)
def test_with_nothing_in_the_way_every_point_of_the_grid_is_found(wanted):
    wanted = {**wanted, "busy": [], "earliest": NOON - 2000 * MINUTE}
    found = [slot.start for slot in free_slots(**wanted)]
    points = [
        start
        for n in range(-60, 200)
        for start in [NOON + n * STEP]
        for a, b in wanted["open_spans"]
        if a <= start and start + wanted["length"] <= b
        and (wanted["latest"] is None or start + wanted["length"] <= wanted["latest"])
    ]  # fmt: skip
    assert found == points


@patient
@given(asked, busy_times())
def test_one_more_visit_frees_no_window_but_beside_itself(wanted, more):
    """Who comes from next door, or goes on there, needs less time than from the office."""
    before = {slot.start for slot in free_slots(**wanted)}
    for slot in free_slots(**{**wanted, "busy": [*wanted["busy"], more]}):
        assert slot.start in before or more in (slot.before, slot.after)


@patient
@given(places, places)
def test_nearness_is_the_same_in_both_directions_and_a_shorter_way_for_the_closer(one, other):
    assert near(one, other) == near(other, one)
    assert way(one, other) == way(other, one)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (Place("上海市", "黄浦区", 1), Near.STORE),
        (Place("上海市", "黄浦区", 2), Near.DISTRICT),
        (Place("上海市", "徐汇区", 3), Near.CITY),
        (Place("上海市", "", 3), Near.CITY),
        (Place("苏州市", "黄浦区", 4), Near.FAR),
        (Place("", "黄浦区", 5), Near.UNKNOWN),
        (None, Near.UNKNOWN),
    ],
)
def test_how_close_two_places_are(other, expected):
    assert near(other, Place("上海市", "黄浦区", 1)) == expected


def test_the_way_from_the_visit_before_decides_when_the_next_may_begin():
    here, next_door, far = Place("上", "黄浦", 1), Place("上", "黄浦", 2), Place("苏", "园区", 3)
    day = [(NOON, NOON + timedelta(hours=6))]

    def first_after(place):
        busy = [Busy(NOON - 30 * MINUTE, NOON, NOON + 60 * MINUTE, place)]
        slots = free_slots(
            open_spans=day, busy=busy, place=here, length=60 * MINUTE, earliest=NOON - STEP,
            latest=None,
        )  # fmt: skip
        return (next(iter(slots)).start - NOON) / MINUTE

    assert first_after(next_door) == 90
    assert first_after(far) == 180
    assert first_after(here) == 90


@patient
@given(spans(), spans())
def test_both_is_what_lies_in_each(one, other):
    found = both(one, other)
    for n in range(-600, 2000, 37):
        moment = NOON + n * MINUTE
        inside = [any(a <= moment < b for a, b in part) for part in (one, other, found)]
        assert inside[2] == (inside[0] and inside[1])


@st.composite
def candidates(draw):
    slots = list(free_slots(**{**draw(asked), "latest": None}))[:6]
    return [
        Candidate(draw(st.integers(1, 3)), slot, draw(st.sampled_from(Skill)),
                  draw(st.sampled_from(Near)), draw(st.integers(0, 5)))
        for slot in slots
    ]  # fmt: skip


@patient
@given(candidates())
def test_the_order_goes_by_skill_then_nearness_then_load_then_time(found):
    order = ranked(found, urgent=False)
    keys = [(c.skill, WAY[c.near], c.load, c.slot.start) for c in order]
    assert keys == sorted(keys)
    assert sorted(map(id, order)) == sorted(map(id, found))


@patient
@given(candidates())
def test_an_urgent_order_goes_by_time(found):
    times = [c.slot.start for c in ranked(found, urgent=True)]
    assert times == sorted(times)


@patient
@given(candidates(), st.integers(1, 5), st.integers(1, 3))
def test_the_chosen_few_do_not_overlap_and_nobody_has_more_than_his_share(found, most, each):
    few = varied(found, most=most, each=each)
    assert len(few) <= most
    if found:
        assert few[0] == found[0]
    for c in few:
        own = [o for o in few if o.engineer == c.engineer]
        assert len(own) <= each
        assert all(
            o is c or o.slot.until <= c.slot.start or c.slot.until <= o.slot.start for o in own
        )


def test_the_closer_neighbour_counts():
    here = Place("上海市", "黄浦区", 1)
    close = Busy(NOON, NOON, NOON + STEP, Place("上海市", "黄浦区", 2))
    far = Busy(NOON + 9 * STEP, NOON + 9 * STEP, NOON + 10 * STEP, Place("苏州市", "园区", 3))
    slots = list(
        free_slots(
            open_spans=[(NOON, NOON + timedelta(hours=4))], busy=[close, far], place=here,
            length=STEP, earliest=NOON - 99 * STEP, latest=None,
        )
    )  # fmt: skip
    assert slots
    assert {nearness(slot, here) for slot in slots} == {Near.DISTRICT}
