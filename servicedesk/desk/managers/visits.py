"""“Visits” (上门): punctuality, notices, missed customers, one-visit fixes, hand-in, satisfaction."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, cast

from django.db.models import QuerySet
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from servicedesk.core.http import DeskRequest
from servicedesk.core.keyset import keyset_page
from servicedesk.core.templatetags.desk import spell_duration
from servicedesk.desk.managers.charts import Chart, Series
from servicedesk.desk.managers.exports import Shown, Table, export
from servicedesk.desk.managers.figures import bucket_of
from servicedesk.desk.managers.filters import ManagerFilter
from servicedesk.desk.managers.now_figures import Scope
from servicedesk.desk.managers.pages import filters_of, frame, managers_page
from servicedesk.desk.managers.service_level import Card
from servicedesk.desk.managers.visit_days import Bucket
from servicedesk.desk.managers.visit_figures import (
    ASPECT_LABELS,
    LABELS,
    NOTICES,
    Counts,
    figures,
    records,
)
from servicedesk.desk.managers.visit_measures import ASPECTS, SCORES

ARRIVALS = ("on_time", "early", "tight", "late")
HAND_INS = ("hand_4", "hand_24", "hand_48", "hand_more", "not_handed_in")
# The rates of an engineer, in the order of `Report.engineers_rows`.
RATED = (
    _("On time"), _("Told of delay"), _("Told of new time"), _("Solved at once"),
    _("Handed in in time"),
)  # fmt: skip
TONES: dict[str, Any] = {
    "on_time": "good", "early": "info", "tight": "wait", "late": "bad", "hand_4": "good",
    "hand_24": "info", "hand_48": "wait", "hand_more": "bad", "not_handed_in": "neutral",
}  # fmt: skip


@managers_page
def page(request: DeskRequest) -> HttpResponseBase:
    report = Report(request, filters_of(request))
    charts = report.charts()
    tables = [report.by_engineer(), *(chart.table for chart in charts)]
    if (file := export(request, tables, report.filters)) is not None:
        return file
    context = frame(request, report.filters) | {
        "groups": report.groups(),
        "engineers": report.engineers_rows(),
        "rated": RATED,
        "main": charts[0],
        "charts": charts[1:],
        "export_base": report.filters.query(export=""),
    }
    return render(request, "managers/visits.html", context)


@managers_page
def list_page(request: DeskRequest, figure: str) -> HttpResponseBase:
    """The visits behind one figure, by the same condition that counted them."""
    filters = filters_of(request)
    found = records(request.actor, Scope.of(filters), filters.span, figure, now=timezone.now())
    if found is None:
        raise Http404
    missed = figure == "missed"
    related = ("store", "engineer", "customer")
    found = found.select_related(*(f"visit__{name}" for name in related) if missed else related)
    if (file := export(request, [_record_table(figure, found)], filters)) is not None:
        return file
    context = frame(request, filters) | {
        "kind": "notes" if missed else "visits",
        "title": label_of(figure),
        "narrowed": [filters.described],
        "count": found.count(),
        "page": keyset_page(found, request.GET, "pk" if missed else "arrived_at", *(
            () if missed else ("pk",))),
        "back": reverse("desk:managers_visits") + filters.query(),
        "back_label": _("Visits"),
        "query": request.GET.urlencode(),
    }  # fmt: skip
    return render(request, "managers/record_list.html", context)


def label_of(figure: str) -> Any:
    if figure in LABELS:
        return LABELS[figure]
    aspect, _sep, score = figure.rpartition("_")
    return f"{ASPECT_LABELS[aspect]}: {score}"


def _record_table(figure: str, found: QuerySet[Any]) -> Table:
    def rows() -> Any:
        for record in found.order_by("pk").iterator(chunk_size=500):
            visit = getattr(record, "visit", record)
            moments = (visit.window_from, visit.arrived_at, visit.finished_at, visit.handed_in_at)
            yield [
                str(record), visit.number, str(visit.store), str(visit.engineer or ""),
                visit.get_status_display(),
                *(f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else None for at in moments),
            ]  # fmt: skip

    columns = [
        _("Record"), _("Form number"), _("Store"), _("Engineer"), _("Status"), _("Appointment"),
        _("Arrived"), _("Work done"), _("Handed in"),
    ]  # fmt: skip
    return Table("records", label_of(figure), columns, rows(), length=found.count())


class Report:
    """All that the page shows, read in a fixed number of queries."""

    def __init__(self, request: DeskRequest, filters: ManagerFilter) -> None:
        self.filters, self.span = filters, filters.span
        self.bucket = cast(Bucket, bucket_of(self.span))
        now = timezone.now()
        found = figures(request.actor, Scope.of(filters), self.span, self.bucket, now=now)
        self.total, self.time, self.engineers = found.total, found.by_time, found.by_engineer
        self.people = User.objects.visible_to(request.actor).in_bulk(list(found.by_engineer))
        self.firsts = self._buckets(min(self.span.last, timezone.localdate(now)))

    # --- addresses ---------------------------------------------------------------------------

    def shown(self, counts: Counts, figure: str, **more: str) -> Shown:
        """A number that leads to its visits."""
        number = counts[figure]
        url = reverse("desk:managers_visits_list", args=[figure]) + self.filters.query(**more)
        return Shown(number, url=url if number else "")

    def answers(self, counts: Counts, rule: str, answer: str, **more: str) -> Shown:
        """Of a rule: leads to the handbook's page, to the same answers."""
        number = counts[f"{rule}:{answer}"]
        url = reverse("desk:managers_rule", args=[rule])
        query = self.filters.query(answer=answer, **more)
        return Shown(number, url=url + query if number else "")

    # --- cards -------------------------------------------------------------------------------

    def card(self, label: Any, hint: Any, part: str, whole: str) -> Card:
        return Card(
            label, hint, self.total.rate(part, whole), self.shown(self.total, part),
            self.shown(self.total, whole), None,
        )  # fmt: skip

    def notice(self, label: Any, hint: Any, rule: str) -> Card:
        return Card(
            label, hint, self.total.rate(f"{rule}:kept", f"{rule}:judged"),
            self.answers(self.total, rule, "kept"), self.answers(self.total, rule, "judged"), None,
        )  # fmt: skip

    def groups(self) -> list[dict[str, Any]]:
        mean = self.total.hand_in_mean
        return [
            {
                "title": _("Punctuality and notices"),
                "cards": [
                    self.card(_("Arrived 5–10 minutes before"), _("VISIT-12, of all with an appointment"),
                              "on_time", "appointed"),
                    self.notice(_("Told before coming late"), _("VISIT-13, of archived visits"),
                                NOTICES[0]),
                    self.notice(_("Told in time of another appointment"),
                                _("VISIT-14, of archived visits"), NOTICES[1]),
                ],
                "plain": [
                    (LABELS[name], self.shown(self.total, name))
                    for name in ("arrived", "late", "missed")
                ],
            },
            {
                "title": _("The work and its form"),
                "cards": [
                    self.card(_("Solved by one visit"),
                              _("First visits of a request, solved, and nobody had to come again"),
                              "fixed", "first"),
                    self.card(_("Handed in within 24 hours"), _("after the work was done, VISIT-23"),
                              "handed_in_time", "to_hand_in"),
                ],
                "plain": [
                    (LABELS["not_handed_in"], self.shown(self.total, "not_handed_in")),
                    (_("From the work's end to the hand-in, on average"),
                     spell_duration(mean.total_seconds()) if mean is not None else "—"),
                ],
            },
            {
                "title": _("Satisfaction"),
                "cards": [],
                "means": [
                    (ASPECT_LABELS[aspect], self._mean(aspect), self.shown(self.total, "rated"))
                    for aspect in ASPECTS
                ],
                "plain": [
                    (LABELS[name], self.shown(self.total, name)) for name in ("rated", "low")
                ],
            },
        ]  # fmt: skip

    def _mean(self, aspect: str) -> str:
        mean = self.total.mean_score(aspect)
        return "—" if mean is None else f"{mean:.2f}"

    # --- by engineer -------------------------------------------------------------------------

    def engineers_rows(self) -> list[dict[str, Any]]:
        """One for each engineer, the most visits first; key 0 are visits without one."""
        rows = []
        for key, counts in sorted(self.engineers.items(), key=lambda item: -item[1]["arrived"]):
            person = self.people.get(key)
            more = {"person": str(person.uid)} if person else {}

            def n(figure: str, counts: Counts = counts, more: dict[str, str] = more) -> Shown:
                return self.shown(counts, figure, **more)

            def rated(
                part: str, whole: str, counts: Counts = counts, more: dict[str, str] = more
            ) -> dict[str, Any]:
                return {
                    "rate": counts.rate(part, whole), "part": self.shown(counts, part, **more),
                    "whole": self.shown(counts, whole, **more),
                }  # fmt: skip

            def told(
                rule: str, counts: Counts = counts, more: dict[str, str] = more
            ) -> dict[str, Any]:
                return {
                    "rate": counts.rate(f"{rule}:kept", f"{rule}:judged"),
                    "part": self.answers(counts, rule, "kept", **more),
                    "whole": self.answers(counts, rule, "judged", **more),
                }

            rows.append({
                "name": person.name if person else gettext("Nobody"),
                "arrived": n("arrived"), "late": n("late"), "missed": n("missed"),
                "rated": n("rated"), "low": n("low"),
                "rates": [
                    rated("on_time", "appointed"), told(NOTICES[0]), told(NOTICES[1]),
                    rated("fixed", "first"), rated("handed_in_time", "to_hand_in"),
                ],
            })  # fmt: skip
        return rows

    def by_engineer(self) -> Table:
        """The same for a file: each rate with its two counts in columns of their own."""
        columns: list[Any] = [
            _("Engineer"), _("Visits"), _("Late"), _("Not met"), _("Ratings"), _("Low"),
        ]  # fmt: skip
        for label in RATED:
            columns += [f"{label} (%)", _("kept"), _("of")]
        rows = [
            [
                row["name"], row["arrived"], row["late"], row["missed"], row["rated"], row["low"],
                *(cell for each in row["rates"]
                  for cell in (_percent(each["rate"]), each["part"], each["whole"])),
            ]
            for row in self.engineers_rows()
        ]  # fmt: skip
        return Table("engineers", _("By engineer"), columns, rows)

    # --- over time ---------------------------------------------------------------------------

    def _buckets(self, until: date) -> list[date]:
        first, found = self._first_of(self.span.first), []
        while first <= max(until, self.span.first):
            found.append(first)
            first = self._first_of(self._last_of(first) + timedelta(days=1))
        return found

    def _first_of(self, day: date) -> date:
        if self.bucket == "week":
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self.bucket == "month" else day

    def _last_of(self, first: date) -> date:
        if self.bucket == "week":
            return first + timedelta(days=6)
        if self.bucket == "month":
            return (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        return first

    def _within(self, first: date) -> dict[str, str]:
        return {
            "since": max(first, self.span.first).isoformat(),
            "until": min(self._last_of(first), self.span.last).isoformat(),
        }

    def _label(self, first: date) -> str:
        pattern = gettext("M Y") if self.bucket == "month" else gettext("M j")
        return date_format(max(first, self.span.first), pattern)

    def charts(self) -> list[Chart]:
        return [self.rates(), self.arrivals(), self.hand_ins(), self.satisfaction()]

    def _chart(self, name: str, title: Any, kind: Any, **more: Any) -> Chart:
        return Chart(name, title, kind, export_base=self.filters.query(export=""), **more)

    def rates(self) -> Chart:
        """The three shares over time, each with its counts."""
        wanted: list[tuple[Any, str, str, Any]] = [
            (_("Arrived 5–10 minutes before"), "on_time", "appointed", "info"),
            (_("Solved by one visit"), "fixed", "first", "good"),
            (_("Handed in within 24 hours"), "handed_in_time", "to_hand_in", "active"),
        ]
        parts = [(first, self.time.get(first, Counts())) for first in self.firsts]
        columns: list[Any] = [_("Period"), _("Visits")]
        for label, _part, _whole, _tone in wanted:
            columns += [f"{label} (%)", _("kept"), _("of")]
        rows = []
        for first, counts in parts:
            days = self._within(first)
            row: list[Any] = [self._label(first), self.shown(counts, "arrived", **days)]
            for _l, part, whole, _t in wanted:
                row += [_percent(counts.rate(part, whole)), self.shown(counts, part, **days),
                        self.shown(counts, whole, **days)]  # fmt: skip
            rows.append(row)
        return self._chart(
            "rates", _("Three rates over time"), "line", unit="%",
            labels=[self._label(first) for first in self.firsts],
            series=[
                Series(str(label), [counts.rate(part, whole) for _f, counts in parts],
                       [f"{counts[part]}/{counts[whole]}" for _f, counts in parts], tone=tone)
                for label, part, whole, tone in wanted
            ],
            table=Table("rates", _("Visits over time"), columns, rows),
        )  # fmt: skip

    def arrivals(self) -> Chart:
        """Early, as the handbook wants it, on the last minute, late."""
        parts = [(first, self.time.get(first, Counts())) for first in self.firsts]
        return self._chart(
            "arrivals", _("When the engineers came"), "stacked",
            labels=[self._label(first) for first in self.firsts],
            series=[
                Series(str(LABELS[name]), [counts[name] for _f, counts in parts], tone=TONES[name])
                for name in ARRIVALS
            ],
            table=Table(
                "arrivals", _("When the engineers came"),
                [_("Period"), *(LABELS[name] for name in ARRIVALS)],
                [
                    [self._label(first),
                     *(self.shown(counts, name, **self._within(first)) for name in ARRIVALS)]
                    for first, counts in parts
                ],
            ),
        )  # fmt: skip

    def hand_ins(self) -> Chart:
        labels = [str(LABELS[name]) for name in HAND_INS]
        return self._chart(
            "hand_ins", _("How long the forms took"), "bars", labels=labels,
            series=[Series(gettext("Forms"), [self.total[name] for name in HAND_INS])],
            links=[self.shown(self.total, name).url for name in HAND_INS],
            table=Table(
                "hand_ins", _("How long the forms took"), [_("Handed in"), _("Forms")],
                [[label, self.shown(self.total, name)]
                 for label, name in zip(labels, HAND_INS, strict=True)],
            ),
        )  # fmt: skip

    def satisfaction(self) -> Chart:
        labels = [str(ASPECT_LABELS[aspect]) for aspect in ASPECTS]
        tones: dict[int, Any] = {5: "good", 4: "info", 3: "neutral", 2: "wait", 1: "bad"}
        return self._chart(
            "satisfaction", _("What customers gave, 1 to 5"), "stacked", labels=labels,
            series=[
                Series(str(score), [self.total[f"{aspect}_{score}"] for aspect in ASPECTS],
                       tone=tones[score])
                for score in SCORES
            ],
            table=Table(
                "satisfaction", _("What customers gave, 1 to 5"),
                [_("Aspect"), *map(str, SCORES), _("Mean")],
                [
                    [ASPECT_LABELS[aspect],
                     *(self.shown(self.total, f"{aspect}_{score}") for score in SCORES),
                     self.total.mean_score(aspect)]
                    for aspect in ASPECTS
                ],
            ),
        )  # fmt: skip


def _percent(rate: float | None) -> Shown | None:
    return None if rate is None else Shown(rate, f"{rate:.1f} %")
