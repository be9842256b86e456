"""Whose hours count, and how long a deadline may take: calendars and policies with their versions.

A version never changes. A deadline keeps the ones it was started with, so that it can be explained
for ever, also after a hundred edits.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from customers.models import Contract, Customer, Product
from servicedesk.core.actors import Actor
from servicedesk.core.fields import Record, uuid7
from sla.kinds import Step, label_of
from sla.worktime import ALWAYS, Window, Worktime


class CalendarQuerySet(models.QuerySet["Calendar"]):
    def visible_to(self, actor: Actor) -> CalendarQuerySet:
        return self if actor.may("sla.see") else self.none()


class Calendar(Record):
    """The working hours of a contract or a team. What they are is in its newest version."""

    code = models.SlugField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=80)
    is_active = models.BooleanField(_("in use"), default=True)
    follows_public_holidays = models.BooleanField(_("follows the public holidays"), default=False)
    current = models.ForeignKey(
        "CalendarVersion", models.PROTECT, null=True, related_name="+", verbose_name=_("version")
    )

    objects = CalendarQuerySet.as_manager()

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("sla:calendar", args=[self.uid])


class CalendarVersion(models.Model):
    """What a calendar said from one edit to the next.

    `weekly`: seven lists of [from, to] in seconds of the day, Monday first. `days`: exceptions by
    date, {"2026-10-01": {"name": "国庆节", "windows": []}}.
    """

    uid = models.UUIDField(default=uuid7, unique=True)
    calendar = models.ForeignKey(Calendar, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    zone = models.CharField(max_length=60)
    weekly = models.JSONField()
    days = models.JSONField(default=dict)
    note = models.CharField(max_length=200, blank=True)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=200)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["calendar", "number"], name="sla_calendarversion_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.calendar_id} v{self.number}"

    def worktime(self) -> Worktime:
        return Worktime(
            self.zone,
            tuple(_windows(day) for day in self.weekly),
            {date.fromisoformat(day): _windows(what["windows"]) for day, what in self.days.items()},
        )

    def name_of(self, day: date) -> str:
        """What the day is called, if it is an exception."""
        name: str = self.days.get(day.isoformat(), {}).get("name", "")
        return name


def _windows(pairs: list[list[int]]) -> tuple[Window, ...]:
    return tuple((start, end) for start, end in pairs)


class PolicyQuerySet(models.QuerySet["Policy"]):
    def visible_to(self, actor: Actor) -> PolicyQuerySet:
        return self if actor.may("sla.see") else self.none()

    def fitting(
        self, *, urgent: bool, customer_id: int | None, product_id: int | None, day: date
    ) -> PolicyQuerySet:
        """Those in use whose every condition holds."""
        contract = Q(contract__customer=customer_id, contract__starts_on__lte=day) & (
            Q(contract__ends_on__isnull=True) | Q(contract__ends_on__gte=day)
        )
        return self.filter(
            Q(urgent__isnull=True) | Q(urgent=urgent),
            Q(customer__isnull=True) | Q(customer=customer_id),
            Q(product__isnull=True) | Q(product=product_id),
            Q(contract__isnull=True) | contract,
            is_active=True,
        )


class Policy(Record):
    """For which deadlines of a kind other terms hold than the kind's own. Empty means any."""

    kind = models.CharField(_("kind of deadline"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    urgent = models.BooleanField(_("urgent requests"), null=True)
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, verbose_name=_("customer")
    )
    contract = models.ForeignKey(
        Contract, models.PROTECT, null=True, blank=True, verbose_name=_("contract")
    )
    product = models.ForeignKey(
        Product, models.PROTECT, null=True, blank=True, verbose_name=_("product")
    )
    is_active = models.BooleanField(_("in use"), default=True)
    current = models.ForeignKey(
        "PolicyVersion", models.PROTECT, null=True, related_name="+", verbose_name=_("version")
    )

    objects = PolicyQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            # Two policies of the same conditions: nobody could say which one holds.
            models.UniqueConstraint(
                fields=["kind", "urgent", "customer", "contract", "product"],
                name="sla_policy_one_in_use",
                condition=Q(is_active=True),
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("sla:policy", args=[self.uid])

    @property
    def kind_label(self) -> Any:
        return label_of(self.kind)

    @property
    def weight(self) -> int:
        """How particular it is: a contract says more than a customer, and that more than the rest."""
        conditions = (self.contract_id, self.customer_id, self.product_id, self.urgent)
        return sum(
            1 << place
            for place, condition in enumerate(reversed(conditions))
            if condition is not None
        )


class PolicyVersion(models.Model):
    """What a policy said from one edit to the next."""

    uid = models.UUIDField(default=uuid7, unique=True)
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    # The time allowed; none: the kind's own.
    target = models.DurationField(null=True)
    calendar = models.ForeignKey(Calendar, models.PROTECT, null=True)
    # The ladder as `kinds.Step` reads it; empty: the kind's own.
    steps = models.JSONField(default=list)
    # How long the clock may stand still in all; none: it may not.
    longest_pause = models.DurationField(null=True)
    note = models.CharField(max_length=200, blank=True)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=200)
    # Running deadlines follow these terms from now on; until then the worker is at it.
    spreads = models.BooleanField(default=False)
    spread_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="sla_policyversion_number"),
            models.CheckConstraint(
                name="sla_policyversion_target",
                condition=Q(target__isnull=True) | Q(target__gt=timedelta(0)),
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"], name="sla_policyversion_spreading",
                condition=Q(spreads=True, spread_at__isnull=True),
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.policy_id} v{self.number}"


# Versions never change, so what is made of them is kept.


@lru_cache(maxsize=1024)
def worktime_of(calendar_id: int | None) -> Worktime:
    """The hours of a version of a calendar, by its key; without one day and night."""
    if calendar_id is None:
        return ALWAYS
    return CalendarVersion.objects.get(pk=calendar_id).worktime()


@lru_cache(maxsize=1024)
def steps_of(terms_id: int | None) -> tuple[Step, ...]:
    """The ladder of a version of a policy, by its key; empty if it has none of its own."""
    if terms_id is None:
        return ()
    rows = PolicyVersion.objects.values_list("steps", flat=True).get(pk=terms_id)
    return tuple(Step.from_json(row) for row in rows)
