"""The desk: list, board, orders, the page of a visit; and the one door for every transition."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers.forms import RevealForm
from customers.queries import changes_of
from servicedesk.core.actions import require
from servicedesk.core.files import INLINE, files_of
from servicedesk.core.forms import ActionForm
from servicedesk.core.http import DeskRequest, perform
from servicedesk.core.keyset import keyset_page
from servicedesk.core.panels import render_panels
from servicedesk.core.timeline import timeline
from sla.queries import deadlines_of
from visits import actions, queries
from visits.clocks import COUNTED
from visits.forms import FilterForm, OrderForm, VisitForm
from visits.models import ContactAttempt, VisitOrder, WorkRecord
from visits.states import VISIT, Status
from visits.views import board
from visits.views.offers import show_link
from visits.views.shared import (
    act_url,
    acts_of,
    after_act,
    find_step,
    find_visit,
    is_phone,
    make_form,
)

# What the timeline leaves out: deadlines have a place of their own.
DEADLINES = (
    "deadline.started", "deadline.met", "deadline.cancelled", "deadline.moved",
    "document.frozen", "document.link_made", "document.completed",
)  # fmt: skip
# By these the engineer leaves the office behind.
GOING = frozenset({"depart", "arrive"})
DANGEROUS = frozenset({"cancel", "refuse_signature"})

VIEW_LABELS = {
    "open": gettext_lazy("Unfinished"),
    "unassigned": gettext_lazy("To be assigned"),
    "missed": gettext_lazy("Customer not met"),
    "unsigned": gettext_lazy("To be handed in"),
    "to_check": gettext_lazy("To be checked"),
    "to_follow_up": gettext_lazy("To be followed up"),
    "done": gettext_lazy("Finished"),
    "all": gettext_lazy("All"),
}


# --- lists ------------------------------------------------------------------------------------


@require_GET
def visit_list(request: DeskRequest) -> HttpResponse:
    _require_any(request, "visits.see_all", "visits.work")
    filters = FilterForm(request.GET, by=request.actor)
    wanted: dict[str, Any] = filters.cleaned_data if filters.is_valid() else {}
    view = request.GET.get("view", "open")
    view = view if view in queries.VIEWS else "open"
    found = queries.visit_list(request.actor, {**wanted, "view": view})
    page = keyset_page(found, request.GET)
    context = {
        "page": page,
        "filters": filters,
        "view": view,
        "active": sum(1 for value in wanted.values() if value),
        "reset": f"{request.path}?view={view}",
        "views": [(label, f"?view={name}", name == view) for name, label in VIEW_LABELS.items()],
        "deadlines": _next_deadlines(page.rows),
        "can_order": request.actor.may("visits.order"),
    }
    if request.htmx:
        return render(request, "visits/_rows.html", context)
    template = "visits/list_phone.html" if is_phone(request.actor) else "visits/list.html"
    return render(request, template, context)


def _next_deadlines(rows: list[VisitOrder]) -> dict[int, Any]:
    """The first open deadline of each row."""
    found = deadlines_of(rows, open_only=True)
    return {key[1]: deadlines[0] for key, deadlines in found.items() if deadlines}


@require_GET
def unassigned(request: DeskRequest) -> HttpResponse:
    """Orders without an engineer, each with its form: two clicks and the order has somebody."""
    _require_any(request, "visits.plan")
    return _unassigned(request)


def _unassigned(
    request: DeskRequest, refused: VisitForm | None = None, *, status: int = 200
) -> HttpResponse:
    found = queries.most_pressing_first(queries.visit_list(request.actor, {"view": "unassigned"}))
    page = keyset_page(found, request.GET, "next_due_at", "pk")
    deadlines = _next_deadlines(page.rows)
    engineers = queries.workload(request.actor, timezone.localdate())
    rows = [
        {
            "visit": visit,
            "deadline": deadlines.get(visit.pk),
            "form": refused if refused is not None and refused.visit.pk == visit.pk else None,
        }
        for visit in page.rows
    ]
    context = {"page": page, "rows": rows, "engineers": engineers}
    return render(request, "visits/unassigned.html", context, status=status)


# --- ordering ---------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def order(request: DeskRequest) -> HttpResponse:
    """An order without a ticket; from a ticket or a call it is made there."""
    _require_any(request, "visits.order")
    if request.method == "GET":
        form = OrderForm(by=request.actor, initial={"store": request.GET.get("store", "")})
        return render(request, "visits/order.html", {"form": form})
    form = OrderForm(request.POST, by=request.actor)
    visit = perform(request, form, actions.order_visit)
    if visit is None:
        return render(request, "visits/order.html", {"form": form}, status=422)
    messages.success(request, _("%(visit)s is ordered.") % {"visit": visit})
    if VisitOrder.objects.visible_to(request.actor).filter(pk=visit.pk).exists():
        return redirect(visit)
    return redirect("visits:today")


# --- one visit --------------------------------------------------------------------------------


@require_GET
def visit(request: DeskRequest, number: str) -> HttpResponse:
    return _show(request, find_visit(request, number))


@require_http_methods(["GET", "POST"])
def act(request: DeskRequest, number: str, verb: str) -> HttpResponse:
    """Every transition: GET shows its form on a page of its own, POST does it."""
    found, step = find_visit(request, number), find_step(verb)
    if not request.actor.may(step.permission):
        raise PermissionDenied
    if request.method == "GET":
        if found.status not in step.sources:
            return redirect(found)
        return _show_act(request, found, verb, make_form(verb, found, request.actor))
    form = make_form(verb, found, request.actor, request.POST, request.FILES)
    done = perform(request, form, getattr(actions, verb), found)
    if done is None:
        return _refused(request, found, verb, form)
    if verb == "offer_times":
        return show_link(request, found, done)
    if verb != "present_form":
        # What comes next is the customer's page; it needs no word of ours on top.
        messages.success(
            request, _("%(visit)s: %(act)s — recorded.") % {"visit": number, "act": step.label}
        )
    if request.POST.get("back") == "unassigned":
        return redirect("visits:unassigned")
    if request.POST.get("back") == "board":
        return redirect(board.address(request.POST, found))
    return redirect(after_act(found, verb))


def _refused(request: DeskRequest, visit: VisitOrder, verb: str, form: VisitForm) -> HttpResponse:
    if request.POST.get("back") == "unassigned":
        return _unassigned(request, form, status=422)
    if request.POST.get("back") == "board":
        return board.show(request, request.POST, refused=form, status=422)
    visit = find_visit(request, visit.number)
    if is_phone(request.actor):
        return _show_act(request, visit, verb, form, status=422)
    return _show(request, visit, verb, form, status=422)


def _show_act(
    request: DeskRequest, visit: VisitOrder, verb: str, form: VisitForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "visit": visit,
        "verb": verb,
        "step": VISIT[verb],
        "form": form,
        "url": act_url(visit, verb),
        **_aside(visit, verb, request),
    }
    template = "visits/act_phone.html" if is_phone(request.actor) else "visits/act.html"
    return render(request, template, context, status=status)


def _aside(visit: VisitOrder, verb: str, request: DeskRequest) -> dict[str, Any]:
    """What helps with this form, and only with this."""
    if verb in {"accept", "consult"}:
        return {
            "experience": queries.experience(visit, request.actor.id),
            "similar": queries.similar_solved(visit),
        }
    if verb in {"appoint", "rearrange"}:
        day = timezone.localdate(visit.window_from) if visit.window_from else timezone.localdate()
        return {"windows": queries.windows_from(visit.engineer_id, day, but=visit)}
    if verb == "log_attempt":
        return {"attempts": ContactAttempt.objects.filter(visit=visit)}
    if verb in GOING:
        return {"unprepared": queries.is_unprepared(visit)}
    if verb in {"record_work", "add_part", "finish"}:
        return {"parts": visit.parts.all()}
    return {}


def _show(
    request: DeskRequest,
    visit: VisitOrder,
    refused_verb: str = "",
    refused: VisitForm | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    open_acts = list(acts_of(visit, request.actor))
    lacking = queries.lacking(visit) if visit.status in CHECKED else []
    context: dict[str, Any] = {
        "visit": visit,
        "work": getattr(visit, "work", None),
        "rating": getattr(visit, "satisfaction", None),
        "steps": queries.steps(visit),
        "documents": queries.documents_of(visit),
        "deadlines": deadlines_of([visit])["visits.visitorder", visit.pk],
        "lines": timeline(visit, without=DEADLINES),
        "files": _files(visit),
        "gaps": [*lacking, *queries.handbook_gaps(visit)] if visit.status in CHECKED else [],
        "returned_for": queries.returned_for(visit),
        "complete": visit.status == Status.HANDED_IN and not lacking,
        "can_resolve": _can_resolve(request, visit),
    }  # fmt: skip
    if is_phone(request.actor):
        next_name = queries.next_step(visit, now=now)
        context |= {
            "now": now,
            "clashes": queries.clash_of(visit, now=now),
            "deadlines": [each for each in context["deadlines"] if each.kind not in COUNTED],
            "next": next((a for a in open_acts if a.name == next_name), None),
            "more": [
                a for a in open_acts if a.name not in {next_name, "flag_complaint", *queries.QUICK}
            ],
            "quick": sorted(
                (a for a in open_acts if a.name in queries.QUICK),
                key=lambda a: queries.QUICK.index(a.name),
            ),
            "photos": queries.photos_now(visit.status),
            "complain": next((a for a in open_acts if a.name == "flag_complaint"), None),
            "note_at": queries.note_allowed_at(visit),
            "unprepared": GOING if queries.is_unprepared(visit) else (),
            "form": make_form(next_name, visit, request.actor) if next_name else None,
        }
        return render(request, "visits/visit_phone.html", context, status=status)
    context |= {
        "actions": sorted(
            (
                _button(a, visit, request, refused if a.name == refused_verb else None)
                for a in open_acts
            ),
            key=lambda button: RANK[button.style],
        ),
        "changes": changes_of(visit),
        "panels": render_panels("visits.visit", visit, request),
    }
    return render(request, "visits/visit.html", context, status=status)


def _files(visit: VisitOrder) -> list[SimpleNamespace]:
    """By what they show: before and after the work, the note, the rest; each in its order."""
    order = list(queries.PHOTOS)
    rows = sorted(
        files_of(visit), key=lambda f: order.index(f.purpose) if f.purpose in order else 9
    )
    return [
        SimpleNamespace(
            name=file.name, url=reverse("documents:file", args=[file.uid]), size=file.size,
            added_by=file.added_by_label, added_at=file.added_at,
            is_picture=file.content_type in INLINE, shows=queries.PHOTOS.get(file.purpose, ""),
        )
        for file in rows
    ]  # fmt: skip


# Where the desk looks for what is missing.
CHECKED = frozenset({Status.SIGNED, Status.HANDED_IN})


def _button(
    each: Any, visit: VisitOrder, request: DeskRequest, refused: VisitForm | None
) -> ActionForm:
    form = refused or make_form(each.name, visit, request.actor)
    primary = PRIMARY.get(visit.status)
    return ActionForm(
        each.name, each.label, each.url, form, icon=each.icon,
        style="danger" if each.name in DANGEROUS
        else "primary" if each.name == primary else "plain",
        intro=form.spoken() if form.script else form.intro,
    )  # fmt: skip


# The order of the buttons.
RANK = {"primary": 0, "plain": 1, "danger": 2}
# What the desk is expected to do next.
PRIMARY: dict[str, str] = {
    Status.ORDERED: "assign",
    Status.HANDED_IN: "archive",
    Status.ARCHIVED: "follow_up",
}


def _can_resolve(request: DeskRequest, visit: VisitOrder) -> bool:
    """Signed and solved, and the ticket still open: one act closes the circle."""
    work = getattr(visit, "work", None)
    return (
        visit.ticket is not None
        and request.actor.may("tickets.work")
        and visit.ticket.status in queries.RESOLVABLE
        and visit.status in queries.SIGNED_OR_LATER
        and work is not None
        and work.result in {WorkRecord.Result.SOLVED, WorkRecord.Result.WORKAROUND}
    )


@require_http_methods(["GET", "POST"])
@never_cache
def phone(request: DeskRequest, number: str) -> HttpResponse:
    """Ask what the whole number is needed for, write that down, show the number (GEN-7)."""
    require(request.actor, "customers.reveal_phone")
    found = find_visit(request, number)
    form = RevealForm(request.POST or None)
    whole = perform(request, form, actions.reveal_phone, found) if request.POST else None
    context = {
        "item": found,
        "phone": found.contact_phone,
        "uid": found.uid,
        "url": request.path,
        "number": whole,
        "form": form,
        "home": found.get_absolute_url(),
    }
    template = "customers/_phone.html" if request.htmx else "customers/phone.html"
    return render(request, template, context, status=422 if form.errors else 200)


@require_POST
def resolve_ticket(request: DeskRequest, number: str) -> HttpResponse:
    """The ticket is resolved with the words of the work record."""
    found = find_visit(request, number)
    actions.resolve_ticket(found, at=timezone.now(), by=request.actor)
    messages.success(request, _("Ticket %(ticket)s is resolved.") % {"ticket": found.ticket})
    return redirect(found)


def _require_any(request: HttpRequest, *permissions: str) -> None:
    actor = request.actor  # type: ignore[attr-defined]
    if not any(actor.may(permission) for permission in permissions):
        raise PermissionDenied
