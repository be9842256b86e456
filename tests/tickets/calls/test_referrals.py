"""The directory of where callers are sent with what is not ours (CALL-5)."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from servicedesk.core.errors import Refused
from tests.conftest import AT
from tests.journal import journal
from tickets.actions.referrals import add_target, edit_target, retire_target
from tickets.models import ReferralTarget

DIRECTORY = reverse("tickets:referrals")


def log_in(client, person):
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_target_is_added_by_whoever_takes_calls(helpdesk, business):
    target = add_target(topic="网络", name="电信", phone="10000", at=AT, by=helpdesk.as_actor())

    assert journal(target) == [("referral.added", AT, "何雪")]
    with pytest.raises(PermissionDenied):
        add_target(topic="网络", name="联通", at=AT, by=business.as_actor())


def test_one_entry_stands_once(referral, helpdesk):
    with pytest.raises(Refused) as refused:
        add_target(topic=referral.topic, name=referral.name, at=AT, by=helpdesk.as_actor())
    assert refused.value.field == "name"


def test_it_is_edited_and_retired_by_a_supervisor(referral, dispatcher, helpdesk):
    for act in (edit_target, retire_target):
        data = {"topic": "收银机", "name": "海信"} if act is edit_target else {}
        with pytest.raises(PermissionDenied):
            act(referral, **data, at=AT, by=helpdesk.as_actor())
        act(referral, **data, at=AT, by=dispatcher.as_actor())

    referral.refresh_from_db()
    assert (referral.topic, referral.is_active) == ("收银机", False)
    assert [line[0] for line in journal(referral)] == [
        "referral.added", "referral.edited", "referral.retired",
    ]  # fmt: skip


def test_the_pages_add_edit_and_retire(client, dispatcher, referral):
    client = log_in(client, dispatcher)
    assert "海信商用" in client.get(DIRECTORY).content.decode()

    assert client.post(DIRECTORY, {"topic": "网络", "name": "电信"}).status_code == 302
    added = ReferralTarget.objects.get(name="电信")
    url = reverse("tickets:referral", args=[added.uid])
    assert client.get(url).status_code == 200
    assert client.post(url, {"topic": "宽带", "name": "电信"}).status_code == 302
    assert client.post(reverse("tickets:referral_retire", args=[added.uid])).status_code == 302
    added.refresh_from_db()
    assert (added.topic, added.is_active) == ("宽带", False)
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    "data",
    [
        {"topic": "", "name": "x"},
        {"topic": "x" * 61, "name": "x"},
        {"topic": "x", "name": "a\nb"},
        {"topic": "x", "name": "x", "phone": "1" * 31},
        {"topic": "x", "name": "x", "note": "x" * 301},
    ],
)
def test_bad_input_is_answered_at_the_field(data, client, dispatcher, referral):
    client = log_in(client, dispatcher)
    assert client.post(DIRECTORY, data).status_code == 422
    assert client.post(reverse("tickets:referral", args=[referral.uid]), data).status_code == 422
    api = client.post("/api/v1/referrals/add", data, content_type="application/json")
    assert api.status_code == 400


def test_the_helpdesk_may_not_manage_and_others_may_not_look(client, helpdesk, business, referral):
    url = reverse("tickets:referral", args=[referral.uid])
    assert log_in(client, helpdesk).get(url).status_code == 403
    assert client.post(reverse("tickets:referral_retire", args=[referral.uid])).status_code == 403
    assert log_in(client, business).get(DIRECTORY).status_code == 403


def test_the_api_adds_edits_and_retires(client, dispatcher):
    client = log_in(client, dispatcher)
    body = {"topic": "网络", "name": "电信"}
    added = client.post("/api/v1/referrals/add", body, content_type="application/json")
    assert added.status_code == 201
    url = f"/api/v1/referrals/{added.json()['uid']}"
    edited = client.post(f"{url}/edit", body | {"phone": "10000"}, content_type="application/json")
    assert edited.json()["phone"] == "10000"
    retired = client.post(f"{url}/retire", {}, content_type="application/json")
    assert retired.json()["is_active"] is False
