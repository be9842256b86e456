"""The figures of the service level: what each counts, over days, by filters, and its records.

A figure counts requests by the day of their intake. It is the sum of some measures of the
roll-ups and, where only the clock decides, of the open tickets whose time is over by now.
With at most one filter the sums are read from the roll-ups; of several at once no roll-up has
the answer, and the facts of the period are counted. Both tables have the same columns, so it is
one query either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, F, IntegerField, Q, QuerySet, Sum
from django.db.models.functions import TruncDay, TruncMonth, TruncWeek
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from servicedesk.desk.managers.filters import ManagerFilter, Period
from servicedesk.desk.models import MEASURES, RollUp, TicketFact

Dimension = RollUp.Dimension


@dataclass(frozen=True, slots=True)
class Figure:
    """`measures` are added up; `due`: and open tickets for which this moment has passed."""

    key: str
    label: Any
    measures: tuple[str, ...] = ()
    due: str = ""

    def condition(self, now: datetime) -> Q:
        """The facts that it counts, each once: its measures exclude one another."""
        found = Q()
        for measure in self.measures:
            found |= Q(**{measure: 1})
        if self.due:
            found |= Q(**{"is_open": True, f"{self.due}__lt": now})
        return found


@dataclass(frozen=True, slots=True)
class Rate:
    """One figure of another: 87/92. `target`: the setting of SERVICE_TARGETS it is held against."""

    key: str
    label: Any
    part: str
    whole: str
    hint: Any = ""
    target: str = ""


def _figure(key: str, label: Any, *measures: str, due: str = "") -> tuple[str, Figure]:
    return key, Figure(key, label, measures or ((key,) if not due else ()), due)


FIGURES: dict[str, Figure] = dict([
    _figure("opened", _("Requests taken in")),
    _figure("response_in_time", _("Responded in time")),
    _figure("response_missed", _("Responded late, or not yet though due"),
            "response_late", due="response_due"),
    _figure("response_judged", _("Response due or given"),
            "response_in_time", "response_late", due="response_due"),
    _figure("promised_in_time", _("Solved by the first promised time")),
    _figure("promised_missed", _("First promised time missed"),
            "promised_late", due="promised_due"),
    _figure("promised_judged", _("Solved, or first promised time over"),
            "promised_in_time", "promised_late", due="promised_due"),
    _figure("agreed_in_time", _("Solved by the agreed time")),
    _figure("agreed_missed", _("Agreed time missed"), "agreed_late", due="agreed_due"),
    _figure("agreed_judged", _("Solved, or agreed time over"),
            "agreed_in_time", "agreed_late", due="agreed_due"),
    _figure("over_24h", _("Solved after more than 24 hours")),
    _figure("solved", _("Solved now")),
    _figure("solved_once", _("Solved at least once")),
    _figure("first_contact", _("Solved at first contact")),
    _figure("by_phone", _("Solved by telephone")),
    _figure("by_remote", _("Solved remotely")),
    _figure("by_visit", _("Solved on site")),
    _figure("not_solved", _("Ended without solution"), "not_solved"),
    _figure("closed", _("Closed")),
    _figure("reopened", _("Reopened")),
    _figure("extension_asked", _("Extension asked for")),
    _figure("extension_consented", _("Customer agreed to an extension")),
    _figure("extension_refused", _("Customer refused an extension")),
    _figure("extension_kept", _("Solved by the extended time")),
    _figure("extension_broken", _("Extended time missed"),
            "extension_broken", due="extended_due"),
    _figure("extension_judged", _("Extended time kept or over"),
            "extension_kept", "extension_broken", due="extended_due"),
    # Of all days: what is open now, by age.
    ("backlog", Figure("backlog", _("Open now"))),
])  # fmt: skip

RATES = {
    rate.key: rate
    for rate in [
        Rate("response", _("First response in time"), "response_in_time", "response_judged",
             _("within the time for the first response"), "response"),
        Rate("promised", _("Solved by the first promise"), "promised_in_time", "promised_judged",
             _("by the time first promised, extended or not"), "resolution"),
        Rate("agreed", _("Solved by the agreed time"), "agreed_in_time", "agreed_judged",
             _("extensions count if the customer agreed before the time was over"), "resolution"),
        Rate("first_contact", _("Solved at first contact"), "first_contact", "solved",
             _("on the telephone, in the first conversation")),
        Rate("remote", _("Solved remotely"), "by_remote", "solved"),
        Rate("visit", _("Solved on site"), "by_visit", "solved"),
        Rate("reopened", _("Reopened"), "reopened", "solved_once", _("of those solved once")),
        Rate("extension_kept", _("Extended time kept"), "extension_kept", "extension_judged"),
    ]
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counts:
    """All figures of one stretch of time, or of all of it (`first` is None)."""

    first: date | None
    by_key: dict[str, int]

    def __getitem__(self, key: str) -> int:
        return self.by_key.get(key, 0)

    def rate(self, key: str) -> float | None:
        """In per cent; None where there is nothing to count, which is neither 0 nor 100."""
        rate = RATES[key]
        whole = self[rate.whole]
        return round(100 * self[rate.part] / whole, 1) if whole else None

    def fraction(self, key: str) -> str:
        rate = RATES[key]
        return f"{self[rate.part]}/{self[rate.whole]}"


# --- Reading ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Selection:
    """Whose requests: the people of `persons` (None: everybody's), of a customer and a product."""

    persons: tuple[int, ...] | None = None
    customer: int | None = None
    product: int | None = None

    @property
    def filters(self) -> int:
        return sum(value is not None for value in (self.persons, self.customer, self.product))

    def facts(self) -> QuerySet[TicketFact]:
        found = TicketFact.objects.all()
        if self.persons is not None:
            found = found.filter(person__in=self.persons)
        if self.customer is not None:
            found = found.filter(customer=self.customer)
        if self.product is not None:
            found = found.filter(product=self.product)
        return found

    def sums(self) -> QuerySet[Any]:
        """Rows whose measures add up to the answer."""
        if self.filters > 1:
            return self.facts()
        found = RollUp.objects.all()
        if self.persons is not None:
            return found.filter(dimension=Dimension.PERSON, key__in=self.persons)
        if self.customer is not None:
            return found.filter(dimension=Dimension.CUSTOMER, key=self.customer)
        if self.product is not None:
            return found.filter(dimension=Dimension.PRODUCT, key=self.product)
        return found.filter(dimension=Dimension.ALL, key=0)


def selection(filters: ManagerFilter) -> Selection:
    team: Team | None = filters.chosen("team")
    person: User | None = filters.chosen("person")
    customer, product = filters.chosen("customer"), filters.chosen("product")
    persons: tuple[int, ...] | None = None
    if person is not None:
        persons = (person.pk,) if team is None or person.team_id == team.pk else ()
    elif team is not None:
        persons = tuple(team.members.values_list("pk", flat=True))
    return Selection(persons, customer.pk if customer else None, product.pk if product else None)


BUCKETS = {"day": TruncDay, "week": TruncWeek, "month": TruncMonth}


def bucket_of(span: Period) -> str:
    """Days up to a month, weeks up to half a year, else months."""
    if span.days <= 31:
        return "day"
    return "week" if span.days <= 184 else "month"


def series(chosen: Selection, span: Period, bucket: str, now: datetime) -> list[Counts]:
    """The figures of each day, week or month that had a request; two queries."""
    trunc = BUCKETS[bucket]("day", output_field=TicketFact._meta.get_field("day").__class__())
    within = Q(day__range=(span.first, span.last))
    settled = (
        chosen.sums().filter(within).values(first=trunc).order_by("first")
        .annotate(**{f"sum_{m}": Sum(m, output_field=IntegerField()) for m in MEASURES})
    )  # fmt: skip
    late = (
        chosen.facts().filter(within, is_open=True).values(first=trunc).order_by("first")
        .annotate(**{due: Count("pk", filter=Q(**{f"{due}__lt": now})) for due in DUE})
    )  # fmt: skip
    overdue: dict[date, Mapping[str, Any]] = {row["first"]: row for row in late}
    return [Counts(row["first"], _add_up(row, overdue.get(row["first"], {}))) for row in settled]


DUE = ("response_due", "promised_due", "agreed_due", "extended_due")


def _add_up(sums: Mapping[str, Any], overdue: Mapping[str, Any]) -> dict[str, int]:
    return {
        figure.key: sum(sums[f"sum_{m}"] for m in figure.measures)
        + (overdue.get(figure.due, 0) if figure.due else 0)
        for figure in FIGURES.values()
    }


def total(parts: Sequence[Counts]) -> Counts:
    return Counts(None, {key: sum(part[key] for part in parts) for key in FIGURES})


# Open requests by age: up to how many hours, and how it is called.
AGES: tuple[tuple[int | None, Any], ...] = (
    (4, _("up to 4 hours")), (24, _("up to 24 hours")), (72, _("up to 3 days")),
    (168, _("up to 7 days")), (None, _("more than 7 days")),
)  # fmt: skip


def age_condition(index: int, now: datetime) -> Q:
    upper, lower = AGES[index][0], AGES[index - 1][0] if index else None
    found = Q(is_open=True)
    if upper is not None:
        found &= Q(received_at__gt=now - timedelta(hours=upper))
    if lower is not None:
        found &= Q(received_at__lte=now - timedelta(hours=lower))
    return found


def backlog(chosen: Selection, now: datetime) -> list[int]:
    """How many are open now, of each age, from all days; one query over what is open."""
    counted = chosen.facts().filter(is_open=True).aggregate(
        **{f"age{n}": Count("pk", filter=age_condition(n, now)) for n in range(len(AGES))}
    )  # fmt: skip
    return [counted[f"age{n}"] for n in range(len(AGES))]


TOP = 10


@dataclass(frozen=True, slots=True)
class Spread:
    """Requests taken in by hour of the week, and the fault categories and stores with most.

    A category of 0 is none given.
    """

    hours: dict[int, int]
    categories: list[tuple[int, int]]
    stores: list[tuple[int, int]]


# All three in one reading of the facts.
SPREAD = """
    SELECT hour, category, store, count(*) FROM ({facts}) AS f
    GROUP BY GROUPING SETS ((hour), (category), (store))
"""


def spread(chosen: Selection, span: Period) -> Spread:
    """Unfiltered, hours and categories are summed up already."""
    within = Q(day__range=(span.first, span.last))
    if not chosen.filters:
        stores = TicketFact.objects.filter(within).values(found=F("store")).order_by()
        rolled = RollUp.objects.filter(within).values("key").order_by()
        counted = {
            dimension: dict(
                rolled.filter(dimension=dimension)
                .annotate(n=Sum("opened", output_field=IntegerField()))
                .values_list("key", "n")
            )
            for dimension in (Dimension.HOUR, Dimension.CATEGORY)
        }
        return Spread(
            counted[Dimension.HOUR],
            _top(counted[Dimension.CATEGORY]),
            _top(dict(stores.annotate(n=Count("*")).values_list("found", "n"))),
        )
    try:
        facts, params = (
            chosen.facts().filter(within).values("hour", "category", "store")
            .query.sql_with_params()
        )  # fmt: skip
    except EmptyResultSet:  # a team without members
        return Spread({}, [], [])
    groups: tuple[dict[int, int], ...] = ({}, {}, {})
    with connection.cursor() as cursor:
        cursor.execute(SPREAD.format(facts=facts), params)
        for *place, number in cursor.fetchall():
            for group, key in zip(groups, place, strict=True):
                if key is not None:
                    group[key] = number
    hours, categories, of_stores = groups
    return Spread(hours, _top(categories), _top(of_stores))


def _top(counted: dict[int, int]) -> list[tuple[int, int]]:
    """The most frequent first."""
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:TOP]
