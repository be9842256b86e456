"""Answers promised by a time (回电承诺, CALL-6, CALL-7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from accounts.models import User
from customers.models import Customer, Store
from servicedesk.core import rules
from servicedesk.core.actions import action, advance, begin, require
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import Event, record
from sla import deadlines
from tickets.events import (
    PromiseAttempted,
    PromiseDropped,
    PromiseKept,
    PromiseMade,
    PromiseMoved,
    PromiseReassigned,
)
from tickets.models import Call, CallbackPromise, Ticket
from tickets.states import PROMISE


@action
def make_promise(
    *,
    owner: User,
    caller_name: str,
    caller_number: str,
    question: str,
    due_at: datetime,
    call: Call | None = None,
    ticket: Ticket | None = None,
    customer: Customer | None = None,
    store: Store | None = None,
    at: datetime,
    by: Actor,
) -> CallbackPromise:
    require(by, "calls.take")
    if due_at <= at:
        raise Refused(_("This time has passed already."), field="due_at")
    _can_keep(owner)
    promise = CallbackPromise.objects.create(
        owner=owner,
        call=call,
        ticket=ticket,
        customer=customer or (store.customer if store else None),
        store=store,
        caller_name=caller_name,
        caller_number=caller_number,
        question=question,
        promised_at=at,
        original_due_at=due_at,
        due_at=due_at,
    )
    _record(
        PromiseMade(
            at=at,
            promise_uid=str(promise.uid),
            owner_id=owner.pk,
            owner_name=owner.name,
            due_at=due_at.isoformat(),
        ),
        promise,
        by=by,
    )
    deadlines.start(
        "promise.answer",
        promise,
        label=_("Callback to %(caller)s") % {"caller": caller_name},
        url=promise.get_absolute_url(),
        owner=owner,
        due_at=due_at,
        at=at,
        by=by,
    )
    return promise


@action
def keep(promise: CallbackPromise, *, answer: str, at: datetime, by: Actor) -> CallbackPromise:
    """The caller has his answer."""
    step = begin(PROMISE, "keep", promise, by=by)
    _check_moment(promise, at)
    _belongs(promise, by)
    promise.kept_at = at
    promise.answer = answer
    advance(promise, step, "kept_at", "answer")
    deadlines.meet("promise.answer", promise, at=at, by=by)
    _record(
        PromiseKept(at=at, promise_uid=str(promise.uid), answer=answer, late=at > promise.due_at),
        promise,
        by=by,
    )
    _judge(promise, at=at)
    return promise


@action
def move(
    promise: CallbackPromise,
    *,
    due_at: datetime,
    spoken_to: str,
    reason: str,
    at: datetime,
    by: Actor,
) -> CallbackPromise:
    """A new time, which needs a word with the caller first: whom, and what was explained (CALL-7)."""
    begin(PROMISE, "move", promise, by=by)
    _check_moment(promise, at)
    _belongs(promise, by)
    if not spoken_to:
        raise Refused(_("Say whom you spoke to: a new time needs the caller's consent."),
                      field="spoken_to")  # fmt: skip
    if due_at <= at:
        raise Refused(_("This time has passed already."), field="due_at")
    if due_at <= promise.due_at:
        raise Refused(_("The new time must be later than the promised one."), field="due_at")
    former, promise.due_at = promise.due_at, due_at
    promise.moved_count += 1
    advance(promise, PROMISE["move"], "due_at", "moved_count")
    deadlines.move(
        "promise.answer",
        promise,
        due_at=due_at,
        cause="extension",
        reason=f"{spoken_to}: {reason}"[:500],
        at=at,
        by=by,
    )
    _record(
        PromiseMoved(
            at=at,
            promise_uid=str(promise.uid),
            old_due_at=former.isoformat(),
            due_at=due_at.isoformat(),
            spoken_to=spoken_to,
            reason=reason,
            in_time=at <= former,
        ),
        promise,
        by=by,
    )
    return promise


@action
def attempt(
    promise: CallbackPromise, *, note: str = "", at: datetime, by: Actor
) -> CallbackPromise:
    """Rang, and nobody answered. The promise stands."""
    step = begin(PROMISE, "attempt", promise, by=by)
    _check_moment(promise, at)
    _belongs(promise, by)
    advance(promise, step)
    _record(PromiseAttempted(at=at, promise_uid=str(promise.uid), note=note), promise, by=by)
    return promise


@action
def reassign(
    promise: CallbackPromise, *, owner: User, reason: str = "", at: datetime, by: Actor
) -> CallbackPromise:
    step = begin(PROMISE, "reassign", promise, by=by)
    _check_moment(promise, at)
    if owner.pk == promise.owner_id:
        raise Refused(_("This colleague has the promise already."), field="owner")
    _can_keep(owner)
    former, promise.owner = promise.owner, owner
    advance(promise, step, "owner")
    deadlines.reassign(promise, owner, by=by)
    _record(
        PromiseReassigned(
            at=at,
            promise_uid=str(promise.uid),
            from_name=former.name,
            to_name=owner.name,
            to_user_id=owner.pk,
            reason=reason,
        ),
        promise,
        by=by,
    )
    return promise


@action
def drop(
    promise: CallbackPromise, *, spoken_to: str, reason: str, at: datetime, by: Actor
) -> CallbackPromise:
    """The caller does not want the answer any more, and said so himself."""
    step = begin(PROMISE, "drop", promise, by=by)
    _check_moment(promise, at)
    _belongs(promise, by)
    if not spoken_to:
        raise Refused(_("Say whom you spoke to."), field="spoken_to")
    promise.answer = reason
    advance(promise, step, "answer")
    deadlines.cancel(promise, "promise.answer", at=at, by=by)
    _record(
        PromiseDropped(at=at, promise_uid=str(promise.uid), spoken_to=spoken_to, reason=reason),
        promise,
        by=by,
    )
    _judge(promise, at=at)
    return promise


def _check_moment(promise: CallbackPromise, at: datetime) -> None:
    if at < promise.promised_at:
        raise Refused(_("That is before the promise was made."), field="at")


def _belongs(promise: CallbackPromise, by: Actor) -> None:
    if by.id != promise.owner_id and not by.may("promises.see_all"):
        raise PermissionDenied(f"{by.label} does not own the promise")


def _can_keep(owner: User) -> None:
    if not (owner.is_active and owner.as_actor().may("promises.work")):
        raise Refused(_("%(person)s cannot keep a promise.") % {"person": owner}, field="owner")


def _record(event: Event, promise: CallbackPromise, *, by: Actor) -> None:
    about: list[Any] = [promise, promise.call, promise.ticket, promise.store, promise.customer]
    record(event, about=about, by=by)


def _judge(promise: CallbackPromise, *, at: datetime) -> None:
    rules.store(
        promise,
        counts_at=at,
        person_id=promise.owner_id,
        team_id=promise.owner.team_id,
        at=at,
    )
