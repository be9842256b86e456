from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client, override_settings
from django.utils import timezone

from accounts.actions import deactivate
from servicedesk.core.actors import SYSTEM
from tests.accounts.conftest import PASSWORD, log_in
from tests.conftest import AT

pytestmark = pytest.mark.django_db

WRONG = "登录名或密码不正确"


def attempt(username, password, ip="10.0.0.1", **extra):
    return Client(REMOTE_ADDR=ip, **extra).post(
        "/log-in/", {"login": username, "password": password}
    )


class CountingHasher(MD5PasswordHasher):
    work = 0

    def encode(self, password, salt):
        type(self).work += 1
        return super().encode(password, salt)


def test_the_right_password_opens_the_desk(engineer):
    client = log_in(engineer)

    assert client.get("/accounts/me/").status_code == 200


def test_every_page_asks_for_the_log_in_and_leads_back_afterwards(client, engineer):
    asked = client.get("/accounts/me/")
    assert (asked.status_code, asked["Location"]) == (302, "/log-in/?next=/accounts/me/")

    answer = client.post(asked["Location"], {"login": "zhangwei", "password": PASSWORD})

    assert answer["Location"] == "/accounts/me/"


@override_settings(ALLOWED_HOSTS=["testserver", "other.example"])
@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example/", "http://other.example/", "javascript:alert(1)"],
)
def test_next_leads_to_this_host_only(client, engineer, elsewhere):
    answer = client.post("/log-in/", {"login": "zhangwei", "password": PASSWORD, "next": elsewhere})

    assert answer["Location"] == "/"


def test_the_log_in_name_is_the_same_in_any_spelling(engineer):
    assert attempt(" ZhangWei ", PASSWORD).status_code == 302


def test_logging_in_gives_a_new_session_key(client, engineer):
    client.get("/log-in/")
    session = client.session
    session["before"] = 1
    session.save()
    client.cookies["sessionid"] = session.session_key

    client.post("/log-in/", {"login": "zhangwei", "password": PASSWORD})

    assert client.session.session_key != session.session_key
    assert client.session["_auth_user_id"] == str(engineer.pk)


def test_an_unknown_name_gets_the_same_answer_for_the_same_work(engineer):
    with override_settings(PASSWORD_HASHERS=[f"{__name__}.CountingHasher"]):
        CountingHasher.work = 0
        known = attempt("zhangwei", "wrong-password")
        work = CountingHasher.work
        unknown = attempt("nobody", "wrong-password")

    assert (known.status_code, unknown.status_code) == (200, 200)
    assert WRONG in known.content.decode()
    assert WRONG in unknown.content.decode()
    assert CountingHasher.work == 2 * work > 0


def test_who_left_gets_the_same_answer_as_anybody(engineer):
    deactivate(engineer, at=AT, by=SYSTEM)

    assert WRONG in attempt("zhangwei", PASSWORD).content.decode()


def test_an_api_client_cannot_log_in(api_client_user):
    for password in ("", "None", "crm-password-12"):
        assert attempt("crm", password).status_code == 200
    assert not api_client_user.has_usable_password()


def test_after_five_failures_even_the_right_password_is_refused(engineer):
    answers = [attempt("zhangwei", "wrong-password").status_code for _number in range(5)]

    assert answers == [200, 200, 200, 200, 429]
    locked = attempt("zhangwei", PASSWORD)
    assert locked.status_code == 429
    assert "15 分钟后再试" in locked.content.decode()


def test_a_name_that_does_not_exist_is_locked_alike(engineer):
    answers = [attempt("nobody", "wrong-password") for _number in range(5)]

    assert answers[-1].status_code == 429
    assert "15 分钟后再试" in answers[-1].content.decode()


def test_the_lock_is_for_one_account_from_one_address(engineer, dispatcher):
    for _number in range(5):
        attempt("zhangwei", "wrong-password")

    assert attempt("zhangwei", PASSWORD, ip="10.0.0.2").status_code == 302
    assert attempt("zhaomin", PASSWORD).status_code == 302


def guess(names, ip="10.0.0.1", **extra):
    """One name after the other, as often as each may be tried before it is locked, less one."""
    return [
        attempt(name, "wrong-password", ip=ip, **extra).status_code
        for name in names
        for _number in range(4)
    ]


GUESSED = [f"name{number}" for number in range(5)]


def test_after_twenty_failures_an_address_is_locked_for_every_name(engineer, dispatcher):
    answers = guess(GUESSED)

    assert answers == [200] * 19 + [429]
    assert attempt("zhangwei", PASSWORD).status_code == 429
    assert attempt("zhaomin", PASSWORD, HTTP_USER_AGENT="another").status_code == 429
    assert attempt("zhangwei", PASSWORD, ip="10.0.0.2").status_code == 302


def test_one_persons_typing_locks_nobody_else_of_the_office(engineer, dispatcher):
    for _number in range(40):
        attempt("zhangwei", "wrong-password")

    assert attempt("zhangwei", PASSWORD).status_code == 429
    assert attempt("zhaomin", PASSWORD).status_code == 302


