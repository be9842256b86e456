"""One customer, store, person, product or installation at a time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, TypedDict, TypeVar, Unpack

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from accounts.models import Team
from customers.events import (
    ContactCreated,
    ContactEdited,
    CustomerCreated,
    CustomerEdited,
    Deactivated,
    InstallationChanged,
    InstallationCreated,
    PhoneRevealed,
    ProductCreated,
    ProductEdited,
    Reactivated,
    StockPartCreated,
    StockPartEdited,
    StoreCreated,
    StoreEdited,
)
from customers.models import Contact, Customer, Installation, Product, StockPart, Store
from servicedesk.core.actions import action, lock, require, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import Event, record
from servicedesk.core.numbering import next_number
from servicedesk.core.search import phone_digits, spelled

MasterData = Customer | Store | Contact | Product | StockPart | Installation


class CustomerFields(TypedDict, total=False):
    code: str
    name: str
    short_name: str
    industry: str
    is_key_account: bool
    note: str


class StoreFields(TypedDict, total=False):
    code: str
    name: str
    province: str
    city: str
    district: str
    address: str
    phone: str
    opening_hours: str
    note: str


class ContactFields(TypedDict, total=False):
    store: Store | None
    name: str
    salutation: str
    position: str
    phone: str
    email: str


class ProductFields(TypedDict, total=False):
    code: str
    name: str
    team: Team | None


class StockPartFields(TypedDict, total=False):
    code: str
    name: str
    spec: str
    unit: str


class InstallationFields(TypedDict, total=False):
    software_version: str
    remote_id: str
    installed_on: date | None
    note: str


# ---------------------------------------------------------------------------------------------
# Customers


@action
def create_customer(
    *,
    name: str,
    code: str = "",
    short_name: str = "",
    industry: str = "",
    is_key_account: bool = False,
    note: str = "",
    at: datetime,
    by: Actor,
) -> Customer:
    """A new company. Without a code it gets the next number of the day."""
    require(by, "customers.write")
    customer = Customer()
    put(
        customer, name=name, code=code or next_number("KH", at=at), short_name=short_name,
        industry=industry, is_key_account=is_key_account, note=note,
    )  # fmt: skip
    _insert(customer)
    record(created(customer, at=at), about=about(customer), by=by)
    return customer


@action
def edit_customer(
    customer: Customer, *, at: datetime, by: Actor, **changes: Unpack[CustomerFields]
) -> Customer:
    """Change the given fields; what stays the same leaves no trace."""
    _begin(customer, by=by)
    if changed := put(customer, **changes):
        _update(customer, changed)
        record(edited(customer, changed, at=at), about=about(customer), by=by)
    return customer


# ---------------------------------------------------------------------------------------------
# Stores


@action
def create_store(
    *,
    customer: Customer,
    name: str,
    address: str,
    code: str = "",
    province: str = "",
    city: str = "",
    district: str = "",
    phone: str = "",
    opening_hours: str = "",
    note: str = "",
    at: datetime,
    by: Actor,
) -> Store:
    """A new shop of a customer. Without a code it gets the next number of the day."""
    require(by, "customers.write")
    store = Store(customer=customer)
    put(
        store, name=name, address=address, code=code or next_number("MD", at=at),
        province=province, city=city, district=district, phone=phone,
        opening_hours=opening_hours, note=note,
    )  # fmt: skip
    _insert(store)
    record(created(store, at=at), about=about(store), by=by)
    return store


@action
def edit_store(store: Store, *, at: datetime, by: Actor, **changes: Unpack[StoreFields]) -> Store:
    """Change the given fields. A shop that changed hands is a new store."""
    _begin(store, by=by)
    if changed := put(store, **changes):
        _update(store, changed)
        record(edited(store, changed, at=at), about=about(store), by=by)
    return store


# ---------------------------------------------------------------------------------------------
# People


@action
def create_contact(
    *,
    name: str,
    customer: Customer | None = None,
    store: Store | None = None,
    salutation: str = "",
    position: str = "",
    phone: str = "",
    email: str = "",
    at: datetime,
    by: Actor,
) -> Contact:
    """A person at a store, or at the customer's head office (no store)."""
    require(by, "customers.write")
    customer = customer or (store.customer if store else None)
    if customer is None:
        raise Refused(_("Say for which customer or store the person works."), field="store")
    contact = Contact(customer=customer)
    put(
        contact, store=store, name=name, salutation=salutation, position=position, phone=phone,
        email=email,
    )  # fmt: skip
    _insert(contact)
    record(created(contact, at=at), about=about(contact), by=by)
    return contact


@action
def edit_contact(
    contact: Contact, *, at: datetime, by: Actor, **changes: Unpack[ContactFields]
) -> Contact:
    """Change the given fields; the person may move to another store of the same customer."""
    _begin(contact, by=by)
    if changed := put(contact, **changes):
        _update(contact, changed)
        record(edited(contact, changed, at=at), about=about(contact), by=by)
    return contact


# ---------------------------------------------------------------------------------------------
# Products and where they run


