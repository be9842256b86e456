from __future__ import annotations

import pytest

from tests.visits.factories import make_visit
from visits.states import Status

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("status", list(Status))
def test_every_status_is_reached_by_actions_alone(status, engineer, dispatcher):
    assert make_visit(status, engineer).status == status