def test_who_mistypes_and_then_logs_in_is_forgiven(engineer, dispatcher):
    """Else twenty people of one office would lock each other out on a Monday morning."""
    for _number in range(6):
        guess(["zhangwei"])
        assert attempt("zhangwei", PASSWORD).status_code == 302

    assert attempt("zhaomin", PASSWORD).status_code == 302


def test_an_account_of_ones_own_does_not_buy_more_guesses(engineer):
    guess(GUESSED[:4])
    assert attempt("zhangwei", PASSWORD).status_code == 302

    assert guess(GUESSED[4:])[-1] == 429


def test_the_lock_of_an_address_opens_after_15_minutes(engineer):
    start = timezone.now()
    guess(GUESSED)

    with time_machine.travel(start + timedelta(minutes=14), tick=False):
        assert attempt("zhangwei", PASSWORD).status_code == 429
    with time_machine.travel(start + timedelta(minutes=15, seconds=5), tick=False):
        assert attempt("zhangwei", PASSWORD).status_code == 302


def test_a_forged_forwarding_header_does_not_spare_the_address(engineer):
    for number, name in enumerate(GUESSED):
        guess([name], HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")

    assert attempt("zhangwei", PASSWORD, HTTP_X_FORWARDED_FOR="192.0.2.9").status_code == 429


@override_settings(TRUSTED_PROXY=True)
def test_behind_a_trusted_proxy_only_the_guessing_address_is_locked(engineer):
    guess(GUESSED, HTTP_X_FORWARDED_FOR="192.0.2.1")

    assert attempt("zhangwei", PASSWORD, HTTP_X_FORWARDED_FOR="192.0.2.1").status_code == 429
    assert attempt("zhangwei", PASSWORD, HTTP_X_FORWARDED_FOR="192.0.2.2").status_code == 302


def test_another_browser_description_does_not_open_the_lock(engineer):
    for number in range(5):
        attempt("zhangwei", "wrong-password", HTTP_USER_AGENT=f"browser {number}")

    assert attempt("zhangwei", PASSWORD, HTTP_USER_AGENT="another").status_code == 429


def test_the_lock_opens_after_15_minutes_though_somebody_went_on_trying(engineer):
    start = timezone.now()
    for _number in range(5):
        attempt("zhangwei", "wrong-password")

    with time_machine.travel(start + timedelta(minutes=14), tick=False):
        assert attempt("zhangwei", PASSWORD).status_code == 429
    with time_machine.travel(start + timedelta(minutes=15, seconds=5), tick=False):
        assert attempt("zhangwei", PASSWORD).status_code == 302


def test_a_forged_forwarding_header_does_not_open_the_lock(engineer):
    for number in range(5):
        attempt("zhangwei", "wrong-password", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")

    assert attempt("zhangwei", PASSWORD, HTTP_X_FORWARDED_FOR="192.0.2.9").status_code == 429


@override_settings(TRUSTED_PROXY=True)
def test_behind_a_trusted_proxy_the_address_that_it_added_counts(engineer):
    for _number in range(5):
        attempt("zhangwei", "wrong-password", HTTP_X_FORWARDED_FOR="9.9.9.9, 192.0.2.1")

    assert attempt("zhangwei", PASSWORD, HTTP_X_FORWARDED_FOR="192.0.2.1").status_code == 429
    assert attempt("zhangwei", PASSWORD, HTTP_X_FORWARDED_FOR="192.0.2.2").status_code == 302


def test_people_log_in_and_out_while_redis_is_away(engineer):
    away = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    with override_settings(CACHES=away):
        client = log_in(engineer)
        assert client.get("/accounts/me/").status_code == 200
        assert client.post("/log-in/out/").status_code == 302
        assert client.get("/accounts/me/").status_code == 302


def test_a_stronger_way_of_hashing_takes_over_at_the_next_log_in(engineer):
    stronger = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    with override_settings(PASSWORD_HASHERS=stronger):
        assert log_in(engineer).get("/accounts/me/").status_code == 200

    engineer.refresh_from_db()
    assert engineer.password.startswith("pbkdf2_sha256$")


@pytest.mark.parametrize(
    "path",
    ["/log-in/signup/", "/log-in/email/", "/log-in/password/reset/", "/log-in/confirm-email/"],
)
def test_there_is_no_other_way_in(client, path):
    assert client.get(path).status_code == 404


def test_the_log_in_page_speaks_both_languages(client):
    assert "登录名" in client.get("/log-in/").content.decode()
    english = client.get("/log-in/", headers={"accept-language": "en"}).content.decode()
    assert "Log-in name" in english


def test_who_cannot_read_the_log_in_page_changes_its_language(client):
    answer = client.post("/i18n/setlang/", {"language": "en", "next": "/log-in/"})

    assert answer["Location"] == "/log-in/"
    assert "Log-in name" in client.get("/log-in/").content.decode()
