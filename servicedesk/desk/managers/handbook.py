"""“Handbook” (手册): how often each rule was followed, with the records and their evidence.

Who does not hold `managers.see` gets the same pages with his own figures alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.models import Team, User
from servicedesk.core import subjects
from servicedesk.core.http import DeskRequest
from servicedesk.core.keyset import keyset_page
from servicedesk.core.models import Entry, RuleResult
from servicedesk.core.rules import RULES, Rule
from servicedesk.core.timeline import line
from servicedesk.desk.managers.charts import Chart, Series
from servicedesk.desk.managers.exports import Shown, Table, export
from servicedesk.desk.managers.filters import DIMENSIONS, ManagerFilter
from servicedesk.desk.managers.now_figures import Scope
from servicedesk.desk.managers.pages import filters_of, frame
from servicedesk.desk.managers.rule_figures import (
    ALL,
    LISTED,
    RuleFigures,
    Tally,
    all_rules,
    divided,
    months_to,
    one_rule,
    results,
)

CHAPTERS = {
    "GEN": _("General conduct"),
    "SLA": _("The 24-hour mechanism"),
    "CALL": _("Taking a call"),
    "REM": _("Remote troubleshooting"),
    "VISIT": _("On-site visit"),
    "PRE": _("Pre-sales support"),
    "TRN": _("Training after the sale"),
    "OPS": _("Operations around it"),
}
NOBODY = "nobody"
# The box of a trend, in units of its SVG.
WIDTH, HEIGHT, EDGE = 120, 28, 3


@require_GET
def page(request: DeskRequest) -> HttpResponseBase:
    """All rules. No overall score: one number says nothing about service."""
    filters, scope, sees_all = _asked(request)
    span = filters.span
    rows = [_row(figures, filters, span.last) for figures in all_rules(scope, span)]
    if (file := _exported(request, [_rules_table(rows)], filters)) is not None:
        return file  # type: ignore[no-any-return]
    context = frame(request, filters) | {
        "chapters": [
            (label, found)
            for key, label in CHAPTERS.items()
            if (found := [row for row in rows if row.rule.id.startswith(f"{key}-")])
        ],
        "sees_all": sees_all,
        "months": f"{months_to(span.last)[0]:%Y-%m} – {span.last:%Y-%m}",
        "export_base": filters.query(export=""),
    }
    return render(request, "managers/handbook.html", _own(context, sees_all))


@require_GET
def rule_page(request: DeskRequest, rule_id: str) -> HttpResponseBase:
    """One rule: over months, by team and person, and the records with their evidence."""
    rule = next((rule for rule in RULES.values() if rule.id == rule_id), None)
    if rule is None:
        raise Http404
    filters, scope, sees_all = _asked(request)
    answer = request.GET.get("answer", "")
    found = results(request.actor, scope, filters.span, rule.id).filter(LISTED.get(answer, ALL))
    found, narrowed = _narrowed(request, found)
    figures = one_rule(rule, scope, filters.span)
    trend = _trend(figures, filters)
    teams = _divided(rule, scope, filters, "team") if sees_all else None
    people = _divided(rule, scope, filters, "person") if sees_all else None
    tables = [table for table in (teams, people, trend.table) if table is not None]
    if (file := _exported(request, [*tables, _records_table(rule, found)], filters)) is not None:
        return file  # type: ignore[no-any-return]
    records = keyset_page(found, request.GET, "-counts_at", "-pk")
    context = frame(request, filters) | {
        "rule": rule,
        "row": _row(figures, filters, filters.span.last),
        "trend": trend,
        "teams": teams,
        "people": people,
        "answers": _answers(request, figures.period, filters, rule, answer),
        "answer": answer,
        "narrowed": narrowed,
        "count": found.count(),
        "page": records,
        "rows": _evidence(records.rows),
        "sees_all": sees_all,
        "back": reverse("desk:managers_handbook") + filters.query(),
        "query": request.GET.urlencode(),
    }
    return render(request, "managers/handbook_rule.html", _own(context, sees_all))


def _asked(request: DeskRequest) -> tuple[ManagerFilter, Scope, bool]:
    """The filters and whom they may reach."""
    if not request.actor.may("rules.see_own"):
        raise PermissionDenied
    filters = filters_of(request)
    if request.actor.may("managers.see"):
        return filters, Scope.of(filters), True
    for name in DIMENSIONS:
        del filters.fields[name]
        filters.cleaned_data.pop(name, None)
        filters.errors.pop(name, None)
    return filters, Scope(person_id=request.actor.id or 0), False


def _own(context: dict[str, Any], sees_all: bool) -> dict[str, Any]:  # noqa: FBT001
    """The tabs lead to pages that only managers open."""
    return context if sees_all else context | {"tabs": []}


def _exported(request: DeskRequest, tables: Sequence[Table], filters: ManagerFilter) -> Any:
    return export(request, tables, filters) if request.GET.get("export") else None


def _narrowed(
    request: DeskRequest, found: QuerySet[RuleResult]
) -> tuple[QuerySet[RuleResult], list[Any]]:
    """Records of nobody: of no team (`of_team=nobody`), of no person."""
    words: list[Any] = []
    if request.GET.get("of_team") == NOBODY:
        found = found.filter(team_id__isnull=True)
        words.append(_("of no team"))
    if request.GET.get("of_person") == NOBODY:
        found = found.filter(person_id__isnull=True)
        words.append(_("of nobody"))
    return found, words


# --- the figures of a rule --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """What a rule's line shows; the numbers lead to their records."""

    rule: Rule
    tally: Tally
    kept: Shown
    broken: Shown
    not_provable: Shown
    judged: Shown
    url: str
    points: str
    dots: list[tuple[float, float]]
    trend: str

    @property
    def rate(self) -> float | None:
        return self.tally.rate

    @property
    def fraction(self) -> str:
        return self.tally.fraction


