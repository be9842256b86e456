"""The pages of policies: what holds for whom, which one applies, and what a change would move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from servicedesk.core.actions import require
from servicedesk.core.errors import Refused
from servicedesk.core.forms import ActionForm
from servicedesk.core.http import DeskRequest, refusals_on
from servicedesk.core.timeline import timeline
from sla import actions
from sla.actions.policies import Movement, movement_of
from sla.choices import choices, conditions, in_use
from sla.forms.policies import (
    ApplyForm,
    PolicyForm,
    StepFormSet,
    TermsForm,
    edited_rows,
    initial_of,
    rows_of,
    steps_of,
    words_of,
)
from sla.kinds import KINDS, Kind, Step
from sla.models import Deadline, Policy, PolicyVersion
from sla.wording import sentences

MANAGE = "sla.manage"
VERSIONS_SHOWN = 20


@require_GET
def policies(request: DeskRequest) -> HttpResponse:
    """Per kind what holds in general and for whom something else does."""
    require(request.actor, MANAGE)
    by_kind = in_use(request.actor)
    asked = "asked" in request.GET
    form = ApplyForm(
        request.GET if asked else None, by=request.actor, initial={"day": timezone.localdate()}
    )
    context = {
        "kinds": [_kind(kind, by_kind.get(kind.name, [])) for kind in KINDS.values()],
        "in_force": any(by_kind.values()),
        "form": form,
        "choices": None,
    }
    if asked and form.is_valid():
        data = form.cleaned_data
        context["choices"] = choices(
            by_kind, customer=data["customer"], product=data["product"], urgent=data["urgent"],
            at=_noon(data["day"]),
        )  # fmt: skip
    return render(request, "sla/policies.html", context)


@require_GET
def policy(request: DeskRequest, uid: UUID) -> HttpResponse:
    shown = _find(request, uid)
    kind = _known(shown.kind)
    versions = shown.versions.select_related("calendar")[:VERSIONS_SHOWN]
    running = Deadline.objects.visible_to(request.actor).open().filter(terms__policy=shown)
    context = {
        "policy": shown,
        "kind": kind,
        "conditions": conditions(shown),
        "version": _current(shown),
        "steps": sentences(_steps(_current(shown), kind, urgent=bool(shown.urgent))),
        "versions": versions,
        "running": running.count(),
        "lines": timeline(shown, limit=20),
        "actions": _actions(shown),
        "crumbs": _crumbs(),
    }
    return render(request, "sla/policy.html", context)


@require_http_methods(["GET", "POST"])
def new(request: DeskRequest, kind: str) -> HttpResponse:
    require(request.actor, MANAGE)
    known = _known(kind)
    form = PolicyForm(request.POST or None, by=request.actor, kind=known, initial=_pause_of(known))

    def make(**terms: Any) -> Policy:
        return actions.create_policy(kind=kind, at=timezone.now(), by=request.actor, **terms)

    title = _("New policy: %(kind)s") % {"kind": known.label}
    return _edited(request, form, known, known.steps, make, title, reverse("sla:policies"))


@require_http_methods(["GET", "POST"])
def edit(request: DeskRequest, uid: UUID) -> HttpResponse:
    shown = _find(request, uid)
    known, version = _known(shown.kind), _current(shown)
    initial = initial_of(version)
    form = TermsForm(request.POST or None, by=request.actor, kind=known, initial=initial)
    expected = request.POST.get("expected", "")

    def change(**terms: Any) -> Policy:
        number = int(expected) if expected.isdecimal() else version.number
        return actions.change_policy(
            shown, expected=number, at=timezone.now(), by=request.actor, **terms
        )

    title = _("Change %(name)s") % {"name": shown.name}
    steps = _steps(version, known, urgent=bool(shown.urgent))
    return _edited(
        request, form, known, steps, change, title, shown.get_absolute_url(),
        number=version.number,
    )  # fmt: skip


@require_POST
def retire(request: DeskRequest, uid: UUID) -> HttpResponse:
    actions.retire_policy(_find(request, uid), at=timezone.now(), by=request.actor)
    return redirect("sla:policies")


# --- Form, preview, done -------------------------------------------------------------------------


def _edited(
    request: DeskRequest,
    form: TermsForm,
    kind: Kind,
    steps: tuple[Step, ...],
    change: Callable[..., Policy],
    title: str,
    cancel: str,
    number: int = 0,
) -> HttpResponse:
    """The form; then what the change would move; then, on a second word, the change."""
    rows = StepFormSet(request.POST or None, initial=rows_of(steps), prefix="steps")
    stage, wish = request.POST.get("stage", ""), request.POST.get("rows", "")
    if wish:
        # Not finished: nothing is judged yet, and what was typed stays.
        typed = {name: form[name].value() for name in form.fields}
        form = type(form)(by=request.actor, kind=kind, initial=typed)
        rows = StepFormSet(initial=edited_rows(rows, wish), prefix="steps")
    elif stage in {"preview", "save"} and form.is_valid() and _fits(form, rows):
        terms = form.terms()
        terms["steps"] = steps_of(rows) if form.cleaned_data["own_steps"] else []
        with refusals_on(form), _at_its_field():
            if stage == "save":
                made = change(**terms, spreads=request.POST.get("spreads") == "yes")
                messages.success(request, _("Saved: %(name)s") % {"name": made.name})
                return redirect(made)
            movement = movement_of(lambda: change(**terms))
            return _preview(request, title, kind, terms, movement, cancel)
    context = {
        "form": form,
        "rows": rows,
        "words": words_of(rows),
        "kind": kind,
        "own": sentences(kind.steps),
        "title": title,
        "cancel": cancel,
        "number": request.POST.get("expected", number),
        "crumbs": _crumbs(),
    }
    status = 422 if form.errors or rows.total_error_count() else 200
    return render(request, "sla/policy_form.html", context, status=status)


# What the action calls a term, and the field where it is typed.
FIELDS = {"target": "target_hours", "longest_pause": "pause_hours", "steps": "own_steps"}


@contextmanager
def _at_its_field() -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        field = FIELDS.get(refusal.field or "", refusal.field)
        raise Refused(refusal.message, field=field) from None


def _fits(form: TermsForm, rows: Any) -> bool:
    """The rows count only where the policy has a ladder of its own."""
    return not form.cleaned_data["own_steps"] or rows.is_valid()


def _preview(
    request: DeskRequest,
    title: str,
    kind: Kind,
    terms: dict[str, Any],
    movement: Movement,
    cancel: str,
) -> HttpResponse:
    kept = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in {"csrfmiddlewaretoken", "stage", "spreads"}
        for value in values
    ]
    context = {
        "title": title,
        "kind": kind,
        "terms": terms,
        "steps": sentences(terms["steps"] or kind.steps),
        "own_steps": bool(terms["steps"]),
        "movement": movement,
        "earlier": -movement.earliest,
        "kept": kept,
        "cancel": cancel,
        "crumbs": _crumbs(),
    }
    return render(request, "sla/policy_preview.html", context)


# --- Helpers -------------------------------------------------------------------------------------


def _find(request: DeskRequest, uid: UUID) -> Policy:
    require(request.actor, MANAGE)
    found = Policy.objects.visible_to(request.actor).select_related(
        "customer", "contract", "product", "current__calendar", "current__policy"
    )
    return get_object_or_404(found, uid=uid)


def _known(name: str) -> Kind:
    if name not in KINDS:
        raise Http404
    return KINDS[name]


def _current(shown: Policy) -> PolicyVersion:
    assert shown.current is not None
    return shown.current


def _steps(version: PolicyVersion, kind: Kind, *, urgent: bool) -> tuple[Step, ...]:
    own = tuple(Step.from_json(row) for row in version.steps)
    return own or kind.steps_for(urgent=urgent)


def _kind(kind: Kind, found: list[Policy]) -> dict[str, Any]:
    return {
        "kind": kind,
        "steps": sentences(kind.steps),
        "urgent_steps": sentences(kind.urgent_steps),
        "policies": [(policy, conditions(policy)) for policy in found],
    }


def _pause_of(kind: Kind) -> dict[str, Any]:
    """A new policy starts from the pauses that the kind allows."""
    if kind.longest_pause is None:
        return {}
    hours, minutes = divmod(round(kind.longest_pause.total_seconds() / 60), 60)
    return {"pause_hours": hours, "pause_minutes": minutes}


def _noon(day: Any) -> datetime:
    noon = datetime.combine(
        day or timezone.localdate(), time(12), ZoneInfo(timezone.get_current_timezone_name())
    )
    return noon.astimezone(UTC)


def _actions(shown: Policy) -> list[ActionForm]:
    if not shown.is_active:
        return []
    confirm = _("It is not chosen any more. Deadlines that run under it keep its terms.")
    url = reverse("sla:policy_retire", args=[shown.uid])
    return [
        ActionForm(
            "retire", _("Take out of use"), url, icon="archive", style="danger", confirm=confirm
        )
    ]


def _crumbs() -> list[tuple[str, str]]:
    return [(_("Policies"), reverse("sla:policies"))]
