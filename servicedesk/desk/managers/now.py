"""“Now” (现场): what is open at this moment. The page asks for its figures every five seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from servicedesk.core.actors import Actor
from servicedesk.core.http import DeskRequest
from servicedesk.core.keyset import keyset_page
from servicedesk.desk.managers.exports import Table, export
from servicedesk.desk.managers.filters import ManagerFilter
from servicedesk.desk.managers.now_figures import (
    COLUMNS,
    OWNERS,
    STATES,
    UNDER_WAY,
    Load,
    Now,
    Scope,
    records,
    situation,
)
from servicedesk.desk.managers.now_timeline import Bar, TimeLine, time_line
from servicedesk.desk.managers.pages import filters_of, frame, managers_page
from sla.queries import engine_silent
from visits.states import APPOINTED_AHEAD

# The order of each list: the most urgent first. The columns are never null there.
ORDERS: dict[str, tuple[str, ...]] = {
    "tickets": ("due_at", "pk"),
    "promises": ("due_at", "pk"),
    "messages": ("call_back_by", "pk"),
    "visits": ("pk",),
}
RELATED = {
    "tickets": ("store", "customer", "assignee", "owner"),
    "promises": ("store", "customer", "owner"),
    "messages": ("store", "customer", "to_user"),
    "visits": ("store", "customer", "engineer"),
}
NOBODY = "nobody"
# The busiest few on the page; the table of all is exported.
BUSIEST = 15
# As many visits as can be read from four metres.
ON_THE_WALL = 6

LABELS: dict[tuple[str, str], Promise] = {
    ("tickets", "open"): _("Unresolved tickets"),
    ("tickets", "overdue"): _("Overdue tickets"),
    ("tickets", "within1"): _("Tickets due within 1 hour"),
    ("tickets", "within4"): _("Tickets due within 4 hours"),
    ("tickets", "within24"): _("Tickets due within 24 hours"),
    ("tickets", "from1to4"): _("Tickets due in 1–4 hours"),
    ("tickets", "from4to24"): _("Tickets due in 4–24 hours"),
    ("tickets", "later"): _("Tickets due later"),
    ("tickets", "unassigned"): _("Tickets nobody works on"),
    ("tickets", "urgent"): _("Urgent tickets"),
    ("promises", "open"): _("Callbacks promised"),
    ("promises", "overdue"): _("Overdue callbacks"),
    ("promises", "within1"): _("Callbacks due within 1 hour"),
    ("promises", "within4"): _("Callbacks due within 4 hours"),
    ("promises", "within24"): _("Callbacks due within 24 hours"),
    ("messages", "open"): _("Messages not dealt with"),
    ("messages", "unread"): _("Unread messages"),
    ("messages", "overdue"): _("Overdue messages"),
    ("messages", "within1"): _("Messages due within 1 hour"),
    ("messages", "within4"): _("Messages due within 4 hours"),
    ("messages", "within24"): _("Messages due within 24 hours"),
    ("visits", "open"): _("Unfinished visits"),
    ("visits", "today"): _("Visits today"),
    ("visits", "under_way"): _("Visits under way"),
    ("visits", "late"): _("Late visits"),
    ("visits", "unassigned"): _("Visits without an engineer"),
    ("visits", "not_met"): _("Customer not met"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and the address of exactly its records."""

    label: Any
    value: int
    url: str
    tone: str = "neutral"
    icon: str = ""


@managers_page
def page(request: DeskRequest) -> HttpResponseBase:
    filters = _filters(request)
    now = timezone.now()
    context = figures_of(request.actor, filters, now)
    if (file := export(request, _tables(context), filters, now=now)) is not None:
        return file
    context |= frame(request, filters) | {
        "live": _live_url(request),
        "narrowed": [str(found) for found in filters.dimensions.values()],
        "wall_url": request.path + _query(filters, wall="1"),
        "may_wall": request.actor.may("managers.wall"),
        "walls_url": reverse("desk:managers_walls") + _query(filters),
    }
    return render(request, f"managers/now{_suffix(request)}.html", context)


@managers_page
def live(request: DeskRequest) -> HttpResponseBase:
    """The figures alone; 304 while nothing has changed."""
    context = figures_of(request.actor, _filters(request), timezone.now())
    return answer(request, f"managers/_now{_suffix(request)}.html", context)


