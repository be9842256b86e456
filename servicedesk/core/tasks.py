"""Tasks that beat starts. All of them only call what the ticker calls anyway."""

from __future__ import annotations

from celery import shared_task
from django.core.management import call_command

from servicedesk.core.ticker import load_ticks


@shared_task
def tick() -> None:
    """Do once what every worker does each second by itself."""
    for each in load_ticks():
        each.run()


@shared_task
def nightly() -> None:
    call_command("clearsessions")
