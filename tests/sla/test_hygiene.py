"""Escalations disturb the right person, by the right means, at the right time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actions import create_team, deactivate, go_on_duty
from accounts.models import Notification
from servicedesk.core import outbox
from servicedesk.core.actors import SYSTEM
from servicedesk.core.digests import release
from servicedesk.core.errors import Refused
from servicedesk.core.events import subject_key
from servicedesk.core.models import OutboxMessage
from sla import actions, deadlines, kinds
from sla.models import Deadline, Escalation
from sla.queries import open_escalations_of
from sla.sweeping import sweep
from sla.telling import escalate_now
from sla.views.explain import explained
from tests.conftest import AT
from tests.sla.kinds import HALF, LATER, MISSED, MOST, REPAIR

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
# A deadline that started at 11:00 in Shanghai: half of it is used at 23:00.
ELEVEN = AT + timedelta(hours=1, minutes=30)
NIGHT, MORNING = ELEVEN + 12 * HOUR, ELEVEN + 20 * HOUR


@pytest.fixture
def climb(monkeypatch):
    """Let repairs climb other steps."""

    def to(*steps):
        monkeypatch.setitem(kinds.KINDS, REPAIR.name, replace(REPAIR, steps=steps))

    return to


def waiting():
    return {m.recipient: (m.status, m.next_attempt_at) for m in OutboxMessage.objects.all()}


# --- Channels --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "told"),
    [(("app",), (1, 0, 0)), (("email",), (0, 1, 0)), (("chat",), (0, 0, 1)),
     (("app", "email", "chat"), (1, 1, 1))],
)  # fmt: skip
def test_a_step_speaks_by_its_channels_only(by, told, start, climb, settings):
    settings.CHAT_WEBHOOK_URL = "https://example.com/robot"
    climb(replace(HALF, by=by), MISSED)
    start()

    sweep(AT + 12 * HOUR)

    mails, chats = (OutboxMessage.objects.filter(channel=c).count() for c in ("email", "chat"))
    assert (Notification.objects.count(), mails, chats) == told
    assert len(Escalation.objects.get().told) == 1


def test_one_chat_message_names_all_who_are_meant(start, climb, settings):
    settings.CHAT_WEBHOOK_URL = "https://example.com/robot"
    climb(replace(MISSED, by=("chat",)))
    start()

    sweep(AT + 24 * HOUR)

    message = OutboxMessage.objects.get()
    assert "张伟、赵敏" in message.body
    assert "/tickets/1/" in message.body


def test_without_a_robot_nothing_is_queued_for_it(start, climb):
    climb(replace(HALF, by=("app", "chat")), MISSED)
    start()

    sweep(AT + 12 * HOUR)

    assert not OutboxMessage.objects.exists()


# --- Duty ------------------------------------------------------------------------------------


def test_who_is_on_duty_hears(start, climb, other_engineer):
    climb(replace(HALF, to=("duty",)), MISSED)
    go_on_duty(other_engineer, until=AT + 20 * HOUR, at=AT, by=other_engineer.as_actor())
    start()

    sweep(AT + 12 * HOUR)

    escalation = Escalation.objects.get()
    assert (escalation.told, escalation.note) == ([other_engineer.pk], "")


def test_nobody_on_duty_the_supervisor_hears_and_the_escalation_says_so(
    start, climb, subject, dispatcher, other_engineer
):
    climb(replace(HALF, to=("duty",)), MISSED)
    go_on_duty(other_engineer, until=AT + 12 * HOUR, at=AT, by=other_engineer.as_actor())
    start()

    sweep(AT + 12 * HOUR)

    escalation = Escalation.objects.get()
    assert (escalation.told, escalation.note) == ([dispatcher.pk], "no_duty")
    assert "无人值班" in OutboxMessage.objects.get().body
    (block,) = explained(subject_key(subject), dispatcher.as_actor())
    assert "无人值班" in block.escalations[0].escalation.get_note_display()


# --- A word that ends the ladder -------------------------------------------------------------


def test_after_the_word_the_later_steps_are_noted_and_tell_nobody(start, climb, engineer):
    climb(replace(HALF, stops=True), MOST, MISSED, LATER)
    start()
    sweep(AT + 12 * HOUR)
    mails = OutboxMessage.objects.count()

    actions.acknowledge(Escalation.objects.get(), at=AT + 13 * HOUR, by=engineer.as_actor())
    for hours in (20, 24, 25):
        sweep(AT + hours * HOUR)

    later = Escalation.objects.exclude(step="half").order_by("id")
    assert [(e.step, e.superseded, e.note, e.told) for e in later] == [
        (step, True, "stopped", []) for step in ("most", "missed", "manager")
    ]
    assert OutboxMessage.objects.count() == mails
    assert open_escalations_of(engineer.as_actor()) == 0
    # The promise is broken all the same.
    assert Deadline.objects.get().missed_at == AT + 24 * HOUR
    with pytest.raises(Refused):
        actions.acknowledge(later[1], at=AT + 26 * HOUR, by=engineer.as_actor())


def test_where_the_step_does_not_say_so_the_ladder_goes_on(start, climb, engineer):
    climb(HALF, replace(MOST, stops=True), MISSED)
    start()
    sweep(AT + 12 * HOUR)

    actions.acknowledge(Escalation.objects.get(), at=AT + 13 * HOUR, by=engineer.as_actor())
    sweep(AT + 20 * HOUR)

    assert Escalation.objects.get(step="most").told != []


def test_without_the_word_the_ladder_goes_on(start, climb):
    climb(replace(HALF, stops=True), MISSED)
    start()
    sweep(AT + 12 * HOUR)
    sweep(AT + 24 * HOUR)

    assert Escalation.objects.get(step="missed").told != []


def test_a_deadline_that_moves_climbs_anew(start, climb, engineer, subject):
    climb(replace(HALF, stops=True), MISSED)
    start()
    sweep(AT + 12 * HOUR)
    actions.acknowledge(Escalation.objects.get(), at=AT + 13 * HOUR, by=engineer.as_actor())

    deadlines.move(
        REPAIR.name, subject, due_at=AT + 48 * HOUR, cause="extension", reason="x",
        at=AT + 14 * HOUR, by=SYSTEM,
    )  # fmt: skip
    sweep(AT + 48 * HOUR)

    assert Escalation.objects.get(step="missed").told != []


# --- Quiet hours -----------------------------------------------------------------------------


def test_at_night_a_warning_shows_in_the_app_and_its_mail_waits_until_morning(start, engineer):
    start(at=ELEVEN)

    sweep(NIGHT)

    assert Notification.objects.get().created_at == NIGHT
    assert waiting() == {engineer.email: ("held", MORNING)}
    assert release(MORNING - timedelta(seconds=1)) == 0
    assert release(MORNING) == 1
    assert waiting()[engineer.email][0] == "queued"


def test_at_night_a_miss_comes_through(start, engineer, dispatcher):
    start(at=ELEVEN, due_at=NIGHT)

    sweep(NIGHT)

    assert set(waiting().values()) == {("held", NIGHT)}


def test_at_night_what_is_urgent_comes_through(start):
    deadline = start(at=ELEVEN)
    Deadline.objects.filter(pk=deadline.pk).update(urgent=True, next_step=1)

    sweep(NIGHT)

    assert {moment for _status, moment in waiting().values()} == {NIGHT}


def test_a_chat_message_goes_as_soon_as_one_of_its_people_may_be_disturbed(
    start, climb, settings, engineer, dispatcher
):
    settings.CHAT_WEBHOOK_URL = "https://example.com/robot"
    climb(replace(HALF, to=("owner", "supervisor"), by=("chat",)), MISSED)
    start(at=ELEVEN)
    users = type(engineer).objects.get_queryset()
    users.filter(pk=dispatcher.pk).update(quiet_until="06:00")

    sweep(NIGHT)

    assert OutboxMessage.objects.get().next_attempt_at == MORNING - HOUR


# --- Another owner ---------------------------------------------------------------------------


def test_what_waits_for_the_old_owner_is_withdrawn_with_a_note(
    start, subject, engineer, other_engineer
):
    start(at=ELEVEN)
    sweep(NIGHT)

    deadlines.reassign(subject, other_engineer, by=SYSTEM)

    message = OutboxMessage.objects.get()
    assert message.status == "withdrawn"
    assert "李强" in message.log.get().detail
    assert release(MORNING) == 0


def test_what_waits_for_others_is_sent_all_the_same(
    start, climb, subject, dispatcher, engineer, other_engineer
):
    climb(replace(HALF, to=("owner", "supervisor")), MISSED)
    start(at=ELEVEN)
    sweep(NIGHT)

    deadlines.reassign(subject, other_engineer, by=SYSTEM)

    assert {r: status for r, (status, _at) in waiting().items()} == {
        engineer.email: "withdrawn", dispatcher.email: "held"
    }  # fmt: skip


def test_the_same_owner_again_withdraws_nothing(start, subject, engineer):
    start(at=ELEVEN)
    sweep(NIGHT)

    deadlines.reassign(subject, engineer, by=SYSTEM)

    assert OutboxMessage.objects.get().status == "held"


def test_later_steps_speak_to_the_new_owner_only(start, subject, engineer, other_engineer):
    start()
    sweep(AT + 12 * HOUR)

    deadlines.reassign(subject, other_engineer, by=SYSTEM)
    sweep(AT + 20 * HOUR)

    told = Escalation.objects.get(step="most").told
    assert other_engineer.pk in told
    assert engineer.pk not in told


# --- What is over or seen ----------------------------------------------------------------------


def over(how, subject, engineer):
    if how == "met":
        deadlines.meet(REPAIR.name, subject, at=NIGHT + HOUR, by=SYSTEM)
    elif how == "cancelled":
        deadlines.cancel(subject, at=NIGHT + HOUR, by=SYSTEM)
    else:
        actions.acknowledge(Escalation.objects.get(), at=NIGHT + HOUR, by=engineer.as_actor())


SAID = {
    "met": "已撤回：事情已办完。",
    "cancelled": "已撤回：已不需要。",
    "seen": "已撤回：张伟已确认。",
}


@pytest.mark.parametrize("how", SAID)
def test_what_waits_for_the_morning_is_withdrawn_with_a_note_when_it_is_over_or_seen(
    how, start, climb, subject, engineer, dispatcher, settings
):
    settings.CHAT_WEBHOOK_URL = "https://example.com/robot"
    climb(replace(HALF, to=("owner", "supervisor"), by=("app", "email", "chat")), MISSED)
    start(at=ELEVEN)
    sweep(NIGHT)
    assert OutboxMessage.objects.filter(status__in=["held", "queued"]).count() == 3

    over(how, subject, engineer)

    messages = list(OutboxMessage.objects.all())
    assert {m.status for m in messages} == {"withdrawn"}
    assert [m.log.get().detail for m in messages] == [SAID[how]] * 3
    assert release(MORNING) == 0


@pytest.mark.parametrize("how", SAID)
def test_what_waits_for_the_digest_is_withdrawn_when_it_is_over_or_seen(
    how, start, subject, engineer, settings
):
    settings.ESCALATION_MAILS_PER_HOUR = 0
    start(at=ELEVEN)
    sweep(NIGHT)
    release(MORNING)
    assert waiting()[engineer.email][0] == "collected"

    over(how, subject, engineer)

    assert OutboxMessage.objects.get().status == "withdrawn"
    release(MORNING + 2 * HOUR)
    assert OutboxMessage.objects.count() == 1


def test_what_was_sent_stays_sent(start, subject, engineer):
    start(at=ELEVEN)
    sweep(NIGHT)
    OutboxMessage.objects.update(status="sent")

    over("met", subject, engineer)

    assert OutboxMessage.objects.get().status == "sent"


def test_a_call_for_a_word_is_sent_though_its_deadline_is_met(start, subject, dispatcher):
    start()
    called = replace(MISSED, name="refused", to=("supervisor",), by=("app", "email"))
    escalate_now(REPAIR.name, subject, called, "EX-1", "不行", at=AT + HOUR, by=SYSTEM)

    deadlines.meet(REPAIR.name, subject, at=AT + 2 * HOUR, by=SYSTEM)

    assert waiting()[dispatcher.email][0] == "held"


def test_a_word_about_one_deadline_withdraws_nothing_of_another(start, subject, engineer, db):
    start(at=ELEVEN)
    start(create_team(name="另一个", at=AT, by=SYSTEM), at=ELEVEN)
    sweep(NIGHT)
    first = Escalation.objects.order_by("id").first()

    actions.acknowledge(first, at=NIGHT, by=engineer.as_actor())

    assert sorted(OutboxMessage.objects.values_list("status", flat=True)) == ["held", "withdrawn"]


def test_who_left_gets_nothing_more_and_the_supervisor_does(
    start, climb, engineer, dispatcher, admin
):
    climb(replace(HALF, to=("owner", "supervisor")), MISSED)
    start(at=ELEVEN)
    sweep(NIGHT)

    deactivate(engineer, at=NIGHT, by=admin.as_actor())

    assert {r: status for r, (status, _at) in waiting().items()} == {
        engineer.email: "withdrawn", dispatcher.email: "held"
    }  # fmt: skip


# --- Too many --------------------------------------------------------------------------------


@pytest.fixture
def flood(start, subject):
    """So many at once, due one minute after the other."""

    def run(count):
        start()
        first = Deadline.objects.get()
        rows = []
        for number in range(count):
            due_at = first.due_at + timedelta(minutes=number)
            rows.append(
                Deadline(
                    kind=first.kind, subject_kind="accounts.team", subject_id=10_000 + number,
                    label=f"TK-{number:04}", url=f"/tickets/{number}/", owner=first.owner,
                    started_at=first.started_at, due_at=due_at, original_due_at=due_at,
                    next_step=2, next_step_at=due_at,
                )
            )  # fmt: skip
        first.delete()
        Deadline.objects.bulk_create(rows)

    return run


def test_of_300_at_once_each_person_gets_ten_and_one_digest_that_names_the_rest(
    flood, engineer, dispatcher, subject
):
    flood(300)
    now = AT + 24 * HOUR + timedelta(minutes=320)
    while sweep(now):
        pass

    release(now)
    hour = now.replace(minute=0) + HOUR
    assert release(hour - timedelta(seconds=1)) == 0
    release(hour)
    OutboxMessage.objects.filter(status="queued").update(next_attempt_at=timezone.now())
    outbox.deliver()

    for person in (engineer, dispatcher):
        mails = OutboxMessage.objects.filter(recipient=person.email)
        assert mails.filter(status="sent").count() == 11
        digest = mails.get(dedup_key__startswith="digest:")
        rest = mails.filter(status="digested", digest=digest)
        assert rest.count() == 290
        lines = [line for line in digest.body.splitlines() if "TK-" in line]
        assert lines == sorted(lines)
        assert sorted(f"{m.data['link']}" for m in rest) == sorted(
            line for line in digest.body.splitlines() if line.startswith("http")
        )
    assert Escalation.objects.filter(step="missed").count() == 300


def test_the_next_hour_has_ten_of_its_own(flood, engineer, settings):
    settings.ESCALATION_MAILS_PER_HOUR = 2
    flood(3)
    now = AT + 25 * HOUR
    sweep(now)
    release(now)
    flood_mail = OutboxMessage.objects.filter(recipient=engineer.email)
    assert flood_mail.filter(status="queued").count() == 2

    assert flood_mail.filter(status="collected").count() == 1
    release(now.replace(minute=0) + HOUR)
    assert flood_mail.filter(status="queued", dedup_key__startswith="digest:").count() == 1


def test_the_panel_says_by_which_message_it_went(start, subject, engineer, settings, client):
    settings.ESCALATION_MAILS_PER_HOUR = 0
    start()
    now = AT + 12 * HOUR
    sweep(now)
    release(now)

    def shown():
        (block,) = explained(subject_key(subject), engineer.as_actor())
        (delivery,) = block.escalations[0].messages
        return delivery

    assert shown().waits_until == now.replace(minute=0) + HOUR
    release(now + HOUR)
    assert shown().carrier.dedup_key.startswith("digest:")
    assert shown().state == "已并入汇总"
