from __future__ import annotations

from datetime import timedelta

from django import template

from sla.wording import length

register = template.Library()


@register.filter
def exactly(value: timedelta) -> str:
    """Hours, minutes and seconds, so that a sum can be checked: 23:59:30; -0:10:00."""
    seconds = round(value.total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    return f"{'-' if seconds < 0 else ''}{hours}:{rest // 60:02}:{rest % 60:02}"


@register.filter
def spelled(time: timedelta) -> str:
    """A time allowed, as people say it: 1 hour 30 minutes."""
    return length(time)
