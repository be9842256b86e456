from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Max, Min
from django.utils import timezone

from servicedesk.desk.managers import visit_days
from servicedesk.desk.models import VisitDay
from visits.models import VisitOrder


class Command(BaseCommand):
    help = "Make the sums of visits by day anew from the visits; names what was different."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="first", type=date.fromisoformat, metavar="YYYY-MM-DD")
        parser.add_argument("--to", dest="last", type=date.fromisoformat, metavar="YYYY-MM-DD")

    def handle(self, *args: Any, **options: Any) -> None:
        visit_days.DAYS.roll()
        moments = VisitOrder.objects.aggregate(first=Min("arrived_at"), last=Max("arrived_at"))
        days = VisitDay.objects.aggregate(first=Min("day"), last=Max("day"))
        ends = [timezone.localdate(each) for each in moments.values() if each]
        ends += [each for each in days.values() if each]
        if not ends:
            self.stdout.write("There is nothing to count.")
            return
        first, last = options["first"] or min(ends), options["last"] or max(ends)
        found = list(visit_days.DAYS.rebuild(first, last))
        for day, engineer, product in found:
            self.stdout.write(f"{day} engineer {engineer} product {product}")
        if found:
            raise CommandError(f"{len(found)} sums were different; they are right now.")
        self.stdout.write(f"{first} – {last}: all sums were those of the visits.")
