"""wait_for_customer, meet, leave_note (VISIT-7, 16)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from servicedesk.core.errors import Refused
from servicedesk.core.models import Document
from sla.models import Deadline
from tests.visits.factories import ARRIVED, make_visit, sign_as_engineer
from visits import actions
from visits.models import MissedNote
from visits.pdf import missed_note_data
from visits.states import Status

pytestmark = pytest.mark.django_db


def leave(visit, *, after, **more):
    return actions.leave_note(
        visit, **{"left_with": "前台"} | more, at=ARRIVED + after, by=visit.engineer.as_actor()
    )


@pytest.mark.parametrize(
    ("waited", "left"),
    [
        (timedelta(0), 15),
        (timedelta(minutes=1), 14),
        (timedelta(minutes=14), 1),
        (timedelta(minutes=14, seconds=59), 1),
    ],
)
def test_before_a_quarter_of_an_hour_it_is_refused_with_the_minutes_left(waited, left, engineer):
    visit = make_visit(Status.WAITING, engineer)

    with pytest.raises(Refused) as refused:
        leave(visit, after=waited)

    assert str(refused.value.message) == f"请再等 {left} 分钟才能留条。"
    visit.refresh_from_db()
    assert visit.status == Status.WAITING
    assert not MissedNote.objects.exists()


def test_after_exactly_fifteen_minutes_the_note_is_left_and_its_form_frozen(engineer):
    visit = make_visit(Status.WAITING, engineer)

    note = leave(visit, after=timedelta(minutes=15))

    assert visit.status == Status.MISSED
    assert note.number == "MN-20260302-0001"
    document = Document.objects.get(number=note.number)
    assert document.data == missed_note_data(note)
    assert (document.data["left_with"], document.data["store"]) == ("前台", visit.store.name)
    assert "400-800-1234" in document.data["phone"]
    clock = Deadline.objects.of(visit).get(kind="visit.follow_up_missed")
    assert clock.due_at == ARRIVED + timedelta(hours=4, minutes=15)


def test_the_engineer_signs_the_note_and_it_is_complete(engineer):
    visit = make_visit(Status.MISSED, engineer)
    document = Document.objects.get(kind="missed_note")

    sign_as_engineer(document, engineer, at=visit.arrived_at + timedelta(minutes=20))

    document.refresh_from_db()
    assert document.status == Document.Status.COMPLETE


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"left_with": ""}, "left_with"),
        ({"proposed_from": ARRIVED + timedelta(days=1)}, "proposed_until"),
        ({"proposed_from": ARRIVED, "proposed_until": ARRIVED + timedelta(days=1)},
         "proposed_from"),
        ({"proposed_from": ARRIVED + timedelta(days=1),
          "proposed_until": ARRIVED + timedelta(days=1)}, "proposed_until"),
    ],
)  # fmt: skip
def test_a_note_that_makes_no_sense_is_refused(given, field, engineer):
    visit = make_visit(Status.WAITING, engineer)
    with pytest.raises(Refused) as refused:
        leave(visit, after=timedelta(minutes=16), **given)
    assert refused.value.field == field


def test_waiting_again_starts_the_quarter_of_an_hour_anew(engineer):
    visit, by = make_visit(Status.WAITING, engineer), engineer.as_actor()
    actions.meet(visit, at=ARRIVED + timedelta(minutes=10), by=by)
    assert (visit.status, visit.waiting_since) == (Status.ARRIVED, None)
    actions.wait_for_customer(visit, at=ARRIVED + timedelta(minutes=12), by=by)

    with pytest.raises(Refused):
        leave(visit, after=timedelta(minutes=20))


@pytest.mark.parametrize("verb", ["wait_for_customer", "meet"])
def test_nothing_happens_before_what_came_before_it(verb, engineer):
    start = {"wait_for_customer": Status.ARRIVED, "meet": Status.WAITING}[verb]
    visit = make_visit(start, engineer)
    with pytest.raises(Refused) as refused:
        getattr(actions, verb)(visit, at=ARRIVED - timedelta(minutes=1), by=engineer.as_actor())
    assert refused.value.field == "at"
