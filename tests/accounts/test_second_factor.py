from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts import actions
from accounts.apps import known_roles_need_the_second_factor
from servicedesk.core.errors import Refused
from tests.accounts.conftest import PASSWORD, log_in
from tests.conftest import AT
from tests.journal import journal

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


def test_after_a_while_the_password_is_asked_again_before_it_is_switched_on(engineer):
    client = log_in(engineer)
    with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=False):
        asked = client.get(f"{BASE}totp/activate/")
        assert asked["Location"].startswith("/log-in/again/")
        client.post(asked["Location"], {"password": PASSWORD})
        assert client.get(f"{BASE}totp/activate/").status_code == 200


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


# --- roles that must have it --------------------------------------------------------------------

SET_UP = f"{BASE}totp/activate/"


@pytest.fixture
def demanded(settings):
    settings.MFA_REQUIRED_ROLES = ["administrator", "manager"]


def set_up(client: Client) -> None:
    """On the page that everything leads to, with the app."""
    page = client.get(SET_UP)
    assert page.status_code == 200, "who has just logged in is not asked for the password again"
    (secret,) = re.findall(r'class="secret">(\w+)<', page.content.decode())
    assert client.post(SET_UP, {"code": code_of(secret)}).status_code == 302


PAGES = [
    "/", "/tickets/", "/accounts/me/", "/accounts/notifications/", "/log-in/password/", BASE,
    f"{BASE}recovery-codes/generate/", "/accounts/people/find/?q=a",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_who_needs_it_is_led_to_set_it_up_before_anything_else(path, demanded, manager):
    client = log_in(manager)

    assert client.get(path)["Location"] == SET_UP
    assert client.post(path)["Location"] == SET_UP


def test_the_desk_opens_when_it_is_set_up(demanded, manager):
    client = log_in(manager)
    set_up(client)

    assert client.get("/").status_code == 200
    assert client.get(f"{BASE}recovery-codes/").status_code == 200
    assert client.get("/api/v1/me").status_code == 200


def test_the_page_where_it_is_set_up_shows_no_way_past_it(demanded, manager, engineer):
    shown = log_in(manager).get(SET_UP).content.decode()
    assert "您的角色权限较大" in shown
    assert "sidebar" not in shown
    assert "autofocus" not in shown, "a small screen would begin below the code to scan"
    assert 'href="/tickets/' not in shown
    assert "/log-in/out/" in shown

    client = log_in(engineer)
    assert "sidebar" in client.get(SET_UP).content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic eDp5"}])
def test_the_api_does_not_open_by_the_session_either(method, headers, demanded, manager):
    client = log_in(manager)
    path = "/api/v1/me" if method == "get" else "/api/v1/tickets/open"

    answer = getattr(client, method)(path, headers=headers)

    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:servicedesk:problem:permission-denied"
    assert "两步验证" in answer.json()["detail"]


def test_parts_of_pages_lead_there_but_not_those_that_ask_by_themselves(demanded, manager):
    client = log_in(manager)

    asked = client.get("/tickets/", headers={"hx-request": "true"})
    alone = client.get(
        "/accounts/notifications/badge/", headers={"hx-request": "true", "x-background": "1"}
    )

    assert (asked.status_code, asked["HX-Redirect"]) == (204, SET_UP)
    assert (alone.status_code, alone.get("HX-Redirect")) == (204, None)


def test_one_may_log_out_and_change_the_language_instead(demanded, manager):
    client = log_in(manager)

    answer = client.post("/i18n/setlang/", {"language": "en", "next": SET_UP})
    assert answer["Location"] == SET_UP
    assert "Your role can see and change" in client.get(SET_UP).content.decode()
    assert client.post("/log-in/out/").status_code == 302
    assert client.get("/").status_code == 302


def test_public_pages_and_other_roles_are_asked_for_nothing(demanded, manager, engineer):
    assert log_in(manager).get("/healthz").status_code == 200
    assert log_in(engineer).get("/").status_code == 200


def test_a_session_that_began_with_it_asks_the_database_no_more(
    demanded, manager, django_assert_max_num_queries
):
    secret, _codes = switch_on(manager)
    with time_machine.travel("2031-01-01 08:00+08:00", tick=False):
        client = password_step(manager)
        client.post(f"{BASE}authenticate/", {"code": code_of(secret)})
        with django_assert_max_num_queries(3):  # session, person, number
            assert client.get("/accounts/notifications/badge/").status_code == 200


def test_who_needs_it_cannot_switch_it_off(demanded, manager):
    client = log_in(manager)
    set_up(client)
    off = f"{BASE}totp/deactivate/"
    assert f'href="{off}"' not in client.get(BASE).content.decode()
    client.post("/log-in/again/", {"password": PASSWORD})

    answer = client.post(off)

    assert "您的角色必须使用两步验证" in answer.content.decode()
    assert Authenticator.objects.filter(type="totp").count() == 1


def test_an_administrator_takes_it_away_from_who_has_lost_everything(admin, engineer):
    switch_on(engineer)
    theirs = password_step(engineer)
    desk = log_in(admin)
    assert "reset-second-factor" in desk.get(engineer.get_absolute_url()).content.decode()
    url = f"/accounts/people/{engineer.uid}/reset-second-factor/"

    assert desk.post(url).status_code == 302

    assert Authenticator.objects.count() == 0
    assert journal(engineer)[-1][0::2] == ("user.second_factor_reset", "管理员")
    assert theirs.get("/accounts/me/").status_code == 302
    assert log_in(engineer).get("/accounts/me/").status_code == 200
    assert desk.post(url).status_code == 422, "there is none any more"
    assert "reset-second-factor" not in desk.get(engineer.get_absolute_url()).content.decode()


def test_it_is_taken_away_by_administrators_only_and_not_from_oneself(admin, manager, engineer):
    switch_on(engineer)
    switch_on(admin)

    with pytest.raises(PermissionDenied):
        actions.reset_second_factor(engineer, at=AT, by=manager.as_actor())
    with pytest.raises(Refused):
        actions.reset_second_factor(admin, at=AT, by=admin.as_actor())
    assert Authenticator.objects.filter(type="totp").count() == 2


def test_the_only_administrator_is_helped_by_a_command(admin):
    switch_on(admin)

    call_command("reset_second_factor", "GuanLi")

    assert Authenticator.objects.count() == 0
    with pytest.raises(CommandError):
        call_command("reset_second_factor", "guanli")
    with pytest.raises(CommandError):
        call_command("reset_second_factor", "nobody")


@pytest.mark.parametrize(
    ("roles", "faults"), [("manager", []), ("manger,client", ["accounts.E001"])]
)
def test_a_misspelt_role_stops_the_start(settings, roles, faults):
    settings.MFA_REQUIRED_ROLES = roles.split(",")

    assert [fault.id for fault in known_roles_need_the_second_factor()] == faults
