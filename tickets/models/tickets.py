"""The ticket (工单): one customer need until it is closed."""

from __future__ import annotations

from typing import ClassVar, Self, TypeVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Case, Q, When
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from customers.models import Contact, Customer, Installation, Product, Store
from knowledge.models import FaultCategory
from servicedesk.core.actors import Actor
from servicedesk.core.fields import Record
from servicedesk.core.search import bigrams
from tickets.states import OPEN, ExtensionStatus, HandoverStatus, Status

USER = settings.AUTH_USER_MODEL
M = TypeVar("M", bound=models.Model, covariant=True)


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, actor: Actor) -> TicketQuerySet:
        """Who sees which ticket:

        | | its own¹ | nobody's, of his team's products² | all others |
        | helpdesk, dispatcher, manager, administrator, business, API client | yes | yes | yes |
        | engineer | yes | yes: he may take it | no |
        | trainer | yes | no | no |

        ¹ He works on it, owns it, or it is or was offered to him.
        ² New, and its product has no team, or is not known.
        """
        if actor.may("tickets.see_all"):
            return self
        if actor.kind not in {"user", "client"}:
            return self.none()
        mine = (
            Q(assignee_id=actor.id)
            | Q(owner_id=actor.id)
            | Q(pk__in=Handover.objects.filter(to_user_id=actor.id).values("ticket_id"))
        )
        if not actor.may("tickets.work"):
            return self.filter(mine)
        of_others = Product.objects.order_by().filter(team__isnull=False)
        if actor.team_id is not None:
            of_others = of_others.exclude(team=actor.team_id)
        return self.filter(mine | Q(status=Status.NEW) & ~Q(product__in=of_others.values("pk")))

    def open(self) -> TicketQuerySet:
        return self.filter(status__in=sorted(OPEN))


