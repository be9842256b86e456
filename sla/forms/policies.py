"""The forms of a policy: conditions, terms, the steps of its ladder; and which one applies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from customers.models import Contract, Customer, Product
from servicedesk.core.actors import Actor
from servicedesk.core.forms import DateInput, DeskForm, RemoteSelect, UidChoiceField
from sla.actions.policies import MOST_STEPS
from sla.kinds import Kind, Step
from sla.models import Calendar, PolicyVersion
from sla.wording import CHANNELS, PEOPLE, moment, sentences, unnamed

MINUTE = timedelta(minutes=1)
URGENT = {"yes": True, "no": False}
MOST_HOURS = 366 * 24
MOST_MINUTES = MOST_HOURS * 60


def _number(label: Any, most: int = MOST_MINUTES) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=0, max_value=most, required=False)


class TermsForm(DeskForm):
    """What a version says, without the ladder."""

    spans = {
        "name": 12, "target_hours": 3, "target_minutes": 3, "calendar": 6, "pause_hours": 3,
        "pause_minutes": 3, "note": 12,
    }  # fmt: skip

    name = forms.CharField(label=_("Name"), max_length=80)
    target_hours = _number(_("Time allowed: hours"), MOST_HOURS)
    target_minutes = _number(_("minutes"))
    calendar = UidChoiceField(
        None, label=_("Counted by"), required=False, empty_label=_("Day and night")
    )
    pause_hours = _number(_("Pauses in all up to: hours"), MOST_HOURS)
    pause_minutes = _number(_("minutes"))
    own_steps = forms.BooleanField(
        label=_("A ladder of its own (else that of the kind)"), required=False
    )
    note = forms.CharField(
        label=_("Why"), max_length=200, required=False,
        help_text=_("Stands beside the version: what was agreed, and with whom."),
    )  # fmt: skip

    def __init__(self, *args: Any, by: Actor, kind: Kind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        calendar: Any = self.fields["calendar"]
        calendar.queryset = Calendar.objects.visible_to(by).filter(is_active=True)
        if kind.target is None:
            # The process names the due time; there is nothing to count.
            for name in ("target_hours", "target_minutes", "calendar"):
                del self.fields[name]
        else:
            hint = _("Left empty: the kind's own time.")
            self.fields["target_hours"].help_text = hint
        self.fields["pause_hours"].help_text = _("Left empty: its clock may not stand still.")

    def terms(self) -> dict[str, Any]:
        """What the action is told."""
        data = self.cleaned_data
        found = {"name": data["name"], "note": data["note"]}
        if "calendar" in self.fields:
            found["target"] = _time(data["target_hours"], data["target_minutes"])
            found["calendar"] = data["calendar"]
        return {**found, "longest_pause": _time(data["pause_hours"], data["pause_minutes"])}


class PolicyForm(TermsForm):
    """A new one: also for what it holds."""

    spans = {**TermsForm.spans, "urgent": 6, "customer": 6, "contract": 6, "product": 6}
    field_order = ("name", "urgent", "product", "customer", "contract")

    urgent = forms.ChoiceField(
        label=_("Requests"), required=False,
        choices=[("", _("All")), ("yes", _("Urgent ones")), ("no", _("Those not urgent"))],
    )  # fmt: skip
    customer = UidChoiceField(
        None, label=_("Customer"), required=False,
        widget=RemoteSelect(url_name="customers:customer_options"),
    )  # fmt: skip
    contract = UidChoiceField(
        None, label=_("Contract"), required=False,
        widget=RemoteSelect(url_name="customers:contract_options"),
    )  # fmt: skip
    product = UidChoiceField(None, label=_("Product"), required=False, empty_label=_("All"))

    def __init__(self, *args: Any, by: Actor, kind: Kind, **kwargs: Any) -> None:
        super().__init__(*args, by=by, kind=kind, **kwargs)
        _offer(self, by)
        contracts: Any = self.fields["contract"]
        contracts.queryset = Contract.objects.visible_to(by).select_related("customer")

    def terms(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            **super().terms(),
            "urgent": URGENT.get(data["urgent"]),
            "customer": data["customer"],
            "contract": data["contract"],
            "product": data["product"],
        }


def initial_of(version: PolicyVersion) -> dict[str, Any]:
    target, pause = _parts(version.target), _parts(version.longest_pause)
    return {
        "name": version.policy.name,
        "target_hours": target[0], "target_minutes": target[1],
        "calendar": version.calendar and version.calendar.uid,
        "pause_hours": pause[0], "pause_minutes": pause[1],
        "own_steps": bool(version.steps),
    }  # fmt: skip


# --- The ladder ---------------------------------------------------------------------------------

WHEN = [
    ("", "—"),
    ("share", _("% of the time are used")),
    ("before", _("minutes before the due time")),
    ("due", _("at the due time: missed")),
    ("after", _("minutes after the due time")),
]


class StepForm(DeskForm):
    """One rung, as a row. A row without a moment is left out."""

    spans = {"amount": 3, "when": 9, "to": 6, "by": 6, "label": 6, "stops": 6}

    # Which step of the kind it is: it must not fire anew because its row was edited.
    name = forms.CharField(max_length=30, required=False, widget=forms.HiddenInput)
    when = forms.ChoiceField(label=_("When"), choices=WHEN, required=False)
    amount = forms.IntegerField(
        label=_("How much"), min_value=0, max_value=MOST_MINUTES, required=False
    )
    to = forms.MultipleChoiceField(
        label=_("Who is told"), choices=list(PEOPLE.items()), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    by = forms.MultipleChoiceField(
        label=_("How"), choices=list(CHANNELS.items()), required=False, initial=["app", "email"],
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    label = forms.CharField(
        label=_("Name of the step"), max_length=60, required=False,
        help_text=_("Left empty it says when."),
    )  # fmt: skip
    stops = forms.BooleanField(label=_("Acknowledging it ends the ladder"), required=False)
    field_order = ("name", "when", "amount", "to", "by", "label", "stops")

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        when, amount = data.get("when"), data.get("amount")
        if not when:
            return data
        if when == "share" and (amount is None or amount > 100) and "amount" not in self.errors:
            self.add_error("amount", _("A share lies between 0 and 100 per cent."))
        if when in {"before", "after"} and not amount and "amount" not in self.errors:
            self.add_error("amount", _("Say how many minutes."))
        if not data.get("to") and "to" not in self.errors:
            self.add_error("to", _("Somebody has to be told."))
        if not data.get("by") and "by" not in self.errors:
            self.add_error("by", _("Say how they hear of it."))
        return data

    def step(self, taken: list[str]) -> Step | None:
        """The step of a valid row; None for an empty one."""
        data = self.cleaned_data
        when, amount = data.get("when"), data.get("amount") or 0
        if not when:
            return None
        bare = Step(
            "", "", share=amount / 100 if when == "share" else 1.0,
            offset={"before": -amount, "after": amount}.get(when, 0) * MINUTE,
            to=tuple(data["to"]), by=tuple(data["by"]), missed=when == "due",
            stops=data["stops"],
        )  # fmt: skip
        with translation.override(settings.LANGUAGE_CODE):
            label = data["label"] or moment(bare)
        derived = "missed" if when == "due" else f"{when}-{amount}"
        name = unnamed(data["name"] or derived, taken)[:30]
        return Step.from_json({**bare.to_json(), "name": name, "label": label})


StepFormSet = forms.formset_factory(StepForm, extra=0, max_num=14, validate_max=True)
EMPTY_ROW = {"by": ["app", "email"]}


def rows_of(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """The initial values of the rows."""
    return [_row(step) for step in steps]


def edited_rows(rows: Any, wish: str) -> list[dict[str, Any]]:
    """The rows as they were typed, right or wrong, with one more (`add`) or less (`remove-2`)."""
    found = []
    for number, row in enumerate(rows):
        if wish == f"remove-{number}":
            continue
        found.append({name: row[name].value() for name in row.fields})
    if wish == "add" and len(found) < MOST_STEPS:
        found.append(EMPTY_ROW)
    return found


def words_of(rows: Any) -> list[str]:
    """What the complete rows will do, in the order of their moments."""
    found: list[Step] = []
    for row in rows:
        bound = row if row.is_bound else StepForm(row.initial)
        step = bound.step([]) if bound.is_valid() else None
        if step is not None:
            found.append(step)
    return sentences(found)


def _row(step: Step) -> dict[str, Any]:
    minutes = round(step.offset / MINUTE)
    when, amount = "share", round(step.share * 100)
    if step.missed:
        when, amount = "due", None  # type: ignore[assignment]
    elif minutes:
        when, amount = ("after" if minutes > 0 else "before"), abs(minutes)
    return {
        "name": step.name, "when": when, "amount": amount, "to": list(step.to),
        "by": list(step.by), "label": str(step.label), "stops": step.stops,
    }  # fmt: skip


def steps_of(rows: Any) -> list[Step]:
    """The steps of a valid form set."""
    found: list[Step] = []
    for row in rows:
        step = row.step([known.name for known in found])
        if step is not None:
            found.append(step)
    return found


# --- Which one applies? -------------------------------------------------------------------------


class ApplyForm(DeskForm):
    spans = {"customer": 6, "product": 6, "day": 6, "urgent": 6}

    customer = UidChoiceField(
        None, label=_("Customer"), required=False,
        widget=RemoteSelect(url_name="customers:customer_options"),
    )  # fmt: skip
    product = UidChoiceField(None, label=_("Product"), required=False, empty_label="—")
    day = forms.DateField(label=_("On"), required=False, widget=DateInput)
    urgent = forms.BooleanField(label=_("Urgent"), required=False)
    asked = forms.CharField(initial="1", widget=forms.HiddenInput)

    def __init__(self, *args: Any, by: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self, by)


def _offer(form: DeskForm, by: Actor) -> None:
    customer: Any = form.fields["customer"]
    customer.queryset = Customer.objects.visible_to(by)
    product: Any = form.fields["product"]
    product.queryset = Product.objects.visible_to(by).active()


def _time(hours: int | None, minutes: int | None) -> timedelta | None:
    if hours is None and minutes is None:
        return None
    return timedelta(hours=hours or 0, minutes=minutes or 0)


def _parts(time: timedelta | None) -> tuple[int | None, int | None]:
    if time is None:
        return None, None
    return divmod(round(time / MINUTE), 60)
