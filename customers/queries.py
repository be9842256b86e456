"""Finding customers, stores and people, above all by what a caller's display shows."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import models
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from customers.models import (
    Contact,
    Contract,
    Customer,
    Installation,
    Product,
    StockPart,
    Store,
    VisibleQuerySet,
)
from servicedesk.core.actors import SYSTEM, Actor
from servicedesk.core.documents import Addressee
from servicedesk.core.history import Change, changes
from servicedesk.core.search import matching, phone_digits, words_of

CUSTOMER_FIELDS = ("code", "name", "short_name", "pinyin")
STORE_FIELDS = ("code", "name", "pinyin", "city", "district", "address", "phone_digits")
CONTACT_FIELDS = ("name", "pinyin", "phone_digits")

# Where only the first few are shown, so many are looked at: "店" would bring all of them.
CANDIDATES = 1000
# A number that is one person's has as many; an extension has fewer.
FEWEST_OF_PERSON = 7
# With fewer digits nearly every number is a hit.
FEWEST_DIGITS = 3


def masked(phone: str) -> str:
    """`138****0000`: enough to recognise a number, too little to dial it (GEN-7).

    Signs between the digits stay where they are. Short numbers keep their last two digits.
    """
    places = [i for i, char in enumerate(phone) if char.isdigit()]
    if len(places) >= 13 and phone_digits(phone) != "".join(phone[i] for i in places):
        places = places[len(places) - 11 :]  # the country's code tells nothing
    shown_first, shown_last = (3, 4) if len(places) >= 10 else (0, min(4, len(places) // 3))
    hidden = places[shown_first : len(places) - shown_last]
    characters = list(phone)
    for place in hidden:
        characters[place] = "*"
    return "".join(characters)


def proof_of(contact: Contact | None) -> dict[str, Any]:
    """By what a person proves himself on his own device, and which user entered that.

    The last four digits of the number on record; "" where there is none that tells him apart.
    """
    digits = contact.phone_digits if contact is not None else ""
    if contact is None or len(digits) < FEWEST_OF_PERSON:
        return {"phone_last4": "", "number_by": None}
    author = None
    for row in contact.history.order_by("-history_date", "-history_id"):
        if phone_digits(row.phone) != digits:
            break
        author = row.history_user_id
    return {"phone_last4": digits[-4:], "number_by": author}


def search_customers(
    text: str, limit: int = 20, *, actor: Actor = SYSTEM
) -> QuerySet[Customer, Customer]:
    """Customers in use whose own names, stores or people match."""
    found = Customer.objects.visible_to(actor).active()
    return customers_matching(found, text, at_most=CANDIDATES)[:limit]


def customers_matching(
    found: VisibleQuerySet[Customer], text: str, *, at_most: int | None = None
) -> VisibleQuerySet[Customer]:
    """Customers that match themselves, or by a store or a person of theirs.

    The ids are found first, each kind by its own index, and sorted afterwards: sorting and
    cutting in the same step lets PostgreSQL walk the index of the order, row by row.
    """
    if not words_of(text):
        return found
    own = matching(Customer.objects.order_by(), text, *CUSTOMER_FIELDS)
    by_store = matching(Store.objects.order_by(), _dialled(text), *STORE_FIELDS)
    by_contact = matching(Contact.objects.order_by(), _dialled(text), *CONTACT_FIELDS)
    ids = own.values("pk")[:at_most].union(
        by_store.values("customer")[:at_most], by_contact.values("customer")[:at_most]
    )
    return found.filter(pk__in=ids)


def _dialled(text: str) -> str:
    """A whole telephone number as it is stored, however it was typed; other text as it is."""
    digits = phone_digits(text)
    return digits if len(digits) >= 10 and not re.search(r"[^\d\s+()/-]", text) else text


def search_stores(
    text: str, limit: int = 20, *, customer: Customer | None = None, actor: Actor = SYSTEM
) -> QuerySet[Store]:
    """Stores in use that match themselves, or by their customer or a person there."""
    found = Store.objects.visible_to(actor).active().filter(customer__is_active=True)
    if customer is not None:
        found = found.filter(customer=customer)
    return stores_matching(found, text, at_most=CANDIDATES).select_related("customer")[:limit]


def stores_matching(
    found: VisibleQuerySet[Store], text: str, *, at_most: int | None = None
) -> VisibleQuerySet[Store]:
    if not words_of(text):
        return found
    own = matching(Store.objects.order_by(), _dialled(text), *STORE_FIELDS)
    customers = matching(Customer.objects.order_by(), text, *CUSTOMER_FIELDS)
    by_customer = Store.objects.order_by().filter(customer__in=customers.values("pk"))
    by_contact = matching(
        Contact.objects.order_by().filter(store__isnull=False), _dialled(text), *CONTACT_FIELDS
    )
    ids = own.values("pk")[:at_most].union(
        by_customer.values("pk")[:at_most], by_contact.values("store")[:at_most]
    )
    return found.filter(pk__in=ids)


def search_contacts(
    text: str,
    limit: int = 20,
    *,
    store: Store | None = None,
    customer: Customer | None = None,
    actor: Actor = SYSTEM,
) -> QuerySet[Contact]:
    """People in use; of a store: its own and those of the customer's head office."""
    found = Contact.objects.visible_to(actor).active()
    if store is not None:
        found = found.filter(pk__in=people_of(store).values("pk"))
    elif customer is not None:
        found = found.filter(customer=customer)
    return contacts_matching(found, text).select_related("store", "customer")[:limit]


