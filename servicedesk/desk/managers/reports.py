"""The page “Monthly reports” (月度服务报告): making one, how far it is, and all that were made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from customers.models import Customer
from servicedesk.core.actors import Actor
from servicedesk.core.forms import DeskForm, RemoteSelect, UidChoiceField
from servicedesk.core.http import DeskRequest, refusals_on
from servicedesk.core.keyset import Page, keyset_page
from servicedesk.core.models import Document
from servicedesk.desk.actions import make_report, retry_report
from servicedesk.desk.managers.pages import filters_of, frame, managers_page
from servicedesk.desk.managers.report_schedule import never_made
from servicedesk.desk.models import MonthlyReport

# So many months back a report can be asked for.
MONTHS = 24


class ReportForm(DeskForm):
    month = forms.TypedChoiceField(label=_("Month"), coerce=date.fromisoformat)
    customer = UidChoiceField(
        None, label=_("Customer"), required=False, empty_label=_("All customers"),
        widget=RemoteSelect(url_name="customers:customer_options", hint=_("Name, pinyin or code")),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, by: Actor, today: date) -> None:
        super().__init__(data)
        months = [today.replace(day=1)]
        while len(months) < MONTHS:
            months.append((months[-1] - timedelta(days=1)).replace(day=1))
        pattern = gettext("M Y")
        self.fields["month"].choices = [  # type: ignore[attr-defined]
            (month.isoformat(), date_format(month, pattern)) for month in months
        ]
        # What people come for: the month that is over.
        self.fields["month"].initial = months[1].isoformat()
        self.fields["customer"].queryset = Customer.objects.visible_to(by)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Row:
    """A report with the versions of its form, the newest first."""

    report: MonthlyReport
    versions: list[Document]

    @property
    def title(self) -> str:
        return date_format(self.report.month, gettext("M Y"))

    @property
    def newest(self) -> Document:
        return self.versions[0]

    @property
    def state(self) -> str:
        """waiting, made, done or failed"""
        if self.newest.status == Document.Status.COMPLETE:
            return "made" if self.newest.lease_until else "waiting"
        return "done" if self.newest.status == Document.Status.SEALED else "failed"


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: DeskRequest) -> HttpResponseBase:
    if not request.actor.may("managers.see"):
        raise PermissionDenied
    form = ReportForm(
        request.POST if request.method == "POST" else None,
        by=request.actor, today=timezone.localdate(),
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            make_report(
                form.cleaned_data["month"], form.cleaned_data["customer"],
                at=timezone.now(), by=request.actor,
            )  # fmt: skip
            return redirect("desk:managers_reports")
    context = frame(request, filters_of(request)) | _list(request) | {"form": form}
    context |= _never_made(form, request.actor)
    status = 422 if request.method == "POST" else 200
    return render(request, "managers/reports.html", context, status=status)


@managers_page
def rows(request: DeskRequest) -> HttpResponse:
    """The list alone; it asks for itself while a report is being made."""
    return render(request, "managers/_report_rows.html", _list(request))


@require_POST
def retry(request: DeskRequest, uid: UUID) -> HttpResponse:
    report = get_object_or_404(MonthlyReport.objects.visible_to(request.actor), uid=uid)
    retry_report(report, at=timezone.now(), by=request.actor)
    return redirect("desk:managers_reports")


def _never_made(form: ReportForm, by: Actor) -> dict[str, Any]:
    """Reports of the month that is over which nobody made, each with its button."""
    if not by.may("managers.report"):
        return {"never_made": []}
    month = date.fromisoformat(form.fields["month"].initial)
    return {"never_made": never_made(month, by), "never_made_month": month}


def _list(request: DeskRequest) -> dict[str, Any]:
    found: Page[MonthlyReport] = keyset_page(
        MonthlyReport.objects.visible_to(request.actor).select_related("customer"),
        request.GET, "-month", "-pk",
    )  # fmt: skip
    forms_of = versions_of(found.rows)
    listed = [Row(report, forms_of[report.pk]) for report in found.rows]
    return {
        "page": found,
        "rows": listed,
        "unfinished": any(row.state in {"waiting", "made"} for row in listed),
        "query": request.GET.urlencode(),
    }


def versions_of(reports: Iterable[MonthlyReport]) -> dict[int, list[Document]]:
    """The versions of the form of each, the newest first, in one query."""
    found: dict[int, list[Document]] = defaultdict(list)
    documents = Document.objects.filter(
        subject_kind=MonthlyReport._meta.label_lower,
        subject_id__in=[report.pk for report in reports],
    )
    for document in documents.defer("data").order_by("-version"):
        found[document.subject_id].append(document)
    return found
