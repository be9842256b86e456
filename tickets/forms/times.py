"""A moment in one key: “within 2 hours”, “today”, “tomorrow morning”, or exactly when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from servicedesk.core.fields import in_this_century
from servicedesk.core.forms import DateTimeInput, RadioButtons

CLOSING_TIME = time(18)
NOON = time(12)


def _at(now: datetime, moment: time, *, days: int = 0) -> datetime:
    day = timezone.localdate(now) + timedelta(days=days)
    return timezone.make_aware(datetime.combine(day, moment))


# name → (words, moment as seen from now)
QUICK: dict[str, tuple[str | Promise, Callable[[datetime], datetime]]] = {
    "30m": (_("within 30 minutes"), lambda now: now + timedelta(minutes=30)),
    "1h": (_("within 1 hour"), lambda now: now + timedelta(hours=1)),
    "2h": (_("within 2 hours"), lambda now: now + timedelta(hours=2)),
    "today": (_("today by 18:00"), lambda now: _at(now, CLOSING_TIME)),
    "tomorrow": (_("tomorrow morning"), lambda now: _at(now, NOON, days=1)),
    "24h": (_("within 24 hours"), lambda now: now + timedelta(hours=24)),
}
EXACT, NONE = "time", "none"


class QuickTimeWidget(forms.MultiWidget):
    template_name = "tickets/calls/quick_time.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(widgets={"choice": RadioButtons, "time": DateTimeInput}, attrs=attrs)

    def decompress(self, value: Any) -> list[Any]:
        return [EXACT, value] if value else [None, None]


class QuickTimeField(forms.MultiValueField):
    """Give it `now` before it is shown or cleaned. “No wish” (`none=…`) cleans to None."""

    widget = QuickTimeWidget

    def __init__(self, *names: str, none: str | Promise = "", **kwargs: Any) -> None:
        self.names, self.none = names, none
        self.now = timezone.now()
        super().__init__(
            fields=(
                forms.ChoiceField(required=False),
                forms.DateTimeField(required=False, validators=[in_this_century]),
            ),
            require_all_fields=False,
            required=False,
            **kwargs,
        )

    def start_at(self, now: datetime) -> None:
        """Offer what still lies ahead; accept what lay ahead when the page was loaded, too."""
        self.now = now
        quick = [(name, QUICK[name][0]) for name in self.names]
        more = [(EXACT, gettext("at a time"))] + ([(NONE, self.none)] if self.none else [])
        offered: Any = self.fields[0]
        shown: Any = self.widget.widgets[0]
        offered.choices = [*quick, *more]
        ahead = [(name, label) for name, label in quick if QUICK[name][1](now) > now]
        shown.choices = [*ahead, *more]

    def clean(self, value: Any) -> Any:
        """A time typed before another choice was made says nothing any more."""
        if isinstance(value, list | tuple) and value and value[0] and value[0] != EXACT:
            value = [value[0], None]
        return super().clean(value)

    def compress(self, data_list: list[Any]) -> datetime | None:
        choice, exact = data_list or (None, None)
        moment: datetime | None
        if choice in QUICK:
            moment = QUICK[choice][1](self.now)
        elif choice == NONE:
            return None
        else:
            if choice == EXACT and exact is None:
                raise ValidationError(gettext("Enter the time."))
            moment = exact
        if moment is not None and moment <= self.now:
            raise ValidationError(gettext("This time has passed already; choose another one."))
        return moment
