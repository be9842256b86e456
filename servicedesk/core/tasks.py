"""Tasks that beat starts. All of them only call what the ticker calls anyway."""

from __future__ import annotations

import logging

from celery import shared_task
from django.conf import settings
from django.core.management import CommandError, call_command

from servicedesk.core.ticker import load_ticks

log = logging.getLogger(__name__)


@shared_task
def tick() -> None:
    """Do once what every worker does each second by itself."""
    for each in load_ticks():
        each.run()


@shared_task
def nightly() -> None:
    """Tidy up, and check that what is shown still is what happened; a fault goes into the log."""
    for command in settings.NIGHTLY:
        try:
            call_command(*command)
        except CommandError as error:
            log.error("%s: %s", command[0], error)
