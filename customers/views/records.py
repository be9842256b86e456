"""The pages of one customer or store, and the forms that change master data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers import actions, queries
from customers.forms import (
    ChangeInstallationForm,
    Compared,
    ContactForm,
    ContractForm,
    CustomerForm,
    InstallationForm,
    ProductForm,
    RevealForm,
    StoreForm,
)
from customers.models import Contact, Contract, Customer, Installation, Product, StockPart, Store
from servicedesk.core.actions import require
from servicedesk.core.forms import ActionForm, DeskForm
from servicedesk.core.http import DeskRequest, perform
from servicedesk.core.panels import render_panels
from servicedesk.core.timeline import timeline

WRITE, MANAGE = "customers.write", "customers.manage_products"
CONTRACTS = "customers.manage_contracts"
# Whose buttons not everybody at the desk has.
NEEDED = {"products": MANAGE, "parts": "customers.manage_parts"}
# More stores than this are looked through in their own list.
STORES_SHOWN = 10

MODELS: dict[str, type[Any]] = {
    "customers": Customer,
    "stores": Store,
    "contacts": Contact,
    "products": Product,
    "parts": StockPart,
    "installations": Installation,
}
Crumbs = list[tuple[str, str]]


# --- Pages -------------------------------------------------------------------------------------


@require_GET
def customer(request: DeskRequest, uid: UUID) -> HttpResponse:
    shown = find(request, Customer, uid)
    stores = shown.stores.order_by("-is_active", "pinyin", "id").defer("search")
    rows = list(stores[: STORES_SHOWN + 1])
    office = shown.contacts.filter(store=None).order_by("-is_active", "pinyin", "id")
    context = {
        "customer": shown,
        "stores": rows[:STORES_SHOWN],
        "more_stores": len(rows) > STORES_SHOWN,
        "contacts": office.select_related("customer", "store").defer("search"),
        "actions": activation_of(request, "customers", shown),
        "panels": render_panels("customers.customer", shown, request),
        "contracts": shown.contracts.all(),
        "today": timezone.localdate(),
        "lines": timeline(shown, limit=20, reader=request.actor),
        "changes": queries.changes_of(shown),
        "may_write": request.actor.may(WRITE),
        "may_manage_contracts": request.actor.may(CONTRACTS),
        "crumbs": _crumbs(),
    }
    return render(request, "customers/customer.html", context)


@require_GET
def store(request: DeskRequest, uid: UUID) -> HttpResponse:
    shown = find(request, Store, uid, "customer")
    contacts = queries.people_of(shown).order_by("-is_active", "store", "pinyin", "id")
    installations = shown.installations.select_related("product").order_by(
        "-is_active", "product__name", "id"
    )
    context = {
        "store": shown,
        "contacts": contacts.select_related("customer", "store").defer("search"),
        "installations": installations,
        "actions": activation_of(request, "stores", shown),
        "panels": render_panels("customers.store", shown, request),
        "lines": timeline(shown, limit=20, reader=request.actor),
        "changes": queries.changes_of(shown),
        "may_write": request.actor.may(WRITE),
        "crumbs": [*_crumbs(), (str(shown.customer), shown.customer.get_absolute_url())],
    }
    return render(request, "customers/store.html", context)


# --- Customers -----------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def customer_new(request: DeskRequest) -> HttpResponse:
    require(request.actor, WRITE)
    form = CustomerForm(request.POST or None)
    return form_page(
        request, form, actions.create_customer, title=_("New customer"), crumbs=_crumbs(),
        cancel=reverse("customers:list"),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def customer_edit(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, WRITE)
    shown = find(request, Customer, uid)
    form = filled(CustomerForm, request, shown)
    return form_page(
        request, form, actions.edit_customer, shown, title=_("Change %(name)s") % {"name": shown},
        crumbs=[*_crumbs(), (str(shown), shown.get_absolute_url())],
    )  # fmt: skip


# --- Stores --------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def store_new(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, WRITE)
    owner = find(request, Customer, uid)
    return form_page(
        request, StoreForm(request.POST or None), actions.create_store, title=_("New store"),
        crumbs=[*_crumbs(), (str(owner), owner.get_absolute_url())],
        cancel=owner.get_absolute_url(), customer=owner,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def store_edit(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, WRITE)
    shown = find(request, Store, uid, "customer")
    return form_page(
        request, filled(StoreForm, request, shown), actions.edit_store, shown,
        title=_("Change %(name)s") % {"name": shown}, crumbs=_crumbs_of(shown),
    )  # fmt: skip


# --- People --------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def customer_contact_new(request: DeskRequest, uid: UUID) -> HttpResponse:
    """A person at the head office."""
    require(request.actor, WRITE)
    owner = find(request, Customer, uid)
    return form_page(
        request, ContactForm(request.POST or None), actions.create_contact,
        title=_("New contact"), crumbs=[*_crumbs(), (str(owner), owner.get_absolute_url())],
        cancel=owner.get_absolute_url(), customer=owner,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def store_contact_new(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, WRITE)
    shop = find(request, Store, uid, "customer")
    return form_page(
        request, ContactForm(request.POST or None), actions.create_contact,
        title=_("New contact"), crumbs=_crumbs_of(shop), cancel=shop.get_absolute_url(),
        store=shop,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def contact_edit(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, WRITE)
    person = find(request, Contact, uid, "customer", "store__customer")
    home = person.store or person.customer
    return form_page(
        request, filled(ContactForm, request, person), actions.edit_contact, person,
        title=_("Change %(name)s") % {"name": person}, crumbs=_crumbs_of(home),
        activation=activation_of(request, "contacts", person),
    )  # fmt: skip


# --- Contracts -----------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def contract_new(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, CONTRACTS)
    owner = find(request, Customer, uid)
    return form_page(
        request, ContractForm(request.POST or None), actions.create_contract,
        title=_("New contract"), crumbs=[*_crumbs(), (str(owner), owner.get_absolute_url())],
        cancel=owner.get_absolute_url(), customer=owner,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def contract_edit(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, CONTRACTS)
    contract = find(request, Contract, uid, "customer")
    return form_page(
        request, filled(ContractForm, request, contract), actions.edit_contract, contract,
        title=_("Change %(name)s") % {"name": contract.number},
        crumbs=_crumbs_of(contract.customer),
    )  # fmt: skip


# --- Products and installations ------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def product_new(request: DeskRequest) -> HttpResponse:
    require(request.actor, MANAGE)
    return form_page(
        request, ProductForm(request.POST or None), actions.create_product,
        title=_("New product"), crumbs=_product_crumbs(), cancel=reverse("customers:products"),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def product_edit(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, MANAGE)
    product = find(request, Product, uid)
    return form_page(
        request, filled(ProductForm, request, product), actions.edit_product, product,
        title=_("Change %(name)s") % {"name": product}, crumbs=_product_crumbs(),
        activation=activation_of(request, "products", product),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def installation_new(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, WRITE)
    shop = find(request, Store, uid, "customer")
    form = InstallationForm(request.POST or None, by=request.actor)
    return form_page(
        request, form, actions.create_installation, title=_("Product installed"),
        crumbs=_crumbs_of(shop), cancel=shop.get_absolute_url(), store=shop,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def installation_edit(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, WRITE)
    installation = find(request, Installation, uid, "product", "store__customer")
    return form_page(
        request, filled(ChangeInstallationForm, request, installation),
        actions.change_installation, installation,
        title=_("Change %(name)s") % {"name": installation.product},
        crumbs=_crumbs_of(installation.store),
        activation=activation_of(request, "installations", installation),
    )  # fmt: skip


# --- In and out of use, whole numbers ------------------------------------------------------------

_ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "deactivate": actions.deactivate,
    "reactivate": actions.reactivate,
}


@require_POST
def activate(request: DeskRequest, kind: str, uid: UUID, verb: str) -> HttpResponse:
    item = find(request, _model(kind), uid)
    _ACTIVATIONS[verb](item, at=timezone.now(), by=request.actor)
    return redirect(_home(item))


@require_http_methods(["GET", "POST"])
def phone(request: DeskRequest, kind: str, uid: UUID) -> HttpResponse:
    """Ask what a whole number is needed for, write that down, show the number (GEN-7)."""
    require(request.actor, "customers.reveal_phone")
    if kind not in {"stores", "contacts"}:
        raise Http404
    item = find(request, _model(kind), uid)
    form = RevealForm(request.POST or None)
    number = perform(request, form, actions.reveal_phone, item) if request.POST else None
    context = {
        "item": item,
        "phone": item.phone,
        "uid": item.uid,
        "url": request.path,
        "number": number,
        "form": form,
        "home": _home(item),
    }
    template = "customers/_phone.html" if request.htmx else "customers/phone.html"
    answer = render(request, template, context, status=422 if form.errors else 200)
    answer["Cache-Control"] = "no-store"
    return answer


# --- Helpers -------------------------------------------------------------------------------------


def form_page(
    request: DeskRequest,
    form: DeskForm,
    verb: Callable[..., Any],
    *subject: Any,
    title: str,
    crumbs: Crumbs,
    cancel: str = "",
    activation: list[ActionForm] | None = None,
    **extra: Any,
) -> HttpResponse:
    """A page with one form, that leads to the record's page when the action was done."""
    item = subject[0] if subject else None
    if isinstance(form, Compared):
        form.compare(item)
    if request.method == "POST":
        done = perform(request, form, verb, *subject, **extra)
        if done is not None:
            _tell_of_others(request, done)
            return redirect(_home(done))
    context = {
        "form": form,
        "title": title,
        "crumbs": crumbs,
        "cancel": cancel or _home(item),
        "actions": activation or [],
    }
    return render(request, "customers/form.html", context, status=422 if form.errors else 200)


