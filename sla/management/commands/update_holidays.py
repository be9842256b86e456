"""Bring the public holidays of all calendars that follow them up to date, after an update of the package."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from servicedesk.core.actors import SYSTEM
from sla import actions
from sla.holidays import known_years, missing_year
from sla.models import Calendar


class Command(BaseCommand):
    help = "Fill the public holidays and make-up working days into the calendars that follow them."

    def handle(self, *args: Any, **options: Any) -> None:
        years = known_years()
        self.stdout.write(f"Known years: {years[0]}-{years[-1]}")
        for calendar in Calendar.objects.filter(is_active=True, follows_public_holidays=True):
            changed = actions.update_holidays(calendar, at=timezone.now(), by=SYSTEM)
            days = f": {', '.join(changed)}" if changed else ""
            self.stdout.write(f"{calendar.code}: {len(changed)} days changed{days}")
        missing = missing_year(timezone.localdate())
        if missing is not None:
            self.stderr.write(f"The holidays of {missing} are not known: update chinesecalendar.")
