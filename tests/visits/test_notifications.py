"""The engineer hears of what the desk does with his orders."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Notification
from tests.conftest import AT
from tests.visits.factories import make_visit
from visits import actions
from visits.states import Status

pytestmark = pytest.mark.django_db


def told(person):
    return list(Notification.objects.filter(user=person).values_list("text", "url"))


def test_an_order_is_announced_to_its_engineer(engineer, other_engineer):
    visit = make_visit(Status.ASSIGNED, engineer)

    assert (f"新的上门单：{visit.store.name}", visit.get_absolute_url()) in told(engineer)
    assert told(other_engineer) == []


def test_a_cancelled_order_says_why(engineer):
    visit = make_visit(Status.CANCELLED, engineer)
    assert told(engineer) == []

    actions.assign(
        visit := make_visit(Status.ORDERED, engineer), engineer=engineer, at=AT,
        by=visit.ordered_by.as_actor(),
    )  # fmt: skip
    actions.cancel(
        visit, reason="客户来电说已恢复", at=AT + timedelta(minutes=2),
        by=visit.ordered_by.as_actor(),
    )  # fmt: skip
    assert "客户来电说已恢复" in told(engineer)[0][0]


def test_a_returned_form_says_what_is_missing(engineer, dispatcher):
    visit = make_visit(Status.HANDED_IN, engineer)

    actions.return_form(
        visit, reason="缺配件序列号", at=AT + timedelta(hours=9), by=dispatcher.as_actor()
    )

    assert "缺配件序列号" in told(engineer)[0][0]
