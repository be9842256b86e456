"""The arithmetic of ladders and of explanations, for any times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla.kinds import Kind, Rung, Step, done_with, due_rungs, silent_steps
from sla.kinds import ladder as rungs_of
from sla.worktime import ALWAYS
from tests.sla.kinds import REPAIR, REPLY

START = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
lengths = st.integers(0, 40 * 86400).map(lambda s: timedelta(seconds=s))
moments = st.integers(0, 80 * 86400).map(lambda s: START + timedelta(seconds=s))
kinds = st.sampled_from([REPAIR, REPLY])


def ladder(kind: Kind, allowed: timedelta, paused: timedelta = timedelta(0)) -> list[Rung]:
    due_at = START + allowed + paused
    return rungs_of(kind.steps, ALWAYS, started_at=START, due_at=due_at, allowed=allowed)


def test_the_steps_of_24_hours_stand_at_12_19_24_and_25_hours():
    rungs = ladder(REPAIR, timedelta(hours=24))

    hours = [(rung.step.name, (rung.at - START) / timedelta(hours=1)) for rung in rungs]
    assert hours == [("half", 12), ("most", 19.2), ("missed", 24), ("manager", 25)]


def test_an_urgent_deadline_climbs_the_urgent_ladder():
    two_hours = timedelta(hours=2)
    rungs = rungs_of(
        REPAIR.steps_for(urgent=True), ALWAYS, started_at=START, due_at=START + two_hours,
        allowed=two_hours,
    )  # fmt: skip

    assert [(r.step.name, r.at - START) for r in rungs] == [
        ("alert", timedelta(0)), ("half", timedelta(hours=1)), ("missed", timedelta(hours=2)),
    ]  # fmt: skip


@given(kind=kinds, allowed=lengths, paused=lengths)
def test_a_ladder_is_in_order_and_stands_within_its_time(kind, allowed, paused):
    rungs = ladder(kind, allowed, paused)

    moments = [rung.at for rung in rungs]
    assert moments == sorted(moments)
    assert moments[0] >= START
    assert [r.at for r in rungs if r.step.missed] == [START + allowed + paused]


@given(kind=kinds, allowed=lengths, paused=lengths, pause=lengths)
def test_a_pause_moves_every_step_that_is_more_than_a_start_by_its_length(
    kind, allowed, paused, pause
):
    before = ladder(kind, allowed, paused)
    after = {rung.step.name: rung.at for rung in ladder(kind, allowed, paused + pause)}

    for rung in before:
        if rung.at > START:
            assert after[rung.step.name] == rung.at + pause


@given(kind=kinds, allowed=lengths, moment=moments)
def test_each_step_is_due_at_one_time_only_however_often_one_looks(kind, allowed, moment):
    rungs = ladder(kind, allowed)
    index, seen = 0, []
    for at in (START, moment, moment, START + timedelta(days=100)):
        due = due_rungs(rungs, index, at)
        index += len(due)
        seen += due
    assert seen == rungs


@given(kind=kinds, allowed=lengths, moved=lengths, at=moments, fired=st.integers(0, 4))
def test_a_move_leaves_out_only_what_fired_and_is_over(kind, allowed, moved, at, fired):
    done = {rung.step.name for rung in ladder(kind, allowed)[:fired]}
    new = ladder(kind, moved)

    skipped = set(done_with(new, done, at))

    assert skipped == {rung.step.name for rung in new if rung.at <= at} & done


@settings(max_examples=50)
@given(allowed=lengths, at=moments)
def test_of_several_warnings_only_the_last_speaks_and_the_miss_always(allowed, at):
    due = due_rungs(ladder(REPAIR, allowed), 0, at)

    silent = silent_steps(due)

    speaking = [rung.step.name for rung in due if rung.step.name not in silent]
    assert len([name for name in speaking if name in {"half", "most"}]) <= 1
    names = [rung.step.name for rung in due]
    assert [n for n in speaking if n in {"missed", "manager"}] == [
        n for n in names if n in {"missed", "manager"}
    ]
    assert not due or names[-1] in speaking


@pytest.mark.parametrize(
    "wrong",
    [
        {"share": 1.5},
        {"to": ()},
        {"to": ("boss",)},
        {"missed": True, "share": 0.5},
        {"missed": True, "offset": timedelta(hours=1)},
    ],
)
def test_a_step_that_makes_no_sense_is_refused_at_start(wrong):
    with pytest.raises(ValueError, match="odd"):
        Step("odd", "Odd", **wrong)


def test_two_steps_of_one_name_are_refused():
    with pytest.raises(ValueError, match="differ"):
        Kind("test.twice", "Twice", steps=(Step("a", "A"), Step("a", "A")))
