"""Form numbers: prefix, day, running number of that day (forms.md)."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.utils import timezone


def next_number(prefix: str, *, at: datetime) -> str:
    """The next number of the day of `at` in local time, such as `SV-20261122-0007`.

    The counter's row stays locked until the transaction ends, and a rolled back transaction
    gives its number back: that is what makes the series gap-free.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a number belongs into the transaction of the form")
    day = timezone.localdate(at)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_numberseries (prefix, day, last) VALUES (%s, %s, 1)"
            " ON CONFLICT (prefix, day) DO UPDATE SET last = core_numberseries.last + 1"
            " RETURNING last",
            [prefix, day],
        )
        (last,) = cursor.fetchone()
    return f"{prefix}-{day:%Y%m%d}-{last:04d}"
