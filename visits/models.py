"""The visit order (上门服务单, form SV) with its appointment, work record and satisfaction."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from customers.models import Contact, Customer, Installation, StockPart, Store
from knowledge.models import FaultCategory
from servicedesk.core.actors import Actor
from servicedesk.core.fields import Record, uuid7
from servicedesk.core.search import bigrams
from tickets.models import Ticket
from visits.states import APPOINTED_AHEAD, BEFORE_ARRIVAL, FINAL, UNSIGNED, Status

USER = settings.AUTH_USER_MODEL


class VisitQuerySet(models.QuerySet["VisitOrder"]):
    def visible_to(self, actor: Actor) -> VisitQuerySet:
        """The desk sees all visits, engineers their own."""
        if actor.may("visits.see_all"):
            return self
        return self.filter(engineer_id=actor.id) if actor.may("visits.work") else self.none()

    def unfinished(self) -> VisitQuerySet:
        return self.exclude(status__in=sorted(FINAL))

    def unsigned(self) -> VisitQuerySet:
        """The work is not done, or nobody has answered for it with a signature yet."""
        return self.filter(status__in=sorted(UNSIGNED))


class VisitOrder(Record):
    """One journey to one store, from the order to the archived form."""

    number = models.CharField(_("form number"), max_length=20, unique=True)
    # Pre-sales and training order visits without a ticket.
    ticket = models.ForeignKey(
        Ticket, models.PROTECT, null=True, blank=True, related_name="visits",
        verbose_name=_("ticket"),
    )  # fmt: skip
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.ORDERED)
    customer = models.ForeignKey(Customer, models.PROTECT, verbose_name=_("customer"))
    store = models.ForeignKey(Store, models.PROTECT, verbose_name=_("store"))
    contact = models.ForeignKey(
        Contact, models.PROTECT, null=True, blank=True, verbose_name=_("contact")
    )
    # VISIT-1: copied, because the order must carry what was said then.
    contact_name = models.CharField(_("contact"), max_length=60)
    contact_phone = models.CharField(_("telephone"), max_length=30)
    salutation = models.CharField(_("form of address"), max_length=30, blank=True)
    address = models.CharField(_("address"), max_length=300)
    need = models.TextField(_("need in the customer's words"), max_length=4000)
    # What the visit is for, in the words of whoever ordered it; empty: just the need.
    task = models.TextField(_("task on site"), max_length=1000, blank=True)
    # Parts, tools, papers: what the desk knows to be needed there (VISIT-10).
    bring = models.TextField(_("what to bring"), max_length=1000, blank=True)
    installation = models.ForeignKey(
        Installation, models.PROTECT, null=True, blank=True, verbose_name=_("installation")
    )
    category = models.ForeignKey(
        FaultCategory, models.PROTECT, null=True, blank=True, verbose_name=_("fault category")
    )
    is_urgent = models.BooleanField(_("urgent"), default=False)
    is_complaint = models.BooleanField(_("complaint"), default=False)
    ordered_by = models.ForeignKey(
        USER, models.PROTECT, null=True, related_name="+", verbose_name=_("ordered by")
    )
    ordered_at = models.DateTimeField(_("ordered"))
    engineer = models.ForeignKey(
        USER, models.PROTECT, null=True, blank=True, related_name="visits",
        verbose_name=_("engineer"),
    )  # fmt: skip
    # VISIT-2
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    first_judgement = models.TextField(_("first judgement"), max_length=1000, blank=True)
    unclear = models.TextField(_("what is unclear"), max_length=1000, blank=True)
    # the appointment in force; its history is in Appointment
    window_from = models.DateTimeField(_("from"), null=True, blank=True)
    window_until = models.DateTimeField(_("until"), null=True, blank=True)
    travel_minutes = models.PositiveSmallIntegerField(_("travel time (minutes)"), default=30)
    # VISIT-11: start of the window less the way; from here to `window_until` he is taken.
    leave_at = models.DateTimeField(_("set off at"), null=True, blank=True)
    # What the desk intends until the customer agrees; no promise, and nobody waits for it.
    planned_from = models.DateTimeField(_("planned from"), null=True, blank=True)
    planned_until = models.DateTimeField(_("planned until"), null=True, blank=True)
    # the day
    departed_at = models.DateTimeField(_("departed"), null=True, blank=True)
    arrived_at = models.DateTimeField(_("arrived"), null=True, blank=True)
    waiting_since = models.DateTimeField(_("waiting since"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    signed_at = models.DateTimeField(_("signed"), null=True, blank=True)
    signature_refused = models.CharField(_("why not signed"), max_length=300, blank=True)
    handed_in_at = models.DateTimeField(_("handed in"), null=True, blank=True)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    followed_up_at = models.DateTimeField(_("followed up"), null=True, blank=True)
    follow_up_result = models.CharField(_("result of the follow-up"), max_length=500, blank=True)
    cancelled_reason = models.CharField(_("why cancelled"), max_length=300, blank=True)
    search = bigrams("number", "contact_name", "address", "need")

    objects: ClassVar[models.Manager[VisitOrder]] = VisitQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            GinIndex(fields=["search"], name="visits_visitorder_search"),
            # The engineer's day and the planner's board.
            models.Index(fields=["engineer", "window_from"], name="visits_visitorder_board"),
            # The dispatch board: what lies in a stretch of days, and what waits for a place there.
            models.Index(fields=["window_from"], name="visits_visitorder_days"),
            models.Index(
                fields=["planned_from"],
                name="visits_visitorder_plans",
                condition=Q(planned_from__isnull=False),
            ),
            models.Index(
                fields=["ordered_at"],
                name="visits_visitorder_unplanned",
                condition=Q(status__in=["ordered", "assigned", "accepted", "missed"]),
            ),
            models.Index(
                fields=["status", "-id"],
                name="visits_visitorder_open",
                condition=~Q(status__in=["archived", "cancelled"]),
            ),
            models.Index(fields=["store", "-id"], name="visits_visitorder_store"),
            # The managers' figures of a period and the lists behind them, counted from the index.
            models.Index(
                fields=["arrived_at", "id"],
                include=[
                    "engineer",
                    "customer",
                    "installation",
                    "ticket",
                    "window_from",
                    "finished_at",
                    "handed_in_at",
                ],
                name="visits_visitorder_arrived",
                condition=Q(arrived_at__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="visits_visitorder_known_status",
                condition=Q(status__in=sorted(Status.values)),
            ),
            models.CheckConstraint(
                name="visits_visitorder_window",
                condition=Q(
                    window_from__isnull=True, window_until__isnull=True, leave_at__isnull=True
                )
                | Q(window_until__gt=F("window_from"), leave_at__lte=F("window_from")),
            ),
            models.CheckConstraint(
                name="visits_visitorder_plan",
                condition=Q(planned_from__isnull=True, planned_until__isnull=True)
                | Q(planned_until__gt=F("planned_from"), engineer__isnull=False),
            ),
            # VISIT-3: nobody is at two places; the action names the clashing order before.
            ExclusionConstraint(
                name="visits_visitorder_no_clash",
                expressions=[
                    (F("engineer"), RangeOperators.EQUAL),
                    (
                        Func(
                            F("leave_at"), F("window_until"), function="tstzrange",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                # A range without bounds would overlap with everything.
                condition=Q(status__in=sorted(APPOINTED_AHEAD), leave_at__isnull=False),
            ),
            models.CheckConstraint(
                name="visits_visitorder_has_engineer",
                condition=Q(status__in=["ordered", "cancelled"]) | Q(engineer__isnull=False),
            ),
            # Whoever is or was on site has arrived at some time.
            models.CheckConstraint(
                name="visits_visitorder_arrival_known",
                condition=Q(status__in=sorted(BEFORE_ARRIVAL | {Status.CANCELLED, Status.MISSED}))
                | Q(arrived_at__isnull=False),
            ),
            models.UniqueConstraint(
                name="visits_visitorder_one_on_site",
                fields=["engineer"],
                condition=Q(status__in=["arrived", "waiting", "working", "interrupted"]),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("visits:visit", args=[self.number])


class OfVisitQuerySet(models.QuerySet[models.Model]):
    def visible_to(self, actor: Actor) -> OfVisitQuerySet:
        return self.filter(visit__in=VisitOrder.objects.visible_to(actor))


class ContactAttempt(Record):
    """A try to reach the customer before the visit (VISIT-5)."""

    class Outcome(models.TextChoices):
        REACHED = "reached", _("Reached")
        NO_ANSWER = "no_answer", _("No answer")
        BUSY = "busy", _("Busy")
        WRONG_NUMBER = "wrong_number", _("Wrong number")

    visit = models.ForeignKey(VisitOrder, models.PROTECT, related_name="attempts")
    at = models.DateTimeField(_("called"))
    phone = models.CharField(_("telephone"), max_length=30)
    outcome = models.CharField(_("outcome"), max_length=15, choices=Outcome)
    next_try_at = models.DateTimeField(_("try again at"), null=True, blank=True)
    note = models.CharField(_("remarks"), max_length=300, blank=True)

    objects = OfVisitQuerySet.as_manager()

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.at:%m-%d %H:%M} {self.outcome}"


class Offer(models.Model):
    """Times of which the customer chooses one by a one-time link; only the token's hash is kept.

    No appointment and no reservation: whoever comes first has the time. Never changed but by its
    use, so the journal is its history.
    """

    class Answer(models.TextChoices):
        CHOSEN = "chosen", _("Chosen")
        KEPT = "kept", _("The appointment stays")
        DECLINED = "declined", _("None of them suits")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    visit = models.ForeignKey(VisitOrder, models.PROTECT, related_name="offers")
    engineer = models.ForeignKey(USER, models.PROTECT, related_name="+")
    # [{"from": ISO, "until": ISO, "travel": minutes}], in order of time.
    slots = models.JSONField()
    # Whose wish it is to move an appointment that stands; empty where there is none.
    asked_by = models.CharField(max_length=10, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    token_sha256 = models.CharField(max_length=64, unique=True)
    phone_last4 = models.CharField(max_length=4)
    tries_left = models.PositiveSmallIntegerField(default=5)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(USER, models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=10, choices=Answer, blank=True)

    objects = OfVisitQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            # Making another revokes the former.
            models.UniqueConstraint(
                name="visits_offer_one_alive",
                fields=["visit"],
                condition=Q(used_at__isnull=True, revoked_at__isnull=True),
            ),
            models.CheckConstraint(
                name="visits_offer_answered_when_used",
                condition=Q(used_at__isnull=True, answer="")
                | (Q(used_at__isnull=False) & ~Q(answer="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.visit}: {len(self.slots)}"


class Appointment(Record):
    """One window agreed with the customer; a re-arrangement is the next row (VISIT-3, 8, 14)."""

    class AskedBy(models.TextChoices):
        CUSTOMER = "customer", _("Customer")
        ENGINEER = "engineer", _("We")

    visit = models.ForeignKey(VisitOrder, models.PROTECT, related_name="appointments")
    window_from = models.DateTimeField(_("from"))
    window_until = models.DateTimeField(_("until"))
    agreed_with = models.CharField(_("agreed with"), max_length=60)
    agreed_at = models.DateTimeField()
    address_verified = models.BooleanField(_("address verified"), default=False)
    phone_verified = models.BooleanField(_("telephone verified"), default=False)
    # The customer's own answer by link; without it he agreed on the telephone.
    offer = models.OneToOneField(
        Offer, models.PROTECT, null=True, blank=True, related_name="appointment"
    )
    # The following belong to a re-arrangement only.
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by"
    )
    asked_by = models.CharField(_("asked by"), max_length=10, choices=AskedBy, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    # Notice given before the former window began, in minutes; negative when it came after.
    notice_minutes = models.IntegerField(_("notice (minutes)"), null=True, blank=True)

    objects = OfVisitQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="visits_appointment_window", condition=Q(window_until__gt=F("window_from"))
            ),
            models.CheckConstraint(
                name="visits_appointment_rearranged_with_reason",
                condition=Q(replaces__isnull=True) | (~Q(reason="") & ~Q(asked_by="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.window_from:%m-%d %H:%M}–{self.window_until:%H:%M}"


class MissedNote(Record):
    """The note left where nobody was met (未见客户留言条, form MN; VISIT-7, 16)."""

    visit = models.ForeignKey(VisitOrder, models.PROTECT, related_name="notes")
    number = models.CharField(_("form number"), max_length=20, unique=True)
    came_at = models.DateTimeField(_("came"))
    waited_since = models.DateTimeField(_("waited since"))
    left_at = models.DateTimeField(_("left"))
    left_with = models.CharField(_("where it was left, or with whom"), max_length=120)
    phone = models.CharField(_("number to call"), max_length=60)
    proposed_from = models.DateTimeField(_("proposed from"), null=True, blank=True)
    proposed_until = models.DateTimeField(_("proposed until"), null=True, blank=True)

    objects = OfVisitQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="visits_missednote_window",
                condition=Q(proposed_from__isnull=True, proposed_until__isnull=True)
                | Q(proposed_until__gt=F("proposed_from")),
            )
        ]

    def __str__(self) -> str:
        return self.number


class ChecklistAnswer(Record):
    """One ticked (or not ticked) item of a checklist (VISIT-9, 10, 15, 17, 20; attested)."""

    class List(models.TextChoices):
        DEPARTURE = "departure", _("Before departure")
        ARRIVAL = "arrival", _("On arrival")
        CLOSING = "closing", _("Before leaving")
        RETURN = "return", _("Back at the office")

    visit = models.ForeignKey(VisitOrder, models.PROTECT, related_name="checklist")
    list = models.CharField(max_length=10, choices=List)
    item = models.CharField(max_length=40)
    ticked = models.BooleanField()
    note = models.CharField(_("remarks"), max_length=200, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["visit", "list", "item"], name="visits_checklistanswer_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.item}: {self.ticked}"


# What each checklist asks. USB drives have a line of their own: drive and time of the scan.
DEPARTURE_ITEMS = {
    "tidy": _("Tidy clothes, tidy hair"),
    "resources": _("Tools, software and documents found"),
    "id_card": _("ID card with me"),
    "badge": _("Badge with me"),
}
ARRIVAL_ITEMS = {
    "tidied": _("Tidied up before meeting the customer"),
    "front_desk": _("Reported to the front desk"),
    "introduced": _("Introduced myself, showed the badge long enough to be read"),
}
CLOSING_ITEMS = {
    "tested": _("The customer tested it himself"),
    "clean": _("Place left clean"),
    "explained": _("Use and care explained"),
    "needs": _("Asked for other needs"),
    "no_gifts": _("No gifts taken"),
    "no_smoking": _("No smoking, eating or drinking here"),
    "devices": _("Customer's phones and devices not used without permission"),
    "no_copies": _("No customer data copied or passed on"),
}
USB_OUT, USB_BACK = "usb_out", "usb_back"


class Interruption(Record):
    """The work stood still: power cut, customer called away (VISIT-18)."""

    visit = models.ForeignKey(VisitOrder, models.PROTECT, related_name="interruptions")
    reason = models.CharField(_("reason"), max_length=300)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["started_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["visit"], name="visits_interruption_one_open",
                condition=Q(ended_at__isnull=True),
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.reason


class WorkRecord(Record):
    """What was found and done (VISIT-19, 20, 22)."""

    class Result(models.TextChoices):
        SOLVED = "solved", _("Solved")
        WORKAROUND = "workaround", _("Workaround")
        NOT_SOLVED = "not_solved", _("Not solved")

    visit = models.OneToOneField(VisitOrder, models.PROTECT, related_name="work")
    category = models.ForeignKey(
        FaultCategory, models.PROTECT, null=True, blank=True, verbose_name=_("fault category")
    )
    people_met = models.CharField(_("people met"), max_length=120, blank=True)
    findings = models.TextField(_("findings"), max_length=4000, blank=True)
    cause = models.TextField(_("cause"), max_length=4000, blank=True)
    work_done = models.TextField(_("what was done"), max_length=4000, blank=True)
    changes_made = models.TextField(
        _("changed on the customer's machines"), max_length=2000, blank=True
    )
    touches_data = models.BooleanField(_("touches the customer's data"), default=False)
    data_consent_by = models.CharField(_("consent to it by"), max_length=60, blank=True)
    tested_by = models.CharField(_("tested by (customer)"), max_length=60, blank=True)
    test_result = models.CharField(_("result of the test"), max_length=300, blank=True)
    result = models.CharField(_("result"), max_length=12, choices=Result, blank=True)
    next_step = models.CharField(_("next step"), max_length=300, blank=True)
    next_step_at = models.DateTimeField(_("next step by"), null=True, blank=True)
    advice = models.TextField(_("advice on use and care"), max_length=2000, blank=True)
    other_needs = models.TextField(_("other needs"), max_length=2000, blank=True)

    class Meta:
        constraints = [
            # VISIT-22
            models.CheckConstraint(
                name="visits_workrecord_unsolved_goes_on",
                condition=~Q(result="not_solved")
                | (~Q(next_step="") & Q(next_step_at__isnull=False)),
            ),
            # VISIT-19
            models.CheckConstraint(
                name="visits_workrecord_data_consent",
                condition=Q(touches_data=False) | ~Q(data_consent_by=""),
            ),
        ]

    def __str__(self) -> str:
        return str(self.visit)


class Part(Record):
    """A part or software used on the visit."""

    visit = models.ForeignKey(VisitOrder, models.PROTECT, related_name="parts")
    # Empty where it is not on the list; name and unit are copied from there, as they were then.
    stock = models.ForeignKey(
        StockPart, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("part of the list"),
    )  # fmt: skip
    name = models.CharField(_("name"), max_length=80)
    unit = models.CharField(_("unit"), max_length=10, blank=True)
    quantity = models.PositiveSmallIntegerField(_("quantity"), default=1)
    serial = models.CharField(_("serial number"), max_length=60, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.name} × {self.quantity}{f' {self.unit}' if self.unit else ''}"


class Satisfaction(Record):
    """The customer's rating, given with the signature (GEN-8, VISIT-21)."""

    visit = models.OneToOneField(VisitOrder, models.PROTECT, related_name="satisfaction")
    punctuality = models.PositiveSmallIntegerField(_("punctuality"))
    conduct = models.PositiveSmallIntegerField(_("conduct"))
    skill = models.PositiveSmallIntegerField(_("skill"))
    result = models.PositiveSmallIntegerField(_("result"))
    remarks = models.TextField(_("remarks"), max_length=1000, blank=True)
    given_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="visits_satisfaction_one_to_five",
                condition=Q(
                    punctuality__range=(1, 5), conduct__range=(1, 5), skill__range=(1, 5),
                    result__range=(1, 5),
                ),
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.visit}: {self.punctuality}/{self.conduct}/{self.skill}/{self.result}"
