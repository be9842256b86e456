"""A visit's commands in any order: the machine that plays them, short here, long as a benchmark.

What holds whatever happens:
* nothing that was acknowledged is lost: its row is there, with the content that was sent;
* no double effect: the journal has each event of a command at most once;
* no impossible state: the database's constraints held, and the status can be reached by the acts done;
* when all has arrived, the state is the one of the same commands in their order.
"""

from __future__ import annotations

import copy
from datetime import timedelta
from itertools import pairwise
from typing import Any

from django.db import transaction
from django.test import Client
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from servicedesk.core import phone as door
from servicedesk.core.models import Entry, PhoneCommand
from tests.phone.conftest import Phone, events, whole_visit
from tests.visits.factories import FINISHED, LEAVE, make_visit
from visits.models import VisitOrder
from visits.states import VISIT, Status


def picture_of(visit: VisitOrder) -> dict[str, Any]:
    """All that the commands could have done to the visit."""
    visit = VisitOrder.objects.get(pk=visit.pk)
    moments = (
        "window_from", "window_until", "departed_at", "arrived_at", "waiting_since", "started_at",
        "finished_at", "handed_in_at", "signature_refused", "address", "contact_phone",
    )  # fmt: skip
    return {
        "status": visit.status,
        "version": visit.version,
        **{name: getattr(visit, name) for name in moments},
        "parts": sorted(visit.parts.values_list("name", "quantity")),
        "attempts": sorted(visit.attempts.values_list("at", "outcome")),
        "interruptions": sorted(visit.interruptions.values_list("started_at", "ended_at")),
        "checklist": sorted(visit.checklist.values_list("list", "item", "ticked")),
        "events": [event for event in events(visit) if event[0] != "phone.refused"],
    }


