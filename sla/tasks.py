"""What the engine does by itself, in every worker."""

from __future__ import annotations

from django.db import connection

from servicedesk.core.ticker import every
from sla.moving import resume_run_out, spread
from sla.sweeping import beat, sweep


@every(1)
def tick() -> None:
    """Beat; move what is to be moved, and sweep until nothing is due."""
    beat()
    resume_run_out()
    spread()
    while sweep():
        beat()


@every(3600)
def forget_dead_processes() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM core_heartbeat WHERE beat_at < statement_timestamp() - interval '1 day'"
        )
