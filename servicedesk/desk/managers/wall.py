"""The screen on the wall by a link of its own: it runs for months, and opens nothing else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.adapters import fresh_log_in
from servicedesk.core.actions import require
from servicedesk.core.forms import DeskForm
from servicedesk.core.http import DeskRequest, perform
from servicedesk.core.keyset import keyset_page
from servicedesk.core.models import token_hash
from servicedesk.desk.actions import make_wall_link, note_wall_seen, revoke_wall_link
from servicedesk.desk.managers.filters import ManagerFilter
from servicedesk.desk.managers.now import answer, figures_of
from servicedesk.desk.managers.pages import filters_of
from servicedesk.desk.models import WallLink

MAKE = "managers.wall"


class WallForm(DeskForm):
    name = forms.CharField(
        label=_("Where the screen hangs"), max_length=60,
        widget=forms.TextInput(attrs={"placeholder": _("such as “helpdesk, south wall”")}),
    )  # fmt: skip


# --- the screen -------------------------------------------------------------------------------


@login_not_required
@require_GET
@never_cache
def page(request: HttpRequest, token: str) -> HttpResponse:
    link = _link(token)
    with translation.override(link.made_by.language):
        context = _context(link) | {"live": reverse("desk:wall_live", args=[token])}
        return render(request, "managers/now_wall.html", context)


@login_not_required
@require_GET
def live(request: HttpRequest, token: str) -> HttpResponse:
    link = _link(token)
    note_wall_seen(link, at=timezone.now())
    with translation.override(link.made_by.language):
        return answer(request, "managers/_now_wall.html", _context(link))


def _link(token: str) -> WallLink:
    """Alive, and of somebody who may still see these figures himself."""
    links = WallLink.objects.alive(timezone.now()).select_related("made_by")
    link = links.filter(token_sha256=token_hash(token)).first()
    if link is None or not link.made_by.as_actor().may("managers.see"):
        raise Http404
    return link


def _context(link: WallLink) -> dict[str, Any]:
    """As its maker would see it; no address of the desk is among it."""
    actor = link.made_by.as_actor()
    filters = ManagerFilter(link.chosen, by=actor, today=timezone.localdate())
    narrowed = [str(found) for found in filters.dimensions.values()]
    return figures_of(actor, filters, timezone.now()) | {"narrowed": narrowed}


# --- the links --------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def walls(request: DeskRequest) -> HttpResponse:
    require(request.actor, MAKE)
    return _make(request) if request.method == "POST" else _list(request, WallForm())


@fresh_log_in
def _make(request: DeskRequest) -> HttpResponse:
    form, filters = WallForm(request.POST), filters_of(request)
    made = perform(
        request, form, make_wall_link,
        chosen={name: str(found.uid) for name, found in filters.dimensions.items()},
        filters=", ".join(map(str, filters.dimensions.values())),
    )  # fmt: skip
    if made is None:
        return _list(request, form, status=422)
    link, token = made
    # Drawn at once, not after a redirect: on the way it would have to be kept somewhere.
    address = request.build_absolute_uri(reverse("desk:wall", args=[token]))
    response = render(request, "managers/wall_made.html", {"link": link, "address": address})
    response["Cache-Control"] = "no-store"
    return response


def _list(request: DeskRequest, form: WallForm, *, status: int = 200) -> HttpResponse:
    links = WallLink.objects.visible_to(request.actor).select_related("made_by")
    context = {
        "form": form, "filters": filters_of(request), "page": keyset_page(links, request.GET, "-pk"),
        "now": timezone.now(), "here": request.get_full_path(),
    }  # fmt: skip
    return render(request, "managers/walls.html", context, status=status)


@require_POST
def revoke(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, MAKE)
    link = get_object_or_404(WallLink.objects.visible_to(request.actor), uid=uid)
    revoke_wall_link(link, at=timezone.now(), by=request.actor)
    return redirect("desk:managers_walls")
