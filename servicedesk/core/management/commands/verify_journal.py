from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from servicedesk.core import journal
from servicedesk.core.models import Seal


class Command(BaseCommand):
    help = "Recompute the journal's hash chain; names each altered or missing entry."

    def handle(self, *args: Any, **options: Any) -> None:
        faults = list(journal.verify())
        for fault in faults:
            self.stdout.write(f"{fault.sequence} {fault.entry_uid}: {fault.message}")
        if faults:
            raise CommandError(f"The journal is not intact: {len(faults)} faults.")
        self.stdout.write(f"The journal is intact: {Seal.objects.count()} entries.")
