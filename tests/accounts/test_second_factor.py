from __future__ import annotations

import re

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.test import Client

from tests.accounts.conftest import PASSWORD, log_in

pytestmark = pytest.mark.django_db

BASE = "/log-in/second-factor/"


@pytest.fixture(autouse=True)
def _forget_counted_codes():
    cache.clear()


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def switch_on(user) -> tuple[str, list[str]]:
    """Through the pages; the secret and the recovery codes."""
    client = log_in(user)
    asked = client.get(f"{BASE}totp/activate/")
    assert asked["Location"].startswith("/log-in/again/")
    client.post(asked["Location"], {"password": PASSWORD})
    page = client.get(f"{BASE}totp/activate/")
    assert "data:image/svg+xml" in page.content.decode()
    (secret,) = re.findall(r'class="secret">(\w+)<', page.content.decode())
    assert client.post(f"{BASE}totp/activate/", {"code": "000"}).status_code == 200
    done = client.post(f"{BASE}totp/activate/", {"code": code_of(secret)})
    codes = client.get(done["Location"]).content.decode()
    again = client.get(done["Location"]).content.decode()
    found = re.findall(r"<li><code>(\w+)</code></li>", codes)
    assert len(found) == 10
    assert found[0] not in again
    return secret, found


def password_step(user) -> Client:
    client = Client(REMOTE_ADDR="10.0.0.1")
    answer = client.post(
        "/log-in/?next=/accounts/me/", {"login": user.username, "password": PASSWORD}
    )
    assert answer["Location"] == f"{BASE}authenticate/"
    assert client.get("/accounts/me/").status_code == 302
    return client


def test_with_a_second_factor_the_password_alone_opens_nothing(engineer):
    secret, _codes = switch_on(engineer)
    with time_machine.travel("2031-01-01 08:00+08:00", tick=False):
        client = password_step(engineer)

        wrong = client.post(f"{BASE}authenticate/", {"code": "123"})
        assert "验证码不正确" in wrong.content.decode()
        right = client.post(f"{BASE}authenticate/", {"code": code_of(secret)})

        assert right["Location"] == "/accounts/me/"
        assert client.get("/accounts/me/").status_code == 200


def test_a_code_works_once(engineer):
    secret, _codes = switch_on(engineer)
    with time_machine.travel("2031-01-01 08:00+08:00", tick=False):
        first, second = password_step(engineer), password_step(engineer)
        code = code_of(secret)

        assert first.post(f"{BASE}authenticate/", {"code": code}).status_code == 302
        assert second.post(f"{BASE}authenticate/", {"code": code}).status_code == 200


def test_codes_cannot_be_guessed_at_will(engineer):
    secret, _codes = switch_on(engineer)
    with time_machine.travel("2031-01-01 08:00+08:00", tick=False):
        client = password_step(engineer)
        for number in range(5):
            client.post(f"{BASE}authenticate/", {"code": f"00000{number}"})

        answer = client.post(f"{BASE}authenticate/", {"code": code_of(secret)})

        assert "15 分钟" in answer.content.decode()
        assert client.get("/accounts/me/").status_code == 302


def test_a_recovery_code_replaces_the_telephone_once(engineer):
    _secret, codes = switch_on(engineer)

    client = password_step(engineer)
    assert client.post(f"{BASE}authenticate/", {"code": codes[0]}).status_code == 302
    again = password_step(engineer)
    assert again.post(f"{BASE}authenticate/", {"code": codes[0]}).status_code == 200


def test_the_log_in_can_be_given_up_between_the_steps(engineer):
    switch_on(engineer)
    client = password_step(engineer)

    client.post("/log-in/out/", {"next": "/log-in/"})

    assert client.get("/log-in/").status_code == 200


def test_it_is_switched_off_with_the_password_and_the_codes_go_with_it(engineer):
    switch_on(engineer)
    with time_machine.travel("2031-01-01 08:00+08:00", tick=False):
        client = password_step(engineer)
        secret = Authenticator.objects.get(type="totp").wrap().instance.data["secret"]
        client.post(f"{BASE}authenticate/", {"code": code_of(secret)})
        asked = client.post(f"{BASE}totp/deactivate/")
        assert asked["Location"].startswith("/log-in/again/")
        client.post(asked["Location"].partition("?")[0], {"password": PASSWORD})

        assert "恢复码同时作废" in client.get(f"{BASE}totp/deactivate/").content.decode()
        client.post(f"{BASE}totp/deactivate/")

    assert Authenticator.objects.count() == 0
    log_in(engineer)


def test_the_pages_of_the_second_factor_are_ours(engineer):
    client = log_in(engineer)

    assert "两步验证" in client.get(BASE).content.decode()
    assert "两步验证" in client.get("/accounts/me/").content.decode()
