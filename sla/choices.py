"""Which policy applies to what, and why the others do not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import Customer, Product
from servicedesk.core.actors import Actor
from sla.kinds import KINDS, Kind
from sla.models import Policy
from sla.policies import Scope, choose


@dataclass(frozen=True, slots=True)
class Choice:
    """Of one kind: the policy that applies (none: the kind's own terms), and the others."""

    kind: Kind
    policy: Policy | None
    others: list[tuple[Policy, str]]


def in_use(actor: Actor) -> dict[str, list[Policy]]:
    """Kind → its policies in use, the most particular first."""
    found = Policy.objects.visible_to(actor).filter(is_active=True)
    found = found.select_related("customer", "contract", "product", "current__calendar")
    by_kind: dict[str, list[Policy]] = defaultdict(list)
    for policy in sorted(found, key=lambda p: (-p.weight, p.name)):
        by_kind[policy.kind].append(policy)
    return by_kind


def choices(
    by_kind: dict[str, list[Policy]],
    *,
    customer: Customer | None,
    product: Product | None,
    urgent: bool,
    at: datetime,
) -> list[Choice]:
    """What each kind with policies chooses for a record like this that starts at `at`."""
    scope = Scope(urgent, customer.pk if customer else None, product.pk if product else None)
    chosen = choose(by_kind, scope, at=at)
    day = timezone.localdate(at)
    return [
        _choice(KINDS[kind], policies, chosen.get(kind), scope, day)
        for kind, policies in by_kind.items()
        if kind in KINDS
    ]


def _choice(
    kind: Kind, policies: Sequence[Policy], chosen: Policy | None, scope: Scope, day: date
) -> Choice:
    others = []
    for policy in policies:
        if policy == chosen:
            continue
        reasons = unmet(policy, scope, day)
        if not reasons and chosen is not None:
            reasons = [_("“%(name)s” is more particular") % {"name": chosen.name}]
        others.append((policy, "；".join(reasons)))
    return Choice(kind, chosen, others)


def unmet(policy: Policy, scope: Scope, day: date) -> list[str]:
    """The conditions that do not hold."""
    found = []
    if policy.urgent is not None and policy.urgent != scope.urgent:
        found.append(_("only urgent requests") if policy.urgent else _("not for urgent requests"))
    if policy.customer_id is not None and policy.customer_id != scope.customer_id:
        found.append(_("only for %(name)s") % {"name": policy.customer})
    if policy.product_id is not None and policy.product_id != scope.product_id:
        found.append(_("only for %(name)s") % {"name": policy.product})
    contract = policy.contract
    if contract is not None:
        if contract.customer_id != scope.customer_id:
            found.append(_("only under contract %(name)s") % {"name": contract.number})
        elif day < contract.starts_on:
            found.append(_("contract %(name)s starts later") % {"name": contract.number})
        elif contract.ends_on is not None and day > contract.ends_on:
            found.append(_("contract %(name)s is over") % {"name": contract.number})
    return found


def conditions(policy: Policy) -> list[str]:
    """What must hold, in words; empty: it holds for all."""
    found = []
    if policy.urgent is not None:
        found.append(_("Urgent requests") if policy.urgent else _("Requests that are not urgent"))
    if policy.customer is not None:
        found.append(str(policy.customer))
    if policy.contract is not None:
        found.append(_("Contract %(name)s") % {"name": policy.contract})
    if policy.product is not None:
        found.append(str(policy.product))
    return found
