"""Which terms a deadline runs under, and when it is due by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from servicedesk.core.errors import Refused
from sla.kinds import KINDS
from sla.models.policies import CalendarVersion, Policy, PolicyVersion, worktime_of
from sla.worktime import NeverDue, Span, after


@dataclass(frozen=True, slots=True)
class Scope:
    """What a policy may be chosen by, beside the kind of deadline."""

    urgent: bool = False
    customer_id: int | None = None
    product_id: int | None = None


@dataclass(frozen=True, slots=True)
class By:
    """The policy's target, but not later than this (None: no such limit)."""

    latest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """When a deadline will be due, and the terms it will run under.

    `target` is None where the process named the due time itself; such a deadline counts day and
    night, and only its ladder follows the policy.
    """

    due_at: datetime
    target: timedelta | None = None
    latest: datetime | None = None
    terms: PolicyVersion | None = None
    calendar: CalendarVersion | None = None


def plan(wanted: Mapping[str, datetime | By], scope: Scope, *, at: datetime) -> dict[str, Plan]:
    """Kind → plan of deadlines that start at `at`, in one query.

    wanted: kind → a due time that the process names, or `By(…)`: the target of the policy.
    """
    chosen = choose(wanted, scope, at=at)
    return {kind: _plan(kind, due, scope, chosen.get(kind), at) for kind, due in wanted.items()}


def choose(kinds: Iterable[str], scope: Scope, *, at: datetime) -> dict[str, Policy]:
    """Kind → the most particular policy that fits; kinds without one are left out."""
    found = Policy.objects.fitting(
        urgent=scope.urgent,
        customer_id=scope.customer_id,
        product_id=scope.product_id,
        day=timezone.localdate(at),
    ).filter(kind__in=list(kinds))
    best: dict[str, Policy] = {}
    for policy in found.select_related("current__calendar__current"):
        if policy.kind not in best or policy.weight > best[policy.kind].weight:
            best[policy.kind] = policy
    return best


def _plan(kind: str, due: datetime | By, scope: Scope, policy: Policy | None, at: datetime) -> Plan:
    terms = policy.current if policy else None
    if isinstance(due, datetime):
        return Plan(due, terms=terms)
    target = (terms and terms.target) or KINDS[kind].target_for(urgent=scope.urgent)
    if target is None:
        raise ValueError(f"{kind} has no target: the process has to name the due time")
    calendar = terms.calendar.current if terms and terms.calendar else None
    due_at = due_by(target, calendar, due.latest, at=at)
    return Plan(due_at, target, due.latest, terms, calendar)


def due_by(
    target: timedelta,
    calendar: CalendarVersion | None,
    latest: datetime | None,
    *,
    at: datetime,
    holds: Iterable[Span] = (),
) -> datetime:
    """The end of the target, or the time that the customer wants it by, if that comes first."""
    try:
        due_at = after(worktime_of(calendar.pk if calendar else None), at, target, holds)
    except NeverDue:
        raise Refused(_("The calendar of this policy has too few working hours.")) from None
    return min(due_at, latest) if latest is not None else due_at