@action
def create_product(
    *, code: str, name: str, team: Team | None = None, at: datetime, by: Actor
) -> Product:
    """`team`: whose engineers take its tickets; without one, any engineer does."""
    require(by, "customers.manage_products")
    product = Product()
    put(product, code=code, name=name, team=team)
    _insert(product)
    record(created(product, at=at), about=about(product), by=by)
    return product


@action
def edit_product(
    product: Product, *, at: datetime, by: Actor, **changes: Unpack[ProductFields]
) -> Product:
    _begin(product, by=by)
    if changed := put(product, **changes):
        _update(product, changed)
        record(edited(product, changed, at=at), about=about(product), by=by)
    return product


@action
def create_stock_part(
    *, code: str, name: str, spec: str = "", unit: str = "", at: datetime, by: Actor
) -> StockPart:
    """A line of the list that work records choose from."""
    require(by, "customers.manage_parts")
    part = StockPart()
    put(part, code=code, name=name, spec=spec, unit=unit)
    _insert(part)
    record(created(part, at=at), about=about(part), by=by)
    return part


@action
def edit_stock_part(
    part: StockPart, *, at: datetime, by: Actor, **changes: Unpack[StockPartFields]
) -> StockPart:
    """What was used already keeps the name that it had then."""
    _begin(part, by=by)
    if changed := put(part, **changes):
        _update(part, changed)
        record(edited(part, changed, at=at), about=about(part), by=by)
    return part


@action
def create_installation(
    *,
    store: Store,
    product: Product,
    software_version: str = "",
    remote_id: str = "",
    installed_on: date | None = None,
    note: str = "",
    at: datetime,
    by: Actor,
) -> Installation:
    """The product runs at the store from now on; once per store."""
    require(by, "customers.write")
    installation = Installation(store=store, product=product)
    put(
        installation, software_version=software_version, remote_id=remote_id,
        installed_on=installed_on, note=note,
    )  # fmt: skip
    _insert(installation)
    record(created(installation, at=at), about=about(installation), by=by)
    return installation


@action
def change_installation(
    installation: Installation, *, at: datetime, by: Actor, **changes: Unpack[InstallationFields]
) -> Installation:
    """A new version, another remote id; both old values stay in the journal."""
    _begin(installation, by=by)
    old = (installation.software_version, installation.remote_id)
    if changed := put(installation, **changes):
        _update(installation, changed)
        event = version_changed(installation, changed, old, at=at)
        record(event, about=about(installation), by=by)
    return installation


# ---------------------------------------------------------------------------------------------
# All of them


D = TypeVar("D", Customer, Store, Contact, Product, StockPart, Installation)


@action
def deactivate(item: D, *, at: datetime, by: Actor) -> D:
    """Not offered any more where something is chosen; what refers to it stays as it is."""
    _begin(item, by=by)
    if not item.is_active:
        raise Refused(_("%(item)s is out of use already.") % {"item": item})
    item.is_active = False
    save_changes(item, "is_active")
    record(
        Deactivated(at=at, kind=item._meta.label_lower, record_id=item.pk, name=str(item)),
        about=about(item),
        by=by,
    )
    return item


@action
def reactivate(item: D, *, at: datetime, by: Actor) -> D:
    _begin(item, by=by)
    if item.is_active:
        raise Refused(_("%(item)s is in use already.") % {"item": item})
    item.is_active = True
    _update(item, ["is_active"])
    record(
        Reactivated(at=at, kind=item._meta.label_lower, record_id=item.pk, name=str(item)),
        about=about(item),
        by=by,
    )
    return item


@action
def reveal_phone(item: Store | Contact, *, reason: str, at: datetime, by: Actor) -> str:
    """The whole number, for a reason that the journal keeps (GEN-7)."""
    require(by, "customers.reveal_phone")
    reason = " ".join(reason.split())
    if not reason:
        raise Refused(_("Say what the number is needed for."), field="reason")
    if not item.phone:
        raise Refused(_("No number is known for %(item)s.") % {"item": item})
    record(
        PhoneRevealed(
            at=at, kind=item._meta.label_lower, record_id=item.pk, name=str(item),
            reason=reason[:200],
        ),
        about=about(item),
        by=by,
    )  # fmt: skip
    return item.phone


# ---------------------------------------------------------------------------------------------
# What they share


# What not everybody at the desk may change.
MANAGED: dict[type[Any], str] = {
    Product: "customers.manage_products",
    StockPart: "customers.manage_parts",
}


def _begin(item: MasterData, *, by: Actor) -> None:
    lock(item)
    require(by, MANAGED.get(type(item), "customers.write"))


def about(item: MasterData) -> list[Any]:
    """On whose timelines it appears."""
    match item:
        case Contact():
            return [item, item.store, item.customer]
        case Store():
            return [item, item.customer]
        case Installation():
            return [item, item.store]
        case _:
            return [item]


