"""催办: whoever has the ticket is asked for news, once in ten minutes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Notification
from servicedesk.core.errors import Refused, WrongState
from servicedesk.core.models import Entry, OutboxMessage
from tests.conftest import AT
from tests.tickets.tickets.factories import make_ticket
from tests.tickets.tickets.test_races import at_once
from tickets.actions.nudges import nudge
from tickets.models import Ticket
from tickets.states import Status

pytestmark = pytest.mark.django_db
NOW = AT + timedelta(hours=1)


def asked(user) -> list[Notification]:
    return list(Notification.objects.filter(user=user, dedup_key__startswith="ticket.nudged"))


def test_the_assignee_hears_of_it_at_once_in_the_app_and_by_mail(engineer, helpdesk):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)

    nudge(ticket, at=NOW, by=helpdesk.as_actor())

    (told,) = asked(engineer)
    assert told.urgent
    assert (ticket.number in told.text, "何雪" in told.text) == (True, True)
    mail = OutboxMessage.objects.get(dedup_key__startswith="ticket.nudged")
    assert (mail.recipient, mail.status) == (engineer.email, "queued")


def test_without_an_assignee_the_dispatchers_hear(helpdesk, dispatcher):
    nudge(make_ticket(), at=NOW, by=helpdesk.as_actor())

    assert len(asked(dispatcher)) == 1


def test_the_timeline_counts(engineer, helpdesk, dispatcher):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)

    nudge(ticket, at=NOW, by=helpdesk.as_actor())
    nudge(ticket, at=NOW + timedelta(minutes=10), by=dispatcher.as_actor())

    counts = [e.data["count"] for e in Entry.objects.filter(type="ticket.nudged").order_by("id")]
    assert counts == [1, 2]
    assert len(asked(engineer)) == 2


def test_once_in_ten_minutes_whoever_presses(engineer, helpdesk, dispatcher):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    nudge(ticket, at=NOW, by=helpdesk.as_actor())

    with pytest.raises(Refused, match="10:40"):
        nudge(ticket, at=NOW + timedelta(minutes=9, seconds=59), by=dispatcher.as_actor())

    assert len(asked(engineer)) == 1


def test_another_ticket_has_its_own_ten_minutes(engineer, helpdesk):
    for _each in range(2):
        nudge(make_ticket(Status.IN_PROGRESS, engineer), at=NOW, by=helpdesk.as_actor())

    assert len(asked(engineer)) == 2


def owned_by(user, assignee) -> Ticket:
    ticket = make_ticket(Status.IN_PROGRESS, assignee)
    Ticket.objects.filter(pk=ticket.pk).update(owner=user)
    return Ticket.objects.get(pk=ticket.pk)


def test_nobody_nudges_himself(engineer):
    ticket = owned_by(engineer, engineer)

    with pytest.raises(Refused):
        nudge(ticket, at=NOW, by=engineer.as_actor())


def test_an_engineer_nudges_about_what_he_owns_only(engineer, other_engineer):
    nudge(owned_by(engineer, other_engineer), at=NOW, by=engineer.as_actor())

    with pytest.raises(PermissionDenied):
        nudge(make_ticket(Status.IN_PROGRESS, other_engineer), at=NOW, by=engineer.as_actor())


def test_what_is_solved_needs_none(engineer, helpdesk):
    with pytest.raises(WrongState):
        nudge(make_ticket(Status.RESOLVED, engineer), at=NOW, by=helpdesk.as_actor())


@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_moment_are_one(engineer, helpdesk, dispatcher):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)

    def press(user):
        return lambda: nudge(Ticket.objects.get(pk=ticket.pk), at=NOW, by=user.as_actor())

    assert at_once(press(helpdesk), press(dispatcher), press(helpdesk)) == 2
    assert len(asked(engineer)) == 1


def test_the_button_says_when_again(engineer, helpdesk, client):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    client.force_login(helpdesk)
    button = f"{ticket.get_absolute_url()}nudge/"
    assert button in client.get(ticket.get_absolute_url()).content.decode()

    answer = client.post(button)

    assert answer.status_code == 302
    page = client.get(ticket.get_absolute_url()).content.decode()
    again = timezone.localtime(asked(engineer)[0].created_at + timedelta(minutes=10))
    assert button not in page
    assert f"{again:%H:%M} 后可再次催办" in page


def test_whoever_has_it_sees_no_button(engineer, client):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    client.force_login(engineer)

    page = client.get(ticket.get_absolute_url()).content.decode()

    assert f"{ticket.get_absolute_url()}nudge/" not in page


def test_the_api_nudges_and_refuses_the_second(engineer, helpdesk):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    api = APIClient()
    api.force_authenticate(helpdesk)
    url = f"/api/v1/tickets/{ticket.number}/nudge"

    assert [api.post(url, {}).status_code for _each in range(2)] == [200, 409]
    assert len(asked(engineer)) == 1
