from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.checks import Tags
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS

from servicedesk.core import backup


class Command(BaseCommand):
    help = "Put a backup into an empty database and empty folders, and verify what is there then."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("archive", type=Path, help="what `backup` wrote")
        parser.add_argument(
            "--check", action="store_true", help="only compare the backup with its manifest"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["check"]:
                manifest = backup.check(options["archive"])
                self.stdout.write(f"The backup is intact: {len(manifest.members)} files.")
                return
            # A database that takes no Chinese character for a letter shall not be filled first.
            self.check(tags=[Tags.database], databases=[DEFAULT_DB_ALIAS])
            manifest = backup.restore(options["archive"])
        except (backup.BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Restored {len(manifest.members)} files of {manifest.made_at}.")
        # The product may be newer than the backup.
        call_command("migrate", verbosity=0)
        for command in ("verify_journal", "verify_documents"):
            call_command(command, stdout=self.stdout)
