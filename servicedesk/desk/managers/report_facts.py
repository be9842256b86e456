"""What a monthly report (MR) says, as plain data, and the proof that it agrees with its annex.

The annex lists every ticket and visit of the month, each with the names of the figures it counts
for. `recount` adds these up again: a report whose figures say anything else is not made.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import BooleanField, Case, Value, When
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from customers.models import Customer, Store
from knowledge.models import FaultCategory
from servicedesk.core.actors import Actor
from servicedesk.desk.managers import figures, visit_figures
from servicedesk.desk.managers.figures import FIGURES, RATES, Counts, Selection
from servicedesk.desk.managers.filters import Period
from servicedesk.desk.managers.now_figures import Scope
from servicedesk.desk.managers.visit_figures import ASPECT_LABELS, LABELS
from servicedesk.desk.managers.visit_measures import ASPECTS, SCORES, conditions
from servicedesk.desk.models import TicketFact
from sla.models import Deadline
from tickets.models import Ticket
from visits.models import MissedNote, VisitOrder

# Longer annexes are no reading, and take the renderer more time than a form may have.
MOST_LINES = 2000
# Of these, so many are kept for visits, however many tickets there are.
KEPT_FOR_VISITS = 500
# Wider names are cut in the annex, so that a line stays one line, mostly.
NAME_WIDTH = 36

PROMISED = ("response", "promised", "agreed")
SOLVED = ("first_contact", "remote", "visit", "reopened")
# Of the requests taken in: solved in time, missed, and neither yet.
WAITING = "promised_waiting"
VISIT_RATES = (("on_time", "appointed"), ("fixed", "first"), ("handed_in_time", "to_hand_in"))
VISIT_NUMBERS = ("arrived", "early", "tight", "late", "missed", "not_handed_in", "rated", "low")
VISIT_KEYS = tuple(
    key
    for key in dict.fromkeys([*(key for pair in VISIT_RATES for key in pair), *VISIT_NUMBERS])
    if key not in {"arrived", "missed"}
)
ARRIVALS = ("early", "on_time", "tight", "late")


def month_of(first: date) -> Period:
    following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    return Period(first.replace(day=1), following - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Told:
    """Whose month, as it stood when."""

    month: date
    customer: Customer | None
    at: datetime
    by: Actor

    @property
    def span(self) -> Period:
        return month_of(self.month)

    @property
    def selection(self) -> Selection:
        return Selection(customer=self.customer.pk if self.customer else None)

    @property
    def scope(self) -> Scope:
        return Scope(customer_id=self.customer.pk if self.customer else None)


def report_data(told: Told, *, number: str) -> dict[str, Any]:
    """Every printed value, copied, in the language of the form. A fixed number of queries."""
    with translation.override(settings.LANGUAGE_CODE):
        days = figures.series(told.selection, told.span, "day", told.at)
        total = figures.total(days)
        found = visit_figures.figures(told.by, told.scope, told.span, "week", now=told.at)
        visits, notes = _visits(told), _notes(told)
        numbers = {
            "tickets": total["opened"],
            "visits": found.total["arrived"],
            "notes": found.total["missed"],
        }
        room = MOST_LINES - min(numbers["visits"] + numbers["notes"], KEPT_FOR_VISITS)
        lines: dict[str, list[dict[str, Any]]] = {"tickets": _ticket_lines(told, room)}
        room = MOST_LINES - len(lines["tickets"])
        lines["notes"] = [_note_line(note, told) for note in notes[: min(room, KEPT_FOR_VISITS)]]
        lines["visits"] = _visit_lines(visits, told, room - len(lines["notes"]))
        counted = {name: _keys(rows) for name, rows in lines.items()}
        return {
            "number": number,
            "month": told.span.first.isoformat(),
            "title": date_format(told.month, _("M Y")),
            "customer": told.customer.name if told.customer else "",
            "first": told.span.first.isoformat(),
            "last": told.span.last.isoformat(),
            "made_at": _moment(told.at, None),
            "made_by": _("automatically") if told.by.kind == "system" else told.by.label,
            # A month that is not over yet.
            "so_far": told.at < told.span.end,
            "empty": not any(numbers.values()),
            "groups": _groups(total, counted["tickets"]),
            "visit_groups": _visit_groups(found.total, counted),
            "scores": _scores(found.total, counted["visits"]),
            "charts": _charts(told.span, days, found),
            "tops": _tops(told),
            "lines": lines,
            "left_out": {name: n - len(lines[name]) for name, n in numbers.items()},
            "most_lines": MOST_LINES,
        }


# --- figures ---------------------------------------------------------------------------------


def _figure(
    label: Any, key: str, number: int, lines: Counter[str], whole: tuple[str, int] | None = None,
    target: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A number, or a share with the two numbers it stands on; and how many lines say so."""
    row: dict[str, Any] = {"label": str(label), "key": key, "number": number, "lines": lines[key]}
    if whole is not None:
        of, of_number = whole
        rate = round(100 * number / of_number, 1) if of_number else None
        row |= {
            "of": of, "of_number": of_number, "of_lines": lines[of],
            "rate": "" if rate is None else f"{rate:.1f} %", "target": target,
            "tone": "" if rate is None or target is None else "good" if rate >= target else "bad",
        }  # fmt: skip
    return row


