"""A deadline of anything. This app knows no noun of the desk: subjects are (kind, id) pairs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from customers.models import Customer, Product
from servicedesk.core.actors import Actor
from servicedesk.core.fields import uuid7
from sla.kinds import KINDS, Rung, Step, label_of, label_of_step, ladder
from sla.models.policies import CalendarVersion, PolicyVersion, steps_of, worktime_of
from sla.states import Status
from sla.worktime import Span, Worktime, elapsed


class DeadlineQuerySet(models.QuerySet["Deadline"]):
    def visible_to(self, actor: Actor) -> DeadlineQuerySet:
        """The desk sees all; others what is theirs or their team's, if they lead it."""
        if actor.may("sla.see_all"):
            return self
        if not actor.may("sla.see"):
            return self.none()
        mine = User.objects.get_queryset().filter(Q(pk=actor.id) | Q(team__leader=actor.id))
        return self.filter(owner__in=mine)

    def of(self, subject: models.Model) -> DeadlineQuerySet:
        return self.filter(subject_kind=subject._meta.label_lower, subject_id=subject.pk)

    def open(self) -> DeadlineQuerySet:
        return self.filter(status__in=[Status.RUNNING, Status.PAUSED])


class Deadline(models.Model):
    """A moment by which something must have happened (design.md §4).

    `original_due_at` never changes; `due_at` moves with consent or pauses only, and each move
    is a `DeadlineMove`. `missed_at` is the due time that passed unmet, not the time at which
    somebody noticed; it stays once it is set, whatever happens afterwards.
    """

    uid = models.UUIDField(default=uuid7, unique=True)
    kind = models.CharField(max_length=40)
    subject_kind = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    # What people read in notices: number and title of the subject, and where it is.
    label = models.CharField(max_length=200)
    url = models.CharField(max_length=200, blank=True)
    urgent = models.BooleanField(default=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("owner"),
    )  # fmt: skip
    # What its policy was chosen by, and the terms it runs under; no terms: the kind's own.
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, related_name="+", db_index=False
    )
    product = models.ForeignKey(
        Product, models.PROTECT, null=True, related_name="+", db_index=False
    )
    terms = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="deadlines")
    # Whose hours it counts; none: day and night.
    calendar = models.ForeignKey(
        CalendarVersion, models.PROTECT, null=True, related_name="+", db_index=False
    )
    # The time allowed, counted by the calendar; none: the process named the due time itself.
    target = models.DurationField(null=True)
    # The target may not reach beyond this: the time that the customer wants it by.
    latest = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    original_due_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    pause_reason = models.CharField(max_length=500, blank=True)
    # The pauses that moved `due_at`, counted by the calendar: no part of the time allowed.
    paused_total = models.DurationField(default=timedelta(0))
    status = models.CharField(max_length=10, choices=Status, default=Status.RUNNING)
    met_at = models.DateTimeField(null=True)
    missed_at = models.DateTimeField(null=True)
    # Steps that this generation leaves out, because they fired in an earlier one.
    skipped = ArrayField(models.CharField(max_length=30), default=list)
    # The next step of the ladder and when it is due; null when none is left.
    next_step = models.PositiveSmallIntegerField(default=0)
    next_step_at = models.DateTimeField(null=True)
    # +1 with each move: a step may fire once per generation.
    generation = models.PositiveSmallIntegerField(default=1)
    # The generation whose later steps tell nobody, because somebody's word ended its ladder.
    stopped = models.PositiveSmallIntegerField(null=True)

    objects = DeadlineQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "id"]
        indexes = [
            # The sweep: only rows with a step to come.
            models.Index(
                fields=["next_step_at", "id"],
                name="sla_deadline_next_step",
                condition=Q(status="running", next_step_at__isnull=False),
            ),
            # Pauses that run out.
            models.Index(
                fields=["paused_until", "id"], name="sla_deadline_paused",
                condition=Q(status="paused"),
            ),
            models.Index(fields=["subject_kind", "subject_id"], name="sla_deadline_subject"),
            # Lists of what is due, per owner and in all.
            models.Index(
                fields=["owner", "due_at", "id"], name="sla_deadline_owner",
                condition=Q(status__in=["running", "paused"]),
            ),
            models.Index(
                fields=["due_at", "id"], name="sla_deadline_due",
                condition=Q(status__in=["running", "paused"]),
            ),
        ]  # fmt: skip
        constraints = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id", "kind"],
                name="sla_deadline_one_open",
                condition=Q(status__in=["running", "paused"]),
            ),
            models.CheckConstraint(
                name="sla_deadline_known_status", condition=Q(status__in=sorted(Status.values))
            ),
            models.CheckConstraint(
                name="sla_deadline_window", condition=Q(due_at__gte=F("started_at"))
            ),
            models.CheckConstraint(
                name="sla_deadline_met_at",
                condition=~Q(status="met") | Q(met_at__isnull=False),
            ),
            models.CheckConstraint(
                name="sla_deadline_paused_at",
                condition=Q(status="paused", paused_at__isnull=False, paused_until__isnull=False)
                | (~Q(status="paused") & Q(paused_at__isnull=True, paused_until__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind_label} {self.label}"

    @property
    def subject(self) -> tuple[str, int]:
        return self.subject_kind, self.subject_id

    @property
    def kind_label(self) -> Any:
        return label_of(self.kind)

    @property
    def counted_from(self) -> datetime | None:
        """Since when its time allowed runs; None for what was agreed upon for a moment."""
        kind = KINDS.get(self.kind)
        return self.started_at if kind is not None and kind.target is not None else None

    @property
    def is_open(self) -> bool:
        return self.status in {Status.RUNNING, Status.PAUSED}

    @property
    def is_stopped(self) -> bool:
        """A person's word ended the ladder: its steps are noted, but tell nobody."""
        return self.stopped == self.generation

    @property
    def late(self) -> bool:
        """Met, but after the due time."""
        return self.met_at is not None and self.met_at > self.due_at

    @property
    def work(self) -> Worktime:
        return worktime_of(self.calendar_id)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of its terms, or those of its kind."""
        return steps_of(self.terms_id) or KINDS[self.kind].steps_for(urgent=self.urgent)

    @property
    def longest_pause(self) -> timedelta:
        """How long it may stand still in all, in working time."""
        terms = self.terms
        length = terms.longest_pause if terms else KINDS[self.kind].longest_pause
        return length or timedelta(0)

    def pauses(self) -> list[DeadlineMove]:
        """The pauses that ended, in order. None overlaps another (see `deadlines.pause`)."""
        return [move for move in self.moves.all() if move.cause == DeadlineMove.Cause.PAUSE]

    def allowed(self) -> timedelta:
        """The time that counts, from the start to the due time as it is now."""
        counted = elapsed(self.work, self.started_at, self.due_at) - self.paused_total
        return max(counted, timedelta(0))

    def ladder(self) -> list[Rung]:
        """All steps of this generation, fired or to come."""
        rungs = ladder(
            self.steps,
            self.work,
            started_at=self.started_at,
            due_at=self.due_at,
            allowed=self.allowed(),
        )
        return [rung for rung in rungs if rung.step.name not in self.skipped]


class DeadlineMove(models.Model):
    """Why a deadline is not where it was: pause, extension with consent, new policy."""

    class Cause(models.TextChoices):
        EXTENSION = "extension", _("Extension with consent")
        PAUSE = "pause", _("Pause")
        POLICY = "policy", _("New terms")
        CHANGE = "change", _("Changed by what it depends on")

    deadline = models.ForeignKey(Deadline, models.CASCADE, related_name="moves")
    cause = models.CharField(max_length=10, choices=Cause)
    reason = models.CharField(max_length=500, blank=True)
    old_due_at = models.DateTimeField()
    new_due_at = models.DateTimeField()
    # Of a pause: when it began; it ended at `moved_at`.
    began_at = models.DateTimeField(null=True)
    moved_at = models.DateTimeField()
    by_label = models.CharField(max_length=200)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.deadline_id}: {self.cause}"

    @property
    def hold(self) -> Span:
        """Of a pause: from when to when it lasted."""
        assert self.began_at is not None
        return self.began_at, self.moved_at


class EscalationQuerySet(models.QuerySet["Escalation"]):
    def visible_to(self, actor: Actor) -> EscalationQuerySet:
        """The desk sees all; others what they were told."""
        if actor.may("sla.see_all"):
            return self
        return self.told_to(actor) if actor.may("sla.see") else self.none()

    def open(self) -> EscalationQuerySet:
        """What still waits for a person's word.

        A miss always does, and what insists. A warning does only as long as its deadline is open.
        """
        return self.filter(acknowledged_at__isnull=True, superseded=False).filter(
            Q(missed=True)
            | Q(insists=True)
            | Q(deadline__status__in=[Status.RUNNING, Status.PAUSED])
        )

    def told_to(self, actor: Actor) -> EscalationQuerySet:
        return self.filter(told__contains=[actor.id]) if actor.id is not None else self.none()


class Escalation(models.Model):
    """One step of the ladder that fired. Once per deadline, step and generation."""

    class Note(models.TextChoices):
        STOPPED = "stopped", _("Somebody had taken it over; nobody was told.")
        NO_DUTY = "no_duty", _("Nobody was on duty, so the supervisor was told.")

    uid = models.UUIDField(default=uuid7, unique=True)
    deadline = models.ForeignKey(Deadline, models.CASCADE, related_name="escalations")
    step = models.CharField(max_length=30)
    generation = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField()
    fired_at = models.DateTimeField()
    # The miss and what follows it; the others are warnings.
    missed = models.BooleanField(default=False)
    # Needs a person's word though it is no miss, also when its deadline is over.
    insists = models.BooleanField(default=False)
    # Nobody was told of this one: a later step spoke in its place, or the note says why.
    superseded = models.BooleanField(default=False)
    note = models.CharField(max_length=10, choices=Note, blank=True)
    # Primary keys of the people who were told. A table of pairs would cost the sweep a third
    # of its speed for the foreign keys of people who are never deleted.
    told = ArrayField(models.BigIntegerField(), default=list)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    objects = EscalationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["deadline", "step", "generation"], name="sla_escalation_once"
            ),
            models.CheckConstraint(
                name="sla_escalation_acknowledged_by",
                condition=Q(acknowledged_at__isnull=True, acknowledged_by__isnull=True)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
            ),
            models.CheckConstraint(
                name="sla_escalation_known_note", condition=Q(note__in=["", "no_duty", "stopped"])
            ),
        ]
        indexes = [
            models.Index(
                fields=["-id"],
                name="sla_escalation_open",
                condition=Q(acknowledged_at__isnull=True, superseded=False),
            ),
            # What somebody was told: the list, and the number of open ones on every page.
            GinIndex(fields=["told"], name="sla_escalation_told"),
            GinIndex(
                fields=["told"],
                name="sla_escalation_told_open",
                condition=Q(acknowledged_at__isnull=True, superseded=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deadline_id}: {self.step}"

    @property
    def is_open(self) -> bool:
        """Waits for a person's word; the same as `EscalationQuerySet.open`."""
        answered = self.acknowledged_at is not None or self.superseded
        return not answered and (self.missed or self.insists or self.deadline.is_open)

    @property
    def step_label(self) -> Any:
        own = {step.name: step.label for step in steps_of(self.deadline.terms_id)}
        return own.get(self.step) or label_of_step(self.deadline.kind, self.step)
