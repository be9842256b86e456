"""What the engine does by itself, in every worker."""

from __future__ import annotations

from django.db import connection

from servicedesk.core.ticker import every
from sla.sweeping import beat, resume_run_out, sweep


@every(1)
def tick() -> None:
    """Beat; let clocks run on whose pause is over, and sweep until nothing is due."""
    beat()
    while resume_run_out():
        beat()
    while sweep():
        beat()


@every(3600)
def forget_dead_processes() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM core_heartbeat WHERE beat_at < statement_timestamp() - interval '1 day'"
        )