def _groups(total: Counts, lines: Counter[str]) -> list[dict[str, Any]]:
    def rate(key: str) -> dict[str, Any]:
        rate = RATES[key]
        target = settings.SERVICE_TARGETS[rate.target] if rate.target else None
        whole = (rate.whole, total[rate.whole])
        return _figure(rate.label, rate.part, total[rate.part], lines, whole, target)

    def plain(key: str) -> dict[str, Any]:
        return _figure(FIGURES[key].label, key, total[key], lines)

    return [
        {
            "title": _("Promised times"),
            "rates": [rate(key) for key in PROMISED],
            "plain": [
                plain(key) for key in
                ("opened", "response_missed", "promised_missed", "agreed_missed", "over_24h")
            ],
        },
        {
            "title": _("How it was solved"),
            "rates": [rate(key) for key in SOLVED],
            "plain": [plain(key) for key in ("solved", "by_phone", "not_solved", "closed")],
        },
        {
            "title": _("Extensions"),
            "rates": [rate("extension_kept")],
            "plain": [
                plain(f"extension_{what}") for what in ("asked", "consented", "refused", "broken")
            ],
        },
    ]  # fmt: skip


def _visit_groups(
    total: visit_figures.Counts, counted: dict[str, Counter[str]]
) -> list[dict[str, Any]]:
    lines = counted["visits"] + counted["notes"]
    rates = [
        _figure(LABELS[key], key, total[key], lines, (of, total[of])) for key, of in VISIT_RATES
    ]
    plain = [_figure(LABELS[key], key, total[key], lines) for key in VISIT_NUMBERS]
    return [{"title": _("Visits"), "rates": rates, "plain": plain}]


def _scores(total: visit_figures.Counts, lines: Counter[str]) -> list[dict[str, Any]]:
    """How often each score was given, from 5 to 1."""
    rows = []
    for aspect in ASPECTS:
        keys = [f"{aspect}_{score}" for score in SCORES]
        mean = total.mean_score(aspect)
        rows.append({
            "label": str(ASPECT_LABELS[aspect]), "keys": keys,
            "numbers": [total[key] for key in keys], "lines": sum(lines[key] for key in keys),
            "mean": "" if mean is None else f"{mean:.2f}",
        })  # fmt: skip
    return rows


