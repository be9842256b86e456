"""Other processes that work on the database of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

from django.conf import settings
from django.db import connection


def database_url() -> str:
    """The test database, as DATABASE_URL says it."""
    known = connection.settings_dict
    person = f"{quote(known['USER'] or '')}:{quote(known['PASSWORD'] or '')}"
    place = f"{known['HOST'] or ''}{':' + str(known['PORT']) if known['PORT'] else ''}"
    if place.startswith("/"):
        place = quote(place, safe="")
    return f"postgres://{person}@{place}/{known['NAME']}"


@contextmanager
def running(
    *command: str, settings_module: str = "servicedesk.settings_test", **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """`python -m …` for as long as the block lasts; killed at its end."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=settings.BASE_DIR,
        env=os.environ
        | {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": settings_module}
        | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    """Whether it became true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return true()
