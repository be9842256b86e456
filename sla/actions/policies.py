"""Policies: other terms than a kind's own, for those deadlines that meet the conditions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers.models import Contract, Customer, Product
from servicedesk.core.actions import action, lock, require, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record
from sla.events import PolicyChanged, PolicyCreated, PolicyRetired
from sla.kinds import KINDS, Kind, Step
from sla.models import Calendar, Policy, PolicyVersion
from sla.moving import affected, plan_under
from sla.policies import due_by

MANAGE = "sla.manage"
TERMS = ("target", "calendar", "steps", "longest_pause")
MOST_STEPS = 12
LONGEST = timedelta(days=366)
# Of more deadlines than these the preview gives the number only.
LOOKED_AT = 1000


class Terms(TypedDict, total=False):
    """What a version says; what is left out stays."""

    target: timedelta | None
    calendar: Calendar | None
    steps: Sequence[Step]
    longest_pause: timedelta | None


@action
def create_policy(
    *,
    kind: str,
    name: str,
    urgent: bool | None = None,
    customer: Customer | None = None,
    contract: Contract | None = None,
    product: Product | None = None,
    note: str = "",
    spreads: bool = False,
    at: datetime,
    by: Actor,
    **terms: Unpack[Terms],
) -> Policy:
    """spreads: running deadlines that meet the conditions follow; else only new ones do."""
    require(by, MANAGE)
    if kind not in KINDS:
        raise Refused(_("There is no such kind of deadline."), field="kind")
    if contract is not None and customer is not None and contract.customer_id != customer.pk:
        raise Refused(_("The contract is with another customer."), field="contract")
    policy = Policy(
        kind=kind, name=_name(name), urgent=urgent, customer=customer, contract=contract,
        product=product,
    )  # fmt: skip
    first = _version(terms, None)
    _check(first, KINDS[kind], at=at)
    try:
        with transaction.atomic():
            policy.save()
    except IntegrityError as error:
        raise Refused(
            _("A policy in use has the same conditions: two of them could not be told apart."),
            field=_most_particular(policy),
        ) from error
    _publish(policy, first, note, spreads=spreads, at=at, by=by)
    event = PolicyCreated(
        at=at, policy_uid=str(policy.uid), kind=kind, kind_label=str(policy.kind_label),
        name=policy.name, spreads=spreads,
    )  # fmt: skip
    record(event, about=[policy], by=by)
    return policy


@action
def change_policy(
    policy: Policy,
    *,
    name: str | None = None,
    note: str = "",
    spreads: bool = False,
    expected: int | None = None,
    at: datetime,
    by: Actor,
    **terms: Unpack[Terms],
) -> Policy:
    """New terms are a new version. The conditions stay: other conditions are another policy."""
    _begin(policy, by=by)
    old = _current(policy)
    if expected is not None and expected != old.number:
        raise Refused(_("The policy was changed by somebody else meanwhile. Look at it again."))
    fields = []
    if name is not None and _name(name) != policy.name:
        policy.name = _name(name)
        save_changes(policy, "name")
        fields.append("name")
    new = _version(terms, old)
    changed = [field for field in TERMS if getattr(new, field) != getattr(old, field)]
    if changed:
        _check(new, KINDS[policy.kind], at=at)
    if changed or spreads:
        _publish(policy, new, note, spreads=spreads, at=at, by=by)
    if fields or changed or spreads:
        event = PolicyChanged(
            at=at, policy_uid=str(policy.uid), kind=policy.kind, name=policy.name,
            number=_current(policy).number, fields=(*fields, *changed), spreads=spreads, note=note,
        )  # fmt: skip
        record(event, about=[policy], by=by)
    return policy


@action
def retire_policy(policy: Policy, *, at: datetime, by: Actor) -> Policy:
    """Not chosen any more; deadlines that run under it keep its terms."""
    _begin(policy, by=by)
    policy.is_active = False
    save_changes(policy, "is_active")
    event = PolicyRetired(at=at, policy_uid=str(policy.uid), kind=policy.kind, name=policy.name)
    record(event, about=[policy], by=by)
    return policy


@dataclass(frozen=True, slots=True)
class Movement:
    """What running deadlines would do if they followed new terms."""

    # How many would run under them, how many of those would move, of how many looked at.
    follow: int
    move: int
    looked_at: int
    # The largest moves: towards now (negative) and away from it.
    earliest: timedelta
    latest: timedelta


def movement_of(change: Callable[[], Policy]) -> Movement:
    """Play the change through, see what it would move, take it back.

    The change is the action itself, so what the preview shows is what will happen, and what the
    action refuses is refused here.
    """
    with transaction.atomic():
        version = _current(change())
        open_ones = affected(version)
        follow = open_ones.count()
        rows = list(open_ones.prefetch_related("moves").order_by("due_at", "id")[:LOOKED_AT])
        transaction.set_rollback(True)
    moves = [shift for row in rows if (shift := plan_under(version, row).due_at - row.due_at)]
    nothing = timedelta(0)
    return Movement(follow, len(moves), len(rows), min([*moves, nothing]), max([*moves, nothing]))


def _begin(policy: Policy, *, by: Actor) -> None:
    lock(policy)
    require(by, MANAGE)
    if not policy.is_active:
        raise Refused(_("%(item)s is out of use already.") % {"item": policy})


def _current(policy: Policy) -> PolicyVersion:
    assert policy.current is not None, "a policy is made with its first version"
    return policy.current


def _version(terms: Terms, old: PolicyVersion | None) -> PolicyVersion:
    new = PolicyVersion()
    if old is not None:
        new = PolicyVersion(
            target=old.target,
            calendar=old.calendar,
            steps=old.steps,
            longest_pause=old.longest_pause,
        )
    for name, value in terms.items():
        if name == "steps":
            new.steps = [step.to_json() for step in terms["steps"]]
        else:
            setattr(new, name, value)
    return new


def _publish(
    policy: Policy,
    version: PolicyVersion,
    note: str,
    *,
    spreads: bool,
    at: datetime,
    by: Actor,
) -> None:
    version.policy, version.spreads = policy, spreads
    version.number = (policy.current.number if policy.current else 0) + 1
    version.note, version.made_at, version.made_by = note.strip()[:200], at, by.label[:200]
    version.save()
    policy.current = version
    save_changes(policy, "current")


def _check(version: PolicyVersion, kind: Kind, *, at: datetime) -> None:
    _check_target(version, kind, at=at)
    if version.longest_pause is not None and not timedelta(0) < version.longest_pause <= LONGEST:
        raise Refused(_("A pause lasts between a minute and a year."), field="longest_pause")
    if not version.steps:
        return
    if len(version.steps) > MOST_STEPS:
        raise Refused(_("No more than %(limit)d steps.") % {"limit": MOST_STEPS}, field="steps")
    names = [step["name"] for step in version.steps]
    if len(set(names)) < len(names):
        raise Refused(_("Two steps have the same name."), field="steps")
    if sum(step["missed"] for step in version.steps) != 1:
        raise Refused(
            _("Exactly one step notes the miss; it stands at the due time."), field="steps"
        )


def _check_target(version: PolicyVersion, kind: Kind, *, at: datetime) -> None:
    if kind.target is None:
        if version.target is not None or version.calendar is not None:
            raise Refused(
                _("Here the due time is agreed upon case by case: only the steps can be changed."),
                field="target" if version.target is not None else "calendar",
            )
        return
    if version.target is not None and not timedelta(0) < version.target <= LONGEST:
        raise Refused(_("The time allowed lies between a minute and a year."), field="target")
    calendar = version.calendar
    if calendar is None:
        return
    if not calendar.is_active:
        raise Refused(_("This calendar is out of use."), field="calendar")
    try:
        due_by(version.target or kind.target, calendar.current, None, at=at)
    except Refused as refusal:
        raise Refused(refusal.message, field="calendar") from None


def _most_particular(policy: Policy) -> str:
    """The field of the condition that says most."""
    for name in ("contract", "customer", "product", "urgent"):
        if getattr(policy, name) is not None:
            return name
    return "kind"


def _name(text: str) -> str:
    name = " ".join(text.replace("\0", "").split())
    if not name:
        raise Refused(_("Enter a name."), field="name")
    if len(name) > 80:
        raise Refused(_("No more than %(limit)d characters.") % {"limit": 80}, field="name")
    return name
