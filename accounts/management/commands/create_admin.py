"""The first administrator of a new installation."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.actions import create_user
from accounts.roles import Role
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused


class Command(BaseCommand):
    help = "Create an administrator. Asks for what no option gives."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", help="log-in name")
        parser.add_argument("--name", help="the person's name")
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password from standard input (an option would show it to `ps`)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        username = options["username"] or input("Log-in name: ")
        name = options["name"] or input("Name: ")
        if options["password_stdin"]:
            password = sys.stdin.readline().rstrip("\n")
        else:
            password = getpass("Password (at least 12 characters): ")
            if getpass("Once more: ") != password:
                raise CommandError("The two passwords differ.")
        if not (username and name and password):
            raise CommandError("Log-in name, name and password must not be empty.")
        try:
            user = create_user(
                username=username, name=name, password=password, role=Role.ADMINISTRATOR,
                at=timezone.now(), by=SYSTEM,
            )  # fmt: skip
        except Refused as refusal:
            raise CommandError(str(refusal.message)) from refusal
        self.stdout.write(self.style.SUCCESS(f"{user.username} may log in now."))
