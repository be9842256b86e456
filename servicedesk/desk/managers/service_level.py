"""The page “Service level” (服务水平): how well the promised times are kept, and how it is solved.

Every figure is of the requests taken in within the period, and leads to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.models import Store
from knowledge.models import FaultCategory
from servicedesk.core.http import DeskRequest
from servicedesk.desk.managers import figures
from servicedesk.desk.managers.charts import Chart, Series, Tone
from servicedesk.desk.managers.exports import Shown, Table, export
from servicedesk.desk.managers.figures import AGES, FIGURES, RATES, Counts, Rate, Selection
from servicedesk.desk.managers.filters import ManagerFilter
from servicedesk.desk.managers.heat import HeatMap, heat_map
from servicedesk.desk.managers.pages import filters_of, frame, managers_page
from servicedesk.desk.managers.records import BACKLOG, NONE, records_url
from servicedesk.desk.models import Progress

# A worker rolls up every few seconds; older than this, none does.
STALE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Card:
    """A rate with the counts it is made of, each leading to its records."""

    label: Any
    hint: Any
    rate: float | None
    part: Shown
    whole: Shown
    target: int | None

    @property
    def tone(self) -> str:
        if self.rate is None or self.target is None:
            return ""
        return "good" if self.rate >= self.target else "bad"


@managers_page
def page(request: DeskRequest) -> HttpResponseBase:
    filters, now = filters_of(request), timezone.now()
    report = Report(filters, now)
    charts = report.charts()
    tables = [report.summary(), *(chart.table for chart in charts)]
    if (file := export(request, tables, filters)) is not None:
        return file
    progress = Progress.objects.filter(pk=1).first()
    as_of = progress.caught_up_at if progress else None
    context = frame(request, filters) | {
        "groups": report.groups(),
        "charts": charts,
        "summary": tables[0],
        "export_base": filters.query(export=""),
        "as_of": as_of,
        "stale": as_of is None or now - as_of > STALE,
        "days": filters.span,
    }
    return render(request, "managers/service_level.html", context)


class Report:
    """All that the page shows, read in a fixed number of queries."""

    def __init__(self, filters: ManagerFilter, now: datetime) -> None:
        self.filters, self.now = filters, now
        self.days = filters.span
        self.chosen: Selection = figures.selection(filters)
        self.bucket = figures.bucket_of(self.days)
        counted = {
            part.first: part for part in figures.series(self.chosen, self.days, self.bucket, now)
        }
        self.parts = [counted.get(first, Counts(first, {})) for first in self._firsts()]
        self.total = figures.total(self.parts)
        self.spread = figures.spread(self.chosen, self.days)

    def _firsts(self) -> list[date]:
        """The first day of each day, week or month of the period, as far as it has come."""
        last = max(min(self.days.last, timezone.localdate(self.now)), self.days.first)
        day, found = self.days.first, []
        while day <= last:
            found.append(self._bucket_start(day))
            day = self._bucket_end(day) + timedelta(days=1)
        return found

    def _bucket_start(self, day: date) -> date:
        if self.bucket == "week":
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self.bucket == "month" else day

    def _bucket_end(self, day: date) -> date:
        first = self._bucket_start(day)
        if self.bucket == "week":
            return first + timedelta(days=6)
        if self.bucket == "month":
            return (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        return first

    def _within(self, part: Counts) -> dict[str, str]:
        """The days of a bucket that lie in the period, as the filters spell them."""
        if part.first is None:
            return {}
        first = max(part.first, self.days.first)
        last = min(self._bucket_end(part.first), self.days.last)
        return {"since": first.isoformat(), "until": last.isoformat()}

    def _label(self, part: Counts) -> str:
        assert part.first is not None
        if self.bucket == "month":
            # Translators: a month with its year, after Django's `date` filter; Chinese: Y年n月.
            return date_format(part.first, gettext("M Y"))
        return date_format(max(part.first, self.days.first), gettext("M j"))

    def count(self, part: Counts, figure: str) -> Shown:
        number = part[figure]
        url = records_url(self.filters, figure, **self._within(part)) if number else ""
        return Shown(number, url=url)

    # --- cards -------------------------------------------------------------------------------

    def card(self, key: str) -> Card:
        rate = RATES[key]
        return Card(
            rate.label, rate.hint, self.total.rate(key), self.count(self.total, rate.part),
            self.count(self.total, rate.whole), _target(rate),
        )  # fmt: skip

    def plain(self, figure: str) -> tuple[Any, Shown]:
        return FIGURES[figure].label, self.count(self.total, figure)

    def groups(self) -> list[dict[str, Any]]:
        return [
            {
                "title": _("Promised times"),
                "cards": [self.card("response"), self.card("promised"), self.card("agreed")],
                "plain": [
                    self.plain(key) for key in
                    ("opened", "response_missed", "promised_missed", "agreed_missed", "over_24h")
                ],
            },
            {
                "title": _("How it was solved"),
                "cards": [self.card(key)
                          for key in ("first_contact", "remote", "visit", "reopened")],
                "plain": [self.plain(key) for key in ("solved", "not_solved", "closed")],
            },
            {
                "title": _("Extensions"),
                "cards": [self.card("extension_kept")],
                "plain": [
                    self.plain(key) for key in
                    ("extension_asked", "extension_consented", "extension_refused",
                     "extension_broken")
                ],
            },
        ]  # fmt: skip

    def summary(self) -> Table:
        """All figures of the period in one table."""
        rows: list[Sequence[Any]] = []
        for key, rate in RATES.items():
            part, whole = self.count(self.total, rate.part), self.count(self.total, rate.whole)
            rows.append([str(rate.label), _percent(self.total.rate(key)), part, whole,
                         _target(rate)])  # fmt: skip
        rated = {figure for rate in RATES.values() for figure in (rate.part, rate.whole)}
        rows += [
            [str(figure.label), None, self.count(self.total, figure.key), None, None]
            for figure in FIGURES.values()
            if figure.key not in rated and figure.key != BACKLOG
        ]
        return Table(
            "summary", _("Figures of the service level"),
            [_("Figure"), _("Rate (%)"), _("Number"), _("Of"), _("Target (%)")], rows,
        )  # fmt: skip

    # --- charts ------------------------------------------------------------------------------

    def charts(self) -> list[Chart | HeatMap]:
        return [
            self.attainment(), self.solutions(), self.extensions(), self.heat(), self.categories(),
            self.stores(), self.backlog(),
        ]  # fmt: skip

    def _chart(self, name: str, title: Any, kind: Any, *, table: Table, **more: Any) -> Chart:
        return Chart(
            name, title, kind, table=table, export_base=self.filters.query(export=""), **more
        )

    def attainment(self) -> Chart:
        rates = [RATES[key] for key in ("response", "promised", "agreed")]
        tones: tuple[Tone, ...] = ("info", "bad", "good")
        columns: list[Any] = [_("Period"), _("Taken in")]
        for rate in rates:
            columns += [f"{rate.label} (%)", _("in time"), _("of")]
        rows = []
        for part in self.parts:
            row: list[Any] = [self._label(part), self.count(part, "opened")]
            for rate in rates:
                row += [_percent(part.rate(rate.key)), self.count(part, rate.part),
                        self.count(part, rate.whole)]  # fmt: skip
            rows.append(row)
        return self._chart(
            "attainment", _("Attainment of the promised times"), "line", unit="%",
            subtitle={"day": _("by day"), "week": _("by week"), "month": _("by month")}[self.bucket],
            labels=[self._label(part) for part in self.parts],
            series=[
                Series(str(rate.label), [part.rate(rate.key) for part in self.parts],
                       [part.fraction(rate.key) for part in self.parts], tone=tone)
                for rate, tone in zip(rates, tones, strict=True)
            ],
            targets=[(str(_target_name(name)), value)
                     for name, value in settings.SERVICE_TARGETS.items()],
            links=[records_url(self.filters, "opened", **self._within(p)) for p in self.parts],
            table=Table("attainment", _("Attainment of the promised times"), columns, rows),
        )  # fmt: skip

    def _bars(self, name: str, title: Any, keys: Sequence[str], tones: Sequence[Tone], kind: Any
    ) -> Chart:  # fmt: skip
        labels = [str(FIGURES[key].label) for key in keys]
        return self._chart(
            name, title, kind, labels=[self._label(part) for part in self.parts],
            series=[
                Series(label, [part[key] for part in self.parts], tone=tone)
                for key, label, tone in zip(keys, labels, tones, strict=True)
            ],
            table=Table(
                name, title, [_("Period"), *labels],
                [[self._label(part), *(self.count(part, key) for key in keys)]
                 for part in self.parts],
            ),
        )  # fmt: skip

    def solutions(self) -> Chart:
        return self._bars(
            "solutions", _("How it was solved"), ("by_phone", "by_remote", "by_visit", "not_solved"),
            ("good", "info", "active", "neutral"), "stacked",
        )  # fmt: skip

    def extensions(self) -> Chart:
        keys = ("extension_asked", "extension_consented", "extension_refused", "extension_kept",
                "extension_broken")  # fmt: skip
        return self._bars(
            "extensions", _("Extensions"), keys, ("info", "active", "wait", "good", "bad"), "bar"
        )

    def backlog(self) -> Chart:
        counted = figures.backlog(self.chosen, self.now)
        labels = [str(label) for _hours, label in AGES]
        links = [records_url(self.filters, BACKLOG, age=n) for n in range(len(AGES))]
        return self._chart(
            "backlog", _("Open now, by age"), "bars", labels=labels, links=links, wide=True,
            subtitle=_("from all days, whatever the period"),
            series=[Series(gettext("Open now"), counted)],
            table=Table(
                "backlog", _("Open now, by age"), [_("Age"), _("Open now")],
                [[label, Shown(number, url=url if number else "")]
                 for label, number, url in zip(labels, counted, links, strict=True)],
            ),
        )  # fmt: skip

    def heat(self) -> HeatMap:
        return heat_map(
            "heat", _("Intake by weekday and hour"), self.spread.hours,
            subtitle=_("each cell opens its requests"),
            url=lambda hour: records_url(self.filters, "opened", hour=hour),
            export_base=self.filters.query(export=""),
        )  # fmt: skip

    def categories(self) -> Chart:
        top = self.spread.categories
        named = FaultCategory.objects.in_bulk([key for key, _count in top])
        found = [
            ([str(named[key])], number, str(named[key].uid))
            if key in named
            else ([gettext("none given")], number, NONE)
            for key, number in top
        ]
        return self._top(
            "categories", _("Most frequent faults"), [_("Fault category")], "category", found
        )

    def stores(self) -> Chart:
        top = self.spread.stores
        named = Store.objects.select_related("customer").in_bulk([key for key, _count in top])
        found = [
            ([named[key].name, named[key].customer.name], number, str(named[key].uid))
            for key, number in top
            if key in named
        ]
        return self._top(
            "stores", _("Stores with most requests"), [_("Store"), _("Customer")], "store", found
        )

    def _top(
        self,
        name: str,
        title: Any,
        columns: list[Any],
        parameter: str,
        found: list[tuple[list[str], int, str]],
    ) -> Chart:
        """found: what names it (the first is its label), how many, and its uid."""
        links = [records_url(self.filters, "opened", **{parameter: uid}) for _w, _n, uid in found]
        return self._chart(
            name, title, "bars", labels=[words[0] for words, _number, _uid in found], links=links,
            series=[Series(gettext("Requests taken in"), [number for _w, number, _u in found])],
            table=Table(
                name, title, [*columns, _("Requests taken in")],
                [[*words, Shown(number, url=url)]
                 for (words, number, _uid), url in zip(found, links, strict=True)],
            ),
        )  # fmt: skip


def _target(rate: Rate) -> int | None:
    return settings.SERVICE_TARGETS[rate.target] if rate.target else None


def _target_name(name: str) -> Any:
    return {"response": _("Target response"), "resolution": _("Target solution")}[name]


def _percent(rate: float | None) -> Shown | None:
    return None if rate is None else Shown(rate, f"{rate} %")
