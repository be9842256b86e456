"""Lists of customers, stores and products."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from customers import queries
from customers.forms import ListFilter, StoreFilter
from customers.models import Customer, Product, Store
from servicedesk.core.actions import require
from servicedesk.core.http import DeskRequest
from servicedesk.core.keyset import keyset_page


@require_GET
def customers(request: DeskRequest) -> HttpResponse:
    require(request.actor, "customers.see")
    filters = ListFilter(request.GET)
    found, text = Customer.objects.none(), ""
    if filters.is_valid():
        text = filters.cleaned_data["q"]
        found = queries.customers_matching(Customer.objects.visible_to(request.actor), text)
        if not filters.cleaned_data["show"]:
            found = found.active()
    page = keyset_page(found.defer("search"), request.GET, "pinyin", "id")
    queries.count_stores(page.rows)
    hits = queries.hits_of(page.rows, text)
    context = {
        "page": page,
        "rows": [(customer, hits.get(customer.pk, [])) for customer in page.rows],
        "filters": filters,
        "text": text,
        "active_filters": _active(filters),
        "views": _views("customers"),
        "may": _may(request),
    }
    return _render(request, "customers", context)


@require_GET
def stores(request: DeskRequest) -> HttpResponse:
    require(request.actor, "customers.see")
    filters = StoreFilter(request.GET)
    found, text, customer = Store.objects.none(), "", None
    if filters.is_valid():
        data = filters.cleaned_data
        text = data["q"]
        found = Store.objects.visible_to(request.actor)
        if data["customer"]:
            visible = Customer.objects.visible_to(request.actor)
            customer = get_object_or_404(visible, uid=data["customer"])
            found = found.filter(customer=customer)
        found = queries.stores_matching(found, text)
        if not data["show"]:
            found = found.active()
    page = keyset_page(
        found.select_related("customer").defer("search", "customer__search"),
        request.GET, "pinyin", "id",
    )  # fmt: skip
    context = {
        "page": page,
        "filters": filters,
        "text": text,
        "customer": customer,
        "active_filters": _active(filters),
        "views": _views("stores"),
        "may": _may(request),
    }
    return _render(request, "stores", context)


@require_GET
def products(request: DeskRequest) -> HttpResponse:
    require(request.actor, "customers.see")
    running = Count(
        "installations",
        filter=Q(installations__is_active=True, installations__store__is_active=True),
    )
    found = (
        Product.objects.visible_to(request.actor).select_related("team").annotate(running=running)
    )
    context = {"products": found.order_by("-is_active", "name", "id"), "may": _may(request)}
    return render(request, "customers/products.html", context)


def _views(here: str) -> list[tuple[str, str, bool]]:
    return [
        (_("Customers"), reverse("customers:list"), here == "customers"),
        (_("Stores"), reverse("customers:stores"), here == "stores"),
    ]


def _active(filters: ListFilter) -> int:
    data = getattr(filters, "cleaned_data", {})
    return sum(bool(data.get(name)) for name in ("q", "show", "customer"))


def _may(request: DeskRequest) -> dict[str, bool]:
    """For the buttons of a page."""
    return {
        "write": request.actor.may("customers.write"),
        "import": request.actor.may("customers.import"),
        "manage_products": request.actor.may("customers.manage_products"),
    }


def _render(request: DeskRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    fragment = request.htmx and not request.htmx.boosted
    template = f"customers/_{name}_rows.html" if fragment else f"customers/{name}.html"
    return render(request, template, context)
