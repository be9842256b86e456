from __future__ import annotations

from datetime import timedelta

import pytest

from servicedesk.core.errors import Refused
from servicedesk.core.rules import journal_of
from sla.models import Deadline
from tests.visits.factories import WINDOW, make_visit
from visits import actions
from visits.states import Status

pytestmark = pytest.mark.django_db


def tell(visit, *, before, expected=timedelta(minutes=20)):
    at = WINDOW[0] - timedelta(minutes=before)
    return actions.tell_late(
        visit, expected_at=at + expected, reason="堵车", at=at, by=visit.engineer.as_actor()
    )


@pytest.mark.parametrize(("before", "status"), [(12, "met"), (2, "met")])
def test_how_long_before_is_computed_and_the_clock_stops(before, status, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)

    tell(visit, before=before)

    clock = Deadline.objects.of(visit).get(kind="visit.notice")
    assert (clock.status, clock.late) == (status, before < 5)
    assert journal_of(visit).last("visit.told_late").data["minutes_before"] == before


def test_an_arrival_in_the_past_is_refused(engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    with pytest.raises(Refused) as refused:
        tell(visit, before=5, expected=timedelta(0))
    assert refused.value.field == "expected_at"
