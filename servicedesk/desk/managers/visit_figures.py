"""How well visits go, as the page shows it.

A visit counts on the day on which the engineer came (of several trips: the last), a note for a
missed customer on the day on which he came in vain.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, DateField, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servicedesk.core import rule_days
from servicedesk.core.actors import Actor
from servicedesk.desk.managers.filters import Period
from servicedesk.desk.managers.now_figures import Scope
from servicedesk.desk.managers.visit_days import BUCKETS, Bucket, summed
from servicedesk.desk.managers.visit_measures import ASPECTS, SCORES, conditions, may_still
from servicedesk.desk.models import VISIT_MEASURES
from visits.models import MissedNote, Satisfaction, VisitOrder
from visits.states import FINAL

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
    name: getattr(Satisfaction._meta.get_field(name), "verbose_name", name) for name in ASPECTS
}


def visits(actor: Actor, scope: Scope, span: Period) -> QuerySet[VisitOrder]:
    found = VisitOrder.objects.visible_to(actor)
    return found.filter(
        scope.people("engineer"), scope.things("installation__product"),
        arrived_at__gte=span.start, arrived_at__lt=span.end,
    )  # fmt: skip


def notes(actor: Actor, scope: Scope, span: Period) -> QuerySet[Any]:
    mine = VisitOrder.objects.visible_to(actor).filter(
        scope.people("engineer"), scope.things("installation__product")
    )
    return MissedNote.objects.filter(came_at__gte=span.start, came_at__lt=span.end, visit__in=mine)


def records(
    actor: Actor, scope: Scope, span: Period, figure: str, *, now: datetime
) -> QuerySet[Any] | None:
    """The visits (of "missed": the notes) behind a figure; None if there is no such figure."""
    if figure == "missed":
        return notes(actor, scope, span)
    condition = conditions(now).get(figure)
    return None if condition is None else visits(actor, scope, span).filter(condition)


# --- counting ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Counts:
    """The figures of all visits, of an engineer, of a day, a week or a month."""

    numbers: Counter[str] = field(default_factory=Counter)
    # From the work's end to the hand-in, in all.
    hand_in_sum: timedelta = timedelta(0)

    def add(self, row: Mapping[str, Any]) -> None:
        for name in VISIT_MEASURES:
            self.numbers[name] += row[name]
        self.hand_in_sum += row["hand_in_sum"] or timedelta(0)

    def __getitem__(self, name: str) -> int:
        if name == "not_handed_in":
            return self.numbers["unhanded"] - self.numbers["may_still"]
        if name == "to_hand_in":
            return self.numbers["handed"] + self["not_handed_in"]
        return self.numbers[name]

    def rate(self, part: str, whole: str) -> float | None:
        """In per cent; None where there is nothing to count."""
        return round(100 * self[part] / self[whole], 1) if self[whole] else None

    @property
    def hand_in_mean(self) -> timedelta | None:
        return self.hand_in_sum / self["handed"] if self["handed"] else None

    def mean_score(self, aspect: str) -> float | None:
        counted = [(score, self[f"{aspect}_{score}"]) for score in SCORES]
        number = sum(count for _score, count in counted)
        return round(sum(score * count for score, count in counted) / number, 2) if number else None


@dataclass(slots=True)
class Figures:
    """Key 0 is nobody's: visits without an engineer."""

    total: Counts = field(default_factory=Counts)
    by_engineer: dict[int, Counts] = field(default_factory=lambda: defaultdict(Counts))
    by_time: dict[date, Counts] = field(default_factory=lambda: defaultdict(Counts))

    def of(self, engineer: int | None, first: date) -> tuple[Counts, Counts, Counts]:
        return self.total, self.by_engineer[engineer or 0], self.by_time[first]


def figures(actor: Actor, scope: Scope, span: Period, bucket: Bucket, *, now: datetime) -> Figures:
    """Visits, forms with time left, notes for missed customers, the two rules about notices."""
    found = Figures()
    for row in summed(scope, span, bucket):
        for counts in found.of(row["who"], row["bucket"]):
            counts.add(row)
    # Not archived ones: the index of what is open finds the few.
    open_ones = visits(actor, scope, span).exclude(status__in=sorted(FINAL))
    trunc = BUCKETS[bucket]("arrived_at", output_field=DateField())
    waiting = open_ones.filter(may_still(now)).order_by().values("engineer_id", bucket=trunc)
    for row in waiting.annotate(number=Count("pk")):
        for counts in found.of(row["engineer_id"], row["bucket"]):
            counts.numbers["may_still"] += row["number"]
    trunc = BUCKETS[bucket]("came_at", output_field=DateField())
    missed = notes(actor, scope, span).order_by().values("visit__engineer_id", bucket=trunc)
    for row in missed.annotate(number=Count("pk")):
        for counts in found.of(row["visit__engineer_id"], row["bucket"]):
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
    for row in rule_days.counted(span.first, span.last, rule=rule, by="person", only=only):
        for counts in (found.total, found.by_engineer[row.key]):
            for name in ("kept", "broken", "not_provable"):
                counts.numbers[f"{rule}:{name}"] += getattr(row, name)
            counts.numbers[f"{rule}:judged"] += row.kept + row.broken
