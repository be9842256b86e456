"""The dispatch board: marks, proposals with their reasons, and what it costs."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.utils import timezone

from customers.models import Store
from tests.conftest import AT
from tests.visits.factories import (
    WINDOW,
    make_category,
    make_desk_person,
    make_store,
    make_ticket,
    make_visit,
    order,
)
from visits import actions, planning
from visits.models import VisitOrder
from visits.slots import Skill
from visits.states import Status

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DAY = date(2026, 3, 2)


def board(*, days=1, now=AT, day=DAY):
    return planning.dispatch_board(make_desk_person().as_actor(), day, days, now=now)


def lane_of(shown, engineer):
    return next(lane for lane in shown.lanes if lane.engineer == engineer)


def plan(visit, engineer, start):
    return actions.plan(
        visit, engineer=engineer, window_from=start, window_until=start + HOUR, at=AT + MINUTE,
        by=make_desk_person().as_actor(),
    )  # fmt: skip


def test_plans_and_appointments_stand_where_their_time_is(engineer):
    agreed = make_visit(Status.APPOINTED, engineer)
    planned = plan(order(), engineer, WINDOW[1] + HOUR)
    lane = lane_of(board(), engineer)
    # 11:30 and 13:30 on a board that begins at 8: quarter 14 and 22.
    assert [(b.visit, b.agreed, b.column, b.quarters) for b in lane.cell.blocks] == [
        (agreed, True, 15, 4), (planned, False, 23, 4),
    ]  # fmt: skip
    assert lane.cell.booked == timedelta(hours=2, minutes=50)


def test_two_plans_at_a_time_are_marked_and_so_is_a_way_that_is_too_short(engineer):
    plan(order(), engineer, WINDOW[0])
    plan(order(), engineer, WINDOW[0] + 30 * MINUTE)
    far = make_store("苏州店")
    plan(order(store=far, contact_name="王", need="坏了"), engineer, WINDOW[1] + 45 * MINUTE)
    marks = [[text for _tone, text in b.marks] for b in lane_of(board(), engineer).cell.blocks]
    assert "冲突" in marks[0][0]
    assert "冲突" in marks[1][0]
    assert any("路程" in text for text in marks[2])


def test_what_ends_after_the_time_limit_is_marked(engineer):
    ticket = make_ticket(expected_at=AT + 4 * HOUR, no_wish=False)
    visit = plan(order(ticket), engineer, AT + 3 * HOUR + 30 * MINUTE)
    (block,) = lane_of(board(), engineer).cell.blocks
    assert (block.visit, block.tone) == (visit, "bad")


def test_a_day_with_more_than_eight_hours_is_too_full(engineer):
    for n in range(6):
        plan(order(), engineer, WINDOW[0] + n * 80 * MINUTE)
    cell = lane_of(board(), engineer).cell
    assert cell.booked > timedelta(hours=8)
    assert cell.overloaded


def test_what_has_no_time_waits_the_urgent_and_the_due_first(engineer):
    late, soon = (make_ticket(expected_at=AT + n * HOUR, no_wish=False) for n in (9, 5))
    visits = [order(late), order(soon), order(is_urgent=True, store=make_store(),
              contact_name="王", need="坏了")]  # fmt: skip
    make_visit(Status.APPOINTED, engineer)
    plan(order(), engineer, WINDOW[0] + 3 * HOUR)
    assert board().unplanned == [visits[2], visits[1], visits[0]]


def test_a_plan_that_nobody_kept_waits_again(engineer):
    visit = plan(order(), engineer, WINDOW[0])
    assert board().unplanned == []
    assert board(now=WINDOW[1] + MINUTE).unplanned == [visit]


def test_proposals_go_to_who_knows_the_fault_before_the_limit_with_the_reasons(
    engineer, other_engineer
):
    make_visit(Status.SIGNED, other_engineer, record={"category": make_category()})
    visit = order(at=AT + 6 * HOUR)
    now = AT + 6 * HOUR
    found = planning.proposals(visit, [engineer, other_engineer], now=now)
    assert found[0].engineer == other_engineer
    assert "已解决 1 次" in found[0].reasons[0]
    assert all(not p.late and p.window_until <= visit.ticket.due_at for p in found)
    assert all(8 <= timezone.localtime(p.window_from).hour < 20 for p in found)


def test_who_failed_before_comes_last(engineer, other_engineer):
    make_visit(
        Status.SIGNED, engineer,
        record={"category": make_category(), "result": "not_solved", "next_step": "换机",
                "next_step_at": AT + 48 * HOUR},
    )  # fmt: skip
    visit = order(store=make_store(), contact_name="王", need="坏", category=make_category())
    known = planning.knowledge_of(visit, [engineer, other_engineer])
    assert [known[e.pk].skill for e in (engineer, other_engineer)] == [Skill.FAILED, Skill.UNKNOWN]
    assert (
        planning.proposals(visit, [engineer, other_engineer], now=AT)[0].engineer == other_engineer
    )


def test_without_room_before_the_limit_the_later_ones_say_so(engineer):
    ticket = make_ticket(expected_at=AT + 45 * MINUTE, no_wish=False)
    found = planning.proposals(order(ticket), [engineer], now=AT)
    assert found
    assert all(p.late for p in found)


def test_the_opening_hours_of_the_store_count_and_free_text_does_not(engineer):
    store = make_store()
    visit = order(store=store, contact_name="王", need="坏了")
    visit.store.opening_hours = "14:00-15:30"
    starts = {
        timezone.localtime(p.window_from).strftime("%H:%M")
        for p in planning.proposals(visit, [engineer], now=AT, most=99, each=99)
    }
    assert starts == {"14:00"}
    visit.store.opening_hours = "每天营业"
    assert len(planning.proposals(visit, [engineer], now=AT, most=99, each=99)) > 7


# --- the page -------------------------------------------------------------------------------------


@pytest.fixture
def desk(logged_in):
    with time_machine.travel(AT, tick=False):
        yield logged_in(make_desk_person())


def test_the_order_in_hand_shows_its_proposals_and_each_can_be_taken(desk, engineer):
    visit = order()
    page = desk.get("/visits/board/", {"order": visit.number})
    first = page.context["proposals"][0]

    sent = {
        "engineer": engineer.uid, "length": 60, "back": "board", "board_day": "2026-03-02",
        "board_span": "week", "window_from": f"{timezone.localtime(first.window_from):%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    answer = desk.post(f"/visits/{visit.number}/plan/", sent)

    assert answer.url == f"/visits/board/?day=2026-03-02&span=week&order={visit.number}"
    visit.refresh_from_db()
    assert (visit.planned_from, visit.engineer) == (first.window_from, engineer)


def test_a_drop_on_a_day_takes_the_first_free_window_of_it(desk, engineer):
    make_visit(Status.APPOINTED, engineer, shift=timedelta(hours=24))
    visit = order()
    sent = {"engineer": engineer.uid, "length": 60, "day": "2026-03-03", "back": "board"}
    assert desk.post(f"/visits/{visit.number}/plan/", sent).status_code == 302
    visit.refresh_from_db()
    assert f"{timezone.localtime(visit.planned_from):%m-%d %H:%M}" == "03-03 08:00"


def test_a_drop_that_does_not_fit_says_why_on_the_board(desk, engineer):
    make_visit(Status.APPOINTED, engineer)
    visit = order()
    sent = {
        "engineer": engineer.uid, "length": 60, "back": "board", "board_day": "2026-03-02",
        "window_from": f"{timezone.localtime(WINDOW[0]):%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    answer = desk.post(f"/visits/{visit.number}/plan/", sent)
    assert answer.status_code == 422
    assert answer.context["chosen"] == visit
    # As it is kept, not as it would have become; and the reason is said once.
    assert answer.context["chosen"].status == Status.ORDERED
    assert answer.content.decode().count("时间冲突（含路程）") == 1
    assert VisitOrder.objects.get(pk=visit.pk).status == Status.ORDERED


def test_what_was_typed_and_does_not_fit_stays_in_the_form(desk, engineer):
    visit = order()
    sent = {"engineer": engineer.uid, "length": 60, "back": "board", "typed": "1"}

    answer = desk.post(f"/visits/{visit.number}/plan/", sent)

    assert answer.status_code == 422
    assert "window_from" in answer.context["form"].errors


def test_the_order_in_hand_says_for_whom_and_when_it_is_planned(desk, engineer):
    visit = plan(order(), engineer, WINDOW[0])

    page = desk.get("/visits/board/", {"order": visit.number}).content.decode()

    assert f"<strong>{engineer.name} · " in page


@pytest.mark.parametrize(
    ("hours", "warned"),
    [("14:30-22:00", True), ("09:30–22:00", False), ("看情况", False), ("", False)],
)
def test_a_time_outside_of_the_opening_hours_is_warned_of_and_stands(
    hours, warned, engineer, logged_in, helpdesk
):
    visit = make_visit(Status.APPOINTED, engineer)
    Store.objects.filter(pk=visit.store_id).update(opening_hours=hours)

    pages = [logged_in(who).get(visit.get_absolute_url()) for who in (helpdesk, engineer)]

    assert ["不在门店营业时间内" in page.content.decode() for page in pages] == [warned] * 2


def test_who_only_looks_cannot_take_an_order_in_hand(business, logged_in):
    visit = order()
    page = logged_in(business).get("/visits/board/", {"order": visit.number})
    assert page.context["chosen"] is None
    assert "data-order" not in page.content.decode()


@pytest.mark.parametrize("query", ["", "&span=week", "&order={}", "&span=week&order={}"])
def test_the_board_costs_the_same_for_any_number_of_people_and_visits(
    query, desk, engineer, other_engineer, django_assert_max_num_queries
):
    chosen = order()
    path = f"/visits/board/?day=2026-03-02{query.format(chosen.number)}"

    def cost():
        with django_assert_max_num_queries(32) as queries:
            assert desk.get(path).status_code == 200
        return len(queries)

    make_visit(Status.APPOINTED, engineer)
    plan(order(), engineer, WINDOW[0] + 4 * HOUR)
    few = cost()
    for n in range(4):
        make_visit(Status.APPOINTED, other_engineer, shift=n * 2 * HOUR)
        plan(order(), engineer, WINDOW[0] + (n + 6) * HOUR)
        order()
    assert cost() == few
