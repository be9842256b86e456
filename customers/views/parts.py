"""The list of parts that work records choose from."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from customers import actions, importers, queries
from customers.actions.importing import ImportRefused
from customers.forms import PartFilter, StockPartForm, UploadForm
from customers.models import StockPart
from customers.views.records import activation_of, filled, find, form_page
from servicedesk.core.actions import require
from servicedesk.core.http import DeskRequest, refusals_on
from servicedesk.core.keyset import keyset_page

MANAGE = "customers.manage_parts"
PROBLEMS_SHOWN = 100


@require_GET
def stock_parts(request: DeskRequest) -> HttpResponse:
    require(request.actor, MANAGE)
    filters = PartFilter(request.GET)
    found, active = StockPart.objects.none(), 0
    if filters.is_valid():
        data = filters.cleaned_data
        found = queries.stock_parts_matching(StockPart.objects.visible_to(request.actor), data["q"])
        active = sum(bool(data[name]) for name in ("q", "show"))
        if not data["show"]:
            found = found.active()
    page = keyset_page(found.defer("search"), request.GET, "pinyin", "id")
    context = {"page": page, "filters": filters, "active_filters": active}
    fragment = request.htmx and not request.htmx.boosted
    template = "customers/_parts_rows.html" if fragment else "customers/parts.html"
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
def part_new(request: DeskRequest) -> HttpResponse:
    require(request.actor, MANAGE)
    return form_page(
        request, StockPartForm(request.POST or None), actions.create_stock_part,
        title=_("New part"), crumbs=_crumbs(), cancel=reverse("customers:parts"),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def part_edit(request: DeskRequest, uid: UUID) -> HttpResponse:
    require(request.actor, MANAGE)
    part = find(request, StockPart, uid)
    return form_page(
        request, filled(StockPartForm, request, part), actions.edit_stock_part, part,
        title=_("Change %(name)s") % {"name": part}, crumbs=_crumbs(),
        activation=activation_of(request, "parts", part),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def part_import(request: DeskRequest) -> HttpResponse:
    """A file at once: it is wholly right, or nothing of it is taken."""
    require(request.actor, MANAGE)
    form = UploadForm(request.POST or None, request.FILES or None)
    problems: list[tuple[int, str, str]] = []
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        with refusals_on(form):
            rows = importers.read(file.file, file.name, file.size, importers.PARTS)
            try:
                done = actions.import_parts(
                    rows, file_name=file.name, at=timezone.now(), by=request.actor
                )
            except ImportRefused as refusal:
                problems = [
                    (each.line, str(importers.PART_LABELS[each.column]), each.message)
                    for each in refusal.problems[:PROBLEMS_SHOWN]
                ]
                raise
            messages.success(
                request,
                _("Imported: %(new)d new records, %(changed)d changed.")
                % {"new": done.new, "changed": done.changed},
            )
            return redirect("customers:parts")
    context = {
        "form": form,
        "columns": [str(label) for label in importers.PART_LABELS.values()],
        "problems": problems,
    }
    status = 422 if form.errors else 200
    return render(request, "customers/parts_import.html", context, status=status)


def _crumbs() -> list[tuple[str, str]]:
    return [(_("Parts"), reverse("customers:parts"))]
