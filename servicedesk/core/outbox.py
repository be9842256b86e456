"""What leaves the house: queued in the transaction of its cause, sent by a worker.

Delivery is at least once: a worker that dies between sending and noting it sends again. The
receiver can tell by the message's `uid`.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from email.errors import MessageError
from typing import Any

from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from servicedesk.core.bulk import insert
from servicedesk.core.digests import release
from servicedesk.core.models import OutboxAttempt, OutboxMessage
from servicedesk.core.ticker import every

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
BATCH = 20
LONGEST_SUBJECT = 300
# In `data`: the text holds a secret (a one-time link) and is not kept longer than it is needed.
FORGET = "forget"
# Standard Webhooks' schedule, some three days in all.
DELAYS = [timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)]


State = OutboxMessage.State


class DeliveryError(Exception):
    """A channel could not deliver now. The message is tried again later."""


Send = Callable[[OutboxMessage], None]
_channels: dict[str, Send] = {}


def channel(name: str) -> Callable[[Send], Send]:
    """Register how messages of a channel are sent; it raises DeliveryError when it fails."""

    def register(send: Send) -> Send:
        _channels[name] = send
        return send

    return register


def queue(
    channel: str,
    to: str,
    *,
    subject: str = "",
    body: str = "",
    data: Mapping[str, Any] | None = None,
    dedup_key: str,
) -> None:
    """Put one message into the outbox; a second one with the same key is dropped."""
    queue_all(
        [
            OutboxMessage(
                channel=channel,
                recipient=to,
                subject=subject,
                body=body,
                data=dict(data or {}),
                dedup_key=dedup_key,
            )
        ]
    )


def queue_all(messages: Sequence[OutboxMessage]) -> None:
    _insert(messages)


def hold_all(messages: Sequence[OutboxMessage]) -> None:
    """As `queue_all`, for messages with a moment of their own: none leaves before it.

    Those with a reader are `HELD`, and let go within his cap (`core.digests`).
    """
    _insert(messages, "next_attempt_at", "reader")


def _insert(messages: Sequence[OutboxMessage], *more: str) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("a message belongs into the transaction of its cause")
    for message in messages:
        # A header is one line, whatever a record is called.
        message.subject = " ".join(message.subject.split())[:LONGEST_SUBJECT]
    insert(
        messages, "uid", "channel", "recipient", "subject", "body", "data", "dedup_key", "status",
        "attempts", *more, ignore_conflicts=True,
    )  # fmt: skip


def withdraw(keys: Collection[str], why: str) -> int:
    """Those of the messages that no worker is sending yet are not sent; their log says why."""
    return _withdraw(Q(dedup_key__in=keys), why) if keys else 0


def withdraw_from(reader: int, why: str) -> int:
    """Whatever waits for this reader is not sent."""
    return _withdraw(Q(reader=reader), why)


def _withdraw(which: Q, why: str) -> int:
    now = timezone.now()
    waiting = [State.HELD, State.COLLECTED, State.QUEUED]
    with transaction.atomic():
        found = OutboxMessage.objects.filter(which, status__in=waiting)
        pks = list(found.select_for_update().order_by("id").values_list("pk", flat=True))
        OutboxMessage.objects.filter(pk__in=pks).update(status=State.WITHDRAWN)
        OutboxAttempt.objects.bulk_create(
            OutboxAttempt(message_id=pk, at=now, succeeded=False, detail=why) for pk in pks
        )
    return len(pks)


@every(1)
def deliver() -> int:
    """Send what is due, batch by batch. Returns how many were tried."""
    release(timezone.now())
    tried = 0
    while batch := _claim(timezone.now()):
        tried += len(batch)
        try:
            while batch:
                _try(batch.pop(0))
        finally:
            # Only after an error that no channel expects: the others do not wait for the lease.
            _give_back(batch)
    return tried


def _claim(now: datetime) -> list[OutboxMessage]:
    """Lease due messages to this worker.

    1. Rows that are due, or whose sender died with the lease, are locked; those that another
       worker has locked are skipped.
    2. They get a lease and a token. Whoever comes after the lease may take them again.
    """
    with transaction.atomic():
        rows = list(
            OutboxMessage.objects.raw(
                "SELECT * FROM core_outboxmessage"
                " WHERE (status = 'queued' AND next_attempt_at <= %s)"
                " OR (status = 'sending' AND lease_until < %s)"
                " ORDER BY next_attempt_at, id LIMIT %s FOR UPDATE SKIP LOCKED",
                [now, now, BATCH],
            )
        )
        token = uuid.uuid4()
        OutboxMessage.objects.filter(pk__in=[row.pk for row in rows]).update(
            status=OutboxMessage.State.SENDING, lease_until=now + LEASE, lease_token=token
        )
    for row in rows:
        row.lease_token = token
    return rows


def _give_back(messages: Sequence[OutboxMessage]) -> None:
    for message in messages:
        OutboxMessage.objects.filter(pk=message.pk, lease_token=message.lease_token).update(
            status=State.QUEUED, lease_until=None, lease_token=None
        )


def _try(message: OutboxMessage) -> None:
    """Send outside of any transaction, then note the result if the lease is still ours.

    What is no DeliveryError is a fault of ours: it counts as a failed try of this message, whose
    turn comes later then, and goes on to the log of the ticker, which starts again.
    """
    outcome, detail = _after_failure(message), "an error that was not foreseen; see the log"
    try:
        _send(message)
        outcome, detail = {"status": State.SENT, "sent_at": timezone.now()}, "ok"
        if message.data.get(FORGET):
            outcome["body"] = ""
    except DeliveryError as error:
        log.warning("message %s: %s", message.uid, error)
        detail = str(error)
    finally:
        _note(message, outcome, detail)


def _send(message: OutboxMessage) -> None:
    send = _channels.get(message.channel)
    if send is None:
        raise DeliveryError(f"There is no channel “{message.channel}”")
    send(message)


def _note(message: OutboxMessage, outcome: Mapping[str, Any], detail: str) -> None:
    with transaction.atomic():
        mine = OutboxMessage.objects.filter(pk=message.pk, lease_token=message.lease_token)
        if mine.update(
            attempts=message.attempts + 1, lease_until=None, lease_token=None, **outcome
        ):
            OutboxAttempt.objects.create(
                message=message,
                at=timezone.now(),
                succeeded=outcome["status"] == OutboxMessage.State.SENT,
                detail=detail[:2000],
            )


def _after_failure(message: OutboxMessage) -> dict[str, Any]:
    if message.attempts >= len(DELAYS):
        return {"status": OutboxMessage.State.DEAD}
    delay = DELAYS[message.attempts] * random.uniform(0.9, 1.2)  # noqa: S311  (spread, no secret)
    return {"status": OutboxMessage.State.QUEUED, "next_attempt_at": timezone.now() + delay}


def replay(message: OutboxMessage, *, at: datetime) -> None:
    """Give a dead letter all its tries again."""
    OutboxMessage.objects.filter(pk=message.pk, status=OutboxMessage.State.DEAD).update(
        status=OutboxMessage.State.QUEUED, attempts=0, next_attempt_at=at
    )


# smtplib's errors are OSErrors. The rest is what building a message raises, by what is wrong with
# it: a line break in a header, an address or text that cannot be encoded (ValueError), or an address
# over which Python's own parser of headers stumbles.
UNSENDABLE = (OSError, ValueError, LookupError, AttributeError, MessageError)


@channel("email")
def send_email(message: OutboxMessage) -> None:
    mail = EmailMessage(
        message.subject,
        message.body,
        to=[message.recipient],
        # Auto-responders must not answer us, and a repeat must be recognisable.
        headers={"Auto-Submitted": "auto-generated", "X-Message-Uid": str(message.uid)},
    )
    try:
        mail.send()
    except UNSENDABLE as error:
        raise DeliveryError(f"{type(error).__name__}: {error}") from error
