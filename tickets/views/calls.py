"""The calls that were taken."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from customers.models import Store
from customers.queries import masked, stores_matching
from servicedesk.core.history import changes
from servicedesk.core.http import DeskRequest
from servicedesk.core.keyset import keyset_page
from servicedesk.core.looks import Look, look_of
from servicedesk.core.search import matching, phone_digits
from servicedesk.core.timeline import timeline
from tickets.forms.calls import CallFilter
from tickets.models import Call
from tickets.models.calls import CallQuerySet

SEARCHED = ("number", "caller_name", "caller_digits", "need")


@dataclass(frozen=True, slots=True)
class Row:
    """A call as the list shows it; nobody needs the whole number there (GEN-7)."""

    call: Call
    look: Look
    number: str


@require_GET
def call_list(request: DeskRequest) -> HttpResponse:
    filters = CallFilter(request.GET, by=request.actor)
    calls = _filtered(Call.objects.visible_to(request.actor), filters)
    page = keyset_page(calls.select_related("taken_by", "store", "customer", "ticket"), request.GET)
    context = {
        "page": page,
        "rows": [
            Row(call, look_of("tickets.Call", call.outcome), masked(call.caller_number))
            for call in page.rows
        ],
        "filters": filters,
        "active_filters": sum(bool(v) for v in getattr(filters, "cleaned_data", {}).values()),
        "list_url": reverse("tickets:calls"),
    }
    template = "tickets/calls/_rows.html" if request.htmx else "tickets/calls/list.html"
    return render(request, template, context)


@require_GET
def call_page(request: DeskRequest, number: str) -> HttpResponse:
    calls = Call.objects.visible_to(request.actor).select_related(
        "taken_by", "customer", "store", "contact", "product", "installation__product",
        "category", "article", "referral", "ticket",
    )  # fmt: skip
    call = get_object_or_404(calls, number=number)
    context = {
        "call": call,
        "messages_taken": call.messages.select_related("to_user"),
        "promises": call.promises.select_related("owner"),
        "lines": timeline(call),
        "changes": changes(call),
        "crumbs": [(_("Calls"), reverse("tickets:calls"))],
    }
    return render(request, "tickets/calls/call.html", context)


def _filtered(calls: CallQuerySet, filters: CallFilter) -> CallQuerySet:
    """What the valid filters leave; a wrong one is shown at its field and ignored."""
    filters.is_valid()
    wanted = filters.cleaned_data
    if outcome := wanted.get("outcome"):
        calls = calls.filter(outcome=outcome)
    if person := wanted.get("person"):
        calls = calls.filter(taken_by=person)
    if day := wanted.get("day"):
        # The day is part of the number, which has an index.
        calls = calls.filter(number__startswith=f"CA-{day:%Y%m%d}-")
    if text := wanted.get("q"):
        calls = calls.filter(_said_or_at(text))
    return calls


def _said_or_at(text: str) -> Q:
    """Calls whose own words match, and those of a store that does."""
    digits = phone_digits(text)
    text_or_number = digits if digits and not any(c.isalpha() for c in text) else text
    own = matching(Call.objects.order_by(), text_or_number, *SEARCHED)
    stores = stores_matching(Store.objects.order_by(), text)
    return Q(pk__in=own.values("pk")) | Q(store__in=stores.values("pk"))