def records_url(filters: ManagerFilter, rule: Rule, answer: str, **more: Any) -> str:
    query = {"answer": answer, **more} if answer else more
    return reverse("desk:managers_rule", args=[rule.id]) + filters.query(**query)


def _shown(filters: ManagerFilter, rule: Rule, tally: Tally, answer: str, **more: Any) -> Shown:
    number = tally[answer]
    return Shown(number, url=records_url(filters, rule, answer, **more) if number else "")


def _row(figures: RuleFigures, filters: ManagerFilter, last: date) -> Row:
    rule, tally = figures.rule, figures.period
    months = months_to(last)
    points, dots = _points([figures.months[month].rate for month in months])
    spoken = [
        f"{date_format(month, gettext('M Y'))}: {found.rate} % ({found.fraction})"
        for month in months
        if (found := figures.months[month]).judged
    ]

    def shown(answer: str) -> Shown:
        return _shown(filters, rule, tally, answer)

    return Row(
        rule, tally, shown("kept"), shown("broken"), shown("not_provable"), shown("judged"),
        records_url(filters, rule, ""), points, dots, "\n".join(spoken),
    )  # fmt: skip


def _points(rates: list[float | None]) -> tuple[str, list[tuple[float, float]]]:
    """The line of a small trend from 0 % at the bottom to 100 % on top; months without a rate are
    left out."""
    step = (WIDTH - 2 * EDGE) / max(len(rates) - 1, 1)
    dots = [
        (round(EDGE + n * step, 1), round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * rate / 100, 1))
        for n, rate in enumerate(rates)
        if rate is not None
    ]
    return " ".join(f"{x},{y}" for x, y in dots), dots


def _trend(figures: RuleFigures, filters: ManagerFilter) -> Chart:
    months = months_to(filters.span.last)
    labels = [date_format(month, gettext("M Y")) for month in months]
    tallies = [figures.months[month] for month in months]
    days = [{"since": month.isoformat(), "until": _last_of(month).isoformat()} for month in months]
    rows = [
        [label, _percent(tally.rate),
         *(_shown(filters, figures.rule, tally, name, **within)
           for name in ("kept", "broken", "not_provable"))]
        for label, tally, within in zip(labels, tallies, days, strict=True)
    ]  # fmt: skip
    return Chart(
        "trend", _("Trend over months"), "line", labels=labels, unit="%",
        series=[Series(gettext("Followed"), [tally.rate for tally in tallies],
                       [tally.fraction for tally in tallies], tone="info")],
        links=[records_url(filters, figures.rule, "judged", **within) for within in days],
        export_base=filters.query(export=""),
        table=Table("trend", _("Trend over months"), [
            _("Month"), _("Rate (%)"), _("Followed"), _("Broken"), _("Not provable"),
        ], rows),
    )  # fmt: skip


