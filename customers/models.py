"""Customers, their stores, the people there, and the product installed (handbook CALL-8, CALL-9)."""

from __future__ import annotations

from typing import Self, TypeVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from servicedesk.core.actors import Actor
from servicedesk.core.fields import Named, Record, uuid7
from servicedesk.core.history import tracked
from servicedesk.core.search import bigrams

M = TypeVar("M", bound=models.Model, covariant=True)


class VisibleQuerySet(models.QuerySet[M]):
    def visible_to(self, actor: Actor) -> Self:
        """Customer master data is known to all colleagues and to integrated systems."""
        return self if actor.may("customers.see") else self.none()

    def active(self) -> Self:
        return self.filter(is_active=True)


# Made from other fields, so their history would say everything twice.
DERIVED = ["search", "pinyin"]


class Customer(Named):
    """A company (客户)."""

    code = models.CharField(_("customer code"), max_length=30, unique=True)
    name = models.CharField(_("customer"), max_length=120)
    short_name = models.CharField(_("short name"), max_length=60, blank=True)
    # Spelled out and as initials, in small letters (core.search.spelled).
    pinyin = models.CharField(max_length=1000, blank=True, editable=False)
    industry = models.CharField(_("industry"), max_length=60, blank=True)
    is_key_account = models.BooleanField(_("key account"), default=False)
    note = models.TextField(_("remarks"), max_length=2000, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    search = bigrams("code", "name", "short_name", "pinyin")

    objects = VisibleQuerySet.as_manager()
    history = tracked(excluded_fields=DERIVED)

    class Meta:
        ordering = ["pinyin", "id"]
        indexes = [
            GinIndex(fields=["search"], name="customers_customer_search"),
            # The list of customers.
            models.Index(fields=["pinyin", "id"], name="customers_customer_by_name"),
        ]

    def __str__(self) -> str:
        return self.short_name or self.name

    def get_absolute_url(self) -> str:
        return reverse("customers:customer", args=[self.uid])


class Store(Named):
    """A shop of a customer, where the product runs (门店)."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="stores")
    code = models.CharField(_("store code"), max_length=30, unique=True)
    name = models.CharField(_("store"), max_length=120)
    pinyin = models.CharField(max_length=1000, blank=True, editable=False)
    province = models.CharField(_("province"), max_length=30, blank=True)
    city = models.CharField(_("city"), max_length=30, blank=True)
    district = models.CharField(_("district"), max_length=30, blank=True)
    address = models.CharField(_("address"), max_length=200)
    phone = models.CharField(_("telephone"), max_length=30, blank=True)
    # Digits only, to be found by fragment whatever the spelling.
    phone_digits = models.CharField(max_length=30, blank=True, editable=False)
    opening_hours = models.CharField(_("opening hours"), max_length=60, blank=True)
    note = models.TextField(_("remarks"), max_length=2000, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    search = bigrams("code", "name", "pinyin", "city", "district", "address", "phone_digits")

    objects = VisibleQuerySet.as_manager()
    history = tracked(excluded_fields=[*DERIVED, "phone_digits"])

    class Meta:
        ordering = ["pinyin", "id"]
        indexes = [
            GinIndex(fields=["search"], name="customers_store_search"),
            # The list of stores.
            models.Index(fields=["pinyin", "id"], name="customers_store_by_name"),
            models.Index(fields=["phone_digits"], name="customers_store_phone"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("customers:store", args=[self.uid])

    @property
    def full_address(self) -> str:
        return f"{self.province}{self.city}{self.district}{self.address}"


class Contact(Named):
    """A person at a customer (联系人); `salutation` is how he wishes to be addressed."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="contacts")
    store = models.ForeignKey(Store, models.PROTECT, null=True, blank=True, related_name="contacts")
    name = models.CharField(_("contact"), max_length=60)
    pinyin = models.CharField(max_length=500, blank=True, editable=False)
    salutation = models.CharField(_("form of address"), max_length=30, blank=True)
    position = models.CharField(_("position"), max_length=60, blank=True)
    phone = models.CharField(_("telephone"), max_length=30, blank=True)
    phone_digits = models.CharField(max_length=30, blank=True, editable=False)
    email = models.EmailField(_("e-mail"), blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    search = bigrams("name", "pinyin", "phone_digits")

    objects = VisibleQuerySet.as_manager()
    history = tracked(excluded_fields=[*DERIVED, "phone_digits"])

    class Meta:
        ordering = ["pinyin", "id"]
        indexes = [
            GinIndex(fields=["search"], name="customers_contact_search"),
            models.Index(fields=["phone_digits"], name="customers_contact_phone"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """People have no page of their own: they are listed with their shop or company."""
        home = self.store or self.customer
        return f"{home.get_absolute_url()}#contacts"

    @property
    def addressed(self) -> str:
        """How the scripts call the person."""
        return self.salutation or self.name


class Product(Record):
    """The vendor's product, such as 积分产品."""

    code = models.CharField(_("product code"), max_length=30, unique=True)
    name = models.CharField(_("product"), max_length=80)
    # Whose engineers take its tickets; without one, any engineer does.
    team = models.ForeignKey(
        Team, models.PROTECT, null=True, blank=True, related_name="products", verbose_name=_("team")
    )
    is_active = models.BooleanField(_("active"), default=True)

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class StockPart(Named):
    """A part or a piece of software of the list that work records choose from (备件)."""

    code = models.CharField(_("part code"), max_length=30, unique=True)
    name = models.CharField(_("part"), max_length=80)
    pinyin = models.CharField(max_length=200, editable=False)
    spec = models.CharField(_("specification"), max_length=80, blank=True)
    unit = models.CharField(_("unit"), max_length=10, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    search = bigrams("code", "name", "pinyin", "spec")

    objects = VisibleQuerySet.as_manager()
    history = tracked(excluded_fields=DERIVED)

    class Meta:
        ordering = ["pinyin", "id"]
        indexes = [
            GinIndex(fields=["search"], name="customers_stockpart_search"),
            # The list, page by page.
            models.Index(fields=["pinyin", "id"], name="customers_stockpart_list"),
        ]

    def __str__(self) -> str:
        """As it stands on a form, no longer than fits there."""
        return f"{self.name} {self.spec}".strip()[:80]


class Installation(Record):
    """A product at one store: version and remote id (安装)."""

    store = models.ForeignKey(Store, models.PROTECT, related_name="installations")
    product = models.ForeignKey(Product, models.PROTECT, related_name="installations")
    software_version = models.CharField(_("software version"), max_length=30, blank=True)
    remote_id = models.CharField(_("remote id"), max_length=60, blank=True)
    installed_on = models.DateField(_("installed on"), null=True, blank=True)
    note = models.TextField(_("remarks"), max_length=2000, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ["product__name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["store", "product"],
                name="customers_installation_one_active",
                condition=Q(is_active=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.software_version}".strip()


class Contract(Record):
    """What was agreed with a customer for a time (合同); service terms may depend on it."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="contracts")
    number = models.CharField(_("contract number"), max_length=40, unique=True)
    title = models.CharField(_("contract"), max_length=120)
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"), null=True, blank=True)

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "id"]
        constraints = [
            models.CheckConstraint(
                name="customers_contract_window",
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def get_absolute_url(self) -> str:
        return f"{self.customer.get_absolute_url()}#contracts"


class ImportDraft(models.Model):
    """What an uploaded file says, between the preview and the click that imports it.

    Not a record: it is gone once it was imported, or a day later.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=200)
    rows = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.file_name
