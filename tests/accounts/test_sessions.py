from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.test import override_settings
from django.utils import timezone

from accounts import actions
from accounts.models import User
from accounts.queries import sessions_of
from servicedesk.core.actors import SYSTEM
from tests.accounts.conftest import PASSWORD, log_in
from tests.conftest import AT
from tests.journal import journal

pytestmark = pytest.mark.django_db

PAGE = "/accounts/notifications/"
NEW = "ein-anderes-wort-2"


def is_in(client) -> bool:
    return client.get(PAGE).status_code == 200


def at(**length):
    return time_machine.travel(timezone.now() + timedelta(**length), tick=False)


def test_a_session_ends_two_hours_after_its_last_use(engineer):
    client = log_in(engineer)

    with at(hours=1, minutes=50):
        assert is_in(client)
    with at(hours=3, minutes=45):
        assert is_in(client)
    with at(hours=5, minutes=50):
        answer = client.get(PAGE, follow=True)
        assert answer.redirect_chain
        assert "登录已超时" in answer.content.decode()


def test_a_session_ends_twelve_hours_after_the_log_in_however_busy(engineer):
    client = log_in(engineer)

    for hour in range(1, 12):
        with at(hours=hour):
            assert is_in(client)
    with at(hours=12, minutes=1):
        assert not is_in(client)


def test_what_a_page_asks_for_by_itself_is_no_use(engineer):
    client = log_in(engineer)

    with at(hours=1, minutes=50):
        client.get("/accounts/notifications/badge/", headers={"x-background": "1"})
    with at(hours=2, minutes=1):
        assert not is_in(client)


def test_a_session_without_stamps_is_not_accepted(engineer):
    client = log_in(engineer)
    session = client.session
    del session["since"]
    session.save()

    assert not is_in(client)


def change(user: User, **changes):
    values = {
        name: getattr(user, name)
        for name in ("name", "role", "team", "email", "phone", "staff_number", "language")
    }
    actions.edit_user(user, **(values | changes), at=AT, by=SYSTEM)


@pytest.mark.parametrize(
    "act",
    [
        lambda user: change(user, role="dispatcher"),
        lambda user: change(user, team=actions.create_team(name="二组", at=AT, by=SYSTEM)),
        lambda user: actions.set_password(user, password=NEW, at=AT, by=SYSTEM),
        lambda user: actions.change_password(user, password=NEW, at=AT, by=user.as_actor()),
        lambda user: actions.deactivate(user, at=AT, by=SYSTEM),
    ],
    ids=["role", "team", "password", "own password", "deactivated"],
)
def test_all_sessions_end_when_access_changes(engineer, act):
    first, second = log_in(engineer), log_in(engineer, ip="10.0.0.2")

    act(engineer)

    assert not is_in(first)
    assert not is_in(second)
    assert sessions_of(engineer, timezone.now()) == []


def test_the_raised_version_alone_ends_a_session(engineer):
    """Also a session of which no row tells, say in another store."""
    client = log_in(engineer)

    User.objects.get_queryset().update(session_version=7)

    assert not is_in(client)


def test_a_new_telephone_number_ends_no_session(engineer):
    client = log_in(engineer)

    change(engineer, phone="13911112222")

    assert is_in(client)


def test_a_new_secret_key_with_the_old_as_fallback_logs_nobody_out(engineer, settings):
    client = log_in(engineer)

    with override_settings(SECRET_KEY="n" * 60, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert is_in(client)


def test_a_person_sees_and_ends_the_own_sessions(engineer):
    here = log_in(engineer, HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537")
    there = log_in(engineer, ip="10.0.0.2", HTTP_USER_AGENT="Mozilla/5.0 (iPhone) MicroMessenger/8")

    page = here.get("/accounts/me/").content.decode()
    assert "Chrome · Windows" in page
    assert "微信 · iPhone" in page

    other = next(row for row in sessions_of(engineer, timezone.now()) if "iPhone" in row.device)
    answer = here.post(f"/accounts/people/{engineer.uid}/sessions/{other.handle}/end/")

    assert answer["Location"] == "/accounts/me/"
    assert not is_in(there)
    assert is_in(here)
    assert journal(engineer)[-1][0] == "user.session_ended"


def test_nobody_ends_the_session_of_somebody_else(engineer, other_engineer):
    victim, attacker = log_in(engineer), log_in(other_engineer)
    (row,) = sessions_of(engineer, timezone.now())

    answer = attacker.post(f"/accounts/people/{engineer.uid}/sessions/{row.handle}/end/")

    assert answer.status_code == 403
    assert is_in(victim)


def test_a_session_is_not_ended_under_a_wrong_name(engineer, other_engineer):
    log_in(engineer)
    (row,) = sessions_of(engineer, timezone.now())

    with pytest.raises(PermissionDenied):
        actions.end_session(
            other_engineer, session=row.session, at=AT, by=other_engineer.as_actor()
        )


def test_the_administrator_sees_and_ends_the_sessions_of_all(desk, engineer):
    client = log_in(engineer)
    (row,) = sessions_of(engineer, timezone.now())
    assert row.handle in desk.get(engineer.get_absolute_url()).content.decode()

    desk.post(f"/accounts/people/{engineer.uid}/sessions/{row.handle}/end/")

    assert not is_in(client)


def test_a_session_key_stands_on_no_page(desk, admin):
    for path in ("/accounts/me/", admin.get_absolute_url()):
        assert desk.session.session_key not in desk.get(path).content.decode()


def test_changing_the_own_password_asks_for_the_present_one(engineer):
    client = log_in(engineer)
    form = {"oldpassword": "wrong", "password1": NEW, "password2": NEW}

    assert "密码不正确" in client.post("/log-in/password/", form).content.decode()
    weak = form | {"oldpassword": PASSWORD, "password1": "short", "password2": "short"}
    assert "至少要有 12 个字符" in client.post("/log-in/password/", weak).content.decode()

    answer = client.post("/log-in/password/", form | {"oldpassword": PASSWORD}, follow=True)
    assert "密码已修改" in answer.content.decode()
    assert not is_in(client)
    assert is_in(log_in(engineer, password=NEW))
    assert journal(engineer)[-1][0] == "user.password_changed"


def test_a_part_of_a_page_without_a_session_reloads_the_page(client, db):
    """A log-in page swapped into a table cell helps nobody."""
    part = client.get(PAGE, headers={"hx-request": "true"})
    polled = client.get(PAGE, headers={"hx-request": "true", "x-background": "1"})

    assert (part.status_code, part["HX-Refresh"]) == (204, "true")
    assert polled.status_code == 204
    assert "HX-Refresh" not in polled


def test_a_form_sent_too_late_leads_to_the_log_in_not_to_a_405(client, db):
    assert client.post("/accounts/notifications/read/")["Location"] == "/log-in/"


def test_a_person_reads_the_own_language_until_the_browser_is_told_another(engineer):
    change(engineer, language="en")
    client = log_in(engineer)
    assert "My account" in client.get("/accounts/me/").content.decode()

    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/"})

    assert "我的账号" in client.get("/accounts/me/").content.decode()