def _charts(
    span: Period, days: Sequence[Counts], visits: visit_figures.Figures
) -> list[dict[str, Any]]:
    """Bars as counts: `values[i]` is the number of lines with the key in the stretch `i`."""
    by_day = {part.first: part for part in days}
    every_day = [span.first + timedelta(days=n) for n in range(span.days)]
    weeks = list(dict.fromkeys(day - timedelta(days=day.weekday()) for day in every_day))
    by_week: dict[date, Counter[str]] = defaultdict(Counter)
    for part in days:
        assert part.first is not None
        week = by_week[part.first - timedelta(days=part.first.weekday())]
        for key in FIGURES:
            week[key] += part[key]
    week_labels = [
        " – ".join(
            dict.fromkeys(
                f"{day:%m-%d}"
                for day in (max(week, span.first), min(week + timedelta(days=6), span.last))
            )
        )
        for week in weeks
    ]

    def of_day(day: date, key: str) -> int:
        part = by_day.get(day)
        if part is None:
            return 0
        return part["opened"] - part["promised_judged"] if key == WAITING else part[key]

    def stacked(name: str, kind: str, title: str, labels: Sequence[str], stretches: Sequence[date],
                series: Iterable[tuple[Any, str, str, list[int]]]) -> dict[str, Any]:  # fmt: skip
        return {
            "name": name, "lines": kind, "title": title, "labels": list(labels),
            "starts": [day.isoformat() for day in stretches], "shares": False,
            "series": [
                {"label": str(label), "key": key, "tone": tone, "values": values}
                for label, key, tone, values in series
            ],
        }  # fmt: skip

    attainment = {
        "name": "attainment", "lines": "tickets", "title": _("Attainment by week"), "shares": True,
        "labels": week_labels, "starts": [week.isoformat() for week in weeks],
        "series": [
            {
                "label": str(RATES[key].label), "tone": tone,
                "key": RATES[key].part, "of": RATES[key].whole,
                "values": [by_week[week][RATES[key].part] for week in weeks],
                "wholes": [by_week[week][RATES[key].whole] for week in weeks],
            }
            for key, tone in zip(PROMISED, ("info", "active", "good"), strict=True)
        ],
    }  # fmt: skip
    return [
        stacked(
            "intake", "tickets", _("Requests by day of intake"),
            [str(day.day) for day in every_day], every_day,
            [
                (label, key, tone, [of_day(day, key) for day in every_day])
                for label, key, tone in (
                    (FIGURES["promised_in_time"].label, "promised_in_time", "good"),
                    (FIGURES["promised_missed"].label, "promised_missed", "bad"),
                    (_("Open, promised time not over"), WAITING, "neutral"),
                )
            ],
        ),
        attainment,
        stacked(
            "solutions", "tickets", _("How it was solved, by week"), week_labels, weeks,
            [
                (FIGURES[key].label, key, tone, [by_week[week][key] for week in weeks])
                for key, tone in (("by_phone", "good"), ("by_remote", "info"),
                                  ("by_visit", "active"), ("not_solved", "neutral"))
            ],
        ),
        stacked(
            "arrivals", "visits", _("Arrival of the engineers, by week"), week_labels, weeks,
            [
                (LABELS[key], key, tone, [visits.by_time[week][key] for week in weeks])
                for key, tone in zip(ARRIVALS, ("info", "good", "wait", "bad"), strict=True)
            ],
        ),
    ]  # fmt: skip


def _tops(told: Told) -> list[dict[str, Any]]:
    """The fault categories and stores with most requests; `of` is what a line is known by."""
    spread = figures.spread(told.selection, told.span)
    categories = FaultCategory.objects.in_bulk([key for key, _number in spread.categories])
    stores = Store.objects.select_related("customer").in_bulk([key for key, _n in spread.stores])
    return [
        {
            "title": _("Most frequent faults"), "of": "category_uid",
            "rows": [
                {"of": str(found.uid) if (found := categories.get(key)) else "",
                 "label": str(found) if found else _("none given"), "number": number}
                for key, number in spread.categories
            ],
        },
        {
            "title": _("Stores with most requests"), "of": "store_uid",
            "rows": [
                {"of": str(stores[key].uid), "label": _place(stores[key], told), "number": number}
                for key, number in spread.stores
            ],
        },
    ]  # fmt: skip


# --- the annex -------------------------------------------------------------------------------


def _ticket_lines(told: Told, room: int) -> list[dict[str, Any]]:
    span = told.span
    chosen = told.selection.facts().filter(day__range=(span.first, span.last))
    facts = list(
        chosen.select_related("ticket__store__customer", "ticket__category")
        .defer("ticket__search", "ticket__need", "ticket__resolution")
        .order_by("received_at", "pk")[:room]
    )
    clocks: dict[int, Deadline] = {}
    wanted = Deadline.objects.filter(
        subject_kind="tickets.ticket", subject_id__in=[fact.pk for fact in facts],
        kind="ticket.resolution",
    )  # fmt: skip
    # Of several promises (a ticket that was opened again) the last one is shown.
    for clock in wanted.order_by("started_at", "pk"):
        clocks[clock.subject_id] = clock
    return [_ticket_line(fact, clocks, told) for fact in facts]


def ticket_keys(fact: TicketFact, now: datetime) -> list[str]:
    """The figures that count this ticket; `figures.Figure.condition` in Python."""
    keys = []
    for key, figure in FIGURES.items():
        due = getattr(fact, figure.due) if figure.due else None
        if any(getattr(fact, measure) for measure in figure.measures) or (
            fact.is_open and due is not None and due < now
        ):
            keys.append(key)
    return [*keys, WAITING] if "promised_judged" not in keys else keys


