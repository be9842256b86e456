"""All API tokens. They are made on the page of their client."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import actions
from accounts.models import Token
from accounts.views.people import MANAGE, sections
from servicedesk.core.actions import require
from servicedesk.core.http import DeskRequest
from servicedesk.core.keyset import keyset_page


@require_GET
def tokens(request: DeskRequest) -> HttpResponse:
    require(request.actor, MANAGE)
    page = keyset_page(Token.objects.select_related("user"), request.GET, "-id")
    context = {"page": page, "now": timezone.now(), "sections": sections("tokens")}
    return render(request, "accounts/tokens.html", context)


@require_POST
def revoke(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, MANAGE)
    token = get_object_or_404(Token.objects.select_related("user"), uid=uid)
    actions.revoke_token(token, at=timezone.now(), by=request.actor)
    return redirect(token.user)