class Ticket(Record):
    """`owner` is the first-contact owner (首问责任人, OPS-1); `assignee` works on it now."""

    class Solution(models.TextChoices):
        PHONE = "phone", _("By telephone")
        REMOTE = "remote", _("Remotely")
        VISIT = "visit", _("On site")
        NONE = "none", _("Not solved")

    class Closing(models.TextChoices):
        CONFIRMED = "confirmed", _("Customer confirmed")
        AUTOMATIC = "automatic", _("No further report")
        WITHDRAWN = "withdrawn", _("Withdrawn by the customer")

    number = models.CharField(_("ticket number"), max_length=20, unique=True)
    title = models.CharField(_("subject"), max_length=120)
    need = models.TextField(_("need in the customer's words"), max_length=4000)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.NEW)
    customer = models.ForeignKey(Customer, models.PROTECT, verbose_name=_("customer"))
    store = models.ForeignKey(Store, models.PROTECT, verbose_name=_("store"))
    contact = models.ForeignKey(
        Contact, models.PROTECT, null=True, blank=True, verbose_name=_("contact")
    )
    product = models.ForeignKey(
        Product, models.PROTECT, null=True, blank=True, verbose_name=_("product")
    )
    installation = models.ForeignKey(
        Installation, models.PROTECT, null=True, blank=True, verbose_name=_("installation")
    )
    category = models.ForeignKey(
        FaultCategory, models.PROTECT, null=True, blank=True, verbose_name=_("fault category")
    )
    is_urgent = models.BooleanField(_("urgent"), default=False)
    urgency_reason = models.CharField(_("reason for urgency"), max_length=200, blank=True)
    is_complaint = models.BooleanField(_("complaint"), default=False)
    received_at = models.DateTimeField(_("received"))
    # SLA-2: one of the two is always answered.
    expected_at = models.DateTimeField(_("expected by the customer"), null=True, blank=True)
    no_wish = models.BooleanField(_("no wish as to time"), default=False)
    # SLA-1. A copy of the resolution deadline, for the index that the queue is read by.
    due_at = models.DateTimeField(_("to be solved by"), editable=False)
    owner = models.ForeignKey(
        USER, models.PROTECT, related_name="owned_tickets", verbose_name=_("first-contact owner")
    )
    assignee = models.ForeignKey(
        USER, models.PROTECT, null=True, blank=True, related_name="assigned_tickets",
        verbose_name=_("assignee"),
    )  # fmt: skip
    responded_at = models.DateTimeField(_("first response"), null=True, blank=True)
    waiting_reason = models.CharField(_("waiting for"), max_length=200, blank=True)
    waiting_until = models.DateTimeField(_("waiting until"), null=True, blank=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    solution = models.CharField(_("solved how"), max_length=10, choices=Solution, blank=True)
    resolution = models.TextField(_("solution"), max_length=4000, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closing = models.CharField(_("closed how"), max_length=10, choices=Closing, blank=True)
    reopened_count = models.PositiveSmallIntegerField(_("reopened"), default=0)
    # The first sort key of the queue (SLA-3): urgent ones before all others.
    queue = models.GeneratedField(
        expression=Case(When(is_urgent=True, then=0), default=1),
        output_field=models.SmallIntegerField(),
        db_persist=True,
        editable=False,
    )
    search = bigrams("number", "title", "need")

    objects: ClassVar[models.Manager[Ticket]] = TicketQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            GinIndex(fields=["search"], name="tickets_ticket_search"),
            # The lists: everything open, per assignee, per owner, per store; newest first.
            models.Index(
                fields=["status", "-id"],
                name="tickets_ticket_open",
                condition=~Q(status__in=["closed"]),
            ),
            # The queue: urgent ones first (SLA-3), then by remaining time; and what is overdue.
            models.Index(
                fields=["queue", "due_at", "id"],
                name="tickets_ticket_queue",
                condition=Q(status__in=["new", "assigned", "in_progress", "waiting"]),
            ),
            models.Index(
                fields=["assignee", "due_at"],
                name="tickets_ticket_mine",
                condition=Q(status__in=["new", "assigned", "in_progress", "waiting"]),
            ),
            models.Index(fields=["assignee", "-id"], name="tickets_ticket_assignee"),
            models.Index(fields=["owner", "-id"], name="tickets_ticket_owner"),
            models.Index(fields=["store", "-id"], name="tickets_ticket_store"),
            models.Index(fields=["customer", "-id"], name="tickets_ticket_customer"),
            # The tickets of one day, for the roll-ups.
            models.Index(fields=["received_at"], name="tickets_ticket_received"),
        ]  # fmt: skip
        constraints = [
            models.CheckConstraint(
                name="tickets_ticket_known_status", condition=Q(status__in=sorted(Status.values))
            ),
            models.CheckConstraint(
                name="tickets_ticket_expectation_asked",
                condition=Q(expected_at__isnull=False, no_wish=False)
                | Q(expected_at__isnull=True, no_wish=True),
            ),
            models.CheckConstraint(
                name="tickets_ticket_urgent_reason",
                condition=Q(is_urgent=False) | ~Q(urgency_reason=""),
            ),
            models.CheckConstraint(
                name="tickets_ticket_assigned_to_someone",
                condition=Q(status="new") | Q(assignee__isnull=False),
            ),
            models.CheckConstraint(
                name="tickets_ticket_waiting_explained",
                condition=~Q(status="waiting")
                | (~Q(waiting_reason="") & Q(waiting_until__isnull=False)),
            ),
            models.CheckConstraint(
                name="tickets_ticket_resolved_at",
                condition=~Q(status__in=["resolved", "closed"]) | Q(resolved_at__isnull=False),
            ),
            models.CheckConstraint(
                name="tickets_ticket_closed_at",
                condition=~Q(status="closed") | (Q(closed_at__isnull=False) & ~Q(closing="")),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("tickets:ticket", args=[self.number])

    @property
    def clock(self) -> str:
        """How the resolution clock stands, for `{% remaining %}` in a list."""
        if self.resolved_at is None:
            return "running"
        return "met" if self.resolved_at <= self.due_at else "late"


class OfTicketQuerySet(models.QuerySet[M]):
    def visible_to(self, actor: Actor) -> Self:
        return self.filter(ticket__in=Ticket.objects.visible_to(actor))


class Note(Record):
    """What a colleague noted on a ticket."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="notes")
    text = models.TextField(_("note"), max_length=4000)
    author_label = models.CharField(max_length=200)
    at = models.DateTimeField()

    objects = OfTicketQuerySet.as_manager()

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.text[:40]


class Handover(Record):
    """Ownership offered to a colleague; it moves when he accepts (OPS-1)."""

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="handovers")
    from_user = models.ForeignKey(USER, models.PROTECT, related_name="+")
    to_user = models.ForeignKey(
        USER, models.PROTECT, related_name="handovers", verbose_name=_("colleague")
    )
    reason = models.CharField(_("reason"), max_length=300)
    status = models.CharField(
        _("status"), max_length=10, choices=HandoverStatus, default=HandoverStatus.PENDING
    )
    requested_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(_("answer"), max_length=300, blank=True)

    objects = OfTicketQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["ticket"], name="tickets_handover_one_pending",
                condition=Q(status="pending"),
            ),
            models.CheckConstraint(
                name="tickets_handover_known_status",
                condition=Q(status__in=sorted(HandoverStatus.values)),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.ticket} → {self.to_user}"


class Extension(Record):
    """Plan, new time, and the customer's consent to both (SLA-5, form EX)."""

    # Its ticket is locked before it (`core.subjects`).
    hangs_on = "ticket"

    class Channel(models.TextChoices):
        CALL = "call", _("By telephone, recorded")
        LINK = "link", _("By one-time link")
        IN_PERSON = "in_person", _("In person, with signature")

    number = models.CharField(max_length=20, unique=True)
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="extensions")
    plan = models.TextField(_("technical plan"), max_length=4000)
    proposed_due_at = models.DateTimeField(_("new time"))
    # Both times are kept for ever.
    former_due_at = models.DateTimeField(_("former time"))
    status = models.CharField(
        _("status"), max_length=10, choices=ExtensionStatus, default=ExtensionStatus.PROPOSED
    )
    proposed_by = models.ForeignKey(USER, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    # Who of the customer answered, how, and what proves it.
    answered_by = models.CharField(_("who answered"), max_length=100, blank=True)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel, blank=True)
    evidence = models.CharField(_("evidence"), max_length=200, blank=True)
    call = models.ForeignKey(
        "tickets.Call", models.PROTECT, null=True, related_name="+", verbose_name=_("call")
    )
    # Why the customer refused, in his words.
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    objects = OfTicketQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["ticket"], name="tickets_extension_one_proposed",
                condition=Q(status="proposed"),
            ),
            models.CheckConstraint(
                name="tickets_extension_known_status",
                condition=Q(status__in=sorted(ExtensionStatus.values)),
            ),
            # SLA-5: no consent without who, how and by what it is proven.
            models.CheckConstraint(
                name="tickets_extension_consent_proven",
                condition=~Q(status="consented")
                | (~Q(answered_by="") & ~Q(channel="") & ~Q(evidence="")
                   & Q(answered_at__isnull=False)),
            ),
            # A telephone consent is the one of a call that is on record.
            models.CheckConstraint(
                name="tickets_extension_call_named",
                condition=~Q(channel="call") | Q(call__isnull=False),
            ),
            models.CheckConstraint(
                name="tickets_extension_refusal_explained",
                condition=~Q(status="refused") | (~Q(answered_by="") & ~Q(reason="")),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return f"{self.ticket.get_absolute_url()}#extension-{self.number}"


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, actor: Actor) -> SavedViewQuerySet:
        return self.filter(user_id=actor.id or 0) if actor.kind == "user" else self.none()


class SavedView(Record):
    """A list's filters under a name, for one person."""

    user = models.ForeignKey(USER, models.CASCADE, related_name="saved_views")
    name = models.CharField(_("name"), max_length=40)
    query = models.CharField(max_length=500)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="tickets_savedview_name")
        ]

    def __str__(self) -> str:
        return self.name
