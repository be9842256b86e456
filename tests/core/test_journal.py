from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from accounts.actions import create_team
from servicedesk.core import journal
from servicedesk.core.actors import SYSTEM
from servicedesk.core.models import Entry, Seal, Unsealed
from tests.conftest import AT

# The sealer takes only entries of finished transactions, so these tests need real commits.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sealed():
    for name in ("一组", "二组", "三组"):
        create_team(name=name, at=AT, by=SYSTEM)
    journal.seal()
    return list(Entry.objects.order_by("id"))


def tamper(sql: str, *params: object) -> None:
    """As the owner of the database, with its triggers switched off."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(sql, params)
        cursor.execute("SET session_replication_role = DEFAULT")


def test_an_untouched_journal_is_intact(sealed):
    assert Seal.objects.count() == len(sealed) == 3
    assert list(journal.verify()) == []
    call_command("verify_journal")


def test_sealing_again_adds_nothing(sealed):
    assert journal.seal() == 0
    assert not Unsealed.objects.exists()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE core_entry SET data = '{}' WHERE id = %s",
        "UPDATE core_entry SET at = at - interval '1 s' WHERE id = %s",
        "UPDATE core_entry SET actor_label = '别人' WHERE id = %s",
        "DELETE FROM core_entrysubject WHERE entry_id = %s",
    ],
)
def test_an_altered_entry_is_named(sealed, sql):
    tamper(sql, sealed[1].pk)

    (fault,) = journal.verify()

    assert fault.entry_uid == str(sealed[1].uid)
    with pytest.raises(CommandError):
        call_command("verify_journal")


def test_a_removed_entry_is_noticed_at_its_successor(sealed):
    tamper("DELETE FROM core_seal WHERE entry_id = %s", sealed[1].pk)

    faults = list(journal.verify())

    assert faults[0].sequence == 2
    assert faults[0].entry_uid == str(sealed[2].uid)


@pytest.mark.parametrize("table", ["core_entry", "core_entrysubject", "core_seal"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_database_refuses_to_change_the_journal(sealed, table, statement):
    with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(statement.format(table))


def test_an_entry_of_a_running_transaction_waits(sealed):
    """A writer that commits late must not be overtaken: its entry would never be sealed."""
    import threading

    from django.db import transaction

    written, go_on = threading.Event(), threading.Event()

    def slow_writer() -> None:
        with transaction.atomic():
            create_team(name="慢组", at=AT, by=SYSTEM)
            written.set()
            go_on.wait(10)
        connection.close()

    thread = threading.Thread(target=slow_writer)
    thread.start()
    written.wait(10)
    create_team(name="快组", at=AT, by=SYSTEM)
    assert journal.seal() == 0
    go_on.set()
    thread.join()
    assert journal.seal() == 2
    assert list(journal.verify()) == []
