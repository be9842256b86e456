from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied

from servicedesk.core.errors import Refused
from sla.models import Deadline
from tests.conftest import AT
from tests.journal import journal
from tests.tickets.tickets.factories import details, make_store
from tickets.actions.tickets import open_ticket
from tickets.models import Ticket
from tickets.states import Status

pytestmark = pytest.mark.django_db


def deadlines(ticket: Ticket) -> dict[str, Deadline]:
    return {d.kind: d for d in Deadline.objects.of(ticket)}


def test_a_ticket_has_an_owner_a_number_and_three_clocks(helpdesk):
    ticket = open_ticket(**details(owner=helpdesk), at=AT, by=helpdesk.as_actor())

    assert (ticket.status, ticket.owner, ticket.assignee) == (Status.NEW, helpdesk, None)
    assert ticket.number == "TK-20260302-0001"
    assert ("ticket.opened", AT, "何雪") in journal(ticket)
    clocks = deadlines(ticket)
    assert clocks["ticket.response"].due_at == AT + timedelta(minutes=30)
    assert clocks["ticket.assignment"].due_at == AT + timedelta(minutes=30)
    assert clocks["ticket.resolution"].due_at == AT + timedelta(hours=24) == ticket.due_at
    assert {d.owner for d in clocks.values()} == {helpdesk}


@pytest.mark.parametrize(("hours", "due"), [(5, 5), (24, 24), (40, 24)])
def test_it_is_due_in_24_hours_or_when_the_customer_expects_it(hours, due, helpdesk):
    """SLA-1"""
    wish = AT + timedelta(hours=hours)

    ticket = open_ticket(
        **details(owner=helpdesk, expected_at=wish, no_wish=False), at=AT, by=helpdesk.as_actor()
    )

    assert ticket.due_at == AT + timedelta(hours=due)


def test_an_urgent_one_has_shorter_clocks_and_another_ladder(helpdesk):
    """SLA-3"""
    ticket = open_ticket(
        **details(owner=helpdesk, is_urgent=True, urgency_reason="顾客排队"),
        at=AT, by=helpdesk.as_actor(),
    )  # fmt: skip

    response = deadlines(ticket)["ticket.response"]
    assert response.due_at == AT + timedelta(minutes=10)
    first = response.ladder()[0]
    assert (first.at, first.step.to) == (AT, ("owner", "supervisor"))
    assert ticket.queue == 0


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"no_wish": False}, "expected_at"),
        ({"expected_at": AT + timedelta(hours=1)}, "expected_at"),
        ({"expected_at": AT - timedelta(minutes=1), "no_wish": False}, "expected_at"),
        ({"is_urgent": True, "urgency_reason": "  "}, "urgency_reason"),
    ],
)
def test_what_was_not_asked_is_refused(said, field, helpdesk):
    """SLA-2, SLA-3: neither asked nor both, a time that has passed, urgent without a reason."""
    with pytest.raises(Refused) as refused:
        open_ticket(**details(owner=helpdesk, **said), at=AT, by=helpdesk.as_actor())

    assert refused.value.field == field
    assert not Ticket.objects.exists()


@pytest.mark.parametrize("field", ["store", "contact", "installation"])
def test_what_belongs_to_another_customer_is_refused(field, helpdesk):
    other = make_store("别家的店")
    foreign = {
        "store": other, "contact": other.contacts.get(), "installation": other.installations.get(),
    }  # fmt: skip
    told = details(make_store(), owner=helpdesk) | {field: foreign[field]}

    with pytest.raises(Refused) as refused:
        open_ticket(**told, at=AT, by=helpdesk.as_actor())

    assert refused.value.field == field


def test_the_product_is_that_of_the_installation(helpdesk):
    told = details(owner=helpdesk)

    ticket = open_ticket(**told, at=AT, by=helpdesk.as_actor())

    assert ticket.product == told["installation"].product


def test_the_owner_is_a_colleague_who_works_on_tickets(helpdesk, business, api_client_user):
    """OPS-1"""
    for person in (business, api_client_user):
        with pytest.raises(Refused) as refused:
            open_ticket(**details(owner=person), at=AT, by=helpdesk.as_actor())
        assert refused.value.field == "owner"


def test_opening_needs_the_permission(business, helpdesk):
    with pytest.raises(PermissionDenied):
        open_ticket(**details(owner=helpdesk), at=AT, by=business.as_actor())
