"""What the engineer's phone takes along: his visits with all they need, and the forms of the acts.

Each form is there once, unfilled; each visit brings the values to fill in. So a day of ten visits
weighs little more than one, and the number of queries does not depend on how many there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.forms.boundfield import BoundField
from django.forms.widgets import ChoiceWidget
from django.http import HttpRequest
from django.template.loader import render_to_string

from customers.models import StockPart
from knowledge.models import Article
from knowledge.states import Status as ArticleStatus
from servicedesk.core.actors import Actor
from sla.queries import deadlines_of
from visits import queries
from visits.clocks import COUNTED, counts_of
from visits.forms import FORMS, VisitForm
from visits.models import VisitOrder, WorkRecord
from visits.states import FINAL, VISIT, Status
from visits.views.shared import make_form

# Stands in the address of an unfilled form.
ANY_NUMBER = "__NUMBER__"
UNCOUNTED: dict[str, Any] = {"now": None, "clashes": None}
# How many of each go along with a visit.
EARLIER_VISITS = 3
ARTICLES = 3


def pack(
    request: HttpRequest, now: datetime, verbs: Collection[str], decisions: Collection[str]
) -> dict[str, Any]:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    visits = _visits(actor)
    blank = {
        verb: FORMS[verb](visit=VisitOrder(), by=actor, auto_id=f"id_{verb}_%s", filled=False)
        for verb in FORMS
        if verb in verbs
    }
    extras = _Extras(visits, actor)
    return {
        "machine": {
            verb: {
                "label": str(VISIT[verb].label),
                "icon": VISIT[verb].icon,
                "sources": sorted(VISIT[verb].sources),
                "target": VISIT[verb].target,
                "one_tap": form.one_tap,
                "decision": verb in decisions,
                "form": bool(form.fields),
            }
            for verb, form in blank.items()
        },
        "quick": [verb for verb in queries.QUICK if verb in blank],
        "photos": {
            status.value: [[name, str(label)] for name, label in queries.photos_now(status)]
            for status in Status
        },
        "next": [_rule(rule) for rule in queries.NEXT_RULES],
        "statuses": {status.value: str(status.label) for status in Status},
        "forms": {verb: {"html": _html(verb, form)} for verb, form in blank.items()},
        "visits": [_visit(visit, request, blank, extras) for visit in visits],
        "parts": _parts(actor) if visits else [],
    }


def _visits(actor: Actor) -> list[VisitOrder]:
    """All that are his and not done, in the order of their windows."""
    if not actor.may("visits.work"):
        return []
    mine = VisitOrder.objects.visible_to(actor).filter(engineer_id=actor.id)
    return list(
        queries.for_page(mine)
        .exclude(status__in=sorted(FINAL | {Status.HANDED_IN}))
        .order_by(F("window_from").asc(nulls_last=True), "id")
    )


def _parts(actor: Actor) -> list[dict[str, str]]:
    """The stock list; `key` is what a part is found by, also its pinyin."""
    rows = StockPart.objects.visible_to(actor).active().order_by("pinyin", "id").defer("search")
    return [
        {
            "code": part.code,
            "name": str(part),
            "unit": part.unit,
            "key": f"{part.code} {part} {part.pinyin}".lower(),
        }
        for part in rows
    ]


def _rule(rule: queries.NextRule) -> dict[str, Any]:
    found: dict[str, Any] = {"status": rule.status, "verb": rule.verb}
    if rule.unless_done:
        found["unless_done"] = rule.unless_done
    if rule.when_done:
        found |= {"when_done": rule.when_done, "filled": list(queries.NEEDED)}
    if rule.minutes_after:
        found["minutes_after"] = list(rule.minutes_after)
    return found


# --- one visit --------------------------------------------------------------------------------


def _visit(
    visit: VisitOrder,
    request: HttpRequest,
    blank: dict[str, VisitForm],
    extras: _Extras,
) -> dict[str, Any]:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return {
        "number": visit.number,
        "version": visit.version,
        "status": visit.status,
        "url": visit.get_absolute_url(),
        "window_from": visit.window_from,
        "window_until": visit.window_until,
        "leave_at": visit.leave_at,
        "planned_from": visit.planned_from,
        "planned_until": visit.planned_until,
        "travel_minutes": visit.travel_minutes,
        "counts": [
            {
                "label": str(count.label),
                "due_at": count.due_at,
                "since": count.since,
                "until": count.until,
                "statuses": sorted(count.statuses),
            }
            for count in counts_of(visit)
        ],
        "title": visit.store.name,
        "engineer": visit.engineer.name if visit.engineer else "",
        "done": sorted(queries.done_acts(visit)),
        "times": _times(visit),
        "deadlines": [
            {"label": str(deadline.kind_label), "due_at": deadline.due_at}
            for deadline in extras.deadlines[visit.pk]
            if deadline.kind not in COUNTED
        ],
        # What counts down, the telephone draws by itself.
        "hero": render_to_string("visits/_hero.html", {"visit": visit, **UNCOUNTED}, request),
        "tap": render_to_string("visits/_tap.html", {"visit": visit, **UNCOUNTED}, request),
        "about": render_to_string(
            "visits/_pack_about.html", {"visit": visit, **extras.of(visit)}, request
        ),
        "forms": {verb: _filled(verb, visit, actor, form) for verb, form in blank.items()},
    }


def _times(visit: VisitOrder) -> dict[str, datetime]:
    moments = {
        "accept": visit.accepted_at,
        "depart": visit.departed_at,
        "arrive": visit.arrived_at,
        "wait_for_customer": visit.waiting_since,
        "start_work": visit.started_at,
        "finish": visit.finished_at,
    }
    return {verb: at for verb, at in moments.items() if at is not None}


class _Extras:
    """What is read for all visits at once."""

    def __init__(self, visits: list[VisitOrder], actor: Actor) -> None:
        self.deadlines: dict[int, list[Any]] = defaultdict(list)
        for (_kind, pk), found in deadlines_of(visits, open_only=True).items():
            self.deadlines[pk] = found
        self.earlier: dict[int, list[VisitOrder]] = defaultdict(list)
        for row in _earlier({v.installation_id for v in visits if v.installation_id}):
            self.earlier[row.installation_id or 0].append(row)
        categories = {v.category_id for v in visits if v.category_id}
        self.articles: dict[int, list[Article]] = defaultdict(list)
        for article in _articles(categories, actor):
            self.articles[article.category_id or 0].append(article)
        self.similar: dict[tuple[int, int], list[WorkRecord]] = defaultdict(list)
        for work in _solved(categories):
            installation = work.visit.installation
            if installation is not None:
                self.similar[work.category_id or 0, installation.product_id].append(work)

    def of(self, visit: VisitOrder) -> dict[str, Any]:
        product = visit.installation.product_id if visit.installation else None
        earlier = [v for v in self.earlier[visit.installation_id or 0] if v.pk != visit.pk]
        articles = [
            article for article in self.articles[visit.category_id or 0]
            if article.product_id in {None, product}
        ]  # fmt: skip
        similar = [
            work for work in self.similar[visit.category_id or 0, product or 0]
            if work.visit_id != visit.pk
        ]  # fmt: skip
        return {
            "work": getattr(visit, "work", None),
            "rating": None,
            "earlier": earlier[:EARLIER_VISITS],
            "articles": articles[:ARTICLES],
            "similar": similar[:ARTICLES],
        }


def _first_of_each(rows: Any, group: list[Any], order: list[Any], limit: int) -> Any:
    """So many rows of each group."""
    place = Window(RowNumber(), partition_by=group, order_by=order)
    return rows.annotate(place=place).filter(place__lte=limit).order_by("place")


def _earlier(installations: set[int]) -> list[VisitOrder]:
    """The last visits to the same installation, whoever made them."""
    done = VisitOrder.objects.filter(installation_id__in=installations, work__isnull=False)
    rows = _first_of_each(
        done, [F("installation_id")], [F("id").desc()], EARLIER_VISITS + 1
    )  # fmt: skip
    return list(rows.select_related("work", "engineer"))


def _articles(categories: set[int], actor: Actor) -> list[Article]:
    """Those most used. Of each fault a few more than are taken along: the product decides."""
    published = Article.objects.visible_to(actor).filter(
        status=ArticleStatus.PUBLISHED, category_id__in=categories
    )
    return list(
        _first_of_each(
            published,
            [F("category_id"), F("product_id")],
            [F("used_count").desc(), F("id").desc()],
            ARTICLES,
        )
    )


def _solved(categories: set[int]) -> list[WorkRecord]:
    """How colleagues solved the same fault on the same product."""
    solved = WorkRecord.objects.filter(
        category_id__in=categories, result=WorkRecord.Result.SOLVED
    )  # fmt: skip
    rows = _first_of_each(
        solved,
        [F("category_id"), F("visit__installation__product_id")],
        [F("id").desc()],
        ARTICLES + 1,
    )
    return list(rows.select_related("visit__store", "visit__engineer", "visit__installation"))


# --- forms ------------------------------------------------------------------------------------


def _html(verb: str, form: VisitForm) -> str:
    return render_to_string(
        "visits/_pack_form.html",
        {
            "form": form,
            "step": VISIT[verb],
            "url": f"/visits/{ANY_NUMBER}/{verb}/",
            # The outbox sends no form, so it needs no token; the pack may lie about for days.
            "csrf_token": "-",
        },
    )


def _filled(verb: str, visit: VisitOrder, actor: Actor, blank: VisitForm) -> dict[str, Any]:
    """What the form of this visit has that the unfilled one has not."""
    form = make_form(verb, visit, actor)
    found: dict[str, Any] = {
        "script": form.spoken() if form.script else "",
        "intro": str(form.intro),
        "values": {},
    }
    for bound in form:
        value = _typed(bound)
        if value != _typed(blank[bound.name]):
            found["values"][bound.name] = value
    if without := [name for name in blank.fields if name not in form.fields]:
        found["without"] = without
    if verb == "remove_part":
        found["options"] = {"part": [[str(p.uid), str(p)] for p in visit.parts.all()]}
    return found


def _typed(bound: BoundField) -> str | list[str]:
    """The value as the browser would send it."""
    value = bound.value()
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    if value is None or value is False:
        return ""
    if value is True:
        return "on"
    widget = bound.field.widget
    text = value if isinstance(widget, ChoiceWidget) else widget.format_value(value)
    return "" if text is None else str(text)
