"""Who is told of what happens under the roof."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actions import notify
from accounts.queries import recipients
from servicedesk.core import outbox
from servicedesk.core.document_events import DocumentFailed, DocumentSealed
from servicedesk.core.events import on
from servicedesk.core.models import Document
from servicedesk.desk.models import MonthlyReport
from servicedesk.desk.pdf import MONTHLY_REPORT


@on(DocumentSealed)
def tell_the_managers(event: DocumentSealed) -> None:
    """Once a month: the scheduled report of all is made last, so the customers' are there too."""
    if event.kind != MONTHLY_REPORT.name:
        return
    report = MonthlyReport.objects.filter(
        pk=event.subject_id, customer=None,
        scheduled_at__in=Document.objects.filter(uid=event.document_uid).values("frozen_at"),
    ).first()  # fmt: skip
    if report is None:
        return
    of_customers = MonthlyReport.objects.filter(
        month=report.month, customer__isnull=False, scheduled_at__isnull=False
    ).count()
    for person in recipients([]).managers:
        with translation.override(person.language):
            text = ngettext(
                "The service report of %(month)s is there, with that of %(number)s customer.",
                "The service report of %(month)s is there, with those of %(number)s customers.",
                of_customers,
            ) % {"month": date_format(report.month, _("M Y")), "number": of_customers}
        notify(
            [person], text, url=report.get_absolute_url(),
            dedup_key=f"monthly_report:{report.month.isoformat()}", at=event.at,
        )  # fmt: skip


@on(DocumentFailed)
def tell_of_a_failed_report(event: DocumentFailed) -> None:
    """Of one that nobody sits and waits for: once a month, however many customers' failed."""
    if event.kind != MONTHLY_REPORT.name:
        return
    report = MonthlyReport.objects.filter(
        pk=event.subject_id,
        scheduled_at__in=Document.objects.filter(uid=event.document_uid).values("frozen_at"),
    ).first()
    if report is not None:
        _tell_of_trouble(
            "failed", report.month,
            lambda: _("Service reports of %(month)s could not be made. The page has a button to make them again."),
            at=event.at,
        )  # fmt: skip


@transaction.atomic
def tell_of_missing_reports(month: date, *, at: datetime) -> None:
    _tell_of_trouble(
        "missing", month,
        lambda: _("The service reports of %(month)s are due and not all there. The desk keeps trying."),
        at=at,
    )  # fmt: skip


def _tell_of_trouble(why: str, month: date, words: Callable[[], str], *, at: datetime) -> None:
    """To all managers, in the application and by e-mail; a second time is dropped."""
    address = reverse("desk:managers_reports")
    for person in recipients([]).managers:
        with translation.override(person.language):
            text = words() % {"month": date_format(month, _("M Y"))}
        key = f"monthly_report_{why}:{month.isoformat()}"
        notify([person], text, url=address, urgent=True, dedup_key=key, at=at)
        if person.email:
            outbox.queue(
                "email", person.email, subject=text, body=f"{text}\n\n{settings.BASE_URL}{address}\n",
                dedup_key=f"{key}:{person.pk}",
            )  # fmt: skip
