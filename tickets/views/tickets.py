"""The list of tickets and the page of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers.models import Contact, Store
from servicedesk.core import handover, paper
from servicedesk.core.actors import Actor
from servicedesk.core.files import files_of
from servicedesk.core.forms import ActionForm, DeskForm
from servicedesk.core.history import changes
from servicedesk.core.http import DeskRequest, perform, show_form
from servicedesk.core.keyset import keyset_page
from servicedesk.core.link_mail import masked
from servicedesk.core.panels import render_panels
from servicedesk.core.states import Transition
from servicedesk.core.templatetags import desk
from servicedesk.core.timeline import timeline
from sla.events import DeadlineMet, DeadlineStarted
from sla.models import Deadline
from tickets.actions import extensions, handovers, nudges, saved_views
from tickets.actions import tickets as actions
from tickets.forms.remote import PrepareForm
from tickets.forms.tickets import (
    EXTENSION_FORMS,
    FORMS,
    HANDOVER_FORMS,
    BulkAssignForm,
    EditForm,
    FilterForm,
    SaveViewForm,
    TicketForm,
)
from tickets.models import Extension, Handover, SavedView, Ticket
from tickets.pdf import CUSTOMER
from tickets.queries import (
    for_page,
    for_rows,
    may_nudge,
    offers_of,
    possible,
    rarities,
    ticket_list,
    workers,
)
from tickets.states import EXTENSION, HANDOVER, OPEN, ExtensionStatus, HandoverStatus, Status

VERBS: dict[str, Callable[..., Any]] = {
    "assign": actions.assign,
    "take": actions.take,
    "respond": actions.respond,
    "start": actions.start,
    "nudge": nudges.nudge,
    "wait": actions.wait,
    "resume": actions.resume,
    "resolve": actions.resolve,
    "close": actions.close,
    "reopen": actions.reopen,
    "mark_urgent": actions.mark_urgent,
    "flag_complaint": actions.flag_complaint,
    "comment": actions.comment,
    "attach": actions.attach,
    "hand_over": handovers.hand_over,
    "request_visit": actions.request_visit,
    "propose_extension": extensions.propose_extension,
}
# The one thing to do next; the others stand beside it, the rare ones under “More”.
NEXT = {
    Status.NEW: "assign",
    Status.ASSIGNED: "start",
    Status.IN_PROGRESS: "resolve",
    Status.WAITING: "resume",
    Status.RESOLVED: "close",
}
RARE = frozenset({"mark_urgent", "flag_complaint", "hand_over", "propose_extension", "edit"})
# These have a place of their own on the page.
IN_PLACE = frozenset({"comment", "attach"})
MOST_AT_ONCE = 200
# The chips show how the clocks stand.
SHOWN_AS_CHIPS = (DeadlineStarted.type, DeadlineMet.type)

Tried = tuple[str, DeskForm]


# --- The list --------------------------------------------------------------------------------


@require_GET
def ticket_list_page(request: DeskRequest) -> HttpResponse:
    filters = FilterForm(request.GET, by=request.actor)
    filters.is_valid()
    # A filter that cannot be read is left out, and says so beside its control.
    tickets, order = ticket_list(request.actor, filters.cleaned_data, now=timezone.now())
    query = _kept_query(request.GET.urlencode())
    saved = list(SavedView.objects.visible_to(request.actor))
    page = keyset_page(for_rows(tickets), request.GET, *order)
    context = {
        "page": page,
        "rows": map(_cells, page.rows),
        "can_assign": request.actor.may("tickets.assign"),
        "bulk": BulkAssignForm(),
        "save_view": SaveViewForm(initial={"query": query}) if query else None,
        "current_view": next((view for view in saved if view.query == query), None),
        "filters": filters,
        "views": _views(saved, query),
    }
    fragment = request.htmx and not request.htmx.boosted
    template = "tickets/tickets/_list.html" if fragment else "tickets/tickets/list.html"
    return render(request, template, context)


def _cells(ticket: Ticket) -> dict[str, object]:
    """What a row shows of a ticket (_row.html)."""
    return {
        "number": ticket.number,
        "url": ticket.get_absolute_url(),
        "title": ticket.title,
        "marks": format_html_join("", "{}", ((mark,) for mark in _marks(ticket))),
        "store": ticket.store.name,
        "customer": ticket.customer,
        "status": desk.status(ticket),
        "remaining": desk.remaining(
            due_at=ticket.due_at, since=ticket.received_at, state=ticket.clock
        ),
        "assignee": desk.person(ticket.assignee),
        "owner": ticket.owner.name,
        "received": desk.when(ticket.received_at),
    }


def _marks(ticket: Ticket) -> Iterator[SafeString]:
    if ticket.is_urgent:
        yield desk.badge(_("Urgent"), "bad", "urgent")
    if ticket.is_complaint:
        yield desk.badge(_("Complaint"), "bad", "mood-angry")
    if ticket.reopened_count:
        yield desk.badge(_("Reopened"), "wait", "refresh")


def _kept_query(query: str) -> str:
    """The filters of an address without empty ones and without the page."""
    known = set(FilterForm.base_fields)
    pairs = [(k, v) for k, v in parse_qsl(query) if k in known and v]
    return urlencode(sorted(pairs))[:500]


def _views(saved: list[SavedView], query: str) -> list[tuple[Any, str, bool]]:
    here = reverse("tickets:list")
    usual = [
        (_("All open"), ""),
        (_("Assigned to me"), "who=mine"),
        (_("My team's"), "who=team"),
        (_("Nobody's yet"), "who=unassigned"),
        (_("Overdue"), "due=overdue"),
        (_("Closed"), "sort=new&status=closed"),
    ]
    own = [(view.name, view.query) for view in saved]
    return [(label, f"{here}?{q}" if q else here, q == query) for label, q in [*usual, *own]]


@require_POST
def save_view(request: DeskRequest) -> HttpResponse:
    form = SaveViewForm(request.POST)
    query = _kept_query(request.POST.get("query", ""))
    if perform(request, form, saved_views.save_view, query=query) is None:
        context = {"form": form, "back": f"{reverse('tickets:list')}?{query}"}
        return render(request, "tickets/tickets/save_view.html", context, status=422)
    return redirect(f"{reverse('tickets:list')}?{query}")


@require_POST
def delete_view(request: DeskRequest, uid: UUID) -> HttpResponse:
    view = get_object_or_404(SavedView.objects.visible_to(request.actor), uid=uid)
    saved_views.delete_view(view, by=request.actor)
    return redirect("tickets:list")


@require_POST
def bulk_assign(request: DeskRequest) -> HttpResponse:
    """Assign many; each is an action of its own, and the answer says what became of it."""
    form = BulkAssignForm(request.POST)
    numbers = list(dict.fromkeys(request.POST.getlist("tickets")))[:MOST_AT_ONCE]
    if not numbers:
        form.add_error(None, _("Choose at least one ticket."))
    if not form.is_valid():
        context = {"form": form, "numbers": numbers}
        return render(request, "tickets/tickets/bulk_assign.html", context, status=422)
    results = actions.assign_each(
        Ticket.objects.visible_to(request.actor),
        numbers,
        assignee=form.cleaned_data["assignee"],
        at=timezone.now(),
        by=request.actor,
    )
    context = {
        "results": results,
        "assignee": form.cleaned_data["assignee"],
        "done": sum(1 for result in results if result.ok),
    }
    return render(request, "tickets/tickets/bulk_assigned.html", context)


@require_GET
def worker_options(request: DeskRequest) -> JsonResponse:
    """Colleagues who can take a ticket, those with the fewest open ones first."""
    if not request.actor.may("tickets.work"):
        raise PermissionDenied
    found = workers(request.actor, request.GET.get("q", "")[:60])
    return JsonResponse(
        {
            "results": [
                {
                    "uid": str(user.uid),
                    "label": user.name,
                    "detail": _("%(role)s · %(load)s open")
                    % {"role": user.get_role_display(), "load": load},
                }
                for user, load in found
            ]
        }
    )


# --- One ticket ------------------------------------------------------------------------------


@require_GET
def ticket_page(request: DeskRequest, number: str) -> HttpResponse:
    return _show(request, _ticket(request, number))


@require_GET
def ticket_changes(request: DeskRequest, number: str) -> HttpResponse:
    """Who changed what from which value to which."""
    ticket = _ticket(request, number)
    context = {"ticket": ticket, "changes": changes(ticket, limit=200), "tabs": _tabs(ticket, 1)}
    return render(request, "tickets/tickets/changes.html", context)


@require_http_methods(["GET", "POST"])
def act(request: DeskRequest, number: str, verb: str) -> HttpResponse:
    """The page door of every transition of the ticket: GET shows its form, POST acts."""
    ticket = _ticket(request, number)
    if verb not in VERBS:
        raise Http404
    if request.method == "GET":
        return _ask(request, ticket, possible(ticket, request.actor), verb, FORMS)
    form = FORMS[verb](request.POST, request.FILES, ticket=ticket, by=request.actor)
    perform(request, form, VERBS[verb], ticket)
    return _answer(request, ticket, (verb, form))


@require_http_methods(["GET", "POST"])
def edit(request: DeskRequest, number: str) -> HttpResponse:
    ticket = _ticket(request, number)
    if request.method == "POST":
        form = EditForm(request.POST, ticket=ticket, by=request.actor)
        if perform(request, form, actions.edit, ticket) is not None:
            return redirect(ticket)
    else:
        form = EditForm(ticket=ticket, by=request.actor)
    context = {"ticket": ticket, "form": form}
    status = 422 if form.errors else 200
    return render(request, "tickets/tickets/edit.html", context, status=status)


@require_http_methods(["GET", "POST"])
def act_on_handover(request: DeskRequest, uid: UUID, verb: str) -> HttpResponse:
    found = Handover.objects.visible_to(request.actor)
    handover = get_object_or_404(found, uid=uid)
    if verb not in HANDOVER_FORMS:
        raise Http404
    ticket = _ticket(request, handover.ticket.number)
    if request.method == "GET":
        steps = HANDOVER.open_to(request.actor, handover.status)
        return _ask(request, ticket, steps, verb, HANDOVER_FORMS)
    form = HANDOVER_FORMS[verb](request.POST, ticket=ticket, by=request.actor)
    perform(request, form, getattr(handovers, verb), handover)
    return _answer(request, ticket, (verb, form))


@require_http_methods(["GET", "POST"])
def act_on_extension(request: DeskRequest, number: str, verb: str) -> HttpResponse:
    extension = get_object_or_404(Extension.objects.visible_to(request.actor), number=number)
    if verb not in EXTENSION_FORMS:
        raise Http404
    ticket = _ticket(request, extension.ticket.number)
    if request.method == "GET":
        steps = EXTENSION.open_to(request.actor, extension.status)
        return _ask(request, ticket, steps, verb, EXTENSION_FORMS)
    form = EXTENSION_FORMS[verb](request.POST, ticket=ticket, by=request.actor)
    perform(request, form, getattr(extensions, verb), extension)
    return _answer(request, ticket, (verb, form))


@require_POST
@never_cache
def extension_link(request: DeskRequest, number: str) -> HttpResponse:
    """A one-time link by which the customer reads plan and new time, and agrees or refuses.

    The token is shown once and kept nowhere.
    """
    extension = _extension(request, number)
    token = extensions.make_link(
        extension, at=timezone.now(), by=request.actor, **handover.device(request)
    )
    url = f"{settings.BASE_URL}{reverse('documents:sign', args=[token])}"
    contact = extension.ticket.contact
    context = {
        "extension": extension,
        "url": url,
        "qr": paper.qr(url),
        "mailed": masked(contact.email) if contact else "",
    }
    return render(request, "tickets/tickets/extension_link.html", context)


@require_POST
def hand_over_extension(request: DeskRequest, number: str) -> HttpResponse:
    """The engineer's phone goes into the customer's hand, who reads and signs, or refuses."""
    extension = _extension(request, number)
    contact = extension.ticket.contact
    return handover.begin(
        request,
        extensions.form_to_sign(extension, by=request.actor),
        block=CUSTOMER.name,
        signer_name=contact.name if contact else "",
        contact_id=contact.pk if contact else None,
        back=extension.get_absolute_url(),
    )


def _extension(request: DeskRequest, number: str) -> Extension:
    visible = Extension.objects.visible_to(request.actor).select_related("ticket__contact")
    return get_object_or_404(visible, number=number)


def _ask(
    request: DeskRequest,
    ticket: Ticket,
    steps: Iterable[Transition],
    verb: str,
    forms: Mapping[str, type[TicketForm]],
) -> HttpResponse:
    """The form of one act; who may not do it now is led to the ticket, which says what he may."""
    step = next((step for step in steps if step.name == verb), None)
    if step is None:
        return redirect(ticket)
    form = forms[verb](ticket=ticket, by=request.actor)
    return show_form(
        request,
        ActionForm.of(step, request.path, form),
        eyebrow=ticket.number,
        back=ticket.get_absolute_url(),
        target="#ticket",
    )


def _ticket(request: DeskRequest, number: str) -> Ticket:
    """The ticket, if the actor may see it; else 404, which does not tell that it exists."""
    return get_object_or_404(for_page(Ticket.objects.visible_to(request.actor)), number=number)


def _answer(request: DeskRequest, ticket: Ticket, tried: Tried) -> HttpResponse:
    """A browser is redirected, htmx gets the page's part; a refused form comes back as 422."""
    _verb, form = tried
    # The action may have refreshed the record, and with it dropped what was read along.
    visible = for_page(Ticket.objects.visible_to(request.actor)).filter(pk=ticket.pk).first()
    if form.errors:
        return _show(request, visible or ticket, tried=tried, status=422)
    if visible is None:
        return redirect("tickets:list")
    return _show(request, visible) if request.htmx else redirect(visible)


