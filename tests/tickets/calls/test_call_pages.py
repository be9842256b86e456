"""The list of calls and the page of one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from tests.conftest import AT

CALLS = reverse("tickets:calls")


def rows(client, query=""):
    return client.get(CALLS + query, headers={"HX-Request": "true"}).content.decode()


def test_the_list_shows_calls_with_masked_numbers(desk, call_of):
    call = call_of("ticket")
    page = desk.get(CALLS).content.decode()

    assert call.number in page
    assert call.ticket.number in page
    assert "138****8001" in page
    assert "13800138001" not in page


def test_filters_by_outcome_person_day_and_words(desk, call_of, helpdesk, engineer):
    ticket = call_of("ticket")
    wrong = call_of("wrong_number", at=AT + timedelta(days=1))

    def shown(query):
        page = rows(desk, query)
        return [call.number in page for call in (ticket, wrong)]

    assert shown("") == [True, True]
    assert shown("?outcome=ticket") == [True, False]
    assert shown("?outcome=wrong_number") == [False, True]
    assert shown(f"?person={helpdesk.uid}") == [True, True]
    assert shown(f"?person={engineer.uid}") == [False, False]
    assert shown("?day=2026-03-02") == [True, False]
    assert shown("?day=2026-03-03") == [False, True]
    for text in ("8001", "138 0013 8001", "大兴", "dxd", "BH-001", "积分", "李红梅", ticket.number):
        assert shown(f"?q={text}") == [True, False], text
    assert shown("?q=没有这样的") == [False, False]


@pytest.mark.parametrize(
    "query", ["?outcome=x", "?day=x", "?person=x", "?q=%27", "?q=" + "x" * 61, "?after=%27"]
)
def test_a_wrong_filter_is_no_error(query, desk, call_of):
    call_of("ticket")
    assert desk.get(CALLS + query).status_code == 200


@pytest.mark.parametrize(
    "outcome", ["solved", "ticket", "visit", "message", "promise", "referral", "wrong_number"]
)
def test_the_page_of_a_call_tells_all(outcome, desk, call_of):
    call = call_of(outcome)
    page = desk.get(call.get_absolute_url()).content.decode()

    assert call.number in page
    assert call.get_outcome_display() in page
    assert "接听来电" in page
    for follow in [call.ticket, *call.messages.all(), *call.promises.all()]:
        if follow is not None:
            assert follow.get_absolute_url() in page


def test_an_engineer_sees_his_own_calls_only(client, call_of, engineer):
    call = call_of("ticket")
    client.force_login(engineer, backend="django.contrib.auth.backends.ModelBackend")

    assert call.number not in rows(client)
    assert client.get(call.get_absolute_url()).status_code == 404
    assert client.get("/tickets/calls/CA-20260302-9999/").status_code == 404


def test_the_number_of_queries_does_not_grow(desk, call_of, django_assert_max_num_queries):
    call = call_of("ticket")
    desk.get(CALLS)
    for _n in range(5):
        call_of("ticket")
    with django_assert_max_num_queries(12):
        desk.get(CALLS)
    with django_assert_max_num_queries(16):
        desk.get(call.get_absolute_url())
