"""The screen on which a call is taken. What is typed is kept on the server (`CallDraft`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.search import SearchRank
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, Sum
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from customers.models import Contact, Installation, Product, Store
from customers.queries import (
    FEWEST_DIGITS,
    Caller,
    find_callers,
    search_contacts,
    search_stores,
)
from knowledge.models import FaultCategory
from knowledge.queries import suggest
from servicedesk.core.actors import Actor
from servicedesk.core.fields import uuid7
from servicedesk.core.http import DeskRequest, perform
from servicedesk.core.search import GramQuery, any_of, grams_of, phone_digits
from tickets.actions.calls import discard_draft, end_call, keep_draft
from tickets.forms.calls import IntakeForm
from tickets.models import Call, CallDraft, ReferralTarget, Ticket
from tickets.states import OPEN

MATCHES = 8
MOST_SUGGESTIONS = 4
LONGEST_SEARCH = 60
MOST_TICKETS = 12
# Which fields of a call from the telephone system an address may carry (screen pop).
PUSHED = {"number": "caller_number", "rings": "ring_count"}


@require_http_methods(["GET", "HEAD", "POST"])
def intake(request: DeskRequest) -> HttpResponse:
    _may_take_calls(request.actor)
    now = timezone.now()
    if request.method == "POST":
        form = IntakeForm(request.POST, by=request.actor, now=now)
        call = perform(request, form, end_call)
        if call is not None:
            return redirect("tickets:call_done", call.number)
        _keep(request, request.POST, now)
        return _show(request, form, status=422)
    draft = CallDraft.objects.filter(user_id=request.actor.id or 0).first()
    return _show(request, _form_of(request, draft, now), draft=draft)


@require_POST
def draft(request: DeskRequest) -> HttpResponse:
    """Keep what is typed."""
    _may_take_calls(request.actor)
    kept = _keep(request, request.POST, timezone.now())
    return render(request, "tickets/calls/_draft_state.html", {"draft": kept})


@require_POST
def discard(request: DeskRequest) -> HttpResponse:
    discard_draft(at=timezone.now(), by=request.actor)
    return redirect("tickets:intake")


@require_GET
def callers(request: DeskRequest) -> HttpResponse:
    """Who may be calling, by number fragment, or store and person by name, pinyin or code."""
    _may_take_calls(request.actor)
    number, find = request.GET.get("caller_number", ""), request.GET.get("find", "")
    return render(
        request, "tickets/calls/_matches.html", _found_callers(number, find, request.actor)
    )


@require_POST
def pick(request: DeskRequest) -> HttpResponse:
    """Take one of the found callers over into the form; `pick` is `contact:uid` or `store:uid`."""
    _may_take_calls(request.actor)
    data = request.POST.copy()
    kind, _colon, uid = data.pop("pick", [""])[-1].partition(":")
    if kind == "contact":
        contact = get_object_or_404(Contact.objects.visible_to(request.actor), uid=_uid(uid))
        data["contact"] = str(contact.uid)
        data["caller_name"], data["salutation"] = contact.name, contact.salutation
        _complete_number(data, contact.phone)
        _set_store(data, contact.store)
        data.pop("save_contact", None)
    elif kind == "store":
        store = get_object_or_404(Store.objects.visible_to(request.actor), uid=_uid(uid))
        data["contact"] = ""
        data["save_contact"] = "on"
        _complete_number(data, store.phone)
        _set_store(data, store)
    elif kind == "none":
        data["contact"] = ""
        _set_store(data, None)
    now = timezone.now()
    draft = _keep(request, data, now)
    if not request.htmx:
        return redirect("tickets:intake")
    form = _form_of(request, draft, now)
    return render(request, "tickets/calls/_picked.html", _context(request, form) | {"picked": True})


@require_GET
def referrals(request: DeskRequest) -> HttpResponse:
    """Where callers with such a need were sent before (CALL-5)."""
    _may_take_calls(request.actor)
    targets = _suggested_referrals(request.GET.get("need", ""), request.actor)
    return render(request, "tickets/calls/_referrals.html", {"targets": targets})


@require_GET
def knowledge(request: DeskRequest) -> HttpResponse:
    """What helped with this product, category and symptom before (CALL-10)."""
    _may_take_calls(request.actor)
    return render(request, "tickets/calls/_knowledge.html", _suggestions(request, request.GET))


@require_GET
def done(request: DeskRequest, number: str) -> HttpResponse:
    """The call is recorded: the closing words, and what to do next."""
    calls = Call.objects.visible_to(request.actor).select_related("ticket", "store", "referral")
    call = get_object_or_404(calls, number=number)
    return render(
        request,
        "tickets/calls/done.html",
        {
            "call": call,
            "message": call.messages.select_related("to_user").first(),
            "promise": call.promises.select_related("owner").first(),
        },
    )


# --- Helpers -----------------------------------------------------------------------------------


def _may_take_calls(actor: Actor) -> None:
    if not actor.may("calls.take"):
        raise PermissionDenied


def _show(
    request: DeskRequest, form: IntakeForm, *, draft: CallDraft | None = None, status: int = 200
) -> HttpResponse:
    context = _context(request, form) | {"draft": draft, "picked": False}
    return render(request, "tickets/calls/intake.html", context, status=status)


def _context(request: DeskRequest, form: IntakeForm) -> dict[str, Any]:
    actor, store = request.actor, form.the_store
    typed = request.POST if request.method == "POST" else form.initial
    number, find = typed.get("caller_number") or "", typed.get("find") or ""
    return {
        "form": form,
        "store": store,
        "contact": form.the_contact,
        "installed": form.installed,
        "find": find,
        **({} if store else _found_callers(number, find, actor)),
        **_tickets(form),
        "last_calls": _last_calls(store, actor),
        "targets": _suggested_referrals(typed.get("need") or "", actor),
        "now": form.now,
        **_suggestions(request, typed),
    }


def _suggestions(request: DeskRequest, typed: Any) -> dict[str, Any]:
    """By what was typed; a foreign or broken uid is as good as none."""
    actor = request.actor

    def find(model: Any, name: str) -> Any:
        uid = _uid(str(typed.get(name) or ""))
        return model.objects.visible_to(actor).filter(uid=uid).first() if uid else None

    installation = find(Installation, "installation")
    product = installation.product if installation else find(Product, "product")
    category, need = find(FaultCategory, "category"), typed.get("need") or ""
    found = (
        suggest(product, category, need, MOST_SUGGESTIONS, actor=actor) if need or category else []
    )
    return {"suggestions": found, "asked": bool(need.strip() or category)}


def _form_of(request: DeskRequest, draft: CallDraft | None, now: datetime) -> IntakeForm:
    """The form as it was left, or a fresh one."""
    if draft is not None:
        return IntakeForm(
            by=request.actor, now=now, draft=draft.data,
            initial={"intake_key": draft.key, "answered_at": draft.started_at,
                     "find": draft.data.get("find", [""])[-1]},
        )  # fmt: skip
    me = User.objects.get_queryset().filter(pk=request.actor.id or 0).first()
    pushed = {PUSHED[k]: v[:30] for k, v in request.GET.items() if k in PUSHED}
    return IntakeForm(
        by=request.actor,
        now=now,
        initial={
            "intake_key": uuid7(),
            "answered_at": now,
            "save_contact": True,
            "promise_owner": me.uid if me else None,
            **pushed,
        },
    )


def _keep(request: DeskRequest, data: QueryDict, now: datetime) -> CallDraft | None:
    """PostgreSQL takes no NUL in JSON; nobody types one either."""
    typed = {
        name: [value.replace("\0", "") for value in values]
        for name, values in data.lists()
        if name != "csrfmiddlewaretoken"
    }
    key = _uid(data.get("intake_key", "")) or uuid7()
    return keep_draft(key=key, data=typed, at=now, by=request.actor)


def _uid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _complete_number(data: QueryDict, phone: str) -> None:
    """A fragment was enough to find him; the call keeps the whole number."""
    typed = phone_digits(data.get("caller_number", ""))
    if typed and typed in phone_digits(phone):
        data["caller_number"] = phone


def _set_store(data: QueryDict, store: Store | None) -> None:
    uid = str(store.uid) if store else ""
    if data.get("store", "") != uid:
        data["installation"] = data["ticket"] = ""
    data["store"] = uid
    data["find"] = ""


def _found_callers(number: str, find: str, actor: Actor) -> dict[str, Any]:
    """Who it may be, and what was looked for, so that one is told if it is nobody."""
    find = find.replace("\0", "").strip()[:LONGEST_SEARCH]
    number = number.replace("\0", "").strip()[:LONGEST_SEARCH]
    sought = find or (number if len(phone_digits(number)) >= FEWEST_DIGITS else "")
    return {
        "matches": _matches(number, find, actor),
        "sought": sought,
        "may_add": actor.may("customers.write"),
    }


def _matches(number: str, find: str, actor: Actor) -> list[Caller]:
    if not find:
        return find_callers(number, MATCHES, actor=actor)
    stores = search_stores(find, MATCHES, actor=actor)
    people = search_contacts(find, MATCHES, actor=actor)
    found = [Caller(None, store, store.customer) for store in stores]
    found += [Caller(c, c.store, c.customer) for c in people if c.store]
    return found[:MATCHES]


def _tickets(form: IntakeForm) -> dict[str, Any]:
    """What the call may be about, and of that what is still worked on: one query."""
    field: Any = form.fields["ticket"]
    found: list[Ticket] = []
    if form.the_store or form.the_contact:
        found = list(field.queryset.select_related("assignee", "store")[:MOST_TICKETS])
    chosen = form.the_ticket or (found[0] if len(found) == 1 else None)
    return {
        "existing_tickets": found,
        "chosen_ticket": chosen,
        "open_tickets": [t for t in found if form.the_store and t.status in OPEN][:5],
    }


def _last_calls(store: Store | None, actor: Actor) -> list[Call]:
    if store is None:
        return []
    return list(Call.objects.visible_to(actor).filter(store=store).select_related("taken_by")[:3])


def _suggested_referrals(need: str, actor: Actor) -> list[ReferralTarget]:
    """The targets of earlier calls with words of this need; then those used most."""
    active = ReferralTarget.objects.visible_to(actor).active()
    calls = Call.objects.filter(referral__in=active)
    if grams := grams_of(need[:400]):
        words = GramQuery(any_of(grams))
        ranked = (
            calls.filter(search=words)
            .values("referral")
            .annotate(weight=Sum(SearchRank(F("search"), words)))
            .order_by("-weight", "referral")
        )
        if ids := [row["referral"] for row in ranked[:5]]:
            found = active.in_bulk(ids)
            return [found[pk] for pk in ids]
    return list(active.annotate(used=Count("call")).order_by("-used", "topic", "name")[:5])
