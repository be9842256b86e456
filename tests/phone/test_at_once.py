"""The same, or what hangs together, from two connections at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from servicedesk.core.models import PhoneCommand
from tests.phone.conftest import count, stored
from tests.visits.factories import ARRIVED, STARTED, make_visit
from visits.states import Status

pytestmark = pytest.mark.django_db(transaction=True)


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Run them at once, each in a thread with a connection of its own."""
    start, answers = threading.Barrier(len(calls)), [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        start.wait(10)
        try:
            answers[place] = call()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[i, call]) for i, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def test_the_same_command_at_once_has_one_effect(phone, engineer):
    visit = make_visit(Status.WORKING, engineer)
    command = phone.tap(visit, "add_part", {"name": "网线", "quantity": "1"}, at=STARTED)

    answers = together(*[lambda: phone.send(command)] * 4)

    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.content for answer in answers}) == 1
    assert (visit.parts.count(), count(visit, "visit.part_added")) == (1, 1)
    assert stored(command).attempts == 1


def test_one_that_waits_does_not_miss_the_one_it_waits_for(phone, engineer):
    """Each looks for the other; without one at a time neither would see it."""
    for _round in range(5):
        visit = make_visit(Status.EN_ROUTE, engineer)
        arrive = phone.tap(visit, "arrive", at=ARRIVED)
        start = phone.tap(visit, "start_work", {"ticked": []}, at=STARTED)

        together(lambda a=arrive: phone.send(a), lambda s=start: phone.send(s))

        assert [stored(c).state for c in (arrive, start)] == ["done", "done"]
        phone.does(visit, "interrupt", {"reason": "停电"}, at=STARTED)
        PhoneCommand.objects.get(verb="interrupt", number=visit.number)
        phone.does(
            visit, "rearrange",
            {"window_from": f"2027-01-{10 + _round}T10:00", "length": "60", "agreed_with": "李店长",
             "asked_by": "customer", "reason": "停电", "travel_minutes": "30"},
            at=STARTED,
        )  # fmt: skip


def test_the_last_piece_at_once_is_taken_once(phone):
    content = b"photo " * 500
    uid = phone.upload(content[:0] + content, piece=10_000)
    other = b"other " * 500
    begun = phone.post(
        "/phone/uploads/",
        {"name": "b.txt", "size": len(other), "sha256": "0" * 64, "content_type": ""},
    ).json()["uid"]
    answers = together(*[lambda: phone.patch(begun, 0, other[:1000])] * 3)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert phone.get(f"/phone/uploads/{uid}/").json()["complete"]
