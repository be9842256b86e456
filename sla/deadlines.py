"""Start, meet, move and pause deadlines. Processes call these inside their own actions.

The caller has locked the subject, so two changes of its deadlines never run at once; the
sweep may hold the deadline for some milliseconds, and the functions here wait for it. Each
of them works in the caller's transaction (or in one of its own, where there is none).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
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
    terms,
)
from sla.kinds import KINDS, Kind, Step, define, done_with
from sla.models import Deadline, DeadlineMove
from sla.policies import By, Plan, Scope, choose, due_by, plan
from sla.states import Status
from sla.telling import fall_silent, take_back
from sla.worktime import after, elapsed

__all__ = [
    "By", "Kind", "Plan", "Scope", "Step", "cancel", "define", "due_with", "follow", "meet", "move", "pause", "plan",
    "plan_for", "reassign", "rescope", "resume", "run_out", "start", "start_all",
]  # fmt: skip

Cause = DeadlineMove.Cause


def start(
    kind: str,
    subject: models.Model,
    *,
    label: str,
    url: str,
    owner: User | None,
    due_at: datetime | Plan,
    at: datetime,
    by: Actor,
    scope: Scope = Scope(),  # noqa: B008 - frozen
) -> Deadline:
    """Start the clock. If it runs already, bring it up to date and move it, if need be."""
    [deadline] = start_all(
        {kind: due_at}, subject, label=label, url=url, owner=owner, at=at, by=by, scope=scope
    )
    return deadline


@transaction.atomic(savepoint=False)
def start_all(
    due: Mapping[str, datetime | Plan],
    subject: models.Model,
    *,
    label: str,
    url: str,
    owner: User | None,
    at: datetime,
    by: Actor,
    scope: Scope = Scope(),  # noqa: B008 - frozen
) -> list[Deadline]:
    """Start several clocks of one subject in as many statements as one takes.

    due: kind → due time, or what `plan` made of the policies. A clock that runs already takes new
    terms where it is due at another time, its urgency changed, or another policy holds for it now;
    a new version of its own policy reaches it only if that version is to spread.
    """
    for kind in due:
        _known(kind)
    named = {kind: moment for kind, moment in due.items() if isinstance(moment, datetime)}
    plans = {k: m for k, m in due.items() if isinstance(m, Plan)} | plan(named, scope, at=at)
    running = {deadline.kind: deadline for deadline in _open_ones(subject, tuple(due))}
    if any(deadline.owner_id != (owner and owner.pk) for deadline in running.values()):
        take_back(Deadline.objects.filter(pk__in=[d.pk for d in running.values()]), owner)
    for kind, deadline in running.items():
        deadline.label, deadline.url, deadline.owner = label[:200], url, owner
        deadline.customer_id, deadline.product_id = scope.customer_id, scope.product_id
        deadline.save(update_fields=["label", "url", "owner", "customer", "product"])
        if _differs(deadline, plans[kind], scope):
            # Where the moment stays, the sweep notes the miss, and the journal with it.
            if plans[kind].due_at != deadline.due_at:
                _note_miss(deadline, at=at)
            _move(
                deadline, plans[kind], cause=Cause.CHANGE, reason="", at=at, by=by,
                urgent=scope.urgent,
            )  # fmt: skip
    new = [
        Deadline(
            kind=kind,
            subject_kind=subject._meta.label_lower,
            subject_id=subject.pk,
            label=label[:200],
            url=url,
            urgent=scope.urgent,
            customer_id=scope.customer_id,
            product_id=scope.product_id,
            owner=owner,
            terms=plans[kind].terms,
            calendar=plans[kind].calendar,
            target=plans[kind].target,
            latest=plans[kind].latest,
            started_at=at,
            due_at=_after_start(plans[kind].due_at, at),
            original_due_at=plans[kind].due_at,
        )
        for kind in due
        if kind not in running
    ]
    for deadline in new:
        _arm(deadline, fired=(), at=at)
    Deadline.objects.bulk_create(new)
    _record([DeadlineStarted(at=at, **terms(d), **facts(d)) for d in new], new, by=by)
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
        _run_on(deadline, at=_end_of_pause(deadline, at), by=by)
    _note_miss(deadline, at=at)
    _stop(deadline, Status.MET)
    deadline.met_at = at
    deadline.save(
        update_fields=[
            "status", "paused_at", "paused_until", "met_at", "missed_at", "due_at",
            "paused_total", "next_step_at",
        ]
    )  # fmt: skip
    fall_silent([deadline], _("Withdrawn: it is done."))
    _record([DeadlineMet(at=at, late=deadline.late, **facts(deadline))], [deadline], by=by)
    return deadline


@transaction.atomic(savepoint=False)
def cancel(subject: models.Model, *kinds: str, at: datetime, by: Actor) -> None:
    """Nothing is owed any more: all open deadlines of the subject, or those of `kinds`."""
    deadlines = _open_ones(subject, kinds)
    for deadline in deadlines:
        _note_miss(deadline, at=at)
        _stop(deadline, Status.CANCELLED)
        deadline.save(
            update_fields=["status", "paused_at", "paused_until", "missed_at", "next_step_at"]
        )
    fall_silent(deadlines, _("Withdrawn: it is not needed any more."))
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
    """Move the due time and re-arm the steps that lie ahead. A miss before `at` stands.

    The terms stay. From now on it is the moment agreed upon that counts, not the target.
    """
    deadline = _open_one(kind, subject)
    if deadline is None:
        raise Refused(_("There is no such deadline any more."))
    if deadline.due_at != due_at:
        _note_miss(deadline, at=at)
        agreed = Plan(due_at, None, None, deadline.terms, deadline.calendar)
        _move(deadline, agreed, cause=cause, reason=reason, at=at, by=by)
    return deadline


def due_with(kind: str, subject: models.Model, *, latest: datetime | None) -> datetime:
    """When the open deadline would be due if the customer wanted it by `latest`."""
    deadline = _open_one(kind, subject)
    if deadline is None:
        raise Refused(_("There is no such deadline any more."))
    if deadline.target is None:
        return latest or deadline.due_at
    holds = [pause.hold for pause in deadline.pauses()]
    return due_by(deadline.target, deadline.calendar, latest, at=deadline.started_at, holds=holds)


def plan_for(deadline: Deadline, terms: Plan) -> Plan:
    """When a deadline would be due if it had run under these terms since its start.

    What the customer agreed to in the meantime stays: an extended deadline keeps its moment.
    """
    if deadline.target is None or terms.target is None:
        return replace(terms, due_at=deadline.due_at, target=None, latest=None)
    holds = [pause.hold for pause in deadline.pauses()]
    due_at = due_by(terms.target, terms.calendar, terms.latest, at=deadline.started_at, holds=holds)
    return replace(terms, due_at=due_at)


@transaction.atomic(savepoint=False)
def rescope(
    subject: models.Model, scope: Scope, *, reason: str, at: datetime, by: Actor
) -> list[Deadline]:
    """What the policies are chosen by was corrected: count as if it had been known at the start.

    None becomes due later by this: that needs the customer's consent. Returns what is open.
    """
    found = _open_ones(subject, ())
    for deadline in found:
        deadline.customer_id, deadline.product_id = scope.customer_id, scope.product_id
        deadline.save(update_fields=["customer", "product"])
        chosen = choose([deadline.kind], scope, at=deadline.started_at).get(deadline.kind)
        version = chosen.current if chosen else None
        target = (version and version.target) or KINDS[deadline.kind].target_for(
            urgent=scope.urgent
        )
        calendar = version.calendar.current if version and version.calendar else None
        bare = Plan(deadline.due_at, target, deadline.latest, version, calendar)
        if not _differs(deadline, bare, scope):
            continue
        new = plan_for(deadline, bare)
        if new.due_at > deadline.due_at:
            new = replace(new, due_at=deadline.due_at, latest=deadline.due_at)
        _note_miss(deadline, at=at)
        _move(deadline, new, cause=Cause.CHANGE, reason=reason, at=at, by=by, urgent=scope.urgent)
    return found


@transaction.atomic(savepoint=False)
def follow(deadline: Deadline, terms: Plan, *, reason: str, at: datetime, by: Actor) -> None:
    """Put a running deadline, locked by the caller, under new terms. A miss before `at` stands."""
    _note_miss(deadline, at=at)
    _move(deadline, terms, cause=Cause.POLICY, reason=reason, at=at, by=by)


@transaction.atomic(savepoint=False)
def pause(
    subject: models.Model, *kinds: str, reason: str, until: datetime, at: datetime, by: Actor
) -> list[Deadline]:
    """Stop those clocks whose terms let them stand still; the time that remains is kept.

    Each runs on by itself at `until`, or earlier, where its terms allow no longer pause.
    Returns the deadlines that stand still now.
    """
    if until <= at:
        raise Refused(_("A pause ends in the future."), field="until")
    if not reason.strip():
        raise Refused(_("Say why the clock stands still."), field="reason")
    paused = []
    for deadline in _open_ones(subject, kinds):
        left = deadline.longest_pause - deadline.paused_total
        if deadline.status != Status.RUNNING or left <= timedelta(0):
            continue
        _note_miss(deadline, at=at)
        # Told late, a pause may begin before the last one ended: that time is counted once.
        began = max(at, *(p.moved_at for p in deadline.pauses()), deadline.started_at)
        if until <= began:
            continue
        deadline.status, deadline.pause_reason = Status.PAUSED, reason[:500]
        deadline.paused_at = began
        deadline.paused_until = min(until, after(deadline.work, began, left))
        deadline.save(
            update_fields=["status", "paused_at", "paused_until", "pause_reason", "missed_at"]
        )
        paused.append(deadline)
    _record(
        [
            DeadlinePaused(at=at, reason=reason, until=_iso(d.paused_until), **facts(d))
            for d in paused
        ],
        paused,
        by=by,
    )
    return paused


@transaction.atomic(savepoint=False)
def resume(subject: models.Model, *kinds: str, at: datetime, by: Actor) -> list[Deadline]:
    """Let the clocks run on: everything still to come moves by the length of the pause.

    A pause that began after the due time mends nothing: the promise was broken by then, and
    the due time stays. Returns the deadlines that run again.
    """
    paused = [d for d in _open_ones(subject, kinds) if d.status == Status.PAUSED]
    _resume(paused, at=at, by=by)
    return paused


@transaction.atomic(savepoint=False)
def run_out(deadlines: list[Deadline], *, by: Actor) -> None:
    """Let clocks run on whose pause is over; the caller has locked them."""
    for deadline in deadlines:
        assert deadline.paused_until is not None
        _resume([deadline], at=deadline.paused_until, by=by)


def _resume(deadlines: list[Deadline], *, at: datetime, by: Actor) -> None:
    events: list[Event] = []
    for deadline in deadlines:
        ended, old_due_at = _end_of_pause(deadline, at), deadline.due_at
        _run_on(deadline, at=ended, by=by)
        deadline.save(
            update_fields=[
                "status", "paused_at", "paused_until", "due_at", "paused_total", "next_step_at",
            ]
        )  # fmt: skip
        events.append(
            DeadlineResumed(at=ended, old_due_at=old_due_at.isoformat(), **facts(deadline))
        )
    _record(events, deadlines, by=by)


@transaction.atomic(savepoint=False)
def reassign(subject: models.Model, owner: User | None, *, by: Actor) -> None:
    """From now on the steps speak to the new owner. The action that calls is the record."""
    mine = Deadline.objects.of(subject).open()
    take_back(mine, owner)
    mine.update(owner=owner)


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


def _differs(deadline: Deadline, plan: Plan, scope: Scope) -> bool:
    """Is it due at another time, urgent where it was not, or under another policy?"""
    runs = deadline.terms.policy_id if deadline.terms else None
    holds = plan.terms.policy_id if plan.terms else None
    return (deadline.due_at, deadline.urgent, runs) != (plan.due_at, scope.urgent, holds)


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
    deadline.status, deadline.next_step_at = status, None
    deadline.paused_at = deadline.paused_until = None


def _end_of_pause(deadline: Deadline, at: datetime) -> datetime:
    """When the pause ends that somebody ends at `at`: it may have run out by then."""
    return min(at, deadline.paused_until) if deadline.paused_until else at


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


def _move(
    deadline: Deadline,
    plan: Plan,
    *,
    cause: str,
    reason: str,
    at: datetime,
    by: Actor,
    urgent: bool | None = None,
) -> None:
    fired, old_due_at = _fired(deadline), deadline.due_at
    old_terms = (deadline.terms_id, deadline.calendar_id)
    deadline.urgent = deadline.urgent if urgent is None else urgent
    deadline.due_at = _after_start(plan.due_at, deadline.started_at)
    deadline.target, deadline.latest = plan.target, plan.latest
    deadline.terms, deadline.calendar = plan.terms, plan.calendar
    deadline.paused_total = sum(
        (_held(deadline, *pause.hold) for pause in deadline.pauses()), timedelta(0)
    )
    deadline.generation += 1
    _arm(deadline, fired=fired, at=deadline.paused_at or at)
    deadline.save(
        update_fields=[
            "due_at", "target", "latest", "terms", "calendar", "urgent", "paused_total",
            "generation", "missed_at", "skipped", "next_step", "next_step_at",
        ]
    )  # fmt: skip
    same = (deadline.due_at, (deadline.terms_id, deadline.calendar_id)) == (old_due_at, old_terms)
    if same and cause != Cause.POLICY:
        return
    _note_move(deadline, old_due_at, cause, reason, at=at, by=by)
    event = DeadlineMoved(
        at=at, cause=cause, reason=reason, old_due_at=old_due_at.isoformat(), **terms(deadline),
        **facts(deadline),
    )  # fmt: skip
    _record([event], [deadline], by=by)


def _held(deadline: Deadline, began: datetime, ended: datetime) -> timedelta:
    """How much of a pause counts: what lies in working time before the due time."""
    return elapsed(deadline.work, began, min(ended, deadline.due_at))


def _run_on(deadline: Deadline, *, at: datetime, by: Actor) -> None:
    """End the pause: what was left of the time when it began is left now, in working time."""
    began, old_due_at = deadline.paused_at, deadline.due_at
    deadline.status, deadline.paused_at, deadline.paused_until = Status.RUNNING, None, None
    if began is None or began > old_due_at or at <= began:
        return
    deadline.due_at = after(deadline.work, at, elapsed(deadline.work, began, old_due_at))
    deadline.paused_total += elapsed(deadline.work, began, at)
    if deadline.next_step_at is not None:
        deadline.next_step_at = deadline.ladder()[deadline.next_step].at
    _note_move(
        deadline, old_due_at, Cause.PAUSE, deadline.pause_reason, at=at, by=by, began_at=began
    )


def _note_move(
    deadline: Deadline,
    old_due_at: datetime,
    cause: str,
    reason: str,
    *,
    at: datetime,
    by: Actor,
    began_at: datetime | None = None,
) -> None:
    DeadlineMove.objects.create(
        deadline=deadline,
        cause=cause,
        reason=reason[:500],
        old_due_at=old_due_at,
        new_due_at=deadline.due_at,
        began_at=began_at,
        moved_at=at,
        by_label=by.label,
    )


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _record(events: Sequence[Event], deadlines: list[Deadline], *, by: Actor) -> None:
    if events:
        record_all(
            [(event, [d.subject]) for event, d in zip(events, deadlines, strict=True)], by=by
        )
