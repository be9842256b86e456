"""The form of the roof: the monthly service report (MR). Nobody signs it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from customers.queries import addressees
from servicedesk.core.documents import DocumentKind, define

MONTHLY_REPORT = define(
    DocumentKind(
        name="monthly_report",
        title=_("Monthly service report"),
        template="pdf/monthly_report.html",
        addressees=lambda report: addressees(report.customer),
    )
)
