"""Start, meet, move and pause deadlines. Processes call these inside their own actions.

The caller has locked the subject, so two changes of its deadlines never run at once; the
sweep may hold the deadline for some milliseconds, and the functions here wait for it. Each
of them works in the caller's transaction (or in one of its own, where there is none).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import models, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import Event, record_all
from sla.events import (
    DeadlineCancelled,
    DeadlineMet,
    DeadlineMoved,
    DeadlinePaused,
    DeadlineResumed,
    DeadlineStarted,
    facts,
)
from sla.kinds import KINDS, Kind, Step, define, done_with
from sla.models import Deadline, DeadlineMove
from sla.states import Status
from sla.sweeping import sweep

__all__ = [
    "Kind", "Step", "cancel", "define", "meet", "move", "pause", "reassign", "resume", "start",
    "start_all", "sweep",
]  # fmt: skip

Cause = DeadlineMove.Cause


def start(
    kind: str,
    subject: models.Model,
    *,
    label: str,
    url: str,
    owner: User | None,
    due_at: datetime,
    at: datetime,
    by: Actor,
    urgent: bool = False,
) -> Deadline:
    """Start the clock. If it runs already, bring it up to date and move it, if need be."""
    [deadline] = start_all(
        {kind: due_at}, subject, label=label, url=url, owner=owner, at=at, by=by, urgent=urgent
    )
    return deadline


@transaction.atomic(savepoint=False)
def start_all(
    due: Mapping[str, datetime],
    subject: models.Model,
    *,
    label: str,
    url: str,
    owner: User | None,
    at: datetime,
    by: Actor,
    urgent: bool = False,
) -> list[Deadline]:
    """Start several clocks of one subject in as many statements as one takes: kind → due time."""
    for kind in due:
        _known(kind)
    running = {deadline.kind: deadline for deadline in _open_ones(subject, tuple(due))}
    for kind, deadline in running.items():
        _restart(
            deadline, label=label, url=url, owner=owner, due_at=due[kind], urgent=urgent, at=at,
            by=by,
        )  # fmt: skip
    new = [
        Deadline(
            kind=kind,
            subject_kind=subject._meta.label_lower,
            subject_id=subject.pk,
            label=label[:200],
            url=url,
            urgent=urgent,
            owner=owner,
            started_at=at,
            due_at=_after_start(due_at, at),
            original_due_at=due_at,
        )
        for kind, due_at in due.items()
        if kind not in running
    ]
    for deadline in new:
        _arm(deadline, fired=(), at=at)
    Deadline.objects.bulk_create(new)
    _record([DeadlineStarted(at=at, **facts(deadline)) for deadline in new], new, by=by)
    started = running | {deadline.kind: deadline for deadline in new}
    return [started[kind] for kind in due]


@transaction.atomic(savepoint=False)
def meet(kind: str, subject: models.Model, *, at: datetime, by: Actor) -> Deadline | None:
    """What was promised has happened, at `at`. None if no such deadline is open.

    Too late is a miss, also where the sweep had not come to it yet. On the other hand a
    `missed_at` that the sweep wrote stays, even if we hear only now that it was in time:
    `met_at` and `due_at` tell, and so does `DeadlineMet.late`.
    """
    deadline = _open_one(kind, subject)
    if deadline is None:
        return None
    if deadline.status == Status.PAUSED:
        _run_on(deadline, at=at, by=by)
    _note_miss(deadline, at=at)
    _stop(deadline, Status.MET)
    deadline.met_at = at
    deadline.save(
        update_fields=[
            "status", "paused_at", "met_at", "missed_at", "due_at", "paused_total", "next_step_at"
        ]
    )  # fmt: skip
    _record([DeadlineMet(at=at, late=deadline.late, **facts(deadline))], [deadline], by=by)
    return deadline


@transaction.atomic(savepoint=False)
def cancel(subject: models.Model, *kinds: str, at: datetime, by: Actor) -> None:
    """Nothing is owed any more: all open deadlines of the subject, or those of `kinds`."""
    deadlines = _open_ones(subject, kinds)
    for deadline in deadlines:
        _note_miss(deadline, at=at)
        _stop(deadline, Status.CANCELLED)
        deadline.save(update_fields=["status", "paused_at", "missed_at", "next_step_at"])
    _record([DeadlineCancelled(at=at, **facts(d)) for d in deadlines], deadlines, by=by)


@transaction.atomic(savepoint=False)
def move(
    kind: str,
    subject: models.Model,
    *,
    due_at: datetime,
    cause: str,
    reason: str,
    at: datetime,
    by: Actor,
) -> Deadline:
    """Move the due time and re-arm the steps that lie ahead. A miss before `at` stands."""
    deadline = _open_one(kind, subject)
    if deadline is None:
        raise Refused(_("There is no such deadline any more."))
    if deadline.due_at != due_at:
        _note_miss(deadline, at=at)
        _move(deadline, due_at=due_at, cause=cause, reason=reason, at=at, by=by)
    return deadline


@transaction.atomic(savepoint=False)
def pause(subject: models.Model, *kinds: str, reason: str, at: datetime, by: Actor) -> None:
    """Stop the clock; the time that remains is kept."""
    deadlines = [d for d in _open_ones(subject, kinds) if d.status == Status.RUNNING]
    for deadline in deadlines:
        _note_miss(deadline, at=at)
        deadline.status = Status.PAUSED
        # Told late, a pause may begin before the last one ended: that time is counted once.
        ends = [pause.moved_at for pause in deadline.pauses()]
        deadline.paused_at, deadline.pause_reason = (
            max(at, *ends, deadline.started_at),
            reason[:500],
        )
        deadline.save(update_fields=["status", "paused_at", "pause_reason", "missed_at"])
    _record([DeadlinePaused(at=at, reason=reason, **facts(d)) for d in deadlines], deadlines, by=by)


@transaction.atomic(savepoint=False)
def resume(subject: models.Model, *kinds: str, at: datetime, by: Actor) -> None:
    """Let the clock run on: everything still to come moves by the length of the pause.

    A pause that began after the due time mends nothing: the promise was broken by then, and
    the due time stays.
    """
    deadlines = [d for d in _open_ones(subject, kinds) if d.status == Status.PAUSED]
    events: list[Event] = []
    for deadline in deadlines:
        _run_on(deadline, at=at, by=by)
        deadline.save(
            update_fields=["status", "paused_at", "due_at", "paused_total", "next_step_at"]
        )
        events.append(DeadlineResumed(at=at, **facts(deadline)))
    _record(events, deadlines, by=by)


@transaction.atomic(savepoint=False)
def reassign(subject: models.Model, owner: User | None, *, by: Actor) -> None:
    """From now on the steps speak to the new owner. The action that calls is the record."""
    Deadline.objects.of(subject).open().update(owner=owner)


def _open_ones(subject: models.Model, kinds: tuple[str, ...]) -> list[Deadline]:
    """Locked, in one order: the sweep holds several, too."""
    found = Deadline.objects.of(subject).open()
    if kinds:
        found = found.filter(kind__in=kinds)
    return list(found.select_for_update(no_key=True).order_by("id"))


def _known(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"define() the kind {kind} first")


def _open_one(kind: str, subject: models.Model) -> Deadline | None:
    _known(kind)
    return next(iter(_open_ones(subject, (kind,))), None)


def _after_start(due_at: datetime, started_at: datetime) -> datetime:
    if due_at < started_at:
        raise Refused(_("The deadline would be over before it starts."), field="due_at")
    return due_at


def _note_miss(deadline: Deadline, *, at: datetime) -> None:
    """The promise is broken at the due time, whether the sweep has come to it or not."""
    until = deadline.paused_at or at
    if until > deadline.due_at and deadline.missed_at is None:
        deadline.missed_at = deadline.due_at


def _stop(deadline: Deadline, status: Status) -> None:
    deadline.status, deadline.paused_at, deadline.next_step_at = status, None, None


def _fired(deadline: Deadline) -> set[str]:
    """The steps below the one that the deadline waits for."""
    passed = deadline.ladder()[: deadline.next_step]
    return {*deadline.skipped, *(rung.step.name for rung in passed)}


def _arm(deadline: Deadline, *, fired: Collection[str], at: datetime) -> None:
    """Put the deadline before the first step of its ladder."""
    deadline.skipped = []
    deadline.skipped = done_with(deadline.ladder(), fired, at)
    ladder = deadline.ladder()
    deadline.next_step, deadline.next_step_at = 0, ladder[0].at if ladder else None


def _restart(
    deadline: Deadline,
    *,
    label: str,
    url: str,
    owner: User | None,
    due_at: datetime,
    urgent: bool,
    at: datetime,
    by: Actor,
) -> None:
    deadline.label, deadline.url, deadline.owner = label[:200], url, owner
    deadline.save(update_fields=["label", "url", "owner"])
    if (deadline.due_at, deadline.urgent) != (due_at, urgent):
        _note_miss(deadline, at=at)
        _move(deadline, due_at=due_at, cause=Cause.CHANGE, reason="", at=at, by=by, urgent=urgent)


def _move(
    deadline: Deadline,
    *,
    due_at: datetime,
    cause: str,
    reason: str,
    at: datetime,
    by: Actor,
    urgent: bool | None = None,
) -> None:
    fired, old_due_at = _fired(deadline), deadline.due_at
    deadline.due_at = _after_start(due_at, deadline.started_at)
    deadline.urgent = deadline.urgent if urgent is None else urgent
    deadline.paused_total = sum(
        (pause.within(deadline.due_at) for pause in deadline.pauses()), timedelta(0)
    )
    deadline.generation += 1
    _arm(deadline, fired=fired, at=deadline.paused_at or at)
    deadline.save(
        update_fields=[
            "due_at", "urgent", "paused_total", "generation", "missed_at", "skipped", "next_step",
            "next_step_at",
        ]
    )  # fmt: skip
    if due_at != old_due_at:
        _note_move(deadline, old_due_at, cause, reason, at=at, by=by)
        event = DeadlineMoved(
            at=at, cause=cause, reason=reason, old_due_at=old_due_at.isoformat(), **facts(deadline)
        )
        _record([event], [deadline], by=by)


def _run_on(deadline: Deadline, *, at: datetime, by: Actor) -> None:
    """End the pause: the due time and the next step move by its length."""
    began, old_due_at = deadline.paused_at, deadline.due_at
    deadline.status, deadline.paused_at = Status.RUNNING, None
    if began is None or began > old_due_at or at <= began:
        return
    deadline.due_at += at - began
    deadline.paused_total += at - began
    if deadline.next_step_at is not None:
        deadline.next_step_at += at - began
    _note_move(deadline, old_due_at, Cause.PAUSE, deadline.pause_reason, at=at, by=by)


def _note_move(
    deadline: Deadline, old_due_at: datetime, cause: str, reason: str, *, at: datetime, by: Actor
) -> None:
    DeadlineMove.objects.create(
        deadline=deadline,
        cause=cause,
        reason=reason[:500],
        old_due_at=old_due_at,
        new_due_at=deadline.due_at,
        moved_at=at,
        by_label=by.label,
    )


def _record(events: Sequence[Event], deadlines: list[Deadline], *, by: Actor) -> None:
    if events:
        record_all(
            [(event, [d.subject]) for event, d in zip(events, deadlines, strict=True)], by=by
        )
