"""Contracts: what was agreed with a customer for a time. Service terms may depend on them."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime
from typing import Any, TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers.events import ContractCreated, ContractEdited
from customers.models import Contract, Customer
from servicedesk.core.actions import action, lock, require, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record

MANAGE = "customers.manage_contracts"


class ContractFields(TypedDict, total=False):
    number: str
    title: str
    starts_on: date
    ends_on: date | None


@action
def create_contract(
    *,
    customer: Customer,
    number: str,
    title: str,
    starts_on: date,
    ends_on: date | None = None,
    at: datetime,
    by: Actor,
) -> Contract:
    require(by, MANAGE)
    contract = Contract(customer=customer)
    _put(contract, number=number, title=title, starts_on=starts_on, ends_on=ends_on)
    _save(contract, None)
    event = ContractCreated(
        at=at, contract_id=contract.pk, customer_id=customer.pk, number=contract.number,
        title=contract.title,
    )  # fmt: skip
    record(event, about=[contract, customer], by=by)
    return contract


@action
def edit_contract(
    contract: Contract, *, at: datetime, by: Actor, **changes: Unpack[ContractFields]
) -> Contract:
    """Change the given fields; to end a contract is to give it its last day."""
    lock(contract)
    require(by, MANAGE)
    if changed := _put(contract, **changes):
        _save(contract, changed)
        event = ContractEdited(
            at=at, contract_id=contract.pk, customer_id=contract.customer_id,
            number=contract.number, fields=tuple(changed),
        )  # fmt: skip
        record(event, about=[contract, contract.customer], by=by)
    return contract


def _put(contract: Contract, **values: Any) -> list[str]:
    changed = []
    for name, given in values.items():
        value = _tidied(name, given) if isinstance(given, str) else given
        if getattr(contract, name) != value:
            setattr(contract, name, value)
            changed.append(name)
    if contract.ends_on is not None and contract.ends_on < contract.starts_on:
        raise Refused(_("The contract would end before it starts."), field="ends_on")
    return changed


def _tidied(name: str, given: str) -> str:
    text = " ".join(given.replace("\0", "").split())
    if name == "number":
        text = unicodedata.normalize("NFKC", text).upper()
    if not text:
        missing = _("Enter a number.") if name == "number" else _("Enter a name.")
        raise Refused(missing, field=name)
    limit = getattr(Contract._meta.get_field(name), "max_length", None)
    if limit and len(text) > limit:
        raise Refused(_("No more than %(limit)d characters.") % {"limit": limit}, field=name)
    return text


def _save(contract: Contract, changed: list[str] | None) -> None:
    """The number is unique: say so in words. Asking before would let two people through."""
    try:
        with transaction.atomic():
            if changed is None:
                contract.save()
            else:
                save_changes(contract, *changed)
    except IntegrityError as error:
        raise Refused(_("Another contract has this number."), field="number") from error
