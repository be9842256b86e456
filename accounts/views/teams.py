"""Teams and their leaders."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts import actions, queries
from accounts.forms import TeamForm
from accounts.models import Team
from accounts.views.people import MANAGE, sections
from servicedesk.core.actions import require
from servicedesk.core.history import changes
from servicedesk.core.http import DeskRequest, perform


@require_GET
def teams(request: DeskRequest) -> HttpResponse:
    require(request.actor, MANAGE)
    return render(
        request, "accounts/teams.html", {"teams": queries.teams(), "sections": sections("teams")}
    )


@require_http_methods(["GET", "POST"])
def create(request: DeskRequest) -> HttpResponse:
    require(request.actor, MANAGE)
    form = TeamForm(request.POST or None, by=request.actor)
    if request.method == "POST" and perform(request, form, actions.create_team) is not None:
        return redirect("accounts:teams")
    context = {"form": form, "title": _("New team"), "cancel": reverse("accounts:teams")}
    return render(request, "accounts/form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def edit(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, MANAGE)
    team = get_object_or_404(Team, uid=uid)
    initial = {"name": team.name, "leader": team.leader}
    form = TeamForm(request.POST or None, initial=initial, by=request.actor)
    if request.method == "POST" and perform(request, form, actions.edit_team, team) is not None:
        return redirect("accounts:teams")
    context = {
        "form": form,
        "title": team.name,
        "cancel": reverse("accounts:teams"),
        "changes": changes(team),
    }
    return render(request, "accounts/form.html", context, status=422 if form.errors else 200)
