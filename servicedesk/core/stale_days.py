"""Sums by day that are made again when the records of a day change.

Triggers of the database note the days (a table with one column, `moment`), a worker makes them
again from the records every few seconds, and who reads counts the noted days from the records
until then: so figures do not wait for the worker, and a silent one only makes them slower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction

# So many days in one transaction.
BATCH = 31
# The day of a note, in local time; its statement needs the parameter `zone`.
DAY_OF_NOTE = "(moment AT TIME ZONE %(zone)s)::date"


@dataclass(frozen=True, slots=True)
class StaleDays:
    """notes: the model of the table that the triggers fill. lock: any constant of its own.

    make: deletes the sums of a day and counts them again. rows: the sums of a day as tuples that
    begin with their key, which is `key` values long.
    """

    notes: type[models.Model]
    lock: int
    make: Callable[[date], None]
    rows: Callable[[date], set[tuple[Any, ...]]]
    key: int

    def roll(self) -> int:
        """Make the days anew whose records have changed; returns how many."""
        made = 0
        while batch := self._roll_batch():
            made += batch
        return made

    def _roll_batch(self) -> int:
        """1. One worker at a time. 2. Take the notes. 3. Make their days from the records.

        A change that is committed after step 2 has left a note of its own, for the next time.
        """
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [self.lock])
            if not cursor.fetchone()[0]:
                return 0
            cursor.execute(
                f"WITH days AS (SELECT DISTINCT {DAY_OF_NOTE} AS day FROM {self._table}"  # noqa: S608
                "  ORDER BY day LIMIT %(batch)s),"
                f" taken AS (DELETE FROM {self._table}"
                f"  WHERE {DAY_OF_NOTE} IN (SELECT day FROM days))"
                " SELECT day FROM days",
                {"zone": settings.TIME_ZONE, "batch": BATCH},
            )
            days = [row[0] for row in cursor.fetchall()]
            for day in days:
                self.make(day)
        return len(days)

    @property
    def _table(self) -> str:
        return self.notes._meta.db_table

    def between(self, first: date, last: date) -> list[date]:
        """Those of these days that wait for the worker."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT DISTINCT {DAY_OF_NOTE} AS day FROM {self._table}"  # noqa: S608
                f" WHERE {DAY_OF_NOTE} BETWEEN %(first)s AND %(last)s ORDER BY day",
                {"zone": settings.TIME_ZONE, "first": first, "last": last},
            )
            return [row[0] for row in cursor.fetchall()]

    def rebuild(self, first: date, last: date) -> Iterator[tuple[Any, ...]]:
        """Make the days anew; yields the keys of what was not as the records say: nothing, it is
        to be hoped. A day that waits for the worker is no difference."""
        day = first
        while day <= last:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [self.lock])
                waits, former = self.between(day, day), self.rows(day)
                self.make(day)
                if not waits:
                    yield from sorted({row[: self.key] for row in former ^ self.rows(day)})
            day += timedelta(days=1)

    def is_rolled(self) -> bool:
        """Nothing waits for the worker."""
        return not self.notes._base_manager.exists()
