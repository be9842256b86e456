"""Start, meet, cancel, move, pause, resume and reassign."""

from __future__ import annotations

from datetime import timedelta

import pytest

from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from servicedesk.core.models import OutboxMessage
from sla import deadlines
from sla.models import Deadline, DeadlineMove, Escalation
from sla.policies import Scope
from sla.states import Status
from sla.sweeping import sweep
from tests.conftest import AT
from tests.journal import journal
from tests.sla.kinds import REPAIR, REPLY

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def after(hours: float):
    return AT + hours * HOUR


def steps_fired() -> list[str]:
    return list(Escalation.objects.order_by("id").values_list("step", flat=True))


def mailed() -> list[str]:
    return list(OutboxMessage.objects.order_by("id").values_list("recipient", flat=True))


def test_start_arms_the_first_step(start, subject, engineer):
    deadline = start()

    deadline.refresh_from_db()
    assert (deadline.status, deadline.owner) == (Status.RUNNING, engineer)
    assert deadline.due_at == deadline.original_due_at == after(24)
    assert (deadline.next_step, deadline.next_step_at) == (0, after(12))
    assert journal(subject)[-1] == ("deadline.started", AT, "System")


def test_a_second_start_moves_the_deadline_instead_of_making_another(start, subject):
    first = start()

    second = start(at=after(1), due_at=after(30))

    assert second.pk == first.pk
    assert Deadline.objects.get().due_at == after(30)
    assert Deadline.objects.get().original_due_at == after(24)
    assert DeadlineMove.objects.get().cause == DeadlineMove.Cause.CHANGE


def test_a_second_start_with_the_same_time_changes_nothing(start):
    start()

    start(at=after(1), due_at=after(24))

    assert Deadline.objects.get().generation == 1
    assert not DeadlineMove.objects.exists()


def test_becoming_urgent_changes_to_the_urgent_ladder(start):
    start()
    assert sweep(after(12)) == 1

    start(at=after(13), due_at=after(24), scope=Scope(urgent=True))
    sweep(after(13))

    assert steps_fired() == ["half", "alert"]


def test_start_and_end_in_the_wrong_order_are_refused(start):
    with pytest.raises(Refused) as refused:
        start(due_at=AT - HOUR)
    assert refused.value.field == "due_at"


def test_an_undefined_kind_is_a_fault_of_the_program(start):
    with pytest.raises(ValueError, match="define"):
        start(kind="test.unknown")


def test_met_in_time_never_fires(start, subject):
    start()

    met = deadlines.meet(REPAIR.name, subject, at=after(11), by=SYSTEM)

    assert met is not None
    assert (met.status, met.met_at, met.missed_at, met.late) == ("met", after(11), None, False)
    assert sweep(after(100)) == 0
    assert steps_fired() == []


def test_meet_without_an_open_deadline_answers_none(start, subject):
    assert deadlines.meet(REPAIR.name, subject, at=AT, by=SYSTEM) is None
    start()
    deadlines.meet(REPAIR.name, subject, at=AT, by=SYSTEM)
    assert deadlines.meet(REPAIR.name, subject, at=AT, by=SYSTEM) is None


def test_met_too_late_is_a_miss_even_before_the_sweep_saw_it(start, subject):
    start()

    met = deadlines.meet(REPAIR.name, subject, at=after(24) + timedelta(seconds=1), by=SYSTEM)

    assert met is not None
    assert (met.late, met.missed_at) == (True, after(24))


def test_met_at_the_due_time_is_in_time(start, subject):
    start()

    met = deadlines.meet(REPAIR.name, subject, at=after(24), by=SYSTEM)

    assert met is not None
    assert (met.late, met.missed_at) == (False, None)


def test_the_miss_stays_when_it_is_met_later(start, subject):
    start()
    sweep(after(24))

    deadlines.meet(REPAIR.name, subject, at=after(26), by=SYSTEM)

    deadline = Deadline.objects.get()
    assert (deadline.status, deadline.missed_at) == (Status.MET, after(24))


def test_cancel_ends_all_or_the_named_ones(start, subject):
    start()
    start(kind=REPLY.name, due_at=after(2))

    deadlines.cancel(subject, REPLY.name, at=after(1), by=SYSTEM)
    assert Deadline.objects.open().get().kind == REPAIR.name

    deadlines.cancel(subject, at=after(1), by=SYSTEM)
    assert not Deadline.objects.open().exists()
    assert sweep(after(100)) == 0


def test_an_extension_moves_the_due_time_and_keeps_the_first_one(start, subject):
    start()

    deadlines.move(
        REPAIR.name, subject, due_at=after(72), cause="extension", reason="等配件", at=after(20),
        by=SYSTEM,
    )  # fmt: skip

    deadline = Deadline.objects.get()
    assert (deadline.due_at, deadline.original_due_at) == (after(72), after(24))
    assert (deadline.generation, deadline.missed_at) == (2, None)
    move = DeadlineMove.objects.get()
    assert (move.old_due_at, move.new_due_at, move.reason) == (after(24), after(72), "等配件")


