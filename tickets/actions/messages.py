"""Messages for absent colleagues (留言, CALL-4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from accounts.models import User
from customers.models import Customer, Store
from servicedesk.core import rules
from servicedesk.core.actions import action, advance, begin, require
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record
from sla import deadlines
from tickets.events import MessageFinished, MessagePassedOn, MessageRead, MessageTaken
from tickets.models import Call, Message
from tickets.states import MESSAGE

READ_WITHIN = timedelta(minutes=30)


@action
def take_message(
    *,
    to_user: User,
    caller_name: str,
    caller_number: str,
    text: str,
    call_back_by: datetime,
    about_visit: bool = False,
    call: Call | None = None,
    customer: Customer | None = None,
    store: Store | None = None,
    at: datetime,
    by: Actor,
) -> Message:
    require(by, "calls.take")
    if call_back_by <= at:
        raise Refused(_("This time has passed already."), field="call_back_by")
    if not to_user.is_active:
        raise Refused(_("%(person)s does not work here any more.") % {"person": to_user},
                      field="to_user")  # fmt: skip
    message = Message.objects.create(
        to_user=to_user,
        taken_by_id=cast(int, by.id),
        call=call,
        customer=customer or (store.customer if store else None),
        store=store,
        caller_name=caller_name,
        caller_number=caller_number,
        about_visit=about_visit,
        text=text,
        call_back_by=call_back_by,
        taken_at=at,
    )
    record(
        MessageTaken(
            at=at, about_visit=about_visit, call_back_by=call_back_by.isoformat(), **_who(message)
        ),
        about=[message, call, store, message.customer],
        by=by,
    )
    due = {"message.read": min(at + READ_WITHIN, call_back_by), "message.callback": call_back_by}
    _start_clocks(message, due, at=at, by=by)
    return message


@action
def read(message: Message, *, at: datetime, by: Actor) -> Message:
    """Only the addressee reads it: somebody else's click would prove nothing (CALL-4)."""
    step = begin(MESSAGE, "read", message, by=by)
    _check_moment(message, at)
    if by.id != message.to_user_id:
        raise PermissionDenied(f"{by.label} is not the addressee")
    message.read_at = at
    advance(message, step, "read_at")
    deadlines.meet("message.read", message, at=at, by=by)
    record(MessageRead(at=at, **_who(message)), about=[message, message.call], by=by)
    return message


@action
def finish(message: Message, *, outcome: str, at: datetime, by: Actor) -> Message:
    """The caller was called back, or it was seen to otherwise; `outcome` says how."""
    step = begin(MESSAGE, "finish", message, by=by)
    _check_moment(message, at)
    _belongs(message, by)
    if message.read_at is None:
        message.read_at = at
        deadlines.meet("message.read", message, at=at, by=by)
    message.done_at = at
    message.outcome = outcome
    advance(message, step, "read_at", "done_at", "outcome")
    deadlines.meet("message.callback", message, at=at, by=by)
    record(
        MessageFinished(at=at, outcome=outcome, late=at > message.call_back_by, **_who(message)),
        about=[message, message.call, message.store, message.customer],
        by=by,
    )
    rules.store(
        message,
        counts_at=at,
        person_id=message.to_user_id,
        team_id=message.to_user.team_id,
        at=at,
    )
    return message


@action
def pass_on(
    message: Message, *, to_user: User, reason: str = "", at: datetime, by: Actor
) -> Message:
    """Another colleague is the right one. The time by which to call back stays."""
    step = begin(MESSAGE, "pass_on", message, by=by)
    _check_moment(message, at)
    _belongs(message, by)
    if to_user.pk == message.to_user_id:
        raise Refused(_("The message is addressed to this colleague already."), field="to_user")
    if not to_user.is_active:
        raise Refused(_("%(person)s does not work here any more.") % {"person": to_user},
                      field="to_user")  # fmt: skip
    former = message.to_user
    message.to_user = to_user
    message.read_at = None
    advance(message, step, "to_user", "read_at")
    deadlines.cancel(message, "message.read", at=at, by=by)
    _start_clocks(message, {"message.read": at + READ_WITHIN}, at=at, by=by)
    deadlines.reassign(message, to_user, by=by)
    record(
        MessagePassedOn(at=at, from_name=former.name, reason=reason, **_who(message)),
        about=[message, message.call],
        by=by,
    )
    return message


def _check_moment(message: Message, at: datetime) -> None:
    if at < message.taken_at:
        raise Refused(_("That is before the message was taken."), field="at")


def _belongs(message: Message, by: Actor) -> None:
    if by.id != message.to_user_id and not by.may("promises.see_all"):
        raise PermissionDenied(f"{by.label} is not the addressee")


def _who(message: Message) -> dict[str, Any]:
    return {
        "message_uid": str(message.uid),
        "to_user_id": message.to_user_id,
        "to_name": message.to_user.name,
    }


def _start_clocks(
    message: Message, due: Mapping[str, datetime], *, at: datetime, by: Actor
) -> None:
    deadlines.start_all(
        due,
        message,
        label=_("Message of %(caller)s") % {"caller": message.caller_name},
        url=message.get_absolute_url(),
        owner=message.to_user,
        at=at,
        by=by,
    )
