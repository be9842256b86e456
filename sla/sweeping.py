"""The sweep: takes the deadlines that have a step due, and lets the steps fire.

Why each step fires once: a batch is one transaction, so its effects and the new `next_step_at`
come together or not at all; the rows are locked, so no other sweep has them; and the unique
(deadline, step, generation) of an escalation refuses what would slip through all the same.
Cost depends on what is due, never on what is running.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import DataError, IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import Notification, User
from accounts.queries import Recipients, recipients
from servicedesk.core.actions import action
from servicedesk.core.actors import SYSTEM, Actor
from servicedesk.core.bulk import insert
from servicedesk.core.errors import Refused
from servicedesk.core.events import record_all
from servicedesk.core.fields import uuid7
from servicedesk.core.models import OutboxMessage
from servicedesk.core.outbox import queue_all
from sla.events import DeadlineStepFired, facts
from sla.kinds import KINDS, Rung, Step, due_rungs, silent_steps
from sla.models import Deadline

log = logging.getLogger(__name__)

BATCH = 200
# A deadline whose step cannot fire is tried again after this; it must not hold up the others.
POSTPONED = timedelta(minutes=1)

# FOR NO KEY UPDATE: rows that point to a deadline may be written while it is claimed.
# `kind`: in a rolling update an old worker leaves alone what only the new ones know.
CLAIM = """
    SELECT *, COALESCE(%s, statement_timestamp()) AS moment FROM sla_deadline
    WHERE status = 'running' AND next_step_at <= COALESCE(%s, statement_timestamp())
      AND kind = ANY(%s)
    ORDER BY next_step_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
ESCALATE = """
    INSERT INTO sla_escalation
        (uid, deadline_id, step, generation, due_at, fired_at, missed, superseded, told)
    SELECT v.uid, v.deadline, v.step, v.generation, v.due, %s, v.missed, v.superseded,
        v.told::bigint[]
    FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::smallint[], %s::timestamptz[],
        %s::boolean[], %s::boolean[], %s::text[])
        AS v (uid, deadline, step, generation, due, missed, superseded, told)
    ON CONFLICT (deadline_id, step, generation) DO NOTHING RETURNING deadline_id, step, id
"""
CLIMB = """
    UPDATE sla_deadline SET next_step = v.step, next_step_at = v.at,
        missed_at = CASE WHEN v.missed THEN COALESCE(missed_at, due_at) ELSE missed_at END
    FROM unnest(%s::bigint[], %s::smallint[], %s::timestamptz[], %s::boolean[])
        AS v (id, step, at, missed)
    WHERE sla_deadline.id = v.id
"""
BEAT = """
    INSERT INTO core_heartbeat (process, beat_at) VALUES (%s, statement_timestamp())
    ON CONFLICT (process) DO UPDATE SET beat_at = excluded.beat_at
"""


