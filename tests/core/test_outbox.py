"""Messages leave once each, survive dead senders, and are given up visibly."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from servicedesk.core import outbox
from servicedesk.core.models import OutboxMessage
from servicedesk.core.outbox import DeliveryError

pytestmark = pytest.mark.django_db
State = OutboxMessage.State


def queue(key="k1", channel="email", to="a@example.com"):
    with transaction.atomic():
        outbox.queue(channel, to, subject="题目", body="正文", dedup_key=key)


@pytest.fixture
def flaky(monkeypatch):
    """A channel whose answers the test chooses."""
    sent: list[str] = []

    class Flaky:
        fails = 0

        def __call__(self, message):
            if self.fails:
                self.fails -= 1
                raise DeliveryError("对方忙")
            sent.append(message.dedup_key)

    channel = Flaky()
    monkeypatch.setitem(outbox._channels, "flaky", channel)
    return channel, sent


def test_a_mail_is_sent_once_and_its_attempt_is_kept():
    queue()

    assert outbox.deliver() == 1
    assert outbox.deliver() == 0
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["a@example.com"], "题目")
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    message = OutboxMessage.objects.get()
    assert message.status == State.SENT
    assert message.log.get().succeeded


def test_the_same_key_is_one_message():
    queue()
    queue()

    assert OutboxMessage.objects.count() == 1


def test_a_message_belongs_into_a_transaction(transactional_db):
    with pytest.raises(RuntimeError):
        outbox.queue("email", "a@example.com", dedup_key="k")


def test_what_is_rolled_back_is_never_sent():
    class Undo(Exception):
        pass

    def queue_and_undo():
        outbox.queue("email", "a@example.com", dedup_key="k")
        raise Undo

    with pytest.raises(Undo), transaction.atomic():
        queue_and_undo()

    assert outbox.deliver() == 0


def test_a_failure_is_tried_again_later(flaky):
    channel, sent = flaky
    channel.fails = 1
    queue(channel="flaky")

    outbox.deliver()

    message = OutboxMessage.objects.get()
    assert (message.status, message.attempts) == (State.QUEUED, 1)
    assert message.next_attempt_at > timezone.now()
    assert message.log.get().detail == "对方忙"
    OutboxMessage.objects.update(next_attempt_at=timezone.now())
    outbox.deliver()
    assert sent == ["k1"]


def test_a_title_with_a_line_break_stops_no_mail():
    with transaction.atomic():
        outbox.queue("email", "a@example.com", subject="积分\n终端 " + "长" * 400, dedup_key="k1")
    queue(key="k2")

    assert outbox.deliver() == 2
    assert mail.outbox[0].subject == ("积分 终端 " + "长" * 400)[:300]
    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {State.SENT}


@pytest.mark.parametrize(
    "bad",
    [
        {"subject": "积分\n终端"}, {"recipient": "a\n@example.com"}, {"recipient": "张三"},
        {"body": "\ud800"}, {"recipient": "\ud800@example.com"}, {"channel": "pigeon"},
    ],
    ids=repr,
)  # fmt: skip
def test_what_cannot_be_sent_fails_alone(bad):
    """As if it had come into the table past the queue, or before this rule."""
    queue(key="k1")
    queue(key="k2")
    with_bad = OutboxMessage.objects.get(dedup_key="k1")
    for name, value in bad.items():
        setattr(with_bad, name, value)
    with_bad.lease_token = uuid.uuid4()
    OutboxMessage.objects.filter(pk=with_bad.pk).update(lease_token=with_bad.lease_token)

    outbox._try(with_bad)
    outbox.deliver()

    first, second = OutboxMessage.objects.order_by("pk")
    assert (first.status, first.attempts, first.log.get().succeeded) == (State.QUEUED, 1, False)
    assert second.status == State.SENT


def test_an_error_nobody_foresaw_costs_one_message_a_try_and_the_others_nothing(flaky):
    _channel, sent = flaky
    outbox._channels["broken"] = lambda _message: {}["a fault of ours"]
    try:
        queue(key="k1", channel="broken")
        queue(key="k2", channel="flaky")

        with pytest.raises(KeyError):
            outbox.deliver()
        assert outbox.deliver() == 1
    finally:
        del outbox._channels["broken"]

    broken = OutboxMessage.objects.get(dedup_key="k1")
    assert (broken.status, broken.attempts) == (State.QUEUED, 1)
    assert broken.next_attempt_at > timezone.now()
    assert "not foreseen" in broken.log.get().detail
    assert sent == ["k2"]


def test_after_all_tries_it_is_given_up_and_can_be_replayed(flaky):
    channel, sent = flaky
    channel.fails = 100
    queue(channel="flaky")
    for _ in range(len(outbox.DELAYS) + 1):
        OutboxMessage.objects.update(next_attempt_at=timezone.now())
        outbox.deliver()
    message = OutboxMessage.objects.get()
    assert (message.status, message.attempts) == (State.DEAD, 10)
    assert outbox.deliver() == 0

    channel.fails = 0
    outbox.replay(message, at=timezone.now())
    outbox.deliver()

    assert sent == ["k1"]


def test_all_tries_together_take_some_three_days():
    assert timedelta(hours=70) < sum(outbox.DELAYS, timedelta()) < timedelta(hours=80)


def test_a_dead_senders_message_is_taken_over(flaky):
    _channel, sent = flaky
    queue(channel="flaky")
    outbox._claim(timezone.now())  # the sender dies here
    assert outbox.deliver() == 0

    OutboxMessage.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    outbox.deliver()

    assert sent == ["k1"]


def test_a_sender_that_wakes_up_late_notes_nothing(flaky):
    queue(channel="flaky")
    (late,) = outbox._claim(timezone.now())
    OutboxMessage.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    outbox.deliver()

    outbox._try(late)

    assert OutboxMessage.objects.get().log.count() == 1


def _send_from_four_workers():
    for number in range(60):
        queue(key=f"k{number}", channel="flaky")
    start = threading.Barrier(4)

    def work():
        start.wait()
        outbox.deliver()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.django_db(transaction=True)
def test_four_workers_send_each_message_once(flaky):
    _channel, sent = flaky
    _send_from_four_workers()

    assert sorted(sent) == sorted(f"k{n}" for n in range(60))


@pytest.mark.django_db(transaction=True)
def test_without_the_claim_the_same_workers_send_twice(flaky, monkeypatch):
    """The twin of the test above: it sees the fault that the claim prevents."""
    _channel, sent = flaky
    everybody_looked, this_thread = threading.Barrier(4), threading.local()

    def look_only(now):
        if hasattr(this_thread, "looked"):
            return []
        this_thread.looked = True
        found = list(OutboxMessage.objects.filter(status=State.QUEUED)[:20])
        everybody_looked.wait(timeout=10)
        return found

    monkeypatch.setattr(outbox, "_claim", look_only)
    _send_from_four_workers()

    assert len(sent) > len(set(sent))
