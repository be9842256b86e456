"""A call (来电) and what can come of it besides a ticket: message, promise, referral."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from customers.models import Contact, Customer, Installation, Product, Store
from knowledge.models import Article, FaultCategory
from servicedesk.core.actors import Actor
from servicedesk.core.fields import Record, uuid7
from servicedesk.core.search import bigrams
from tickets.models.tickets import Ticket
from tickets.states import MessageStatus, PromiseStatus

USER = settings.AUTH_USER_MODEL


class ReferralQuerySet(models.QuerySet["ReferralTarget"]):
    def visible_to(self, actor: Actor) -> ReferralQuerySet:
        return self if actor.may("calls.take") else self.none()

    def active(self) -> ReferralQuerySet:
        return self.filter(is_active=True)


class ReferralTarget(Record):
    """Where a caller is sent with what is not ours (CALL-5)."""

    topic = models.CharField(_("topic"), max_length=60)
    name = models.CharField(_("refer to"), max_length=80)
    phone = models.CharField(_("telephone"), max_length=30, blank=True)
    note = models.CharField(_("remarks"), max_length=300, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    objects = ReferralQuerySet.as_manager()

    class Meta:
        ordering = ["topic", "name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["topic", "name"], name="tickets_referraltarget_one_active",
                condition=Q(is_active=True),
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.topic}: {self.name}"


class CallQuerySet(models.QuerySet["Call"]):
    def visible_to(self, actor: Actor) -> CallQuerySet:
        if actor.may("calls.see_all"):
            return self
        return self.filter(taken_by_id=actor.id) if actor.may("calls.take") else self.none()


class Call(Record):
    """A call that was taken and how it ended (CALL-1…11, GEN-1)."""

    class Outcome(models.TextChoices):
        SOLVED = "solved", _("Solved on the phone")
        TICKET = "ticket", _("Ticket, to be solved remotely")
        VISIT = "visit", _("Visit ordered")
        MESSAGE = "message", _("Message for a colleague")
        PROMISE = "promise", _("Callback promised")
        REFERRAL = "referral", _("Referred elsewhere")
        WRONG_NUMBER = "wrong_number", _("Wrong number")
        EXISTING = "existing", _("About an existing ticket")

    number = models.CharField(_("call number"), max_length=20, unique=True)
    taken_by = models.ForeignKey(
        USER, models.PROTECT, related_name="calls", verbose_name=_("taken by")
    )
    outcome = models.CharField(_("outcome"), max_length=15, choices=Outcome)
    caller_number = models.CharField(_("caller's number"), max_length=30, blank=True)
    caller_digits = models.CharField(max_length=30, blank=True, editable=False)
    caller_name = models.CharField(_("caller"), max_length=60, blank=True)
    salutation = models.CharField(_("form of address"), max_length=30, blank=True)
    # CALL-1: from the telephone system, else entered; unknown stays empty.
    ring_count = models.PositiveSmallIntegerField(_("rings"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"))
    ended_at = models.DateTimeField(_("ended"))
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, verbose_name=_("customer")
    )
    store = models.ForeignKey(Store, models.PROTECT, null=True, blank=True, verbose_name=_("store"))
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
    need = models.TextField(_("need in the customer's words"), max_length=4000, blank=True)
    # CALL-10: could it be solved by phone, and was that offered?
    phone_solution_offered = models.BooleanField(_("telephone help offered"), default=False)
    solution = models.TextField(_("solution"), max_length=4000, blank=True)
    article = models.ForeignKey(Article, models.PROTECT, null=True, blank=True, related_name="+")
    referral = models.ForeignKey(
        ReferralTarget, models.PROTECT, null=True, blank=True, verbose_name=_("refer to")
    )
    greeted = models.BooleanField(_("greeted with company and name"), default=False)
    read_back = models.BooleanField(_("read back to the caller"), default=False)
    ticket = models.ForeignKey(Ticket, models.PROTECT, null=True, blank=True, related_name="calls")
    # The form that was sent: a second click finds the call of the first.
    intake_key = models.UUIDField(null=True, editable=False)
    search = bigrams("number", "caller_name", "caller_digits", "need")

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            GinIndex(fields=["search"], name="tickets_call_search"),
            models.Index(fields=["caller_digits", "-id"], name="tickets_call_caller"),
            models.Index(fields=["taken_by", "-id"], name="tickets_call_taker"),
            models.Index(fields=["store", "-id"], name="tickets_call_store"),
            # What callers were referred to before (CALL-5).
            models.Index(
                fields=["referral", "-id"],
                name="tickets_call_referral",
                condition=Q(referral__isnull=False),
            ),
        ]
        constraints = [
            # GEN-1: every call ends in an outcome.
            models.CheckConstraint(
                name="tickets_call_known_outcome",
                condition=Q(outcome__in=[
                    "solved", "ticket", "visit", "message", "promise", "referral", "wrong_number",
                    "existing",
                ]),
            ),
            models.CheckConstraint(
                name="tickets_call_has_ticket",
                condition=~Q(outcome__in=["solved", "ticket", "visit", "existing"])
                | Q(ticket__isnull=False),
            ),
            models.CheckConstraint(
                name="tickets_call_has_referral",
                condition=~Q(outcome="referral") | Q(referral__isnull=False),
            ),
            models.CheckConstraint(
                name="tickets_call_ends_after_start", condition=Q(ended_at__gte=F("answered_at"))
            ),
            models.UniqueConstraint(
                fields=["taken_by", "intake_key"], name="tickets_call_once_per_form"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("tickets:call", args=[self.number])

    @property
    def length(self) -> timedelta:
        return self.ended_at - self.answered_at


class CallDraft(models.Model):
    """What the person at the telephone has typed so far; survives a reload."""

    user = models.OneToOneField(USER, models.CASCADE, related_name="call_draft")
    # Becomes the call's `intake_key`.
    key = models.UUIDField(default=uuid7)
    data = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user}: {self.started_at:%H:%M}"


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, actor: Actor) -> MessageQuerySet:
        if actor.may("promises.see_all"):
            return self
        if actor.kind not in {"user", "client"}:
            return self.none()
        return self.filter(Q(to_user_id=actor.id) | Q(taken_by_id=actor.id))

    def open(self) -> MessageQuerySet:
        return self.exclude(status=MessageStatus.DONE)


class Message(Record):
    """A message for an absent colleague (留言, CALL-4)."""

    to_user = models.ForeignKey(
        USER, models.PROTECT, related_name="messages", verbose_name=_("for")
    )
    taken_by = models.ForeignKey(USER, models.PROTECT, related_name="+")
    call = models.ForeignKey(Call, models.PROTECT, null=True, blank=True, related_name="messages")
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, blank=True)
    store = models.ForeignKey(Store, models.PROTECT, null=True, blank=True)
    caller_name = models.CharField(_("caller"), max_length=60)
    caller_number = models.CharField(_("number to call"), max_length=30)
    about_visit = models.BooleanField(_("about a visit"), default=False)
    text = models.TextField(_("message"), max_length=2000)
    call_back_by = models.DateTimeField(_("call back by"))
    status = models.CharField(max_length=10, choices=MessageStatus, default=MessageStatus.UNREAD)
    taken_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    outcome = models.CharField(_("outcome"), max_length=300, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["to_user", "-id"],
                name="tickets_message_open",
                condition=~Q(status="done"),
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="tickets_message_known_status",
                condition=Q(status__in=sorted(MessageStatus.values)),
            ),
            # CALL-4: reading is recorded, and so is what came of it.
            models.CheckConstraint(
                name="tickets_message_read_at",
                condition=Q(status="unread") | Q(read_at__isnull=False),
            ),
            models.CheckConstraint(
                name="tickets_message_done",
                condition=~Q(status="done") | (Q(done_at__isnull=False) & ~Q(outcome="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.caller_name}: {self.text[:40]}"

    def get_absolute_url(self) -> str:
        return reverse("tickets:message", args=[self.uid])


class PromiseQuerySet(models.QuerySet["CallbackPromise"]):
    def visible_to(self, actor: Actor) -> PromiseQuerySet:
        if actor.may("promises.see_all"):
            return self
        if actor.kind not in {"user", "client"}:
            return self.none()
        return self.filter(owner_id=actor.id)

    def open(self) -> PromiseQuerySet:
        return self.filter(status=PromiseStatus.OPEN)


class CallbackPromise(Record):
    """An answer promised by a time (回电承诺, CALL-6, CALL-7)."""

    owner = models.ForeignKey(
        USER, models.PROTECT, related_name="promises", verbose_name=_("owner")
    )
    call = models.ForeignKey(Call, models.PROTECT, null=True, blank=True, related_name="promises")
    ticket = models.ForeignKey(
        Ticket, models.PROTECT, null=True, blank=True, related_name="promises"
    )
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, blank=True)
    store = models.ForeignKey(Store, models.PROTECT, null=True, blank=True)
    caller_name = models.CharField(_("caller"), max_length=60)
    caller_number = models.CharField(_("number to call"), max_length=30)
    question = models.TextField(_("question"), max_length=2000)
    promised_at = models.DateTimeField()
    original_due_at = models.DateTimeField()
    due_at = models.DateTimeField(_("call back by"))
    moved_count = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(max_length=10, choices=PromiseStatus, default=PromiseStatus.OPEN)
    kept_at = models.DateTimeField(null=True)
    answer = models.TextField(_("answer given"), max_length=2000, blank=True)

    objects = PromiseQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "id"]
        indexes = [
            models.Index(
                fields=["owner", "due_at"],
                name="tickets_promise_open",
                condition=Q(status="open"),
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="tickets_promise_known_status",
                condition=Q(status__in=sorted(PromiseStatus.values)),
            ),
            models.CheckConstraint(
                name="tickets_promise_kept_at",
                condition=~Q(status="kept") | Q(kept_at__isnull=False),
            ),
            models.CheckConstraint(
                name="tickets_promise_window", condition=Q(due_at__gte=F("promised_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.caller_name}: {self.question[:40]}"

    def get_absolute_url(self) -> str:
        return reverse("tickets:promise", args=[self.uid])
