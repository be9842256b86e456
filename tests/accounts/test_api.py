from __future__ import annotations

import pytest
from django.test import Client

from accounts.actions import notify
from tests.accounts.conftest import log_in
from tests.accounts.test_tokens import make
from tests.conftest import AT

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(api_client_user):
    _token, text = make(api_client_user)
    return Client(headers={"authorization": f"Bearer {text}"})


def test_users_are_read_without_secrets(api, engineer):
    one = api.get(f"/api/v1/users/{engineer.uid}")

    assert one["ETag"] == '"v1"'
    assert one["Cache-Control"] == "no-store"
    body = one.json()
    assert (body["name"], body["role"], body["is_active"]) == ("张伟", "engineer", True)
    assert "password" not in body
    names = [row["name"] for row in api.get("/api/v1/users").json()["results"]]
    assert names == ["张伟", "CRM"]


def test_users_are_not_written(api, engineer):
    for method in ("post", "put", "patch", "delete"):
        answer = getattr(api, method)(f"/api/v1/users/{engineer.uid}")
        assert answer.status_code == 405


def test_me_says_what_the_role_allows(api):
    body = api.get("/api/v1/me").json()

    assert body["username"] == "crm"
    assert "tickets.open" in body["permissions"]
    assert "accounts.manage" not in body["permissions"]


def test_me_works_for_a_session_too(engineer):
    assert log_in(engineer).get("/api/v1/me").json()["username"] == "zhangwei"


def test_a_session_writes_by_the_api_only_with_the_csrf_token(engineer):
    notify([engineer], "text", dedup_key="k", at=AT)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = log_in(engineer).cookies
    uid = engineer.notifications.get().uid

    assert strict.post(f"/api/v1/notifications/{uid}/read").status_code == 403


def test_notifications_are_the_callers_own(api, api_client_user, engineer):
    notify([api_client_user, engineer], "工单已超时", url="/x/", dedup_key="k", at=AT)
    (row,) = api.get("/api/v1/notifications").json()["results"]
    assert (row["text"], row["read_at"]) == ("工单已超时", None)
    foreign = engineer.notifications.get()

    assert api.get(f"/api/v1/notifications/{foreign.uid}").status_code == 404
    assert api.post(f"/api/v1/notifications/{foreign.uid}/read").status_code == 404
    read = api.post(f"/api/v1/notifications/{row['uid']}/read", content_type="application/json")

    assert read.status_code == 200
    assert read.json()["read_at"] is not None
    foreign.refresh_from_db()
    assert foreign.read_at is None


def test_the_list_of_users_costs_the_same_with_more_rows(
    api, engineer, dispatcher, helpdesk, manager, django_assert_num_queries
):
    api.get("/api/v1/me")
    with django_assert_num_queries(2):  # the token with its user; the rows with their teams
        api.get("/api/v1/users")