def _show(
    request: DeskRequest, ticket: Ticket, *, tried: Tried | None = None, status: int = 200
) -> HttpResponse:
    actor = request.actor
    has = rarities(ticket)
    handover = (
        ticket.handovers.select_related("from_user", "to_user")
        .filter(status=HandoverStatus.PENDING)
        .first()
        if has.handover
        else None
    )
    offers = offers_of(ticket) if has.extensions else []
    proposed = next((e for e in offers if e.status == ExtensionStatus.PROPOSED), None)
    nudge_again = nudges.nudge_again_at(has.nudged_at)
    waits = nudge_again is not None and timezone.now() < nudge_again
    buttons = _buttons(ticket, actor, tried, busy={
        "hand_over": handover is not None, "propose_extension": proposed is not None,
        "nudge": waits,
    })  # fmt: skip
    handover_buttons = _handover_buttons(ticket, handover, actor, tried)
    extension_buttons = _extension_buttons(ticket, proposed, actor, tried)
    answers = [*handover_buttons, *extension_buttons]
    context = {
        "ticket": ticket,
        "tabs": _tabs(ticket, 0),
        "deadlines": list(Deadline.objects.of(ticket).order_by("id")),
        "buttons": [b for b in buttons if b.name not in RARE],
        "rare_buttons": [b for b in buttons if b.name in RARE],
        "comment_form": _form("comment", ticket, actor, tried),
        "attach_form": _form("attach", ticket, actor, tried),
        "can_comment": actor.may("tickets.comment"),
        "lines": timeline(ticket, limit=60, without=SHOWN_AS_CHIPS),
        "files": files_of(ticket) if has.files else (),
        "calls": ticket.calls.select_related("taken_by"),
        "sessions": ticket.remote_sessions.select_related("engineer") if has.sessions else (),
        "extensions": offers,
        "extension_buttons": extension_buttons,
        "proposed": proposed,
        "can_link": actor.may("documents.ask_customer"),
        "nudge_again": nudge_again if waits and may_nudge(ticket, actor) else None,
        "handover": handover,
        "handover_buttons": handover_buttons,
        "stray_errors": stray_errors(tried, [*buttons, *answers], IN_PLACE),
        "phone_owner": _phone_owner(ticket),
        "panels": render_panels("tickets.ticket", ticket, request),
    }
    template = "tickets/tickets/_ticket.html" if request.htmx else "tickets/tickets/ticket.html"
    return render(request, template, context, status=status)


