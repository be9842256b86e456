"""What every worker does for the roof, by PostgreSQL alone."""

from __future__ import annotations

from servicedesk.core.ticker import every
from servicedesk.desk.managers import rollups

SECONDS = 5


@every(SECONDS)
def roll_up() -> int:
    """Bring the managers' sums up to date."""
    return rollups.catch_up()
