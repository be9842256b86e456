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
from datetime import datetime, timedelta

from django.db import DataError, IntegrityError, connection, transaction

from accounts.queries import Recipients, recipients
from servicedesk.core.actions import action
from servicedesk.core.actors import SYSTEM, Actor
from servicedesk.core.errors import Refused
from sla.kinds import KINDS, Rung, due_rungs, silent_steps
from sla.models import Deadline
from sla.telling import Fired, Note, columns, escalate, note_of, people_of, tell

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
    people = recipients({deadline.owner_id for deadline in claimed}, at=now)
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
        cursor.execute(CLIMB, columns(climbed, 4))
    tell(escalate(fired, now), now, by=by)


def _speakers(deadline: Deadline, due: list[Rung], people: Recipients) -> list[Fired]:
    """The due steps, each with the people it speaks to: nobody hears of two at once.

    Where a person's word ended the ladder they are noted, the miss too, but tell nobody.
    """
    if deadline.is_stopped:
        return [Fired(deadline, rung, (), silent=True, note=Note.STOPPED) for rung in due]
    silent = silent_steps(due)
    heard: set[int] = set()
    found = []
    for rung in reversed(due):
        step = rung.step
        if step.name in silent:
            found.append(Fired(deadline, rung, (), silent=True))
            continue
        told = people_of(step, deadline, people)
        to = [user for user in told if user.pk not in heard]
        found.append(Fired(deadline, rung, to, note=note_of(step, people)))
        heard |= {user.pk for user in told}
    return found[::-1]


def beat() -> None:
    """Say that this process sweeps. Silence of all of them is an alarm (sla.queries)."""
    with connection.cursor() as cursor:
        cursor.execute(BEAT, [f"{socket.gethostname()}:{os.getpid()}"[:100]])
