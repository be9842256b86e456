from __future__ import annotations

from datetime import timedelta

import pytest

from servicedesk.core.actors import SYSTEM
from sla import deadlines
from tests.conftest import AT

pytestmark = pytest.mark.django_db


def test_smoke(start, subject):
    d = start()
    assert deadlines.sweep(AT + timedelta(hours=12)) == 1
    assert deadlines.sweep(AT + timedelta(hours=12)) == 0
    d.refresh_from_db()
    assert d.next_step == 1
    assert deadlines.sweep(AT + timedelta(hours=36)) == 1
    deadlines.meet("test.repair", subject, at=AT + timedelta(hours=37), by=SYSTEM)
