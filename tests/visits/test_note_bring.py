"""What the desk knows to be needed at the customer's (VISIT-10)."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from servicedesk.core.errors import WrongState
from tests.journal import journal
from tests.visits.factories import AFTER, make_visit, order
from visits import actions
from visits.models import VisitOrder
from visits.states import Status

pytestmark = pytest.mark.django_db
THINGS = "扫码枪一把\n六类网线 5 米"


def test_an_order_says_what_to_bring():
    assert order(bring=f" {THINGS} ").bring == THINGS


def test_the_desk_notes_it_until_the_engineer_is_there(engineer, dispatcher):
    visit = make_visit(Status.APPOINTED, engineer)

    actions.note_bring(visit, bring=THINGS, at=AFTER, by=dispatcher.as_actor())

    assert VisitOrder.objects.get().bring == THINGS
    assert journal(visit)[-1] == ("visit.bring_noted", AFTER, "赵敏")


def test_saying_the_same_again_is_no_event(engineer, dispatcher):
    visit = make_visit(Status.APPOINTED, engineer)

    actions.note_bring(visit, bring="", at=AFTER, by=dispatcher.as_actor())

    assert journal(visit)[-1][0] != "visit.bring_noted"


def test_not_once_he_is_on_site(engineer, dispatcher):
    visit = make_visit(Status.ARRIVED, engineer)

    with pytest.raises(WrongState):
        actions.note_bring(visit, bring=THINGS, at=AFTER, by=dispatcher.as_actor())


def test_it_is_the_desks_to_say(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)

    with pytest.raises(PermissionDenied):
        actions.note_bring(visit, bring=THINGS, at=AFTER, by=engineer.as_actor())


def test_the_engineer_sees_it_in_his_day_and_on_the_departure_checklist(
    engineer, dispatcher, logged_in
):
    visit = make_visit(Status.APPOINTED, engineer)
    actions.note_bring(visit, bring=THINGS, at=AFTER, by=dispatcher.as_actor())
    client = logged_in(engineer)

    for url in (reverse("visits:today"), reverse("visits:act", args=[visit.number, "prepare"])):
        assert "扫码枪一把" in client.get(url).content.decode()
    pack = client.get("/phone/pack/").json()["visits"][0]
    assert "扫码枪一把" in pack["hero"]
    assert "扫码枪一把" in pack["forms"]["prepare"]["intro"]
