"""What a sweep does with the steps that are due."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command

from accounts.actions import create_team
from accounts.models import Notification
from servicedesk.core import events
from servicedesk.core.actions import replaying
from servicedesk.core.actors import SYSTEM
from servicedesk.core.models import Entry, Heartbeat, OutboxMessage
from sla import sweeping, tasks
from sla.events import DeadlineStepFired
from sla.models import Deadline, Escalation
from sla.queries import engine_silent
from sla.sweeping import sweep
from tests.conftest import AT
from tests.journal import journal

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def after(hours: float):
    return AT + hours * HOUR


def told() -> dict[str, list[int]]:
    return {e.step: e.told for e in Escalation.objects.order_by("id")}


@pytest.fixture
def many(start, db):
    """So many teams, each with a deadline of 24 hours."""

    def run(count: int) -> None:
        for number in range(count):
            start(create_team(name=f"{number}", at=AT, by=SYSTEM))

    return run


@pytest.fixture
def listening():
    """Handlers of this test only."""
    registered = events._handlers.setdefault(DeadlineStepFired, [])
    before = list(registered)
    yield registered
    registered[:] = before


def test_a_warning_tells_the_owner_in_the_application_and_by_mail(start, subject, engineer):
    start()

    assert sweep(after(12)) == 1

    notification = Notification.objects.get()
    assert (notification.user, notification.url) == (engineer, "/tickets/1/")
    assert "TK-20260302-0001" in notification.text
    mail = OutboxMessage.objects.get()
    assert mail.recipient == engineer.email
    assert "/tickets/1/" in mail.body
    assert journal(subject)[-1] == ("deadline.escalated", after(12), "System")


def test_before_its_moment_no_step_fires_and_at_its_moment_it_does_once(start):
    start()

    assert sweep(after(12) - timedelta(microseconds=1)) == 0
    assert sweep(after(12)) == 1
    assert sweep(after(12)) == 0
    assert Escalation.objects.count() == 1


def test_the_whole_ladder_goes_up_step_by_step(start, engineer, dispatcher, manager):
    start()

    for hours in (12, 20, 24, 25, 100):
        sweep(after(hours))

    assert told() == {
        "half": [engineer.pk],
        "most": [engineer.pk, dispatcher.pk],
        "missed": [engineer.pk, dispatcher.pk],
        "manager": [manager.pk],
    }
    deadline = Deadline.objects.get()
    assert (deadline.missed_at, deadline.next_step_at) == (after(24), None)


def test_after_an_hour_of_silence_all_fire_once_and_old_warnings_are_silent(
    start, engineer, dispatcher, manager
):
    start()

    assert sweep(after(30)) == 1

    assert told() == {
        "half": [], "most": [], "missed": [engineer.pk, dispatcher.pk], "manager": [manager.pk]
    }  # fmt: skip
    assert list(
        Escalation.objects.filter(superseded=True).order_by("id").values_list("step", flat=True)
    ) == ["half", "most"]
    assert OutboxMessage.objects.count() == Notification.objects.count() == 3
    assert Entry.objects.filter(type="deadline.escalated").count() == 4
    assert {e.fired_at for e in Escalation.objects.all()} == {after(30)}
    assert Escalation.objects.get(step="missed").due_at == after(24)


def test_a_person_hears_only_the_last_of_several_steps(start, manager, dispatcher):
    start(owner=manager)

    sweep(after(30))

    assert told() == {"half": [], "most": [], "missed": [dispatcher.pk], "manager": [manager.pk]}


def test_the_team_leader_is_the_supervisor(start, engineer, other_engineer, dispatcher):
    team = create_team(name="一组", at=AT, by=SYSTEM)
    type(team).objects.filter(pk=team.pk).update(leader=other_engineer)
    type(engineer).objects.get_queryset().filter(pk=engineer.pk).update(team=team)
    start()

    sweep(after(24))

    assert told()["missed"] == [engineer.pk, other_engineer.pk]


def test_without_an_owner_the_dispatchers_hear(start, dispatcher):
    start(owner=None)

    sweep(after(12))

    assert told() == {"half": [dispatcher.pk]}


def test_the_message_is_in_the_language_of_its_reader(start, engineer):
    type(engineer).objects.get_queryset().filter(pk=engineer.pk).update(language="en")
    start()

    sweep(after(12))

    assert OutboxMessage.objects.get().body.startswith("Hello 张伟")


def test_a_percent_sign_in_a_title_harms_nobody(start, subject):
    deadline = start()
    Deadline.objects.filter(pk=deadline.pk).update(label="100%(x)s 满载 %d")

    assert sweep(after(12)) == 1

    assert "100%(x)s 满载 %d" in Notification.objects.get().text


def test_a_batch_takes_the_earliest_first_and_no_more_than_its_limit(start, many):
    many(5)
    early = start(create_team(name="早", at=AT, by=SYSTEM), due_at=after(2))

    assert sweep(after(12), limit=1) == 1
    assert set(Escalation.objects.values_list("deadline", flat=True)) == {early.pk}

    assert [sweep(after(12), limit=2) for _each in range(4)] == [2, 2, 1, 0]
    assert Escalation.objects.filter(step="half").count() == 6


@pytest.mark.parametrize("count", [2, 40])
def test_the_number_of_queries_does_not_depend_on_the_number_of_deadlines(
    count, many, django_assert_num_queries
):
    many(count)
    with django_assert_num_queries(10):
        assert sweep(after(12)) == count


def test_an_empty_sweep_is_one_query(start, django_assert_num_queries):
    start()
    with django_assert_num_queries(3):  # with the savepoint of the test's own transaction
        assert sweep(after(1)) == 0


def test_what_is_due_now_the_clock_of_the_database_says(start, subject):
    start()  # in March, long ago

    assert sweep() == 1


def test_in_demo_data_the_journal_does_not_call_a_step_late(start, subject):
    with replaying():
        start()
        sweep(after(12))

    assert Entry.objects.get(type="deadline.escalated").recorded_at == after(12)


def test_listeners_hear_of_each_step(start, listening):
    heard = []
    listening.append(lambda event: heard.append((event.step, event.missed)))
    start()

    sweep(after(30))

    assert heard == [("half", False), ("most", False), ("missed", True), ("manager", True)]


def test_one_deadline_that_cannot_fire_does_not_hold_up_the_others(many, listening, caplog):
    many(5)
    sick = Deadline.objects.order_by("id")[0]

    def fail(event: DeadlineStepFired) -> None:
        if event.deadline_uid == str(sick.uid):
            raise ValueError("cannot")

    listening.append(fail)

    sweep(after(12))

    assert Escalation.objects.count() == 4
    sick.refresh_from_db()
    assert (sick.next_step, sick.next_step_at) == (0, after(12) + sweeping.POSTPONED)
    assert str(sick.uid) in caplog.text

    listening.remove(fail)
    sweep(after(13))
    assert Escalation.objects.get(deadline=sick).due_at == after(12)


def test_a_kind_that_this_worker_does_not_know_is_left_to_others(start):
    deadline = start()
    Deadline.objects.filter(pk=deadline.pk).update(kind="test.newer")

    assert sweep(after(30)) == 0
    assert Deadline.objects.get().next_step == 0


def test_a_ladder_that_was_changed_is_climbed_from_where_it_is(start):
    """A new release may place a step later than the row says: it waits for its moment."""
    deadline = start()
    Deadline.objects.filter(pk=deadline.pk).update(next_step_at=after(1))

    sweep(after(1))

    assert not Escalation.objects.exists()
    assert Deadline.objects.get().next_step_at == after(12)


def test_the_tick_beats_and_sweeps_until_nothing_is_due(many, monkeypatch):
    monkeypatch.setattr(sweeping, "BATCH", 2)
    many(5)

    tasks.tick()

    assert Escalation.objects.values("deadline").distinct().count() == 5
    assert Heartbeat.objects.count() == 1


def test_silence_is_an_alarm_and_a_beat_ends_it(db):
    assert engine_silent()
    sweeping.beat()
    assert not engine_silent()
    Heartbeat.objects.update(beat_at=AT)
    assert engine_silent()


def test_a_step_that_waits_too_long_is_an_alarm_though_workers_beat(start):
    sweeping.beat()
    start()
    assert engine_silent()
    sweep()
    assert not engine_silent()


def test_processes_that_died_are_forgotten(db):
    sweeping.beat()
    Heartbeat.objects.create(process="old:1", beat_at=AT)

    tasks.forget_dead_processes()

    assert [h.process == "old:1" for h in Heartbeat.objects.all()] == [False]


def test_the_journal_of_a_sweep_is_intact(start, db):
    start()
    sweep(after(30))
    call_command("verify_journal")
