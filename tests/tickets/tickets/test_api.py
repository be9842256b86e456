"""What is special of the API: opening, versions, repeated requests, unknown fields."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from tests.tickets.tickets.factories import details, make_ticket
from tickets.models import Note, Ticket
from tickets.states import Status

pytestmark = pytest.mark.django_db

URL = "/api/v1/tickets"


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


def body(helpdesk, **more):
    told = details(owner=helpdesk)
    names = ("customer", "store", "contact", "installation", "category", "owner")
    return {
        "title": told["title"], "need": told["need"], "no_wish": True,
        **{name: str(told[name].uid) for name in names},
    } | more  # fmt: skip


def test_another_system_opens_a_ticket(api_of, api_client_user, helpdesk):
    response = api_of(api_client_user).post(f"{URL}/open", body(helpdesk))

    assert response.status_code == 201
    shown = response.json()
    assert (shown["status"], shown["owner"]) == ("new", str(helpdesk.uid))
    assert {d["kind"] for d in shown["deadlines"]} == {
        "ticket.response", "ticket.assignment", "ticket.resolution",
    }  # fmt: skip
    assert response["ETag"] == '"v1"'


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"customer": "00000000-0000-0000-0000-000000000000"}, "/customer"),
        ({"store": "not-a-uid"}, "/store"),
        ({"title": ""}, "/title"),
        ({"title": "长" * 121}, "/title"),
        ({"expected_at": "tomorrow"}, "/expected_at"),
        ({"at": (timezone.now() + timedelta(days=1)).isoformat()}, "/at"),
        ({"evil": 1}, "/evil"),
    ],
)
def test_bad_input_names_the_field(wrong, pointer, api_of, api_client_user, helpdesk):
    response = api_of(api_client_user).post(f"{URL}/open", body(helpdesk) | wrong)

    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert [e["pointer"] for e in response.json()["errors"]] == [pointer]


def test_a_rule_that_says_no_names_the_field_too(api_of, api_client_user, helpdesk):
    response = api_of(api_client_user).post(f"{URL}/open", body(helpdesk, no_wish=False))

    assert response.status_code == 409
    assert response.json()["errors"][0]["pointer"] == "/expected_at"


def test_the_same_request_twice_is_one_ticket(api_of, api_client_user, helpdesk):
    client, sent = api_of(api_client_user), body(helpdesk)

    answers = [
        client.post(f"{URL}/open", sent, headers={"Idempotency-Key": "k1"}) for _ in range(2)
    ]

    assert answers[0].json()["number"] == answers[1].json()["number"]
    assert Ticket.objects.count() == 1


def test_a_change_on_an_old_version_is_refused(api_of, helpdesk, now):
    ticket = make_ticket(at=now - timedelta(hours=1), owner=helpdesk)
    client = api_of(helpdesk)

    stale = client.post(
        f"{URL}/{ticket.number}/edit", {"title": "甲"}, headers={"If-Match": '"v7"'}
    )
    fresh = client.post(
        f"{URL}/{ticket.number}/edit", {"title": "甲"},
        headers={"If-Match": f'"v{ticket.version}"'},
    )  # fmt: skip

    assert (stale.status_code, fresh.status_code) == (412, 200)


def test_edit_changes_only_what_is_given(api_of, helpdesk, now):
    ticket = make_ticket(at=now - timedelta(hours=1), owner=helpdesk)

    shown = api_of(helpdesk).post(f"{URL}/{ticket.number}/edit", {"contact": None}).json()

    assert (shown["contact"], shown["title"]) == (None, ticket.title)


def test_the_list_takes_the_filters_of_the_page(api_of, helpdesk, engineer, now):
    make_ticket(at=now, owner=helpdesk)
    make_ticket(Status.ASSIGNED, engineer, at=now - timedelta(hours=1), owner=helpdesk)
    client = api_of(helpdesk)

    assert len(client.get(URL).json()["results"]) == 2
    assert len(client.get(f"{URL}?who=unassigned").json()["results"]) == 1
    assert client.get(f"{URL}?status=nonsense").status_code == 400


def test_a_record_tells_what_may_be_done_with_it(api_of, engineer, now):
    ticket = make_ticket(Status.IN_PROGRESS, engineer, at=now - timedelta(hours=1))

    actions = api_of(engineer).get(f"{URL}/{ticket.number}").json()["actions"]

    assert {"resolve", "wait", "comment"} <= set(actions)
    assert not {"close", "start", "respond", "assign"} & set(actions)


def test_a_note_by_api_is_a_note(api_of, api_client_user, now):
    ticket = make_ticket(at=now)

    shown = api_of(api_client_user).post(
        f"{URL}/{ticket.number}/comment", {"text": "来自 CRM"}
    ).json()  # fmt: skip

    assert shown["notes"][0]["text"] == Note.objects.get().text == "来自 CRM"


def test_a_file_with_an_idempotency_key_is_stored_once(api_of, helpdesk, now):
    ticket = make_ticket(at=now, owner=helpdesk)
    client = api_of(helpdesk)

    for _ in range(2):
        response = client.post(
            f"{URL}/{ticket.number}/attach", {"file": SimpleUploadedFile("a.txt", b"abc")},
            format="multipart", headers={"Idempotency-Key": "f1"},
        )  # fmt: skip
        assert response.status_code == 200

    assert len(response.json()["files"]) == 1
