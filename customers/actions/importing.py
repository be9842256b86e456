"""Many rows of master data at once: all of them, or none.

A plan is made first, from the rows and what is known; the preview shows it, the action carries
it out. The rules are those of the single actions (`records.put`). A blank cell changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers.actions.records import MasterData, about, created, edited, put, version_changed
from customers.events import MasterDataImported
from customers.models import Contact, Customer, ImportDraft, Installation, Product, Store
from servicedesk.core.actions import action, require
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import Event, record, record_all
from servicedesk.core.history import change_all, create_all
from servicedesk.core.search import phone_digits

# Which columns make up which record: column → field.
CUSTOMER = {
    "customer_code": "code", "customer_name": "name", "customer_short_name": "short_name",
    "industry": "industry",
}  # fmt: skip
STORE = {
    "store_code": "code", "store_name": "name", "province": "province", "city": "city",
    "district": "district", "address": "address", "store_phone": "phone",
    "opening_hours": "opening_hours",
}  # fmt: skip
CONTACT = {
    "contact_name": "name", "salutation": "salutation", "position": "position",
    "contact_phone": "phone",
}  # fmt: skip
INSTALLATION = {"software_version": "software_version", "remote_id": "remote_id"}
COLUMNS = (*CUSTOMER, *STORE, *CONTACT, "product_code", *INSTALLATION)
DRAFTS_KEPT = timedelta(days=1)

# A row of the file: its line, and the text of each column that is not blank.
Row = tuple[int, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Problem:
    line: int
    column: str
    message: str


@dataclass(slots=True, eq=False)
class Draft:
    """A record that the rows speak of, as it will be."""

    item: Any
    line: int
    is_new: bool
    # Of a row that is wrong: only looked at.
    is_scratch: bool = False
    changed: list[str] = field(default_factory=list)
    # What the rows said so far, to notice when they contradict each other: field → (text, line).
    said: dict[str, tuple[str, int]] = field(default_factory=dict)
    old: tuple[str, str] = ("", "")


@dataclass(slots=True)
class Plan:
    """What an import would do; with `problems` it does nothing."""

    customers: dict[str, Draft] = field(default_factory=dict)
    stores: dict[str, Draft] = field(default_factory=dict)
    contacts: dict[int, Draft] = field(default_factory=dict)
    installations: dict[tuple[str, str], Draft] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def drafts(self) -> list[Draft]:
        """In the order in which they must be written."""
        return [
            *self.customers.values(), *self.stores.values(), *self.contacts.values(),
            *self.installations.values(),
        ]  # fmt: skip

    def counts(self) -> list[tuple[type[Any], int, int]]:
        """Per kind how many are new and how many change."""
        new = Counter(type(d.item) for d in self.drafts if d.is_new)
        changed = Counter(type(d.item) for d in self.drafts if d.changed and not d.is_new)
        return [(m, new[m], changed[m]) for m in (Customer, Store, Contact, Installation)]


class ImportRefused(Refused):
    """Nothing was imported; `problems` say why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(_("Nothing was imported: the file has mistakes."))
        self.problems = problems


# ---------------------------------------------------------------------------------------------
# The plan


