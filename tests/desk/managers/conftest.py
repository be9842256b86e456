"""A Monday noon at the desk, and who looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from servicedesk.core import journal
from servicedesk.desk.managers import rollups
from tests.conftest import AT

# 14:00 in Shanghai.
NOW = AT + timedelta(hours=4, minutes=30)


@pytest.fixture
def noon() -> Iterator[datetime]:
    with time_machine.travel(NOW, tick=False):
        yield NOW


@pytest.fixture
def desk(noon, client, dispatcher) -> Any:
    client.force_login(dispatcher)
    return client


@pytest.fixture
def queries_of() -> Callable[[Any, str], int]:
    """How many queries a page takes, once caches are filled."""

    def count(client: Any, url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    return count


@pytest.fixture
def roll_up(db):
    """What a worker does: seal the journal, and make the days again that it speaks of."""

    def run(now: datetime | None = None) -> int:
        journal.seal()
        return rollups.catch_up(now)

    return run
