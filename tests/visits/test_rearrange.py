from __future__ import annotations

from datetime import timedelta

import pytest

from servicedesk.core.errors import Refused
from servicedesk.core.rules import journal_of
from sla.models import Deadline
from tests.conftest import AT
from tests.visits.factories import WINDOW, make_visit
from visits import actions
from visits.states import Status

pytestmark = pytest.mark.django_db


def rearrange(visit, *, by_hours, before, **more):
    """Move the window; told `before` its beginning."""
    shift = timedelta(hours=by_hours)
    return actions.rearrange(
        visit,
        **{"window_from": WINDOW[0] + shift, "window_until": WINDOW[1] + shift,
           "asked_by": "engineer", "reason": "上一单拖延", "agreed_with": "李店长",
           "at": WINDOW[0] - before, "by": visit.engineer.as_actor()} | more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("by_hours", "minutes_before", "in_time"),
    [
        (2, 30, True),
        (2, 29, False),
        (12, 30, True),
        (-1, 90, True),
        (13, 90, False),
        # Only 110 minutes lie between the order and the window: four hours never do.
        (24, 100, False),
    ],
)
def test_whether_the_notice_was_long_enough_is_computed(
    by_hours, minutes_before, in_time, engineer
):
    visit = make_visit(Status.APPOINTED, engineer)

    rearrange(visit, by_hours=by_hours, before=timedelta(minutes=minutes_before))

    moved = journal_of(visit).last("visit.rearranged")
    assert (moved.data["notice_minutes"], moved.data["in_time"]) == (minutes_before, in_time)
    last = visit.appointments.last()
    assert (last.notice_minutes, last.asked_by) == (minutes_before, "engineer")


def test_four_hours_before_are_enough_for_another_day(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    start, by, day = AT + timedelta(hours=6), engineer.as_actor(), timedelta(days=1)
    actions.appoint(
        visit, window_from=start, window_until=start + timedelta(hours=1), agreed_with="李店长",
        at=AT + timedelta(minutes=20), by=by,
    )  # fmt: skip

    actions.rearrange(
        visit, window_from=start + day, window_until=visit.window_until + day,
        asked_by="engineer", reason="x", agreed_with="x", at=start - timedelta(hours=4), by=by,
    )  # fmt: skip

    assert journal_of(visit).last("visit.rearranged").data["in_time"] is True


def test_what_the_customer_asked_for_is_not_judged(engineer):
    visit = make_visit(Status.APPOINTED, engineer)

    rearrange(visit, by_hours=24, before=timedelta(minutes=1), asked_by="customer")

    assert journal_of(visit).last("visit.rearranged").data["in_time"] is None


def test_the_new_time_starts_the_clocks_anew(engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)

    rearrange(visit, by_hours=3, before=timedelta(minutes=10))

    assert (visit.status, visit.departed_at) == (Status.APPOINTED, None)
    due = dict(Deadline.objects.of(visit).open().values_list("kind", "due_at"))
    assert due["visit.arrival"] == WINDOW[0] + timedelta(hours=3)


def test_from_the_site_the_trip_is_over_and_the_interruption_ends(engineer):
    visit = make_visit(Status.INTERRUPTED, engineer)

    rearrange(visit, by_hours=24, before=timedelta(minutes=-20))

    visit.refresh_from_db()
    assert (visit.arrived_at, visit.started_at) == (None, None)
    assert visit.interruptions.get().ended_at == WINDOW[0] + timedelta(minutes=20)
    assert visit.work.people_met == "李晓梅（店长）"


def test_who_was_gone_to_without_an_appointment_can_be_given_one(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    by = engineer.as_actor()
    actions.log_attempt(visit, outcome="no_answer", at=AT + timedelta(minutes=20), by=by)
    actions.depart(visit, at=AT + timedelta(minutes=30), by=by)
    actions.arrive(visit, at=AT + timedelta(minutes=50), by=by)

    rearrange(visit, by_hours=3, before=timedelta(0), asked_by="customer")

    assert visit.status == Status.APPOINTED
    assert visit.appointments.get().notice_minutes is None


def test_a_clash_is_refused_here_too(engineer):
    other = make_visit(Status.APPOINTED, engineer, shift=timedelta(hours=4))
    visit = make_visit(Status.APPOINTED, engineer)
    with pytest.raises(Refused, match=other.number):
        rearrange(visit, by_hours=4, before=timedelta(minutes=60))


@pytest.mark.parametrize(
    ("field", "value"), [("reason", ""), ("asked_by", "nobody"), ("agreed_with", " ")]
)
def test_reason_consent_and_who_asked_are_required(field, value, engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    with pytest.raises(Refused) as refused:
        rearrange(visit, by_hours=2, before=timedelta(minutes=60), **{field: value})
    assert refused.value.field == field
