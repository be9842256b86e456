"""A person takes note of an escalation, by page, API and action."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from rest_framework.test import APIClient

from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from sla import actions, deadlines
from sla.models import Escalation
from sla.queries import open_escalations_of
from sla.sweeping import sweep
from tests.conftest import AT
from tests.journal import journal
from tests.sla.kinds import REPAIR

pytestmark = pytest.mark.django_db

NOON = AT + timedelta(hours=12)


@pytest.fixture
def warning(start):
    start()
    sweep(NOON)
    return Escalation.objects.get()


@pytest.fixture
def miss(start):
    """The miss, with its two warnings fired earlier."""
    start()
    for hours in (12, 20, 24):
        sweep(AT + timedelta(hours=hours))
    return Escalation.objects.get(step="missed")


def test_acknowledging_notes_who_and_when(warning, engineer, subject):
    actions.acknowledge(warning, at=NOON, by=engineer.as_actor())

    warning.refresh_from_db()
    assert (warning.acknowledged_at, warning.acknowledged_by) == (NOON, engineer)
    assert journal(subject)[-1] == ("deadline.acknowledged", NOON, "张伟")


def test_the_first_word_counts(warning, engineer, dispatcher):
    actions.acknowledge(warning, at=NOON, by=engineer.as_actor())

    actions.acknowledge(warning, at=NOON + timedelta(hours=1), by=dispatcher.as_actor())

    warning.refresh_from_db()
    assert (warning.acknowledged_at, warning.acknowledged_by) == (NOON, engineer)


def test_who_has_seen_the_miss_need_not_tick_off_the_warnings(miss, engineer):
    actions.acknowledge(miss, at=NOON, by=engineer.as_actor())

    assert not Escalation.objects.filter(acknowledged_at=None).exists()


def test_a_warning_does_not_answer_the_miss_after_it(miss, engineer):
    actions.acknowledge(Escalation.objects.get(step="half"), at=NOON, by=engineer.as_actor())

    miss.refresh_from_db()
    assert miss.acknowledged_at is None


def test_acknowledging_needs_the_permission(warning, api_client_user):
    with pytest.raises(PermissionDenied):
        actions.acknowledge(warning, at=NOON, by=api_client_user.as_actor())


def test_a_silent_step_cannot_be_acknowledged(start, engineer):
    start()
    sweep(AT + timedelta(hours=30))

    with pytest.raises(Refused):
        actions.acknowledge(Escalation.objects.get(step="half"), at=NOON, by=engineer.as_actor())


def test_a_warning_is_settled_when_its_deadline_is_met_and_a_miss_is_not(miss, engineer, subject):
    assert open_escalations_of(engineer.as_actor()) == 3

    deadlines.meet(REPAIR.name, subject, at=AT + timedelta(hours=25), by=SYSTEM)

    assert open_escalations_of(engineer.as_actor()) == 1


def test_the_page_acknowledges_and_returns(warning, engineer, client):
    client.force_login(engineer)
    url = reverse("sla:acknowledge", args=[warning.uid])

    answer = client.post(url, {"next": "/deadlines/escalations/?scope=mine"})

    assert (answer.status_code, answer["Location"]) == (302, "/deadlines/escalations/?scope=mine")
    warning.refresh_from_db()
    assert warning.acknowledged_by == engineer


def test_the_page_leads_nobody_to_a_foreign_site(warning, engineer, client):
    client.force_login(engineer)

    answer = client.post(
        reverse("sla:acknowledge", args=[warning.uid]), {"next": "https://evil.example/"}
    )

    assert answer["Location"] == reverse("sla:escalations")


def test_reading_acknowledges_nothing(warning, engineer, client):
    client.force_login(engineer)
    assert client.get(reverse("sla:acknowledge", args=[warning.uid])).status_code == 405


def test_the_api_acknowledges(warning, dispatcher):
    client = APIClient()
    client.force_authenticate(dispatcher)

    answer = client.post(f"/api/v1/escalations/{warning.uid}/acknowledge", {})

    assert answer.status_code == 200
    assert answer.json()["acknowledged_by"] == str(dispatcher.uid)
    assert answer.json()["actions"] == []


@pytest.mark.parametrize("door", ["page", "api"])
def test_what_somebody_else_was_told_does_not_exist(door, warning, other_engineer, client):
    if door == "page":
        client.force_login(other_engineer)
        answer = client.post(reverse("sla:acknowledge", args=[warning.uid]))
    else:
        api = APIClient()
        api.force_authenticate(other_engineer)
        answer = api.post(f"/api/v1/escalations/{warning.uid}/acknowledge", {})

    assert answer.status_code == 404
    warning.refresh_from_db()
    assert warning.acknowledged_at is None