def stray_errors(
    tried: Tried | None, shown: Iterable[ActionForm], in_place: Iterable[str]
) -> list[str]:
    """What was refused of an action whose form the page does not show (any more)."""
    if tried is None or tried[0] in {*in_place, *(button.name for button in shown)}:
        return []
    return [str(error) for errors in tried[1].errors.values() for error in errors]


def _phone_owner(ticket: Ticket) -> Contact | Store:
    return ticket.contact if ticket.contact and ticket.contact.phone else ticket.store


def _tabs(ticket: Ticket, active: int) -> list[tuple[Any, str, bool]]:
    places = [
        (_("Overview"), ticket.get_absolute_url()),
        (_("Changes"), reverse("tickets:changes", args=[ticket.number])),
    ]
    return [(label, url, index == active) for index, (label, url) in enumerate(places)]


def _form(verb: str, ticket: Ticket, actor: Actor, tried: Tried | None) -> DeskForm:
    if tried and tried[0] == verb and isinstance(tried[1], FORMS[verb]):
        return tried[1]
    return FORMS[verb](ticket=ticket, by=actor)


def _buttons(
    ticket: Ticket, actor: Actor, tried: Tried | None, *, busy: dict[str, bool]
) -> list[ActionForm]:
    shown = []
    for step in possible(ticket, actor):
        if step.name in IN_PLACE or step.name not in VERBS or busy.get(step.name):
            continue
        shown.append(
            ActionForm.of(
                step,
                reverse("tickets:act", args=[ticket.number, step.name]),
                tried[1] if tried and tried[0] == step.name else None,
                asks=bool(FORMS[step.name].base_fields),
                style="primary" if NEXT.get(Status(ticket.status)) == step.name else "plain",
            )
        )
    if actor.may("remote.work") and ticket.status in OPEN:
        shown.append(prepare_remote(ticket))
    return sorted(shown, key=lambda action: action.style != "primary")


