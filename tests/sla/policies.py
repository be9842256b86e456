"""Calendars and policies for the tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from servicedesk.core.actions import action
from servicedesk.core.actors import SYSTEM, Actor
from sla.models import Calendar, CalendarVersion, Policy, PolicyVersion
from tests.conftest import AT

HOUR = 3600
OFFICE = [[9 * HOUR, 12 * HOUR], [13 * HOUR, 18 * HOUR]]


def make_calendar(code: str = "office", **fields: Any) -> Calendar:
    """Monday to Friday, 9–12 and 13–18, in Shanghai."""
    return _calendar(code, fields, at=AT, by=SYSTEM)


@action
def _calendar(code: str, fields: dict[str, Any], *, at: datetime, by: Actor) -> Calendar:
    calendar = Calendar.objects.create(code=code, name=code)
    calendar.current = CalendarVersion.objects.create(
        calendar=calendar,
        number=1,
        made_at=at,
        made_by=by.label,
        **{"zone": "Asia/Shanghai", "weekly": [OFFICE] * 5 + [[], []], "days": {}} | fields,
    )
    calendar.save(update_fields=["current"])
    return calendar


def make_policy(kind: str, *, conditions: dict[str, Any] | None = None, **terms: Any) -> Policy:
    return _policy(kind, conditions or {}, terms, at=AT, by=SYSTEM)


@action
def _policy(
    kind: str, conditions: dict[str, Any], terms: dict[str, Any], *, at: datetime, by: Actor
) -> Policy:
    policy = Policy.objects.create(kind=kind, name=f"{kind} {len(conditions)}", **conditions)
    edit_policy(policy, **terms)
    return policy


def edit_policy(policy: Policy, **terms: Any) -> PolicyVersion:
    return _edit(policy, terms, at=AT, by=SYSTEM)


@action
def _edit(policy: Policy, terms: dict[str, Any], *, at: datetime, by: Actor) -> PolicyVersion:
    version = PolicyVersion.objects.create(
        policy=policy,
        number=policy.versions.count() + 1,
        made_at=at,
        made_by=by.label,
        **{"target": timedelta(hours=8)} | terms,
    )
    policy.current = version
    policy.save(update_fields=["current"])
    return version
