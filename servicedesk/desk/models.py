"""What the managers' figures are read from: outcomes per ticket, and their sums per day.

Nothing here is a record of the business: all of it is made from tickets, deadlines and
extensions by `managers.rollups`, and can be made again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from customers.models import Customer
from servicedesk.core.actors import Actor
from servicedesk.core.fields import uuid7
from tickets.models import Ticket

# Each is 0 or 1 for a ticket, and the sum of these for a day. What they mean stands in
# `managers.rollups.FACTS`; what they are called, in `managers.figures`.
MEASURES = (
    "opened", "response_in_time", "response_late", "promised_in_time", "promised_late",
    "agreed_in_time", "agreed_late", "over_24h", "solved", "solved_once", "first_contact",
    "by_phone", "by_remote", "by_visit", "not_solved", "closed", "reopened",
    "extension_asked", "extension_consented", "extension_refused", "extension_kept",
    "extension_broken",
)  # fmt: skip


class TicketFact(models.Model):
    """The outcome of one ticket so far; `day` is the day of its intake.

    What only the clock decides is left open: the times that an open ticket has still to keep
    stand in the `*_due` columns, and whether they are over is asked when a page is drawn.
    """

    ticket = models.OneToOneField(
        Ticket, models.CASCADE, primary_key=True, db_constraint=False, related_name="+"
    )
    day = models.DateField()
    # Of the week: Monday 0:00 is 0, Sunday 23:00 is 167.
    hour = models.SmallIntegerField()
    # Who works on it, else who owns it. The team follows from the person when it is asked for, so
    # that nothing is to be made again when somebody changes teams.
    person = models.BigIntegerField()
    customer = models.BigIntegerField()
    store = models.BigIntegerField()
    # 0: none.
    product = models.BigIntegerField()
    category = models.BigIntegerField()
    received_at = models.DateTimeField()
    is_open = models.BooleanField()
    response_due = models.DateTimeField(null=True)
    promised_due = models.DateTimeField(null=True)
    agreed_due = models.DateTimeField(null=True)
    extended_due = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # The records behind a figure, newest first, and the sums of several filters at once.
            models.Index(fields=["day", "ticket"], name="desk_ticketfact_day"),
            models.Index(fields=["person", "day"], name="desk_ticketfact_person"),
            models.Index(fields=["customer", "day"], name="desk_ticketfact_customer"),
            # Top stores of a period, read from the index alone.
            models.Index(fields=["day", "store"], name="desk_ticketfact_store"),
            # The backlog, and what of it is overdue.
            models.Index(
                fields=["received_at"], name="desk_ticketfact_open", condition=Q(is_open=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.pk}"


class RollUp(models.Model):
    """The sums of one day for one value of one dimension."""

    class Dimension(models.TextChoices):
        ALL = "all"
        PERSON = "person"
        CUSTOMER = "customer"
        PRODUCT = "product"
        CATEGORY = "category"
        HOUR = "hour"

    day = models.DateField()
    dimension = models.CharField(max_length=10, choices=Dimension)
    key = models.BigIntegerField()

    class Meta:
        constraints = [
            # Also the index by which one value is read over a period.
            models.UniqueConstraint(fields=["dimension", "key", "day"], name="desk_rollup_once"),
        ]
        indexes = [
            # All values over a period: the top ones, the heat map.
            models.Index(fields=["dimension", "day"], name="desk_rollup_period"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.dimension} {self.key}"


class Progress(models.Model):
    """How far the journal is rolled up: the sequence of the last link of its chain that was read.

    Not the entry's id: ids are given out before a transaction commits, so a smaller one may
    appear later. Links are given out in order.
    """

    sequence = models.BigIntegerField(default=0)
    caught_up_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.sequence)


def _measure(model: type[models.Model], name: str, column: Any) -> None:
    column.contribute_to_class(model, name)


for _name in MEASURES:
    _measure(TicketFact, _name, models.SmallIntegerField())
    _measure(RollUp, _name, models.IntegerField())


# Of visits, as `managers.visit_figures.measures` counts them.
VISIT_MEASURES = (
    "arrived", "appointed", "on_time", "early", "tight", "late", "first", "fixed", "handed",
    "handed_in_time", "hand_4", "hand_24", "hand_48", "hand_more", "unhanded", "rated", "low",
    *(f"{aspect}_{score}" for aspect in ("punctuality", "conduct", "skill", "result")
      for score in (5, 4, 3, 2, 1)),
)  # fmt: skip


class VisitDay(models.Model):
    """The visits of one day, engineer and product; 0: none. Triggers say when it is to be made
    again (`StaleVisitDay`), `managers.visit_days` makes it."""

    day = models.DateField()
    engineer = models.BigIntegerField()
    product = models.BigIntegerField()
    # From the work's end to the hand-in, of all forms that were handed in.
    hand_in_sum = models.DurationField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "engineer", "product"], name="desk_visitday_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.engineer} {self.product}"


class StaleVisitDay(models.Model):
    """A day whose visits changed since its `VisitDay` rows were made; triggers add it.

    `moment` lies on that day in every time zone: it is cut to a quarter of an hour.
    """

    moment = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.moment:%Y-%m-%d %H:%M}"


for _name in VISIT_MEASURES:
    _measure(VisitDay, _name, models.IntegerField())


class WallLinkQuerySet(models.QuerySet["WallLink"]):
    def visible_to(self, actor: Actor) -> Self:
        return self if actor.may("managers.wall") else self.none()

    def alive(self, at: datetime) -> Self:
        """Those that open the wall screen, as far as their maker may still see it himself."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=at)


class WallLink(models.Model):
    """The secret address of a screen on the wall: it opens that one page, and writes nothing.

    A log-in ends after hours, and a screen in a room must not carry a manager's rights. The link
    shows what its maker may see, and dies with his right to see it.
    """

    uid = models.UUIDField(default=uuid7, unique=True)
    name = models.CharField(_("where the screen hangs"), max_length=60)
    token_sha256 = models.CharField(max_length=64, unique=True)
    # What the figures are narrowed to: {"team": its uid, …}.
    chosen = models.JSONField(default=dict)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("made by"))
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    # To the minute: whether the screen still hangs there.
    seen_at = models.DateTimeField(null=True)

    objects = WallLinkQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class MonthlyReportQuerySet(models.QuerySet["MonthlyReport"]):
    def visible_to(self, actor: Actor) -> Self:
        return self if actor.may("managers.see") else self.none()


class MonthlyReport(models.Model):
    """The service report (MR) of one month, of a customer or of all: a number that keeps the
    versions of its form together. What they say stands in `core.Document`."""

    uid = models.UUIDField(default=uuid7, unique=True)
    number = models.CharField(_("form number"), max_length=20, unique=True)
    # Its first day.
    month = models.DateField(_("month"))
    # None: of all.
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, related_name="+", verbose_name=_("customer")
    )
    # When the worker made it after the end of the month.
    scheduled_at = models.DateTimeField(null=True)

    objects = MonthlyReportQuerySet.as_manager()

    class Meta:
        ordering = ["-month", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["month", "customer"], nulls_distinct=False, name="desk_monthlyreport_once"
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="desk_monthlyreport_first_day"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("desk:managers_reports")