def _tell_of_others(request: DeskRequest, item: Any) -> None:
    """The same number elsewhere is allowed, but nobody should find out by chance."""
    if isinstance(item, Store | Contact) and item.phone:
        others = [
            str(caller.contact or caller.store)
            for caller in queries.same_phone(item.phone, actor=request.actor)
            if (caller.contact or caller.store) != item
        ]
        if others:
            messages.warning(
                request,
                _("The same number is registered for: %(names)s") % {"names": "、".join(others)},
            )


def find(request: DeskRequest, model: type[Any], uid: UUID, *related: str) -> Any:
    """The record, if the actor may see it; else 404, which does not tell that it exists."""
    found = model.objects.visible_to(request.actor)
    return get_object_or_404(found.select_related(*related) if related else found, uid=uid)


def _model(kind: str) -> type[Any]:
    if kind not in MODELS:
        raise Http404
    return MODELS[kind]


def filled(form_class: type[DeskForm], request: DeskRequest, item: Any) -> DeskForm:
    initial = {name: getattr(item, name) for name in form_class.base_fields}
    if "phone" in initial:
        # Changing an address is no reason to see the whole number; see `Masked`.
        initial["phone"] = queries.masked(item.phone)
    form = form_class(request.POST or None, initial=initial)
    if "code" in form.fields:
        # Only a new record can be given a number.
        form.fields["code"].required, form.fields["code"].help_text = True, ""
    return form


