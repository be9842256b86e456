"""How often the rules were kept, by day: a roll-up of `RuleResult` that is never wrong.

Triggers put each day whose answers change into `StaleRuleDay`. A worker makes those days anew
every few seconds, and `counted` reads them from the answers themselves until then, in the same
statement: so figures do not wait for the worker, and a silent one only makes them slower.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from django.conf import settings
from django.db import connection, transaction

from servicedesk.core.models import RuleDay, StaleRuleDay
from servicedesk.core.ticker import every

Dimension = RuleDay.Dimension
# Any constant: one worker at a time makes days.
ROLLING_LOCK = 7_021_410
# So many days in one transaction.
BATCH = 31

ROLLED = """
    SELECT (r.counts_at AT TIME ZONE %(zone)s)::date AS day, r.rule, d.dimension, d.key,
        count(*) FILTER (WHERE answer = 'kept') AS kept,
        count(*) FILTER (WHERE answer = 'broken') AS broken,
        count(*) FILTER (WHERE answer = 'not_provable') AS not_provable
    FROM core_ruleresult AS r, LATERAL (VALUES
        ('all', 0::bigint), ('team', coalesce(r.team_id, 0)),
        ('person', coalesce(r.person_id, 0)), ('product', coalesce(r.product_id, 0))
    ) AS d (dimension, key)
    WHERE r.answer <> 'not_applicable'
        AND r.counts_at >= %(day)s::timestamp AT TIME ZONE %(zone)s
        AND r.counts_at < (%(day)s::timestamp + interval '1 day') AT TIME ZONE %(zone)s
    GROUP BY 1, 2, 3, 4
"""
INSERT = f"""
    INSERT INTO core_ruleday (day, rule, dimension, key, kept, broken, not_provable) {ROLLED}
"""


@every(5)
def roll() -> int:
    """Make the days anew whose answers have changed; returns how many."""
    made = 0
    while batch := _roll_batch():
        made += batch
    return made


def _roll_batch() -> int:
    """1. One worker at a time. 2. Take the notes. 3. Make their days from the answers.

    An answer that is committed after step 2 has left a note of its own, for the next time.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [ROLLING_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(
            f"WITH days AS (SELECT DISTINCT {DAY_OF_NOTE} AS day FROM core_staleruleday"  # noqa: S608
            "  ORDER BY day LIMIT %(batch)s),"
            " taken AS (DELETE FROM core_staleruleday"
            f"  WHERE {DAY_OF_NOTE} IN (SELECT day FROM days))"
            " SELECT day FROM days",
            {"zone": settings.TIME_ZONE, "batch": BATCH},
        )
        days = [row[0] for row in cursor.fetchall()]
        for day in days:
            _make(cursor, day)
    return len(days)


DAY_OF_NOTE = "(moment AT TIME ZONE %(zone)s)::date"


def _make(cursor: Any, day: date) -> None:
    cursor.execute("DELETE FROM core_ruleday WHERE day = %s", [day])
    cursor.execute(INSERT, {"zone": settings.TIME_ZONE, "day": day})


@dataclass(frozen=True, slots=True)
class Difference:
    day: date
    rule: str
    dimension: str
    key: int


def rebuild(first: date, last: date) -> Iterator[Difference]:
    """Make the days anew; yields what was not as the answers say. There should be nothing."""
    day = first
    while day <= last:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ROLLING_LOCK])
            cursor.execute(
                f"SELECT count(*) FROM core_staleruleday WHERE {DAY_OF_NOTE} = %(day)s",  # noqa: S608
                {"zone": settings.TIME_ZONE, "day": day},
            )
            waits = cursor.fetchone()[0]
            former = _rows(day)
            _make(cursor, day)
            if not waits:
                for key in sorted({row[:3] for row in former ^ _rows(day)}):
                    yield Difference(day, *key)
        day += timedelta(days=1)


def _rows(day: date) -> set[tuple[Any, ...]]:
    return set(
        RuleDay.objects.filter(day=day).values_list(
            "rule", "dimension", "key", "kept", "broken", "not_provable"
        )
    )


