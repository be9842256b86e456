"""The service reports that nobody has to ask for: of all and of each customer, on the 1st."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from customers.models import Customer
from servicedesk.core.actors import SYSTEM, Actor
from servicedesk.core.errors import Refused
from servicedesk.core.models import Entry
from servicedesk.desk.actions import make_report
from servicedesk.desk.managers.filters import Period
from servicedesk.desk.managers.report_facts import month_of
from servicedesk.desk.models import MonthlyReport, Progress, RollUp
from visits.models import MissedNote, VisitOrder

log = logging.getLogger(__name__)

HOUR = 6
# Hours until somebody is told that they are not there.
PATIENCE = 1
# A worker that was down on the 1st makes them later, but not weeks later.
LAST_DAY = 7


def make_due(now: datetime | None = None) -> int:
    """Make what is missing of last month; returns how many. Every worker calls it.

    `make_report` makes each once, whoever comes first. The one of all customers comes last: once
    it is there, all are (`notifications.tell_the_managers`). `now`: for tests.
    """
    now = now or timezone.now()
    local = timezone.localtime(now)
    if local.day > LAST_DAY or (local.day == 1 and local.hour < HOUR):
        return 0
    span = month_of(local.date().replace(day=1) - timedelta(days=1))
    if _is_done(span.first) or not _is_summed_up(span):
        return 0
    made, all_there = 0, True
    for customer in _customers(span):
        try:
            made += make_report(span.first, customer, scheduled=True, at=now, by=SYSTEM) is not None
        except Refused as refusal:
            # Tried again a minute later; the one of all customers waits for it until then.
            log.warning("no report of %s for %s yet: %s", span.first, customer, refusal)
            all_there = False
    if all_there:
        made += make_report(span.first, None, scheduled=True, at=now, by=SYSTEM) is not None
    return made


def never_made(month: date, by: Actor) -> list[Customer | None]:
    """Of whom a report of this month should be there and none is, whoever was to make it: customers
    with something in it, and all of them together (None). Empty where the month is not over, is not
    summed up, or lies before the desk's first entry."""
    span = month_of(month)
    if not _is_summed_up(span) or not _had_begun(span):
        return []
    made = set(MonthlyReport.objects.filter(month=span.first).values_list("customer", flat=True))
    seen = Customer.objects.visible_to(by)
    wanted = [None, *_customers(span, seen)]
    return [one for one in wanted if (one.pk if one else None) not in made]


def missing_month(now: datetime) -> date | None:
    """The month whose reports should have been there an hour ago, for whatever reason they are not."""
    local = timezone.localtime(now)
    if local.day > LAST_DAY or (local.day == 1 and local.hour < HOUR + PATIENCE):
        return None
    span = month_of(local.date().replace(day=1) - timedelta(days=1))
    return span.first if _had_begun(span) and not _is_done(span.first) else None


def _had_begun(span: Period) -> bool:
    """A desk that was set up since then owes nothing."""
    first = Entry.objects.order_by("id").values_list("at", flat=True).first()
    return first is not None and first < span.end


def _is_done(month: date) -> bool:
    return MonthlyReport.objects.filter(
        month=month, customer=None, scheduled_at__isnull=False
    ).exists()


def _is_summed_up(span: Period) -> bool:
    """The sums contain all that happened within the month."""
    return Progress.objects.filter(caught_up_at__gte=span.end).exists()


def _customers(span: Period, among: QuerySet[Customer] | None = None) -> Iterator[Customer]:
    """Those with requests, visits or notes for a missed customer in the month."""
    asked = RollUp.objects.filter(
        dimension=RollUp.Dimension.CUSTOMER, day__range=(span.first, span.last)
    )
    visited = VisitOrder.objects.filter(arrived_at__gte=span.start, arrived_at__lt=span.end)
    missed = MissedNote.objects.filter(came_at__gte=span.start, came_at__lt=span.end)
    keys = {
        *asked.values_list("key", flat=True).distinct(),
        *visited.order_by().values_list("customer", flat=True).distinct(),
        *missed.order_by().values_list("visit__customer", flat=True).distinct(),
    }
    found = Customer.objects.get_queryset() if among is None else among
    yield from found.filter(pk__in=keys).order_by("pk")
