"""What people do with escalations, calendars and policies."""

from __future__ import annotations

from sla.actions.calendars import (
    change_calendar,
    create_calendar,
    remove_day,
    retire_calendar,
    set_days,
    update_holidays,
)
from sla.actions.escalations import acknowledge
from sla.actions.policies import change_policy, create_policy, retire_policy

__all__ = [
    "acknowledge",
    "change_calendar",
    "change_policy",
    "create_calendar",
    "create_policy",
    "remove_day",
    "retire_calendar",
    "retire_policy",
    "set_days",
    "update_holidays",
]
