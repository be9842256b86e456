"""The hash chain over the journal: sealed in batches, verified from the first link on.

link_n = SHA-256(link_{n-1} ‖ canonical JSON of the entry and its subjects). Sealing in the
writer's transaction would queue all writers behind one row (measured: a fifth of the
throughput); so a worker seals each second what no running transaction can still precede.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Cast, Concat

from servicedesk.core.models import Entry, Seal, Unsealed
from servicedesk.core.ticker import every

GENESIS = "0" * 64
BATCH = 1000
# Any constant: the advisory lock that lets one worker at a time extend the chain.
CHAIN_LOCK = 7_021_402
# The oldest transaction of this database that still runs, and the number the next one gets.
# Those of other databases in the cluster do not matter: they cannot write entries here. What
# carries a number beyond comes from the cluster that this database was restored from.
OLDEST_RUNNING = """
    SELECT coalesce(
        (SELECT min(x::text::bigint) FROM pg_snapshot_xip(s) AS x WHERE NOT EXISTS (
            SELECT 1 FROM pg_stat_activity
            WHERE datname <> current_database()
            AND backend_xid::text::bigint = x::text::bigint & 4294967295)),
        pg_snapshot_xmax(s)::text::bigint
    ), pg_snapshot_xmax(s)::text::bigint
    FROM pg_current_snapshot() AS s
"""


def canonical(data: Any) -> bytes:
    """JSON with sorted keys and no blanks, in UTF-8: the same bytes for the same content."""
    return json.dumps(
        data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, cls=DjangoJSONEncoder
    ).encode()


def link(previous: str, entry: Entry, subjects: list[str]) -> str:
    content = canonical(
        {
            "uid": entry.uid,
            "type": entry.type,
            "at": entry.at,
            "recorded_at": entry.recorded_at,
            "actor": [entry.actor_kind, entry.actor_id, entry.actor_label],
            "data": entry.data,
            "subjects": sorted(subjects),
        }
    )
    return hashlib.sha256(previous.encode() + content).hexdigest()


@every(1)
def seal() -> int:
    """Append all finished entries to the chain; returns how many."""
    sealed = 0
    while done := _seal_batch():
        sealed += done
        if done < BATCH:
            break
    return sealed


def _with_subjects(entries: models.QuerySet[Entry]) -> models.QuerySet[Entry]:
    return entries.annotate(
        about=ArrayAgg(
            Concat(
                "subjects__kind",
                Value(":"),
                Cast("subjects__object_id", models.TextField()),
                output_field=models.TextField(),
            ),
            filter=models.Q(subjects__isnull=False),
            default=Value([]),
        )
    )


def _seal_batch() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [CHAIN_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(OLDEST_RUNNING)
        oldest, following = cursor.fetchone()
        last = Seal.objects.order_by("-sequence").first()
        sequence, previous = (last.sequence, last.hash) if last else (0, GENESIS)
        unsealed = (
            Entry.objects.filter(pk__in=Unsealed.objects.values("pk"))
            .exclude(transaction__gte=oldest, transaction__lt=following)
            .order_by("transaction", "id")
        )
        seals = []
        for entry in _with_subjects(unsealed)[:BATCH]:
            sequence += 1
            previous = link(previous, entry, entry.about)  # type: ignore[attr-defined]
            seals.append(Seal(entry=entry, sequence=sequence, hash=previous))
        Seal.objects.bulk_create(seals)
        Unsealed.objects.filter(pk__in=[seal.entry_id for seal in seals]).delete()
        return len(seals)


@dataclass(frozen=True, slots=True)
class Fault:
    sequence: int
    entry_uid: str
    message: str


def verify() -> Iterator[Fault]:
    """Recompute the chain; yields what does not agree. An intact journal yields nothing."""
    previous, expected = GENESIS, 0
    entries = _with_subjects(Entry.objects.filter(seal__isnull=False)).annotate(
        sequence=F("seal__sequence"), sealed_hash=F("seal__hash")
    )
    for entry in entries.order_by("seal__sequence").iterator(chunk_size=2000):
        sequence: int = entry.sequence
        expected += 1
        if sequence != expected:
            yield Fault(expected, str(entry.uid), "a link before this entry is missing")
            expected = sequence
        if link(previous, entry, entry.about) != entry.sealed_hash:  # type: ignore[attr-defined]
            yield Fault(sequence, str(entry.uid), f"{entry.type} was altered after sealing")
        previous = entry.sealed_hash