def created(item: MasterData, *, at: datetime) -> Event:
    """What the journal says of a new record."""
    match item:
        case Customer():
            return CustomerCreated(at=at, customer_id=item.pk, code=item.code, name=item.name)
        case Store():
            return StoreCreated(
                at=at, store_id=item.pk, customer_id=item.customer_id, code=item.code,
                name=item.name,
            )  # fmt: skip
        case Contact():
            return ContactCreated(
                at=at, contact_id=item.pk, customer_id=item.customer_id, store_id=item.store_id,
                name=item.name,
            )  # fmt: skip
        case Product():
            return ProductCreated(at=at, product_id=item.pk, code=item.code, name=item.name)
        case StockPart():
            return StockPartCreated(
                at=at, stock_part_id=item.pk, code=item.code, name=item.name
            )  # fmt: skip
        case Installation():
            return InstallationCreated(
                at=at, installation_id=item.pk, store_id=item.store_id,
                product_id=item.product_id, product=item.product.name,
                software_version=item.software_version,
            )  # fmt: skip


def edited(
    item: Customer | Store | Contact | Product | StockPart, changed: list[str], *, at: datetime
) -> Event:
    """What the journal says of a change; the values stand in the field history."""
    fields = tuple(changed)
    match item:
        case Customer():
            return CustomerEdited(at=at, customer_id=item.pk, fields=fields)
        case Store():
            return StoreEdited(at=at, store_id=item.pk, customer_id=item.customer_id, fields=fields)
        case Contact():
            return ContactEdited(
                at=at, contact_id=item.pk, customer_id=item.customer_id, name=item.name,
                fields=fields,
            )  # fmt: skip
        case Product():
            return ProductEdited(at=at, product_id=item.pk, fields=fields)
        case StockPart():
            return StockPartEdited(at=at, stock_part_id=item.pk, fields=fields)


def version_changed(
    item: Installation, changed: list[str], old: tuple[str, str], *, at: datetime
) -> InstallationChanged:
    """`old` is the software version and the remote id before."""
    return InstallationChanged(
        at=at, installation_id=item.pk, store_id=item.store_id, product=item.product.name,
        old_version=old[0], new_version=item.software_version, old_remote_id=old[1],
        new_remote_id=item.remote_id, fields=tuple(changed),
    )  # fmt: skip


# A telephone number, its extension (转) and what people put between the digits.
_PHONE = set("0123456789 +-()/转ext.#")
# What only machines send; line breaks and tabs are tidied away, or kept in remarks.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MISSING = {
    "name": _lazy("Enter a name."),
    "address": _lazy("Enter the address."),
    "code": _lazy("Enter a code."),
}


def put(item: MasterData, **values: Any) -> list[str]:
    """Put tidied values on the record, and what is derived from them; returns what changed."""
    changed = []
    for name, given in values.items():
        value = _tidied(item, name, given) if isinstance(given, str) else given
        if isinstance(value, Store):
            _check_same_customer(item, value)
        if getattr(item, name, None) != value:
            setattr(item, name, value)
            changed.append(name)
    renamed = {"name", "short_name"} & set(changed)
    if renamed and isinstance(item, Customer | Store | Contact | StockPart):
        limit = type(item)._meta.get_field("pinyin").max_length
        item.pinyin = spelled(item.name, getattr(item, "short_name", ""))[:limit]
        changed.append("pinyin")
    if isinstance(item, Store | Contact) and "phone" in changed:
        item.phone_digits = phone_digits(item.phone)
        changed.append("phone_digits")
    return changed


def _tidied(item: MasterData, name: str, given: str) -> str:
    """The text as it is stored; refused where the column or the reader could not take it."""
    if _CONTROL.search(given):
        raise Refused(_("There are characters in it that cannot be printed."), field=name)
    text = given.strip() if name == "note" else " ".join(given.split())
    if name in {"code", "phone"}:
        text = unicodedata.normalize("NFKC", text)
    if name == "code":
        text = text.upper()
    if name == "phone" and text and (set(text.lower()) - _PHONE or len(phone_digits(text)) < 5):
        raise Refused(_("This is not a telephone number."), field=name)
    if not text and name in _MISSING:
        raise Refused(str(_MISSING[name]), field=name)
    limit = getattr(type(item)._meta.get_field(name), "max_length", None)
    if limit and len(text) > limit:
        raise Refused(_("No more than %(limit)d characters.") % {"limit": limit}, field=name)
    return text


def _check_same_customer(item: MasterData, store: Store) -> None:
    if isinstance(item, Contact) and store.customer_id != item.customer_id:
        raise Refused(_("The store belongs to another customer."), field="store")


def _insert(item: MasterData) -> None:
    with _once(item):
        item.save()


def _update(item: MasterData, changed: list[str]) -> None:
    with _once(item):
        save_changes(item, *changed)


@contextmanager
def _once(item: MasterData) -> Iterator[None]:
    """Say in words what the database refuses: two records that must differ.

    Asking before would let two people through who save in the same moment.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
        if constraint == "customers_installation_one_active":
            raise Refused(
                _("This product is installed at the store already."), field="product"
            ) from error
        if "code" not in constraint or isinstance(item, Contact | Installation):
            raise
        other = type(item).objects.get(code=item.code)
        raise Refused(
            _("The code %(code)s belongs to “%(name)s” already.")
            % {"code": item.code, "name": other.name},
            field="code",
        ) from error