def _home(item: Any) -> str:
    """The page on which a record is seen."""
    if isinstance(item, StockPart):
        return reverse("customers:parts")
    if isinstance(item, Product) or item is None:
        return reverse("customers:products")
    if isinstance(item, Installation):
        return f"{item.store.get_absolute_url()}#installations"
    url: str = item.get_absolute_url()
    return url


def activation_of(request: DeskRequest, kind: str, item: Any) -> list[ActionForm]:
    if not request.actor.may(NEEDED.get(kind, WRITE)):
        return []
    verb = "deactivate" if item.is_active else "reactivate"
    url = reverse(f"customers:{verb}", args=[kind, item.uid])
    if not item.is_active:
        return [ActionForm(verb, _("Take into use again"), url, icon="archive-off")]
    confirm = _(
        "It is not offered any more where something is chosen. All that refers to it stays."
    )
    return [
        ActionForm(verb, _("Take out of use"), url, icon="archive", style="danger", confirm=confirm)
    ]


def _crumbs() -> Crumbs:
    return [(_("Customers"), reverse("customers:list"))]


def _product_crumbs() -> Crumbs:
    return [(_("Products"), reverse("customers:products"))]


def _crumbs_of(home: Customer | Store) -> Crumbs:
    trail = _crumbs()
    if isinstance(home, Store):
        trail.append((str(home.customer), home.customer.get_absolute_url()))
    return [*trail, (str(home), home.get_absolute_url())]
