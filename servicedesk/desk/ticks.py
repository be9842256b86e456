"""What every worker does for the roof, by PostgreSQL alone."""

from __future__ import annotations

from servicedesk.core.ticker import every
from servicedesk.desk.managers import rollups, visit_days

SECONDS = 5


@every(SECONDS)
def roll_up() -> int:
    """Bring the managers' sums up to date."""
    return rollups.catch_up()


@every(SECONDS)
def roll_up_visits() -> int:
    """Make those days anew whose visits have changed."""
    return visit_days.roll()
