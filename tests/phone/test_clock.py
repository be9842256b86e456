"""When something happened, by a phone whose clock is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from servicedesk.core.models import Entry
from tests.phone.conftest import stored
from tests.visits.factories import ARRIVED, LEAVE, STARTED, make_visit
from visits.states import Status

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("offset", "minutes"),
    [
        (timedelta(seconds=119), 0),
        (timedelta(minutes=-2), 0),
        (timedelta(minutes=7), -7),
        (timedelta(minutes=-9, seconds=-40), 10),
        (timedelta(days=365 * 56), -365 * 56 * 1440),
    ],
)
def test_the_time_is_corrected_and_the_error_named(phone_of, engineer, offset, minutes):
    visit = make_visit(Status.EN_ROUTE, engineer)
    phone = phone_of(engineer, offset=offset)

    answer = phone.does(visit, "arrive", at=ARRIVED)

    visit.refresh_from_db()
    assert visit.arrived_at == ARRIVED
    assert (datetime.fromisoformat(answer["at"]), answer["skew_minutes"]) == (ARRIVED, minutes)
    command = stored(answer)
    assert command.happened_at == ARRIVED - offset
    assert Entry.objects.get(type="visit.arrived").recorded_at > command.at


def test_nothing_happens_later_than_we_hear_of_it(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        phone.does(visit, "arrive", at=now + timedelta(hours=3), clock_offset_ms=None)
    visit.refresh_from_db()
    assert visit.arrived_at == now


def test_a_phone_that_lives_in_1970_is_told_so(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    answer = phone.does(
        visit, "arrive", at=datetime(1970, 1, 1, 0, 5, tzinfo=UTC), clock_offset_ms=None
    )
    assert (answer["state"], answer["code"]) == ("refused", "refused")
    assert "1970" in answer["message"]
    visit.refresh_from_db()
    assert visit.status == Status.EN_ROUTE


def test_before_the_departure_nobody_arrives(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    answer = phone.does(visit, "arrive", at=LEAVE - timedelta(hours=1))
    assert (answer["state"], list(answer["errors"])) == ("refused", ["at"])


def test_what_was_tapped_later_happened_later(phone, engineer):
    """The clock is fast and was never measured: both times are cut to when they were heard of,
    and the second was heard of first."""
    visit = make_visit(Status.EN_ROUTE, engineer)
    now = timezone.now()
    ahead = {"clock_offset_ms": None}
    arrive = phone.tap(visit, "arrive", at=now + timedelta(hours=1), **ahead)
    start = phone.tap(visit, "start_work", {"ticked": []}, at=now + timedelta(hours=2), **ahead)
    with time_machine.travel(now, tick=False):
        phone.send(start)
    with time_machine.travel(now + timedelta(minutes=1), tick=False):
        assert phone.send(arrive).json()["state"] == "done"
    visit.refresh_from_db()
    assert visit.status == Status.WORKING
    assert visit.arrived_at == visit.started_at == now + timedelta(minutes=1)


def test_a_time_that_was_typed_goes_first(phone, engineer):
    visit = make_visit(Status.ARRIVED, engineer)
    phone.does(
        visit,
        "start_work",
        {"ticked": [], "at": "2026-03-02T11:31"},
        at=STARTED + timedelta(hours=2),
    )
    visit.refresh_from_db()
    assert visit.started_at == STARTED + timedelta(minutes=1)


def test_being_late_is_counted_from_the_tap(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    phone.does(visit, "tell_late", {"minutes": "20"}, at=ARRIVED)
    entry = Entry.objects.get(type="visit.told_late")
    assert datetime.fromisoformat(entry.data["expected_at"]) == ARRIVED + timedelta(minutes=20)


def test_the_desk_sees_the_wrong_clock_on_the_visit(phone_of, helpdesk, engineer, client):
    visit = make_visit(Status.EN_ROUTE, engineer)
    phone_of(engineer, offset=timedelta(minutes=-7)).does(visit, "arrive", at=ARRIVED)
    client.force_login(helpdesk)
    page = client.get(visit.get_absolute_url()).text
    assert "手机时间快 7 分钟" in page
    assert "工程师的手机" in page


def test_the_board_says_when_a_phone_was_last_heard_of(phone, dispatcher, client):
    body = {"device": str(phone.device), "unsent": 3}
    phone.post("/phone/sync/", body)
    client.force_login(dispatcher)
    assert "3 条未上传" in client.get("/visits/board/").text
