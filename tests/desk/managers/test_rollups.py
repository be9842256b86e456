"""The sums are what the records say, whatever happened in whatever order."""

from __future__ import annotations

import random
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from servicedesk.core import journal
from servicedesk.core.errors import Refused
from servicedesk.core.ticker import load_ticks
from servicedesk.desk.managers import rollups
from servicedesk.desk.models import MEASURES, Progress, RollUp, TicketFact
from tests.conftest import AT
from tests.desk.managers import raw
from tests.tickets.tickets.factories import (
    details,
    make_call,
    make_category,
    make_store,
    make_ticket,
)
from tickets.actions import extensions
from tickets.actions import tickets as actions
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


class Life:
    """Plays actions at random; some are told late, some are refused."""

    def __init__(self, seed: int, people: list[User]) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - no secret
        self.people = people
        self.stores = [make_store(f"{n} 店") for n in range(3)]
        self.categories = [make_category("RJ", "软件"), make_category("YJ", "硬件")]
        self.by = people[0].as_actor()
        self.now = AT
        self.done: set[str] = set()

    def at(self):
        """Mostly now; sometimes it is told hours later."""
        late = self.dice.choice([0, 0, 0, 1, 7, 30])
        return self.now - late * HOUR

    def open(self) -> None:
        store, product = self.dice.choice(self.stores), self.dice.random() < 0.8
        wish = self.dice.choice([None, None, 6])
        at = self.at()
        actions.open_ticket(
            **details(
                store, owner=self.dice.choice(self.people),
                category=self.dice.choice([*self.categories, None]),
                installation=store.installations.first() if product else None,
                expected_at=at + wish * HOUR if wish else None, no_wish=wish is None,
            ),
            at=at, by=self.by,
        )  # fmt: skip

    def solve_at_once(self) -> None:
        """On the telephone, as the intake does it."""
        self.open()
        ticket = Ticket.objects.latest("pk")
        at = ticket.received_at
        actions.take(ticket, at=at, by=self.by)
        actions.resolve(ticket, solution="phone", resolution="好了", at=at, by=self.by)

    def assign(self, ticket: Ticket) -> None:
        actions.assign(ticket, assignee=self.dice.choice(self.people), at=self.at(), by=self.by)

    def respond(self, ticket: Ticket) -> None:
        actions.respond(ticket, at=self.at(), by=self.by)

    def resolve(self, ticket: Ticket) -> None:
        how = self.dice.choice(Ticket.Solution.values)
        actions.resolve(ticket, solution=how, resolution="好了", at=self.at(), by=self.by)

    def close(self, ticket: Ticket) -> None:
        actions.close(ticket, closing="confirmed", confirmed_by="李", at=self.now, by=self.by)

    def reopen(self, ticket: Ticket) -> None:
        actions.reopen(ticket, reason="又坏了", at=self.now, by=self.by)

    def urgent(self, ticket: Ticket) -> None:
        actions.mark_urgent(ticket, urgency_reason="排队", at=self.now, by=self.by)

    def hurry(self, ticket: Ticket) -> None:
        actions.edit(
            ticket, expected_at=ticket.received_at + 3 * HOUR, no_wish=False, at=self.now,
            by=self.by,
        )  # fmt: skip

    def recategorise(self, ticket: Ticket) -> None:
        actions.edit(ticket, category=self.dice.choice(self.categories), at=self.now, by=self.by)

    def extend(self, ticket: Ticket) -> None:
        """Also after the miss, when it mends nothing."""
        proposed = max(ticket.due_at, self.now) + self.dice.choice([2, 300]) * HOUR
        extension = extensions.propose_extension(
            ticket, plan="换打印机", proposed_due_at=proposed, at=self.now, by=self.by
        )
        fate = self.dice.choice(["consent", "consent", "refuse", "withdraw", "wait"])
        if fate == "consent":
            call = make_call(ticket, at=self.now, by=self.people[0])
            extensions.consent(extension, call=call, at=self.now, by=self.by)
        elif fate == "refuse":
            extensions.refuse(extension, answered_by="李", reason="不行", at=self.now, by=self.by)
        elif fate == "withdraw":
            extensions.withdraw(extension, at=self.now, by=self.by)

    def play(self, steps: int) -> None:
        verbs = ["open", "solve_at_once", "assign", "assign", "respond", "resolve", "resolve", "close", "reopen", "urgent",
                 "hurry", "recategorise", "extend", "extend"]  # fmt: skip
        for _step in range(steps):
            self.now += self.dice.choice([0.05, 0.1, 0.5, 2, 14]) * HOUR
            verb = self.dice.choice(verbs)
            over = Ticket.objects.filter(status__in=["resolved", "closed"])
            fitting = over if verb in {"close", "reopen"} else Ticket.objects.open()
            tickets = list(fitting.order_by("pk"))
            if verb in {"open", "solve_at_once"} or not tickets:
                (self.solve_at_once if verb == "solve_at_once" else self.open)()
                continue
            try:
                getattr(self, verb)(self.dice.choice(tickets[-4:]))
            except Refused:
                continue
            self.done.add(verb)


@pytest.fixture
def people(helpdesk, engineer, other_engineer) -> list[User]:
    return [helpdesk, engineer, other_engineer]


@pytest.mark.parametrize("seed", range(4))
def test_the_sums_are_what_the_records_say_in_each_dimension(seed, people, roll_up):
    life = Life(seed, people)
    for _round in range(4):
        life.play(30)
        roll_up()

        assert raw.rolled_up() == raw.counted()
    assert {"resolve", "reopen", "extend", "assign"} <= life.done


