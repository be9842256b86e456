"""What the engineer's day counts down, and what stands in the way of what."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.conftest import AT
from tests.visits.factories import AGREED, LEAVE, WINDOW, make_visit
from visits import actions
from visits.clocks import counts_of
from visits.queries import clash_of, clashes
from visits.states import Status

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def counted(visit, now):
    return {str(c.label): c.due_at for c in counts_of(visit) if c.counts(visit.status, now)}


@pytest.mark.parametrize(
    ("before", "labels"),
    [
        (300, {"出发", "最晚告知时间（改到更晚）"}),
        (239, {"出发", "最晚告知时间（半天内改期）"}),
        (60, {"出发", "最晚告知时间（半天内改期）", "最晚告知时间（迟到）"}),
        (29, {"出发", "最晚告知时间（迟到）"}),
    ],
)
def test_an_appointment_counts_down_what_may_still_be_done(before, labels, engineer):
    visit = make_visit(Status.APPOINTED, engineer)

    assert set(counted(visit, WINDOW[0] - before * MINUTE)) == labels


def test_the_rules_are_half_an_hour_four_hours_and_five_minutes_before(engineer):
    visit = make_visit(Status.APPOINTED, engineer)

    due = {str(count.label): count.due_at for count in counts_of(visit)}

    assert due["出发"] == LEAVE
    assert due["最晚告知时间（半天内改期）"] == WINDOW[0] - 30 * MINUTE
    assert due["最晚告知时间（改到更晚）"] == WINDOW[0] - 240 * MINUTE
    assert due["最晚告知时间（迟到）"] == WINDOW[0] - 5 * MINUTE


def test_on_the_way_the_arrival_counts(engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)

    assert set(counted(visit, WINDOW[0] - 20 * MINUTE)) == {"到达", "最晚告知时间（迟到）"}


def test_whoever_was_not_reached_is_called_again_until_there_is_an_appointment(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    at = AT + 12 * MINUTE
    actions.log_attempt(visit, outcome="busy", at=at, by=engineer.as_actor())
    assert counted(visit, at) == {"再次联系": at + 10 * MINUTE}

    actions.appoint(
        visit, window_from=WINDOW[0], window_until=WINDOW[1], agreed_with="李店长", at=AGREED,
        by=engineer.as_actor(),
    )  # fmt: skip

    assert "再次联系" not in counted(visit, AGREED)


def test_the_absent_customer_is_waited_for_a_quarter_of_an_hour(engineer):
    visit = make_visit(Status.WAITING, engineer)

    assert list(counted(visit, WINDOW[0]).values()) == [visit.waiting_since + 15 * MINUTE]


def test_work_that_runs_over_clashes_with_what_comes_next(engineer):
    now_on = make_visit(Status.WORKING, engineer)
    coming = make_visit(Status.APPOINTED, engineer, shift=timedelta(hours=3))
    leave = coming.leave_at

    assert clashes([now_on, coming], now=leave - MINUTE) == {}
    assert clashes([now_on, coming], now=leave + MINUTE) == {now_on.pk: coming, coming.pk: now_on}
    assert clash_of(coming, now=leave + MINUTE) == {coming.pk: now_on}


def test_a_plan_clashes_with_an_appointment(engineer, dispatcher):
    kept = make_visit(Status.APPOINTED, engineer)
    planned = make_visit(Status.ACCEPTED, engineer)
    start = WINDOW[1] + timedelta(hours=1)
    actions.plan(
        planned, engineer=engineer, window_from=start, window_until=start + timedelta(hours=1),
        at=AGREED, by=dispatcher.as_actor(),
    )  # fmt: skip
    assert clashes([kept, planned], now=AGREED) == {}

    planned.planned_from = WINDOW[1] + 10 * MINUTE

    assert set(clashes([kept, planned], now=AGREED)) == {kept.pk, planned.pk}
