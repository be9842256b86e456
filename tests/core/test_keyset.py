"""Lists are read by keyset: every row once, in order, forwards and backwards."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import pytest
from django.http import QueryDict

from accounts.actions import create_team
from accounts.models import Team, User
from servicedesk.core.actors import SYSTEM
from servicedesk.core.keyset import keyset_page
from tests.conftest import AT

NAMES = ["一组", "二组", "三组", "四组", "五组", "六组", "七组"]


@pytest.fixture
def teams(db):
    for name in NAMES:
        create_team(name=name, at=AT, by=SYSTEM)
    return list(Team.objects.order_by("-pk"))


def page(url: str = "", *order: str):
    return keyset_page(Team.objects.all(), QueryDict(url.removeprefix("?")), *order, size=3)


def walk(side: str, url: str = ""):
    pages = [page(url)]
    while url := getattr(pages[-1], side):
        pages.append(page(url))
    return pages


def test_walking_forwards_shows_every_row_once(teams):
    pages = walk("next_url")

    assert [row for one in pages for row in one.rows] == teams
    assert [len(one.rows) for one in pages] == [3, 3, 1]
    assert pages[0].previous_url == ""


def test_walking_backwards_leads_to_the_same_pages(teams):
    forwards = walk("next_url")
    backwards = walk("previous_url", forwards[-1].previous_url)

    assert [one.rows for one in backwards] == [forwards[1].rows, forwards[0].rows]
    assert backwards[-1].previous_url == ""


def test_rows_with_the_same_first_value_are_told_apart_by_the_last(
    engineer, other_engineer, helpdesk, other_helpdesk, manager
):
    def users(url: str = ""):
        found = User.objects.all()
        return keyset_page(found, QueryDict(url.removeprefix("?")), "-role", "-pk", size=2)

    pages = [users()]
    while url := pages[-1].next_url:
        pages.append(users(url))

    assert [row for one in pages for row in one.rows] == list(User.objects.order_by("-role", "-pk"))
    assert len(pages) == 3


def test_links_keep_the_filters(teams):
    url = page("?status=open&status=new&after=").next_url

    assert url.startswith("?status=open&status=new&after=")


@pytest.mark.parametrize("mark", ["nonsense", "W10", "WyJ4Il0", "WyIxIiwiMiJd", "💥"])
def test_a_bent_mark_shows_the_first_page(teams, mark):
    assert page(f"?after={mark}").rows == teams[:3]


@pytest.mark.parametrize(
    "values",
    [
        ["\0", "1"], ["\ud800", "1"], ["a", "1" * 30], ["a", "9" * 5000], [None, None], [{}, {}],
        [1, 1], ["9999-12-31T23:59:59-14:00", "1"], ["0001-01-01T00:00:00+14:00", "1"],
        ["2026-03-02T09:30", "1"],
    ],
    ids=lambda values: repr(values)[:30],
)  # fmt: skip
@pytest.mark.parametrize("order", [("name", "pk"), ("created_at", "pk")])
def test_no_mark_upsets_the_database(teams, order, values):
    mark = urlsafe_b64encode(json.dumps(values).encode()).decode()

    assert page(f"?after={mark}", *order).rows == list(Team.objects.order_by(*order)[:3]) or (
        page(f"?after={mark}", *order).rows == []
    )


@pytest.mark.parametrize("text", [b"[" * 2900, b"[" * 100_000])
def test_a_mark_that_is_nested_without_end_shows_the_first_page(teams, text):
    assert page(f"?before={urlsafe_b64encode(text).decode()}").rows == teams[:3]


def test_mixed_directions_are_refused(teams):
    with pytest.raises(ValueError, match="one direction"):
        page("", "-name", "pk")
