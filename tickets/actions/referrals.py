"""Where callers are sent with what is not ours (CALL-5)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from servicedesk.core.actions import action, lock, require, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record
from tickets.events import ReferralTargetAdded, ReferralTargetEdited, ReferralTargetRetired
from tickets.models import ReferralTarget


@action
def add_target(
    *, topic: str, name: str, phone: str = "", note: str = "", at: datetime, by: Actor
) -> ReferralTarget:
    """Whoever takes calls may add one, in the middle of a call."""
    require(by, "calls.take")
    _unique(topic, name)
    target = ReferralTarget.objects.create(topic=topic, name=name, phone=phone, note=note)
    record(ReferralTargetAdded(at=at, **_named(target)), about=[target], by=by)
    return target


@action
def edit_target(
    target: ReferralTarget,
    *,
    topic: str,
    name: str,
    phone: str = "",
    note: str = "",
    at: datetime,
    by: Actor,
) -> ReferralTarget:
    require(by, "referrals.manage")
    lock(target)
    _unique(topic, name, target)
    target.topic, target.name, target.phone, target.note = topic, name, phone, note
    save_changes(target, "topic", "name", "phone", "note")
    record(ReferralTargetEdited(at=at, **_named(target)), about=[target], by=by)
    return target


@action
def retire_target(target: ReferralTarget, *, at: datetime, by: Actor) -> ReferralTarget:
    """Not offered any more; the calls that were referred there keep it."""
    require(by, "referrals.manage")
    lock(target)
    target.is_active = False
    save_changes(target, "is_active")
    record(ReferralTargetRetired(at=at, **_named(target)), about=[target], by=by)
    return target


def _unique(topic: str, name: str, target: ReferralTarget | None = None) -> None:
    same = ReferralTarget.objects.active().filter(topic=topic, name=name).first()
    if same is not None and same != target:
        raise Refused(_("This entry exists already."), field="name")


def _named(target: ReferralTarget) -> dict[str, str]:
    return {"target_uid": str(target.uid), "topic": target.topic, "name": target.name}