def test_each_measure_occurs_in_that_life(people, roll_up):
    """Else the comparison above would prove little."""
    Life(seed=10, people=people).play(260)
    roll_up()

    totals = {m: sum(getattr(row, m) for row in RollUp.objects.filter(dimension="all"))
              for m in MEASURES}  # fmt: skip
    assert [measure for measure, total in totals.items() if not total] == []
    assert raw.rolled_up() == raw.counted()


@pytest.mark.parametrize("links", [1, 7])
def test_no_link_of_the_journal_is_passed_over_between_two_batches(
    people, roll_up, monkeypatch, links
):
    monkeypatch.setattr(rollups, "BATCH", links)
    life = Life(6, people)
    life.play(10)
    roll_up()
    ticket = Ticket.objects.open().order_by("pk").last()
    for turn in range(8):
        # A change that writes one entry alone: nothing else tells of it.
        actions.edit(
            ticket, category=make_category(f"K{turn}", f"故障 {turn}"), at=life.now, by=life.by
        )
        roll_up()
        assert raw.rolled_up() == raw.counted()


def test_the_comparison_sees_each_sum_that_is_off_by_one(people, roll_up):
    Life(5, people).play(20)
    roll_up()
    right = raw.counted()
    assert raw.rolled_up() == right

    for measure in MEASURES:
        for by in (1, -1):
            one = RollUp.objects.filter(dimension="person").last()
            setattr(one, measure, getattr(one, measure) + by)
            one.save()
            assert raw.rolled_up() != right
            setattr(one, measure, getattr(one, measure) - by)
            one.save()
    RollUp.objects.filter(dimension="hour").first().delete()
    assert raw.rolled_up() != right


# --- which days, and how much it costs -------------------------------------------------------


def test_only_the_days_of_changed_tickets_are_made_again(roll_up, helpdesk):
    for days in range(5):
        make_ticket(at=AT + timedelta(days=days))
    assert roll_up() == 5

    changed = Ticket.objects.order_by("pk")[2]
    actions.respond(changed, at=AT + timedelta(days=4), by=helpdesk.as_actor())

    assert roll_up() == 1
    assert RollUp.objects.get(dimension="all", day="2026-03-04").response_late == 1


def test_nothing_new_costs_four_statements(roll_up, helpdesk):
    make_ticket()
    roll_up()
    with CaptureQueriesContext(connection) as captured:
        rollups.catch_up()

    statements = [q["sql"] for q in captured if "SAVEPOINT" not in q["sql"]]
    assert len(statements) == 4, statements


def test_an_entry_of_a_running_transaction_is_not_passed_over(roll_up, helpdesk):
    """Its id may be smaller than one that was read; its link in the chain never is."""
    make_ticket()
    roll_up()
    make_ticket(at=AT + timedelta(days=1))
    rollups.catch_up()  # not sealed yet: nothing is seen, and nothing is skipped
    assert not RollUp.objects.filter(day="2026-03-03").exists()

    roll_up()

    assert RollUp.objects.get(day="2026-03-03", dimension="all").opened == 1


def test_a_day_is_the_day_in_shanghai(roll_up, helpdesk):
    midnight = AT.replace(day=1, hour=16, minute=0)  # 00:00 of 2 March in Shanghai
    make_ticket(at=midnight - timedelta(seconds=1))
    make_ticket(at=midnight)
    roll_up()

    sums = RollUp.objects.filter(dimension="hour").order_by("day").values_list("day", "key")
    assert list(sums) == [(date(2026, 3, 1), 6 * 24 + 23), (date(2026, 3, 2), 0)]


def test_every_worker_does_it_by_itself():
    assert "servicedesk.desk.ticks.roll_up" in {tick.name for tick in load_ticks()}


def test_how_far_it_came_is_written_down(roll_up, helpdesk):
    make_ticket()
    now = AT + HOUR
    roll_up(now)

    assert Progress.objects.get().sequence == rollups.newest_link()
    assert Progress.objects.get().caught_up_at == now


# --- manage.py rebuild_rollups ---------------------------------------------------------------


def rebuild(*options: str) -> str:
    out = StringIO()
    call_command("rebuild_rollups", *options, stdout=out)
    return out.getvalue()


def test_made_again_nothing_differs(people, roll_up):
    Life(3, people).play(40)
    roll_up()

    assert rebuild().endswith(" 0 of them for the first time; 0 differences.\n")
    assert raw.rolled_up() == raw.counted()


def test_what_was_wrong_is_said_and_mended(helpdesk, roll_up):
    make_ticket()
    roll_up()
    RollUp.objects.filter(dimension="all").update(opened=7)
    TicketFact.objects.update(solved=1)

    said = rebuild()

    assert "2026-03-02 all 0 opened: 7 → 1" in said
    assert raw.rolled_up() == raw.counted()


def test_some_days_alone_can_be_made_again(helpdesk, roll_up):
    make_ticket()
    make_ticket(at=AT + timedelta(days=1))

    said = rebuild("--from", "2026-03-03", "--to", "2026-03-03")

    assert said == "1 days made again, 1 of them for the first time; 0 differences.\n"
    assert set(RollUp.objects.values_list("day", flat=True)) == {date(2026, 3, 3)}


def test_what_was_made_as_a_whole_is_not_read_from_the_journal_again(helpdesk, roll_up):
    make_ticket()
    journal.seal()
    rebuild()

    assert rollups.catch_up() == 0


def test_without_tickets_there_is_nothing_to_do(db):
    assert "nothing" in rebuild()
