"""The roof: my work, search, the handbook's figures, outgoing messages."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from servicedesk.core import outbox as outbox_core
from servicedesk.core import subjects
from servicedesk.core.http import DeskRequest
from servicedesk.core.keyset import keyset_page
from servicedesk.core.models import Entry, OutboxMessage, RuleResult
from servicedesk.core.panels import render_panels
from servicedesk.core.rules import RULES
from servicedesk.core.timeline import line
from servicedesk.desk.forms import ComplianceFilter
from servicedesk.desk.queries import figures, find, my_work, results_visible_to
from sla.queries import engine_silent


@require_GET
def home(request: DeskRequest) -> HttpResponse:
    context = {
        "sections": my_work(request.actor),
        "panels": render_panels("desk.home", request.actor, request),
    }
    return render(request, "desk/home.html", context)


@require_GET
def search(request: DeskRequest) -> HttpResponse:
    text = request.GET.get("q", "").replace("\0", "").strip()[:100]
    context = {"text": text, "hits": find(text, request.actor) if text else []}
    template = "desk/_hits.html" if request.htmx else "desk/search.html"
    return render(request, template, context)


@require_GET
def compliance(request: DeskRequest) -> HttpResponse:
    """Rate per handbook rule; each figure opens its records. No overall score."""
    filters, results = _filtered(request)
    context = {
        "filters": filters,
        "figures": figures(results),
        "sees_all": request.actor.may("rules.see_all"),
        "query": request.GET.urlencode(),
    }
    return render(request, "desk/compliance.html", context)


@require_GET
def compliance_rule(request: DeskRequest, rule_id: str) -> HttpResponse:
    """The records behind one figure, with the evidence."""
    rule = next((r for r in RULES.values() if r.id == rule_id), None)
    if rule is None:
        raise Http404
    filters, results = _filtered(request)
    results = results.filter(rule=rule_id).exclude(answer="not_applicable")
    answer = request.GET.get("answer", "")
    if answer in RuleResult.Answer.values:
        results = results.filter(answer=answer)
    page = keyset_page(results, request.GET, "-counts_at", "-pk")
    found = subjects.find_all((r.subject_kind, r.subject_id) for r in page.rows)
    wanted = {uid for r in page.rows for uid in r.evidence}
    entries = {str(e.uid): line(e) for e in Entry.objects.filter(uid__in=wanted)}
    rows = [
        {
            "result": r,
            "subject": found.get((r.subject_kind, r.subject_id)),
            "evidence": [entries[uid] for uid in r.evidence if uid in entries],
        }
        for r in page.rows
    ]
    context = {
        "rule": rule, "page": page, "rows": rows, "filters": filters, "answer": answer,
        "answers": [a for a in RuleResult.Answer.choices if a[0] != "not_applicable"],
    }  # fmt: skip
    return render(request, "desk/compliance_rule.html", context)


def _filtered(request: DeskRequest):  # type: ignore[no-untyped-def]
    if not request.actor.may("rules.see_own"):
        raise PermissionDenied
    filters = ComplianceFilter({"days": "30"} | request.GET.dict())
    filters.is_valid()
    return filters, filters.apply(results_visible_to(request.actor))


@require_GET
def outbox(request: DeskRequest) -> HttpResponse:
    """What leaves the house: waiting, sent, given up."""
    _require(request, "outbox.see")
    found = OutboxMessage.objects.all()
    status = request.GET.get("status", "")
    if status in OutboxMessage.State.values:
        found = found.filter(status=status)
    context = {
        "page": keyset_page(found, request.GET, "-pk"),
        "status": status,
        "statuses": OutboxMessage.State.choices,
        "may_replay": request.actor.may("outbox.replay"),
    }
    return render(request, "desk/outbox.html", context)


@require_POST
def replay(request: DeskRequest, uid: str) -> HttpResponse:
    _require(request, "outbox.replay")
    outbox_core.replay(get_object_or_404(OutboxMessage, uid=uid), at=timezone.now())
    return redirect("desk:outbox")


def _require(request: DeskRequest, permission: str) -> None:
    if not request.actor.may(permission):
        raise PermissionDenied


@require_GET
@login_not_required
def favicon(request: DeskRequest) -> HttpResponse:
    """The icon, for programs that ask without reading a page; its address changes with it."""
    return redirect(static("icons/desk.svg"))


@require_GET
@login_not_required
def healthz(request: DeskRequest) -> HttpResponse:
    """The process lives and answers; says nothing else."""
    return HttpResponse("ok", content_type="text/plain")


@require_GET
@login_not_required
def readyz(request: DeskRequest) -> HttpResponse:
    """The database answers and a worker enforces the deadlines; else 503 with the reason."""
    try:
        silent = engine_silent()
    except DatabaseError:
        return HttpResponse("no database", status=503, content_type="text/plain")
    if silent:
        return HttpResponse("no worker sweeps", status=503, content_type="text/plain")
    return HttpResponse("ready", content_type="text/plain")
