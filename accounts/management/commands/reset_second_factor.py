"""For the only administrator, who has nobody to ask."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.actions import reset_second_factor
from accounts.models import User
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused


class Command(BaseCommand):
    help = "Take the second factor of a person away whose telephone and recovery codes are lost."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="log-in name")

    def handle(self, *args: Any, **options: Any) -> None:
        username = User.plain_username(options["username"])
        user = User.objects.get_queryset().filter(username=username).first()
        if user is None:
            raise CommandError(f"Nobody has the log-in name {username}.")
        try:
            reset_second_factor(user, at=timezone.now(), by=SYSTEM)
        except Refused as refusal:
            raise CommandError(str(refusal.message)) from refusal
        self.stdout.write(f"{username} logs in with the password alone now.")
