"""The one filter form of all managers' pages: period, team, person, customer, product.

What is not understood filters nothing, and the control says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from accounts.roles import Role
from customers.models import Customer, Product
from servicedesk.core.actors import Actor
from servicedesk.core.forms import DeskForm, RemoteSelect, UidChoiceField

# Bounds the cost of a page, whatever somebody asks for.
LONGEST = 366
DIMENSIONS = ("team", "person", "customer", "product")


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of the house's time zone, both ends included."""

    first: date
    last: date

    @property
    def start(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.first, time()))

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return timezone.make_aware(datetime.combine(self.last + timedelta(days=1), time()))

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


def _this_week(today: date) -> Period:
    monday = today - timedelta(days=today.weekday())
    return Period(monday, monday + timedelta(days=6))


def _month(of: date) -> Period:
    following = (of.replace(day=1) + timedelta(days=32)).replace(day=1)
    return Period(of.replace(day=1), following - timedelta(days=1))


def _last_month(today: date) -> Period:
    return _month(today.replace(day=1) - timedelta(days=1))


def _this_quarter(today: date) -> Period:
    first = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    return Period(first, _month(first.replace(month=first.month + 2)).last)


def _this_year(today: date) -> Period:
    return Period(today.replace(month=1, day=1), today.replace(month=12, day=31))


PERIODS: dict[str, tuple[Any, Callable[[date], Period]]] = {
    "today": (_("Today"), lambda today: Period(today, today)),
    "week": (_("This week"), _this_week),
    "month": (_("This month"), _month),
    "last_month": (_("Last month"), _last_month),
    "quarter": (_("This quarter"), _this_quarter),
    "year": (_("This year"), _this_year),
}
DEFAULT = "month"
RANGE = "range"


class ManagerFilter(DeskForm):
    """Bind it to `request.GET`; every property may be asked at once, bad values are left out."""

    period = forms.ChoiceField(
        label=_("Period"), required=False,
        choices=[*((key, label) for key, (label, _of) in PERIODS.items()),
                 (RANGE, _("Days of choice"))],
    )  # fmt: skip
    since = forms.DateField(label=_("First day"), required=False)
    until = forms.DateField(label=_("Last day"), required=False)
    team = UidChoiceField(
        Team.objects.all(), label=_("Team"), required=False, empty_label=_("All teams")
    )
    person = UidChoiceField(None, label=_("Person"), required=False, empty_label=_("All people"))
    customer = UidChoiceField(
        None, label=_("Customer"), required=False, empty_label=_("All customers"),
        widget=RemoteSelect(url_name="customers:customer_options", hint=_("Name, pinyin or code")),
    )  # fmt: skip
    product = UidChoiceField(
        None, label=_("Product"), required=False, empty_label=_("All products")
    )

    def __init__(self, data: Any, *, by: Actor, today: date) -> None:
        sent = {name: data.get(name, "") for name in self.base_fields}
        if (sent["since"] or sent["until"]) and not sent["period"]:
            sent["period"] = RANGE
        sent["period"] = sent["period"] or DEFAULT
        super().__init__(sent)
        self.today = today
        # Also those who left: their work stays in the figures.
        people = User.objects.visible_to(by).exclude(role=Role.CLIENT)
        for name, queryset in {
            "person": people,
            "customer": Customer.objects.visible_to(by),
            "product": Product.objects.visible_to(by),
        }.items():
            self.fields[name].queryset = queryset  # type: ignore[attr-defined]
        self.full_clean()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("period") == RANGE:
            self._check_range(cleaned.get("since"), cleaned.get("until"))
        return cleaned

    def _check_range(self, since: date | None, until: date | None) -> None:
        until = until or self.today
        if since is None:
            if "since" not in self.errors:
                self.add_error("since", gettext("Say from which day."))
        elif not 2000 <= since.year <= 2100:
            self.add_error("since", gettext("There are no figures of that year."))
        elif "until" in self.errors:
            return
        elif until < since:
            self.add_error("until", gettext("That is before the first day."))
        elif (until - since).days >= LONGEST:
            self.add_error(
                "until",
                gettext("A period has at most %(days)s days.") % {"days": LONGEST},
            )

    @property
    def span(self) -> Period:
        """The days asked for; this month, where they were not understood."""
        name = self.cleaned_data.get("period") or DEFAULT
        if name != RANGE:
            return PERIODS[name][1](self.today)
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since is None or "until" in self.errors:
            return PERIODS[DEFAULT][1](self.today)
        return Period(since, until or self.today)

    def chosen(self, dimension: str) -> Any:
        """The team, person, customer or product asked for, or None."""
        return self.cleaned_data.get(dimension)

    @property
    def dimensions(self) -> dict[str, Any]:
        """Those that narrow: {"team": Team, …}."""
        return {name: found for name in DIMENSIONS if (found := self.chosen(name)) is not None}

    @property
    def active(self) -> int:
        return len(self.dimensions) + int(self.cleaned_data.get("period", DEFAULT) != DEFAULT)

    @property
    def values(self) -> dict[str, str]:
        """What was understood, as it goes into an address. The days are spelled out, so that a
        link opened tomorrow shows the same records."""
        days = self.span
        return {
            "period": RANGE, "since": days.first.isoformat(), "until": days.last.isoformat(),
            **{name: str(found.uid) for name, found in self.dimensions.items()},
        }  # fmt: skip

    def query(self, **more: Any) -> str:
        """`?period=…&team=…` with `more`, for the links of figures and exports."""
        return "?" + urlencode({**self.values, **more})

    @property
    def own_query(self) -> str:
        """What was chosen, for the links to the other pages: “this month” stays this month."""
        sent = {
            name: self.data[name]
            for name in self.fields
            if self.data.get(name) and name not in self.errors
        }
        return "?" + urlencode(sent)

    @property
    def described(self) -> str:
        """For the head of an export and for the journal."""
        days = self.span
        named = [str(found) for found in self.dimensions.values()]
        return " · ".join([f"{days.first.isoformat()} – {days.last.isoformat()}", *named])
