from __future__ import annotations

import pytest
from django.db import DataError, IntegrityError
from django.utils import timezone

from accounts.models import Notification
from servicedesk.core.bulk import insert
from servicedesk.core.models import Entry, EntrySubject, OutboxMessage
from tests.conftest import AT

FIELDS = (
    "uid",
    "channel",
    "recipient",
    "subject",
    "body",
    "data",
    "dedup_key",
    "status",
    "attempts",
)

pytestmark = pytest.mark.django_db


def message(key: str, **values) -> OutboxMessage:
    return OutboxMessage(channel="email", recipient="a@example.com", dedup_key=key, **values)


def test_what_is_written_is_what_was_given():
    given = [
        message("a", body="第一行\n'引号' \\ \"{,}\" %s", data={"名": ["值", None, 1.5, "}\\"]}),
        message("b", subject="", data={}),
    ]

    insert(given, *FIELDS)

    for row in given:
        kept = OutboxMessage.objects.get(pk=row.pk)
        assert [getattr(kept, name) for name in FIELDS] == [getattr(row, name) for name in FIELDS]
    assert (
        abs(timezone.now() - OutboxMessage.objects.earliest("id").created_at).total_seconds() < 60
    )


def test_records_learn_their_keys_in_order():
    entries = [
        Entry(type=f"t{n}", at=AT, actor_kind="system", actor_label="", data={}) for n in range(20)
    ]
    insert(entries, "uid", "type", "at", "actor_kind", "actor_id", "actor_label", "data")
    subjects = [EntrySubject(entry=entry, kind="k", object_id=1) for entry in entries]
    insert(subjects, "entry", "kind", "object_id")

    kept = Entry.objects.order_by("id")
    assert [e.type for e in kept] == [f"t{n}" for n in range(20)]
    assert [e.pk for e in kept] == [e.pk for e in entries]
    assert [s.entry_id for s in EntrySubject.objects.order_by("id")] == [e.pk for e in entries]


def test_what_exists_is_left_alone_only_if_asked_for():
    insert([message("a", subject="first")], *FIELDS)

    insert([message("a", subject="second"), message("b")], *FIELDS, ignore_conflicts=True)

    assert list(OutboxMessage.objects.order_by("id").values_list("subject", flat=True)) == [
        "first",
        "",
    ]
    with pytest.raises(IntegrityError):
        insert([message("a")], *FIELDS)


def test_a_text_that_is_too_long_is_refused_not_cut(engineer):
    notification = Notification(user=engineer, text="长" * 301, dedup_key="a", created_at=AT)

    with pytest.raises(DataError):
        insert([notification], "uid", "user", "text", "url", "urgent", "dedup_key", "created_at")


@pytest.mark.parametrize("rows", [1, 50])
def test_however_many_rows_it_is_one_statement(rows, django_assert_num_queries):
    with django_assert_num_queries(1):
        insert([message(f"{n}") for n in range(rows)], *FIELDS)


def test_nothing_to_write_is_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        insert([], *FIELDS)