def contacts_matching(found: VisibleQuerySet[Contact], text: str) -> VisibleQuerySet[Contact]:
    """People by name, pinyin or number. The ids first, see `customers_matching`."""
    if not words_of(text):
        return found
    ids = matching(Contact.objects.order_by(), _dialled(text), *CONTACT_FIELDS).values("pk")
    return found.filter(pk__in=ids[:CANDIDATES])


def people_of(store: Store) -> QuerySet[Contact]:
    """The people of a store and those of its customer's head office."""
    return Contact.objects.filter(customer=store.customer_id).filter(
        Q(store=store) | Q(store__isnull=True)
    )


def count_stores(customers: Iterable[Customer]) -> None:
    """Put the number of stores in use on each customer, as `store_count`: one query."""
    rows = list(customers)
    counts = dict(
        Store.objects.filter(customer__in=rows, is_active=True)
        .order_by()
        .values_list("customer")
        .annotate(Count("pk"))
    )
    for customer in rows:
        customer.store_count = counts.get(customer.pk, 0)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Hit:
    """Why a customer was found: a store or a person that matches."""

    text: str
    url: str
    icon: str


HITS_SHOWN = 3


def hits_of(customers: Sequence[Customer], text: str) -> dict[int, list[Hit]]:
    """Per customer the first few stores and people that the text found: two queries."""
    found: dict[int, list[Hit]] = defaultdict(list)
    if not customers or not words_of(text):
        return found
    stores = matching(
        Store.objects.filter(customer__in=customers), _dialled(text), *STORE_FIELDS
    ).defer("search")
    for store in stores[: HITS_SHOWN * len(customers)]:
        hit = Hit(store.name, store.get_absolute_url(), "building-store")
        found[store.customer_id].append(hit)
    contacts = matching(
        Contact.objects.filter(customer__in=customers), _dialled(text), *CONTACT_FIELDS
    ).select_related("store", "customer")
    for contact in contacts.defer("search")[: HITS_SHOWN * len(customers)]:
        place = f"· {contact.store}" if contact.store else ""
        label = " ".join(filter(None, [contact.name, masked(contact.phone), place]))
        found[contact.customer_id].append(Hit(label, contact.get_absolute_url(), "user"))
    return {pk: hits[:HITS_SHOWN] for pk, hits in found.items()}


def same_name(name: str, *, actor: Actor = SYSTEM) -> QuerySet[Customer]:
    """Customers that are called exactly so; the spelling of capitals does not count."""
    wanted = " ".join(name.replace("\0", " ").split())
    found = Customer.objects.visible_to(actor).active()
    if not wanted:
        return found.none()
    return matching(found, wanted, "name", "short_name").filter(
        Q(name__iexact=wanted) | Q(short_name__iexact=wanted)
    )[:5]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who may be calling. A store's own telephone has no contact."""

    contact: Contact | None
    store: Store | None
    customer: Customer

    @property
    def phone(self) -> str:
        source = self.contact or self.store
        return source.phone if source else ""


