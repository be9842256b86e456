"""What is counted of a visit: each figure is a condition that counts its visits and lists them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, Sum

from servicedesk.desk.models import VISIT_MEASURES
from visits.clocks import EARLIEST_ARRIVAL, LATEST_ARRIVAL
from visits.models import Interruption, VisitOrder, WorkRecord
from visits.states import Status

# What all forms are measured by, whatever a policy allows a single customer (see VISIT-23).
HAND_IN_TIME = timedelta(hours=24)
ASPECTS = ("punctuality", "conduct", "skill", "result")
SCORES = (5, 4, 3, 2, 1)


def _minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def arrivals() -> dict[str, Q]:
    """VISIT-12 by whole minutes, as its rule counts them: 10 min 59 s before are ten."""
    window = F("window_from")
    earliest, latest = _minutes(EARLIEST_ARRIVAL + 1), _minutes(LATEST_ARRIVAL)
    return {
        "early": Q(arrived_at__lte=window - earliest),
        "on_time": Q(arrived_at__gt=window - earliest, arrived_at__lte=window - latest),
        "tight": Q(arrived_at__gt=window - latest, arrived_at__lte=window),
        "late": Q(arrived_at__gt=window),
    }


def fixes() -> dict[str, Q]:
    """Solved by the first visit of its ticket, by one trip, and nobody had to come again."""
    siblings = VisitOrder.objects.filter(ticket=OuterRef("ticket"))
    first = ~Exists(siblings.filter(pk__lt=OuterRef("pk"), finished_at__isnull=False))
    again = Exists(siblings.filter(pk__gt=OuterRef("pk")).exclude(status=Status.CANCELLED))
    # Broken off, and another time agreed on after that.
    two_trips = Exists(
        Interruption.objects.filter(
            visit=OuterRef("pk"), visit__appointments__agreed_at__gte=F("started_at")
        )
    )
    solved = Q(work__result=WorkRecord.Result.SOLVED)
    done = Q(finished_at__isnull=False)
    return {"first": done & Q(first), "fixed": done & Q(first) & solved & ~Q(again) & ~Q(two_trips)}


def hand_ins() -> dict[str, Q]:
    """VISIT-23, whatever the clock says."""
    done = Q(finished_at__isnull=False)

    def after(start: int, end: int | None) -> Q:
        found = Q(handed_in_at__gt=F("finished_at") + timedelta(hours=start)) if start else Q()
        if end is not None:
            found &= Q(handed_in_at__lte=F("finished_at") + timedelta(hours=end))
        return found & done & Q(handed_in_at__isnull=False)

    return {
        "handed": after(0, None),
        "handed_in_time": after(0, int(HAND_IN_TIME / timedelta(hours=1))),
        "hand_4": after(0, 4),
        "hand_24": after(4, 24),
        "hand_48": after(24, 48),
        "hand_more": after(48, None),
        "unhanded": done & Q(handed_in_at__isnull=True),
    }


def may_still(now: datetime) -> Q:
    """Forms not handed in for which there is time left; they do not count yet."""
    return hand_ins()["unhanded"] & Q(finished_at__gte=now - HAND_IN_TIME)


def ratings() -> dict[str, Q]:
    low = Q()
    for aspect in ASPECTS:
        low |= Q(**{f"satisfaction__{aspect}__lte": 2})
    return {"rated": Q(satisfaction__isnull=False), "low": low}


def scores() -> dict[str, Q]:
    """`skill_4` and the like."""
    return {
        f"{aspect}_{score}": Q(**{f"satisfaction__{aspect}": score})
        for aspect in ASPECTS
        for score in SCORES
    }


def settled() -> dict[str, Q]:
    """What does not change by the clock alone: summed up by day (`visit_days`)."""
    return {
        "arrived": Q(),
        "appointed": Q(window_from__isnull=False),
        **arrivals(),
        **fixes(),
        **hand_ins(),
        **ratings(),
        **scores(),
    }


def conditions(now: datetime) -> dict[str, Q]:
    """By name: the visits behind a figure."""
    found = settled()
    overdue = found.pop("unhanded") & ~may_still(now)
    return {**found, "not_handed_in": overdue, "to_hand_in": found["handed"] | overdue}


def measures() -> dict[str, Any]:
    """The columns of a `VisitDay`, as they are counted."""
    length = ExpressionWrapper(F("handed_in_at") - F("finished_at"), output_field=DurationField())
    wanted = settled()
    return {
        "hand_in_sum": Sum(length, filter=wanted["handed"]),
        **{name: Count("pk", filter=wanted[name]) for name in VISIT_MEASURES},
    }
