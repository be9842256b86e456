"""Remote sessions: their list, and the page on which one is led."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from knowledge.models import Article
from servicedesk.core.actors import Actor
from servicedesk.core.forms import ActionForm, DeskForm
from servicedesk.core.history import changes
from servicedesk.core.http import DeskRequest, perform, show_form
from servicedesk.core.keyset import keyset_page
from servicedesk.core.models import Document
from servicedesk.core.timeline import timeline
from tickets.actions import remote as actions
from tickets.forms.remote import FORMS, PrepareForm
from tickets.models import RemoteSession, Ticket
from tickets.queries import for_page, possible_remotely
from tickets.states import RemoteStatus
from tickets.views.tickets import prepare_remote, stray_errors

VERBS: dict[str, Callable[..., Any]] = {
    "consent": actions.consent,
    "start": actions.start,
    "add_step": actions.add_step,
    "close": actions.close,
    "abandon": actions.abandon,
    "make_article": actions.make_article,
}
NEXT = {
    RemoteStatus.PREPARED: "consent",
    RemoteStatus.CONSENTED: "start",
    RemoteStatus.RUNNING: "close",
    RemoteStatus.CLOSED: "make_article",
}
# In the order in which a session goes.
STAGES = (
    RemoteStatus.PREPARED,
    RemoteStatus.CONSENTED,
    RemoteStatus.RUNNING,
    RemoteStatus.CLOSED,
)


@require_GET
def session_list(request: DeskRequest) -> HttpResponse:
    sessions = RemoteSession.objects.visible_to(request.actor).select_related(
        "ticket__store", "engineer", "category"
    )
    mine = request.GET.get("who") == "mine"
    if mine:
        sessions = sessions.filter(engineer_id=request.actor.id)
    here = reverse("tickets:remote_list")
    context = {
        "page": keyset_page(sessions, request.GET, "-pk"),
        "views": [(_("All"), here, not mine), (_("Mine"), f"{here}?who=mine", mine)],
    }
    return render(request, "tickets/remote/list.html", context)


@require_http_methods(["GET", "POST"])
def prepare(request: DeskRequest, number: str) -> HttpResponse:
    """A new session on the ticket; its page comes next."""
    ticket = get_object_or_404(for_page(Ticket.objects.visible_to(request.actor)), number=number)
    sent = request.POST if request.method == "POST" else None
    form = PrepareForm(sent, ticket=ticket, by=request.actor)
    session = perform(request, form, actions.prepare, ticket) if form.is_bound else None
    if session is None:
        return show_form(
            request,
            prepare_remote(ticket, form),
            eyebrow=ticket.number,
            back=ticket.get_absolute_url(),
            # Refused, the form takes its own place; prepared, the page goes on to the session.
            target="this",
            status=422 if form.errors else 200,
        )
    if request.htmx:
        return HttpResponseClientRedirect(session.get_absolute_url())
    return redirect(session)


@require_GET
def session_page(request: DeskRequest, number: str) -> HttpResponse:
    return _show(request, _session(request, number))


@require_POST
def act(request: DeskRequest, number: str, verb: str) -> HttpResponse:
    session = _session(request, number)
    if verb not in VERBS:
        raise Http404
    form = FORMS[verb](request.POST, session=session, by=request.actor)
    if perform(request, form, VERBS[verb], session) is None:
        return _show(request, _session(request, number), tried=(verb, form), status=422)
    return _show(request, _session(request, number)) if request.htmx else redirect(session)


def _session(request: DeskRequest, number: str) -> RemoteSession:
    sessions = RemoteSession.objects.visible_to(request.actor).select_related(
        "ticket__store", "ticket__customer", "ticket__contact", "ticket__product",
        "ticket__installation", "engineer", "category",
    )  # fmt: skip
    return get_object_or_404(sessions, number=number)


def _show(
    request: DeskRequest,
    session: RemoteSession,
    *,
    tried: tuple[str, DeskForm] | None = None,
    status: int = 200,
) -> HttpResponse:
    article = Article.objects.filter(
        source_kind=RemoteSession._meta.label_lower, source_id=session.pk
    ).first()
    buttons = _buttons(session, request.actor, tried, article=article)
    running = session.status == RemoteStatus.RUNNING
    step_form = FORMS["add_step"](session=session, by=request.actor)
    context = {
        "session": session,
        "ticket": session.ticket,
        "stages": _stages(session),
        "steps": session.steps.all(),
        "step_form": tried[1] if tried and tried[0] == "add_step" else step_form,
        "can_add": running and request.actor.may("remote.work"),
        "buttons": buttons,
        "stray_errors": stray_errors(tried, buttons, {"add_step"} if running else set()),
        "article": article,
        "form": Document.objects.filter(number=session.number).order_by("-version").first(),
        "lines": timeline(session),
        "changes": changes(session),
    }
    template = "tickets/remote/_session.html" if request.htmx else "tickets/remote/session.html"
    return render(request, template, context, status=status)


def _stages(session: RemoteSession) -> list[tuple[Any, str, Any]]:
    """The stepper: what is over, where the session stands, what comes."""
    reached = STAGES.index(session.status) if session.status in STAGES else -1
    moments = [session.prepared_at, session.consent_at, session.started_at, session.ended_at]
    words = [_("Prepared"), _("Consent"), _("Session running"), _("Remote session over")]
    last = len(STAGES) - 1
    return [
        (
            word,
            "done"
            if index < reached or reached == last
            else "current"
            if index == reached
            else "todo",
            moment,
        )
        for index, (word, moment) in enumerate(zip(words, moments, strict=True))
    ]


def _buttons(
    session: RemoteSession,
    actor: Actor,
    tried: tuple[str, DeskForm] | None,
    *,
    article: Article | None,
) -> list[ActionForm]:
    shown = []
    for step in possible_remotely(session, actor):
        if step.name == "add_step" or (step.name == "make_article" and article is not None):
            continue
        form = tried[1] if tried and tried[0] == step.name else None
        next_one = NEXT.get(RemoteStatus(session.status)) == step.name
        shown.append(
            ActionForm.of(
                step,
                reverse("tickets:remote_act", args=[session.number, step.name]),
                form or FORMS[step.name](session=session, by=actor),
                style="primary" if next_one else "danger" if step.name == "abandon" else "plain",
            )
        )
    return shown