def is_rolled() -> bool:
    """Nothing waits for the worker."""
    return not StaleRuleDay.objects.exists()


# --- reading ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counted:
    """Of one rule (and, if asked for, one key) in one month, within the period or before it."""

    rule: str
    # 0 is nobody's, where it is asked for by team or person.
    key: int
    month: date
    inside: bool
    kept: int
    broken: int
    not_provable: int


# The days whose roll-up is older than their answers.
STALE = f"""
    stale AS MATERIALIZED (
        SELECT DISTINCT {DAY_OF_NOTE} AS day FROM core_staleruleday
    )
"""  # noqa: S608 - a constant
ROLLED_UP = """
    SELECT rule, {key}, day, kept, broken, not_provable FROM core_ruleday
    WHERE dimension = %(dimension)s AND day >= %(since)s AND day <= %(last)s
        AND day NOT IN (SELECT day FROM stale)
"""
ANSWERS = """
    SELECT rule, {key}, {day}, (answer = 'kept')::int, (answer = 'broken')::int,
        (answer = 'not_provable')::int
    FROM {source} WHERE answer <> 'not_applicable'
"""
LOCAL_DAY = "(counts_at AT TIME ZONE %(zone)s)::date"
OF_STALE_DAYS = """stale JOIN core_ruleresult
    ON counts_at >= stale.day::timestamp AT TIME ZONE %(zone)s
    AND counts_at < (stale.day::timestamp + interval '1 day') AT TIME ZONE %(zone)s
    AND stale.day >= %(since)s AND stale.day <= %(last)s"""
OF_ALL_DAYS = """
    AND counts_at >= %(since)s::timestamp AT TIME ZONE %(zone)s
    AND counts_at < (%(last)s::timestamp + interval '1 day') AT TIME ZONE %(zone)s
"""
SUMMED = """
    SELECT rule, key, date_trunc('month', day)::date, day >= %(first)s, sum(kept)::int,
        sum(broken)::int, sum(not_provable)::int
    FROM counted AS c (rule, key, day, kept, broken, not_provable) GROUP BY 1, 2, 3, 4
"""


def counted(
    first: date,
    last: date,
    *,
    since: date | None = None,
    rule: str = "",
    by: Literal["", "team", "person"] = "",
    only: Mapping[str, int | None] | None = None,
) -> list[Counted]:
    """The answers from `since` to `last`, by rule and month; `inside` from `first` on.

    only: `team`, `person`, `product`, `customer`, primary keys. One of them has a roll-up, but
    the customer; several together, and the customer, are counted from the answers.
    """
    wanted = {name: key for name, key in (only or {}).items() if key is not None}
    params: dict[str, Any] = {
        "zone": settings.TIME_ZONE, "first": first, "last": last, "since": since or first,
        "rule": rule, **{f"only_{name}": key for name, key in wanted.items()},
    }  # fmt: skip
    narrow = "".join(f" AND {name}_id = %(only_{name})s" for name in wanted)
    narrow += " AND rule = %(rule)s" if rule else ""
    key = f"coalesce({by}_id, 0)" if by else "0::bigint"
    dimensions = {*wanted, *([by] if by else [])} or {str(Dimension.ALL)}
    dimension = next(iter(dimensions))
    if len(dimensions) == 1 and dimension in Dimension.values:
        params["dimension"] = dimension
        rolled = ROLLED_UP.format(key="key" if by else "0::bigint") + (
            " AND rule = %(rule)s" if rule else ""
        )
        if wanted or not by:
            params["key"] = wanted.get(dimension, 0)
            rolled += " AND key = %(key)s"
        raw = ANSWERS.format(key=key, day="stale.day", source=OF_STALE_DAYS) + narrow
        source = f"{STALE}, counted AS ({rolled} UNION ALL {raw})"
    else:
        raw = ANSWERS.format(key=key, day=LOCAL_DAY, source="core_ruleresult")
        source = f"counted AS ({raw} {OF_ALL_DAYS} {narrow})"
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {source} {SUMMED}", params)
        return [Counted(*row) for row in cursor.fetchall()]