class Orders(RuleBasedStateMachine):
    """One engineer, one phone, one visit; the network does what it likes.

    engineer, visit and client are the same in all runs, each of which is rolled back. expected:
    the picture after the commands in their order.
    """

    engineer: Any
    visit: VisitOrder
    client: Client
    expected: dict[str, Any]

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.phone = Phone(self.engineer, client=self.client)
        self.unsent: list[dict[str, Any]] = []
        self.sent: dict[str, dict[str, Any]] = {}
        self.mistakes = 0

    def teardown(self) -> None:
        try:
            self.let_all_arrive()
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    @initialize(skew=st.sampled_from([0, -7, 45]), mistakes=st.sets(st.integers(1, 14), max_size=3))
    def tap_all(self, skew: int, mistakes: set[int]) -> None:
        """Without a network he taps a whole visit; some taps are mistakes that will be refused."""
        self.phone.offset = timedelta(minutes=skew)
        self.unsent = whole_visit(self.phone, self.visit)
        for place in sorted(mistakes, reverse=True):
            self.slip_in(place)

    def slip_in(self, place: int) -> None:
        """An act that is never possible: nobody accepts twice."""
        wrong = self.phone.tap(
            self.visit, "accept", {"first_judgement": "误触"}, at=LEAVE, chained=False
        )
        following = self.unsent[place]
        wrong["after"], following["after"] = following["after"], wrong["op_id"]
        wrong["happened_at"] = following["happened_at"]
        self.unsent.insert(place, wrong)
        self.mistakes += 1

    def deliver(self, command: dict[str, Any]) -> None:
        response = self.phone.send(command)
        assert response.status_code == 200, response.content
        answer = response.json()
        assert answer["state"] in {"done", "waiting", "refused", "discarded"}
        if command["op_id"] in self.sent:
            return
        self.sent[command["op_id"]] = copy.deepcopy(command)

    @precondition(lambda self: self.unsent)
    @rule(data=st.data())
    def one_arrives(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.unsent) - 1))
        self.deliver(self.unsent.pop(place))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def one_arrives_again(self, data: st.DataObject) -> None:
        op_id = data.draw(st.sampled_from(sorted(self.sent)))
        before = PhoneCommand.objects.get(op_id=op_id)
        marks = Entry.objects.count()
        self.deliver(self.sent[op_id])
        # One whose content is another is never taken for the first.
        forged = self.sent[op_id] | {"verb": "flag_complaint", "fields": {"text": "冒名"}}
        assert self.phone.send(forged).status_code == 422
        after = PhoneCommand.objects.get(op_id=op_id)
        assert (after.state, after.attempts) == (before.state, before.attempts)
        assert Entry.objects.count() == marks

    @rule()
    def the_worker_looks(self) -> None:
        """It has nothing to do with what waits for less than a day."""
        assert door.try_forsaken() == 0

    @precondition(lambda self: self.refused())
    @rule(data=st.data())
    def a_mistake_is_thrown_away(self, data: st.DataObject) -> None:
        refused = data.draw(st.sampled_from(self.refused()))
        if refused.verb == "accept":
            path = f"/phone/commands/{refused.op_id}/discard/"
            assert self.phone.post(path, {"reason": "误触"}).json()["state"] == "discarded"

    def refused(self) -> list[PhoneCommand]:
        return list(PhoneCommand.objects.filter(state="refused", user_id=self.engineer.pk))

    @invariant()
    def all_holds(self) -> None:
        rows = {str(row.op_id): row for row in PhoneCommand.objects.all()}
        done = sorted(
            (row for row in rows.values() if row.state == "done"),
            key=lambda row: (row.version_before, row.at, row.pk),
        )
        self.nothing_acknowledged_is_lost(rows)
        self.nothing_is_done_twice(done)
        self.no_impossible_state(done)
        self.what_waits_waits_for_something(rows)

    def nothing_acknowledged_is_lost(self, rows: dict[str, PhoneCommand]) -> None:
        assert set(rows) == set(self.sent)
        for op_id, command in self.sent.items():
            assert (rows[op_id].verb, rows[op_id].fields) == (command["verb"], command["fields"])

    def nothing_is_done_twice(self, done: list[PhoneCommand]) -> None:
        for former, row in pairwise(done):
            assert former.version_after <= row.version_before
        told = [name for name, _at in events(self.visit)]
        for verb, event in EVENT_OF.items():
            assert told.count(event) == sum(row.verb == verb for row in done)

    def no_impossible_state(self, done: list[PhoneCommand]) -> None:
        """The status is the one to which the acts done lead, one after the other."""
        status = str(Status.ACCEPTED)
        for row in done:
            step = VISIT[row.verb]
            assert status in step.sources, (row.verb, status)
            status = step.target or status
        assert VisitOrder.objects.get(pk=self.visit.pk).status == status

    def what_waits_waits_for_something(self, rows: dict[str, PhoneCommand]) -> None:
        for row in rows.values():
            former = rows.get(str(row.after))
            if row.state == "waiting":
                assert former is None or former.state == "waiting"

    def let_all_arrive(self) -> None:
        while self.unsent:
            self.deliver(self.unsent.pop())
        assert not PhoneCommand.objects.filter(state="waiting").exists()
        refused = PhoneCommand.objects.filter(state__in=["refused", "discarded"])
        assert {row.verb for row in refused} <= {"accept"}
        assert refused.count() == self.mistakes
        seen = picture_of(self.visit)
        seen["events"] = [event for event in seen["events"] if event[0] != "phone.discarded"]
        assert seen == self.expected


# What each act tells the journal; each tap of these is one event.
EVENT_OF = {
    "appoint": "visit.appointed", "arrive": "visit.arrived", "add_part": "visit.part_added",
    "interrupt": "visit.interrupted", "resume": "visit.resumed", "finish": "visit.finished",
    "hand_in": "visit.handed_in", "log_attempt": "visit.contact_attempted",
    "record_work": "visit.recorded",
}  # fmt: skip


def prepared(engineer: Any) -> type[Orders]:
    """The machine for this engineer, with the picture of the same commands in their order."""
    visit, phone = make_visit(Status.ACCEPTED, engineer), Phone(engineer)
    with transaction.atomic():
        for command in whole_visit(phone, visit):
            answer = phone.send(command).json()
            assert answer["state"] == "done", answer
        expected = picture_of(visit)
        transaction.set_rollback(True)
    assert expected["status"] == Status.HANDED_IN
    assert expected["finished_at"] == FINISHED
    facts = {"engineer": engineer, "visit": visit, "client": phone.client, "expected": expected}
    return type("PreparedOrders", (Orders,), facts)
