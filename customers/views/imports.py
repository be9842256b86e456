"""Master data from a file: choose it, see what it would do, do it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from customers import actions, importers
from customers.actions.importing import ImportRefused, Plan, plan_import
from customers.forms import UploadForm
from customers.models import Contact, Customer, ImportDraft, Installation, Store
from servicedesk.core.actions import require
from servicedesk.core.errors import Refused
from servicedesk.core.http import DeskRequest, refusals_on

IMPORT = "customers.import"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PROBLEMS_SHOWN = 200
ROWS_SHOWN = 20
KINDS: dict[type[Any], Any] = {
    Customer: gettext_lazy("New customers"),
    Store: gettext_lazy("New stores"),
    Contact: gettext_lazy("New contacts"),
    Installation: gettext_lazy("New installations"),
}


@require_http_methods(["GET", "POST"])
def upload(request: DeskRequest) -> HttpResponse:
    require(request.actor, IMPORT)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        with refusals_on(form):
            rows = importers.read(file.file, file.name, file.size)
            draft = actions.keep_upload(
                rows, file_name=file.name, at=timezone.now(), by=request.actor
            )
            return redirect("customers:import_preview", draft.uid)
    context = {"form": form, "columns": [str(label) for label in importers.LABELS.values()]}
    return render(request, "customers/import.html", context, status=422 if form.errors else 200)


@require_GET
def template(request: DeskRequest) -> HttpResponse:
    require(request.actor, IMPORT)
    return HttpResponse(
        importers.template(),
        content_type=XLSX,
        headers={"Content-Disposition": 'attachment; filename="customers.xlsx"'},
    )


@require_http_methods(["GET", "POST"])
def preview(request: DeskRequest, uid: UUID) -> HttpResponse:
    """Only the person who brought the file sees what stands in it."""
    require(request.actor, IMPORT)
    draft = get_object_or_404(ImportDraft, uid=uid, user=request.user)
    refusal: Refused | None = None
    if request.method == "POST":
        try:
            plan = actions.import_rows(draft, at=timezone.now(), by=request.actor)
        except ImportRefused:
            pass  # Somebody changed something since the preview: show it anew.
        except Refused as refused:
            refusal = refused
        else:
            new = sum(count for _model, count, _changed in plan.counts())
            changed = sum(count for _model, _new, count in plan.counts())
            messages.success(
                request,
                _("Imported: %(new)d new records, %(changed)d changed.")
                % {"new": new, "changed": changed},
            )
            return redirect("customers:list")
    return _show(request, draft, refusal)


def _show(request: DeskRequest, draft: ImportDraft, refusal: Refused | None) -> HttpResponse:
    plan = plan_import([(line, cells) for line, cells in draft.rows], by=request.actor)
    columns = [key for key in importers.LABELS if any(key in cells for _n, cells in draft.rows)]
    context = {
        "draft": draft,
        "refusal": refusal,
        "counts": [(KINDS[model], new, changed) for model, new, changed in plan.counts()],
        "problems": _problems(plan),
        "problem_count": len(plan.problems),
        "columns": [importers.LABELS[key] for key in columns],
        "rows": [
            (line, [cells.get(key, "") for key in columns])
            for line, cells in draft.rows[:ROWS_SHOWN]
        ],
        "row_count": len(draft.rows),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "customers/import_preview.html", context, status=status)


def _problems(plan: Plan) -> list[tuple[int, str, str]]:
    return [
        (problem.line, str(importers.LABELS[problem.column]), problem.message)
        for problem in plan.problems[:PROBLEMS_SHOWN]
    ]
