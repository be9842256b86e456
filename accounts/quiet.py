"""Quiet hours: when a person is not to be disturbed with what can wait. Pure arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.models import User


def quiet_end(user: User, at: datetime) -> datetime | None:
    """When the quiet hours end in which `at` lies; None outside of them, and on duty."""
    start, end = user.quiet_from, user.quiet_until
    if start is None or end is None or user.on_duty(at):
        return None
    local = at.astimezone(ZoneInfo(settings.TIME_ZONE))
    clock = local.time()
    quiet = start <= clock < end if start < end else clock >= start or clock < end
    if not quiet:
        return None
    day = local.date() if clock < end else local.date() + timedelta(days=1)
    return datetime.combine(day, end, local.tzinfo).astimezone(UTC)
