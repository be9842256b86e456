"""The forms of a calendar: its hours, its exceptions, a file of them, and a question to it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from servicedesk.core.forms import DateInput, DateTimeInput, DeskForm, RadioButtons
from sla.hours import parse, spell
from sla.models import CalendarVersion

HOME = "Asia/Shanghai"
LONGEST_RANGE = 366


class HoursField(forms.CharField):
    """The windows of a day: [[from, to], …] in seconds."""

    def __init__(self, **options: Any) -> None:
        placeholder = {"placeholder": "09:00-12:00 13:00-18:00", "autocomplete": "off"}
        options.setdefault("widget", forms.TextInput(attrs=placeholder))
        super().__init__(max_length=120, **options)

    def to_python(self, value: Any) -> Any:
        try:
            return [list(window) for window in parse(super().to_python(value) or "")]
        except ValueError:
            raise forms.ValidationError(
                _("Write hours as 09:00-12:00 13:00-18:00, in order, not beyond 24:00.")
            ) from None

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """The length of what was typed is limited by the control alone."""


class CalendarForm(DeskForm):
    spans = {"name": 8, "code": 4, "zone": 12, **{f"day_{n}": 6 for n in range(7)}}

    name = forms.CharField(label=_("Name"), max_length=80)
    code = forms.CharField(
        label=_("Code"),
        max_length=30,
        help_text=_("Letters, digits and hyphens, such as “office”."),
    )
    zone = forms.ChoiceField(label=_("Time zone"))
    follows_public_holidays = forms.BooleanField(
        label=_("Follows the public holidays of mainland China, with make-up working days"),
        required=False,
    )
    note = forms.CharField(
        label=_("Why"), max_length=200, required=False,
        help_text=_("Stands beside the version: what was agreed, and with whom."),
    )  # fmt: skip

    def __init__(self, *args: Any, new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(available_timezones() - {HOME})
        zone: Any = self.fields["zone"]
        zone.choices = [(name, name) for name in (HOME, *zones)]
        if not new:
            del self.fields["code"]
        hours = {
            f"day_{number}": HoursField(label=label, required=False)
            for number, label in WEEKDAYS.items()
        }
        self.fields = {**self.fields, **hours}
        self.order_fields(["name", "code", "zone", *hours, "follows_public_holidays", "note"])

    def clean(self) -> dict[str, Any]:
        """What the action is told."""
        data = dict(self.cleaned_data)
        data["weekly"] = [data.pop(f"day_{number}", []) for number in range(7)]
        return data


def initial_of(version: CalendarVersion) -> dict[str, Any]:
    calendar = version.calendar
    return {
        "name": calendar.name,
        "zone": version.zone,
        "follows_public_holidays": calendar.follows_public_holidays,
        **{f"day_{number}": spell(day) for number, day in enumerate(version.weekly)},
    }


OFFICE: dict[str, Any] = {
    "zone": HOME,
    "follows_public_holidays": True,
    **{f"day_{number}": "09:00-12:00 13:00-18:00" for number in range(5)},
}


class DaysForm(DeskForm):
    spans = {"start": 6, "end": 6}

    start = forms.DateField(label=_("Day"), widget=DateInput)
    end = forms.DateField(
        label=_("Until"), required=False, widget=DateInput, help_text=_("Left empty: one day.")
    )
    name = forms.CharField(label=_("What the day is called"), max_length=80)
    open = forms.ChoiceField(
        label=_("On these days"), widget=RadioButtons, initial="no",
        choices=[("no", _("No work at all")), ("yes", _("With these hours"))],
    )  # fmt: skip
    hours = HoursField(label=_("Working hours"), required=False)

    def clean(self) -> dict[str, Any]:
        """What the action is told: the days of the range."""
        data = self.cleaned_data
        start: date | None = data.get("start")
        end: date | None = data.get("end") or start
        if start is None or end is None:
            return data
        if end < start:
            self.add_error("end", _("The range ends before it starts."))
        elif (end - start).days >= LONGEST_RANGE:
            self.add_error("end", _("A range is a year at most."))
        if data.get("open") == "yes" and not data.get("hours") and "hours" not in self.errors:
            self.add_error("hours", _("Say which hours."))
        if self.errors:
            return data
        what = {"name": data["name"], "windows": data["hours"] if data["open"] == "yes" else []}
        length = (end - start).days + 1
        days = {(start + timedelta(days=n)).isoformat(): dict(what) for n in range(length)}
        return {"days": days, "note": data["name"]}


class DaysFileForm(DeskForm):
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or iCalendar (.ics), up to 1 MB and 1,000 days."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.ics"}),
    )


class DaysImportForm(DeskForm):
    """What the preview hands to the import; checked again by the action."""

    days = forms.JSONField(widget=forms.HiddenInput)
    expected = forms.IntegerField(widget=forms.HiddenInput)
    note = forms.CharField(max_length=200, widget=forms.HiddenInput)

    def clean_days(self) -> dict[str, Any]:
        days = self.cleaned_data["days"]
        if not isinstance(days, dict) or not all(isinstance(d, dict) for d in days.values()):
            raise forms.ValidationError(_("This import cannot be read. Upload the file again."))
        return days


class TryForm(DeskForm):
    """From when, how much: until when?"""

    spans = {"start": 6, "hours": 3, "minutes": 3}

    start = forms.DateTimeField(label=_("From"), widget=DateTimeInput)
    hours = forms.IntegerField(label=_("Hours"), min_value=0, max_value=9999, initial=8)
    minutes = forms.IntegerField(
        label=_("Minutes"), min_value=0, max_value=59, initial=0, required=False
    )

    @property
    def length(self) -> timedelta:
        data = self.cleaned_data
        return timedelta(hours=data["hours"], minutes=data["minutes"] or 0)