def prepare_remote(ticket: Ticket, form: PrepareForm | None = None) -> ActionForm:
    return ActionForm(
        "prepare",
        _("Remote session"),
        reverse("tickets:prepare_remote", args=[ticket.number]),
        form,
        icon="device-desktop",
        submit=_("Prepare"),
        asks=True,
    )


def _handover_buttons(
    ticket: Ticket, handover: Handover | None, actor: Actor, tried: Tried | None
) -> list[ActionForm]:
    if handover is None or handover.to_user_id != actor.id:
        return []
    return [
        ActionForm.of(
            step,
            reverse("tickets:handover_act", args=[handover.uid, step.name]),
            tried[1]
            if tried and tried[0] == step.name
            else HANDOVER_FORMS[step.name](ticket=ticket, by=actor),
            style="primary" if step.name == "accept" else "plain",
        )
        for step in HANDOVER.open_to(actor, handover.status)
    ]


def _extension_buttons(
    ticket: Ticket, proposed: Extension | None, actor: Actor, tried: Tried | None
) -> list[ActionForm]:
    if proposed is None:
        return []
    return [
        ActionForm.of(
            step,
            reverse("tickets:extension_act", args=[proposed.number, step.name]),
            tried[1] if tried and tried[0] == step.name else None,
            asks=bool(EXTENSION_FORMS[step.name].base_fields),
        )
        for step in EXTENSION.open_to(actor, proposed.status)
    ]
