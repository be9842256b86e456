"""What the engine moves by itself: clocks whose pause is over, and deadlines under new terms.

Each deadline is a transaction of its own. The record that it belongs to has to follow (a ticket
shows when it is due), and a person may hold that record while he waits for the deadline: then the
listener gives up at once, and the engine comes back a second later.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import OperationalError, connection
from django.db.models import Q
from django.utils import timezone
from psycopg2.errors import LockNotAvailable

from servicedesk.core.actions import action
from servicedesk.core.actors import SYSTEM, Actor
from sla import deadlines
from sla.kinds import KINDS
from sla.models import Deadline, DeadlineQuerySet, Policy, PolicyVersion
from sla.policies import Plan

log = logging.getLogger(__name__)

BATCH = 200


# --- Pauses that are over -------------------------------------------------------------------------


def resume_run_out(now: datetime | None = None, limit: int = BATCH) -> int:
    """Let clocks run on whose pause is over; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM sla_deadline WHERE status = 'paused'"
            " AND paused_until <= COALESCE(%s, statement_timestamp())"
            " ORDER BY paused_until, id LIMIT %s",
            [now, limit],
        )
        over = [pk for (pk,) in cursor.fetchall()]
    return sum(_tried(_run_out, pk) for pk in over)


@action
def _run_out(pk: int, *, by: Actor) -> bool:
    paused = _locked(Deadline.objects.filter(pk=pk, status="paused"))
    if paused is not None:
        deadlines.run_out([paused], by=by)
    return paused is not None


# --- New terms ------------------------------------------------------------------------------------


def affected(version: PolicyVersion) -> DeadlineQuerySet:
    """Open deadlines that would run under these terms and do not: the policy says as much about
    them as the one they follow now, or more."""
    policy = version.policy
    heavier = [
        other.pk
        for other in Policy.objects.filter(kind=policy.kind, is_active=True)
        if other.weight > policy.weight
    ]
    found: DeadlineQuerySet = Deadline.objects.filter(kind=policy.kind)
    found = found.open()
    if policy.urgent is not None:
        found = found.filter(urgent=policy.urgent)
    if policy.customer_id is not None:
        found = found.filter(customer=policy.customer_id)
    if policy.product_id is not None:
        found = found.filter(product=policy.product_id)
    if policy.contract is not None:
        found = found.filter(
            customer=policy.contract.customer_id,
            started_at__date__gte=policy.contract.starts_on,
        )
        if policy.contract.ends_on is not None:
            found = found.filter(started_at__date__lte=policy.contract.ends_on)
    return found.exclude(Q(terms__policy__in=heavier) | Q(terms=version))


def spread(now: datetime | None = None, limit: int = BATCH) -> int:
    """Put a batch of running deadlines under the newest terms that are to spread."""
    version = (
        PolicyVersion.objects.filter(spreads=True, spread_at__isnull=True)
        .select_related("policy__contract", "calendar__current")
        .order_by("pk")
        .first()
    )
    if version is None:
        return 0
    at = now or timezone.now()
    waiting = list(affected(version).order_by("pk").values_list("pk", flat=True)[:limit])
    if not waiting:
        PolicyVersion.objects.filter(pk=version.pk).update(spread_at=at)
        return 0
    return sum(_tried(_follow, pk, version, at=at) for pk in waiting)


@action
def _follow(pk: int, version: PolicyVersion, *, at: datetime, by: Actor) -> bool:
    deadline = _locked(affected(version).filter(pk=pk))
    if deadline is not None:
        deadlines.follow(deadline, plan_under(version, deadline), reason=version.note, at=at, by=by)
    return deadline is not None


def plan_under(version: PolicyVersion, deadline: Deadline) -> Plan:
    """What the deadline would be under these terms."""
    target = version.target or KINDS[deadline.kind].target_for(urgent=deadline.urgent)
    calendar = version.calendar.current if version.calendar else None
    return deadlines.plan_for(
        deadline, Plan(deadline.due_at, target, deadline.latest, version, calendar)
    )


def _locked(found: DeadlineQuerySet) -> Deadline | None:
    return found.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()


def _tried(move: Callable[..., bool], *args: Any, **kwargs: Any) -> bool:
    """Move one deadline; False if it, or its record, is in other hands just now."""
    try:
        return move(*args, **kwargs, by=SYSTEM)
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        log.info("Deadline %s is in other hands; it is moved later", args[0])
        return False
