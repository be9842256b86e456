from __future__ import annotations

import pytest

from accounts.models import Notification
from servicedesk.core.errors import Refused
from tests.visits.factories import AGREED, make_visit
from visits import actions
from visits.states import Status

pytestmark = pytest.mark.django_db


def test_the_supervisor_hears_at_once_what_the_customer_said(engineer, dispatcher):
    visit = make_visit(Status.APPOINTED, engineer)

    actions.refuse_new_time(visit, reason="今天必须修好", at=AGREED, by=engineer.as_actor())

    notice = Notification.objects.get(user=dispatcher)
    assert notice.urgent
    assert "今天必须修好" in notice.text
    assert notice.url == visit.get_absolute_url()


def test_what_he_said_is_required(engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    with pytest.raises(Refused):
        actions.refuse_new_time(visit, reason=" ", at=AGREED, by=engineer.as_actor())
