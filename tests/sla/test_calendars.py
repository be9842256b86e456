"""Calendars: versions, refusals, public holidays, the pages and who may open them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import StringIO

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.urls import reverse

from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from sla import actions
from sla.holidays import missing_year
from sla.hours import parse, spell
from sla.models import Calendar, CalendarVersion
from tests.conftest import AT
from tests.customers.conftest import browser
from tests.journal import journal

pytestmark = pytest.mark.django_db

NINE_TO_SIX = [[9 * 3600, 12 * 3600], [13 * 3600, 18 * 3600]]
WEEK = [NINE_TO_SIX] * 5 + [[], []]


@pytest.fixture
def calendar(db):
    return actions.create_calendar(
        code="office", name="工作日", zone="Asia/Shanghai", weekly=WEEK, at=AT, by=SYSTEM
    )


def test_a_calendar_is_made_with_its_first_version(manager):
    made = actions.create_calendar(
        code="Office", name=" 工作日 ", zone="Asia/Shanghai", weekly=WEEK, note="按合同",
        at=AT, by=manager.as_actor(),
    )  # fmt: skip

    made.refresh_from_db()
    assert (made.code, made.name) == ("office", "工作日")
    assert (made.current.number, made.current.note, made.current.made_by) == (1, "按合同", "陈静")
    assert journal(made) == [("calendar.created", AT, "陈静")]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"code": "a b"}, "code"), ({"name": " "}, "name"), ({"zone": "Mars/Base"}, "zone"),
        ({"weekly": [[]] * 7}, "weekly"),
        ({"weekly": [[[3600, 7200], [5000, 9000]]] + [[]] * 6}, "weekly"),
        ({"days": {"2026-10-01": {"name": "", "windows": []}}}, "name"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_calendar_is_refused(wrong, field, manager):
    given = {"code": "office", "name": "工作日", "zone": "Asia/Shanghai", "weekly": WEEK, **wrong}

    with pytest.raises(Refused) as refused:
        actions.create_calendar(**given, at=AT, by=manager.as_actor())

    assert refused.value.field == field
    assert not Calendar.objects.exists()


def test_a_code_is_taken_once(calendar, manager):
    with pytest.raises(Refused) as refused:
        actions.create_calendar(
            code="OFFICE", name="x", zone="UTC", weekly=WEEK, at=AT, by=manager.as_actor()
        )
    assert refused.value.field == "code"


def test_a_change_is_a_new_version_and_the_old_one_stays(calendar, manager):
    first = CalendarVersion.objects.get()
    actions.change_calendar(calendar, weekly=[NINE_TO_SIX] * 7, at=AT, by=manager.as_actor())

    calendar.refresh_from_db()
    assert calendar.current.number == 2
    first.refresh_from_db()
    assert first.weekly == WEEK
    assert journal(calendar)[-1] == ("calendar.changed", AT, "陈静")


def test_what_stays_the_same_leaves_no_trace(calendar, manager):
    actions.change_calendar(calendar, name="工作日", weekly=WEEK, at=AT, by=manager.as_actor())
    assert CalendarVersion.objects.count() == 1
    assert len(journal(calendar)) == 1


def test_a_change_of_an_older_version_is_refused(calendar, manager):
    actions.change_calendar(calendar, zone="UTC", at=AT, by=manager.as_actor())
    with pytest.raises(Refused):
        actions.change_calendar(calendar, zone="Asia/Tokyo", expected=1, at=AT, by=SYSTEM)


def test_a_calendar_that_a_policy_counts_by_stays_in_use(calendar, manager):
    policy = actions.create_policy(
        kind="ticket.resolution", name="x", calendar=calendar, at=AT, by=SYSTEM
    )
    with pytest.raises(Refused):
        actions.retire_calendar(calendar, at=AT, by=manager.as_actor())

    actions.retire_policy(policy, at=AT, by=SYSTEM)
    actions.retire_calendar(calendar, at=AT, by=manager.as_actor())
    calendar.refresh_from_db()
    assert not calendar.is_active
    with pytest.raises(Refused):
        actions.retire_calendar(calendar, at=AT, by=manager.as_actor())


@pytest.mark.parametrize(
    "change",
    [
        lambda c, by: actions.create_calendar(
            code="x", name="x", zone="UTC", weekly=WEEK, at=AT, by=by
        ),
        lambda c, by: actions.change_calendar(c, zone="UTC", at=AT, by=by),
        lambda c, by: actions.set_days(c, days={}, at=AT, by=by),
        lambda c, by: actions.remove_day(c, day=date(2026, 10, 1), at=AT, by=by),
        lambda c, by: actions.update_holidays(c, at=AT, by=by),
        lambda c, by: actions.retire_calendar(c, at=AT, by=by),
    ],
)
def test_dispatchers_change_no_calendar(change, calendar, dispatcher):
    with pytest.raises(PermissionDenied):
        change(calendar, dispatcher.as_actor())


def test_public_holidays_and_make_up_days_come_in(calendar, manager):
    changed = actions.update_holidays(calendar, at=AT, by=manager.as_actor())

    days = calendar.current.days
    assert "2026-10-01" in changed
    assert days["2026-10-01"] == {"name": "国庆节", "windows": [], "public": True}
    # A Saturday that makes up for a holiday has the hours of the week.
    assert days["2026-10-10"]["windows"] == NINE_TO_SIX
    assert actions.update_holidays(calendar, at=AT, by=manager.as_actor()) == []
    assert calendar.current.number == 2


def test_days_set_by_hand_outlive_the_public_calendar(calendar, manager):
    by_hand = {"2026-10-01": {"name": "值班", "windows": [[0, 3600]]}}
    actions.set_days(calendar, days=by_hand, at=AT, by=manager.as_actor())
    actions.update_holidays(calendar, at=AT, by=manager.as_actor())

    assert calendar.current.days["2026-10-01"] == by_hand["2026-10-01"]
    assert calendar.current.days["2026-10-02"]["name"] == "国庆节"


def test_a_public_day_that_is_taken_back_goes(calendar, manager):
    actions.update_holidays(calendar, at=AT, by=manager.as_actor())
    stale = {"2026-07-07": {"name": "旧", "windows": [], "public": True}}
    actions.change_calendar(
        calendar, days={**calendar.current.days, **stale}, at=AT, by=manager.as_actor()
    )

    assert actions.update_holidays(calendar, at=AT, by=manager.as_actor()) == ["2026-07-07"]


def test_the_command_updates_the_calendars_that_follow(calendar):
    out = StringIO()
    call_command("update_holidays", stdout=out, stderr=out)
    assert CalendarVersion.objects.count() == 1

    actions.change_calendar(calendar, follows_public_holidays=True, at=AT, by=SYSTEM)
    calendar.refresh_from_db()
    assert "2026-10-01" in calendar.current.days
    actions.remove_day(calendar, day=date(2026, 10, 1), at=AT, by=SYSTEM)
    call_command("update_holidays", stdout=out, stderr=out)
    assert "office: 1 days changed: 2026-10-01" in out.getvalue()


def test_a_year_is_missed_from_november_on():
    assert missing_year(date(2026, 10, 31)) is None
    assert missing_year(date(2026, 11, 1)) == 2027
    assert missing_year(date(2027, 1, 1)) == 2027


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("9:00-12:00，13:30～18:00", "09:00-12:00 13:30-18:00"),
        ("00:00-24:00", "00:00-24:00"),
        ("", ""),
    ],
)
def test_hours_are_read_as_people_write_them(text, spelt):
    assert spell(parse(text)) == spelt


@pytest.mark.parametrize(
    "text", ["9-12", "12:00-09:00", "09:00-12:00 11:00-13:00", "09:00-25:00", "x"]
)
def test_other_hours_are_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        parse(text)


PAGES = ["calendars", "calendar_new"]
PAGES_OF_ONE = ["calendar", "calendar_edit", "calendar_import"]


@pytest.mark.parametrize(
    "role", ["helpdesk", "engineer", "dispatcher", "manager", "admin", "business"]
)
def test_who_may_open_the_pages(role, request, calendar):
    client = browser(request.getfixturevalue(role))
    expected = 200 if role in {"manager", "admin"} else 403

    for name in PAGES:
        assert client.get(reverse(f"sla:{name}")).status_code == expected
    for name in PAGES_OF_ONE:
        assert client.get(reverse(f"sla:{name}", args=[calendar.uid])).status_code == expected


def test_a_calendar_is_made_and_changed_on_the_page(manager):
    client = browser(manager)
    given = {
        "name": "工作日", "code": "office", "zone": "Asia/Shanghai", "day_0": "09:00-12:00 13:00-18:00",
        "follows_public_holidays": "on",
    }  # fmt: skip
    answer = client.post(reverse("sla:calendar_new"), given)

    made = Calendar.objects.get()
    assert answer.url == made.get_absolute_url()
    assert made.current.weekly == [NINE_TO_SIX, [], [], [], [], [], []]
    page = client.get(made.get_absolute_url() + "?year=2026").content.decode()
    assert "国庆节" in page
    assert "day-make-up" in page
    client.post(reverse("sla:calendar_edit", args=[made.uid]), {**given, "day_1": "10:00-11:00"})
    made.refresh_from_db()
    assert made.current.number == 2
    assert "10:00-11:00" in client.get(made.get_absolute_url()).content.decode()


def test_a_refused_calendar_comes_back_with_what_was_typed(manager):
    answer = browser(manager).post(
        reverse("sla:calendar_new"),
        {"name": "x", "code": "x", "zone": "UTC", "day_0": "18:00-09:00"},
    )
    assert answer.status_code == 422
    assert "18:00-09:00" in answer.content.decode()
    assert answer.context["form"].errors.keys() == {"day_0"}


def test_try_it_counts_the_hours(calendar, manager):
    page = browser(manager).get(
        calendar.get_absolute_url(), {"start": "2026-03-06T17:00", "hours": "2", "minutes": "30"}
    )
    answer = page.context["answer"]
    # Friday from 17 o'clock, then Monday from 9.
    assert answer["due_at"] == datetime(2026, 3, 9, 2, 30, tzinfo=UTC)
    assert [length.total_seconds() for _a, _b, length in answer["intervals"]] == [3600, 5400]


def test_a_range_is_closed_by_hand_and_opened_again(calendar, manager):
    client = browser(manager)
    url = reverse("sla:calendar_days", args=[calendar.uid])
    client.post(url, {"start": "2026-06-01", "end": "2026-06-03", "name": "盘点", "open": "no"})
    calendar.refresh_from_db()
    assert sorted(calendar.current.days) == ["2026-06-01", "2026-06-02", "2026-06-03"]

    gone = reverse("sla:calendar_day_remove", args=[calendar.uid])
    client.post(gone, {"day": "2026-06-02"})
    calendar.refresh_from_db()
    assert sorted(calendar.current.days) == ["2026-06-01", "2026-06-03"]
    assert client.post(gone, {"day": "2026-06-02"}).status_code == 409
    assert client.post(gone, {"day": "gestern"}).status_code == 409


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"end": "2026-05-01"}, "end"), ({"end": "2028-05-01"}, "end"), ({"open": "yes"}, "hours"),
     ({"name": ""}, "name")],
)  # fmt: skip
def test_a_bent_exception_is_refused_at_its_field(wrong, field, calendar, manager):
    given = {"start": "2026-06-01", "name": "盘点", "open": "no", **wrong}
    answer = browser(manager).post(reverse("sla:calendar_days", args=[calendar.uid]), given)

    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field}
    calendar.refresh_from_db()
    assert calendar.current.number == 1
