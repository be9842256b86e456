"""“Handbook”: the figures are those of the stored answers; each opens its records with evidence."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse

from accounts.actions import create_team
from accounts.roles import Role
from servicedesk.core import rule_days, rules
from servicedesk.core.actors import SYSTEM
from servicedesk.core.models import Entry, RuleResult
from servicedesk.desk.managers.handbook import CHAPTERS
from tests.conftest import AT, person
from tests.desk.managers.conftest import NOW
from tests.visits.factories import make_visit

pytestmark = pytest.mark.django_db

PAGE = reverse("desk:managers_handbook")


def rule_url(rule: str) -> str:
    return reverse("desk:managers_rule", args=[rule])


@pytest.fixture
def archived(noon, engineer, other_engineer):
    """Two visits of one, one of the other, in March, one in February."""
    team = create_team(name="上门一组", leader=None, at=AT, by=SYSTEM)
    type(engineer).objects.get_queryset().filter(pk=engineer.pk).update(team=team)
    engineer.refresh_from_db()
    days = [(engineer, 0), (engineer, 1), (other_engineer, 1), (other_engineer, 20)]
    return [make_visit("archived", who, shift=-timedelta(days=n)) for who, n in days]


def shown_rows(page):
    return {row.rule.id: row for _label, rows in page.context["chapters"] for row in rows}


def answers_of(rule: str, **only) -> Counter:
    start = AT.replace(day=1) - timedelta(hours=9, minutes=30)
    found = RuleResult.objects.filter(rule=rule, counts_at__gte=start, **only)
    return Counter(found.values_list("answer", flat=True))


# --- the figures ------------------------------------------------------------------------------


@pytest.mark.parametrize("rolled", [False, True])
def test_figures_are_those_of_the_stored_answers(desk, archived, rolled):
    if rolled:
        rule_days.roll()
    rows = shown_rows(desk.get(PAGE))

    for rule, row in rows.items():
        counted = answers_of(rule)
        for name in ("kept", "broken", "not_provable"):
            assert getattr(row, name).value == counted[name], rule
        judged = counted["kept"] + counted["broken"]
        assert row.rate == (round(100 * counted["kept"] / judged, 1) if judged else None)
    assert rows["VISIT-12"].kept.value == 3


def test_a_rate_shows_its_counts(desk, archived):
    assert re.search(r"100.0 %</span>\s*<small[^>]*>3/3<", desk.get(PAGE).text)


def test_every_rule_stands_in_its_chapter_and_there_is_no_overall_score(desk):
    page = desk.get(PAGE)

    found = [row.rule.id for _label, rows in page.context["chapters"] for row in rows]
    assert found == list(dict.fromkeys(found))
    assert set(found) == {rule.id for rule in rules.RULES.values()}
    assert {rule.partition("-")[0] for rule in found} <= set(CHAPTERS)
    assert not re.search("总分|综合得分|overall", page.text)


def test_nothing_to_judge_has_no_rate(desk):
    rows = shown_rows(desk.get(PAGE))

    assert {row.rate for row in rows.values()} == {None}


def test_what_does_not_apply_stands_aside(desk, archived):
    page = desk.get(rule_url("VISIT-14"))

    assert answers_of("VISIT-14")["not_applicable"] == 3
    assert (page.context["row"].rate, page.context["count"]) == (None, 0)
    assert desk.get(rule_url("VISIT-14"), {"answer": "not_applicable"}).context["count"] == 3


def test_the_trend_goes_back_a_year(desk, archived):
    trend = desk.get(rule_url("VISIT-12")).context["trend"]

    assert len(trend.labels) == 12
    assert [series.values[-2:] for series in trend.series] == [[100.0, 100.0]]
    assert [series.notes[-2:] for series in trend.series] == [["1/1", "3/3"]]


def test_a_rule_by_team_and_person_adds_up(desk, archived):
    context = desk.get(rule_url("VISIT-12")).context

    assert [[str(row[0]), row[3].value] for row in context["teams"].rows] == [
        ["上门一组", 2], ["无", 1],
    ]  # fmt: skip
    assert {str(row[0]): row[3].value for row in context["people"].rows} == {"张伟": 2, "李强": 1}


# --- every figure opens its records -----------------------------------------------------------


def links(markup: str) -> set[tuple[int, str]]:
    found = re.findall(r'<a href="([^"]+)">(\d+)</a>', markup)
    return {(int(number), unescape(url)) for url, number in found}


def assert_links_are_right(desk, url: str) -> int:
    found = links(desk.get(url).text)
    for number, address in found:
        page = desk.get(address)
        shown = (page.context["count"], page.text.count("<tr data-record"))
        assert shown == (number, number), address
    return len(found)


def test_every_figure_opens_exactly_its_records(desk, archived):
    assert assert_links_are_right(desk, PAGE) > 15


@pytest.mark.parametrize("rule", ["VISIT-12", "GEN-4"])
def test_every_figure_of_a_rule_opens_exactly_its_records(desk, archived, rule):
    assert assert_links_are_right(desk, rule_url(rule)) > 6


@pytest.mark.parametrize("dimension", ["team", "person", "customer", "product"])
def test_with_a_filter_too(desk, archived, engineer, dimension):
    visit = archived[0]
    chosen = {
        "team": engineer.team, "person": engineer, "customer": visit.customer,
        "product": visit.ticket.installation.product,
    }[dimension]  # fmt: skip

    assert assert_links_are_right(desk, f"{PAGE}?{dimension}={chosen.uid}") > 3
    rows = shown_rows(desk.get(f"{PAGE}?{dimension}={chosen.uid}"))
    expected = {"team": 2, "person": 2, "customer": 1, "product": 3}
    assert rows["VISIT-12"].kept.value == expected[dimension]


def test_several_filters_together(desk, archived, engineer):
    customer = archived[2].customer
    rows = shown_rows(desk.get(f"{PAGE}?person={engineer.uid}&customer={customer.uid}"))

    assert rows["VISIT-12"].kept.value == 0


def test_the_evidence_is_one_click_away(desk, archived):
    page = desk.get(rule_url("VISIT-12"), {"answer": "kept"})

    assert len(page.context["rows"]) == 3
    for row in page.context["rows"]:
        assert [line.label for line in row["evidence"]] == ["已到达"]
    assert archived[0].get_absolute_url() in page.text


def test_a_record_keeps_whose_it_is(archived):
    result = RuleResult.objects.get(rule="VISIT-12", subject_id=archived[0].pk)

    assert result.customer_id == archived[0].customer_id
    assert result.product_id == archived[0].ticket.installation.product_id


# --- one's own figures ------------------------------------------------------------------------


def test_a_person_sees_his_own_figures_only(client, archived, engineer, other_engineer):
    client.force_login(engineer)
    own = client.get(PAGE)
    assert shown_rows(own)["VISIT-12"].kept.value == 2
    assert own.context["tabs"] == []

    page = client.get(rule_url("VISIT-12"))
    numbers = {str(row["subject"]) for row in page.context["rows"]}
    assert numbers == {archived[0].number, archived[1].number}
    assert (page.context["teams"], page.context["people"]) == (None, None)


def test_no_filter_shows_the_figures_of_others(client, archived, engineer, other_engineer):
    client.force_login(engineer)

    for url in (PAGE, rule_url("VISIT-12")):
        text = client.get(url, {"person": other_engineer.uid}).text
        assert archived[2].number not in text
        assert other_engineer.name not in text
    found = client.get(PAGE, {"person": other_engineer.uid})
    assert shown_rows(found)["VISIT-12"].kept.value == 2


def test_every_own_figure_opens_exactly_its_records(client, archived, engineer):
    client.force_login(engineer)

    assert assert_links_are_right(client, PAGE) > 15


def test_only_managers_export(client, archived, engineer):
    client.force_login(engineer)

    assert client.get(PAGE, {"export": "rules.csv"}).status_code == 403
    assert not Entry.objects.filter(type="figures.exported").exists()


def test_who_has_no_account_of_a_colleague_sees_nothing(client, noon):
    client.force_login(person("api", "CRM", Role.CLIENT))

    assert client.get(PAGE).status_code == 403


# --- doors ------------------------------------------------------------------------------------


def test_the_tables_are_exported(desk, archived):
    for url, table in (
        (PAGE, "rules"), (rule_url("VISIT-12"), "team"), (rule_url("VISIT-12"), "person"),
        (rule_url("VISIT-12"), "trend"), (rule_url("VISIT-12"), "records"),
    ):  # fmt: skip
        answer = desk.get(url, {"export": f"{table}.csv"})
        assert len(b"".join(answer.streaming_content).decode().splitlines()) > 1, table
    assert Entry.objects.filter(type="figures.exported").count() == 5


def test_an_unknown_rule_is_nothing(desk):
    assert desk.get(rule_url("VISIT-99")).status_code == 404


@pytest.mark.parametrize(
    "query", [{"period": "x"}, {"person": "x"}, {"team": "0"}, {"answer": "x"}, {"person": "'"}]
)
def test_a_filter_that_makes_no_sense_is_no_error(desk, query):
    assert desk.get(PAGE, query).status_code == 200
    assert desk.get(rule_url("VISIT-12"), query).status_code == 200


def test_the_pages_cost_the_same_with_more_records(desk, archived, queries_of):
    before = queries_of(desk, PAGE), queries_of(desk, rule_url("VISIT-12"))
    for n in range(2):
        make_visit("archived", person(f"x{n}", f"韩{n}", Role.ENGINEER))

    assert (queries_of(desk, PAGE), queries_of(desk, rule_url("VISIT-12"))) == before == (11, 20)


def test_a_later_answer_counts_at_once(desk, archived):
    rule_days.roll()
    RuleResult.objects.filter(rule="VISIT-12", subject_id=archived[0].pk).update(
        answer="broken", computed_at=NOW
    )

    row = shown_rows(desk.get(PAGE))["VISIT-12"]
    assert (row.kept.value, row.broken.value, row.rate) == (2, 1, 66.7)