class _Planner:
    def __init__(self, rows: Sequence[Row], by: Actor) -> None:
        self.plan = Plan()
        customers = _codes(rows, "customer_code")
        stores = _codes(rows, "store_code")
        self.customers = {
            c.code: c for c in Customer.objects.visible_to(by).filter(code__in=customers)
        }
        self.stores = {
            s.code: s
            for s in Store.objects.visible_to(by).filter(code__in=stores).select_related("customer")
        }
        self.products = {p.code: p for p in Product.objects.visible_to(by).active()}
        self.contacts = list(
            Contact.objects.visible_to(by)
            .filter(customer__in=self.customers.values(), is_active=True)
            .select_related("customer", "store")
        )
        self.contacts_by_home: dict[tuple[str, str], list[Draft]] = {}
        for contact in self.contacts:
            key = (contact.customer.code, contact.store.code if contact.store else "")
            self.contacts_by_home.setdefault(key, []).append(Draft(contact, 0, is_new=False))
        self.installations = {
            (i.store.code, i.product.code): i
            for i in Installation.objects.filter(store__in=self.stores.values(), is_active=True)
            .select_related("store", "product")
        }  # fmt: skip

    def take(self, line: int, cells: Mapping[str, str]) -> None:
        """Plan one row, and say all that is wrong with it at once.

        What a wrong row speaks of goes on as a scratch record: its cells are looked at, it is
        not part of the plan.
        """
        for column, cell in cells.items():
            if len(cell.splitlines()) > 1:
                self._problem(line, column, _("Please write this in one line."))
        customer = self._customer(line, cells)
        store = self._store(line, cells, customer)
        self._contact(line, cells, customer, store)
        self._installation(line, cells, store)

    def _customer(self, line: int, cells: Mapping[str, str]) -> Draft:
        code = _code(cells, "customer_code")
        if not code:
            self._problem(line, "customer_code", _("Missing."))
            return self._scratch(Customer(), line, cells, CUSTOMER)
        draft = self.plan.customers.get(code)
        if draft is None:
            known = self.customers.get(code)
            draft = Draft(known or Customer(), line, is_new=known is None)
            self.plan.customers[code] = draft
        self._put(draft, line, cells, CUSTOMER, needed=("customer_name",))
        return draft

    def _store(self, line: int, cells: Mapping[str, str], customer: Draft) -> Draft | None:
        code = _code(cells, "store_code")
        if not code:
            if not any(cells.get(column) for column in STORE):
                return None
            self._problem(line, "store_code", _("Missing."))
            return self._scratch(Store(), line, cells, STORE)
        if customer.is_scratch:
            return self._scratch(Store(), line, cells, STORE)
        draft = self.plan.stores.get(code)
        if draft is None:
            known = self.stores.get(code)
            draft = Draft(known or Store(customer=customer.item), line, is_new=known is None)
            self.plan.stores[code] = draft
        if draft.item.customer.code != customer.item.code:
            text = _("The store belongs to customer %(code)s.")
            self._problem(line, "store_code", text % {"code": draft.item.customer.code})
            return self._scratch(Store(), line, cells, STORE)
        self._put(draft, line, cells, STORE, needed=("store_name", "address"))
        return draft

    def _contact(
        self, line: int, cells: Mapping[str, str], customer: Draft, store: Draft | None
    ) -> None:
        if not any(cells.get(column) for column in CONTACT):
            return
        if not cells.get("contact_name"):
            self._problem(line, "contact_name", _("Missing."))
            self._scratch(Contact(), line, cells, CONTACT)
            return
        if customer.is_scratch or (store is not None and store.is_scratch):
            self._scratch(Contact(), line, cells, CONTACT)
            return
        home = (customer.item.code, store.item.code if store else "")
        people = self.contacts_by_home.setdefault(home, [])
        draft = _same_person(people, cells)
        if draft is None:
            person = Contact(customer=customer.item, store=store.item if store else None)
            draft = Draft(person, line, is_new=True)
            people.append(draft)
        self.plan.contacts[id(draft)] = draft
        self._put(draft, line, cells, CONTACT)

    def _installation(self, line: int, cells: Mapping[str, str], store: Draft | None) -> None:
        code = _code(cells, "product_code")
        if not code and not any(cells.get(column) for column in INSTALLATION):
            return
        product = self.products.get(code)
        if product is None:
            unknown = _("There is no product with this code.") if code else _("Missing.")
            self._problem(line, "product_code", unknown)
        if store is None:
            self._problem(line, "store_code", _("A product is installed at a store: which?"))
        if product is None or store is None or store.is_scratch:
            self._scratch(Installation(), line, cells, INSTALLATION)
            return
        key = (store.item.code, code)
        draft = self.plan.installations.get(key)
        if draft is None:
            known = self.installations.get(key)
            item = known or Installation(store=store.item, product=product)
            old = (item.software_version, item.remote_id)
            draft = Draft(item, line, is_new=known is None, old=old)
            self.plan.installations[key] = draft
        self._put(draft, line, cells, INSTALLATION)

    def _scratch(
        self, item: MasterData, line: int, cells: Mapping[str, str], columns: Mapping[str, str]
    ) -> Draft:
        draft = Draft(item, line, is_new=True, is_scratch=True)
        self._put(draft, line, cells, columns)
        return draft

    def _put(
        self,
        draft: Draft,
        line: int,
        cells: Mapping[str, str],
        columns: Mapping[str, str],
        needed: Iterable[str] = (),
    ) -> None:
        for column, name in columns.items():
            cell = cells.get(column, "")
            if not cell:
                if draft.is_new and draft.line == line and column in needed:
                    self._problem(line, column, _("Missing."))
                continue
            if name == "code" and draft.item.code:
                continue
            said = draft.said.setdefault(name, (cell, line))
            if said[0] != cell:
                text = _("Line %(line)d says “%(text)s”.") % {"line": said[1], "text": said[0]}
                self._problem(line, column, text)
                continue
            try:
                draft.changed += put(draft.item, **{name: cell})
            except Refused as refusal:
                self._problem(line, column, refusal.message)

    def _problem(self, line: int, column: str, message: str) -> None:
        self.plan.problems.append(Problem(line, column, message))


