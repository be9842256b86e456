"""“Now”: every figure is that of its records, for every filter; the live part; the wall screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from accounts.actions import create_team
from accounts.roles import Role
from servicedesk.core.actors import SYSTEM
from servicedesk.core.models import Entry, Heartbeat
from servicedesk.desk.managers.now_figures import Scope, situation
from tests.conftest import AT, person
from tests.desk.managers.conftest import NOW
from tests.tickets.tickets.factories import make_store, make_ticket
from tests.visits.factories import make_visit, order
from tickets.actions.calls import end_call
from tickets.states import Status
from visits.states import Status as VisitStatus

pytestmark = pytest.mark.django_db

PAGE = reverse("desk:managers_now")
LIVE = reverse("desk:managers_now_live")
DAY = timedelta(hours=24)


def due_in(minutes: float, status: str = Status.NEW, assignee=None, **more):
    """A ticket with so much time left: 24 hours after it came."""
    return make_ticket(status, assignee, at=NOW - DAY + timedelta(minutes=minutes), **more)


@pytest.fixture
def world(noon, helpdesk, engineer, other_engineer):
    """Tickets on both sides of every boundary, calls, and a day of visits."""
    return {
        "overdue": due_in(-1, Status.IN_PROGRESS, engineer),
        "at_once": due_in(0, Status.ASSIGNED, engineer),
        "soon": due_in(59),
        "an_hour": due_in(60, Status.ASSIGNED, other_engineer, is_urgent=True,
                          urgency_reason="排队"),
        "later": due_in(5 * 60, Status.WAITING, engineer),
        "done": due_in(30, Status.RESOLVED, engineer),
        "promise": _call(helpdesk, "promise", promise_owner=helpdesk,
                         promise_due_at=NOW + timedelta(minutes=30)),
        "message": _call(helpdesk, "message", to_user=engineer,
                         call_back_by=NOW - timedelta(minutes=5), at=NOW - timedelta(hours=1)),
        "not_met": make_visit(VisitStatus.MISSED, other_engineer, shift=-timedelta(days=1)),
        "archived": make_visit(VisitStatus.ARCHIVED, engineer, shift=-timedelta(days=3)),
        # The window of the factories is 11:30 to 12:30, it is 14:00 now.
        "late": make_visit(VisitStatus.APPOINTED, engineer),
        "working": make_visit(VisitStatus.WORKING, other_engineer),
        "nobody": order(at=NOW),
    }  # fmt: skip


def _call(by, outcome, at=NOW, **more):
    words = {"message": "问积分规则", "promise": "能否补登积分"}
    return end_call(
        outcome=outcome, answered_at=at - timedelta(minutes=3), caller_number="13800138001",
        caller_name="李红梅", need=words[outcome], at=at, by=by.as_actor(), **more,
    )  # fmt: skip


def links(markup: str) -> Iterator[tuple[int, str]]:
    """Every figure that leads somewhere: (number, address)."""
    stat = r'<a class="stat[^"]*" href="([^"]+)">.*?stat-value">(\d+)<'
    cell = r'<td[^>]*><a href="([^"]+)"[^>]*>(\d+)</a>'
    for url, number in re.findall(f"{stat}", markup, re.S) + re.findall(cell, markup):
        yield int(number), unescape(url)


def assert_links_are_right(desk, url: str) -> int:
    found = list(links(desk.get(url).text))
    for number, address in found:
        page = desk.get(address)
        assert page.status_code == 200
        assert (page.context["count"], page.text.count("<tr data-record")) == (number, number), (
            address
        )
    return sum(number for number, _address in found)


# --- the figures ---------------------------------------------------------------------------------


def test_each_ticket_counts_by_the_time_it_has_left(world, dispatcher):
    found = situation(dispatcher.as_actor(), Scope(), now=NOW)

    # Each visit has a ticket of its own: two of former days, two of this morning, one of now.
    visits = 5
    assert found.tickets["overdue"] == 1 + 2
    assert found.tickets["within1"] == 2
    assert found.tickets["within4"] == 3
    assert found.tickets["within24"] == 4 + 2
    assert found.tickets["later"] == 1
    assert found.tickets["open"] == 5 + visits
    assert found.tickets["urgent"] == 1
    # Whoever is given a visit is given its ticket.
    assert found.tickets["unassigned"] == 2


def test_the_columns_of_a_state_add_up_to_all_of_it(world, dispatcher):
    found = situation(dispatcher.as_actor(), Scope(), now=NOW)

    for counts in found.states.values():
        assert sum(counts[name] for name in counts if name != "open") == counts["open"]
    assert sum(counts["open"] for counts in found.states.values()) == found.tickets["open"]


def test_callbacks_messages_and_visits_count(world, dispatcher):
    found = situation(dispatcher.as_actor(), Scope(), now=NOW)

    assert (found.promises["open"], found.promises["within1"], found.promises["overdue"]) == (
        1,
        1,
        0,
    )
    assert (found.messages["open"], found.messages["unread"], found.messages["overdue"]) == (
        1,
        1,
        1,
    )
    assert (found.visits["late"], found.visits["under_way"], found.visits["not_met"]) == (1, 1, 1)
    assert (found.visits["unassigned"], found.visits["today"]) == (1, 2)


def test_every_figure_opens_exactly_its_records(desk, world):
    assert assert_links_are_right(desk, PAGE) > 50


@pytest.mark.parametrize("dimension", ["team", "person", "customer", "product"])
def test_every_figure_opens_exactly_its_records_with_a_filter(
    desk, world, engineer, helpdesk, dimension
):
    team = create_team(name="上门一组", leader=None, at=AT, by=SYSTEM)
    type(engineer).objects.get_queryset().filter(pk=engineer.pk).update(team=team)
    ticket = world["overdue"]
    chosen = {
        "team": team, "person": engineer, "customer": ticket.customer,
        "product": ticket.installation.product,
    }[dimension]  # fmt: skip

    assert assert_links_are_right(desk, f"{PAGE}?{dimension}={chosen.uid}") > 0


def test_a_filter_leaves_only_its_own(world, dispatcher, engineer):
    customer = world["overdue"].customer_id
    found = situation(dispatcher.as_actor(), Scope(customer_id=customer), now=NOW)
    assert (found.tickets["open"], found.visits["open"], found.promises["open"]) == (1, 0, 0)

    found = situation(dispatcher.as_actor(), Scope(person_id=engineer.pk), now=NOW)
    assert (found.tickets["open"], found.visits["late"], found.messages["open"]) == (5, 1, 1)
    assert [person.name for person, rows in found.day if rows] == [engineer.name]


def test_who_has_much_more_than_the_team_is_overloaded(noon, dispatcher, engineer, other_engineer):
    others = [person(f"e{n}", f"工程师{n}", Role.ENGINEER) for n in range(2)]
    for worker, count in ((engineer, 4), (other_engineer, 1), (others[0], 1)):
        for _each in range(count):
            due_in(600, Status.ASSIGNED, worker)

    loads = situation(dispatcher.as_actor(), Scope(), now=NOW).loads

    assert [(load.person.name, load.total, load.median) for load in loads[:1]] == [("张伟", 4, 1)]
    assert [load.person.name for load in loads if load.overloaded] == ["张伟"]


def test_the_load_of_a_person_is_whole_whatever_the_customer(desk, world, dispatcher, engineer):
    customer = world["overdue"].customer_id
    loads = situation(dispatcher.as_actor(), Scope(customer_id=customer), now=NOW).loads

    own = next(load for load in loads if load.person == engineer)
    assert (own.tickets, own.overdue, own.visits) == (5, 2, 1)


def test_the_page_costs_the_same_with_more_records(desk, world, queries_of, engineer):
    before = queries_of(desk, PAGE)
    for minutes in (5, 90, 700):
        due_in(minutes, Status.ASSIGNED, engineer)
    team = create_team(name="上门二组", leader=None, at=AT, by=SYSTEM)
    for n in range(3):
        make_visit(VisitStatus.APPOINTED, person(f"e{n}", f"吴{n}", Role.ENGINEER, team))

    assert queries_of(desk, PAGE) == before == 17
    assert queries_of(desk, LIVE) == 9


# --- today's visits ------------------------------------------------------------------------------


def test_the_time_line_says_who_is_late(desk, world):
    line = desk.get(PAGE).context["line"]

    bars = {bar.visit.number: bar for row in line.rows for bar in row.bars}
    late, working = bars[world["late"].number], bars[world["working"].number]
    assert (late.late, late.tone, late.mark) == (True, "bad", "已迟到 2 小时 30 分")
    assert not working.late
    # 11:30 to 12:30 of a day from 08:00 to 18:00.
    assert (late.x, late.width) == (35.0, 10.0)
    assert line.now_x == 60.0


def test_overlapping_visits_lie_below_each_other(desk, noon, engineer):
    make_visit(VisitStatus.WORKING, engineer)
    make_visit(VisitStatus.APPOINTED, engineer, shift=timedelta(minutes=91))

    (row,) = desk.get(PAGE).context["line"].rows
    assert [bar.lane for bar in row.bars] == [0, 1]


def test_engineers_without_a_visit_are_named(desk, engineer):
    assert [person.name for person in desk.get(PAGE).context["line"].free] == [engineer.name]


# --- live ----------------------------------------------------------------------------------------


def test_nothing_is_sent_while_nothing_changes(desk, world):
    first = desk.get(LIVE)
    again = desk.get(LIVE, headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    make_ticket(at=NOW)
    assert desk.get(LIVE, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_a_minute_later_the_figures_have_moved_on(client, dispatcher, world):
    client.force_login(dispatcher)
    before = client.get(LIVE)
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        after = client.get(LIVE, headers={"If-None-Match": before["ETag"]})

    assert after.status_code == 200
    assert after.context["now"].tickets["overdue"] == before.context["now"].tickets["overdue"] + 1


def test_the_wall_screen_has_nothing_to_click(desk, world):
    for url in (f"{PAGE}?wall=1", f"{LIVE}?wall=1"):
        text = desk.get(url).text
        assert not re.findall(r"<(a|button|input|form|select)[ >]", text)
        assert str(desk.get(LIVE).context["now"].tickets["overdue"]) in text


def test_a_silent_engine_is_said_on_both(desk):
    assert "时限" in desk.get(f"{LIVE}?wall=1").context["engine_silent"] * "时限"
    Heartbeat.objects.create(process="w", beat_at=timezone.now() + timedelta(days=3650))

    assert not desk.get(LIVE).context["engine_silent"]


# --- doors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["helpdesk", "engineer", "business"])
def test_others_do_not_see_it(client, request, who):
    client.force_login(request.getfixturevalue(who))

    for url in (PAGE, LIVE, reverse("desk:managers_now_list", args=["tickets", "open"])):
        assert client.get(url).status_code == 403


@pytest.mark.parametrize(
    "query", ["?person=x", "?team=0", "?customer=%27", "?period=x", "?since=x&until=y"]
)
def test_a_filter_that_makes_no_sense_is_no_error(desk, query):
    assert desk.get(PAGE + query).status_code == 200


@pytest.mark.parametrize(
    "path", ["tickets/nothing/", "nothing/open/", "tickets/open/?of=x", "visits/today/?of=1"]
)
def test_an_unknown_figure_is_nothing(desk, path):
    assert desk.get(PAGE + path).status_code == 404


@pytest.mark.parametrize("table", ["states", "calls", "loads", "visits"])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_each_table_is_exported_and_that_is_recorded(desk, world, table, kind):
    answer = desk.get(PAGE, {"export": f"{table}.{kind}"})

    assert len(b"".join(answer.streaming_content)) > 50
    assert Entry.objects.filter(type="figures.exported").count() == 1


def test_the_records_of_a_figure_are_exported(desk, world):
    url = reverse("desk:managers_now_list", args=["tickets", "overdue"])
    lines = b"".join(desk.get(url, {"export": "records.csv"}).streaming_content).decode()

    assert world["overdue"].number in lines
    assert lines.count("\n") == 1 + desk.get(url).context["count"]


def test_a_ticket_of_a_store_is_listed_with_it(desk, noon):
    store = make_store("五角场店")
    due_in(10, store=store)

    page = desk.get(reverse("desk:managers_now_list", args=["tickets", "within1"]))
    assert "五角场店" in page.text
