from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from servicedesk.core import seal


class Command(BaseCommand):
    help = (
        "Replace the seal: by a new self-made one, or by a certificate that you bought. Forms that"
        " were sealed before stay genuine; the former private key is deleted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from",
            dest="source",
            type=Path,
            metavar="FOLDER",
            help="a folder with seal.pem, seal.key (no passphrase) and authority.pem, its issuer",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            fingerprint = seal.rotate(options["source"])
        except seal.SealError as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        self.stdout.write(
            f"The seal is now {fingerprint}.\nMake a backup: the former one has another key."
        )
