"""Finding customers, stores and people, above all by what a caller's display shows."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from customers.models import Contact, Customer, Installation, Product, Store
from servicedesk.core.actors import SYSTEM, Actor
from servicedesk.core.history import Change, changes
from servicedesk.core.search import matching, phone_digits, words_of

CUSTOMER_FIELDS = ("code", "name", "short_name", "pinyin")
STORE_FIELDS = ("code", "name", "pinyin", "city", "district", "address", "phone_digits")
CONTACT_FIELDS = ("name", "pinyin", "phone_digits")

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


def search_customers(
    text: str, limit: int = 20, *, actor: Actor = SYSTEM
) -> QuerySet[Customer, Customer]:
    """Customers in use whose own names, stores or people match."""
    found = Customer.objects.visible_to(actor).active()
    return customers_matching(found, text)[:limit]


def customers_matching(found: QuerySet[Customer], text: str) -> QuerySet[Customer]:
    """Customers that match themselves, or by a store or a person of theirs."""
    if not words_of(text):
        return found
    own = matching(Customer.objects.order_by(), text, *CUSTOMER_FIELDS)
    by_store = matching(Store.objects.order_by(), _dialled(text), *STORE_FIELDS)
    by_contact = matching(Contact.objects.order_by(), _dialled(text), *CONTACT_FIELDS)
    ids = own.values("pk").union(by_store.values("customer"), by_contact.values("customer"))
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
    return stores_matching(found, text).select_related("customer")[:limit]


def stores_matching(found: QuerySet[Store], text: str) -> QuerySet[Store]:
    if not words_of(text):
        return found
    own = matching(Store.objects.order_by(), _dialled(text), *STORE_FIELDS)
    customers = matching(Customer.objects.order_by(), text, *CUSTOMER_FIELDS)
    by_customer = Store.objects.order_by().filter(customer__in=customers.values("pk"))
    by_contact = matching(
        Contact.objects.order_by().filter(store__isnull=False), _dialled(text), *CONTACT_FIELDS
    )
    ids = own.values("pk").union(by_customer.values("pk"), by_contact.values("store"))
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
        found = found.filter(customer=store.customer_id).filter(
            Q(store=store) | Q(store__isnull=True)
        )
    elif customer is not None:
        found = found.filter(customer=customer)
    return matching(found, _dialled(text), *CONTACT_FIELDS).select_related("store", "customer")[
        :limit
    ]


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


def changes_of(record: Customer | Store | Contact | Product | Installation) -> list[Change]:
    """The record's field history, its telephone numbers masked."""
    phone = str(_("telephone"))
    return [
        replace(change, old=masked(change.old or ""), new=masked(change.new or ""))
        if change.field == phone
        else change
        for change in changes(record)
    ]
