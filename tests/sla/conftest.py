from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from accounts.actions import create_team
from servicedesk.core.actors import SYSTEM
from sla import deadlines
from tests.conftest import AT
from tests.sla.kinds import REPAIR

DAY = timedelta(hours=24)


@pytest.fixture
def subject(db):
    return create_team(name="对象", at=AT, by=SYSTEM)


@pytest.fixture
def start(subject, engineer, dispatcher):
    """Start a repair of 24 hours that belongs to the engineer."""

    def run(about=subject, *, at: datetime = AT, due_at: datetime | None = None, **options):
        options = {"owner": engineer, "kind": REPAIR.name} | options
        return deadlines.start(
            options.pop("kind"), about, label="TK-20260302-0001 收银机无法打印", url="/tickets/1/",
            due_at=due_at or at + DAY, at=at, by=SYSTEM, **options,
        )  # fmt: skip

    return run
