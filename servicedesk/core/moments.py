"""A moment in words, as the pages say it."""

from __future__ import annotations

from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from servicedesk.core.fields import in_this_century


def spoken(moment: datetime, *, year: int | None = None) -> str:
    """`11月21日 14:30` in local time; with its year if that is another than `year`."""
    local = timezone.localtime(moment)
    day = _("M j") if year in {None, local.year} else _("M j, Y")
    return f"{date_format(local, day)} {local:%H:%M}"


def to_the_minute(moment: datetime) -> datetime:
    """Its minute: the most that a person who types a time can say."""
    return moment.replace(second=0, microsecond=0)


def day_of(text: str) -> date | None:
    """The day that an address names (`2026-03-02`); None if it is none that we could work with."""
    try:
        day = date.fromisoformat(text)
        in_this_century(day)
    except (ValueError, ValidationError):
        return None
    return day
