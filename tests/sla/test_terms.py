"""Which terms a deadline runs under; calendars, pauses, new terms; and counting all of it again."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from customers.actions import create_customer, create_product
from customers.models import Contract
from servicedesk.core.actions import action
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from servicedesk.core.models import Entry
from sla import deadlines
from sla.deadlines import By, Scope, plan
from sla.kinds import Step
from sla.models import Deadline, DeadlineMove
from sla.moving import affected, plan_under, resume_run_out, spread
from sla.queries import Why, explain
from sla.rebuilding import rebuild
from sla.sweeping import sweep
from tests.conftest import AT
from tests.sla.kinds import REPAIR, REPLY
from tests.sla.policies import edit_policy, make_calendar, make_policy

HOUR = timedelta(hours=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
# Monday morning in March 2026, in office hours.
MONDAY = datetime(2026, 3, 2, 10, tzinfo=SHANGHAI)
FRIDAY = MONDAY + timedelta(days=4)


def make_customer():
    return create_customer(name="大兴超市", at=AT, by=SYSTEM)


def make_product():
    return create_product(code="JF", name="积分产品", at=AT, by=SYSTEM)


@action
def sign_contract(customer, *, starts_on, ends_on=None, at, by):
    return Contract.objects.create(
        customer=customer, number=f"HT-{starts_on}", title="维保", starts_on=starts_on,
        ends_on=ends_on,
    )  # fmt: skip


@pytest.fixture
def begin(subject, engineer):
    """Start a deadline by the policies."""

    def run(kind=REPAIR.name, *, at=MONDAY, due=None, about=subject, **scope) -> Deadline:
        scope = Scope(**scope)
        [deadline] = deadlines.start_all(
            plan({kind: due or By()}, scope, at=at), about, label="TK-1", url="/", owner=engineer,
            at=at, by=SYSTEM, scope=scope,
        )  # fmt: skip
        return deadline

    return run


def reread() -> Deadline:
    return Deadline.objects.select_related("calendar").get()


# --- Choosing ---------------------------------------------------------------------------------


def test_without_a_policy_the_kind_says_how_long(begin):
    assert begin().due_at == MONDAY + 24 * HOUR


def test_the_most_particular_policy_that_fits_is_taken(begin, db):
    customer, other, product = make_customer(), make_customer(), make_product()
    contract = sign_contract(customer, starts_on=date(2026, 1, 1), at=AT, by=SYSTEM)
    hours = {
        "any": ({}, 20), "urgent": ({"urgent": True}, 10), "product": ({"product": product}, 9),
        "customer": ({"customer": customer}, 8), "contract": ({"contract": contract}, 7),
        "other": ({"customer": other, "product": product, "urgent": True}, 1),
    }  # fmt: skip
    for conditions, length in hours.values():
        make_policy(REPAIR.name, conditions=conditions, target=length * HOUR)

    def chosen(**scope):
        return (
            plan({REPAIR.name: By()}, Scope(**scope), at=MONDAY)[REPAIR.name].due_at - MONDAY
        ) / HOUR

    assert chosen() == 20
    assert chosen(urgent=True) == 10
    assert chosen(urgent=True, product_id=product.pk) == 9
    assert chosen(urgent=True, customer_id=customer.pk, product_id=product.pk) == 7
    assert chosen(customer_id=other.pk) == 20
    assert chosen(urgent=True, customer_id=other.pk, product_id=product.pk) == 1


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "holds"),
    [
        (date(2026, 3, 2), None, True), (date(2026, 3, 3), None, False),
        (date(2026, 1, 1), date(2026, 3, 2), True), (date(2026, 1, 1), date(2026, 3, 1), False),
    ],
)  # fmt: skip
def test_a_contract_holds_from_its_first_day_to_its_last(starts_on, ends_on, holds, begin, db):
    customer = make_customer()
    contract = sign_contract(customer, starts_on=starts_on, ends_on=ends_on, at=AT, by=SYSTEM)
    make_policy(REPAIR.name, conditions={"contract": contract}, target=4 * HOUR)

    deadline = begin(customer_id=customer.pk)

    assert deadline.due_at == MONDAY + (4 if holds else 24) * HOUR


def test_the_target_does_not_reach_beyond_what_the_customer_wishes(begin):
    assert begin(due=By(MONDAY + 3 * HOUR)).due_at == MONDAY + 3 * HOUR


def test_a_kind_without_a_target_wants_a_due_time(begin):
    with pytest.raises(ValueError, match="target"):
        begin(REPLY.name)


def test_the_terms_are_chosen_in_one_query(db, django_assert_num_queries):
    make_policy(REPAIR.name, calendar=make_calendar())
    wanted = {REPAIR.name: By(), REPLY.name: AT + HOUR}
    plan(wanted, Scope(), at=AT)  # the hours of a version are read once

    with django_assert_num_queries(1):
        plan(wanted, Scope(), at=AT)


def test_a_policy_brings_its_own_ladder(begin):
    steps = [
        Step("early", "早", share=0.25).to_json(),
        Step("missed", "错过", missed=True).to_json(),
    ]
    make_policy(REPAIR.name, target=8 * HOUR, steps=steps)

    deadline = begin()

    assert [(r.step.name, r.at - MONDAY) for r in deadline.ladder()] == [
        ("early", 2 * HOUR), ("missed", 8 * HOUR)
    ]  # fmt: skip


# --- Counting by a calendar -------------------------------------------------------------------


def test_eight_working_hours_from_monday_ten_end_on_tuesday_ten(begin):
    make_policy(REPAIR.name, calendar=make_calendar())

    deadline = begin()

    assert deadline.due_at == MONDAY + timedelta(days=1)
    assert deadline.allowed() == 8 * HOUR


def test_the_ladder_climbs_in_working_time(begin):
    make_policy(REPAIR.name, calendar=make_calendar())

    deadline = begin(at=FRIDAY)  # due on Monday at 10

    moments = {r.step.name: r.at.astimezone(SHANGHAI) for r in deadline.ladder()}
    assert moments["half"] == FRIDAY + 5 * HOUR  # 15:00: three hours before, an hour at table
    assert moments["missed"] == FRIDAY + timedelta(days=3)
    assert moments["manager"] == FRIDAY + timedelta(days=3, hours=1)


def test_the_explanation_names_nights_and_holidays_and_adds_up(begin):
    make_policy(
        REPAIR.name, calendar=make_calendar(days={"2026-03-03": {"name": "店庆", "windows": []}})
    )
    begin()

    found = explain(reread())

    assert sum((i.length for i in found if i.counts), timedelta(0)) == 8 * HOUR
    assert [i.end for i in found[:-1]] == [i.start for i in found[1:]]
    assert (found[0].start, found[-1].end) == (MONDAY, reread().due_at)
    day_off = [i for i in found if i.why == Why.DAY_OFF]
    assert [(i.reason, i.length) for i in day_off] == [("店庆", 24 * HOUR)]


def test_who_edits_a_calendar_changes_no_running_deadline(begin):
    calendar = make_calendar()
    make_policy(REPAIR.name, calendar=calendar)
    begin()

    assert reread().calendar == calendar.current
    assert reread().work.windows_on(date(2026, 3, 2))[0] == (9 * 3600, 12 * 3600)


# --- Pauses -----------------------------------------------------------------------------------


def test_a_clock_that_may_not_stand_still_runs_on(begin, subject):
    make_policy(REPAIR.name, target=8 * HOUR)
    begin()

    assert (
        deadlines.pause(subject, reason="等", until=AT + 99 * HOUR, at=MONDAY + HOUR, by=SYSTEM)
        == []
    )
    assert reread().status == "running"


@pytest.mark.parametrize(("reason", "hours", "field"), [("", 2, "reason"), ("等", 0, "until")])
def test_a_pause_has_a_reason_and_an_end(reason, hours, field, begin, subject):
    begin()

    with pytest.raises(Refused) as refused:
        deadlines.pause(subject, reason=reason, until=MONDAY + hours * HOUR, at=MONDAY, by=SYSTEM)

    assert refused.value.field == field


def test_a_pause_runs_out_by_itself_and_no_later_than_the_terms_allow(begin, subject):
    make_policy(REPAIR.name, target=8 * HOUR, longest_pause=3 * HOUR)
    begin()
    deadlines.pause(subject, reason="等配件", until=MONDAY + 9 * HOUR, at=MONDAY + HOUR, by=SYSTEM)
    assert reread().paused_until == MONDAY + 4 * HOUR

    assert resume_run_out(MONDAY + 4 * HOUR - timedelta(seconds=1)) == 0
    assert resume_run_out(MONDAY + 6 * HOUR) == 1

    deadline = reread()
    assert (deadline.status, deadline.due_at) == ("running", MONDAY + 11 * HOUR)
    assert (
        deadlines.pause(
            subject, reason="再等", until=MONDAY + 9 * HOUR, at=MONDAY + 6 * HOUR, by=SYSTEM
        )
        == []
    )


def test_a_pause_over_night_costs_only_working_time(begin, subject):
    """What the peers got wrong: 17:00 to 10:00 is two hours of work, not seventeen."""
    make_policy(REPAIR.name, calendar=make_calendar(), longest_pause=99 * HOUR)
    begin()
    evening = MONDAY + 7 * HOUR

    deadlines.pause(subject, reason="等客户", until=evening + 99 * HOUR, at=evening, by=SYSTEM)
    deadlines.resume(subject, at=MONDAY + timedelta(days=1), by=SYSTEM)

    deadline = reread()
    assert deadline.due_at == MONDAY + timedelta(days=1, hours=2)
    assert deadline.paused_total == 2 * HOUR
    assert deadline.allowed() == 8 * HOUR
    assert deadline.next_step_at == deadline.ladder()[deadline.next_step].at


def test_what_is_met_after_a_pause_ran_out_is_judged_as_if_somebody_had_ended_it(begin, subject):
    make_policy(REPAIR.name, target=2 * HOUR, longest_pause=HOUR)
    begin()
    deadlines.pause(subject, reason="等", until=MONDAY + 9 * HOUR, at=MONDAY + HOUR, by=SYSTEM)

    met = deadlines.meet(REPAIR.name, subject, at=MONDAY + 4 * HOUR, by=SYSTEM)

    assert (met.due_at, met.late, met.missed_at) == (MONDAY + 3 * HOUR, True, MONDAY + 3 * HOUR)


def test_every_move_is_an_event_with_its_cause_and_both_values(begin, subject):
    policy = make_policy(REPAIR.name, target=8 * HOUR, longest_pause=3 * HOUR)
    begin()
    deadlines.pause(subject, reason="等配件", until=MONDAY + 3 * HOUR, at=MONDAY + HOUR, by=SYSTEM)
    resume_run_out(MONDAY + 3 * HOUR)
    edit_policy(policy, target=6 * HOUR, spreads=True, note="新合同")
    spread(MONDAY + 4 * HOUR)
    deadlines.move(
        REPAIR.name, subject, due_at=MONDAY + 20 * HOUR, cause="extension", reason="EX-1",
        at=MONDAY + 5 * HOUR, by=SYSTEM,
    )  # fmt: skip

    entries = Entry.objects.filter(type__in=["deadline.moved", "deadline.resumed"]).order_by("id")
    told = [
        (e.data.get("cause", "pause"), *map(datetime.fromisoformat, (e.data["old_due_at"], e.data["due_at"])))
        for e in entries
    ]  # fmt: skip
    eight, ten = MONDAY + 8 * HOUR, MONDAY + 10 * HOUR
    assert told == [
        ("pause", eight, ten), ("policy", ten, eight), ("extension", eight, MONDAY + 20 * HOUR),
    ]  # fmt: skip
    moves = DeadlineMove.objects.order_by("id")
    assert told == [(move.cause, move.old_due_at, move.new_due_at) for move in moves]


# --- New terms for what runs already ----------------------------------------------------------


def test_new_terms_move_what_runs_only_if_they_are_to(begin):
    policy = make_policy(REPAIR.name, target=8 * HOUR)
    begin()
    edit_policy(policy, target=4 * HOUR)

    assert spread(MONDAY + HOUR) == 0
    assert reread().due_at == MONDAY + 8 * HOUR


def test_new_terms_that_spread_move_with_cause_and_both_values(begin):
    policy = make_policy(REPAIR.name, target=8 * HOUR)
    begin()
    version = edit_policy(policy, target=4 * HOUR, spreads=True, note="新合同")
    [waiting] = affected(version)
    assert deadlines.plan_for(waiting, plan_under(version, waiting)).due_at == MONDAY + 4 * HOUR

    assert spread(MONDAY + HOUR) == 1
    assert spread(MONDAY + HOUR) == 0

    deadline, move = reread(), DeadlineMove.objects.get()
    assert (deadline.due_at, deadline.original_due_at) == (MONDAY + 4 * HOUR, MONDAY + 8 * HOUR)
    assert (move.cause, move.reason, move.old_due_at) == ("policy", "新合同", MONDAY + 8 * HOUR)
    version.refresh_from_db()
    assert version.spread_at is not None


def test_new_terms_mend_no_miss(begin):
    policy = make_policy(REPAIR.name, target=2 * HOUR)
    begin()
    edit_policy(policy, target=20 * HOUR, spreads=True)

    spread(MONDAY + 3 * HOUR)

    assert reread().missed_at == MONDAY + 2 * HOUR


def test_new_terms_leave_alone_what_a_more_particular_policy_holds(begin, db):
    customer = make_customer()
    make_policy(REPAIR.name, conditions={"customer": customer}, target=6 * HOUR)
    general = make_policy(REPAIR.name, target=8 * HOUR)
    begin(customer_id=customer.pk)

    version = edit_policy(general, target=HOUR, spreads=True)

    assert list(affected(version)) == []


def test_what_the_customer_agreed_to_stays_under_new_terms(begin, subject):
    policy = make_policy(REPAIR.name, target=8 * HOUR)
    begin()
    deadlines.move(
        REPAIR.name, subject, due_at=MONDAY + 30 * HOUR, cause="extension", reason="同意",
        at=MONDAY + HOUR, by=SYSTEM,
    )  # fmt: skip
    edit_policy(policy, target=2 * HOUR, spreads=True)

    spread(MONDAY + 2 * HOUR)

    assert reread().due_at == MONDAY + 30 * HOUR


# --- Counting again ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_the_journal_gives_the_same_deadlines_whatever_happened(seed, begin, subject):
    dice = Random(seed)  # noqa: S311 - dice, no secret
    calendar = make_calendar() if dice.random() < 0.6 else None
    policy = make_policy(
        REPAIR.name, calendar=calendar, target=dice.randint(1, 20) * HOUR, longest_pause=9 * HOUR
    )
    begin(due=By(MONDAY + dice.randint(5, 90) * HOUR) if dice.random() < 0.5 else None)
    at = MONDAY
    for _step in range(dice.randint(1, 9)):
        at += timedelta(minutes=dice.randint(1, 400), seconds=dice.randint(0, 59))
        match dice.choice(["pause", "pause", "resume", "sweep", "run out", "move", "terms"]):
            case "pause":
                until = at + timedelta(minutes=dice.randint(1, 600))
                deadlines.pause(subject, reason="等", until=until, at=at, by=SYSTEM)
            case "resume":
                deadlines.resume(subject, at=at, by=SYSTEM)
            case "sweep":
                sweep(at)
            case "run out":
                resume_run_out(at)
            case "move":
                due_at = at + timedelta(hours=dice.randint(1, 40))
                deadlines.move(
                    REPAIR.name, subject, due_at=due_at, cause="extension", reason="", at=at,
                    by=SYSTEM,
                )  # fmt: skip
            case "terms":
                edit_policy(
                    policy, target=dice.randint(1, 30) * HOUR, calendar=calendar, spreads=True,
                    longest_pause=9 * HOUR,
                )  # fmt: skip
                spread(at)
    if dice.random() < 0.7:
        deadlines.meet(REPAIR.name, subject, at=at + HOUR, by=SYSTEM)

    assert list(rebuild(Deadline.objects.all())) == []


def test_a_row_that_somebody_changed_is_found(begin):
    begin()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE sla_deadline SET due_at = due_at + interval '1 second'")

    [difference] = rebuild(Deadline.objects.all())
    with pytest.raises(CommandError, match="1"):
        call_command("rebuild_deadlines", "--open")

    assert (difference.field, difference.row - difference.journal) == (
        "due_at",
        timedelta(seconds=1),
    )


def test_counting_again_says_that_all_is_well(begin, capsys):
    begin()

    call_command("rebuild_deadlines")

    assert capsys.readouterr().out.strip() != ""


# --- What the policies are chosen by was corrected ------------------------------------------------


def test_another_product_brings_its_terms_and_never_a_later_time(begin, subject, db):
    short, long = make_product(), create_product(code="KD", name="快递", at=AT, by=SYSTEM)
    calendar = make_calendar()
    make_policy(REPAIR.name, conditions={"product": short}, target=4 * HOUR)
    make_policy(REPAIR.name, conditions={"product": long}, target=90 * HOUR, calendar=calendar)
    begin()

    def correct(product, at):
        scope = Scope(product_id=product.pk)
        deadlines.rescope(subject, scope, reason="产品更正", at=at, by=SYSTEM)
        return reread()

    moved = correct(short, MONDAY + HOUR)
    assert (moved.due_at, moved.product_id) == (MONDAY + 4 * HOUR, short.pk)
    move = DeadlineMove.objects.get()
    assert (move.cause, move.reason, move.old_due_at) == (
        "change", "产品更正", MONDAY + 24 * HOUR,
    )  # fmt: skip
    stays = correct(long, MONDAY + 2 * HOUR)
    assert (stays.due_at, stays.calendar) == (MONDAY + 4 * HOUR, calendar.current)
    correct(long, MONDAY + 3 * HOUR)
    assert DeadlineMove.objects.count() == 2
    assert list(rebuild(Deadline.objects.all())) == []


def test_a_clock_that_is_started_again_takes_another_policys_ladder_but_no_new_version(begin, db):
    product, due = make_product(), MONDAY + 3 * HOUR
    first = make_policy(REPAIR.name, target=8 * HOUR)
    begin(due=due)
    edit_policy(first, target=7 * HOUR)
    assert begin(due=due).terms.number == 1

    own = make_policy(REPAIR.name, conditions={"product": product}, target=6 * HOUR)
    again = begin(due=due, product_id=product.pk)

    assert (again.terms.policy, again.due_at, again.product_id) == (own, due, product.pk)
    assert list(rebuild(Deadline.objects.all())) == []
