"""A moment in words, as the pages say it."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _


def spoken(moment: datetime, *, year: int | None = None) -> str:
    """`11月21日 14:30` in local time; with its year if that is another than `year`."""
    local = timezone.localtime(moment)
    day = _("M j") if year in {None, local.year} else _("M j, Y")
    return f"{date_format(local, day)} {local:%H:%M}"
