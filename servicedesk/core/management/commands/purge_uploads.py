from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from servicedesk.core import phone_uploads


class Command(BaseCommand):
    help = "Forget files of phones that nobody goes on uploading, and those long used."

    def handle(self, *args: Any, **options: Any) -> None:
        gone = phone_uploads.purge(timezone.now() - phone_uploads.KEPT)
        self.stdout.write(f"{gone} uploads purged.")
