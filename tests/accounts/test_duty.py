"""“I am on duty”, and quiet hours."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import actions
from accounts.models import User
from accounts.queries import recipients
from accounts.quiet import quiet_end
from servicedesk.core.errors import Refused
from tests.accounts.conftest import log_in
from tests.conftest import AT
from tests.journal import journal

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def on_duty(at):
    return recipients([], at=at).on_duty


def test_who_is_on_duty_is_found_until_the_end(engineer):
    actions.go_on_duty(engineer, until=AT + 8 * HOUR, at=AT, by=engineer.as_actor())

    assert on_duty(AT + 8 * HOUR - timedelta(seconds=1)) == [engineer]
    assert on_duty(AT + 8 * HOUR) == []
    assert journal(engineer)[-1] == ("user.duty_started", AT, "张伟")
    assert engineer.history.first().on_duty_until == AT + 8 * HOUR


@pytest.mark.parametrize("hours", [0, -1, 24.01])
def test_a_duty_ends_in_the_future_and_within_a_day(hours, engineer):
    with pytest.raises(Refused):
        actions.go_on_duty(engineer, until=AT + hours * HOUR, at=AT, by=engineer.as_actor())


def test_nobody_puts_another_on_duty(engineer, manager):
    with pytest.raises(PermissionDenied):
        actions.go_on_duty(engineer, until=AT + HOUR, at=AT, by=manager.as_actor())


def test_a_program_is_never_on_duty(api_client_user):
    with pytest.raises(PermissionDenied):
        actions.go_on_duty(api_client_user, until=AT + HOUR, at=AT, by=api_client_user.as_actor())


def test_who_left_is_on_duty_no_more(engineer, admin):
    actions.go_on_duty(engineer, until=AT + HOUR, at=AT, by=engineer.as_actor())
    actions.deactivate(engineer, at=AT, by=admin.as_actor())

    assert on_duty(AT) == []


def test_a_duty_can_end_early_and_once(engineer):
    actions.go_on_duty(engineer, until=AT + 8 * HOUR, at=AT, by=engineer.as_actor())
    actions.end_duty(engineer, at=AT + HOUR, by=engineer.as_actor())

    assert on_duty(AT + HOUR) == []
    with pytest.raises(Refused):
        actions.end_duty(engineer, at=AT + HOUR, by=engineer.as_actor())


def test_the_page_puts_on_duty_and_ends_it(engineer):
    client = log_in(engineer)
    until = timezone.localtime() + 2 * HOUR

    assert client.post("/accounts/me/duty/", {"until": f"{until:%H:%M}"}).status_code == 302
    engineer.refresh_from_db()
    assert engineer.on_duty_until == until.replace(second=0, microsecond=0)
    assert "/accounts/me/duty/end/" in client.get("/accounts/me/").content.decode()

    client.post("/accounts/me/duty/end/")
    assert on_duty(timezone.now()) == []


def test_a_time_that_is_over_today_is_tomorrows(engineer):
    client = log_in(engineer)
    clock = timezone.localtime() - 2 * HOUR

    client.post("/accounts/me/duty/", {"until": f"{clock:%H:%M}"})

    engineer.refresh_from_db()
    left = engineer.on_duty_until - timezone.now()
    assert 21 * HOUR < left < 22 * HOUR


# --- Quiet hours -----------------------------------------------------------------------------


def shanghai(day, hour, minute=0):
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC) - 8 * HOUR


@pytest.mark.parametrize(
    ("at", "end"),
    [
        (shanghai(3, 21, 59), None),
        (shanghai(3, 22), shanghai(4, 7)),
        (shanghai(4, 0), shanghai(4, 7)),
        (shanghai(4, 6, 59), shanghai(4, 7)),
        (shanghai(4, 7), None),
    ],
)
def test_by_default_it_is_quiet_from_ten_to_seven(at, end, engineer):
    assert quiet_end(engineer, at) == end


def test_quiet_hours_of_the_day_end_the_same_day():
    napping = User(quiet_from=time(12), quiet_until=time(13, 30))

    assert quiet_end(napping, shanghai(3, 12, 30)) == shanghai(3, 13, 30)
    assert quiet_end(napping, shanghai(3, 11, 59)) is None
    assert quiet_end(napping, shanghai(3, 13, 30)) is None


def test_who_is_on_duty_has_no_quiet_hours(engineer):
    at = shanghai(3, 23)
    actions.go_on_duty(engineer, until=at + HOUR, at=at, by=engineer.as_actor())

    assert quiet_end(engineer, at) is None
    assert quiet_end(engineer, at + HOUR) == shanghai(4, 7)


def test_the_page_changes_them_and_switches_them_off(engineer):
    client = log_in(engineer)
    page = "/accounts/me/quiet-hours/"

    client.post(page, {"quiet_from": "23:00", "quiet_until": "06:30"})
    engineer.refresh_from_db()
    assert (engineer.quiet_from, engineer.quiet_until) == (time(23), time(6, 30))

    client.post(page, {"quiet_from": "", "quiet_until": ""})
    engineer.refresh_from_db()
    assert quiet_end(engineer, shanghai(3, 23)) is None


@pytest.mark.parametrize("until", ["", "23:00"])
def test_half_of_them_or_none_of_the_time_is_refused(until, engineer):
    answer = log_in(engineer).post(
        "/accounts/me/quiet-hours/", {"quiet_from": "23:00", "quiet_until": until}
    )

    assert answer.status_code == 422
    assert 'value="23:00"' in answer.content.decode()
    engineer.refresh_from_db()
    assert engineer.quiet_from == time(22)


def test_nobody_sets_the_quiet_hours_of_another(engineer, admin):
    with pytest.raises(PermissionDenied):
        actions.set_quiet_hours(
            engineer, quiet_from=None, quiet_until=None, at=AT, by=admin.as_actor()
        )


def test_duty_and_quiet_hours_over_the_api(engineer):
    api = APIClient()
    api.force_authenticate(engineer)
    until = (timezone.now() + 8 * HOUR).replace(microsecond=0)

    answer = api.post("/api/v1/me/go-on-duty", {"until": until.isoformat()}, format="json")
    assert answer.status_code == 200
    assert datetime.fromisoformat(answer.json()["on_duty_until"]) == until
    assert api.post("/api/v1/me/end-duty").json()["on_duty_until"] is None
    assert api.post("/api/v1/me/end-duty").status_code == 409

    hours = {"quiet_from": "23:00:00", "quiet_until": "06:30:00"}
    answer = api.post("/api/v1/me/set-quiet-hours", hours, format="json").json()
    assert (answer["quiet_from"], answer["quiet_until"]) == ("23:00:00", "06:30:00")
    assert api.post("/api/v1/me/set-quiet-hours", {"quiet_from": None}).status_code == 400


def test_a_program_is_not_on_duty_over_the_api_either(api_client_user):
    api = APIClient()
    api.force_authenticate(api_client_user)
    until = (timezone.now() + HOUR).isoformat()

    assert api.post("/api/v1/me/go-on-duty", {"until": until}, format="json").status_code == 403
