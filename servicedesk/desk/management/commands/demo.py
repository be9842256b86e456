from __future__ import annotations

import random
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.test import override_settings
from django.utils import timezone, translation

from accounts.models import User
from servicedesk.core import journal, outbox
from servicedesk.core.actions import replaying
from servicedesk.core.models import Document
from servicedesk.desk.demo import names
from servicedesk.desk.demo.clock import Clock
from servicedesk.desk.demo.stories import Stories, working_time
from servicedesk.desk.demo.world import PASSWORD, build
from sla.sweeping import sweep

SHARES = {
    "solved": 20, "ticket": 40, "visit": 26, "message": 9, "promise": 9, "referral": 6,
    "wrong_number": 5,
}  # fmt: skip


class Command(BaseCommand):
    help = "Fill an empty database with sixty days of a service desk, by calling its actions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=60)
        parser.add_argument("--tickets", type=int, default=300)
        parser.add_argument("--logins", action="store_true", help="only print the log-ins")
        parser.add_argument("--force", action="store_true", help="also outside of DEBUG")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["logins"]:
            self._print_logins()
            return
        if not settings.DEBUG and not options["force"]:
            raise CommandError("Demo accounts have a known password; use --force to add them.")
        if User.objects.get_queryset().exists():
            raise CommandError("The database is not empty; demo data go into an empty one only.")
        _do_not_wait_for_the_disk()
        # The stories are told in Chinese, whoever starts the command. In DEBUG each query is kept.
        with (
            translation.override(settings.LANGUAGE_CODE),
            replaying(),
            override_settings(DEBUG=False),
            ThreadPoolExecutor(1, initializer=_do_not_wait_for_the_disk) as press,
        ):
            self._play(options["days"], options["tickets"], press)
            press.submit(connection.close)
        # What would have been sent in those days goes nowhere.
        with override_settings(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend"):
            outbox.deliver()
        journal.seal()
        if waiting := Document.objects.filter(status=Document.Status.COMPLETE).count():
            self.stdout.write(f" A running worker seals {waiting} more forms in its own time.")

    def _play(self, days: int, tickets: int, press: Executor) -> None:
        dice = random.Random(20261122)  # noqa: S311 - the same stories each time
        end = timezone.now()
        begin = end - timedelta(days=days)
        world = build(begin - timedelta(days=2), dice)
        stories = Stories(world, end, press)
        clock = Clock(end, lambda now: self._workers_turn(now, begin, end))
        for at, kind in _calls(begin, end, tickets, dice):
            clock.add(at, stories.call(kind, at))
        # The dispatch board has something to plan.
        for number, upto in enumerate(("ordered", "planned", "accepted", "ordered", "ordered")):
            at = end - timedelta(minutes=70 - 9 * number)
            clock.add(at, stories.for_the_board(at, upto))
        clock.add(begin, stories.look_around(begin + timedelta(hours=5)))
        clock.run()
        self.stdout.write("")

    def _workers_turn(self, now: datetime, begin: datetime, end: datetime) -> None:
        # Each step of a ladder at its own moment, as the workers' tick would have done it.
        while (due := self._next_due()) is not None and due <= now:
            sweep(due)
        done = int(100 * ((now - begin) / (end - begin)))
        if done >= getattr(self, "_shown", 0) + 5:
            self._shown = done
            self.stdout.write(f" {done} %", ending="")
            self.stdout.flush()

    def _next_due(self) -> datetime | None:
        # Asked after each step of each story, so that it pays to write the query by hand.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT next_step_at FROM sla_deadline"
                " WHERE status = 'running' AND next_step_at IS NOT NULL"
                " ORDER BY next_step_at LIMIT 1"
            )
            found = cursor.fetchone()
        return found[0] if found else None

    def _print_logins(self) -> None:
        for colleague in names.COLLEAGUES:
            if colleague.role != "client":
                self.stdout.write(
                    f"  {colleague.username:<10} {PASSWORD}   {colleague.role:<14} {colleague.name}"
                )


def _do_not_wait_for_the_disk() -> None:
    """Thousands of small transactions: a crash would cost the demo, which begins anew."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")


def _calls(
    begin: datetime, end: datetime, tickets: int, dice: random.Random
) -> list[tuple[datetime, str]]:
    """When the telephone rings and what comes of it: more on weekdays, some at night."""
    kinds, weights = list(SHARES), list(SHARES.values())
    of_tickets = sum(SHARES[k] for k in ("solved", "ticket", "visit")) / sum(weights)
    found = []
    for _number in range(round(tickets / of_tickets)):
        at = begin + (end - begin) * dice.random()
        if dice.random() < 0.93:
            at = working_time(at)
        if at < end - timedelta(minutes=15):
            found.append((at, dice.choices(kinds, weights)[0]))
    # Today is a day like the others, with work in every stage.
    found += [
        (
            end - timedelta(hours=hours, minutes=dice.randint(1, 40)),
            dice.choices(["ticket", "visit", "promise", "message"], [4, 5, 1, 1])[0],
        )
        for hours in (0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 8, 20, 22, 24, 26)
    ]
    return sorted(found)
