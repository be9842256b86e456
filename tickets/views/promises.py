"""Callbacks promised by a time."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from servicedesk.core.actors import Actor
from servicedesk.core.forms import ActionForm, DeskForm
from servicedesk.core.history import changes
from servicedesk.core.http import DeskRequest, perform
from servicedesk.core.keyset import keyset_page
from servicedesk.core.timeline import timeline
from tickets.actions import promises as actions
from tickets.forms.promises import FORMS
from tickets.models import CallbackPromise
from tickets.states import PROMISE, PromiseStatus
from tickets.views.inbox import tabs

STYLES: dict[str, Literal["primary", "plain", "danger"]] = {"keep": "primary", "drop": "danger"}


@require_GET
def promise_list(request: DeskRequest) -> HttpResponse:
    """Open ones by the time they are due; closed ones newest first."""
    box = request.GET.get("box", "mine")
    promises = CallbackPromise.objects.visible_to(request.actor).select_related(
        "owner", "store", "customer", "ticket"
    )
    if box != "all":
        promises = promises.filter(owner_id=request.actor.id)
    done = bool(request.GET.get("done"))
    if done:
        page = keyset_page(promises.exclude(status=PromiseStatus.OPEN), request.GET)
    else:
        page = keyset_page(promises.open(), request.GET, "due_at", "id")
    context = {
        "tabs": tabs(request, f"promises:{box}"),
        "box": box,
        "done": done,
        "page": page,
        "now": timezone.now(),
        "done_url": f"{reverse('tickets:promises')}?box={box}&done=1",
        "open_url": f"{reverse('tickets:promises')}?box={box}",
    }
    return render(request, "tickets/promises/list.html", context)


@require_GET
def promise_page(request: DeskRequest, uid: UUID) -> HttpResponse:
    return _show(request, _promise(request, uid))


@require_POST
def act(request: DeskRequest, uid: UUID, verb: str) -> HttpResponse:
    promise = _promise(request, uid)
    if verb not in FORMS:
        raise Http404
    form = FORMS[verb](request.POST, prefix=verb)
    if perform(request, form, getattr(actions, verb), promise) is None:
        return _show(request, promise, refused=(verb, form), status=422)
    if not CallbackPromise.objects.visible_to(request.actor).filter(pk=promise.pk).exists():
        callbacks = reverse("tickets:promises")
        return HttpResponseClientRedirect(callbacks) if request.htmx else redirect(callbacks)
    return _show(request, promise) if request.htmx else redirect(promise)


def _promise(request: DeskRequest, uid: UUID) -> CallbackPromise:
    promises = CallbackPromise.objects.visible_to(request.actor)
    return get_object_or_404(
        promises.select_related("owner", "call", "ticket", "store", "customer"), uid=uid
    )


def _show(
    request: DeskRequest,
    promise: CallbackPromise,
    *,
    refused: tuple[str, DeskForm] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "promise": promise,
        "actions": _actions(promise, request.actor, refused),
        "lines": timeline(promise),
        "changes": changes(promise),
        "crumbs": [(_("Messages and callbacks"), reverse("tickets:promises"))],
    }
    template = "tickets/promises/_panel.html" if request.htmx else "tickets/promises/promise.html"
    return render(request, template, context, status=status)


def _actions(
    promise: CallbackPromise, actor: Actor, refused: tuple[str, DeskForm] | None
) -> list[ActionForm]:
    shown = []
    for step in PROMISE.open_to(actor, promise.status):
        wrong = refused is not None and refused[0] == step.name
        form = refused[1] if refused and wrong else FORMS[step.name](prefix=step.name)
        shown.append(
            ActionForm(
                step.name,
                step.label,
                reverse("tickets:promise_act", args=[promise.uid, step.name]),
                form,
                icon=step.icon,
                style=STYLES.get(step.name, "plain"),
            )
        )
    return shown
