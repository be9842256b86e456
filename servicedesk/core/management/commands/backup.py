from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from servicedesk.core import backup


class Command(BaseCommand):
    help = "Write database, files and the seal's keys into one tar with a manifest."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="where the backup is put; made if missing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            path, manifest = backup.make(options["folder"], at=timezone.now().astimezone(UTC))
        except (backup.BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        megabytes = path.stat().st_size / 1_000_000
        self.stdout.write(f"{path}: {len(manifest.members)} files, {megabytes:.1f} MB.")
        for what in manifest.left_out:
            self.stdout.write(f"Not in it: {what}.")
        self.stdout.write("It holds personal data and the key of the seal: keep it encrypted.")