def _ticket_line(fact: TicketFact, clocks: dict[int, Deadline], told: Told) -> dict[str, Any]:
    ticket: Ticket = fact.ticket
    keys = ticket_keys(fact, told.at)
    promise = clocks.get(fact.pk)
    remarks = [
        text
        for key, text in (
            ("first_contact", _("first contact")), ("reopened", _("opened again")),
            ("over_24h", _("over 24 h")), ("extension_consented", _("extension agreed")),
            ("extension_refused", _("extension refused")),
        )
        if key in keys
    ]  # fmt: skip
    # Asked for, and not answered yet.
    if "extension_asked" in keys and not {"extension_consented", "extension_refused"} & set(keys):
        remarks.append(_("extension asked"))
    for key, text in (("extension_kept", _("extension kept")),
                      ("extension_broken", _("extension missed"))):  # fmt: skip
        if key in keys:
            remarks.append(text)
    return {
        "number": ticket.number,
        "day": fact.day.isoformat(),
        "store": _place(ticket.store, told),
        "store_uid": str(ticket.store.uid),
        "category": _cut(str(ticket.category)) if ticket.category else "",
        "category_uid": str(ticket.category.uid) if ticket.category else "",
        "received": _moment(ticket.received_at, told),
        "responded": _moment(ticket.responded_at, told),
        "response": _verdict(keys, "response"),
        "promised_due": _moment(promise.original_due_at if promise else None, told),
        "promised": _verdict(keys, "promised"),
        "agreed_due": _moment(promise.due_at if promise else None, told),
        "agreed": _verdict(keys, "agreed"),
        "resolved": _moment(ticket.resolved_at, told),
        "solution": str(ticket.get_solution_display()) if "solved" in keys else "",
        "status": str(ticket.get_status_display()),
        "remarks": remarks,
        "counts": keys,
    }


def _verdict(keys: Sequence[str], what: str) -> str:
    if f"{what}_in_time" in keys:
        return "met"
    return "late" if f"{what}_missed" in keys else ""


def _visits(told: Told) -> Any:
    found = visit_figures.visits(told.by, told.scope, told.span)
    named = conditions(told.at)
    return (
        found.select_related("store__customer", "engineer", "ticket", "satisfaction", "work")
        .defer("search", "need")
        .annotate(**{
            f"counts_{key}": Case(
                When(named[key], then=Value(value=True)), default=Value(value=False),
                output_field=BooleanField(),
            )
            for key in VISIT_KEYS
        })
        .order_by("arrived_at", "pk")
    )  # fmt: skip


def _visit_lines(visits: Any, told: Told, room: int) -> list[dict[str, Any]]:
    return [_visit_line(visit, told) for visit in visits[:room]]


def _visit_line(visit: VisitOrder, told: Told) -> dict[str, Any]:
    assert visit.arrived_at is not None
    keys = ["arrived", *(key for key in VISIT_KEYS if getattr(visit, f"counts_{key}"))]
    rating = getattr(visit, "satisfaction", None)
    work = getattr(visit, "work", None)
    scores = [getattr(rating, aspect) for aspect in ASPECTS] if rating else []
    keys += [f"{aspect}_{score}" for aspect, score in zip(ASPECTS, scores, strict=bool(scores))]
    arrival = next((key for key in ARRIVALS if key in keys), "")
    return {
        "number": visit.number,
        "ticket": visit.ticket.number if visit.ticket else "",
        "day": timezone.localdate(visit.arrived_at).isoformat(),
        "store": _place(visit.store, told),
        "engineer": visit.engineer.name if visit.engineer else "",
        "appointed": _moment(visit.window_from, told),
        "arrived": _moment(visit.arrived_at, told),
        "arrival": arrival,
        "arrival_label": str(LABELS[arrival]) if arrival else "",
        "finished": _moment(visit.finished_at, told),
        "handed_in": _moment(visit.handed_in_at, told),
        "hand_in": "met" if "handed_in_time" in keys else "late" if "to_hand_in" in keys else "",
        "result": str(work.get_result_display()) if work else "",
        "one_visit": "fixed" in keys,
        "first_visit": "first" in keys,
        "scores": scores,
        "counts": keys,
    }


def _notes(told: Told) -> Any:
    found = visit_figures.notes(told.by, told.scope, told.span)
    return found.select_related(
        "visit__store__customer", "visit__engineer", "visit__ticket"
    ).order_by("came_at", "pk")


