"""A plan: who goes when, if the customer agrees. It promises nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied

from accounts.models import Notification
from servicedesk.core.errors import Refused
from servicedesk.core.rules import journal_of
from sla.models import Deadline
from tests.conftest import AT
from tests.visits.factories import WINDOW, make_desk_person, make_store, make_visit, order
from visits import actions
from visits.models import VisitOrder
from visits.states import Status

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def plan(visit, engineer, *, start=WINDOW[0], at=AT + timedelta(minutes=1), **more):
    return actions.plan(
        visit, engineer=engineer, window_from=start, window_until=start + HOUR, at=at,
        by=make_desk_person().as_actor(), **more,
    )  # fmt: skip


def test_an_order_that_is_planned_is_assigned_and_waits_for_the_engineers_word(engineer):
    visit = plan(order(), engineer)

    assert (visit.status, visit.engineer, visit.accepted_at) == (Status.ASSIGNED, engineer, None)
    assert (visit.planned_from, visit.planned_until) == WINDOW
    assert Deadline.objects.of(visit).get(kind="visit.accept").status == "running"
    assert journal_of(visit).last("visit.planned").data["just_assigned"] is True


def test_a_plan_is_no_appointment(engineer):
    visit = plan(order(), engineer)

    assert (visit.window_from, visit.leave_at) == (None, None)
    assert not visit.appointments.exists()
    assert not Deadline.objects.of(visit).filter(kind__in=["visit.arrival", "visit.departure"])


def test_an_appointment_does_not_move_by_a_plan(engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    before = {d.kind: (d.due_at, d.status) for d in Deadline.objects.of(visit)}

    plan(visit, engineer, start=WINDOW[0] + 3 * HOUR, at=AT + HOUR)

    visit.refresh_from_db()
    assert (visit.status, visit.window_from, visit.window_until) == (Status.APPOINTED, *WINDOW)
    assert {d.kind: (d.due_at, d.status) for d in Deadline.objects.of(visit)} == before
    assert visit.appointments.count() == 1


def test_the_engineer_hears_of_a_new_plan_once(engineer):
    visit = plan(order(), engineer)
    told = Notification.objects.filter(user=engineer, text__contains="已计划")
    # The new order is told by itself.
    assert told.count() == 0
    plan(visit, engineer, start=WINDOW[0] + HOUR, at=AT + timedelta(minutes=2))
    assert told.count() == 1


def test_a_plan_on_top_of_an_appointment_is_refused_and_nobody_gets_the_order(engineer):
    agreed = make_visit(Status.APPOINTED, engineer)
    visit = order()
    with pytest.raises(Refused) as refused:
        plan(visit, engineer, start=agreed.window_until + timedelta(minutes=3))
    assert agreed.number in str(refused.value.message)
    visit = VisitOrder.objects.get(pk=visit.pk)
    assert (visit.status, visit.engineer, visit.planned_from) == (Status.ORDERED, None, None)


def test_the_way_is_judged_by_the_visit_before(engineer, other_engineer):
    make_visit(Status.APPOINTED, engineer)
    next_door = plan(order(), engineer, start=WINDOW[1] + HOUR)
    from_the_office = plan(order(), other_engineer, start=WINDOW[1] + HOUR)
    assert (next_door.travel_minutes, from_the_office.travel_minutes) == (20, 30)


@pytest.mark.parametrize(
    ("start", "length", "field"),
    [
        (AT - 3 * HOUR, HOUR, "window_from"),
        (WINDOW[0], timedelta(0), "window_until"),
        (WINDOW[0], timedelta(hours=13), "window_until"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(start, length, field, engineer):
    with pytest.raises(Refused) as refused:
        actions.plan(
            order(), engineer=engineer, window_from=start, window_until=start + length, at=AT,
            by=make_desk_person().as_actor(),
        )  # fmt: skip
    assert refused.value.field == field


def test_the_engineer_does_not_plan(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    with pytest.raises(PermissionDenied):
        actions.plan(
            visit, engineer=engineer, window_from=WINDOW[0], window_until=WINDOW[1], at=AT,
            by=engineer.as_actor(),
        )  # fmt: skip


@pytest.mark.parametrize("end", ["appoint", "send_back", "assign", "cancel"])
def test_a_plan_ends_with_what_it_was_for(end, engineer, other_engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    plan(visit, engineer, at=AT + timedelta(minutes=15))
    at, desk = AT + timedelta(minutes=20), make_desk_person().as_actor()
    if end == "appoint":
        actions.appoint(
            visit, window_from=WINDOW[0], window_until=WINDOW[1], agreed_with="李店长", at=at,
            by=engineer.as_actor(),
        )  # fmt: skip
    elif end == "send_back":
        actions.send_back(visit, reason="排满", at=at, by=engineer.as_actor())
    elif end == "assign":
        actions.assign(visit, engineer=other_engineer, at=at, by=desk)
    else:
        actions.cancel(visit, reason="已恢复", at=at, by=desk)
    assert (visit.planned_from, visit.planned_until) == (None, None)


def test_another_engineer_for_an_appointment_must_be_free_then(engineer, other_engineer):
    busy = make_visit(Status.APPOINTED, other_engineer)
    visit = make_visit(Status.APPOINTED, engineer)
    with pytest.raises(Refused) as refused:
        plan(visit, other_engineer, start=WINDOW[0] + 5 * HOUR, at=AT + HOUR)
    assert busy.number in str(refused.value.message)


def test_a_store_without_district_counts_by_its_city(engineer):
    store = make_store("苏州店")
    assert store.city == ""
    visit = plan(order(store=store, contact_name="王", need="坏了"), engineer)
    assert visit.travel_minutes == 30
