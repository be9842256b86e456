"""The handbook's figures: rule by rule, never one number for all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from django.db.models import Q, QuerySet

from servicedesk.core import rule_days
from servicedesk.core.actors import Actor
from servicedesk.core.models import RuleResult
from servicedesk.core.rules import RULES, Rule
from servicedesk.desk.managers.filters import Period
from servicedesk.desk.managers.now_figures import Scope
from servicedesk.desk.queries import unique_rules

ANSWERS = ("kept", "broken", "not_provable")
# What a list may be asked for: also both that make the rate, and what the rule does not concern.
LISTED: dict[str, Q] = {
    "kept": Q(answer="kept"),
    "broken": Q(answer="broken"),
    "not_provable": Q(answer="not_provable"),
    "judged": Q(answer__in=["kept", "broken"]),
    "not_applicable": Q(answer="not_applicable"),
}
ALL = ~Q(answer="not_applicable")
# The trend shows so many months, the last of the period included.
MONTHS = 12


@dataclass(slots=True)
class Tally:
    """Three answers; what does not apply stands aside."""

    numbers: Counter[str] = field(default_factory=Counter)

    def add(self, row: rule_days.Counted) -> None:
        for name in ANSWERS:
            self.numbers[name] += getattr(row, name)

    def __getitem__(self, name: str) -> int:
        return self.judged if name == "judged" else self.numbers[name]

    @property
    def judged(self) -> int:
        return self.numbers["kept"] + self.numbers["broken"]

    @property
    def total(self) -> int:
        return self.judged + self.numbers["not_provable"]

    @property
    def rate(self) -> float | None:
        """Followed ÷ (followed + broken) in per cent; None where nothing could be judged."""
        return round(100 * self.numbers["kept"] / self.judged, 1) if self.judged else None

    @property
    def fraction(self) -> str:
        return f"{self.numbers['kept']}/{self.judged}"


@dataclass(slots=True)
class RuleFigures:
    rule: Rule
    period: Tally = field(default_factory=Tally)
    # month → its answers, of the whole trend
    months: dict[date, Tally] = field(default_factory=lambda: defaultdict(Tally))


def months_to(last: date) -> list[date]:
    """The first days of the months that a trend shows."""
    found = [last.replace(day=1)]
    while len(found) < MONTHS:
        found.append(_month_before(found[-1]))
    return found[::-1]


def _month_before(first: date) -> date:
    year, month = (first.year - 1, 12) if first.month == 1 else (first.year, first.month - 1)
    return date(year, month, 1)


def only_of(scope: Scope) -> dict[str, int | None]:
    return {
        "team": scope.team_id, "person": scope.person_id, "customer": scope.customer_id,
        "product": scope.product_id,
    }  # fmt: skip


def all_rules(scope: Scope, span: Period) -> list[RuleFigures]:
    """One row for each rule of the handbook that has a check, in one query."""
    found = {rule.id: RuleFigures(rule) for rule in unique_rules(RULES.values())}
    since = min(months_to(span.last)[0], span.first)
    _fill(found, rule_days.counted(span.first, span.last, since=since, only=only_of(scope)))
    return list(found.values())


def one_rule(rule: Rule, scope: Scope, span: Period) -> RuleFigures:
    found = RuleFigures(rule)
    since = min(months_to(span.last)[0], span.first)
    rows = rule_days.counted(span.first, span.last, since=since, rule=rule.id, only=only_of(scope))
    _fill({rule.id: found}, rows)
    return found


def _fill(found: dict[str, RuleFigures], rows: Iterable[rule_days.Counted]) -> None:
    for row in rows:
        # A rule that the code no longer has keeps its answers, and shows no more.
        if (figures := found.get(row.rule)) is None:
            continue
        figures.months[row.month].add(row)
        if row.inside:
            figures.period.add(row)


def divided(
    rule: Rule, scope: Scope, span: Period, by: Literal["team", "person"]
) -> dict[int, Tally]:
    """One rule by team or by person; key 0 is nobody's."""
    found: dict[int, Tally] = defaultdict(Tally)
    rows = rule_days.counted(span.first, span.last, rule=rule.id, by=by, only=only_of(scope))
    for row in rows:
        found[row.key].add(row)
    return found


def results(actor: Actor, scope: Scope, span: Period, rule_id: str) -> QuerySet[RuleResult]:
    """The answers behind a rule's figures. Without `managers.see` one's own alone."""
    found = RuleResult.objects.filter(
        rule=rule_id, counts_at__gte=span.start, counts_at__lt=span.end
    )
    if not actor.may("managers.see"):
        found = found.filter(person_id=actor.id)
    wanted = {f"{name}_id": key for name, key in only_of(scope).items() if key is not None}
    return found.filter(**wanted)
