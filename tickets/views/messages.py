"""Messages for absent colleagues."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from servicedesk.core.actors import Actor
from servicedesk.core.forms import ActionForm, DeskForm
from servicedesk.core.history import changes
from servicedesk.core.http import DeskRequest, perform
from servicedesk.core.keyset import Page, keyset_page
from servicedesk.core.timeline import timeline
from tickets.actions import messages as actions
from tickets.forms.messages import FORMS
from tickets.models import Message
from tickets.models.calls import MessageQuerySet
from tickets.states import MessageStatus, open_to_message
from tickets.views.inbox import tabs

MOST_UNREAD = 50


@require_GET
def message_list(request: DeskRequest) -> HttpResponse:
    """Unread ones first, all of them; then the others by pages."""
    box = request.GET.get("box", "mine")
    messages = _box(box, request.actor).select_related("to_user", "taken_by", "store", "customer")
    unread = messages.filter(status=MessageStatus.UNREAD).order_by("call_back_by", "pk")
    if request.GET.get("done"):
        page: Page[Message] = keyset_page(messages.filter(status=MessageStatus.DONE), request.GET)
        waiting: list[Message] = []
    else:
        page = keyset_page(messages.filter(status=MessageStatus.READ), request.GET)
        waiting = list(unread[:MOST_UNREAD])
    context = {
        "tabs": tabs(request, f"messages:{box}"),
        "box": box,
        "done": bool(request.GET.get("done")),
        "unread": waiting,
        "page": page,
        "done_url": f"{reverse('tickets:inbox')}?box={box}&done=1",
        "open_url": f"{reverse('tickets:inbox')}?box={box}",
    }
    return render(request, "tickets/messages/list.html", context)


@require_GET
def message_page(request: DeskRequest, uid: UUID) -> HttpResponse:
    return _show(request, _message(request, uid))


@require_POST
def act(request: DeskRequest, uid: UUID, verb: str) -> HttpResponse:
    message = _message(request, uid)
    if verb not in FORMS:
        raise Http404
    form = FORMS[verb](request.POST, prefix=verb)
    if perform(request, form, getattr(actions, verb), message) is None:
        return _show(request, message, refused=(verb, form), status=422)
    seen = Message.objects.visible_to(request.actor).filter(pk=message.pk).exists()
    if not seen or request.POST.get("back") == "list":
        return _leave(request)
    return _show(request, message) if request.htmx else redirect(message)


def _leave(request: DeskRequest) -> HttpResponse:
    """Back to the list: the message may belong to somebody else now."""
    inbox = reverse("tickets:inbox")
    return HttpResponseClientRedirect(inbox) if request.htmx else redirect(inbox)


def _box(box: str, actor: Actor) -> MessageQuerySet:
    messages = Message.objects.visible_to(actor)
    if box == "taken":
        return messages.filter(taken_by_id=actor.id)
    return messages if box == "all" else messages.filter(to_user_id=actor.id)


def _message(request: DeskRequest, uid: UUID) -> Message:
    messages = Message.objects.visible_to(request.actor)
    return get_object_or_404(
        messages.select_related("to_user", "taken_by", "call", "store", "customer"), uid=uid
    )


def _show(
    request: DeskRequest,
    message: Message,
    *,
    refused: tuple[str, DeskForm] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "message": message,
        "actions": _actions(message, request.actor, refused),
        "lines": timeline(message),
        "changes": changes(message),
        "inbox_url": reverse("tickets:inbox"),
        "crumbs": [(_("Messages and callbacks"), reverse("tickets:inbox"))],
    }
    template = "tickets/messages/_panel.html" if request.htmx else "tickets/messages/message.html"
    return render(request, template, context, status=status)


def _actions(
    message: Message, actor: Actor, refused: tuple[str, DeskForm] | None
) -> list[ActionForm]:
    mine = actor.id == message.to_user_id
    shown = []
    for step in open_to_message(actor, message.status, mine=mine):
        wrong = refused is not None and refused[0] == step.name
        form = refused[1] if refused and wrong else FORMS[step.name](prefix=step.name)
        first = "read" if message.status == MessageStatus.UNREAD and mine else "finish"
        shown.append(
            ActionForm(
                step.name,
                step.label,
                reverse("tickets:message_act", args=[message.uid, step.name]),
                form,
                icon=step.icon,
                style="primary" if step.name == first else "plain",
            )
        )
    return shown
