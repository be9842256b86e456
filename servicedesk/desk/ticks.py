"""What every worker does for the roof, by PostgreSQL alone."""

from __future__ import annotations

from servicedesk.core.ticker import every
from servicedesk.desk.managers import report_schedule, rollups, visit_days

SECONDS = 5


@every(SECONDS)
def roll_up() -> int:
    """Bring the managers' sums up to date."""
    return rollups.catch_up()


@every(SECONDS)
def roll_up_visits() -> int:
    """Make those days anew whose visits have changed."""
    return visit_days.roll()


@every(60)
def make_reports() -> int:
    """On the 1st from 06:00 on: the service reports of the month that is over."""
    return report_schedule.make_due()
