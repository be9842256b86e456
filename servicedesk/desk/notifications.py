"""Who is told of what happens under the roof."""

from __future__ import annotations

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actions import notify
from accounts.queries import recipients
from servicedesk.core.document_events import DocumentSealed
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
