"""Filters of the printed forms: their data are plain, so moments come as ISO strings."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone

from servicedesk.core.paper import Mark

register = template.Library()


def _local(value: str | datetime | None) -> datetime | None:
    if not value:
        return None
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return timezone.localtime(moment)


def _format(value: str | datetime | None, pattern: str) -> str:
    if isinstance(value, Mark):
        return value.through("clock" if pattern == "%H:%M" else "moment")
    moment = _local(value)
    return moment.strftime(pattern) if moment else "—"


@register.filter
def moment(value: str | datetime | None) -> str:
    """2026-11-22 14:30, or a dash."""
    return _format(value, "%Y-%m-%d %H:%M")


@register.filter
def day(value: str | datetime | None) -> str:
    return _format(value, "%Y-%m-%d")


@register.filter
def clock(value: str | datetime | None) -> str:
    return _format(value, "%H:%M")
