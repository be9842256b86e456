from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import actions
from accounts.models import Token
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from tests.accounts.conftest import log_in
from tests.conftest import AT
from tests.journal import journal

pytestmark = pytest.mark.django_db


def make(user, **length):
    now = timezone.now()
    return actions.create_token(
        user, name="CRM", expires_at=now + timedelta(**(length or {"days": 30})), at=now, by=SYSTEM
    )


def me(text, scheme="Bearer"):
    return Client().get("/api/v1/me", headers={"authorization": f"{scheme} {text}"})


def test_a_token_is_shown_once_and_opens_the_api(desk, api_client_user):
    answer = desk.post(
        f"/accounts/people/{api_client_user.uid}/tokens/", {"name": "CRM", "lifetime": "365"}
    )

    assert answer["Cache-Control"] == "no-store"
    (text,) = re.findall(r"sd_[a-z0-9]{8}_[\w-]{43}", answer.content.decode())
    assert me(text).json()["username"] == "crm"
    assert me(text, scheme="bearer").status_code == 200
    secret = text.split("_", 2)[2]
    for path in (api_client_user.get_absolute_url(), "/accounts/people/tokens/"):
        page = desk.get(path).content.decode()
        assert text[:12] in page
        assert secret not in page
    token = Token.objects.get()
    assert secret not in str(vars(token))
    assert journal(token)[0][0] == "token.created"
    assert journal(api_client_user)[-1][0] == "token.created"


def test_the_form_comes_back_when_the_name_is_missing(desk, api_client_user):
    answer = desk.post(f"/accounts/people/{api_client_user.uid}/tokens/", {"lifetime": "30"})

    assert answer.status_code == 422
    assert Token.objects.count() == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1] + ("a" if text[-1] != "a" else "b"),
        lambda text: "sd_" + "a" * 8 + text[11:],
        lambda text: text[3:],
        lambda text: "",
        lambda text: "sd_",
        lambda text: "令牌",
    ],
)
def test_a_wrong_token_is_answered_401_as_a_problem(api_client_user, spoil):
    _token, text = make(api_client_user)

    answer = Client().get(
        "/api/v1/me", HTTP_AUTHORIZATION=f"Bearer {spoil(text)}".encode().decode("latin-1")
    )

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.json()["type"] == "urn:servicedesk:problem:authentication-failed"


def test_without_a_token_the_api_answers_401(client, db):
    assert client.get("/api/v1/users").status_code == 401


def test_an_expired_token_is_refused(api_client_user):
    token, text = make(api_client_user)
    Token.objects.filter(pk=token.pk).update(expires_at=timezone.now())

    assert me(text).status_code == 401


def test_a_revoked_token_is_refused_at_once(desk, api_client_user):
    token, text = make(api_client_user)
    assert me(text).status_code == 200

    answer = desk.post(f"/accounts/people/tokens/{token.uid}/revoke/")

    assert answer["Location"] == api_client_user.get_absolute_url()
    assert me(text).status_code == 401
    assert journal(token)[-1][0] == "token.revoked"
    assert desk.post(f"/accounts/people/tokens/{token.uid}/revoke/").status_code == 409


def test_only_an_administrator_revokes(api_client_user, manager):
    token, text = make(api_client_user)

    answer = log_in(manager).post(f"/accounts/people/tokens/{token.uid}/revoke/")

    assert answer.status_code == 403
    assert me(text).status_code == 200


def test_the_tokens_of_a_deactivated_client_are_refused(api_client_user):
    _token, text = make(api_client_user)

    actions.deactivate(api_client_user, at=AT, by=SYSTEM)

    assert me(text).status_code == 401
    with pytest.raises(Refused):
        make(api_client_user)


def test_a_second_token_replaces_the_first_without_a_gap(api_client_user):
    (first, old), (_second, new) = make(api_client_user), make(api_client_user)
    assert me(old).status_code == me(new).status_code == 200

    actions.revoke_token(first, at=timezone.now(), by=SYSTEM)

    assert (me(old).status_code, me(new).status_code) == (401, 200)


@pytest.mark.parametrize("length", [{"days": 366}, {"days": 0}, {"days": -1}])
def test_a_token_is_valid_for_a_year_at_the_most(api_client_user, length):
    with pytest.raises(Refused) as refused:
        make(api_client_user, **length)

    assert refused.value.field == "expires_at"


def test_a_colleague_gets_no_token(engineer):
    with pytest.raises(Refused):
        make(engineer)


def test_the_last_use_is_kept_to_the_minute_and_not_in_the_history(api_client_user):
    token, text = make(api_client_user)
    rows = Token.history.count()
    me(text)
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None

    me(text)
    token.refresh_from_db()
    assert token.last_used_at == first
    Token.objects.update(last_used_at=first - timedelta(minutes=2))
    me(text)
    token.refresh_from_db()
    assert token.last_used_at >= first
    assert Token.history.count() == rows


def test_a_token_opens_no_page(api_client_user):
    _token, text = make(api_client_user)

    answer = Client().get("/accounts/me/", headers={"authorization": f"Bearer {text}"})

    assert answer.status_code == 302


def test_there_is_no_way_to_tokens_by_the_api(api_client_user):
    _token, text = make(api_client_user)

    answer = Client().get("/api/v1/tokens", headers={"authorization": f"Bearer {text}"})

    assert answer.status_code == 404
