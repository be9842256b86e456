"""Two sweepers at once, and one that is killed; each with the guard removed as a control."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from accounts.actions import create_team
from servicedesk.core.actors import SYSTEM
from servicedesk.core.models import OutboxMessage
from sla import deadlines, sweeping, telling
from sla.models import Deadline, Escalation
from sla.sweeping import sweep
from tests.conftest import AT
from tests.sla.kinds import REPAIR
from tests.sla.processes import running, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

NOON = AT + timedelta(hours=12)
UNLOCKED = sweeping.CLAIM.replace("FOR NO KEY UPDATE SKIP LOCKED", "")
REPEATABLE = telling.ESCALATE.replace("ON CONFLICT (deadline_id, step, generation) DO NOTHING", "")
ONCE = "CONSTRAINT sla_escalation_once"


def fired() -> tuple[int, int]:
    """Escalations and e-mails."""
    return Escalation.objects.count(), OutboxMessage.objects.count()


@pytest.fixture
def no_constraint(start):
    """The table without its unique constraint; put back at the end."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE sla_escalation DROP {ONCE}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE sla_escalation")
        cursor.execute(
            f"ALTER TABLE sla_escalation ADD {ONCE} UNIQUE (deadline_id, step, generation)"
        )


@pytest.fixture
def two_at_once(monkeypatch):
    """Let two threads sweep so that both have read what is due before either writes."""

    def run() -> int:
        claim, both = sweeping._claim, threading.Barrier(2)
        swept: list[int] = []

        def claim_and_wait(*args):
            rows = claim(*args)
            both.wait(10)
            return rows

        monkeypatch.setattr(sweeping, "_claim", claim_and_wait)

        def work() -> None:
            try:
                swept.append(sweeping._batch(at=NOON, limit=200, by=SYSTEM))
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _each in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(swept) == 2
        return sum(swept)

    return run


def test_two_sweepers_at_once_fire_each_step_once(start, two_at_once):
    start()

    assert two_at_once() == 1

    assert fired() == (1, 1)


def test_without_the_lock_the_unique_escalation_still_holds(start, two_at_once, monkeypatch):
    monkeypatch.setattr(sweeping, "CLAIM", UNLOCKED)
    start()

    assert two_at_once() == 2

    assert fired() == (1, 1)


def test_control_without_both_guards_a_step_fires_twice(
    start, no_constraint, two_at_once, monkeypatch
):
    monkeypatch.setattr(sweeping, "CLAIM", UNLOCKED)
    monkeypatch.setattr(telling, "ESCALATE", REPEATABLE)
    start()

    two_at_once()

    assert fired() == (2, 2)


def test_many_sweepers_share_the_work_and_miss_nothing(start):
    for number in range(60):
        start(create_team(name=f"{number}", at=AT, by=SYSTEM))
    swept: list[int] = []

    def work() -> None:
        try:
            while done := sweep(NOON, limit=5):
                swept.append(done)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sum(swept) == 60
    assert fired() == (60, 60)


def test_what_is_met_while_a_sweep_waits_does_not_fire(start, subject):
    """The action holds the deadline; the sweep passes it by and finds it met afterwards."""
    from django.db import transaction

    start()
    with transaction.atomic():
        deadlines.meet(REPAIR.name, subject, at=NOON, by=SYSTEM)
        found: list[int] = []

        def work() -> None:
            try:
                found.append(sweep(NOON))
            finally:
                connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join(10)
        assert found == [0]

    assert sweep(NOON) == 0
    assert fired() == (0, 0)


@pytest.mark.parametrize(("careless", "left"), [([], 1), (["careless"], 0)])
def test_a_sweeper_killed_in_the_middle_of_a_batch_leaves_all_to_the_next(careless, left, start):
    """Without the transaction (the control) the marked deadline is lost: nobody is ever told."""
    start()

    with running("tests.sla.sweeper", NOON.isoformat(), *careless) as sweeper:
        assert sweeper.stdout is not None
        assert sweeper.stdout.readline() == "in the middle\n"
        if not careless:
            assert sweep(NOON) == 0  # the other one holds it
        sweeper.kill()
        sweeper.wait()

    # The server notices the broken connection when it next reads from it.
    swept = wait_until(lambda: sweep(NOON) == 1, 5 if left else 1)
    assert (swept, fired()) == (bool(left), (left, left))
    assert Deadline.objects.get().next_step == 1
