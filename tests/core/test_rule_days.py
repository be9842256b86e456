"""The figures by day are those of the answers, whenever one looks and whatever has happened."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from itertools import product

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from servicedesk.core import rule_days
from servicedesk.core.models import RuleDay, RuleResult, StaleRuleDay

pytestmark = pytest.mark.django_db

FIRST, LAST = date(2026, 1, 30), date(2026, 3, 3)
ANSWERS = list(RuleResult.Answer.values)


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same every time, no secret


def answer(number: int, dice: random.Random) -> RuleResult:
    return RuleResult(
        rule=dice.choice(["VISIT-12", "CALL-1"]), subject_kind="tickets.call", subject_id=number,
        answer=dice.choice(ANSWERS),
        # Also the seconds around midnight in Shanghai, which is 16:00 UTC.
        counts_at=datetime(2026, 1, 28, 15, 59, 58, tzinfo=UTC)
        + timedelta(days=dice.randrange(36), seconds=dice.choice([0, 1, 2, 3, 900, 40_000])),
        person_id=dice.choice([None, 1, 2]), team_id=dice.choice([None, 7]),
        product_id=dice.choice([None, 3]), customer_id=dice.choice([None, 5, 6]),
        computed_at=datetime(2026, 3, 5, tzinfo=UTC),
    )  # fmt: skip


def change(dice: random.Random) -> None:
    """What happens to answers: new ones, others than before, on other days, none any more."""
    if dice.random() < 0.2:
        RuleResult.objects.filter(subject_id=dice.randrange(120)).delete()
        return
    # A statement may touch a row once.
    rows = {(row.rule, row.subject_id): row for row in (
        answer(dice.randrange(120), dice) for _each in range(8)
    )}  # fmt: skip
    RuleResult.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["rule", "subject_kind", "subject_id"],
        update_fields=["answer", "counts_at", "person_id", "team_id", "product_id", "customer_id"],
    )


def by_hand(by: str, only: dict[str, int], since: date, first: date) -> Counter:
    found: Counter = Counter()
    for row in RuleResult.objects.exclude(answer="not_applicable"):
        day = timezone.localdate(row.counts_at)
        mine = all(getattr(row, f"{name}_id") == key for name, key in only.items())
        if mine and since <= day <= LAST:
            key = (getattr(row, f"{by}_id") or 0) if by else 0
            found[row.rule, key, day.replace(day=1), day >= first, row.answer] += 1
    return found


def by_days(by: str, only: dict[str, int], since: date, first: date) -> Counter:
    found: Counter = Counter()
    for row in rule_days.counted(first, LAST, since=since, by=by, only=only):
        for name in ("kept", "broken", "not_provable"):
            if number := getattr(row, name):
                found[row.rule, row.key, row.month, row.inside, name] += number
    return found


QUESTIONS = [
    (by, only)
    for by, only in product(
        ["", "team", "person"],
        [{}, {"team": 7}, {"person": 1}, {"product": 3}, {"customer": 5},
         {"team": 7, "person": 2}, {"customer": 6, "product": 3}],
    )
]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_the_figures_by_day_are_those_of_the_answers(seed):
    """Before the worker came, after it, and in between."""
    dice = seeded(seed)
    for _each in range(30):
        change(dice)
        if dice.random() < 0.3:
            rule_days.roll()
        if dice.random() < 0.3:
            by, only = dice.choice(QUESTIONS)
            assert by_days(by, only, FIRST, LAST) == by_hand(by, only, FIRST, LAST)
    for rolled in (False, True):
        for by, only in QUESTIONS:
            first = dice.choice([FIRST, date(2026, 2, 11)])
            assert by_days(by, only, FIRST, first) == by_hand(by, only, FIRST, first), (by, only)
        if not rolled:
            rule_days.roll()
            assert rule_days.DAYS.is_rolled()


def test_one_rule_is_asked_for(db):
    dice = seeded(9)
    for _each in range(10):
        change(dice)
    rule_days.roll()

    found = rule_days.counted(FIRST, LAST, rule="CALL-1", by="person")

    assert {row.rule for row in found} == {"CALL-1"}
    assert sum(row.kept for row in found) == sum(
        row.kept for row in rule_days.counted(FIRST, LAST) if row.rule == "CALL-1"
    )


def test_only_days_that_changed_are_made_anew():
    dice = seeded(3)
    for _each in range(10):
        change(dice)
    rule_days.roll()
    RuleDay.objects.update(kept=99)
    one = RuleResult.objects.exclude(answer="not_applicable").first()
    one.save()

    assert rule_days.roll() == 1
    assert {
        row.day for row in RuleDay.objects.exclude(kept=99)
    } == {timezone.localdate(one.counts_at)}  # fmt: skip


def test_an_answer_that_moves_to_another_day_leaves_the_former():
    row = answer(1, seeded(1))
    row.answer, row.counts_at = "kept", datetime(2026, 2, 1, 16, tzinfo=UTC)
    row.save()
    rule_days.roll()
    row.counts_at += timedelta(days=3)
    row.save()
    rule_days.roll()

    assert {found.day for found in RuleDay.objects.all()} == {date(2026, 2, 5)}


def test_the_command_finds_what_was_tampered_with():
    dice = seeded(5)
    for _each in range(5):
        change(dice)
    rule_days.roll()
    call_command("rebuild_rule_days", stdout=StringIO())
    RuleDay.objects.filter(pk=RuleDay.objects.first().pk).update(broken=41)

    with pytest.raises(CommandError, match="1 "):
        call_command("rebuild_rule_days", stdout=StringIO())
    call_command("rebuild_rule_days", stdout=StringIO())
    assert not StaleRuleDay.objects.exists()
