"""The roof: my work, search, the handbook's figures, outgoing messages."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from servicedesk.core import outbox as outbox_core
from servicedesk.core.http import DeskRequest
from servicedesk.core.keyset import keyset_page
from servicedesk.core.models import OutboxMessage
from servicedesk.core.panels import render_panels
from servicedesk.desk.queries import find, my_work
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
    text = request.GET.get("q", "").strip()[:100]
    context = {"text": text, "hits": find(text, request.actor) if text else []}
    template = "desk/_hits.html" if request.htmx else "desk/search.html"
    return render(request, template, context)


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
