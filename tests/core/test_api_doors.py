"""What the API takes: bodies, `If-Match`, cursors, `Idempotency-Key`."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db.models import F
from rest_framework.test import APIClient

from servicedesk.core.models import IdempotencyKey
from tests.visits.factories import make_contact, make_store, make_ticket

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def api(helpdesk):
    client = APIClient()
    client.force_login(helpdesk)
    return client


@pytest.fixture
def ticket(db):
    return make_ticket()


def comment(api, ticket, body='{"text": "已联系"}', **headers):
    return api.generic(
        "POST", f"/api/v1/tickets/{ticket.number}/comment", body, JSON, headers=headers
    )


# --- bodies -------------------------------------------------------------------------------------

BAD_BODIES = {
    "deep": "[" * 100_000,
    "deep but closed": "[" * 900 + "]" * 900,
    "null character": '{"text": "a\\u0000b"}',
    "half a pair": '{"text": "\\ud800"}',
    "a name that is half a pair": '{"\\ud800": "x"}',
    "a name with a null character": '{"a\\u0000": "x"}',
    "long number": '{"text": %s}' % ("9" * 5000),
    "no number": '{"text": NaN}',
    "no JSON": "{text}",
    "not UTF-8": b'{"text": "\xff"}',
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k1"}], ids=["", "with key"])
def test_a_bad_body_is_said_to_be_bad(api, ticket, body, headers):
    answer = comment(api, ticket, body, **headers)

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert not ticket.notes.exists()


@pytest.mark.parametrize("log_in", ["cookie", "token"])
def test_a_body_has_a_length(log_in, api, ticket, helpdesk):
    if log_in == "token":
        api = APIClient()
        api.force_authenticate(helpdesk)

    answer = comment(api, ticket, json.dumps({"text": "长" * 1_000_000}))

    assert (answer.status_code, answer.json()["title"]) == (413, "too large")


def test_what_was_right_stays_right(api, ticket):
    assert comment(api, ticket, '{"text": "第一行\\n第二行 \\ud83d\\ude00"}').status_code == 200
    assert ticket.notes.get().text == "第一行\n第二行 😀"


@pytest.mark.parametrize("field", ["title"])
@pytest.mark.parametrize("value", ["积分\n终端", "积分\r终端", "积分\u2028终端"])
def test_a_title_is_one_line(api, ticket, field, value):
    answer = api.post(f"/api/v1/tickets/{ticket.number}/edit", {field: value}, format="json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"/{field}"


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00Z", "1999-12-31T00:00:00Z", "9999-12-31T12:00:00Z"]
)
def test_a_moment_lies_in_this_century(api, ticket, moment):
    answer = api.post(
        f"/api/v1/tickets/{ticket.number}/wait", {"reason": "等", "until": moment}, format="json"
    )

    assert answer.status_code == 400
    assert "2000 年至 2100 年" in answer.json()["errors"][0]["detail"]


# --- If-Match -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        ('"v{now}"', 200), ("*", 200), ('"v0", "v{now}"', 200), (' "v{now}"\t,W/"v1"', 200),
        ('"v0"', 412), ('W/"v{now}"', 412), ('"another"', 412), ('"v0", W/"v{now}"', 412),
        ('"v99999999999999999999"', 412), ('"v' + "9" * 5000 + '"', 412), ('""', 412),
        ("foo", 400), ("v{now}", 400), ('"v{now}', 400), ('"v{now}" "v1"', 400), (",", 400),
        ("{now}", 400), ('w/"v{now}"', 400), ("*, *", 400),
    ],
)  # fmt: skip
def test_if_match_is_read_as_http_says(api, ticket, tag, status):
    answer = comment(api, ticket, **{"If-Match": tag.replace("{now}", str(ticket.version))})

    assert answer.status_code == status
    assert ticket.notes.exists() == (status == 200)


# --- cursors ------------------------------------------------------------------------------------

LISTS = [
    "tickets", "visits", "calls", "customers", "stores", "deadlines", "users", "articles",
    "escalations", "messages", "policies", "contracts", "documents", "extensions",
]  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("cursor", ["cD1hYmM=", "cD0=", "abc", "cD0" + "5" * 40, "%F0%9F"])
def test_a_cursor_that_is_none_is_not_found(api, name, cursor):
    assert api.get(f"/api/v1/{name}?cursor={cursor}").status_code in {403, 404}


def test_a_cursor_leads_on(api):
    for _ in range(3):
        make_ticket()

    first = api.get("/api/v1/tickets?limit=2").json()
    second = api.get(first["next"]).json()

    numbers = [row["number"] for row in first["results"] + second["results"]]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 3


# --- Idempotency-Key ----------------------------------------------------------------------------


def attach(api, ticket, content):
    file = SimpleUploadedFile("a.txt", content)
    return api.post(
        f"/api/v1/tickets/{ticket.number}/attach", {"file": file}, format="multipart",
        headers={"Idempotency-Key": "f1"},
    )  # fmt: skip


def test_another_file_of_the_same_name_and_size_is_another_request(api, ticket):
    assert attach(api, ticket, b"first").status_code == 200
    assert attach(api, ticket, b"other").status_code == 422
    assert attach(api, ticket, b"first").status_code == 200
    assert len(api.get(f"/api/v1/tickets/{ticket.number}").json()["files"]) == 1


def test_a_number_that_was_revealed_is_kept_nowhere(api):
    contact = make_contact(make_store())

    for _ in range(2):
        answer = api.post(
            f"/api/v1/contacts/{contact.uid}/reveal-phone", {"reason": "回电"}, format="json",
            headers={"Idempotency-Key": "r1"},
        )  # fmt: skip
        assert answer.json() == {"phone": contact.phone}

    assert not IdempotencyKey.objects.exists()


def test_answers_are_forgotten_after_a_day(api, ticket, capsys, settings):
    comment(api, ticket, **{"Idempotency-Key": "old"})
    IdempotencyKey.objects.update(created_at=F("created_at") - timedelta(hours=25))
    comment(api, ticket, **{"Idempotency-Key": "new"})

    call_command("forget_answers")

    assert capsys.readouterr().out == "Answers forgotten: 1\n"
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["new"]
    assert ["forget_answers"] in settings.NIGHTLY
