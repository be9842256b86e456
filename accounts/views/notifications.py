"""What a colleague was told: the list behind the bell, and the number on it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import actions, queries
from accounts.models import Notification
from servicedesk.core.http import DeskRequest
from servicedesk.core.keyset import keyset_page


@require_GET
def notifications(request: DeskRequest) -> HttpResponse:
    found = Notification.objects.visible_to(request.actor)
    only_unread = "unread" in request.GET
    page = keyset_page(found.unread() if only_unread else found, request.GET, "-id")
    unread = queries.unread_count(request.actor)
    here = reverse("accounts:notifications")
    context = {
        "page": page,
        "unread": unread,
        "views": [
            (_("All"), here, not only_unread),
            (_("Unread"), f"{here}?unread", only_unread, unread),
        ],
    }
    return render(request, "accounts/notifications.html", context)


@require_GET
def badge(request: DeskRequest) -> HttpResponse:
    """The number on the bell; each open page asks for it twice a minute."""
    count = queries.unread_count(request.actor)
    return render(request, "accounts/_badge.html", {"count": count})


@require_POST
def read(request: DeskRequest, uid: UUID) -> HttpResponse:
    """Mark it and go where it leads."""
    notification = get_object_or_404(Notification.objects.visible_to(request.actor), uid=uid)
    actions.read_notification(notification, at=timezone.now(), by=request.actor)
    here = {request.get_host()}
    if notification.url and url_has_allowed_host_and_scheme(notification.url, here):
        return redirect(notification.url)
    return redirect("accounts:notifications")


@require_POST
def read_all(request: DeskRequest) -> HttpResponse:
    actions.read_all_notifications(at=timezone.now(), by=request.actor)
    return redirect("accounts:notifications")
