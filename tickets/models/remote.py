"""Remote troubleshooting (远程排障, REM-1…5)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from knowledge.models import FaultCategory
from servicedesk.core.fields import Record
from tickets.models.tickets import OfTicketQuerySet, Ticket
from tickets.states import RemoteStatus

USER = settings.AUTH_USER_MODEL


class RemoteSession(Record):
    """One session on the customer's machine, with his consent and under his eyes."""

    # Its ticket is locked before it (`core.subjects`).
    hangs_on = "ticket"

    class Channel(models.TextChoices):
        PHONE = "phone", _("Telephone guidance")
        CLIENT = "client", _("Remote client")
        CHAT = "chat", _("Instant messaging")

    class ConsentChannel(models.TextChoices):
        PHONE = "phone", _("On the telephone")
        CHAT = "chat", _("In writing (chat or e-mail)")

    class Result(models.TextChoices):
        SOLVED = "solved", _("Solved")
        WORKAROUND = "workaround", _("Workaround")
        NOT_SOLVED = "not_solved", _("Not solved")

    number = models.CharField(max_length=20, unique=True)
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="remote_sessions")
    engineer = models.ForeignKey(USER, models.PROTECT, related_name="remote_sessions")
    status = models.CharField(
        _("status"), max_length=10, choices=RemoteStatus, default=RemoteStatus.PREPARED
    )
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    tool = models.CharField(_("remote tool and id"), max_length=80, blank=True)
    consent_by = models.CharField(_("consent given by"), max_length=60, blank=True)
    consent_channel = models.CharField(
        _("consent given how"), max_length=10, choices=ConsentChannel, blank=True
    )
    consent_at = models.DateTimeField(_("consent given at"), null=True)
    # REM-2: the customer's person who watches.
    watcher = models.CharField(_("watched by (customer)"), max_length=60, blank=True)
    prepared_at = models.DateTimeField(_("prepared at"))
    started_at = models.DateTimeField(_("started at"), null=True)
    ended_at = models.DateTimeField(_("ended at"), null=True)
    end_confirmed_by = models.CharField(_("end confirmed by"), max_length=60, blank=True)
    category = models.ForeignKey(
        FaultCategory, models.PROTECT, null=True, blank=True, verbose_name=_("fault category")
    )
    cause = models.TextField(_("cause"), max_length=4000, blank=True)
    result = models.CharField(_("result"), max_length=12, choices=Result, blank=True)
    summary = models.TextField(_("what solved it"), max_length=4000, blank=True)
    changes_made = models.TextField(_("what was changed"), max_length=2000, blank=True)
    # REM-5, attested.
    data_untouched = models.BooleanField(
        _("other software and the customer's data were not touched"), default=False
    )

    objects = OfTicketQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="tickets_remotesession_known_status",
                condition=Q(status__in=sorted(RemoteStatus.values)),
            ),
            # REM-1: nothing runs, and nothing ran, without who consented, when and how.
            models.CheckConstraint(
                name="tickets_remotesession_consented",
                condition=Q(status__in=["prepared", "abandoned"])
                | (Q(consent_at__isnull=False) & ~Q(consent_by="") & ~Q(consent_channel="")),
            ),
            models.UniqueConstraint(
                fields=["ticket"], name="tickets_remotesession_one_open",
                condition=Q(status__in=["prepared", "consented", "running"]),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("tickets:remote", args=[self.number])


class RemoteStep(Record):
    """One step that was tried, and what came of it (REM-4)."""

    session = models.ForeignKey(RemoteSession, models.PROTECT, related_name="steps")
    position = models.PositiveSmallIntegerField()
    did = models.CharField(_("step"), max_length=500)
    outcome = models.CharField(_("result of the step"), max_length=500, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "position"], name="tickets_remotestep_position"
            )
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.did}"
