"""The frame of every action: actor, lock, version, history, numbers."""

from __future__ import annotations

import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from accounts.actions import create_team, edit_team
from accounts.models import Team
from servicedesk.core.actions import acting, expecting, replaying
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Stale
from servicedesk.core.history import changes
from servicedesk.core.models import Entry
from servicedesk.core.numbering import next_number
from tests.conftest import AT

pytestmark = pytest.mark.django_db


def test_a_write_outside_of_an_action_is_refused():
    with pytest.raises(RuntimeError, match="by an action only"):
        Team.objects.create(name="直接写入")


def test_nobody_acts_outside_of_an_action():
    assert acting() is None


def test_an_action_without_the_permission_writes_nothing(helpdesk):
    with pytest.raises(PermissionDenied):
        create_team(name="热线组", at=AT, by=helpdesk.as_actor())

    assert not Team.objects.exists()


def test_the_history_says_who_changed_what(admin):
    team = create_team(name="热线组", at=AT, by=SYSTEM)

    edit_team(team, name="热线一组", leader=None, at=AT, by=admin.as_actor())

    change = changes(team)[0]
    assert (change.actor_label, change.old, change.new) == ("管理员", "热线组", "热线一组")


def test_each_change_is_one_version_more():
    team = create_team(name="热线组", at=AT, by=SYSTEM)

    edit_team(team, name="热线一组", leader=None, at=AT, by=SYSTEM)

    assert Team.objects.get().version == 2


def test_a_change_of_an_older_version_is_refused():
    team = create_team(name="热线组", at=AT, by=SYSTEM)
    edit_team(team, name="热线一组", leader=None, at=AT, by=SYSTEM)

    with expecting(team, {1}), pytest.raises(Stale):
        edit_team(team, name="热线二组", leader=None, at=AT, by=SYSTEM)

    assert Team.objects.get().name == "热线一组"


def test_what_is_reported_late_keeps_both_times():
    create_team(name="热线组", at=AT, by=SYSTEM)

    entry = Entry.objects.get()
    assert entry.at == AT
    assert entry.recorded_at > AT


def test_replayed_events_are_recorded_when_they_happened():
    with replaying():
        team = create_team(name="热线组", at=AT, by=SYSTEM)

    assert Entry.objects.get().recorded_at == AT
    assert team.history.get().history_date == AT


def test_a_number_counts_within_its_day():
    with transaction.atomic():
        assert [next_number("ZZ", at=AT) for _ in range(3)] == [
            "ZZ-20260302-0001", "ZZ-20260302-0002", "ZZ-20260302-0003",
        ]  # fmt: skip


def test_the_day_of_a_number_is_the_local_one():
    """23:30 UTC is the next morning in Shanghai."""
    with transaction.atomic():
        number = next_number("ZZ", at=AT.replace(hour=23, minute=30))
        assert number.startswith("ZZ-20260303-")


@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gaps_and_no_twins_under_concurrency():
    """Twelve writers, a third of which roll back: their numbers are given to others."""
    got: list[str] = []
    lock = threading.Lock()

    class Undo(Exception):
        pass

    def writer(index: int) -> None:
        for turn in range(5):
            try:
                with transaction.atomic():
                    number = next_number("ZZ", at=AT)
                    if (index + turn) % 3 == 0:
                        raise Undo
            except Undo:
                continue
            with lock:
                got.append(number)
        connection.close()

    threads = [threading.Thread(target=writer, args=[i]) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(got) == [f"ZZ-20260302-{n:04d}" for n in range(1, len(got) + 1)]
    assert len(got) == 40


def test_a_number_outside_of_a_transaction_is_refused(transactional_db):
    with pytest.raises(RuntimeError):
        next_number("ZZ", at=AT)
