from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from sla.models import Deadline
from sla.rebuilding import rebuild


class Command(BaseCommand):
    help = "Count every deadline again from the journal and tell where the rows differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--open", action="store_true", help="only what is still to come")

    def handle(self, *args: Any, **options: Any) -> None:
        deadlines = Deadline.objects.order_by("pk")
        differences = 0
        for difference in rebuild(deadlines.open() if options["open"] else deadlines):
            differences += 1
            self.stdout.write(
                f"{difference.uid} {difference.label}: {difference.field}"
                f" {difference.row} ≠ {difference.journal}"
            )
        if differences:
            raise CommandError(_("%(n)d differences") % {"n": differences})
        self.stdout.write(_("Every deadline is where the journal says it is."))
