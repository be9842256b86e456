"""What was refused is mended or thrown away; what came after it is tried again."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from servicedesk.core.models import Entry, PhoneCommand
from servicedesk.core.phone import try_forsaken
from tests.phone.conftest import Phone, count, stored
from tests.visits.factories import ARRIVED, LEAVE, RECORD, STARTED, make_desk_person, make_visit
from visits import actions
from visits.models import ARRIVAL_ITEMS, CLOSING_ITEMS
from visits.states import Status

pytestmark = pytest.mark.django_db


def mend(phone: Phone, command: dict, fields: dict, **more):
    body = {"op_id": str(uuid.uuid4()), "device": str(phone.device), "fields": fields} | more
    return phone.post(f"/phone/commands/{command['op_id']}/retry/", body)


def discard(phone: Phone, command: dict, reason: str = "重复登记"):
    return phone.post(f"/phone/commands/{command['op_id']}/discard/", {"reason": reason})


def test_the_errors_of_the_form_come_back_by_field(phone, engineer):
    visit = make_visit(Status.WORKING, engineer)

    answer = phone.does(visit, "interrupt", {"reason": ""}, at=STARTED)

    assert (answer["state"], answer["code"]) == ("refused", "invalid")
    assert answer["errors"] == {"reason": ["请填写。"]}
    assert answer["message"] == "请填写。"
    visit.refresh_from_db()
    assert visit.status == Status.WORKING


def test_the_refusal_of_the_action_comes_back_in_the_readers_language(phone, engineer):
    visit = make_visit(Status.WORKING, engineer)
    chinese = phone.does(visit, "finish", {"ticked": []}, at=STARTED + timedelta(minutes=5))
    assert list(chinese["errors"]) == [""]
    assert "检查情况" in chinese["message"]

    phone.client.cookies["django_language"] = "en"
    english = phone.does(visit, "finish", {"ticked": []}, at=STARTED + timedelta(minutes=5))
    assert english["message"] == "The work record lacks the findings."


def test_a_refusal_stands_in_the_journal_with_its_time(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    command = phone.tap(visit, "meet", at=ARRIVED)
    phone.send(command)
    phone.send(command)

    entry = Entry.objects.get(type="phone.refused")
    assert (entry.at, entry.data["verb"], entry.data["op_id"]) == (
        ARRIVED, "meet", command["op_id"],
    )  # fmt: skip


def test_a_mended_one_is_recorded_at_the_time_of_the_first(phone, engineer):
    visit = make_visit(Status.WORKING, engineer)
    command = phone.tap(visit, "interrupt", {"reason": ""}, at=STARTED + timedelta(minutes=3))
    phone.send(command)

    answer = mend(phone, command, {"reason": "停电"}).json()

    assert (answer["state"], answer["replaces"]) == ("done", command["op_id"])
    assert visit.interruptions.get().started_at == STARTED + timedelta(minutes=3)
    first = phone.answer(command["op_id"])
    assert (first["state"], first["replaced_by"]) == ("refused", answer["op_id"])
    assert phone.get("/phone/commands/").json()["commands"] == []


def test_mending_twice_by_the_same_name_is_once(phone, engineer):
    visit = make_visit(Status.WORKING, engineer)
    command = phone.tap(visit, "add_part", {"name": "", "quantity": "1"}, at=STARTED)
    phone.send(command)
    name = str(uuid.uuid4())

    for _again in range(2):
        answer = mend(phone, command, {"name": "网线", "quantity": "1"}, op_id=name)
        assert answer.json()["state"] == "done"
    other = mend(phone, command, {"name": "网线", "quantity": "2"})
    changed = mend(phone, command, {"name": "网线", "quantity": "2"}, op_id=name)

    assert visit.parts.count() == 1
    assert (other.status_code, other.json()["code"]) == (409, "not-refused")
    assert (changed.status_code, changed.json()["code"]) == (422, "other-content")


def test_what_was_refused_after_it_is_tried_again(phone, engineer):
    """Arrival before departure: all that follows hangs on it, and is not typed again."""
    visit = make_visit(Status.EN_ROUTE, engineer)
    wrong = phone.tap(visit, "arrive", at=LEAVE - timedelta(hours=1))
    after = [
        phone.tap(visit, "start_work", {"ticked": list(ARRIVAL_ITEMS)}, at=STARTED),
        phone.tap(visit, "record_work", RECORD, at=STARTED + timedelta(minutes=5)),
        phone.tap(visit, "finish", {"ticked": list(CLOSING_ITEMS)}, at=STARTED + timedelta(minutes=9)),
    ]  # fmt: skip
    for command in [wrong, *after]:
        assert phone.send(command).json()["state"] == "refused"
    assert len(phone.get("/phone/commands/").json()["commands"]) == 4

    answer = mend(phone, wrong, {}, happened_at=ARRIVED.isoformat(), clock_offset_ms=0).json()

    assert answer["state"] == "done"
    assert [phone.answer(command["op_id"])["state"] for command in after] == ["done"] * 3
    visit.refresh_from_db()
    assert (visit.status, visit.arrived_at, visit.started_at) == (
        Status.FINISHED, ARRIVED, STARTED,
    )  # fmt: skip
    assert count(visit, "visit.started") == 1


def test_the_order_of_a_mended_one_and_its_followers_does_not_matter(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    wrong = phone.tap(visit, "arrive", at=LEAVE - timedelta(hours=1))
    start = phone.tap(visit, "start_work", {"ticked": []}, at=STARTED)
    phone.send(wrong)
    mend(phone, wrong, {}, happened_at=ARRIVED.isoformat())

    assert phone.send(start).json()["state"] == "done"


def test_thrown_away_with_a_reason_it_stays_on_record(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    command = phone.tap(visit, "meet", at=ARRIVED)
    phone.send(command)

    for _twice in range(2):
        assert discard(phone, command).json()["state"] == "discarded"

    entry = Entry.objects.get(type="phone.discarded")
    assert (entry.data["verb"], entry.data["reason"]) == ("meet", "重复登记")
    assert stored(command).discard_reason == "重复登记"
    assert phone.send(command).json()["state"] == "discarded"
    assert phone.get("/phone/commands/").json()["commands"] == []


def test_throwing_away_needs_a_reason(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    command = phone.tap(visit, "meet", at=ARRIVED)
    phone.send(command)
    assert discard(phone, command, "  ").status_code == 400
    assert stored(command).state == "refused"


def test_what_is_recorded_is_not_thrown_away(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    command = phone.tap(visit, "arrive", at=ARRIVED)
    phone.send(command)
    assert discard(phone, command).status_code == 409
    assert mend(phone, command, {}).status_code == 409
    assert count(visit, "visit.arrived") == 1


def test_what_waited_for_a_thrown_away_one_is_done(phone, engineer):
    """It was never sent; the phone sends it only to say so."""
    visit = make_visit(Status.EN_ROUTE, engineer)
    mistake = phone.tap(visit, "tell_late", {"minutes": "10"}, at=LEAVE, discard="按错了")
    arrive = phone.tap(visit, "arrive", at=ARRIVED)
    assert phone.send(arrive).json()["state"] == "waiting"

    assert phone.send(mistake).json()["state"] == "discarded"

    assert phone.answer(arrive["op_id"])["state"] == "done"
    assert count(visit, "visit.told_late") == 0
    assert Entry.objects.get(type="phone.discarded").data["reason"] == "按错了"


def test_what_waits_can_be_thrown_away(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    phone.tap(visit, "arrive", at=ARRIVED)
    start = phone.tap(visit, "start_work", {"ticked": []}, at=STARTED)
    phone.send(start)
    assert discard(phone, start).json()["state"] == "discarded"


def test_after_a_day_a_lost_predecessor_is_waited_for_no_more(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    lost = phone.tap(visit, "tell_late", {"minutes": "10"}, at=LEAVE)
    arrive = phone.tap(visit, "arrive", at=ARRIVED)
    start = phone.tap(visit, "start_work", {"ticked": []}, at=STARTED)
    phone.send(start)
    phone.send(arrive)

    assert try_forsaken() == 0
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        assert try_forsaken() == 1

    assert phone.answer(start["op_id"])["state"] == "done"
    # Should it come after all, it is refused like everything that comes too late.
    assert phone.send(lost).json()["state"] == "refused"


def test_a_lost_one_that_comes_after_all_mends_what_failed_without_it(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    arrive = phone.tap(visit, "arrive", at=ARRIVED)
    start = phone.tap(visit, "start_work", {"ticked": []}, at=STARTED)
    phone.send(start)
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        try_forsaken()
    assert stored(start).state == "refused"

    phone.send(arrive)

    assert stored(start).state == "done"


def test_commands_that_wait_for_each_other_are_tried_in_the_end(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    arrive = phone.tap(visit, "arrive", at=ARRIVED)
    start = phone.tap(visit, "start_work", {"ticked": []}, at=STARTED)
    arrive["after"] = start["op_id"]
    for command in (arrive, start):
        assert phone.send(command).json()["state"] == "waiting"

    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        try_forsaken()

    assert [stored(c).state for c in (arrive, start)] == ["done", "done"]


def test_what_he_did_on_a_visit_that_is_a_colleagues_now_is_kept(phone, engineer, other_engineer):
    """His visit went to a colleague while he had no network."""
    visit = make_visit(Status.APPOINTED, engineer)
    command = phone.tap(visit, "depart", at=LEAVE)
    actions.assign(visit, engineer=other_engineer, at=LEAVE, by=make_desk_person().as_actor())

    answer = phone.send(command).json()

    assert (answer["state"], answer["code"], answer["version"]) == ("refused", "not-yours", None)
    assert stored(command).subject_id == visit.pk
    assert Entry.objects.get(type="phone.refused").data["verb"] == "depart"


def test_every_refusal_leaves_no_trace_in_the_record(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    version = visit.version
    for verb in ("meet", "resume", "finish", "hand_in", "leave_note", "accept"):
        answer = phone.does(
            visit, verb, {"ticked": [], "left_with": "前台"}, at=ARRIVED, chained=False
        )
        assert answer["state"] == "refused", verb
    visit.refresh_from_db()
    assert (visit.status, visit.version) == (Status.EN_ROUTE, version)
    assert PhoneCommand.objects.filter(state="refused").count() == 6
