from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Max, Min
from django.utils import timezone

from servicedesk.core import rule_days
from servicedesk.core.models import RuleDay, RuleResult


class Command(BaseCommand):
    help = "Make the handbook's figures by day anew from the answers; names what was different."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="first", type=date.fromisoformat)
        parser.add_argument("--to", dest="last", type=date.fromisoformat)

    def handle(self, *args: Any, **options: Any) -> None:
        rule_days.DAYS.roll()
        moments = RuleResult.objects.aggregate(first=Min("counts_at"), last=Max("counts_at"))
        days = RuleDay.objects.aggregate(first=Min("day"), last=Max("day"))
        ends = [timezone.localdate(each) for each in moments.values() if each]
        ends += [each for each in days.values() if each]
        if not ends:
            self.stdout.write("There is nothing to count.")
            return
        first, last = options["first"] or min(ends), options["last"] or max(ends)
        found = list(rule_days.DAYS.rebuild(first, last))
        for day, rule, dimension, key in found:
            self.stdout.write(f"{day} {rule} {dimension} {key}")
        if found:
            raise CommandError(f"{len(found)} figures were different; they are right now.")
        self.stdout.write(f"{first} – {last}: all figures were those of the answers.")
