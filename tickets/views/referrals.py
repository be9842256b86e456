"""The directory of where callers are sent with what is not ours (CALL-5)."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from servicedesk.core.history import changes
from servicedesk.core.http import DeskRequest, perform
from servicedesk.core.timeline import timeline
from tickets.actions.referrals import add_target, edit_target, retire_target
from tickets.forms.referrals import TargetForm
from tickets.models import ReferralTarget


@require_http_methods(["GET", "HEAD", "POST"])
def directory(request: DeskRequest) -> HttpResponse:
    if not request.actor.may("calls.take"):
        raise PermissionDenied
    form = TargetForm(request.POST or None)
    if request.method == "POST" and perform(request, form, add_target) is not None:
        return redirect("tickets:referrals")
    targets = ReferralTarget.objects.visible_to(request.actor).active()
    context = {
        "targets": targets.annotate(used=Count("call")).order_by("topic", "name", "id"),
        "form": form,
        "may_manage": request.actor.may("referrals.manage"),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "tickets/referrals/directory.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: DeskRequest, uid: UUID) -> HttpResponse:
    if not request.actor.may("referrals.manage"):
        raise PermissionDenied
    target = _target(request, uid)
    if request.method == "POST":
        form = TargetForm(request.POST)
        if perform(request, form, edit_target, target) is not None:
            return redirect("tickets:referrals")
    else:
        names = ("topic", "name", "phone", "note")
        form = TargetForm(initial={name: getattr(target, name) for name in names})
    context = {
        "target": target,
        "form": form,
        "lines": timeline(target),
        "changes": changes(target),
        "crumbs": [(_("Referrals"), reverse("tickets:referrals"))],
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "tickets/referrals/edit.html", context, status=status)


@require_POST
def retire(request: DeskRequest, uid: UUID) -> HttpResponse:
    target = _target(request, uid)
    retire_target(target, at=timezone.now(), by=request.actor)
    return redirect("tickets:referrals")


def _target(request: DeskRequest, uid: UUID) -> ReferralTarget:
    return get_object_or_404(ReferralTarget.objects.visible_to(request.actor).active(), uid=uid)
