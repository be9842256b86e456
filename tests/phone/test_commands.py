"""What a command does, once, and what its answer says."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from servicedesk.core.models import Entry
from tests.phone.conftest import count, events, whole_visit
from tests.visits.factories import ARRIVED, LEAVE, STARTED, make_visit
from visits.states import Status

pytestmark = pytest.mark.django_db


def test_a_tap_is_recorded_with_its_own_time(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)

    answer = phone.does(visit, "arrive", at=ARRIVED)

    visit.refresh_from_db()
    assert (visit.status, visit.arrived_at) == (Status.ARRIVED, ARRIVED)
    assert answer["state"] == "done"
    assert (answer["status"], answer["version"]) == ("arrived", visit.version)
    assert answer["next"] == visit.get_absolute_url()
    entry = Entry.objects.get(type="visit.arrived")
    assert entry.at == ARRIVED
    assert entry.recorded_at > ARRIVED + timedelta(days=1)
    assert entry.actor_id == engineer.pk


def test_a_repeat_gets_the_stored_answer_and_does_nothing(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    command = phone.tap(visit, "arrive", at=ARRIVED)

    first = phone.send(command).json()
    phone.does(visit, "start_work", {"ticked": []}, at=ARRIVED)
    again = phone.send(command)

    assert again.json() == first
    assert count(visit, "visit.arrived") == 1


def test_a_whole_visit_without_a_network_arrives_in_order(phone, engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    for command in whole_visit(phone, visit):
        answer = phone.send(command).json()
        assert (answer["state"], answer["message"]) == ("done", answer["message"])
    visit.refresh_from_db()
    assert visit.status == Status.HANDED_IN


def test_a_whole_visit_in_any_order_ends_in_the_same_state(phone, phone_of, engineer):
    straight = make_visit(Status.ACCEPTED, engineer)
    for command in whole_visit(phone, straight):
        phone.send(command)
    visit = make_visit(Status.ACCEPTED, engineer)
    commands = whole_visit(phone, visit)
    random.Random(4).shuffle(commands)  # noqa: S311

    for command in commands:
        assert phone.send(command).json()["state"] in {"waiting", "done"}

    straight.refresh_from_db()
    visit.refresh_from_db()
    assert visit.status == straight.status == Status.HANDED_IN
    assert visit.version == straight.version
    assert events(visit) == events(straight)


def test_what_comes_too_early_is_acknowledged_and_waits(phone, engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    depart = phone.tap(visit, "depart", at=LEAVE)
    arrive = phone.tap(visit, "arrive", at=ARRIVED)

    assert phone.send(arrive).json()["state"] == "waiting"
    visit.refresh_from_db()
    assert visit.status == Status.APPOINTED

    phone.send(depart)
    visit.refresh_from_db()
    assert visit.arrived_at == ARRIVED
    assert phone.answer(arrive["op_id"])["state"] == "done"
    assert phone.send(arrive).json()["state"] == "done"


def test_a_slip_seen_at_once_at_its_form_is_no_event_and_one_sent_later_is(phone, engineer):
    visit = make_visit(Status.WORKING, engineer)
    empty = {"findings": ""}

    online = phone.does(visit, "record_work", empty, at=STARTED, at_once=True)
    assert (online["state"], list(online["errors"])) == ("refused", ["findings"])
    assert count(visit, "phone.refused") == 0

    queued = phone.does(visit, "record_work", empty, at=STARTED)
    assert queued["state"] == "refused"
    assert count(visit, "phone.refused") == 1


def test_what_is_no_slip_of_a_form_is_an_event_at_once_too(phone, engineer):
    visit = make_visit(Status.ARCHIVED, engineer)

    stale = phone.does(visit, "hand_in", at=ARRIVED, at_once=True, base_version=0)

    assert stale["code"] == "stale"
    assert count(visit, "phone.refused") == 1
