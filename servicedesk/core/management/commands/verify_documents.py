from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from servicedesk.core import document_checks
from servicedesk.core.models import Document


class Command(BaseCommand):
    help = "Recompute the hashes of every form and check its seal; names each that is altered."

    def handle(self, *args: Any, **options: Any) -> None:
        faults = 0
        for fault in document_checks.verify():
            faults += 1
            self.stdout.write(f"{fault.document}: {fault.message}")
        if faults:
            raise CommandError(f"The forms are not intact: {faults} faults.")
        sealed = Document.objects.filter(status=Document.Status.SEALED).count()
        self.stdout.write(
            f"The forms are intact: {Document.objects.count()}, {sealed} of them sealed."
        )