def plan_import(rows: Sequence[Row], *, by: Actor) -> Plan:
    """What importing the rows would do now. Reads only, in five queries."""
    planner = _Planner(rows, by)
    for line, cells in rows:
        planner.take(line, cells)
    return planner.plan


def _code(cells: Mapping[str, str], column: str) -> str:
    return _spelled_as_code(cells.get(column, ""))


# A file names the same few thousand codes again and again.
@lru_cache(maxsize=4 * 5000)
def _spelled_as_code(text: str) -> str:
    """Spelled as it is stored, or as it was typed if it cannot be."""
    scratch = Product()
    try:
        put(scratch, code=text)
    except Refused:
        return text
    return scratch.code


def _codes(rows: Sequence[Row], column: str) -> set[str]:
    return {code for _line, cells in rows if (code := _code(cells, column)) and "\0" not in code}


def _same_person(people: Iterable[Draft], cells: Mapping[str, str]) -> Draft | None:
    """Of the people at one place: by telephone number, else by name."""
    digits = phone_digits(cells.get("contact_phone", ""))
    name = " ".join(cells["contact_name"].split())
    for draft in people:
        if digits and draft.item.phone_digits == digits:
            return draft
    for draft in people:
        if draft.item.name == name:
            return draft
    return None


# ---------------------------------------------------------------------------------------------
# Doing it


@action
def keep_upload(rows: Sequence[Row], *, file_name: str, at: datetime, by: Actor) -> ImportDraft:
    """Keep what a file says until it is imported, or for a day."""
    require(by, "customers.import")
    if by.id is None:
        raise PermissionDenied("Only a person uploads files")
    ImportDraft.objects.filter(created_at__lt=at - DRAFTS_KEPT).delete()
    return ImportDraft.objects.create(
        user_id=by.id, file_name=file_name.replace("\0", "")[:200], rows=[[n, dict(c)] for n, c in rows],
        created_at=at,
    )  # fmt: skip


@action
def import_rows(draft: ImportDraft, *, at: datetime, by: Actor) -> Plan:
    """Carry out the plan of an uploaded file, made anew, and forget the file.

    Twice the same file changes nothing the second time.
    """
    require(by, "customers.import")
    locked = ImportDraft.objects.select_for_update(skip_locked=True).filter(pk=draft.pk).first()
    if locked is None or locked.user_id != by.id:
        raise Refused(_("This file was imported already, or is being imported."))
    rows: list[Row] = [(line, cells) for line, cells in draft.rows]
    plan = plan_import(rows, by=by)
    if plan.problems:
        raise ImportRefused(plan.problems)
    try:
        with transaction.atomic():
            _write(plan, at=at, by=by)
    except IntegrityError as error:
        raise Refused(
            _("Nothing was imported: somebody registered the same codes just now. Try again.")
        ) from error
    new = sum(count for _model, count, _changed in plan.counts())
    changed = sum(count for _model, _new, count in plan.counts())
    record(
        MasterDataImported(
            at=at, file_name=draft.file_name, rows=len(rows), created=new, changed=changed
        ),
        about=[],
        by=by,
    )
    draft.delete()
    return plan


def _write(plan: Plan, *, at: datetime, by: Actor) -> None:
    """Rows, history and journal, in a few statements per kind."""
    events: list[tuple[Event, list[Any]]] = []
    groups: list[Iterable[Draft]] = [
        plan.customers.values(), plan.stores.values(), plan.contacts.values(), plan.installations.values(),
    ]  # fmt: skip
    for group in groups:
        new = [d.item for d in group if d.is_new]
        changed = [d for d in group if d.changed and not d.is_new]
        create_all(new)
        _update(changed)
        events += [(created(item, at=at), _subjects(item)) for item in new]
        events += [(_edited(d, at=at), _subjects(d.item)) for d in changed]
    record_all(events, by=by)


def _update(drafts: list[Draft]) -> None:
    items = [d.item for d in drafts]
    for item in items:
        item.version += 1
    change_all(items, "version", *sorted({name for d in drafts for name in d.changed}))


def _edited(draft: Draft, *, at: datetime) -> Event:
    if isinstance(draft.item, Installation):
        return version_changed(draft.item, draft.changed, draft.old, at=at)
    return edited(draft.item, draft.changed, at=at)


def _subjects(item: MasterData) -> list[Any]:
    return [subject for subject in about(item) if subject is not None]
