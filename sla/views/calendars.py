"""The pages of calendars: for those who answer for the hours that are promised."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from servicedesk.core.actions import require
from servicedesk.core.errors import Refused
from servicedesk.core.forms import ActionForm
from servicedesk.core.http import DeskRequest, perform, refusals_on
from servicedesk.core.moments import day_of
from servicedesk.core.timeline import timeline
from sla import actions, importers, years
from sla.forms.calendars import (
    OFFICE,
    CalendarForm,
    DaysFileForm,
    DaysForm,
    DaysImportForm,
    TryForm,
    initial_of,
)
from sla.holidays import known_years, missing_year
from sla.models import Calendar, CalendarVersion
from sla.worktime import NeverDue, Span, after, counted

MANAGE = "sla.manage"
VERSIONS_SHOWN = 20
INTERVALS_SHOWN = 60


@require_GET
def calendars(request: DeskRequest) -> HttpResponse:
    require(request.actor, MANAGE)
    found = Calendar.objects.visible_to(request.actor).select_related("current")
    context = {
        "rows": [
            (calendar, years.week(_current(calendar)), years.hours_a_week(_current(calendar)))
            for calendar in found.order_by("-is_active", "name", "id")
        ],
        "known_years": known_years(),
        "missing_year": missing_year(timezone.localdate()),
    }
    return render(request, "sla/calendars.html", context)


@require_GET
def calendar(request: DeskRequest, uid: UUID) -> HttpResponse:
    shown = _find(request, uid)
    return _page(request, shown, DaysForm())


@require_http_methods(["GET", "POST"])
def new(request: DeskRequest) -> HttpResponse:
    require(request.actor, MANAGE)
    form = CalendarForm(request.POST or None, new=True, initial=OFFICE)
    if request.method == "POST":
        made = perform(request, form, actions.create_calendar)
        if made is not None:
            return redirect(made)
    return _form(request, form, _("New calendar"), reverse("sla:calendars"))


@require_http_methods(["GET", "POST"])
def edit(request: DeskRequest, uid: UUID) -> HttpResponse:
    shown = _find(request, uid)
    form = CalendarForm(request.POST or None, new=False, initial=initial_of(_current(shown)))
    if request.method == "POST" and perform(request, form, actions.change_calendar, shown):
        return redirect(shown)
    title = _("Change %(name)s") % {"name": shown.name}
    return _form(request, form, title, shown.get_absolute_url())


@require_POST
def days(request: DeskRequest, uid: UUID) -> HttpResponse:
    """A day or a range, by hand."""
    shown = _find(request, uid)
    form = DaysForm(request.POST)
    if perform(request, form, actions.set_days, shown) is None:
        return _page(request, shown, form, status=422)
    year = next(iter(form.cleaned_data["days"]))[:4]
    return redirect(f"{shown.get_absolute_url()}?year={year}#exceptions")


@require_POST
def remove(request: DeskRequest, uid: UUID) -> HttpResponse:
    shown = _find(request, uid)
    day = day_of(request.POST.get("day", ""))
    if day is None:
        raise Refused(_("This is not a date: write 2026-10-01."))
    actions.remove_day(shown, day=day, at=timezone.now(), by=request.actor)
    return redirect(f"{shown.get_absolute_url()}?year={day.year}#exceptions")


@require_http_methods(["GET", "POST"])
def upload(request: DeskRequest, uid: UUID) -> HttpResponse:
    """A file of exceptions: first what it would change."""
    shown = _find(request, uid)
    form = DaysFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        with refusals_on(form):
            rows = importers.read(file.file, file.name, file.size, _current(shown))
            return _preview(request, shown, rows, file.name)
    context = {"form": form, "calendar": shown, "crumbs": _crumbs(shown)}
    status = 422 if form.errors else 200
    return render(request, "sla/calendar_import.html", context, status=status)


@require_POST
def import_days(request: DeskRequest, uid: UUID) -> HttpResponse:
    """All of the days that the preview showed, or none."""
    shown = _find(request, uid)
    form = DaysImportForm(request.POST)
    if perform(request, form, actions.set_days, shown) is None:
        errors = [str(error) for found in form.errors.values() for error in found]
        messages.error(request, " ".join(errors))
        return redirect("sla:calendar_import", shown.uid)
    count = len(form.cleaned_data["days"])
    messages.success(request, _("%(count)d days were taken over.") % {"count": count})
    return redirect(shown)


@require_POST
def holidays(request: DeskRequest, uid: UUID) -> HttpResponse:
    shown = _find(request, uid)
    changed = actions.update_holidays(shown, at=timezone.now(), by=request.actor)
    if changed:
        messages.success(request, _("%(count)d days were changed.") % {"count": len(changed)})
    else:
        messages.info(request, _("The public holidays are up to date already."))
    return redirect(shown)


@require_POST
def retire(request: DeskRequest, uid: UUID) -> HttpResponse:
    actions.retire_calendar(_find(request, uid), at=timezone.now(), by=request.actor)
    return redirect("sla:calendars")


# --- Helpers -------------------------------------------------------------------------------------


def _find(request: DeskRequest, uid: UUID) -> Calendar:
    require(request.actor, MANAGE)
    found = Calendar.objects.visible_to(request.actor).select_related("current__calendar")
    return get_object_or_404(found, uid=uid)


def _current(shown: Calendar) -> CalendarVersion:
    assert shown.current is not None
    return shown.current


def _page(request: DeskRequest, shown: Calendar, form: DaysForm, status: int = 200) -> HttpResponse:
    version, today = _current(shown), timezone.localdate()
    year = _year(request.GET, today.year)
    attempt = TryForm(request.GET if "start" in request.GET else None, initial=_now())
    days = years.exceptions(version, year)
    versions = list(shown.versions.all()[: VERSIONS_SHOWN + 1])
    context = {
        "calendar": shown,
        "version": version,
        "week": years.week(version),
        "hours_a_week": years.hours_a_week(version),
        "year": year,
        "today": today,
        "months": years.year(version, year),
        "legend": years.legend(),
        "by_hand": [day for day in days if not day.public],
        "public_days": [day for day in days if day.public],
        "form": form,
        "attempt": attempt,
        "answer": _answer(attempt, version),
        "editions": years.editions(versions)[:VERSIONS_SHOWN],
        "lines": timeline(shown, limit=20),
        "known_years": known_years(),
        "missing_year": missing_year(today) if shown.follows_public_holidays else None,
        "actions": _actions(shown),
        "crumbs": _crumbs(None),
    }
    return render(request, "sla/calendar.html", context, status=status)


def _answer(form: TryForm, version: CalendarVersion) -> dict[str, Any] | None:
    """When it would be due, and what was counted on the way."""
    if not form.is_bound or not form.is_valid():
        return None
    start, work = form.cleaned_data["start"], version.worktime()
    try:
        due_at = after(work, start, form.length)
    except NeverDue:
        form.add_error("hours", _("The calendar of this policy has too few working hours."))
        return None
    spans = counted(work, start, due_at)
    return {
        "due_at": due_at,
        "length": form.length,
        "intervals": [_interval(span) for span in spans[:INTERVALS_SHOWN]],
        "more": max(len(spans) - INTERVALS_SHOWN, 0),
    }


def _interval(span: Span) -> tuple[Any, Any, timedelta]:
    return span[0], span[1], span[1] - span[0]


def _now() -> dict[str, Any]:
    return {"start": timezone.localtime().replace(second=0, microsecond=0)}


def _year(query: QueryDict, today: int) -> int:
    text = query.get("year", "")
    asked = int(text) if text.isascii() and text.isdecimal() and len(text) == 4 else today
    return min(max(asked, 2000), 2100)


def _actions(shown: Calendar) -> list[ActionForm]:
    if not shown.is_active:
        return []

    def url(name: str) -> str:
        return reverse(f"sla:{name}", args=[shown.uid])

    fill = ActionForm(
        "holidays", _("Fill in public holidays"), url("calendar_holidays"), icon="refresh"
    )
    confirm = _("New deadlines cannot count by it any more. Those that run go on.")
    gone = ActionForm(
        "retire", _("Take out of use"), url("calendar_retire"), icon="archive", style="danger",
        confirm=confirm,
    )  # fmt: skip
    return [fill, gone]


def _form(request: DeskRequest, form: CalendarForm, title: str, cancel: str) -> HttpResponse:
    context = {"form": form, "title": title, "cancel": cancel, "crumbs": _crumbs(None)}
    status = 422 if form.errors else 200
    return render(request, "sla/calendar_form.html", context, status=status)


def _preview(
    request: DeskRequest, shown: Calendar, rows: list[importers.Row], file_name: str
) -> HttpResponse:
    new_days = importers.days_of(rows)
    errors = [row for row in rows if row.error]
    initial = {
        "days": new_days,
        "expected": _current(shown).number,
        "note": file_name[:200],
    }
    context = {
        "calendar": shown,
        "file_name": file_name,
        "rows": [row for row in rows if not row.error],
        "errors": errors,
        "count": len(new_days),
        "form": DaysImportForm(initial=initial),
        "crumbs": _crumbs(shown),
    }
    status = 422 if errors else 200
    return render(request, "sla/calendar_import_preview.html", context, status=status)


def _crumbs(shown: Calendar | None) -> list[tuple[str, str]]:
    trail = [(_("Calendars"), reverse("sla:calendars"))]
    if shown is not None:
        trail.append((shown.name, shown.get_absolute_url()))
    return trail
