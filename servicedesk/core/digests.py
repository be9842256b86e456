"""A cap of e-mails per reader and hour; what is beyond it comes in one digest.

A message with a reader waits as `HELD` for its moment. Then it is let go, if the reader had fewer
than ESCALATION_MAILS_PER_HOUR in this hour of the clock, or else `COLLECTED` until the hour ends,
when one e-mail names all that was collected. Every message leads to the one that brought it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import ngettext, override

from servicedesk.core.models import OutboxMessage

HOUR = timedelta(hours=1)
BATCH = 2000
# Any constant: the advisory lock that lets one worker at a time count.
LOCK = 7_202_603
State = OutboxMessage.State


def release(now: datetime) -> int:
    """Let go what is due. One worker at a time counts; returns how many messages it moved."""
    moved = 0
    while found := _release(now):
        moved += found
    return moved


def _release(now: datetime) -> int:
    with transaction.atomic():
        waiting = OutboxMessage.objects.filter(
            status__in=[State.HELD, State.COLLECTED], next_attempt_at__lte=now
        )
        if not waiting.exists() or not _alone():
            return 0
        collected = _collected(now)
        held = list(
            waiting.filter(status=State.HELD)
            .select_for_update(skip_locked=True)
            .order_by("next_attempt_at", "id")[:BATCH]
        )
        for letters in collected.values():
            _send_digest(letters, now)
        _let_go(held, now)
        return len(held) + sum(map(len, collected.values()))


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        alone: bool = cursor.fetchone()[0]
    return alone


def _let_go(held: list[OutboxMessage], now: datetime) -> None:
    """Urgent ones first, then in the order of their moments, as far as each reader's cap goes."""
    if not held:
        return
    hour = now.replace(minute=0, second=0, microsecond=0)
    readers = {message.reader for message in held}
    had: dict[int | None, int] = defaultdict(int)
    had |= (
        OutboxMessage.objects.filter(reader__in=readers, released_at__gte=hour)
        .values_list("reader")
        .annotate(number=Count("id"))
    )
    go: list[int] = []
    collect: list[int] = []
    for message in sorted(held, key=lambda m: not m.data.get("urgent")):
        had[message.reader] += 1
        within = had[message.reader] <= settings.ESCALATION_MAILS_PER_HOUR
        (go if within else collect).append(message.pk)
    OutboxMessage.objects.filter(pk__in=go).update(
        status=State.QUEUED, next_attempt_at=now, released_at=now
    )
    OutboxMessage.objects.filter(pk__in=collect).update(
        status=State.COLLECTED, next_attempt_at=hour + HOUR
    )


def _collected(now: datetime) -> dict[int | None, list[OutboxMessage]]:
    """What is collected and due, by reader: all of it, so that it is one digest."""
    found: dict[int | None, list[OutboxMessage]] = defaultdict(list)
    rows = OutboxMessage.objects.filter(status=State.COLLECTED, next_attempt_at__lte=now)
    for message in rows.select_for_update().order_by("id"):
        found[message.reader].append(message)
    return found


def _send_digest(letters: Iterable[OutboxMessage], now: datetime) -> None:
    letters = sorted(letters, key=lambda m: datetime.fromisoformat(m.data["due_at"]))
    last = max(letters, key=lambda m: m.pk)
    with override(last.data["language"]):
        count = len(letters)
        subject = ngettext(
            "%(count)d more message about deadlines",
            "%(count)d more messages about deadlines",
            count,
        ) % {"count": count}
    lines = [f"{m.data['due']}  {m.subject}\n{m.data['link']}\n" for m in letters]
    digest = OutboxMessage.objects.create(
        channel="email",
        recipient=last.recipient,
        subject=subject,
        body="\n".join([f"{subject}\n", *lines]),
        dedup_key=f"digest:{last.reader}:{timezone.localtime(now):%Y-%m-%dT%H:%M:%S.%f}",
        next_attempt_at=now,
    )
    OutboxMessage.objects.filter(pk__in=[m.pk for m in letters]).update(
        status=State.DIGESTED, digest=digest
    )
