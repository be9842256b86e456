"""The dispatch board: engineers and their days, and what waits for a place there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from servicedesk.core.http import DeskRequest
from servicedesk.core.moments import day_of
from servicedesk.core.phone import last_seen
from visits import planning
from visits.forms import VisitForm
from visits.models import VisitOrder
from visits.states import VISIT
from visits.views.shared import make_form


@require_GET
def board(request: DeskRequest) -> HttpResponse:
    return show(request, request.GET)


def show(
    request: DeskRequest,
    wanted: Mapping[str, Any],
    *,
    refused: VisitForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """One day or one week; `order` names the visit for which a place is looked for.

    refused: the form that did not fit; it is shown with what is wrong, in the form itself if it was
    typed there, else above.
    """
    actor = request.actor
    if not actor.may("visits.see_all"):
        raise PermissionDenied
    now, day, span = timezone.now(), _day(wanted), _span(wanted)
    days = 7 if span == "week" else 1
    first = day - timedelta(days=day.weekday()) if days == 7 else day
    shown = planning.dispatch_board(actor, first, days, now=now)
    # As it is kept: what was refused had begun to change the one that the form holds.
    number = refused.visit.number if refused is not None else wanted.get("order", "")
    chosen = _chosen(request, number)
    typed = refused is not None and "typed" in wanted
    devices = last_seen(lane.engineer.pk for lane in shown.lanes)
    for lane in shown.lanes:
        lane.device = devices.get(lane.engineer.pk)
    context: dict[str, Any] = {
        "day": day,
        "span": span,
        "can_plan": actor.may("visits.plan"),
        "chosen": chosen,
        "refused": refused,
        "typed": typed,
        "today": timezone.localdate(),
        "previous": first - timedelta(days=days),
        "next": first + timedelta(days=days),
    }
    if chosen is not None:
        shown = planning.with_knowledge(shown, chosen)
        engineers = [lane.engineer for lane in shown.lanes]
        context |= {
            "form": refused if typed else make_form("plan", chosen, actor, initial=_again(refused)),
            "proposals": planning.proposals(chosen, engineers, now=now),
            "due": planning.due_of(chosen),
            "can_offer": chosen.status in VISIT["offer_times"].sources,
        }
    return render(request, "visits/board.html", {**context, "board": shown}, status=status)


def _again(refused: VisitForm | None) -> dict[str, Any]:
    """What was dropped, to be tried with another time; the reason stands above, once."""
    if refused is None:
        return {}
    data = refused.cleaned_data
    names = ("engineer", "window_from")
    return {name: data[name] for name in names if data.get(name) is not None}


def address(wanted: Mapping[str, Any], visit: VisitOrder) -> str:
    """Back to the board as it was, with the order that was planned still in hand."""
    query = {"day": _day(wanted).isoformat(), "span": _span(wanted)}
    return f"{reverse('visits:board')}?{urlencode({**query, 'order': visit.number})}"


def _chosen(request: DeskRequest, number: str) -> VisitOrder | None:
    if not request.actor.may("visits.plan"):
        return None
    return (
        VisitOrder.objects.visible_to(request.actor)
        .filter(number=number, status__in=sorted(planning.PLANNABLE))
        .select_related("store", "ticket", "engineer", "installation__product", "category")
        .first()
    )


# A form that is sent from the board says in names of its own which part of it was shown.


def _span(wanted: Mapping[str, Any]) -> str:
    return "week" if wanted.get("board_span", wanted.get("span")) == "week" else "day"


def _day(wanted: Mapping[str, Any]) -> date:
    return day_of(wanted.get("board_day", wanted.get("day", ""))) or timezone.localdate()
