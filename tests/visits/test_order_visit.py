from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied

from servicedesk.core.errors import Refused
from sla.models import Deadline
from tests.conftest import AT
from tests.journal import journal
from tests.visits.factories import (
    make_contact,
    make_desk_person,
    make_installation,
    make_store,
    make_ticket,
    make_visit,
    order,
)
from tickets.actions import tickets
from visits import actions
from visits.models import VisitOrder
from visits.states import Status

pytestmark = pytest.mark.django_db


def test_from_a_ticket_nothing_is_typed_again():
    ticket = make_ticket()

    visit = order(ticket)

    assert visit.number == "SV-20260302-0001"
    assert (visit.customer, visit.store, visit.contact) == (
        ticket.customer, ticket.store, ticket.contact,
    )  # fmt: skip
    assert (visit.contact_name, visit.contact_phone) == ("李晓梅", "13912345678")
    assert visit.salutation == "李店长"
    assert visit.address == "上海市黄浦区淮海中路 999 号"
    assert (visit.need, visit.category) == (ticket.need, ticket.category)
    assert visit.installation == ticket.installation
    assert journal(visit)[-1] == ("visit.ordered", AT, "周敏")
    assert ("visit.ordered", AT, "周敏") in journal(ticket)


def test_a_visit_asked_for_at_the_ticket_is_ordered_in_the_same_act():
    ticket, desk = make_ticket(), make_desk_person()

    tickets.request_visit(ticket, reason="换终端", at=AT, by=desk.as_actor())

    visit = VisitOrder.objects.get(ticket=ticket)
    assert (visit.status, visit.ordered_by) == (Status.ORDERED, desk)
    assert visit.need == ticket.need


def test_urgency_comes_along_and_shortens_the_clock():
    visit = order(make_ticket(is_urgent=True, urgency_reason="促销活动中"))

    clock = Deadline.objects.of(visit).get(kind="visit.assign")
    assert (visit.is_urgent, clock.due_at) == (True, AT + timedelta(minutes=10))


def test_an_order_without_a_ticket_needs_a_store_and_takes_its_number():
    store = make_store()

    visit = order(store=store, contact_name="王经理", need="演示新功能")

    assert (visit.ticket, visit.contact_phone) == (None, store.phone)
    assert visit.address == store.full_address


@pytest.mark.parametrize("field", ["contact_name", "need"])
def test_an_order_without_name_or_need_is_refused(field):
    given = {"contact_name": "王经理", "need": "演示"} | {field: "  "}

    with pytest.raises(Refused) as refused:
        order(store=make_store(), **given)

    assert refused.value.field == field


def test_an_order_that_goes_nowhere_is_refused():
    with pytest.raises(Refused) as refused:
        actions.order_visit(need="x", at=AT, by=make_desk_person().as_actor())
    assert refused.value.field == "store"


def test_a_ticket_has_one_unsigned_visit_at_a_time():
    ticket = make_ticket()
    first = order(ticket)

    with pytest.raises(Refused, match=first.number):
        order(ticket)


def test_after_a_signed_visit_another_may_be_ordered(engineer):
    first = make_visit(Status.SIGNED, engineer)

    assert order(first.ticket).ticket == first.ticket


def test_the_next_order_is_the_next_step_of_an_unsolved_one(engineer):
    unsolved = {"result": "not_solved", "next_step": "带新终端再去",
                "next_step_at": AT + timedelta(days=1)}  # fmt: skip
    first = make_visit(Status.SIGNED, engineer, record=unsolved)
    clock = Deadline.objects.of(first).get(kind="visit.next_step")
    assert clock.status == "running"

    order(first.ticket)

    clock.refresh_from_db()
    assert clock.status == "met"


def test_a_contact_or_product_of_somebody_else_is_refused():
    store = make_store()
    for strange in ({"contact": make_contact(make_store())},
                    {"installation": make_installation(make_store())}):  # fmt: skip
        with pytest.raises(Refused):
            order(store=store, contact_name="x", need="x", **strange)


def test_ordering_needs_the_permission(business):
    with pytest.raises(PermissionDenied):
        actions.order_visit(store=make_store(), need="x", at=AT, by=business.as_actor())


def test_numbers_of_a_day_have_no_gap(engineer):
    first = order()
    with pytest.raises(Refused):
        order(store=make_store(), contact_name="", need="x")
    assert [first.number[-4:], order().number[-4:]] == ["0001", "0002"]


def test_the_page_orders_and_shows_the_visit(logged_in, helpdesk):
    store = make_store()

    response = logged_in(helpdesk).post(
        "/visits/new/", {"store": store.uid, "contact_name": "王经理", "need": "演示"}
    )

    visit = VisitOrder.objects.get()
    assert response.url == visit.get_absolute_url()


def test_the_page_keeps_what_was_typed_if_it_is_refused(logged_in, helpdesk):
    response = logged_in(helpdesk).post("/visits/new/", {"contact_name": "王经理", "need": "演示"})

    assert response.status_code == 422
    assert "王经理" in response.content.decode()


def test_the_api_orders_from_a_ticket_number(engineer, helpdesk):
    from rest_framework.test import APIClient

    ticket, client = make_ticket(), APIClient()
    client.force_login(helpdesk)

    response = client.post("/api/v1/visits/order", {"ticket": ticket.number}, format="json")

    assert response.status_code == 201
    assert response.data["ticket"] == ticket.number
    assert "assign" in response.data["actions"]
