from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from servicedesk.core import exports


class Command(BaseCommand):
    help = "Check a ZIP of forms: is it whole, unchanged, and made here? It names each fault."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("zip", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        found = exports.check(options["zip"])
        for fault in found.faults:
            self.stdout.write(fault)
        if found.faults:
            raise CommandError(f"The ZIP is not intact: {len(found.faults)} faults.")
        self.stdout.write(f"The ZIP is intact: {found.forms} forms.")
