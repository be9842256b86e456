"""“Visits”: hand-made cases for each figure, and every number leads to exactly its visits."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse

from accounts.actions import create_team
from accounts.roles import Role
from servicedesk.core import rules
from servicedesk.core.actors import SYSTEM
from servicedesk.core.models import Entry
from servicedesk.desk.managers import visit_days
from servicedesk.desk.managers.filters import Period
from servicedesk.desk.managers.now_figures import Scope
from servicedesk.desk.managers.visit_figures import figures
from servicedesk.desk.managers.visit_measures import arrivals
from tests.conftest import AT, person
from tests.desk.managers.conftest import NOW
from tests.visits.factories import (
    ARRIVED,
    FINISHED,
    STEPS,
    WINDOW,
    make_ticket,
    make_visit,
    sign_as_customer,
    sign_as_engineer,
)
from visits import actions
from visits.models import VisitOrder
from visits.states import Status

pytestmark = pytest.mark.django_db

PAGE = reverse("desk:managers_visits")
DAY = timedelta(days=1)
MARCH = Period(AT.date().replace(day=1), AT.date().replace(day=31))


def arrived_at(engineer, minutes_before: float, *, days: int = 0) -> VisitOrder:
    """An engineer who stands at the door so long before the appointment, and does his work."""
    shift = -DAY * days
    visit = make_visit(Status.EN_ROUTE, engineer, shift=shift)
    at = WINDOW[0] + shift - timedelta(minutes=minutes_before)
    actions.arrive(visit, at=at, by=engineer.as_actor())
    return visit


def finished(visit: VisitOrder, engineer, **record) -> VisitOrder:
    shift = visit.arrived_at - ARRIVED
    for name in ("start", "finish"):
        STEPS[name](visit, engineer, shift, record)
    visit.refresh_from_db()
    return visit


def rated(visit: VisitOrder, engineer, **answers) -> None:
    at = visit.finished_at
    document = actions.present_form(visit, at=at, by=engineer.as_actor())
    sign_as_customer(document, engineer, at=at, answers={"remarks": "", **answers})
    sign_as_engineer(document, engineer, at=at)


@pytest.fixture
def world(noon, engineer, other_engineer):
    """The last days of February are out of the period, March begins on its first."""
    exact = finished(arrived_at(engineer, 8), engineer)
    rated(exact, engineer, punctuality=5, conduct=5, skill=4, result=5)
    late = finished(arrived_at(other_engineer, -3), other_engineer, result="workaround")
    rated(late, other_engineer, punctuality=2, conduct=4, skill=4, result=4)
    missed = make_visit(Status.MISSED, person("e3", "吴刚", Role.ENGINEER), shift=-DAY)
    before = make_visit(Status.ARCHIVED, person("e4", "郑洁", Role.ENGINEER), shift=-3 * DAY)
    archived = make_visit(Status.ARCHIVED, person("e5", "钱进", Role.ENGINEER), shift=-DAY)
    return {"exact": exact, "late": late, "missed": missed, "before": before, "archived": archived}


def counted(dispatcher, span=MARCH, scope=None):
    return figures(dispatcher.as_actor(), scope or Scope(), span, "day", now=NOW)


# --- each figure by hand --------------------------------------------------------------------------


def test_what_took_place_counts_on_the_day_of_arrival(world, dispatcher):
    total = counted(dispatcher).total

    assert total["arrived"] == total["appointed"] == 4
    assert (total["on_time"], total["late"], total["early"], total["tight"]) == (3, 1, 0, 0)
    assert total["missed"] == 1
    assert total.rate("on_time", "appointed") == 75.0


@pytest.mark.parametrize(
    ("minutes", "name"),
    [(11, "early"), (10.98, "on_time"), (10, "on_time"), (5, "on_time"), (4.98, "tight"),
     (0, "tight"), (-0.02, "late"), (-30, "late")],
)  # fmt: skip
def test_punctual_is_what_the_rule_calls_punctual(noon, engineer, dispatcher, minutes, name):
    visit = arrived_at(engineer, minutes)

    total = counted(dispatcher).total
    assert [key for key in arrivals() if total[key]] == [name]
    finding = next(f for rule, f in rules.evaluate(visit) if rule.id == "VISIT-12")
    assert (finding.answer == "kept") == (name == "on_time")


def test_a_second_visit_is_no_fix_by_one(noon, engineer, other_engineer, dispatcher):
    ticket = make_ticket(at=AT - DAY)
    visit = finished(_of(ticket, engineer, days=1), engineer)
    actions.refuse_signature(visit, reason="等总部", at=visit.finished_at, by=engineer.as_actor())
    total = counted(dispatcher).total
    assert (total["fixed"], total["first"]) == (1, 1)

    again = _of(ticket, other_engineer, days=0)
    total = counted(dispatcher).total
    assert (total["fixed"], total["first"]) == (0, 1)

    finished(again, other_engineer)
    total = counted(dispatcher).total
    assert (total["fixed"], total["first"], total["arrived"]) == (0, 1, 2)


def _of(ticket, engineer, *, days):
    shift = -DAY * days
    visit = make_visit(Status.EN_ROUTE, engineer, shift=shift, ticket=ticket)
    actions.arrive(visit, at=ARRIVED + shift, by=engineer.as_actor())
    return visit


def test_a_workaround_is_no_fix(noon, engineer, dispatcher):
    finished(arrived_at(engineer, 8), engineer, result="workaround")

    total = counted(dispatcher).total
    assert (total["fixed"], total["first"]) == (0, 1)


def test_work_that_was_broken_off_and_went_on_another_day_took_two_trips(
    noon, engineer, dispatcher
):
    visit = make_visit(Status.INTERRUPTED, engineer, shift=-DAY)
    by = engineer.as_actor()
    actions.rearrange(
        visit, window_from=WINDOW[0], window_until=WINDOW[1], asked_by="customer", reason="停电",
        agreed_with="李店长", at=FINISHED - DAY, by=by,
    )  # fmt: skip
    actions.depart(visit, at=ARRIVED - timedelta(minutes=20), by=by)
    actions.arrive(visit, at=ARRIVED, by=by)
    finished(visit, engineer)

    total = counted(dispatcher).total
    assert (total["fixed"], total["first"]) == (0, 1)


@pytest.mark.parametrize(
    ("hours", "name", "in_time"),
    [(4, "hand_4", 1), (4.1, "hand_24", 1), (24, "hand_24", 1), (24.1, "hand_48", 0),
     (60, "hand_more", 0)],
)  # fmt: skip
def test_forms_count_by_the_time_they_took(noon, engineer, dispatcher, hours, name, in_time):
    visit = finished(arrived_at(engineer, 8, days=1), engineer)
    by = engineer.as_actor()
    actions.refuse_signature(visit, reason="等总部", at=visit.finished_at, by=by)
    actions.hand_in(
        visit, usb_scanned_at=visit.finished_at, by=by,
        at=visit.finished_at + timedelta(hours=hours),
    )  # fmt: skip

    total = counted(dispatcher).total
    buckets = ("hand_4", "hand_24", "hand_48", "hand_more", "not_handed_in")
    assert [key for key in buckets if total[key]] == [name]
    assert (total["handed_in_time"], total["to_hand_in"]) == (in_time, 1)
    assert total.hand_in_mean == timedelta(hours=hours)


def test_what_may_still_be_handed_in_in_time_does_not_count(noon, engineer, dispatcher):
    finished(arrived_at(engineer, 8), engineer)
    assert counted(dispatcher).total["to_hand_in"] == 0

    late = figures(dispatcher.as_actor(), Scope(), MARCH, "day", now=NOW + 2 * DAY).total
    assert (late["to_hand_in"], late["not_handed_in"], late["handed_in_time"]) == (1, 1, 0)


def test_ratings_count_by_aspect(world, dispatcher):
    total = counted(dispatcher).total

    assert (total["punctuality_5"], total["punctuality_2"], total["skill_4"]) == (1, 1, 2)
    assert (total.mean_score("punctuality"), total.mean_score("skill")) == (3.5, 4.0)
    assert (total["rated"], total["low"]) == (2, 1)


def test_nothing_to_count_has_no_rate(desk, dispatcher):
    total = counted(dispatcher).total

    assert total.rate("on_time", "appointed") is None
    assert total.mean_score("skill") is None
    assert "—" in desk.get(PAGE).text


def test_the_rules_about_notices_are_those_of_the_handbook(noon, engineer, dispatcher):
    visit = finished(arrived_at(engineer, -3), engineer)
    rules.store(visit, counts_at=visit.arrived_at, person_id=engineer.pk, team_id=None, at=NOW)

    total = counted(dispatcher).total
    assert (total["VISIT-13:kept"], total["VISIT-13:judged"], total["VISIT-14:judged"]) == (0, 1, 0)


# --- the page -------------------------------------------------------------------------------------


def links(markup: str) -> Counter:
    found = re.findall(r'<a href="([^"]+)">(\d+)</a>', markup)
    return Counter((int(number), unescape(url)) for url, number in found)


def assert_links_are_right(desk, url: str) -> int:
    found = links(desk.get(url).text)
    for number, address in found:
        page = desk.get(address)
        shown = (page.context["count"], page.text.count("<tr data-record"))
        assert shown == (number, number), address
    return len(found)


def test_every_figure_opens_exactly_its_records(desk, world):
    assert assert_links_are_right(desk, PAGE) > 30


@pytest.mark.parametrize("dimension", ["team", "person", "customer", "product"])
def test_every_figure_opens_exactly_its_records_with_a_filter(desk, world, engineer, dimension):
    team = create_team(name="上门一组", leader=None, at=AT, by=SYSTEM)
    type(engineer).objects.get_queryset().filter(pk=engineer.pk).update(team=team)
    visit = world["exact"]
    chosen = {
        "team": team, "person": engineer, "customer": visit.customer,
        "product": visit.installation.product,
    }[dimension]  # fmt: skip

    assert assert_links_are_right(desk, f"{PAGE}?{dimension}={chosen.uid}") > 3


def test_weeks_and_months_open_their_records_too(desk, world):
    assert assert_links_are_right(desk, f"{PAGE}?since=2026-01-12&until=2026-03-31") > 30
    assert assert_links_are_right(desk, f"{PAGE}?period=year") > 30


def test_by_engineer_and_over_time_add_up_to_all(world, dispatcher):
    found = counted(dispatcher)

    for name in ("arrived", "on_time", "late", "fixed", "to_hand_in", "rated", "missed"):
        assert sum(each[name] for each in found.by_engineer.values()) == found.total[name]
        assert sum(each[name] for each in found.by_time.values()) == found.total[name]


def test_the_page_costs_the_same_with_more_visits(desk, world, queries_of):
    visit_days.DAYS.roll()
    before = queries_of(desk, PAGE)
    for n in range(3):
        make_visit(Status.ARCHIVED, person(f"x{n}", f"韩{n}", Role.ENGINEER))
    # One more for the days that wait for the worker.
    assert queries_of(desk, PAGE) == before + 1
    visit_days.DAYS.roll()

    assert queries_of(desk, PAGE) == before == 17


def test_the_tables_are_exported(desk, world):
    for table in ("engineers", "rates", "arrivals", "hand_ins", "satisfaction"):
        answer = desk.get(PAGE, {"export": f"{table}.csv"})
        assert len(b"".join(answer.streaming_content).decode().splitlines()) > 1
    url = reverse("desk:managers_visits_list", args=["late"])
    lines = b"".join(desk.get(url, {"export": "records.csv"}).streaming_content).decode()

    assert world["late"].number in lines
    assert Entry.objects.filter(type="figures.exported").count() == 6


@pytest.mark.parametrize("who", ["helpdesk", "engineer", "business"])
def test_others_do_not_see_it(client, request, who):
    client.force_login(request.getfixturevalue(who))

    assert client.get(PAGE).status_code == 403
    assert client.get(reverse("desk:managers_visits_list", args=["late"])).status_code == 403


def test_an_unknown_figure_is_nothing(desk):
    for name in ("nothing", "skill_9", "skill"):
        url = reverse("desk:managers_visits_list", args=[name])
        assert desk.get(url).status_code == 404
