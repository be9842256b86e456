"""start_work, interrupt, resume, record_work, add_part, remove_part, finish, revise."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError

from servicedesk.core.errors import Refused
from servicedesk.core.models import Document
from servicedesk.core.rules import journal_of
from sla.models import Deadline
from tests.visits.factories import FINISHED, RECORD, STARTED, make_visit
from visits import actions
from visits.models import ARRIVAL_ITEMS, CLOSING_ITEMS, Part, WorkRecord
from visits.states import Status

pytestmark = pytest.mark.django_db
LATER = STARTED + timedelta(minutes=20)


def record(visit, **said):
    return actions.record_work(visit, **said, at=LATER, by=visit.engineer.as_actor())


def finish(visit, **more):
    return actions.finish(
        visit, **{"ticked": CLOSING_ITEMS, "at": FINISHED} | more, by=visit.engineer.as_actor()
    )


def test_the_start_keeps_who_received_him_and_starts_the_ticket(engineer):
    visit = make_visit(Status.ARRIVED, engineer)

    actions.start_work(
        visit, people_met="李晓梅", ticked=list(ARRIVAL_ITEMS)[:1], at=STARTED,
        by=engineer.as_actor(),
    )  # fmt: skip

    assert visit.work.people_met == "李晓梅"
    assert journal_of(visit).last("visit.started").data["unticked"] == ["front_desk", "introduced"]
    visit.ticket.refresh_from_db()
    assert visit.ticket.status == "in_progress"


def test_an_empty_record_is_refused_and_what_the_form_filled_in_is_no_record(engineer):
    visit = make_visit(Status.WORKING, engineer)

    with pytest.raises(Refused) as refusal:
        record(visit, category=visit.category, tested_by=visit.contact_name, findings=" ")

    assert refusal.value.field == "findings"
    assert not WorkRecord.objects.get(visit=visit).tested_by
    record(visit, cause="扫码枪松动")
    assert WorkRecord.objects.get(visit=visit).cause == "扫码枪松动"


def test_an_interruption_has_a_beginning_an_end_and_a_reason(engineer):
    visit = make_visit(Status.INTERRUPTED, engineer)

    actions.resume(visit, at=STARTED + timedelta(minutes=25), by=engineer.as_actor())

    still = visit.interruptions.get()
    assert (still.reason, still.ended_at - still.started_at) == (
        "商场停电", timedelta(minutes=15),
    )  # fmt: skip


def test_the_end_of_an_interruption_is_not_before_its_beginning(engineer):
    visit = make_visit(Status.INTERRUPTED, engineer)
    with pytest.raises(Refused):
        actions.resume(visit, at=STARTED, by=engineer.as_actor())


def test_the_record_is_written_bit_by_bit(engineer):
    visit = make_visit(Status.WORKING, engineer)

    record(visit, findings="网线松动")
    record(visit, cause="搬动")

    work = WorkRecord.objects.get(visit=visit)
    assert (work.findings, work.cause) == ("网线松动", "搬动")
    assert work.category == visit.category


def test_work_on_data_needs_somebodys_consent(engineer):
    visit = make_visit(Status.WORKING, engineer)
    with pytest.raises(Refused) as refused:
        record(visit, touches_data=True)
    assert refused.value.field == "data_consent_by"
    record(visit, touches_data=True, data_consent_by="李店长")


def test_the_database_knows_the_consent_rule_too(engineer):
    visit = make_visit(Status.WORKING, engineer)
    with pytest.raises(IntegrityError, match="visits_workrecord_data_consent"):
        WorkRecord.objects.filter(visit=visit).update(touches_data=True)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "next_step"),
        ({"next_step": "换终端"}, "next_step_at"),
        ({"next_step": "换终端", "next_step_at": STARTED}, "next_step_at"),
    ],
)
def test_not_solved_needs_a_next_step_and_its_time(given, field, engineer):
    visit = make_visit(Status.WORKING, engineer)
    with pytest.raises(Refused) as refused:
        record(visit, result="not_solved", **given)
    assert refused.value.field == field


def test_parts_are_added_and_taken_off_again(engineer):
    visit, by = make_visit(Status.WORKING, engineer), engineer.as_actor()

    part = actions.add_part(visit, name="网线", quantity=2, serial="X1", at=LATER, by=by)
    assert str(part) == "网线 × 2"

    actions.remove_part(visit, part=part, at=LATER, by=by)
    assert not visit.parts.exists()
    assert Part.history.filter(history_type="-", name="网线").exists()


@pytest.mark.parametrize(
    ("given", "field"), [({"name": " "}, "name"), ({"quantity": 0}, "quantity")]
)
def test_a_part_without_name_or_number_is_refused(given, field, engineer):
    visit = make_visit(Status.WORKING, engineer)
    with pytest.raises(Refused) as refused:
        actions.add_part(visit, **{"name": "x"} | given, at=LATER, by=engineer.as_actor())
    assert refused.value.field == field


def test_a_part_of_another_visit_cannot_be_removed_here(engineer, other_engineer, doors):
    theirs = make_visit(Status.WORKING, other_engineer)
    part = actions.add_part(theirs, name="x", at=LATER, by=other_engineer.as_actor())
    visit = make_visit(Status.WORKING, engineer)

    with pytest.raises(Refused):
        actions.remove_part(visit, part=part, at=LATER, by=engineer.as_actor())
    assert doors["page"](engineer, visit, "remove_part", {"part": part.uid}).status_code == 422
    assert doors["api"](engineer, visit, "remove_part", {"part": part.uid}).status_code == 404
    assert Part.objects.filter(pk=part.pk).exists()


def test_both_doors_remove_a_part(engineer, doors):
    visit = make_visit(Status.WORKING, engineer)
    for door, status in (("page", 302), ("api", 200)):
        part = actions.add_part(visit, name="x", at=LATER, by=engineer.as_actor())
        response = doors[door](engineer, visit, "remove_part", {"part": str(part.uid)})
        assert response.status_code == status
    assert not visit.parts.exists()


@pytest.mark.parametrize("field", ["findings", "work_done", "tested_by", "test_result", "result"])
def test_what_the_record_lacks_is_named_at_the_finish(field, engineer):
    visit = make_visit(Status.WORKING, engineer)
    record(visit, **{**RECORD, field: ""})

    with pytest.raises(Refused) as refused:
        finish(visit)

    assert refused.value.field == field


def test_the_finish_starts_the_hand_in_and_says_what_was_not_ticked(engineer):
    visit = make_visit(Status.WORKING, engineer)
    record(visit, **RECORD)

    finish(visit, ticked=[item for item in CLOSING_ITEMS if item != "clean"])

    assert journal_of(visit).last("visit.finished").data["unticked"] == ["clean"]
    assert Deadline.objects.of(visit).get(kind="visit.hand_in").due_at == FINISHED + timedelta(
        hours=24
    )


def test_an_unsolved_visit_keeps_its_next_step_under_a_clock(engineer):
    at = FINISHED + timedelta(days=1)
    unsolved = {"result": "not_solved", "next_step": "换终端", "next_step_at": at}

    visit = make_visit(Status.FINISHED, engineer, record=unsolved)

    assert Deadline.objects.of(visit).get(kind="visit.next_step").due_at == at
    visit.ticket.refresh_from_db()
    assert visit.ticket.status == "in_progress"


def test_a_corrected_record_must_be_shown_and_signed_anew(engineer):
    visit, by = make_visit(Status.FINISHED, engineer), engineer.as_actor()
    shown = actions.present_form(visit, at=FINISHED, by=by)

    actions.revise(visit, reason="漏填", at=FINISHED, by=by)

    shown.refresh_from_db()
    assert (visit.status, visit.finished_at) == (Status.WORKING, None)
    assert shown.status == Document.Status.VOID
    assert not Deadline.objects.of(visit).open().filter(kind="visit.hand_in").exists()


def test_who_is_on_site_elsewhere_cannot_reopen_a_record(engineer):
    done = make_visit(Status.FINISHED, engineer)
    make_visit(Status.WORKING, engineer, shift=timedelta(hours=3))
    with pytest.raises(Refused):
        actions.revise(done, reason="x", at=FINISHED, by=engineer.as_actor())
