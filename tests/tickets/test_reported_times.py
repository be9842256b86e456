"""What is reported has happened: not in the future, not before its cause, not years ago."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from servicedesk.core.actions import replaying
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from servicedesk.core.timeline import timeline
from sla.models import Deadline
from sla.rebuilding import rebuild
from tests.conftest import AT
from tests.tickets.tickets.factories import make_call, make_ticket
from tickets.actions import messages, promises, tickets
from tickets.models import Call, Ticket
from tickets.states import Status
from tickets.tasks import close_what_is_quiet

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(helpdesk):
    client = APIClient()
    client.force_login(helpdesk)
    return client


@pytest.mark.parametrize(
    "at", [timedelta(minutes=5), timedelta(days=365), timedelta(days=-367), timedelta(days=-9000)]
)
def test_a_call_ends_neither_in_the_future_nor_years_ago(at, api):
    """Else its number, its deadline and its month would lie where the caller likes."""
    answer = api.post(
        "/api/v1/calls/end",
        {"outcome": "wrong_number", "at": (timezone.now() + at).isoformat()},
        format="json",
    )

    assert answer.status_code == 400
    assert not Call.objects.exists()


def test_what_was_reported_late_is_taken(api):
    at = timezone.now() - timedelta(days=300)
    body = {"outcome": "wrong_number", "at": at.isoformat(), "answered_at": at.isoformat()}

    assert api.post("/api/v1/calls/end", body, format="json").status_code == 201


@pytest.mark.parametrize("field", ["at", "answered_at"])
def test_each_time_of_a_call_has_the_bounds(field, api):
    body = {"outcome": "wrong_number", field: (timezone.now() + timedelta(hours=1)).isoformat()}

    assert api.post("/api/v1/calls/end", body, format="json").status_code == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("messages/take", {"caller_name": "李", "caller_number": "138", "text": "x"}),
        ("promises/make", {"caller_name": "李", "caller_number": "138", "question": "x"}),
    ],
)
def test_messages_and_promises_have_the_bounds(path, body, api, engineer):
    soon = (timezone.now() + timedelta(days=2)).isoformat()
    body |= {"to_user": str(engineer.uid), "call_back_by": soon} if "messages" in path else {
        "owner": str(engineer.uid), "due_at": soon,
    }  # fmt: skip
    for days in (1, -400):
        at = (timezone.now() + timedelta(days=days)).isoformat()
        answer = api.post(f"/api/v1/{path}", body | {"at": at}, format="json")
        assert answer.status_code == 400, answer.data
        assert answer.data["errors"][0]["pointer"] == "/at"


# --- not before its cause ---------------------------------------------------------------------


@pytest.fixture
def promise(engineer):
    return promises.make_promise(
        owner=engineer, caller_name="李", caller_number="138", question="x",
        due_at=AT + timedelta(hours=2), at=AT, by=SYSTEM,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        ("keep", {"answer": "好了"}),
        ("attempt", {}),
        ("move", {"due_at": AT + timedelta(hours=5), "spoken_to": "李", "reason": "x"}),
        ("drop", {"spoken_to": "李", "reason": "x"}),
    ],
)
def test_nothing_happens_to_a_promise_before_it_was_made(verb, told, promise):
    with pytest.raises(Refused) as refused:
        getattr(promises, verb)(promise, **told, at=AT - timedelta(seconds=1), by=SYSTEM)
    assert refused.value.field == "at"
    getattr(promises, verb)(promise, **told, at=AT, by=SYSTEM)


@pytest.mark.parametrize("verb", ["read", "finish", "pass_on"])
def test_nothing_happens_to_a_message_before_it_was_taken(verb, engineer, other_engineer):
    message = messages.take_message(
        to_user=engineer, caller_name="李", caller_number="138", text="x",
        call_back_by=AT + timedelta(hours=2), at=AT, by=other_engineer.as_actor(),
    )  # fmt: skip
    told = {"finish": {"outcome": "好了"}, "pass_on": {"to_user": other_engineer}}.get(verb, {})

    with pytest.raises(Refused) as refused:
        getattr(messages, verb)(
            message, **told, at=AT - timedelta(seconds=1), by=engineer.as_actor()
        )
    assert refused.value.field == "at"
    getattr(messages, verb)(message, **told, at=AT, by=engineer.as_actor())


def test_nothing_is_solved_before_it_was_assigned(engineer):
    ticket = make_ticket(Status.NEW, engineer)
    given = ticket.received_at + timedelta(hours=5)
    tickets.assign(ticket, assignee=engineer, at=given, by=SYSTEM)

    with pytest.raises(Refused) as refused:
        tickets.resolve(
            ticket, solution="phone", resolution="x", at=given - timedelta(minutes=1),
            by=engineer.as_actor(),
        )  # fmt: skip
    assert refused.value.field == "at"


# --- closing by itself (OPS-12) ------------------------------------------------------------------


@pytest.mark.parametrize("who", ["helpdesk", "manager", "admin"])
def test_nobody_closes_by_hand_what_closes_by_itself(who, request, engineer):
    ticket = make_ticket(Status.RESOLVED, engineer)
    late = ticket.resolved_at + timedelta(days=30)

    with pytest.raises(Refused) as refused:
        tickets.close(
            ticket, closing="automatic", at=late, by=request.getfixturevalue(who).as_actor()
        )
    assert refused.value.field == "closing"


def test_the_api_does_not_offer_it(api, engineer):
    ticket = make_ticket(Status.RESOLVED, engineer)

    answer = api.post(
        f"/api/v1/tickets/{ticket.number}/close", {"closing": "automatic"}, format="json"
    )

    assert answer.status_code == 400


def test_the_days_begin_when_the_solution_was_heard_of(engineer):
    """Solved long ago, reported now: until now nobody could have objected."""
    make_ticket(Status.RESOLVED, engineer)
    assert close_what_is_quiet() == 0

    with replaying():
        make_ticket(Status.RESOLVED, engineer)
    assert close_what_is_quiet() == 1
    assert Ticket.objects.filter(status=Status.CLOSED).count() == 1


# --- what a reader may see of a customer's history ------------------------------------------------


def texts(shown, person):
    return " ".join(line.text for line in timeline(shown, reader=person.as_actor()))


def test_a_customers_history_tells_nobody_of_tickets_he_may_not_see(
    engineer, other_engineer, helpdesk
):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    at = ticket.received_at + timedelta(hours=3)
    tickets.flag_complaint(ticket, text="很生气", at=at, by=helpdesk.as_actor())

    for shown in (ticket.store, ticket.customer):
        assert "很生气" in texts(shown, engineer)
        assert "很生气" in texts(shown, helpdesk)
        assert not Ticket.objects.visible_to(other_engineer.as_actor()).exists()
        assert "很生气" not in texts(shown, other_engineer)


def test_the_page_of_the_customer_hides_it_too(engineer, other_engineer, helpdesk, client):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    at = ticket.received_at + timedelta(hours=3)
    tickets.flag_complaint(ticket, text="很生气", at=at, by=helpdesk.as_actor())

    for person, seen in ((other_engineer, False), (engineer, True)):
        client.force_login(person)
        for shown in (ticket.store, ticket.customer):
            assert ("很生气" in client.get(shown.get_absolute_url()).text) is seen


def test_what_is_shown_costs_no_query_more_for_more_rows(
    engineer, helpdesk, django_assert_num_queries
):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    tickets.flag_complaint(ticket, text="一", at=timezone.now(), by=helpdesk.as_actor())
    with CaptureQueriesContext(connection) as few:
        timeline(ticket.store, reader=engineer.as_actor())
    for _ in range(5):
        tickets.flag_complaint(ticket, text="二", at=timezone.now(), by=helpdesk.as_actor())
    with django_assert_num_queries(len(few)):
        timeline(ticket.store, reader=engineer.as_actor())


# --- numbers (GEN-7) ----------------------------------------------------------------------------


def test_the_number_of_a_call_is_whole_for_who_took_it(engineer, helpdesk, client, api):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    call = make_call(ticket, at=AT, by=engineer)
    number = call.caller_number
    assert len(number) >= 7

    client.force_login(engineer)
    assert number in client.get(call.get_absolute_url()).text
    client.force_login(helpdesk)
    assert number not in client.get(call.get_absolute_url()).text
    assert api.get(f"/api/v1/calls/{call.number}").data["caller_number"] != number


def test_the_form_of_a_visit_prints_no_number_and_takes_the_kept_one(engineer, client):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    kept = ticket.contact.phone if ticket.contact else ticket.store.phone
    client.force_login(engineer)

    page = client.get(f"/tickets/{ticket.number}/request_visit/")

    assert page.status_code == 200
    assert kept not in page.text


# --- a clock that is past due (SLA) ----------------------------------------------------------------


def test_made_urgent_after_its_time_the_journal_still_tells_the_miss(engineer, helpdesk):
    """What `rebuild_deadlines` reads from the journal is what stands in the rows."""
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    at = ticket.due_at + timedelta(hours=1)
    tickets.mark_urgent(ticket, urgency_reason="急", at=at, by=helpdesk.as_actor())

    resolution = Deadline.objects.of(ticket).get(kind="ticket.resolution")
    assert resolution.missed_at is None
    assert list(rebuild(Deadline.objects.all())) == []
