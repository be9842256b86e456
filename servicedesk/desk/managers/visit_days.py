"""Sums of visits by day, engineer and product, exact at any time (`core.stale_days`).

What is counted says `visit_measures`, once for the sums and for the lists behind them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from django.db import connection
from django.db.models import DateField, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDay, TruncMonth, TruncWeek
from django.utils import timezone

from servicedesk.core.stale_days import StaleDays
from servicedesk.desk.managers.filters import Period
from servicedesk.desk.managers.now_figures import Scope
from servicedesk.desk.managers.visit_measures import measures
from servicedesk.desk.models import VISIT_MEASURES, StaleVisitDay, VisitDay
from visits.models import VisitOrder

COLUMNS = ("day", "engineer", "product", "hand_in_sum", *VISIT_MEASURES)
# More days than these are counted as a whole: then no worker has come for a long time.
MOST_STALE_DAYS = 40
Bucket = Literal["day", "week", "month"]
BUCKETS: dict[str, Any] = {"day": TruncDay, "week": TruncWeek, "month": TruncMonth}


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


def _rows(day: date) -> set[tuple[Any, ...]]:
    return set(VisitDay.objects.filter(day=day).values_list(*COLUMNS))


DAYS = StaleDays(StaleVisitDay, lock=7_021_411, make=_make, rows=_rows, key=3)


# --- reading ----------------------------------------------------------------------------------


def summed(scope: Scope, span: Period, bucket: Bucket) -> Iterator[Mapping[str, Any]]:
    """From the sums by day; days that wait for the worker, and customers, from the visits."""
    days = DAYS.between(span.first, span.last)
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
