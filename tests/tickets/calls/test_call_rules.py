"""Every check on calls, messages and promises, with all its answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from servicedesk.core.rules import RULES, journal_of
from sla import deadlines
from tests.conftest import AT
from tickets.actions import messages, promises

DUE = AT + timedelta(hours=2)
OTHERS = ["message", "promise", "referral", "wrong_number"]


def ask(rule, obj):
    return RULES[rule, obj._meta.label_lower].check(obj, journal_of(obj))


CASES = [
    ("CALL-1", "ticket", {"ring_count": 3}, "kept"),
    ("CALL-1", "ticket", {"ring_count": 4}, "broken"),
    ("CALL-1", "wrong_number", {}, "not_provable"),
    ("CALL-2", "ticket", {"greeted": True}, "kept"),
    ("CALL-2", "ticket", {}, "not_provable"),
    ("CALL-3", "wrong_number", {}, "kept"),
    ("CALL-3", "ticket", {}, "not_applicable"),
    ("CALL-5", "referral", {}, "kept"),
    ("CALL-5", "ticket", {}, "not_applicable"),
    ("CALL-8", "solved", {}, "kept"),
    ("CALL-8", "ticket", {"salutation": ""}, "broken"),
    ("CALL-8", "ticket", {"caller_number": ""}, "broken"),
    ("CALL-8", "existing", {}, "kept"),
    ("CALL-8", "existing", {"salutation": ""}, "broken"),
    ("CALL-8", "message", {}, "not_applicable"),
    ("CALL-9", "ticket", {}, "kept"),
    ("CALL-9", "message", {}, "not_applicable"),
    ("CALL-10", "solved", {}, "kept"),
    ("CALL-10", "visit", {"phone_solution_offered": True}, "kept"),
    ("CALL-10", "visit", {}, "broken"),
    ("CALL-10", "promise", {}, "not_applicable"),
    ("CALL-11", "ticket", {}, "kept"),
    ("CALL-11", "visit", {}, "kept"),
    ("CALL-11", "existing", {}, "kept"),
    ("CALL-11", "solved", {}, "not_applicable"),
    *[
        ("GEN-1", outcome, {}, "kept")
        for outcome in ["solved", "ticket", "visit", "existing", *OTHERS]
    ],
]


@pytest.mark.parametrize(("rule", "outcome", "more", "answer"), CASES)
def test_what_a_call_answers(rule, outcome, more, answer, call_of):
    call = call_of(outcome, **more)
    finding = ask(rule, call)

    assert finding.answer == answer
    if answer == "kept":
        assert [entry.type for entry in finding.evidence] == ["call.ended"]


def test_call_9_a_product_beside_the_registered_ones_is_not_provable(call_of, shop):
    call = call_of("ticket", installation=None, product=shop.product)

    assert ask("CALL-9", call).answer == "not_provable"


# The actions refuse what follows; calls that are taken over from elsewhere may lack it.
@pytest.mark.parametrize(
    ("rule", "outcome", "lack"),
    [
        ("CALL-9", "ticket", {"installation": None, "product": None}),
        ("CALL-11", "visit", {"read_back": False}),
        ("GEN-1", "ticket", {"ticket": None}),
        ("GEN-1", "referral", {"referral": None}),
        ("GEN-1", "wrong_number", {"outcome": "message"}),
        ("GEN-1", "wrong_number", {"outcome": "promise"}),
    ],
)
def test_what_is_lacking_breaks_the_rule(rule, outcome, lack, call_of):
    call = call_of(outcome)
    for name, value in lack.items():
        setattr(call, name, value)

    assert ask(rule, call).answer == "broken"


def test_call_4_answered_in_time_late_or_not_yet(message, engineer, helpdesk, shop):
    assert ask("CALL-4", message).answer == "not_provable"
    messages.finish(message, outcome="已回电", at=DUE, by=engineer.as_actor())
    finding = ask("CALL-4", message)
    assert finding.answer == "kept"
    assert [e.type for e in finding.evidence] == ["message.taken", "message.finished"]

    late = messages.take_message(
        to_user=engineer, caller_name="王", caller_number="1380013", text="x", call_back_by=DUE,
        at=AT, by=helpdesk.as_actor(),
    )  # fmt: skip
    messages.finish(late, outcome="x", at=DUE + timedelta(minutes=1), by=engineer.as_actor())
    assert ask("CALL-4", late).answer == "broken"


def test_call_6_kept_broken_open_dropped(promise, engineer, helpdesk):
    by = engineer.as_actor()
    assert ask("CALL-6", promise).answer == "not_provable"
    promises.keep(promise, answer="x", at=DUE, by=by)
    assert ask("CALL-6", promise).answer == "kept"

    def another():
        return promises.make_promise(
            owner=engineer, caller_name="王", caller_number="1380013", question="x", due_at=DUE,
            at=AT, by=helpdesk.as_actor(),
        )  # fmt: skip

    late, dropped = another(), another()
    promises.keep(late, answer="x", at=DUE + timedelta(minutes=1), by=by)
    promises.drop(dropped, spoken_to="王", reason="x", at=AT, by=by)
    assert ask("CALL-6", late).answer == "broken"
    assert ask("CALL-6", dropped).answer == "not_applicable"


@pytest.mark.parametrize(
    ("moved_at", "kept_at", "answer"),
    [
        (None, DUE, "not_applicable"),
        (None, DUE + timedelta(minutes=1), "broken"),
        (DUE - timedelta(minutes=5), DUE + timedelta(hours=1), "kept"),
        (DUE + timedelta(minutes=5), DUE + timedelta(hours=1), "broken"),
        (DUE - timedelta(minutes=5), DUE + timedelta(hours=3), "broken"),
    ],
)
def test_call_7_moved_before_after_or_never(moved_at, kept_at, answer, promise, engineer):
    by = engineer.as_actor()
    if moved_at is not None:
        promises.move(
            promise, due_at=DUE + timedelta(hours=2), spoken_to="李", reason="x", at=moved_at,
            by=by,
        )  # fmt: skip
    promises.keep(promise, answer="x", at=kept_at, by=by)

    assert ask("CALL-7", promise).answer == answer


def test_gen_1_an_open_message_or_promise_has_a_deadline(message, promise, engineer):
    by = engineer.as_actor()
    for record in (message, promise):
        assert ask("GEN-1", record).answer == "kept"
        deadlines.cancel(record, at=AT, by=by)
        assert ask("GEN-1", record).answer == "broken"
    messages.finish(message, outcome="x", at=AT, by=by)
    promises.keep(promise, answer="x", at=AT, by=by)
    for record in (message, promise):
        assert ask("GEN-1", record).answer == "kept"
