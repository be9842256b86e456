"""/api/v1/calls: read, and a whole call in one request."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tests.conftest import AT
from tickets.models import Call

END = "/api/v1/calls/end"
OUTCOMES = [
    "solved", "ticket", "visit", "message", "promise", "referral", "wrong_number", "existing",
]  # fmt: skip


@pytest.fixture
def wire(said):
    """What was said, as JSON: records by uid, moments as text."""

    def make(outcome):
        data = said(outcome, timezone.now())
        return {
            name: value.number if name == "ticket"
            else str(value.uid) if hasattr(value, "uid")
            else value.isoformat() if hasattr(value, "isoformat") else value
            for name, value in data.items()
        }  # fmt: skip

    return make


def end(client, body, **headers):
    return client.post(END, body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_in_one_request(outcome, desk, wire):
    response = end(desk, wire(outcome))

    assert response.status_code == 201, response.content
    call = Call.objects.get()
    body = response.json()
    assert (body["number"], body["outcome"]) == (call.number, outcome)
    assert bool(body["ticket"]) == (outcome in {"solved", "ticket", "visit", "existing"})
    assert len(body["messages"]) == (outcome == "message")
    assert len(body["promises"]) == (outcome == "promise")


def test_all_that_is_missing_is_told_by_field(desk, wire):
    response = end(desk, wire("ticket") | {"no_wish": False, "read_back": False, "need": ""})

    assert response.status_code == 400
    pointers = {error["pointer"] for error in response.json()["errors"]}
    assert pointers == {"/expected_at", "/read_back", "/need"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("outcome", "hung_up"), ("answered_at", "x"), ("ring_count", -1), ("ring_count", "x"),
        ("caller_number", "1" * 31), ("caller_name", "a\nb"), ("store", "no-uid"),
        ("store", "00000000-0000-7000-8000-000000000000"), ("contact", "'"), ("contact", 7),
        ("installation", "no-uid"), ("product", ["x"]), ("category", {}), ("need", "x" * 4001),
        ("expected_at", "soon"), ("assignee", "no-uid"), ("intake_key", "no-uid"),
        ("ticket", "TK-20260302-9999"), ("ticket", "'"), ("ticket", 7),
        ("no_such_field", 1), ("is_urgent", "perhaps"), ("title", "x" * 121),
    ],
)  # fmt: skip
def test_bad_input_is_400_at_its_field(field, value, desk, wire):
    response = end(desk, wire("ticket") | {field: value})

    assert response.status_code == 400, response.content
    assert any(error["pointer"].startswith(f"/{field}") for error in response.json()["errors"])
    assert not Call.objects.exists()


def test_a_repeated_request_makes_one_call(desk, wire):
    body = wire("ticket")
    first, second = (end(desk, body, **{"Idempotency-Key": "k-1"}) for _n in range(2))

    assert first.json() == second.json()
    assert Call.objects.count() == 1


def test_a_time_and_no_wish_contradict_each_other(desk, wire):
    response = end(desk, wire("visit") | {"no_wish": True})

    assert response.status_code == 400


def test_reading_is_for_those_who_may(desk, client, call_of, engineer):
    call = call_of("ticket")
    assert desk.get(f"/api/v1/calls/{call.number}").json()["need"] == call.need
    assert desk.get("/api/v1/calls?outcome=ticket").json()["results"][0]["number"] == call.number
    assert desk.get("/api/v1/calls?outcome=visit").json()["results"] == []

    client.force_login(engineer, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/api/v1/calls/{call.number}").status_code == 404
    assert client.get("/api/v1/calls").json()["results"] == []


def test_taking_calls_needs_the_permission(client, business, wire):
    body = wire("wrong_number")
    client.force_login(business, backend="django.contrib.auth.backends.ModelBackend")
    assert end(client, body).status_code == 403


def test_the_list_has_a_constant_number_of_queries(desk, call_of, django_assert_max_num_queries):
    for outcome in OUTCOMES:
        call_of(outcome, at=AT)
    desk.get("/api/v1/calls")
    with django_assert_max_num_queries(6):
        desk.get("/api/v1/calls")
