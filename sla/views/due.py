from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from servicedesk.core.actions import require
from servicedesk.core.http import DeskRequest
from servicedesk.core.keyset import keyset_page
from sla import actions, queries
from sla.forms.due import DueFilter
from sla.models import Escalation

SCOPES = {
    "mine": gettext_lazy("Mine"),
    "team": gettext_lazy("My team"),
    "all": gettext_lazy("All"),
}


@require_GET
def due(request: DeskRequest) -> HttpResponse:
    """What is due, the most urgent first."""
    require(request.actor, "sla.see")
    scope = _scope(request)
    filters = DueFilter(request.GET)
    kind = filters.cleaned_data.get("kind", "") if filters.is_valid() else ""
    context = {
        "page": keyset_page(
            queries.due(request.actor, scope, kind=kind), request.GET, "due_at", "id"
        ),
        "scope": scope,
        "views": _views(request, "sla:due", scope),
        "filters": filters,
        "active_filters": int(bool(kind)),
        "engine_silent": queries.engine_silent(),
    }
    template = "sla/_due_rows.html" if request.htmx else "sla/due.html"
    return render(request, template, context)


@require_GET
def escalations(request: DeskRequest) -> HttpResponse:
    """What a person was told and has to answer, the newest first."""
    require(request.actor, "sla.see")
    scope, past = _scope(request), request.GET.get("show") == "past"
    found = queries.escalations(request.actor, scope, open_only=not past)
    context = {
        "page": keyset_page(found, request.GET, "-id"),
        "scope": scope,
        "past": past,
        "views": _views(request, "sla:escalations", scope, show="past" if past else ""),
        "may_acknowledge": request.actor.may("sla.acknowledge"),
        "engine_silent": queries.engine_silent(),
    }
    return render(request, "sla/escalations.html", context)


@require_POST
def acknowledge(request: DeskRequest, uid: str) -> HttpResponse:
    escalation = get_object_or_404(Escalation.objects.visible_to(request.actor), uid=uid)
    actions.acknowledge(escalation, at=timezone.now(), by=request.actor)
    messages.success(request, _("Acknowledged: %(label)s") % {"label": escalation.deadline.label})
    back = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        return redirect(back)
    return redirect("sla:escalations")


def _scope(request: DeskRequest) -> str:
    """The scope asked for, if this person may have it."""
    allowed = queries.scopes(request.actor)
    asked = request.GET.get("scope", "")
    return asked if asked in allowed else allowed[0]


def _views(
    request: DeskRequest, url_name: str, scope: str, **kept: str
) -> list[tuple[object, str, bool]]:
    query = {name: value for name, value in kept.items() if value}
    return [
        (SCOPES[name], f"{reverse(url_name)}?{urlencode({'scope': name, **query})}", name == scope)
        for name in queries.scopes(request.actor)
    ]