def find_callers(number_fragment: str, limit: int = 20, *, actor: Actor = SYSTEM) -> list[Caller]:
    """People first, then stores, whose number contains the digits; an equal number before others."""
    digits = phone_digits(number_fragment)
    if len(digits) < FEWEST_DIGITS:
        return []
    contacts = (
        matching(Contact.objects.visible_to(actor).active(), digits, "phone_digits")
        .filter(customer__is_active=True)
        .select_related("store", "customer")
    )
    stores = (
        matching(Store.objects.visible_to(actor).active(), digits, "phone_digits")
        .filter(customer__is_active=True)
        .select_related("customer")
    )
    callers = [Caller(c, c.store, c.customer) for c in contacts[:limit]]
    callers += [Caller(None, s, s.customer) for s in stores[:limit]]
    callers.sort(key=lambda caller: phone_digits(caller.phone) != digits)
    return callers[:limit]


def same_phone(phone: str, *, actor: Actor = SYSTEM) -> list[Caller]:
    """Who has exactly this number already."""
    digits = phone_digits(phone)
    if len(digits) < FEWEST_DIGITS:
        return []
    contacts = Contact.objects.visible_to(actor).filter(phone_digits=digits, is_active=True)
    stores = Store.objects.visible_to(actor).filter(phone_digits=digits, is_active=True)
    return [
        *(Caller(c, c.store, c.customer) for c in contacts.select_related("store", "customer")[:5]),
        *(Caller(None, s, s.customer) for s in stores.select_related("customer")[:5]),
    ]


def as_code(text: str) -> str:
    """A code as it is stored, however it was typed or scanned."""
    return unicodedata.normalize("NFKC", " ".join(text.split())).upper()


def stock_parts_matching(
    found: VisibleQuerySet[StockPart], text: str
) -> VisibleQuerySet[StockPart]:
    """By name, pinyin, code or specification."""
    if not words_of(text):
        return found
    hits = matching(StockPart.objects.order_by(), text, "code", "name", "pinyin", "spec")
    return found.filter(pk__in=hits.values("pk"))


def installed_products(store: Store) -> QuerySet[Installation]:
    """What runs at the store now (CALL-9)."""
    return store.installations.filter(is_active=True).select_related("product")


def products_to_choose(store: Store | None, *, actor: Actor) -> list[tuple[Product, str]]:
    """All products in use with their version at the store; the installed ones first."""
    versions = (
        {i.product_id: i.software_version or "?" for i in installed_products(store)}
        if store
        else {}
    )
    products = Product.objects.visible_to(actor).active()
    return sorted(
        ((p, versions.get(p.pk, "")) for p in products),
        key=lambda pair: (not pair[1], pair[0].name),
    )


def search_contracts(text: str, *, actor: Actor, limit: int = 20) -> list[Contract]:
    """By a part of the number, the title or the customer's name, the newest first."""
    found = Contract.objects.visible_to(actor).select_related("customer")
    for word in text.split():
        found = found.filter(
            Q(number__icontains=word) | Q(title__icontains=word) | Q(customer__name__icontains=word)
        )
    return list(found[:limit])


def changes_of(record: models.Model) -> list[Change]:
    """The record's field history, its telephone numbers masked."""
    phone = str(_("telephone"))
    return [
        replace(change, old=masked(change.old or ""), new=masked(change.new or ""))
        if change.field == phone
        else change
        for change in changes(record)
    ]


def addressees(
    customer: Customer | None, store: Store | None = None, contact: Contact | None = None
) -> list[Addressee]:
    """People with an e-mail address: the contact of the record, then the store's, then the others."""
    if customer is None:
        return []
    people = Contact.objects.filter(customer=customer, is_active=True).exclude(email="")
    mine = store.pk if store is not None else None

    def nearness(person: Contact) -> int:
        if contact is not None and person.pk == contact.pk:
            return 0
        return 1 if mine is not None and person.store_id == mine else 2

    near = [p for p in people if p.store_id in {None, mine}]
    found = {p.email: p for p in sorted(near, key=nearness, reverse=True)}
    return [Addressee(p.addressed, p.email) for p in sorted(found.values(), key=nearness)]
