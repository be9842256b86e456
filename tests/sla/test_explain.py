"""`explain()` adds up to the second, whatever happened to the deadline."""

from __future__ import annotations

from datetime import timedelta
from itertools import count, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actions import create_team
from servicedesk.core.actors import SYSTEM
from sla import deadlines
from sla.models import Deadline
from sla.queries import explain, remaining
from tests.conftest import AT
from tests.sla.kinds import REPAIR

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
names = count()
gaps = st.integers(-3600, 20 * 3600).map(lambda s: timedelta(seconds=s))
happenings = st.lists(
    st.tuples(
        gaps,
        st.sampled_from(["pause", "resume", "move"]),
        st.integers(0, 90 * 3600).map(lambda s: timedelta(seconds=s)),
    ),
    max_size=8,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(happened=happenings)
def test_the_intervals_leave_no_gap_and_the_counted_ones_are_the_time_allowed(start, happened):
    subject = create_team(name=f"对象 {next(names)}", at=AT, by=SYSTEM)
    start(subject)
    at = AT
    for gap, what, length in happened:
        at = max(at + gap, AT)
        if what == "pause":
            deadlines.pause(subject, reason="等客户", until=at + 2000 * HOUR, at=at, by=SYSTEM)
        elif what == "resume":
            deadlines.resume(subject, at=at, by=SYSTEM)
        else:
            deadlines.move(
                REPAIR.name, subject, due_at=AT + length, cause="change", reason="", at=at,
                by=SYSTEM,
            )  # fmt: skip
    deadline = Deadline.objects.of(subject).get()

    intervals = explain(deadline)

    counted = sum((i.length for i in intervals if i.counts and i.length), timedelta(0))
    if intervals:
        assert intervals[0].start == deadline.started_at
    assert all(a.end == b.start for a, b in pairwise(intervals))
    if intervals and intervals[-1].end is None:
        left = remaining(deadline)
        assert left is not None
        assert counted + left == deadline.allowed()
    else:
        assert counted == deadline.allowed()
        assert not intervals or intervals[-1].end == deadline.due_at
    assert deadline.original_due_at == AT + 24 * HOUR
    assert deadline.next_step_at is None or deadline.next_step_at >= deadline.started_at


def test_a_pause_is_one_interval_that_does_not_count(start, subject):
    deadline = start()
    deadlines.pause(
        subject, reason="等客户确认", until=AT + 2 * HOUR + 2000 * HOUR, at=AT + 2 * HOUR, by=SYSTEM
    )
    deadlines.resume(subject, at=AT + 5 * HOUR, by=SYSTEM)
    deadline.refresh_from_db()

    assert [(i.length, i.counts, i.reason) for i in explain(deadline)] == [
        (2 * HOUR, True, ""), (3 * HOUR, False, "等客户确认"), (22 * HOUR, True, ""),
    ]  # fmt: skip


def test_a_running_pause_is_open_and_what_remains_is_known(start, subject):
    deadline = start()
    deadlines.pause(
        subject, reason="等客户", until=AT + 2 * HOUR + 2000 * HOUR, at=AT + 2 * HOUR, by=SYSTEM
    )
    deadline.refresh_from_db()

    assert [(i.length, i.counts) for i in explain(deadline)] == [(2 * HOUR, True), (None, False)]
    assert remaining(deadline) == 22 * HOUR


def test_two_pauses_that_overlap_are_counted_once(start, subject):
    """Told late: the second pause began, so they say, before the first one ended."""
    deadline = start()
    deadlines.pause(
        subject, reason="等客户", until=AT + 2 * HOUR + 2000 * HOUR, at=AT + 2 * HOUR, by=SYSTEM
    )
    deadlines.resume(subject, at=AT + 5 * HOUR, by=SYSTEM)
    deadlines.pause(
        subject, reason="等客户", until=AT + 4 * HOUR + 2000 * HOUR, at=AT + 4 * HOUR, by=SYSTEM
    )
    deadlines.resume(subject, at=AT + 6 * HOUR, by=SYSTEM)
    deadline.refresh_from_db()

    assert deadline.due_at == AT + 28 * HOUR
