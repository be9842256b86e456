"""The requests behind a figure: as many as the figure says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.models import Store
from knowledge.models import FaultCategory
from servicedesk.core.http import DeskRequest
from servicedesk.core.keyset import keyset_page
from servicedesk.desk.managers.exports import Table, export
from servicedesk.desk.managers.figures import AGES, FIGURES, age_condition, selection
from servicedesk.desk.managers.filters import ManagerFilter
from servicedesk.desk.managers.heat import span
from servicedesk.desk.managers.pages import filters_of, frame, managers_page
from servicedesk.desk.models import TicketFact
from tickets.models import Ticket

BACKLOG = "backlog"
NONE = "none"
# What a list shows; the long texts stay where they are.
LATER = ("ticket__search", "ticket__need", "ticket__resolution")
RELATED = ("ticket__store", "ticket__customer", "ticket__assignee", "ticket__owner")


def records_url(filters: ManagerFilter, figure: str, **more: Any) -> str:
    """The records of a figure under these filters; `more` narrows them as the page reads it."""
    return reverse("desk:managers_records") + filters.query(figure=figure, **more)


@managers_page
def page(request: DeskRequest) -> HttpResponseBase:
    filters, now = filters_of(request), timezone.now()
    figure = FIGURES.get(request.GET.get("figure", ""))
    if figure is None:
        raise Http404
    chosen = selection(filters).facts()
    words: list[str] = []
    if figure.key == BACKLOG:
        chosen = _of_age(chosen, request.GET.get("age", ""), now, words)
    else:
        days = filters.span
        chosen = chosen.filter(figure.condition(now), day__range=(days.first, days.last))
        chosen = _narrowed(chosen, request, words)
    count = chosen.count()
    table = _table(chosen, count)
    if (file := export(request, [table], filters)) is not None:
        return file
    found = keyset_page(_shown(chosen), request.GET, "-day", "-pk")
    context = frame(request, filters) | {
        "figure": figure, "words": words, "count": count, "page": found,
        "tickets": [fact.ticket for fact in found.rows],
        "whole_time": figure.key == BACKLOG,
        "export_base": _own_address(request),
        "back": reverse("desk:managers_service_level") + filters.own_query,
    }  # fmt: skip
    return render(request, "managers/records.html", context)


def _own_address(request: DeskRequest) -> str:
    query = request.GET.copy()
    for name in ("after", "before", "export"):
        query.pop(name, None)
    return f"?{query.urlencode()}&export="


def _of_age(
    facts: QuerySet[TicketFact], asked: str, now: datetime, words: list[str]
) -> QuerySet[TicketFact]:
    """What is open now, of whatever day; of one age, if that is asked for."""
    if asked not in {str(n) for n in range(len(AGES))}:
        return facts.filter(is_open=True)
    words.append(str(AGES[int(asked)][1]))
    return facts.filter(age_condition(int(asked), now))


def _narrowed(
    facts: QuerySet[TicketFact], request: DeskRequest, words: list[str]
) -> QuerySet[TicketFact]:
    hour = request.GET.get("hour", "")
    if hour in {str(n) for n in range(168)}:
        words.append(span(int(hour)))
        facts = facts.filter(hour=int(hour))
    if category := request.GET.get("category", ""):
        facts = facts.filter(_one(FaultCategory, "category", category, request, words))
    if store := request.GET.get("store", ""):
        facts = facts.filter(_one(Store, "store", store, request, words))
    return facts


def _one(model: Any, column: str, uid: str, request: DeskRequest, words: list[str]) -> Q:
    if uid == NONE:
        words.append(gettext("none given"))
        return Q(**{column: 0})
    try:
        found = model.objects.visible_to(request.actor).filter(uid=uid).first()
    except ValidationError:
        found = None
    if found is None:
        raise Http404
    words.append(str(found))
    return Q(**{column: found.pk})


def _shown(facts: QuerySet[TicketFact]) -> QuerySet[TicketFact]:
    return facts.select_related(*RELATED).defer(*LATER)


def _table(facts: QuerySet[TicketFact], count: int) -> Table:
    return Table(
        "records", _("Requests"),
        [
            _("ticket number"), _("subject"), _("customer"), _("store"), _("assignee"),
            _("first-contact owner"), _("status"), _("received"), _("first response"),
            _("to be solved by"), _("resolved"), _("solved how"), _("reopened"),
        ],
        _Rows(facts), count,
    )  # fmt: skip


class _Rows:
    """Read while they are sent, so that memory does not grow with their number."""

    def __init__(self, facts: QuerySet[TicketFact]) -> None:
        self.facts = facts

    def __iter__(self) -> Iterator[list[Any]]:
        facts = _shown(self.facts).order_by("-day", "-pk")
        for fact in facts.iterator(chunk_size=1000):
            ticket: Ticket = fact.ticket
            yield [
                ticket.number, ticket.title, ticket.customer.name, ticket.store.name,
                ticket.assignee.name if ticket.assignee else None, ticket.owner.name,
                str(ticket.get_status_display()), *map(_moment, (
                    ticket.received_at, ticket.responded_at, ticket.due_at, ticket.resolved_at,
                )),
                str(ticket.get_solution_display()), ticket.reopened_count,
            ]  # fmt: skip


def _moment(value: datetime | None) -> str | None:
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S}" if value else None
