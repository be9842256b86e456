"""Who may send what, and how a phone is told that it may not."""

from __future__ import annotations

import json
import threading
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from servicedesk.core.models import PhoneCommand, PhoneDevice
from tests.phone.conftest import count, stored
from tests.visits.factories import ARRIVED, make_visit
from visits.states import Status

pytestmark = pytest.mark.django_db

NOBODYS = "01a2049d-4bf6-7198-9057-db1c7f9db406"
DOORS = [
    ("get", "/phone/commands/"),
    ("post", "/phone/commands/"),
    ("get", f"/phone/commands/{NOBODYS}/"),
    ("post", f"/phone/commands/{NOBODYS}/retry/"),
    ("post", f"/phone/commands/{NOBODYS}/discard/"),
    ("get", "/phone/pack/"),
    ("post", "/phone/uploads/"),
    ("patch", f"/phone/uploads/{NOBODYS}/"),
    ("post", "/phone/sync/"),
]


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_who_is_not_logged_in_is_told_in_json(method, path):
    response = getattr(Client(), method)(path)
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (response.json()["login"], response.json()["code"]) == ("/log-in/", "login")


def test_an_expired_session_loses_nothing(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    command = phone.tap(visit, "arrive", at=ARRIVED)

    with time_machine.travel(timezone.now() + timedelta(hours=13), tick=False):
        refused = phone.send(command)
        assert (refused.status_code, refused.json()["login"]) == (401, "/log-in/")
        phone.client.force_login(engineer)
        assert phone.send(command).json()["state"] == "done"
    assert count(visit, "visit.arrived") == 1


def test_who_must_set_up_a_second_factor_is_told_in_json(phone, settings):
    settings.MFA_REQUIRED_ROLES = ["engineer"]
    response = phone.get("/phone/pack/")
    assert (response.status_code, response.json()["login"]) == (401, reverse("mfa_activate_totp"))


def test_a_command_of_somebody_else_is_not_taken(phone, phone_of, engineer, other_engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    command = phone.tap(visit, "arrive", at=ARRIVED)

    response = phone_of(other_engineer).send(command)

    assert response.status_code == 403
    assert (response.json()["code"], response.json()["user"]) == (
        "other-person", str(other_engineer.uid),
    )  # fmt: skip
    assert not PhoneCommand.objects.exists()
    assert phone.send(command).json()["state"] == "done"


def test_the_same_name_with_another_content_is_refused(phone, engineer):
    visit = make_visit(Status.WAITING, engineer)
    command = phone.tap(visit, "log_attempt", {"outcome": "busy"}, at=ARRIVED)
    phone.send(command)

    response = phone.send(command | {"fields": {"outcome": "reached"}})

    assert (response.status_code, response.json()["code"]) == (422, "other-content")
    assert count(visit, "visit.contact_attempted") == 1


@pytest.mark.parametrize(
    "measured_anew", [{"clock_offset_ms": 900}, {"app": "newer"}, {"unsent": 4}]
)
def test_a_repeat_may_know_the_clock_better(phone, engineer, measured_anew):
    visit = make_visit(Status.EN_ROUTE, engineer)
    command = phone.tap(visit, "arrive", at=ARRIVED)
    phone.send(command)
    assert phone.send(command | measured_anew).json()["state"] == "done"


def test_nobody_reads_the_commands_of_another(phone, phone_of, engineer, other_engineer):
    visit = make_visit(Status.ASSIGNED, engineer)
    command = phone.tap(visit, "arrive", at=ARRIVED)
    phone.send(command)
    other = phone_of(other_engineer)

    assert other.get(f"/phone/commands/{command['op_id']}/").status_code == 404
    assert other.get("/phone/commands/").json()["commands"] == []
    for path, body in [("retry", {"op_id": str(uuid.uuid4())}), ("discard", {"reason": "x"})]:
        answer = other.post(f"/phone/commands/{command['op_id']}/{path}/", body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    # Nor is its name free for another person.
    stolen = command | {"user": str(other_engineer.uid)}
    assert other.send(stolen).status_code == 422


def test_a_visit_of_another_engineer_does_not_exist(phone_of, engineer, other_engineer):
    """The answer is the same as for a number that nobody ever had, and the desk sees nothing."""
    visit = make_visit(Status.EN_ROUTE, engineer)
    other = phone_of(other_engineer)

    seen = other.does(visit, "arrive", at=ARRIVED)
    number, visit.number = visit.number, "SV-20260302-9999"
    unknown = other.does(visit, "arrive", at=ARRIVED)

    for answer in (seen, unknown):
        assert (answer["state"], answer["code"]) == ("refused", "not-yours")
        assert (answer["version"], answer["status"]) == (None, "")
    assert seen["message"].replace(number, "") == unknown["message"].replace(visit.number, "")
    assert not PhoneCommand.objects.exclude(subject_id=None).exists()


def test_without_the_token_of_the_page_a_command_is_not_taken(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    phone.client = Client(enforce_csrf_checks=True)
    phone.client.force_login(engineer)
    command = phone.tap(visit, "arrive", at=ARRIVED)

    refused = phone.send(command)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf")

    token = phone.get("/phone/ping/").json()["csrf"]
    taken = phone.post("/phone/commands/", command, headers={"X-CSRFToken": token})
    assert taken.json()["state"] == "done"


def test_the_ping_says_who_is_there_and_how_late_it_is(phone, engineer):
    assert phone.get("/phone/ping/").json()["user"] == str(engineer.uid)
    nobody = Client().get("/phone/ping/")
    assert (nobody.status_code, nobody.json()["user"]) == (200, None)
    assert "no-store" in nobody.headers["Cache-Control"]


BAD = [
    {"op_id": "1"},
    {"op_id": None},
    {"device": "x"},
    {"subject": "visits.part"},
    {"verb": "archive"},
    {"verb": "complete_form"},
    {"verb": "nothing"},
    {"fields": []},
    {"fields": {"at": 1}},
    {"fields": {"at": [None]}},
    {"fields": {"reason": "\x00"}},
    {"fields": {"reason": "\ud800"}},
    {"files": {"file": 1}},
    {"files": ["x"]},
    {"number": 5},
    {"number": "9" * 41},
    {"base_version": "1"},
    {"base_version": True},
    {"base_version": -1},
    {"base_version": 10**12},
    {"after": "x"},
    {"happened_at": "2026-03-02T10:00:00"},
    {"happened_at": "2026-13-02T10:00:00Z"},
    {"happened_at": None},
    {"clock_offset_ms": 10**15},
    {"clock_offset_ms": 1.5},
    {"happened_at": "9999-12-31T23:00:00Z", "clock_offset_ms": 86_400_000 * 366},
    {"app": "x" * 41},
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: json.dumps(bad)[:60])
def test_what_is_not_understood_is_said_and_not_kept(phone, engineer, bad):
    visit = make_visit(Status.EN_ROUTE, engineer)
    response = phone.send(phone.tap(visit, "arrive", at=ARRIVED) | bad)
    assert (response.status_code, response.json()["code"]) == (400, "not-understood")
    assert not PhoneCommand.objects.exists()


def test_a_command_cannot_come_after_itself(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    command = phone.tap(visit, "arrive", at=ARRIVED)
    assert phone.send(command | {"after": command["op_id"]}).status_code == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_not_understood(phone, body):
    response = phone.client.post("/phone/commands/", body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "not-understood")


def test_a_body_that_is_too_large_is_not_read(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    command = phone.tap(visit, "arrive", {"note": "x" * 600_000}, at=ARRIVED)
    assert phone.send(command).status_code == 413


@pytest.mark.parametrize("path", ["/phone/pack/", "/phone/ping/", "/phone/sync/"])
def test_another_method_is_answered_in_json(phone, path):
    answer = phone.client.delete(path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")


def test_what_the_phone_still_holds_is_kept(phone, engineer):
    oldest = timezone.now() - timedelta(hours=2)
    body = {
        "device": str(phone.device), "unsent": 3, "oldest_at": oldest.isoformat(),
        "clock_offset_ms": -420_000, "app": "a1",
    }  # fmt: skip
    assert phone.post("/phone/sync/", body).json()["open"] == 0

    device = PhoneDevice.objects.get()
    assert (device.user_id, device.unsent, device.oldest_unsent_at) == (engineer.pk, 3, oldest)

    visit = make_visit(Status.EN_ROUTE, engineer)
    phone.does(visit, "arrive", at=ARRIVED, unsent=0)
    device.refresh_from_db()
    assert (device.unsent, device.oldest_unsent_at, device.app) == (0, None, "test")


@pytest.mark.django_db(transaction=True)
def test_a_record_that_somebody_holds_is_tried_again_later(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    command = phone.tap(visit, "arrive", at=ARRIVED)
    held, release = threading.Event(), threading.Event()

    def hold():
        with connections["default"].cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM visits_visitorder WHERE id=%s FOR UPDATE", [visit.pk])
            held.set()
            release.wait(30)
            cursor.execute("ROLLBACK")
        connections["default"].close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    try:
        busy = phone.send(command)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        release.set()
        thread.join()

    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "5")
    assert not PhoneCommand.objects.exists()
    assert phone.send(command).json()["state"] == "done"
    assert stored(command).attempts == 1
