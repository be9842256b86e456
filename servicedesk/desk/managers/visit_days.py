"""Sums of visits by day, engineer and product, exact at any time.

As `core.rule_days`: triggers note each day on which something changed, a worker makes those days
again every few seconds, and who reads counts them from the visits themselves until then. What is
counted says `visit_measures`, once for the sums and for the lists behind them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from django.conf import settings
from django.db import connection, transaction
from django.db.models import DateField, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDay, TruncMonth, TruncWeek
from django.utils import timezone

from servicedesk.desk.managers.filters import Period
from servicedesk.desk.managers.now_figures import Scope
from servicedesk.desk.managers.visit_measures import measures
from servicedesk.desk.models import VISIT_MEASURES, StaleVisitDay, VisitDay
from visits.models import VisitOrder

# Any constant: one worker at a time makes days.
ROLLING_LOCK = 7_021_411
# So many days in one transaction.
BATCH = 31
COLUMNS = ("day", "engineer", "product", "hand_in_sum", *VISIT_MEASURES)
# More days than these are counted as a whole: then no worker has come for a long time.
MOST_STALE_DAYS = 40
Bucket = Literal["day", "week", "month"]
BUCKETS: dict[str, Any] = {"day": TruncDay, "week": TruncWeek, "month": TruncMonth}
DAY_OF_NOTE = "(moment AT TIME ZONE %(zone)s)::date"


def roll() -> int:
    """Make the days anew whose visits have changed; returns how many."""
    made = 0
    while batch := _roll_batch():
        made += batch
    return made


def _roll_batch() -> int:
    """1. One worker at a time. 2. Take the notes. 3. Make their days from the visits.

    A change that is committed after step 2 has left a note of its own, for the next time.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [ROLLING_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(
            f"WITH days AS (SELECT DISTINCT {DAY_OF_NOTE} AS day FROM desk_stalevisitday"  # noqa: S608
            "  ORDER BY day LIMIT %(batch)s),"
            " taken AS (DELETE FROM desk_stalevisitday"
            f"  WHERE {DAY_OF_NOTE} IN (SELECT day FROM days))"
            " SELECT day FROM days",
            {"zone": settings.TIME_ZONE, "batch": BATCH},
        )
        days = [row[0] for row in cursor.fetchall()]
        for day in days:
            _make(day)
    return len(days)


def _make(day: date) -> None:
    VisitDay.objects.filter(day=day).delete()
    sql, params = sums(VisitOrder.objects.filter(of_days(day, day))).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO desk_visitday ({', '.join(COLUMNS)}) {sql}", params)


def of_days(first: date, last: date) -> Q:
    """By the day of arrival, in local time."""
    start = timezone.make_aware(datetime.combine(first, time()))
    end = timezone.make_aware(datetime.combine(last + timedelta(days=1), time()))
    return Q(arrived_at__gte=start, arrived_at__lt=end)


def sums(visits: QuerySet[VisitOrder]) -> QuerySet[VisitOrder, Any]:
    """One row for each day, engineer and product, in the order of COLUMNS."""
    return (
        visits.order_by()
        .values(
            day=TruncDay("arrived_at", output_field=DateField()),
            who=Coalesce(F("engineer_id"), 0),
            product=Coalesce(F("installation__product_id"), 0),
        )
        .annotate(**measures())
    )


def stale_days(first: date, last: date) -> list[date]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT {DAY_OF_NOTE} AS day FROM desk_stalevisitday"  # noqa: S608
            f" WHERE {DAY_OF_NOTE} BETWEEN %(first)s AND %(last)s ORDER BY day",
            {"zone": settings.TIME_ZONE, "first": first, "last": last},
        )
        return [row[0] for row in cursor.fetchall()]


def rebuild(first: date, last: date) -> Iterator[tuple[date, int, int]]:
    """Make the days anew; yields (day, engineer, product) of what was not as the visits say."""
    day = first
    while day <= last:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ROLLING_LOCK])
            waits = stale_days(day, day)
            former = _rows(day)
            _make(day)
            if not waits:
                yield from sorted({row[:3] for row in former ^ _rows(day)})
        day += timedelta(days=1)


def _rows(day: date) -> set[Any]:
    return set(VisitDay.objects.filter(day=day).values_list(*COLUMNS))


def is_rolled() -> bool:
    """Nothing waits for the worker."""
    return not StaleVisitDay.objects.exists()


# --- reading ----------------------------------------------------------------------------------


def summed(scope: Scope, span: Period, bucket: Bucket) -> Iterator[Mapping[str, Any]]:
    """From the sums by day; days that wait for the worker, and customers, from the visits."""
    days = stale_days(span.first, span.last)
    raw = VisitOrder.objects.filter(scope.people("engineer"), scope.things("installation__product"))
    if scope.customer_id is not None or len(days) > MOST_STALE_DAYS:
        yield from _counted(raw.filter(of_days(span.first, span.last)), bucket)
        return
    rolled = VisitDay.objects.filter(scope.people("engineer"), day__range=(span.first, span.last))
    if scope.product_id is not None:
        rolled = rolled.filter(product=scope.product_id)
    trunc = BUCKETS[bucket]("day", output_field=DateField())
    yield from (
        rolled.exclude(day__in=days)
        .values(who=F("engineer"), bucket=trunc)
        .annotate(hand_in_sum=Sum("hand_in_sum"), **{n: Sum(n) for n in VISIT_MEASURES})
        .order_by()
    )
    stale = Q()
    for day in days:
        stale |= of_days(day, day)
    if days:
        yield from _counted(raw.filter(stale), bucket)


def _counted(found: QuerySet[VisitOrder], bucket: Bucket) -> QuerySet[VisitOrder, Any]:
    trunc = BUCKETS[bucket]("arrived_at", output_field=DateField())
    grouped = found.order_by().values(who=Coalesce(F("engineer_id"), 0), bucket=trunc)
    return grouped.annotate(**measures())
