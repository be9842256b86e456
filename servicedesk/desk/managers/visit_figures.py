"""How well visits go: each figure is a condition that counts its visits and lists them.

A visit counts on the day on which the engineer came (of several trips: the last), a note for a
missed customer on the day on which he came in vain.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from django.db.models import (
    Count,
    DateField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Sum,
)
from django.db.models.functions import TruncDay, TruncMonth, TruncWeek
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servicedesk.core import rule_days
from servicedesk.core.actors import Actor
from servicedesk.desk.managers.filters import Period
from servicedesk.desk.managers.now_figures import Scope
from visits.clocks import EARLIEST_ARRIVAL, LATEST_ARRIVAL
from visits.models import Interruption, MissedNote, Satisfaction, VisitOrder, WorkRecord
from visits.states import Status

# What all forms are measured by, whatever a policy allows a single customer (see VISIT-23).
HAND_IN_TIME = timedelta(hours=24)
BUCKETS = {"day": TruncDay, "week": TruncWeek, "month": TruncMonth}
ASPECTS = ("punctuality", "conduct", "skill", "result")
SCORES = (5, 4, 3, 2, 1)
# The journal's answers about notices: of a delay, of another time.
NOTICES = ("VISIT-13", "VISIT-14")

LABELS: dict[str, Promise] = {
    "arrived": _("Visits that took place"),
    "appointed": _("With an appointment"),
    "on_time": _("5–10 minutes before"),
    "early": _("Earlier than 10 minutes before"),
    "tight": _("Less than 5 minutes before"),
    "late": _("After the appointed time"),
    "missed": _("Customer not met, note left"),
    "first": _("First visits with work done"),
    "fixed": _("Solved by one visit"),
    "to_hand_in": _("Forms to be handed in"),
    "handed_in_time": _("Handed in within 24 hours"),
    "hand_4": _("Handed in within 4 hours"),
    "hand_24": _("Handed in after 4–24 hours"),
    "hand_48": _("Handed in after 24–48 hours"),
    "hand_more": _("Handed in later than 48 hours"),
    "not_handed_in": _("Not handed in after 24 hours"),
    "rated": _("Visits with a rating"),
    "low": _("With a rating of 1 or 2"),
}
ASPECT_LABELS: dict[str, Any] = {
    name: Satisfaction._meta.get_field(name).verbose_name for name in ASPECTS
}


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


def hand_ins(now: datetime) -> dict[str, Q]:
    """VISIT-23. What may still be handed in in time does not count yet."""

    def after(start: int, end: int | None) -> Q:
        found = Q(handed_in_at__gt=F("finished_at") + timedelta(hours=start)) if start else Q()
        if end is not None:
            found &= Q(handed_in_at__lte=F("finished_at") + timedelta(hours=end))
        return found & Q(finished_at__isnull=False, handed_in_at__isnull=False)

    missing = Q(finished_at__lt=now - HAND_IN_TIME, handed_in_at__isnull=True)
    return {
        "to_hand_in": after(0, None) | missing,
        "handed_in_time": after(0, int(HAND_IN_TIME / timedelta(hours=1))),
        "hand_4": after(0, 4),
        "hand_24": after(4, 24),
        "hand_48": after(24, 48),
        "hand_more": after(48, None),
        "not_handed_in": missing,
    }


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


def conditions(now: datetime) -> dict[str, Q]:
    """By engineer and over time."""
    return {
        "arrived": Q(),
        "appointed": Q(window_from__isnull=False),
        **arrivals(),
        **fixes(),
        **hand_ins(now),
        **ratings(),
    }


def visits(actor: Actor, scope: Scope, span: Period) -> QuerySet[VisitOrder]:
    found = VisitOrder.objects.visible_to(actor)  # type: ignore[attr-defined]
    return found.filter(  # type: ignore[no-any-return]
        scope.people("engineer"), scope.things("installation__product"),
        arrived_at__gte=span.start, arrived_at__lt=span.end,
    )  # fmt: skip


def notes(actor: Actor, scope: Scope, span: Period) -> QuerySet[MissedNote]:
    mine = VisitOrder.objects.visible_to(actor).filter(  # type: ignore[attr-defined]
        scope.people("engineer"), scope.things("installation__product")
    )
    return MissedNote.objects.filter(came_at__gte=span.start, came_at__lt=span.end, visit__in=mine)


def records(
    actor: Actor, scope: Scope, span: Period, figure: str, *, now: datetime
) -> QuerySet[Any] | None:
    """The visits (of "missed": the notes) behind a figure; None if there is no such figure."""
    if figure == "missed":
        return notes(actor, scope, span)
    condition = {**conditions(now), **scores()}.get(figure)
    return None if condition is None else visits(actor, scope, span).filter(condition)


# --- counting ---------------------------------------------------------------------------------

# engineer, first day of the bucket
Cell = tuple[int | None, date]


@dataclass(slots=True)
class Counts:
    """The figures of all visits, of an engineer, of a day, a week or a month."""

    numbers: Counter[str] = field(default_factory=Counter)
    # From the work's end to the hand-in, in all.
    hand_in_sum: timedelta = timedelta(0)

    def add(self, row: dict[str, Any], names: list[str]) -> None:
        for name in names:
            self.numbers[name] += row[f"n_{name}"]
        self.hand_in_sum += row["hand_in_sum"] or timedelta(0)

    def __getitem__(self, name: str) -> int:
        return self.numbers[name]

    def rate(self, part: str, whole: str) -> float | None:
        """In per cent; None where there is nothing to count."""
        return round(100 * self[part] / self[whole], 1) if self[whole] else None

    @property
    def hand_in_mean(self) -> timedelta | None:
        handed = self["to_hand_in"] - self["not_handed_in"]
        return self.hand_in_sum / handed if handed else None

    def mean_score(self, aspect: str) -> float | None:
        counted = [(score, self[f"{aspect}_{score}"]) for score in SCORES]
        number = sum(count for _score, count in counted)
        return round(sum(score * count for score, count in counted) / number, 2) if number else None


@dataclass(slots=True)
class Figures:
    total: Counts = field(default_factory=Counts)
    by_engineer: dict[int | None, Counts] = field(default_factory=lambda: defaultdict(Counts))
    by_time: dict[date, Counts] = field(default_factory=lambda: defaultdict(Counts))


def figures(actor: Actor, scope: Scope, span: Period, bucket: str, *, now: datetime) -> Figures:
    """Visits, ratings, notes for missed customers, and the two rules about notices: five queries."""
    found = Figures()
    wanted = conditions(now)
    trunc = BUCKETS[bucket]("arrived_at", output_field=DateField())
    length = ExpressionWrapper(F("handed_in_at") - F("finished_at"), output_field=DurationField())
    rows = (
        visits(actor, scope, span)
        .order_by()
        .values("engineer_id", bucket=trunc)
        .annotate(
            hand_in_sum=Sum(length),
            **{f"n_{name}": Count("pk", filter=only) for name, only in wanted.items()},
        )
    )
    names = list(wanted)
    for row in rows:
        for counts in (
            found.total,
            found.by_engineer[row["engineer_id"]],
            found.by_time[row["bucket"]],
        ):
            counts.add(row, names)
    found.total.numbers.update(
        visits(actor, scope, span)
        .filter(satisfaction__isnull=False)
        .aggregate(**{name: Count("pk", filter=only) for name, only in scores().items()})
    )
    trunc = BUCKETS[bucket]("came_at", output_field=DateField())
    missed = notes(actor, scope, span).order_by().values("visit__engineer_id", bucket=trunc)
    for row in missed.annotate(number=Count("pk")):
        for counts in (
            found.total, found.by_engineer[row["visit__engineer_id"]], found.by_time[row["bucket"]],
        ):  # fmt: skip
            counts.numbers["missed"] += row["number"]
    for rule in NOTICES:
        _count_notices(found, scope, span, rule)
    return found


def _count_notices(found: Figures, scope: Scope, span: Period, rule: str) -> None:
    """`VISIT-13:kept` and the like, of the visits whose forms are archived."""
    only = {
        "team": scope.team_id, "person": scope.person_id, "customer": scope.customer_id,
        "product": scope.product_id,
    }  # fmt: skip
    by: Literal["person"] = "person"
    for row in rule_days.counted(span.first, span.last, rule=rule, by=by, **only):
        for name in ("kept", "broken", "not_provable"):
            number = getattr(row, name)
            found.total.numbers[f"{rule}:{name}"] += number
            if row.key in found.by_engineer:
                found.by_engineer[row.key].numbers[f"{rule}:{name}"] += number
        judged = row.kept + row.broken
        found.total.numbers[f"{rule}:judged"] += judged
        if row.key in found.by_engineer:
            found.by_engineer[row.key].numbers[f"{rule}:judged"] += judged