def _last_of(month: date) -> date:
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


def _divided(
    rule: Rule, scope: Scope, filters: ManagerFilter, by: Literal["team", "person"]
) -> Table:
    """One row for each team or person, the most answers first."""
    found = divided(rule, scope, filters.span, by)
    model: Any = Team if by == "team" else User
    named = model._base_manager.in_bulk([key for key in found if key])
    rows: list[list[Any]] = []
    for key, tally in sorted(found.items(), key=lambda item: -item[1].total):
        owner = named.get(key)
        more: dict[str, str] = {by: str(owner.uid)} if owner else {f"of_{by}": NOBODY}

        def shown(name: str, tally: Tally = tally, more: dict[str, str] = more) -> Shown:
            return _shown(filters, rule, tally, name, **more)

        rows.append([
            str(owner) if owner else gettext("None"), _percent(tally.rate), shown("kept"),
            shown("judged"), shown("broken"), shown("not_provable"),
        ])  # fmt: skip
    title = _("By team") if by == "team" else _("By person")
    return Table(by, title, [
        _("Team") if by == "team" else _("Person"), _("Rate (%)"), _("Followed"), _("of"),
        _("Broken"), _("Not provable"),
    ], rows)  # fmt: skip


def _answers(
    request: DeskRequest, tally: Tally, filters: ManagerFilter, rule: Rule, answer: str
) -> list[tuple[Any, str, bool, int | None]]:
    """The views of the list: the three answers; what does not apply stands aside, uncounted."""
    labels: list[tuple[str, Any, int | None]] = [
        ("", _("All"), tally.total),
        *((name, RuleResult.Answer(name).label, tally[name])
          for name in ("kept", "broken", "not_provable")),
        ("not_applicable", RuleResult.Answer.NOT_APPLICABLE.label, None),
    ]  # fmt: skip
    return [
        (label, f"{records_url(filters, rule, name)}#records", name == answer, count)
        for name, label, count in labels
    ]


def _evidence(found: list[RuleResult]) -> list[dict[str, Any]]:
    """Each answer with its record and the journal entries that it rests on."""
    records = subjects.find_all((row.subject_kind, row.subject_id) for row in found)
    wanted = {uid for row in found for uid in row.evidence}
    entries = {str(entry.uid): line(entry) for entry in Entry.objects.filter(uid__in=wanted)}
    return [
        {
            "result": row,
            "subject": records.get((row.subject_kind, row.subject_id)),
            "evidence": [entries[uid] for uid in row.evidence if uid in entries],
        }
        for row in found
    ]


# --- exports ----------------------------------------------------------------------------------


def _rules_table(rows: list[Row]) -> Table:
    return Table("rules", _("Rules of the handbook"), [
        _("Rule"), _("Title"), _("Attested"), _("Rate (%)"), _("Followed"), _("Broken"),
        _("Not provable"),
    ], [
        [row.rule.id, str(row.rule.title), _("yes") if row.rule.attested else "", row.rate,
         row.kept, row.broken, row.not_provable]
        for row in rows
    ])  # fmt: skip


def _records_table(rule: Rule, found: QuerySet[RuleResult]) -> Table:
    def rows() -> Iterator[list[Any]]:
        batch: list[RuleResult] = []
        for row in found.order_by("-counts_at", "-pk").iterator(chunk_size=500):
            batch.append(row)
            if len(batch) == 500:
                yield from _lines(batch)
                batch = []
        yield from _lines(batch)

    columns = [_("Record"), _("Answer"), _("Remark"), _("Counts for"), _("Evidence")]
    return Table("records", f"{rule.id} {rule.title}", columns, rows(), length=found.count())


def _lines(batch: list[RuleResult]) -> Iterator[list[Any]]:
    for each in _evidence(batch):
        result: RuleResult = each["result"]
        evidence = "; ".join(
            f"{timezone.localtime(entry.at):%Y-%m-%d %H:%M} {entry.label}"
            for entry in each["evidence"]
        )
        yield [
            str(each["subject"] or ""), str(result.get_answer_display()), result.note,
            f"{timezone.localtime(result.counts_at):%Y-%m-%d %H:%M}", evidence,
        ]  # fmt: skip


def _percent(rate: float | None) -> Shown | None:
    return None if rate is None else Shown(rate, f"{rate:.1f} %")
