"""The page “Service level”: figures by hand-made cases, their records, its doors."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from accounts.actions import create_team, deactivate, edit_user
from accounts.roles import Role, permissions_of
from servicedesk.core.actors import SYSTEM
from servicedesk.desk.managers import figures, heat
from servicedesk.desk.managers.figures import FIGURES, Selection
from servicedesk.desk.managers.filters import ManagerFilter, Period
from servicedesk.desk.managers.service_level import Report
from sla.models import Deadline
from tests.conftest import AT, person
from tests.desk.managers import raw
from tests.desk.managers.test_rollups import Life
from tests.sla.policies import make_policy
from tests.tickets.tickets.factories import make_call, make_category, make_store, make_ticket
from tickets.actions import extensions
from tickets.actions import tickets as actions
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
PAGE = "/managers/service-level/"
IN_MARCH = "period=range&since=2026-03-01&until=2026-03-31"


def of(now=AT + 240 * HOUR, chosen=None, span=MARCH) -> figures.Counts:
    return figures.total(figures.series(chosen or Selection(), span, "day", now))


def resolved(ticket: Ticket, after, *, solution="remote", by=None) -> Ticket:
    by = by or ticket.owner
    if ticket.status == "new":
        actions.assign(ticket, assignee=by, at=ticket.received_at, by=by.as_actor())
    actions.resolve(
        ticket, solution=solution, resolution="好了", at=ticket.received_at + after,
        by=by.as_actor(),
    )  # fmt: skip
    return ticket


def extended(ticket: Ticket, hours: int, *, at) -> None:
    by = ticket.owner.as_actor()
    extension = extensions.propose_extension(
        ticket, plan="换打印机", proposed_due_at=ticket.received_at + hours * HOUR, at=at, by=by
    )
    extensions.consent(extension, call=make_call(ticket, at=at, by=ticket.owner), at=at, by=by)


# --- what is counted -------------------------------------------------------------------------


def test_a_percentage_stands_on_its_counts(roll_up):
    resolved(make_ticket(), 2 * HOUR)
    resolved(make_ticket(), 3 * HOUR)
    resolved(make_ticket(), 30 * HOUR)
    roll_up()

    counts = of()

    assert (counts["promised_in_time"], counts["promised_judged"]) == (2, 3)
    assert counts.rate("promised") == 66.7
    assert counts.fraction("promised") == "2/3"


def test_nothing_to_count_is_neither_0_nor_100(roll_up):
    make_ticket()
    roll_up()

    counts = of(now=AT + HOUR / 6)

    assert counts["opened"] == 1
    assert {key: counts.rate(key) for key in figures.RATES} == dict.fromkeys(figures.RATES)


def test_an_open_request_counts_as_missed_as_soon_as_its_time_is_over(roll_up):
    """Nothing happens to it then, so no entry of the journal could tell."""
    make_ticket()
    roll_up()

    assert of(now=AT + 24 * HOUR)["promised_missed"] == 0
    late = of(now=AT + 24 * HOUR + timedelta(seconds=1))

    assert (late["promised_missed"], late["agreed_missed"], late["response_missed"]) == (1, 1, 1)
    assert late.rate("promised") == 0.0


def test_consent_in_time_keeps_the_agreement_but_not_the_first_promise(roll_up):
    ticket = make_ticket()
    extended(ticket, 48, at=AT + 20 * HOUR)
    roll_up()
    # The first promise is over while the ticket is open still.
    between = of(now=AT + 30 * HOUR)
    assert (between["promised_missed"], between["agreed_missed"]) == (1, 0)

    resolved(ticket, 40 * HOUR)
    roll_up()

    counts = of()
    assert (counts.fraction("promised"), counts.fraction("agreed")) == ("0/1", "1/1")
    assert (counts["extension_asked"], counts["extension_consented"]) == (1, 1)
    assert counts.fraction("extension_kept") == "1/1"


def test_consent_after_the_miss_mends_nothing(roll_up):
    ticket = make_ticket()
    extended(ticket, 48, at=AT + 30 * HOUR)
    resolved(ticket, 40 * HOUR)
    roll_up()

    counts = of()

    assert (counts.fraction("promised"), counts.fraction("agreed")) == ("0/1", "0/1")
    assert counts.fraction("extension_kept") == "1/1"


def test_a_pause_that_the_contract_allows_keeps_the_agreement(roll_up, engineer):
    make_policy("ticket.resolution", target=10 * HOUR, longest_pause=4 * HOUR)
    ticket = make_ticket("in_progress", engineer)
    by = engineer.as_actor()
    extended(ticket, 11, at=AT + HOUR)
    actions.wait(ticket, reason="等配件", until=AT + 13 * HOUR, at=AT + 9 * HOUR, by=by)
    roll_up()
    paused = of(now=AT + 11 * HOUR)
    assert (paused["promised_missed"], paused["agreed_missed"]) == (1, 0)

    # It ends after the due time that it moves; no consent came too late here.
    actions.resume(ticket, at=AT + 12 * HOUR, by=by)
    resolved(ticket, 12.5 * HOUR, by=engineer)
    roll_up()

    counts = of()
    assert (counts.fraction("promised"), counts.fraction("agreed")) == ("0/1", "1/1")


def test_an_extension_that_is_not_kept_is_missed_in_every_sense(roll_up):
    ticket = make_ticket()
    extended(ticket, 30, at=AT + 20 * HOUR)
    roll_up()
    assert of(now=AT + 31 * HOUR)["extension_broken"] == 1

    resolved(ticket, 40 * HOUR)
    roll_up()

    counts = of()
    assert counts.fraction("agreed") == "0/1"
    assert counts.fraction("extension_kept") == "0/1"


def test_what_is_told_late_counts_from_when_it_happened(roll_up, helpdesk):
    ticket = make_ticket()
    roll_up()
    assert of()["promised_missed"] == 1

    resolved(ticket, 5 * HOUR)
    roll_up()

    assert of().fraction("promised") == "1/1"


def test_opened_again_it_has_another_promise_and_the_first_miss_stays(roll_up):
    ticket = resolved(make_ticket(), 30 * HOUR)
    actions.reopen(ticket, reason="又坏了", at=AT + 31 * HOUR, by=ticket.owner.as_actor())
    actions.resolve(
        ticket, solution="remote", resolution="好了", at=AT + 32 * HOUR, by=ticket.owner.as_actor()
    )
    roll_up()

    counts = of()

    assert counts.fraction("promised") == "0/1"
    assert counts.fraction("reopened") == "1/1"


def test_solved_in_the_first_conversation_is_not_just_solved_by_telephone(roll_up):
    resolved(make_ticket(), timedelta(0), solution="phone")
    answered_before = make_ticket()
    actions.respond(answered_before, at=AT + HOUR / 6, by=answered_before.owner.as_actor())
    resolved(answered_before, HOUR, solution="phone")
    resolved(make_ticket(), HOUR, solution="visit")
    roll_up()

    counts = of()

    assert counts["by_phone"] == 2
    assert counts.fraction("first_contact") == "1/3"
    assert counts.fraction("visit") == "1/3"


def test_the_backlog_is_counted_by_age_from_all_days(roll_up):
    for days in (0, 1, 2, 5, 30):
        make_ticket(at=AT - timedelta(days=days, hours=1))
    resolved(make_ticket(), HOUR)
    roll_up()

    assert figures.backlog(Selection(), AT) == [1, 0, 2, 1, 1]


def test_the_heat_map_counts_by_the_clock_in_shanghai(roll_up, helpdesk):
    make_ticket()  # Monday 09:30
    make_ticket(at=AT + timedelta(days=1, hours=12, minutes=29))  # Tuesday 21:59
    roll_up()

    wanted = {9: 1, 24 + 21: 1}
    assert figures.spread(Selection(), MARCH).hours == wanted
    mine = Selection(persons=(Ticket.objects.first().owner_id,))
    assert figures.spread(mine, MARCH).hours == wanted


def test_each_cell_of_the_heat_map_opens_its_requests(desk, roll_up):
    for minutes in (0, 10, 20):
        make_ticket(at=AT + timedelta(minutes=minutes))  # Monday, 9 o'clock
    make_ticket(at=AT + timedelta(days=1))
    roll_up()

    page = desk.get(f"{PAGE}?{IN_MARCH}").text
    cells = re.findall(r'<td class="(heat-\d)" title="([^"]+)">(?:<a href="([^"]+)">)?', page)
    assert len(cells) == 7 * 24
    assert [(step, label) for step, label, _url in cells if step != "heat-0"] == [
        ("heat-6", "周一 9:00–10:00 · 3"), ("heat-2", "周二 9:00–10:00 · 1"),
    ]  # fmt: skip
    for _step, label, url in cells:
        assert bool(url) == (not label.endswith(" 0"))
        if url:
            assert desk.get(unescape(url)).context["count"] == int(label.split()[-1])


@pytest.mark.parametrize("most", [1, 5, 6, 7, 39, 1000])
def test_the_legend_of_the_heat_map_names_each_number_once(most):
    drawn = heat.heat_map(
        "heat", "", {0: most}, subtitle="", url=lambda hour: "", export_base=""
    )  # fmt: skip
    named = {}
    for step, words in drawn.steps:
        first, _dash, last = words.partition("–")
        for number in range(int(first), int(last or first) + 1):
            assert number not in named
            named[number] = step
    assert named == {number: heat.step_of(number, most) for number in range(1, most + 1)}


def test_the_top_faults_and_stores_come_most_frequent_first(roll_up):
    busy, quiet = make_store("忙店"), make_store("闲店")
    make_ticket(store=busy, category=make_category("YJ", "硬件"))
    make_ticket(store=busy, category=make_category("YJ", "硬件"))
    make_ticket(store=quiet, category=None)
    roll_up()

    hardware = make_category("YJ", "硬件").pk
    for chosen in (Selection(), Selection(persons=(Ticket.objects.first().owner_id,))):
        found = figures.spread(chosen, MARCH)
        assert found.categories == [(hardware, 2), (0, 1)]
        assert found.stores == [(busy.pk, 2), (quiet.pk, 1)]


def test_a_team_without_members_has_nothing(roll_up):
    make_ticket()
    roll_up()
    nobody = Selection(persons=())

    assert of(chosen=nobody)["opened"] == 0
    assert figures.backlog(nobody, AT) == [0] * 5
    assert figures.spread(nobody, MARCH) == figures.Spread({}, [], [])


# --- filters ---------------------------------------------------------------------------------


def test_filters_count_the_same_from_roll_ups_and_from_facts(
    helpdesk, engineer, other_engineer, roll_up
):
    """One filter reads roll-ups, several read facts; each agrees with a count by hand."""
    life = Life(5, [helpdesk, engineer, other_engineer])
    life.play(80)
    roll_up()
    customers = {store.customer_id for store in life.stores}
    product = Ticket.objects.exclude(product=None).first().product_id
    selections = [Selection(persons=(p.pk,)) for p in life.people]
    selections += [Selection(customer=c) for c in customers]
    selections += [Selection(customer=c, persons=(engineer.pk, helpdesk.pk)) for c in customers]
    selections += [Selection(product=product), Selection(product=product, persons=(engineer.pk,))]
    span = Period(date(2026, 2, 20), date(2026, 12, 1))
    for chosen in selections:
        mine = [
            raw.outcome(t) for t in Ticket.objects.all()
            if (chosen.persons is None or (t.assignee_id or t.owner_id) in chosen.persons)
            and chosen.customer in {None, t.customer_id} and chosen.product in {None, t.product_id}
        ]  # fmt: skip
        counts = of(chosen=chosen, now=AT - 1000 * HOUR, span=span)
        for figure in FIGURES.values():
            expected = sum(sum(bool(o[m]) for m in figure.measures) for o in mine)
            assert counts[figure.key] == expected, (chosen, figure.key)


def join(user, team) -> None:
    edit_user(
        user, name=user.name, role=user.role, team=team, email=user.email, phone=user.phone,
        staff_number="", language="zh-hans", at=AT, by=SYSTEM,
    )  # fmt: skip


def test_a_team_is_its_people_of_today(roll_up, engineer, other_engineer):
    team = create_team(name="上海一组", leader=None, at=AT, by=SYSTEM)
    join(engineer, team)
    make_ticket("assigned", engineer)
    make_ticket("assigned", other_engineer)
    roll_up()
    filters = ManagerFilter({"team": str(team.uid)}, by=engineer.as_actor(), today=AT.date())

    assert of(chosen=figures.selection(filters))["opened"] == 1

    join(other_engineer, team)
    assert of(chosen=figures.selection(filters))["opened"] == 2


def counted_by_hand(**only) -> dict[str, int]:
    """Of the tickets that have these values, with nothing of the roll-ups."""
    mine = [
        raw.outcome(ticket)
        for ticket in Ticket.objects.all()
        if all(getattr(ticket, name) == value for name, value in only.items())
    ]
    return {
        figure.key: sum(bool(outcome[m]) for outcome in mine for m in figure.measures)
        for figure in FIGURES.values()
    }


def shown(viewer, **sent) -> dict[str, int]:
    """By the filters of the page; long before any due time, so that the clock decides nothing."""
    filters = ManagerFilter(sent, by=viewer.as_actor(), today=AT.date())
    return of(chosen=figures.selection(filters), now=AT - 1000 * HOUR).by_key


@pytest.mark.parametrize(("late", "expected"), [(timedelta(0), 0), (timedelta(seconds=1), 1)])
def test_what_comes_at_the_last_moment_is_in_time(roll_up, late, expected):
    """Off by one second, and off by one ticket."""
    ticket = make_ticket()
    respond_by = Deadline.objects.of(ticket).get(kind="ticket.response").due_at
    actions.take(ticket, at=AT, by=ticket.owner.as_actor())
    actions.respond(ticket, at=respond_by + late, by=ticket.owner.as_actor())
    resolved(ticket, ticket.due_at + late - AT)
    roll_up()

    counts = of()
    assert ticket.due_at == AT + 24 * HOUR
    for key in ("response_missed", "promised_missed", "agreed_missed", "over_24h"):
        assert counts[key] == expected, key
    for key in ("response_in_time", "promised_in_time", "agreed_in_time"):
        assert counts[key] == 1 - expected, key


def test_told_late_reopened_moved_and_gone_the_figures_are_those_of_the_records(
    roll_up, helpdesk, manager, engineer, other_engineer
):
    """Each is a way to be off by one: the day, the count, the team, the person."""
    first, second = (create_team(name=n, leader=None, at=AT, by=SYSTEM) for n in ("一组", "二组"))
    join(engineer, first), join(other_engineer, second)
    by = helpdesk.as_actor()
    # Told late: taken in on Monday, written down when Monday had been summed up.
    make_ticket("assigned", engineer, at=AT + 24 * HOUR)
    roll_up()
    make_ticket("assigned", engineer)
    # Solved late, which is told only after another change of the same ticket was summed up.
    late = make_ticket("assigned", other_engineer)
    roll_up()
    actions.resolve(late, solution="remote", resolution="好了", at=AT + 30 * HOUR, by=by)
    # Solved, reopened, given to somebody of another team.
    again = resolved(make_ticket("assigned", engineer), HOUR)
    roll_up()
    actions.reopen(again, reason="又坏了", at=AT + 2 * HOUR, by=by)
    actions.assign(again, assignee=other_engineer, at=AT + 2 * HOUR, by=by)
    roll_up()

    def check() -> None:
        for user in (engineer, other_engineer):
            alone = counted_by_hand(assignee_id=user.pk)
            assert shown(manager, person=str(user.uid)) == alone
        assert shown(manager) == counted_by_hand()

    check()
    engineers = counted_by_hand(assignee_id=other_engineer.pk)
    assert (engineers["opened"], engineers["reopened"], engineers["over_24h"]) == (2, 1, 1)
    assert shown(manager, team=str(second.uid)) == engineers

    # He changes teams, and takes his work with him.
    join(other_engineer, first)
    check()
    assert shown(manager, team=str(first.uid)) == counted_by_hand()
    assert set(shown(manager, team=str(second.uid)).values()) == {0}

    # He leaves; what he did stays where it was.
    for ticket in Ticket.objects.open().filter(assignee=other_engineer):
        actions.assign(ticket, assignee=engineer, at=AT + 31 * HOUR, by=by)
    deactivate(other_engineer, at=AT + 32 * HOUR, by=SYSTEM)
    roll_up()
    check()
    assert shown(manager, person=str(other_engineer.uid))["opened"] == 1
    assert shown(manager, team=str(first.uid)) == counted_by_hand()


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("today", "2026-03-11", "2026-03-11"), ("week", "2026-03-09", "2026-03-15"),
        ("month", "2026-03-01", "2026-03-31"), ("last_month", "2026-02-01", "2026-02-28"),
        ("quarter", "2026-01-01", "2026-03-31"), ("year", "2026-01-01", "2026-12-31"),
    ],
)  # fmt: skip
def test_each_period_has_its_days(period, first, last, db, manager):
    filters = ManagerFilter({"period": period}, by=manager.as_actor(), today=date(2026, 3, 11))

    assert filters.span == Period(date.fromisoformat(first), date.fromisoformat(last))
    assert filters.errors == {}


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"period": "nonsense"}, "period"),
        ({"period": "range", "since": "yesterday"}, "since"),
        ({"period": "range"}, "since"),
        ({"period": "range", "since": "2026-03-05", "until": "2026-03-04"}, "until"),
        ({"period": "range", "since": "2025-03-05", "until": "2026-03-06"}, "until"),
        ({"period": "range", "since": "1026-03-05", "until": "2026-03-06"}, "since"),
        ({"team": "1"}, "team"),
        ({"person": "00000000-0000-0000-0000-000000000000"}, "person"),
        ({"customer": "'"}, "customer"),
        ({"product": "x" * 5000}, "product"),
    ],
)
def test_a_bad_value_is_left_out_and_said_beside_its_control(sent, wrong, desk):
    answer = desk.get(PAGE, sent)

    assert answer.status_code == 200
    assert list(answer.context["filters"].errors) == [wrong]
    assert answer.context["filters"].span == MARCH
    assert answer.context["filters"].dimensions == {}
    assert "field-errors" in answer.text


# --- the page --------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [r for r in Role if r != Role.CLIENT])
@pytest.mark.parametrize("url", [PAGE, "/managers/records/?figure=opened", "/managers/"])
def test_only_who_leads_sees_it(role, url, client, db):
    client.force_login(person("somebody", "某某", role))

    allowed = role in {Role.DISPATCHER, Role.MANAGER, Role.ADMINISTRATOR}
    assert (client.get(url).status_code != 403) == allowed


def test_who_sees_the_figures_sees_all_their_records():
    for role in Role:
        may = permissions_of(role)
        assert "managers.see" not in may or "tickets.see_all" in may


@pytest.mark.parametrize("verb", ["post", "put", "delete"])
def test_it_is_only_read(verb, desk):
    assert getattr(desk, verb)(PAGE).status_code == 405


def test_the_page_says_as_of_when_its_figures_are(desk, roll_up, noon):
    assert "notice-wait" in desk.get(PAGE).text  # no worker has ever made them
    roll_up(noon)

    page = desk.get(PAGE)

    assert page.context["as_of"] == noon
    assert "14:00" in page.text
    assert "notice-wait" not in page.text


def test_the_page_warns_when_no_worker_keeps_it_up_to_date(desk, roll_up, noon):
    roll_up(noon - timedelta(minutes=3))

    assert "notice-wait" in desk.get(PAGE).text


def links(text: str) -> list[str]:
    return [unescape(url) for url in re.findall(r'href="(/managers/records/[^"]+)"', text)]


def test_every_figure_opens_as_many_records_as_it_says(desk, helpdesk, engineer, roll_up):
    life = Life(11, [helpdesk, engineer])
    life.play(120)
    roll_up()
    with time_machine.travel(life.now, tick=False):
        desk.force_login(person("lead", "领导", Role.MANAGER))
        page = desk.get(PAGE, {"period": "range", "since": "2026-02-25", "until": "2026-04-01"})
        shown = re.findall(r'<a href="(/managers/records/[^"]+)">(\d+)</a>', page.text)
        assert len(shown) > 60
        wrong = []
        for url, number in dict(shown).items():
            found = desk.get(unescape(url))
            listed = found.context["count"]
            if listed != int(number) or len(found.context["tickets"]) != min(listed, 50):
                wrong.append((url, number, listed))

    assert wrong == []


@pytest.mark.parametrize(
    "bad",
    ["", "figure=nonsense", "figure=opened&category=1", "figure=opened&store=x", "figure=opened&"
     "store=00000000-0000-0000-0000-000000000000"],
)  # fmt: skip
def test_records_of_nothing_are_not_there(bad, desk):
    assert desk.get(f"/managers/records/?{bad}").status_code == 404


def test_records_come_in_pages(desk, roll_up, monkeypatch):
    from servicedesk.core import keyset

    monkeypatch.setattr(keyset.keyset_page, "__kwdefaults__", {"size": 2})
    for minutes in range(5):
        make_ticket(at=AT + timedelta(minutes=minutes))
    roll_up()
    url = f"/managers/records/?figure=opened&{IN_MARCH}"
    seen = []
    while url:
        answer = desk.get(url)
        seen += [ticket.number for ticket in answer.context["tickets"]]
        url = (
            answer.context["page"].next_url
            and "/managers/records/" + answer.context["page"].next_url
        )

    assert len(seen) == len(set(seen)) == 5


def test_the_page_costs_the_same_however_many_requests_there_are(
    desk, queries_of, roll_up, engineer
):
    make_ticket()
    roll_up()
    few = queries_of(desk, PAGE)
    for minutes in range(6):
        make_ticket("resolved", engineer, at=AT + timedelta(minutes=minutes))
    roll_up()

    assert queries_of(desk, PAGE) == few == 19
    records = queries_of(desk, f"/managers/records/?figure=opened&{IN_MARCH}")
    make_ticket("resolved", engineer, at=AT + HOUR)
    roll_up()
    assert queries_of(desk, f"/managers/records/?figure=opened&{IN_MARCH}") == records == 9


def test_buckets_grow_with_the_period(db, manager):
    def firsts(**sent):
        filters = ManagerFilter(sent, by=manager.as_actor(), today=date(2026, 11, 18))
        report = Report(filters, AT.replace(month=11, day=18))
        return report.bucket, [part.first for part in report.parts]

    assert firsts(period="month")[0] == "day"
    assert len(firsts(period="month")[1]) == 18  # as far as the month has come
    bucket, weeks = firsts(period="quarter")
    assert (bucket, weeks[0]) == ("week", date(2026, 9, 28))
    bucket, months = firsts(period="year")
    assert (bucket, len(months)) == ("month", 11)


# --- exports ---------------------------------------------------------------------------------


def rows_of(answer: Any) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


def test_each_table_of_the_page_can_be_exported(desk, roll_up):
    resolved(make_ticket(), HOUR)
    roll_up()
    page = desk.get(f"{PAGE}?{IN_MARCH}")
    names = [page.context["summary"].name, *(c.table.name for c in page.context["charts"])]
    assert len(names) == len(set(names)) == 8

    for name in names:
        rows = rows_of(desk.get(f"{PAGE}?{IN_MARCH}&export={name}.csv"))
        assert len(rows) > 1, name
        assert len({len(row) for row in rows}) == 1
        sheet = desk.get(f"{PAGE}?{IN_MARCH}&export={name}.xlsx")
        assert b"".join(sheet.streaming_content)[:2] == b"PK"


def test_an_export_has_the_figures_of_the_page(desk, roll_up):
    resolved(make_ticket(), HOUR)
    resolved(make_ticket(), 30 * HOUR)
    roll_up()

    rows = rows_of(desk.get(f"{PAGE}?{IN_MARCH}&export=summary.csv"))

    assert rows[2][1:] == ["50.0", "1", "2", "90"]


@pytest.mark.parametrize("bad", ["nonsense.csv", "summary.pdf", "summary", "../etc.csv", "."])
def test_what_is_not_there_cannot_be_exported(bad, desk):
    assert desk.get(PAGE, {"export": bad}).status_code == 404


def test_nobody_else_exports(client, helpdesk, roll_up):
    client.force_login(helpdesk)

    assert client.get(f"{PAGE}?export=summary.csv").status_code == 403


def test_the_records_are_exported_with_all_their_pages(desk, roll_up):
    for minutes in range(60):
        make_ticket(at=AT + timedelta(minutes=minutes))
    roll_up()

    rows = rows_of(desk.get(f"/managers/records/?figure=opened&{IN_MARCH}&export=records.csv"))

    assert len(rows) == 61
    assert len({row[0] for row in rows}) == 61


def test_the_navigation_leads_there(desk):
    assert reverse("desk:managers") in desk.get("/").text
