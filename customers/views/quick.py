"""A store or a person, registered while a call is being taken (CALL-8).

GET answers a form for a dialog. A POST that worked answers what was made, marked with
`data-chosen`, and `static/js/quick-customer.js` chooses it in the form behind the dialog.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from customers import actions, queries
from customers.forms import QuickContactForm, QuickStoreForm
from customers.models import Store
from servicedesk.core.actions import require
from servicedesk.core.forms import DeskForm
from servicedesk.core.http import DeskRequest, refusals_on

GIVEN = ("name", "phone")


@require_http_methods(["GET", "POST"])
def quick_store(request: DeskRequest) -> HttpResponse:
    require(request.actor, "customers.write")
    form = QuickStoreForm(request.POST or None, initial=_given(request), by=request.actor)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            store = _make_store(request, form.cleaned_data)
            return _chosen(request, "store", store, f"{store.customer} · {store.full_address}")
    return _form(request, form, "customers:quick_store", _("Register store"))


def _make_store(request: DeskRequest, data: dict[str, Any]) -> Store:
    """The store, and its customer if it is new: both or none."""
    at, by = timezone.now(), request.actor
    fields = {name: data[name] for name in ("name", "city", "address", "phone")}
    with transaction.atomic():
        customer = data["customer"] or actions.create_customer(
            name=data["new_customer"], at=at, by=by
        )
        return actions.create_store(customer=customer, **fields, at=at, by=by)


@require_http_methods(["GET", "POST"])
def quick_contact(request: DeskRequest) -> HttpResponse:
    """`store=UID` says where the person works."""
    require(request.actor, "customers.write")
    initial = _given(request) | {"store": _uid(request.GET.get("store", ""))}
    form = QuickContactForm(request.POST or None, initial=initial, by=request.actor)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            contact = actions.create_contact(
                **form.cleaned_data, at=timezone.now(), by=request.actor
            )
            return _chosen(request, "contact", contact, queries.masked(contact.phone))
    elif request.method == "GET" and initial["store"] is None:
        return render(request, "customers/_quick_no_store.html")
    return _form(request, form, "customers:quick_contact", _("Register contact"))


def _given(request: DeskRequest) -> dict[str, Any]:
    """What the call already told, such as the caller's number."""
    return {name: request.GET.get(name, "")[:60] for name in GIVEN}


def _uid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _chosen(request: DeskRequest, field: str, item: Any, detail: str) -> HttpResponse:
    context = {"field": field, "item": item, "detail": detail}
    return render(request, "customers/_quick_done.html", context)


def _form(request: DeskRequest, form: DeskForm, url_name: str, submit: str) -> HttpResponse:
    context = {"form": form, "url_name": url_name, "submit": submit}
    template = "customers/_quick_form.html" if request.htmx else "customers/quick.html"
    return render(request, template, context, status=422 if form.errors else 200)