def test_a_move_arms_the_steps_again_that_lie_ahead_again(start, subject):
    start()
    sweep(after(12))
    sweep(after(20))
    assert steps_fired() == ["half", "most"]

    deadlines.move(
        REPAIR.name, subject, due_at=after(72), cause="extension", reason="", at=after(20),
        by=SYSTEM,
    )  # fmt: skip

    assert sweep(after(35)) == 0
    sweep(after(36))
    assert steps_fired() == ["half", "most", "half"]
    assert list(Escalation.objects.order_by("id").values_list("generation", flat=True)) == [1, 1, 2]


def test_a_move_into_the_past_fires_the_miss_at_once(start, subject):
    start()

    deadlines.move(
        REPAIR.name, subject, due_at=after(2), cause="change", reason="", at=after(5), by=SYSTEM
    )
    sweep(after(5))

    assert Deadline.objects.get().missed_at == after(2)
    assert "missed" in steps_fired()


def test_an_extension_after_the_due_time_does_not_undo_the_miss(start, subject):
    start()

    deadlines.move(
        REPAIR.name, subject, due_at=after(72), cause="extension", reason="", at=after(25),
        by=SYSTEM,
    )  # fmt: skip

    assert Deadline.objects.get().missed_at == after(24)


def test_moving_what_is_over_is_refused(start, subject):
    with pytest.raises(Refused):
        deadlines.move(
            REPAIR.name, subject, due_at=after(2), cause="change", reason="", at=AT, by=SYSTEM
        )


def test_nothing_fires_in_a_pause_and_the_time_that_remained_is_kept(start, subject):
    start()

    deadlines.pause(
        subject, reason="等客户", until=after(10) + timedelta(days=90), at=after(10), by=SYSTEM
    )
    assert sweep(after(1000)) == 0
    deadlines.resume(subject, at=after(40), by=SYSTEM)

    deadline = Deadline.objects.get()
    assert deadline.due_at == after(54)
    assert deadline.next_step_at == after(42)
    assert sweep(after(42) - timedelta(seconds=1)) == 0
    assert sweep(after(42)) == 1
    move = DeadlineMove.objects.get()
    assert (move.cause, move.reason) == ("pause", "等客户")
    assert move.new_due_at - move.old_due_at == 30 * HOUR
    assert move.hold == (after(10), after(40))


def test_pausing_twice_or_resuming_what_runs_changes_nothing(start, subject):
    start()
    deadlines.resume(subject, at=after(1), by=SYSTEM)
    deadlines.pause(
        subject, reason="a", until=after(2) + timedelta(days=90), at=after(2), by=SYSTEM
    )
    deadlines.pause(
        subject, reason="b", until=after(3) + timedelta(days=90), at=after(3), by=SYSTEM
    )

    deadline = Deadline.objects.get()
    assert (deadline.due_at, deadline.paused_at) == (after(24), after(2))
    assert deadline.pause_reason == "a"


def test_a_pause_after_the_due_time_mends_nothing(start, subject):
    start()

    deadlines.pause(
        subject, reason="等客户", until=after(25) + timedelta(days=90), at=after(25), by=SYSTEM
    )
    deadlines.resume(subject, at=after(30), by=SYSTEM)

    deadline = Deadline.objects.get()
    assert (deadline.due_at, deadline.missed_at) == (after(24), after(24))
    sweep(after(30))
    assert "missed" in steps_fired()


def test_what_is_met_in_a_pause_is_in_time(start, subject):
    start()
    deadlines.pause(
        subject, reason="等客户", until=after(23) + timedelta(days=90), at=after(23), by=SYSTEM
    )

    met = deadlines.meet(REPAIR.name, subject, at=after(30), by=SYSTEM)

    assert met is not None
    assert (met.late, met.missed_at, met.due_at) == (False, None, after(31))


def test_a_move_in_a_pause_keeps_the_pause(start, subject):
    start()
    deadlines.pause(
        subject, reason="等客户", until=after(10) + timedelta(days=90), at=after(10), by=SYSTEM
    )
    deadlines.move(
        REPAIR.name, subject, due_at=after(48), cause="extension", reason="", at=after(15),
        by=SYSTEM,
    )  # fmt: skip
    deadlines.resume(subject, at=after(20), by=SYSTEM)

    deadline = Deadline.objects.get()
    assert deadline.due_at == after(58)
    assert deadline.next_step_at == after(34)


def test_from_a_reassignment_on_only_the_new_owner_hears(start, subject, engineer, other_engineer):
    start()
    deadlines.reassign(subject, other_engineer, by=SYSTEM)

    sweep(after(12))

    assert mailed() == [other_engineer.email]
    assert Escalation.objects.get().told == [other_engineer.pk]
