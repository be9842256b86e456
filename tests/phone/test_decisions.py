"""A decision is made on what one has seen; a fact counts whenever it is heard of."""

from __future__ import annotations

from datetime import timedelta

import pytest

from servicedesk.core.actors import SYSTEM
from tests.phone.conftest import Phone, stored
from tests.phone.test_mending import mend
from tests.visits.cases import typed
from tests.visits.factories import (
    ARRIVED,
    FINISHED,
    LEAVE,
    RECORD,
    STARTED,
    WINDOW,
    make_desk_person,
    make_visit,
)
from visits import actions
from visits.states import Status

pytestmark = pytest.mark.django_db


def appointment(start, **more):
    return {
        "window_from": typed(start), "length": "60", "agreed_with": "李店长",
        "travel_minutes": "30", "address": "淮海中路 999 号", "contact_phone": "13912345678",
    } | more  # fmt: skip


def move(start, **more):
    return appointment(start, asked_by="customer", reason="盘点") | more


def test_an_appointment_that_the_other_device_moved_is_not_moved_again(phone, phone_of, engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    late = phone.tap(visit, "rearrange", move(WINDOW[0] + timedelta(days=2)), at=LEAVE)
    tablet = phone_of(engineer)
    tablet.does(visit, "rearrange", move(WINDOW[0] + timedelta(days=1)), at=LEAVE)

    answer = phone.send(late).json()

    assert (answer["state"], answer["code"]) == ("refused", "stale")
    # Both versions are named: what he saw, what it is now, and whose doing that was.
    change = answer["changes"][0]
    assert (change["before"], change["after"], change["by"]) == (
        "3月2日 11:30", "3月3日 11:30", "张伟",
    )  # fmt: skip
    assert "3月2日 11:30 → 3月3日 11:30" in answer["message"]
    visit.refresh_from_db()
    assert visit.window_from == WINDOW[0] + timedelta(days=1)


def test_who_has_seen_the_new_version_may_decide(phone, phone_of, engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    late = phone.tap(visit, "rearrange", move(WINDOW[0] + timedelta(days=2)), at=LEAVE)
    phone_of(engineer).does(visit, "rearrange", move(WINDOW[0] + timedelta(days=1)), at=LEAVE)
    refused = phone.send(late).json()

    answer = mend(phone, late, late["fields"], base_version=refused["version"]).json()

    assert answer["state"] == "done"


def test_what_a_decision_does_not_depend_on_may_change_meanwhile(phone, phone_of, engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    late = phone.tap(visit, "rearrange", move(WINDOW[0] + timedelta(days=2)), at=LEAVE)
    phone_of(engineer).does(visit, "log_attempt", {"outcome": "busy"}, at=LEAVE)

    assert phone.send(late).json()["state"] == "done"


def test_what_the_own_device_did_before_is_known_to_it(phone, engineer):
    """All were tapped on the same old pack."""
    visit = make_visit(Status.ACCEPTED, engineer)
    taps = [
        phone.tap(visit, "appoint", appointment(WINDOW[0]), at=LEAVE - timedelta(minutes=30)),
        phone.tap(visit, "rearrange", move(WINDOW[0] + timedelta(hours=5)), at=LEAVE),
    ]
    assert {tap["base_version"] for tap in taps} == {visit.version}
    assert [phone.send(tap).json()["state"] for tap in taps] == ["done", "done"]


def test_a_fact_counts_although_the_record_has_changed(phone, phone_of, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    arrive = phone.tap(visit, "arrive", at=ARRIVED)
    phone_of(engineer).does(visit, "log_attempt", {"outcome": "busy"}, at=LEAVE)
    visit.refresh_from_db()
    assert visit.version > arrive["base_version"]
    assert phone.send(arrive).json()["state"] == "done"


def test_two_devices_report_the_same_arrival_once(phone, phone_of, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    taps = [each.tap(visit, "arrive", at=ARRIVED) for each in (phone, phone_of(engineer))]
    first, second = phone.send(taps[0]).json(), phone.send(taps[1]).json()
    assert (first["state"], second["state"]) == ("done", "refused")
    assert "到达" in second["message"]


def test_two_devices_do_a_visit_together(phone, phone_of, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    tablet: Phone = phone_of(engineer)
    at = lambda minutes: STARTED + timedelta(minutes=minutes)  # noqa: E731
    assert phone.does(visit, "arrive", at=ARRIVED)["state"] == "done"
    assert tablet.does(visit, "start_work", {"ticked": []}, at=at(0))["state"] == "done"
    assert (
        phone.does(visit, "add_part", {"name": "网线", "quantity": "1"}, at=at(5))["state"]
        == "done"
    )
    assert tablet.does(visit, "record_work", RECORD, at=at(8))["state"] == "done"

    # The phone's pack is from before: it has not seen what the tablet wrote down.
    answer = phone.does(visit, "finish", {"ticked": []}, at=at(9))
    assert (answer["code"], answer["changes"][0]["by"]) == ("stale", "张伟")
    # The tablet has.
    assert tablet.does(visit, "finish", {"ticked": []}, at=at(9))["state"] == "refused"
    visit.refresh_from_db()
    assert phone.does(visit, "finish", {"ticked": []}, at=at(9))["state"] == "done"


def test_a_form_returned_meanwhile_is_not_handed_in_unseen(phone, engineer):
    visit = make_visit(Status.SIGNED, engineer)
    at = FINISHED + timedelta(hours=1)
    usb = {"usb_scanned_at": typed(at)}
    again = phone.tap(visit, "hand_in", usb, at=at, chained=False)
    phone.does(visit, "hand_in", usb, at=at)
    actions.return_form(visit, reason="缺序列号", at=at, by=make_desk_person().as_actor())

    answer = phone.send(again).json()

    assert (answer["state"], answer["code"]) == ("refused", "stale")
    visit.refresh_from_db()
    assert visit.status == Status.SIGNED


def test_without_a_version_the_moment_says_what_was_seen(phone, phone_of, engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    unseen = phone.tap(
        visit, "rearrange", move(WINDOW[0] + timedelta(days=2)), at=LEAVE, base_version=None
    )
    phone_of(engineer).does(visit, "rearrange", move(WINDOW[0] + timedelta(days=1)), at=LEAVE)
    assert phone.send(unseen).json()["code"] == "stale"


def test_a_clash_is_named_like_on_the_page(phone, engineer):
    make_visit(Status.APPOINTED, engineer)
    other = make_visit(Status.ACCEPTED, engineer)
    answer = phone.does(other, "appoint", appointment(WINDOW[0]), at=LEAVE)
    assert (answer["state"], list(answer["errors"])) == ("refused", ["window_from"])
    assert stored({"op_id": answer["op_id"]}).version_before is None
    assert SYSTEM.label not in answer["message"]
