from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from servicedesk.desk.managers import rollups


class Command(BaseCommand):
    help = "Make the managers' daily sums again from the records; reports each that was wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="first", type=date.fromisoformat, metavar="YYYY-MM-DD")
        parser.add_argument("--to", dest="last", type=date.fromisoformat, metavar="YYYY-MM-DD")

    def handle(self, *args: Any, **options: Any) -> None:
        days = rollups.days_with_tickets()
        if days is None:
            self.stdout.write("There is nothing to roll up.")
            return
        first, last = options["first"] or days[0], options["last"] or days[1]
        if last < first:
            raise CommandError("The last day lies before the first.")
        began, newest = timezone.now(), rollups.newest_link()
        differences = missing = 0
        for found in rollups.rebuild_all(first, last):
            missing += found is None
            differences += len(found or ())
            for difference in found or ():
                self.stdout.write(str(difference))
        if first <= days[0] and last >= days[1]:
            rollups.start_from(newest, began)
        made = (last - first).days + 1
        self.stdout.write(
            f"{made} days made again, {missing} of them for the first time; {differences} differences."
        )
