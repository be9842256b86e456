"""What every worker does each second, by PostgreSQL alone (design.md §3, §4).

A function marked `@every(seconds)` runs in a thread of its own in each Celery worker's main
process, whether Redis is there or not. It must claim its rows with SKIP LOCKED, so that many
workers do no harm, and return when nothing is due.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from celery import bootsteps

log = logging.getLogger(__name__)


F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Tick:
    seconds: float
    run: Callable[[], object]

    @property
    def name(self) -> str:
        return f"{self.run.__module__}.{self.run.__qualname__}"


TICKS: list[Tick] = []


def load_ticks() -> list[Tick]:
    """All ticks. Their modules are imported here, not by the web process, which needs none."""
    from servicedesk.core.apps import TICKING, load_registries

    load_registries(TICKING)
    return TICKS


def every(seconds: float) -> Callable[[F], F]:
    """Run the function every so many seconds; it must be callable without arguments."""

    def register(function: F) -> F:
        TICKS.append(Tick(seconds, function))
        return function

    return register


class Ticker:
    """Runs all ticks until it is stopped."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for tick in load_ticks():
            thread = threading.Thread(target=self._keep, args=[tick], name=tick.name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def _keep(self, tick: Tick) -> None:
        """Start the loop again when an error ended it; the error itself goes to the log."""
        while not self._stop.is_set():
            loop = threading.Thread(target=self._loop, args=[tick], name=tick.name, daemon=True)
            loop.start()
            loop.join()
            self._stop.wait(1)

    def _loop(self, tick: Tick) -> None:
        from django.db import InterfaceError, OperationalError, close_old_connections, connection

        try:
            while not self._stop.wait(tick.seconds):
                close_old_connections()
                try:
                    tick.run()
                except (OperationalError, InterfaceError) as error:
                    log.warning("%s: the database is not there: %s", tick.name, error)
                    connection.close()
        finally:
            connection.close()


class TickerStep(bootsteps.StartStopStep):
    """The worker step that starts and stops the ticker."""

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self.ticker = Ticker()

    def include_if(self, worker: Any) -> bool:
        from django.conf import settings

        return bool(settings.TICKER_ENABLED)

    def start(self, worker: Any) -> None:
        self.ticker.start()

    def stop(self, worker: Any) -> None:
        self.ticker.stop()
