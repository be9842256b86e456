"""What the desk sees of the engineer's phone."""

from __future__ import annotations

import pytest

from tests.phone.test_mending import discard, mend
from tests.visits.factories import ARRIVED, STARTED, make_visit
from visits.states import Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(helpdesk, client):
    client.force_login(helpdesk)
    return lambda visit: client.get(visit.get_absolute_url()).text


def test_without_a_phone_there_is_nothing_to_see(engineer, page):
    assert "工程师的手机" not in page(make_visit(Status.EN_ROUTE, engineer))


def test_what_went_well_is_not_shown_as_trouble(phone, engineer, page):
    visit = make_visit(Status.EN_ROUTE, engineer)
    phone.does(visit, "arrive", at=ARRIVED)
    seen = page(visit)
    assert "工程师的手机" in seen
    assert "未被接受" not in seen


def test_the_desk_sees_what_was_not_accepted_until_it_is_mended(phone, engineer, page):
    visit = make_visit(Status.WORKING, engineer)
    command = phone.tap(visit, "interrupt", {"reason": ""}, at=STARTED)
    phone.send(command)
    assert "未被接受" in page(visit)

    mend(phone, command, {"reason": "停电"})
    # The time line keeps it; the card has nothing to show any more.
    assert page(visit).count("未被接受") == 1


def test_the_desk_sees_what_waits_and_what_was_thrown_away(phone, engineer, page):
    visit = make_visit(Status.EN_ROUTE, engineer)
    meet = phone.tap(visit, "meet", at=ARRIVED)
    phone.tap(visit, "arrive", at=ARRIVED)
    phone.send(meet)
    phone.send(phone.tap(visit, "start_work", {"ticked": []}, at=STARTED))
    discard(phone, meet, "按错了按钮")
    seen = page(visit)
    assert "等待前一步" in seen
    assert "按错了按钮" in seen
