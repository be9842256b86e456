"""What every worker does for the roof, by PostgreSQL alone."""

from __future__ import annotations

from django.utils import timezone

from servicedesk.core.ticker import every
from servicedesk.desk.managers import report_schedule, rollups, visit_days
from servicedesk.desk.notifications import tell_of_missing_reports

SECONDS = 5


@every(SECONDS)
def roll_up() -> int:
    """Bring the managers' sums up to date."""
    return rollups.catch_up()


@every(SECONDS)
def roll_up_visits() -> int:
    """Make those days anew whose visits have changed."""
    return visit_days.DAYS.roll()


@every(60)
def make_reports() -> int:
    """On the 1st from 06:00 on: the service reports of the month that is over."""
    try:
        return report_schedule.make_due()
    finally:
        # Also where making them fails in a way that nobody thought of.
        now = timezone.now()
        if (month := report_schedule.missing_month(now)) is not None:
            tell_of_missing_reports(month, at=now)