# What a bad row, or a listener that stumbles over it, may raise: it must not hold up the others.
# A lost database is none of them; the ticker waits for that one.
FAULTS = (
    Refused, DataError, IntegrityError, AttributeError, LookupError, TypeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fired:
    """A step that fires, and whether it speaks."""

    deadline: Deadline
    rung: Rung
    silent: bool
    to: Sequence[User]


def sweep(now: datetime | None = None, limit: int = BATCH) -> int:
    """One batch, one transaction; returns how many deadlines it dealt with.

    What is due, the database's clock decides. Tests and demo data may give a moment instead.
    """
    try:
        return _batch(at=now, limit=limit, by=SYSTEM)
    except FAULTS:
        log.exception("A batch of deadlines failed; they are taken one by one")
    return sum(_single(at=now, by=SYSTEM) for _each in range(limit))


@action
def _batch(*, at: datetime | None, limit: int, by: Actor) -> int:
    claimed = _claim(at, limit)
    if claimed:
        _fire(claimed, by=by)
    return len(claimed)


@action
def _single(*, at: datetime | None, by: Actor) -> int:
    """The next deadline alone. If it fails, it is put off and the log says why."""
    claimed = _claim(at, 1)
    for deadline in claimed:
        try:
            with transaction.atomic():
                _fire([deadline], by=by)
        except FAULTS:
            log.exception("Deadline %s cannot fire; put off", deadline.uid)
            later = _moment_of(deadline) + POSTPONED
            Deadline.objects.filter(pk=deadline.pk).update(next_step_at=later)
    return len(claimed)


def _claim(now: datetime | None, limit: int) -> list[Deadline]:
    """Lock due deadlines, earliest first; those that somebody else has locked are passed by."""
    return list(Deadline.objects.raw(CLAIM, [now, now, list(KINDS), limit]))


def _moment_of(deadline: Deadline) -> datetime:
    moment: datetime = deadline.moment  # type: ignore[attr-defined]
    return moment


def _fire(claimed: list[Deadline], *, by: Actor) -> None:
    """Everything that a batch writes, in a fixed number of statements."""
    now = _moment_of(claimed[0])
    people = recipients({deadline.owner_id for deadline in claimed})
    fired: list[Fired] = []
    climbed: list[tuple[int, int, datetime | None, bool]] = []
    for deadline in claimed:
        ladder = deadline.ladder()
        due = due_rungs(ladder, deadline.next_step, now)
        following = deadline.next_step + len(due)
        climbed.append(
            (
                deadline.pk,
                following,
                ladder[following].at if following < len(ladder) else None,
                any(rung.step.missed for rung in due),
            )
        )
        fired += _speakers(deadline, due, people)
    with connection.cursor() as cursor:
        cursor.execute(CLIMB, _columns(climbed, 4))
    _tell(_escalate(fired, now), now, by=by)


def _speakers(deadline: Deadline, due: list[Rung], people: Recipients) -> list[Fired]:
    """The due steps, each with the people it speaks to: nobody hears of two at once."""
    silent = silent_steps(due)
    heard: set[int] = set()
    found = []
    for rung in reversed(due):
        quiet = rung.step.name in silent
        told = [] if quiet else _people(rung.step, deadline, people)
        found.append(Fired(deadline, rung, quiet, [u for u in told if u.pk not in heard]))
        heard |= {user.pk for user in told}
    return found[::-1]


def _people(step: Step, deadline: Deadline, people: Recipients) -> list[User]:
    """Whom the step speaks to, each once."""
    found: dict[int, User] = {}
    for who in step.to:
        if who == "manager":
            users = people.managers
        elif who == "supervisor":
            users = people.supervisors(deadline.owner_id)
        else:
            users = people.owner(deadline.owner_id)
        found |= {user.pk: user for user in users}
    return list(found.values())


def _escalate(fired: list[Fired], now: datetime) -> list[tuple[int, Fired]]:
    """Write the escalations; returns those that did not exist before, with their keys."""
    rows = [
        (
            str(uuid7()), f.deadline.pk, f.rung.step.name, f.deadline.generation, f.rung.at,
            not f.rung.step.warns, f.silent, _array(f.to),
        )
        for f in fired
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(ESCALATE, [now, *_columns(rows, 8)])
        new = {(deadline_id, step): pk for deadline_id, step, pk in cursor.fetchall()}
    return [(new[key], f) for f in fired if (key := (f.deadline.pk, f.rung.step.name)) in new]


def _array(users: Sequence[User]) -> str:
    """As PostgreSQL writes an array; unnest() takes no arrays of arrays."""
    return f"{{{','.join(str(user.pk) for user in users)}}}"


def _tell(escalations: list[tuple[int, Fired]], now: datetime, *, by: Actor) -> None:
    """Journal, notifications, and e-mails into the outbox: one each per person and step."""
    record_all(
        [
            (
                DeadlineStepFired(
                    at=f.rung.at,
                    step=f.rung.step.name,
                    step_label=str(f.rung.step.label),
                    missed=not f.rung.step.warns,
                    **facts(f.deadline),
                ),
                [f.deadline.subject],
            )
            for _pk, f in escalations
        ],
        by=by,
    )
    notifications, mails = [], []
    words = cache(_words)
    for pk, f in escalations:
        for user in f.to:
            text, body = words(user.language, f.deadline.kind, f.rung.step)
            headline = text % {"label": f.deadline.label}
            key = f"escalation:{pk}:{user.pk}"
            notifications.append(_notification(f, user, headline, key, now))
            if user.email:
                mails.append(_mail(f, user, headline, body, key))
    insert(
        notifications, "uid", "user", "text", "url", "urgent", "dedup_key", "created_at",
        ignore_conflicts=True,
    )  # fmt: skip
    queue_all(mails)


def _words(language: str, kind: str, step: Step) -> tuple[str, str]:
    """Headline and body of all messages of one step in one language, with places to fill."""
    with override(language):
        headline = _("%(kind)s – %(step)s: %(label)s") % {
            "kind": _escaped(KINDS[kind].label), "step": _escaped(step.label), "label": "%(label)s"
        }  # fmt: skip
        return headline, _("Hello %(name)s,\n\n%(headline)s\nDue: %(due)s\n\n%(link)s\n")


def _escaped(label: Any) -> str:
    return str(label).replace("%", "%%")


def _notification(f: Fired, user: User, text: str, key: str, now: datetime) -> Notification:
    return Notification(
        user=user,
        text=text[:300],
        url=f.deadline.url,
        urgent=f.deadline.urgent or not f.rung.step.warns,
        dedup_key=key,
        created_at=now,
    )


def _mail(f: Fired, user: User, headline: str, body: str, key: str) -> OutboxMessage:
    return OutboxMessage(
        channel="email",
        recipient=user.email,
        subject=headline[:300],
        body=body
        % {
            "name": user.name,
            "headline": headline,
            "due": f"{timezone.localtime(f.deadline.due_at):%Y-%m-%d %H:%M}",
            "link": f"{settings.BASE_URL}{f.deadline.url}",
        },
        dedup_key=key,
    )


def _columns(rows: list[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows turned into arrays, one a column, for unnest()."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _each in range(width)]


def beat() -> None:
    """Say that this process sweeps. Silence of all of them is an alarm (sla.queries)."""
    with connection.cursor() as cursor:
        cursor.execute(BEAT, [f"{socket.gethostname()}:{os.getpid()}"[:100]])
