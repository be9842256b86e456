"""Sums of visits by day are those of the visits, whenever one looks and whatever has happened."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from accounts.actions import create_team
from accounts.roles import Role
from customers.actions import create_product
from customers.models import Installation
from servicedesk.core.actors import SYSTEM
from servicedesk.desk.managers import visit_days
from servicedesk.desk.managers.filters import Period
from servicedesk.desk.managers.now_figures import Scope
from servicedesk.desk.managers.visit_days import of_days, summed
from servicedesk.desk.managers.visit_measures import measures
from servicedesk.desk.models import VISIT_MEASURES, VisitDay
from tests.conftest import AT, person
from tests.visits.factories import make_visit, order
from visits.models import Appointment, Interruption, Satisfaction, VisitOrder, WorkRecord
from visits.states import Status

pytestmark = pytest.mark.django_db

SPAN = Period(date(2026, 2, 20), date(2026, 3, 6))


@pytest.fixture
def world():
    """A dozen visits of three engineers, two to one ticket, with work, ratings and signatures."""
    team = create_team(name="上门一组", leader=None, at=AT, by=SYSTEM)
    engineers = [
        person(f"e{n}", f"工程师{n}", Role.ENGINEER, team if n else None) for n in range(3)
    ]
    product = create_product(code="X", name="其他产品", at=AT, by=SYSTEM)
    for n in range(10):
        visit = make_visit(
            [Status.ARCHIVED, Status.SIGNED][n % 2], engineers[n % 3], shift=-timedelta(days=n)
        )
        if n % 3 == 0:
            again = order(visit.ticket, at=AT)
            again.refresh_from_db()
    return {"engineers": engineers, "team": team, "product": product}


def change(dice: random.Random, world) -> None:
    """One of all that the figures depend on."""
    visit = dice.choice(list(VisitOrder.objects.exclude(arrived_at=None)))
    mine = VisitOrder.objects.filter(pk=visit.pk)
    # Also the seconds around midnight in Shanghai.
    somewhen = datetime(2026, 2, 21, 15, 59, 58, tzinfo=UTC) + timedelta(
        days=dice.randrange(12), seconds=dice.choice([0, 1, 2, 3, 40_000])
    )
    kind = dice.randrange(9)
    if kind == 0:
        mine.update(arrived_at=somewhen)
    elif kind == 1:
        window = somewhen + timedelta(minutes=dice.choice([0, 5, 8, 11]))
        mine.update(arrived_at=somewhen, leave_at=window, window_from=window,
                    window_until=window + timedelta(hours=1))  # fmt: skip
    elif kind == 2:
        mine.update(handed_in_at=dice.choice([None, F("finished_at") + timedelta(hours=30)]))
    elif kind == 3:
        mine.update(engineer=dice.choice(world["engineers"]))
    elif kind == 4:
        Satisfaction.objects.filter(visit=visit)._raw_delete("default")
    elif kind == 5:
        if not Satisfaction.objects.filter(visit=visit).exists():
            scores = {name: dice.randint(1, 5) for name in
                      ("punctuality", "conduct", "skill", "result")}  # fmt: skip
            Satisfaction.objects.bulk_create(
                [Satisfaction(visit=visit, given_at=somewhen, **scores)]
            )
    elif kind == 6:
        result = dice.choice(["solved", "workaround"])
        WorkRecord.objects.filter(visit=visit).update(result=result)
    elif kind == 7:
        stopped = Interruption(visit=visit, reason="停电", started_at=somewhen, ended_at=somewhen)
        Interruption.objects.bulk_create([stopped])
        Appointment.objects.filter(visit=visit).update(agreed_at=somewhen)
    else:
        installation = Installation.objects.filter(visitorder=visit)
        installation.update(product=world["product"])
    if dice.random() < 0.2:
        # The second visit to a ticket is called off, or is not.
        second = VisitOrder.objects.filter(arrived_at=None, engineer=None)
        second.update(status=dice.choice([Status.ORDERED, Status.CANCELLED]))


def by_hand(scope: Scope) -> Counter:
    rows = (
        VisitOrder.objects.filter(
            of_days(SPAN.first, SPAN.last), scope.people("engineer"),
            scope.things("installation__product"),
        ).order_by().values("engineer_id").annotate(**measures())
    )  # fmt: skip
    return _counter((row["engineer_id"], row) for row in rows)


def by_days(scope: Scope) -> Counter:
    return _counter((row["who"], row) for row in summed(scope, SPAN, "week"))


def _counter(rows) -> Counter:
    found: Counter = Counter()
    for who, row in rows:
        for name in VISIT_MEASURES:
            found[who, name] += row[name]
        length = row["hand_in_sum"]
        found[who, "hand_in_sum"] += length.total_seconds() if length else 0
    return +found


@pytest.mark.parametrize("seed", range(3))
def test_sums_by_day_are_those_of_the_visits(world, seed):
    """Before the worker came, after it, and in between."""
    dice = random.Random(seed)  # noqa: S311 - the same every time, no secret
    visit = VisitOrder.objects.exclude(arrived_at=None).first()
    scopes = [
        Scope(), Scope(team_id=world["team"].pk), Scope(person_id=world["engineers"][0].pk),
        Scope(product_id=world["product"].pk), Scope(customer_id=visit.customer_id),
        Scope(team_id=world["team"].pk, product_id=visit.installation.product_id),
    ]  # fmt: skip
    for _each in range(40):
        change(dice, world)
        if dice.random() < 0.4:
            visit_days.DAYS.roll()
        scope = dice.choice(scopes)
        assert by_days(scope) == by_hand(scope)
    visit_days.DAYS.roll()
    assert visit_days.DAYS.is_rolled()
    for scope in scopes:
        assert by_days(scope) == by_hand(scope)
    assert by_days(Scope())


def test_a_day_without_a_change_is_not_made_anew(world):
    visit_days.DAYS.roll()
    VisitDay.objects.update(arrived=99)
    Satisfaction.objects.filter(visit__arrived_at__isnull=False).update(skill=1)

    days = {
        visit.arrived_at.date() for visit in VisitOrder.objects.filter(satisfaction__isnull=False)
    }
    assert visit_days.DAYS.roll() == len(days) > 0
    assert {row.day for row in VisitDay.objects.exclude(arrived=99)} == days


def test_most_days_waiting_are_counted_as_a_whole(world, monkeypatch):
    before = by_hand(Scope())
    monkeypatch.setattr(visit_days, "MOST_STALE_DAYS", 1)

    assert by_days(Scope()) == before


def test_every_trigger_is_there():
    """A table that the figures ask, and that has none, would leave them old."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'desk_visit%%'")
        names = {row[0] for row in cursor.fetchall()}
    tables = ["", "_workrecord", "_satisfaction", "_interruption", "_appointment"]
    wanted = {f"desk_visit{t}_{when}" for t in tables for when in ("new", "changed", "gone")}
    assert names == wanted | {"desk_visit_installation"}


def test_the_command_finds_what_was_tampered_with(world):
    call_command("rebuild_visit_days", stdout=StringIO())
    VisitDay.objects.filter(pk=VisitDay.objects.first().pk).update(late=41)

    with pytest.raises(CommandError, match="1 "):
        call_command("rebuild_visit_days", stdout=StringIO())
    call_command("rebuild_visit_days", stdout=StringIO())
