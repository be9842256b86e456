"""How often the rules were kept, by day: a roll-up of `RuleResult` that is never wrong.

`stale_days` says how; `counted` reads the rolled-up days and those that wait in one statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from django.conf import settings
from django.db import connection

from servicedesk.core.models import RuleDay, StaleRuleDay
from servicedesk.core.stale_days import DAY_OF_NOTE, StaleDays
from servicedesk.core.ticker import every

Dimension = RuleDay.Dimension

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


def _make(day: date) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_ruleday WHERE day = %s", [day])
        cursor.execute(INSERT, {"zone": settings.TIME_ZONE, "day": day})


def _rows(day: date) -> set[tuple[Any, ...]]:
    return set(
        RuleDay.objects.filter(day=day).values_list(
            "day", "rule", "dimension", "key", "kept", "broken", "not_provable"
        )
    )


DAYS = StaleDays(StaleRuleDay, lock=7_021_410, make=_make, rows=_rows, key=4)


@every(5)
def roll() -> int:
    """Make the days anew whose answers have changed; returns how many."""
    return DAYS.roll()


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