def _note_line(note: MissedNote, told: Told) -> dict[str, Any]:
    visit = note.visit
    return {
        "number": note.number,
        "visit": visit.number,
        "ticket": visit.ticket.number if visit.ticket else "",
        "day": timezone.localdate(note.came_at).isoformat(),
        "store": _place(visit.store, told),
        "engineer": visit.engineer.name if visit.engineer else "",
        "came": _moment(note.came_at, told),
        "left": _moment(note.left_at, told),
        "left_with": note.left_with,
        "counts": ["missed"],
    }


def _place(store: Store, told: Told) -> str:
    """The customer's name stands on the cover of his own report."""
    return _cut(store.name if told.customer else f"{store.customer.name} {store.name}")


def _cut(text: str) -> str:
    """To the width that a cell has: Chinese characters are twice as wide."""
    width = 0
    for place, character in enumerate(text):
        width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if width > NAME_WIDTH:
            return f"{text[:place].rstrip()}…"
    return text


def _moment(value: datetime | None, told: Told | None) -> str:
    """With its year only where that is not the report's."""
    if value is None:
        return ""
    local = timezone.localtime(value)
    same_year = told is not None and local.year == told.month.year
    return f"{local:%m-%d %H:%M}" if same_year else f"{local:%Y-%m-%d %H:%M}"


# --- the proof -------------------------------------------------------------------------------


def _keys(lines: Iterable[dict[str, Any]]) -> Counter[str]:
    return Counter(key for line in lines for key in line["counts"])


def recount(data: dict[str, Any]) -> Iterator[str]:
    """Each figure that the annex contradicts; reads the frozen facts alone.

    Of an annex that was cut, a figure may say more than its lines, and never less.
    """
    counted = {name: _keys(lines) for name, lines in data["lines"].items()}
    visits = counted["visits"] + counted["notes"]
    cut = {name: number > 0 for name, number in data["left_out"].items()}
    visits_cut = cut["visits"] or cut["notes"]

    def check(what: str, number: int, lines: int, *, is_cut: bool = False) -> Iterator[str]:
        if number < lines or (number > lines and not is_cut):
            yield f"{what}: {number} ≠ {lines}"

    for groups, keys, is_cut in (
        (data["groups"], counted["tickets"], cut["tickets"]),
        (data["visit_groups"], visits, visits_cut),
    ):
        for row in (row for group in groups for row in [*group["rates"], *group["plain"]]):
            yield from check(row["key"], row["number"], keys[row["key"]], is_cut=is_cut)
            yield from check(f"{row['key']} lines", row["lines"], keys[row["key"]])
            if "of" in row:
                yield from check(row["of"], row["of_number"], keys[row["of"]], is_cut=is_cut)
                yield from check(f"{row['of']} lines", row["of_lines"], keys[row["of"]])
    for row in data["scores"]:
        for key, number in zip(row["keys"], row["numbers"], strict=True):
            yield from check(key, number, visits[key], is_cut=cut["visits"])
    for chart in data["charts"]:
        yield from _recount_chart(chart, data["lines"][chart["lines"]], is_cut=cut[chart["lines"]])
    for top in data["tops"]:
        of_lines = Counter(line[top["of"]] for line in data["lines"]["tickets"])
        for row in top["rows"]:
            yield from check(
                row["label"], row["number"], of_lines[row["of"]], is_cut=cut["tickets"]
            )
    for name, lines in data["lines"].items():
        if len({line["number"] for line in lines}) != len(lines):
            yield f"{name}: a record stands in the annex twice"


def _recount_chart(
    chart: dict[str, Any], lines: Sequence[dict[str, Any]], *, is_cut: bool
) -> Iterator[str]:
    starts = chart["starts"]
    found: Counter[tuple[int, str]] = Counter()
    for line in lines:
        stretch = sum(1 for start in starts if start <= line["day"]) - 1
        found.update((stretch, key) for key in line["counts"])
    for series in chart["series"]:
        for key, values in ((series["key"], series["values"]),
                            (series.get("of"), series.get("wholes", []))):  # fmt: skip
            for stretch, value in enumerate(values):
                lines_of = found[stretch, key]
                if value < lines_of or (value > lines_of and not is_cut):
                    yield f"{chart['name']} {starts[stretch]} {key}: {value} ≠ {lines_of}"
