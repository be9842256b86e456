"""Answers to fields that choose by typing, and to the question who else has this number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from customers import queries
from customers.models import Customer, Store
from servicedesk.core.http import DeskRequest

LONGEST = 60


@require_GET
def customer_options(request: DeskRequest) -> JsonResponse:
    found = queries.search_customers(_text(request), actor=request.actor)
    return _results((c, c.name, c.code) for c in found)


@require_GET
def store_options(request: DeskRequest) -> JsonResponse:
    """`customer=UID` narrows to one customer."""
    customer = _chosen(request, Customer, "customer")
    found = queries.search_stores(_text(request), customer=customer, actor=request.actor)
    return _results((s, s.name, f"{s.customer} · {s.full_address}") for s in found)


@require_GET
def contact_options(request: DeskRequest) -> JsonResponse:
    """`store=UID` narrows to its people and those of the head office."""
    found = queries.search_contacts(
        _text(request), store=_chosen(request, Store, "store"),
        customer=_chosen(request, Customer, "customer"), actor=request.actor,
    )  # fmt: skip
    return _results(
        (
            c,
            c.name,
            " · ".join(
                filter(
                    None,
                    [c.salutation, c.position, queries.masked(c.phone), str(c.store or c.customer)],
                )
            ),
        )
        for c in found
    )


@require_GET
def contract_options(request: DeskRequest) -> JsonResponse:
    found = queries.search_contracts(_text(request), actor=request.actor)
    return _results((c, str(c), str(c.customer)) for c in found)


@require_GET
def product_options(request: DeskRequest) -> JsonResponse:
    """Products with their version at `store=UID`, the installed ones first (CALL-9)."""
    store = _chosen(request, Store, "store")
    text = _text(request).lower()
    pairs = queries.products_to_choose(store, actor=request.actor)
    return _results(
        (p, p.name, version) for p, version in pairs if text in f"{p.name} {p.code}".lower()
    )


@require_GET
def duplicates(request: DeskRequest) -> HttpResponse:
    """Who has the typed telephone number or the typed customer's name already."""
    besides = request.GET.get("besides", "")
    callers = [
        caller
        for caller in queries.same_phone(request.GET.get("phone", ""), actor=request.actor)
        if str((caller.contact or caller.customer).uid) != besides
        and not (caller.contact is None and caller.store and str(caller.store.uid) == besides)
    ]
    customers = [
        customer
        for customer in queries.same_name(request.GET.get("name", ""), actor=request.actor)
        if str(customer.uid) != besides
    ]
    context = {"callers": callers, "customers": customers}
    return render(request, "customers/_duplicates.html", context)


def _text(request: DeskRequest) -> str:
    return request.GET.get("q", "")[:LONGEST]


def _chosen(request: DeskRequest, model: type[Any], name: str) -> Any:
    """The record that a parameter names, if it does; a wrong name is 404."""
    uid = request.GET.get(name, "")
    if not uid:
        return None
    try:
        key = UUID(uid)
    except ValueError:
        key = UUID(int=0)
    return get_object_or_404(model.objects.visible_to(request.actor), uid=key)


def _results(rows: Iterable[tuple[Any, str, str]]) -> JsonResponse:
    results = [{"uid": str(r.uid), "label": label, "detail": detail} for r, label, detail in rows]
    return JsonResponse({"results": results})