def answer(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The part, or 304."""
    content = render_to_string(template, context, request)
    etag = f'"{sha256(content.encode()).hexdigest()[:32]}"'
    response = get_conditional_response(request, etag=etag) or HttpResponse(content)
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response


@managers_page
def list_page(request: DeskRequest, kind: str, figure: str) -> HttpResponseBase:
    """The records behind one figure, by the same condition that counted them."""
    filters = _filters(request)
    found = records(request.actor, Scope.of(filters), kind, figure, now=timezone.now())
    if found is None:
        raise Http404
    found, narrowed = _narrowed(request, kind, found)
    found = found.select_related(*RELATED[kind])
    table = _record_table(kind, figure, found)
    if (file := export(request, [table], filters, now=timezone.now())) is not None:
        return file
    context = frame(request, filters) | {
        "kind": kind,
        "title": LABELS.get((kind, figure), _("Records")),
        "narrowed": [*map(str, filters.dimensions.values()), *narrowed],
        "count": found.count(),
        "page": keyset_page(found, request.GET, *ORDERS[kind]),
        "back": reverse("desk:managers_now") + _query(filters),
        "back_label": _("The desk now"),
        "query": request.GET.urlencode(),
    }
    return render(request, "managers/record_list.html", context)


def _filters(request: DeskRequest) -> ManagerFilter:
    """Now has no period; what the other pages chose goes along unseen."""
    filters = filters_of(request)
    for name in ("period", "since", "until"):
        filters.fields[name].widget = forms.HiddenInput()
    return filters


def _suffix(request: DeskRequest) -> str:
    return "_wall" if request.GET.get("wall") == "1" else ""


def _live_url(request: DeskRequest) -> str:
    return f"{reverse('desk:managers_now_live')}?{request.GET.urlencode()}"


def _query(filters: ManagerFilter, **more: str) -> str:
    chosen = {name: str(found.uid) for name, found in filters.dimensions.items()}
    return f"?{urlencode(chosen | more)}" if chosen or more else ""


def _narrowed(
    request: DeskRequest, kind: str, found: QuerySet[Any]
) -> tuple[QuerySet[Any], list[str]]:
    """A cell of a table: one state, one person (`of`: a uid or "nobody")."""
    words = []
    status = request.GET.get("status", "")
    if status:
        found = found.filter(status=status)
        words.append(
            str(dict(found.model._meta.get_field("status").flatchoices).get(status, status))
        )
    of = request.GET.get("of", "")
    if of == NOBODY:
        found = found.filter(**{f"{OWNERS[kind]}__isnull": True})
    elif of:
        person = User.objects.visible_to(request.actor).filter(uid=_uid(of)).first()
        if person is None:
            raise Http404
        found = found.filter(**{OWNERS[kind]: person})
        words.append(str(person))
    return found, words


def _uid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


# --- what the page shows ----------------------------------------------------------------------


def figures_of(actor: Actor, filters: ManagerFilter, now: datetime) -> dict[str, Any]:
    found = situation(actor, Scope.of(filters), now=now)

    def figure(
        kind: str, name: str, tone: str = "neutral", icon: str = "", label: Any = None, **more: str
    ) -> Figure:
        value = getattr(found, kind)[name]
        url = reverse("desk:managers_now_list", args=[kind, name]) + _query(filters, **more)
        shown_tone = tone if value else "neutral"
        return Figure(label or LABELS[kind, name], value, url, shown_tone, icon)

    # To the minute: what moves more often would always be something new.
    line = time_line(found.day, now=now.replace(second=0, microsecond=0))
    pressing = _pressing(line)
    return {
        "now": found,
        "engine_silent": engine_silent(),
        "tickets": [
            figure("tickets", "overdue", "bad", "alarm", _("Overdue")),
            figure("tickets", "within1", "bad", "hourglass-low", _("Due within 1 h")),
            figure("tickets", "within4", "wait", "hourglass", _("Due within 4 h")),
            figure("tickets", "within24", "neutral", "clock-24", _("Due within 24 h")),
            figure("tickets", "unassigned", "wait", "user-question", _("Nobody works on it")),
            figure("tickets", "urgent", "bad", "urgent", _("Urgent")),
            figure("tickets", "open", "neutral", "ticket", _("Unresolved")),
        ],
        "columns": COLUMNS.values(),
        "states": _states(found, filters),
        "calls": _calls(found, filters),
        "visits": [
            figure("visits", "under_way", "active", "car"),
            figure("visits", "late", "bad", "clock-exclamation"),
            figure("visits", "unassigned", "wait", "user-question"),
            figure("visits", "not_met", "wait", "door"),
            figure("visits", "today", "neutral", "calendar-event"),
        ],
        "line": line,
        "loads": [_load_row(load, filters) for load in found.loads[:BUSIEST]],
        "more_people": max(len(found.loads) - BUSIEST, 0),
        "export": _query(filters, export=""),
        "wall_tickets": [
            figure("tickets", "overdue", "bad", label=_("Overdue")),
            figure("tickets", "within1", "wait", label=_("Due within 1 h")),
            figure("tickets", "within4", label=_("Due within 4 h")),
            figure("tickets", "unassigned", "wait", label=_("Nobody works on it")),
        ],
        "wall_rest": [
            figure("tickets", "open", label=_("Unresolved tickets")),
            figure("tickets", "urgent", "bad", label=_("Urgent")),
            figure("promises", "overdue", "bad", label=_("Callbacks overdue")),
            figure("promises", "within1", "wait", label=_("Callbacks within 1 h")),
            figure("visits", "late", "bad", label=_("Visits late")),
            figure("visits", "under_way", label=_("Visits under way")),
        ],
        "wall_rows": pressing[:ON_THE_WALL],
        "wall_more": max(len(pressing) - ON_THE_WALL, 0),
    }  # fmt: skip


def _pressing(line: TimeLine) -> list[tuple[Bar, User]]:
    """Visits that are not over: late ones first, then those under way, then as they come."""
    rows = [
        (bar, row.engineer)
        for row in line.rows
        for bar in row.bars
        if bar.visit.status in UNDER_WAY | APPOINTED_AHEAD
    ]

    def rank(row: tuple[Bar, User]) -> tuple[bool, bool, float]:
        bar = row[0]
        waits = bar.late and bar.visit.status in APPOINTED_AHEAD
        return not waits, bar.visit.status not in UNDER_WAY, bar.x

    return sorted(rows, key=rank)


def _states(found: Now, filters: ManagerFilter) -> list[dict[str, Any]]:
    """One row for each state, one for all; the last column is their sum."""

    def row(label: Any, counts: Any, **only: str) -> dict[str, Any]:
        cells = [
            (counts[name], reverse("desk:managers_now_list", args=["tickets", name])
             + _query(filters, **only))
            for name in (*COLUMNS, "open")
        ]  # fmt: skip
        return {"label": label, "cells": cells, "total": not only}

    rows = [row(state.label, found.states[state], status=state) for state in STATES]
    return [*rows, row(_("All"), found.tickets)]


CALL_COLUMNS = ("overdue", "within1", "within4", "within24", "open")


def _calls(found: Now, filters: ManagerFilter) -> list[dict[str, Any]]:
    """Promises and messages: what we owe a caller, and by when."""
    return [
        {
            "label": label,
            "cells": [
                (getattr(found, kind)[name],
                 reverse("desk:managers_now_list", args=[kind, name]) + _query(filters))
                for name in CALL_COLUMNS
            ],
        }
        for kind, label in (("promises", _("Callbacks promised")), ("messages", _("Messages")))
    ]  # fmt: skip


def _load_row(load: Load, filters: ManagerFilter) -> dict[str, Any]:
    """Whole loads: neither customer nor product narrows them, so neither stands in the links."""
    of = str(load.person.uid)

    def url(kind: str, name: str) -> str:
        return f"{reverse('desk:managers_now_list', args=[kind, name])}?{urlencode({'of': of})}"

    return {
        "load": load,
        "tickets_url": url("tickets", "open"),
        "overdue_url": url("tickets", "overdue"),
        "visits_url": url("visits", "today"),
    }


# --- exports ----------------------------------------------------------------------------------


def _tables(context: dict[str, Any]) -> list[Table]:
    found: Now = context["now"]
    columns = [_("State"), *COLUMNS.values(), _("All")]
    return [
        Table("states", _("Open tickets by state and remaining time"), columns, [
            [row["label"], *(value for value, _url in row["cells"])] for row in context["states"]
        ]),
        Table("calls", _("What we owe callers"), [
            "", _("Overdue"), _("Within 1 h"), _("Within 4 h"), _("Within 24 h"), _("All"),
        ], [[row["label"], *(value for value, _url in row["cells"])] for row in context["calls"]]),
        Table("loads", _("Who has how much"), [
            _("Person"), _("Team"), _("Unresolved tickets"), _("Overdue"), _("Visits today"), _("Sum"),
            _("Median of the team"), _("Overloaded"),
        ], [
            [load.person.name, load.person.team.name if load.person.team else None, load.tickets,
             load.overdue, load.visits, load.total, load.median,
             _("yes") if load.overloaded else ""]
            for load in found.loads
        ]),
        Table("visits", _("Visits today"), [
            _("Engineer"), _("Form number"), _("Store"), _("Status"), _("Appointment"), _("Late"),
        ], [
            [row.engineer.name, bar.visit.number, bar.visit.store.name,
             bar.visit.get_status_display(), bar.times, bar.mark]
            for row in context["line"].rows for bar in row.bars
        ]),
    ]  # fmt: skip


def _record_table(kind: str, figure: str, found: QuerySet[Any]) -> Table:
    title = LABELS.get((kind, figure), _("Records"))
    person = OWNERS[kind]
    due = {"tickets": "due_at", "promises": "due_at", "messages": "call_back_by",
           "visits": "window_from"}[kind]  # fmt: skip

    def rows() -> Any:
        for record in found.order_by(*ORDERS[kind]).iterator(chunk_size=500):
            moment = getattr(record, due)
            yield [
                str(record), str(record.store or record.customer or ""),
                record.get_status_display(), str(getattr(record, person) or ""),
                f"{timezone.localtime(moment):%Y-%m-%d %H:%M}" if moment else None,
            ]  # fmt: skip

    columns = [_("Record"), _("Store"), _("Status"), _("Person"), _("Due")]
    return Table("records", title, columns, rows(), length=found.count())
