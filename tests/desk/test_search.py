"""The search over everything finds tickets and visits by the store, customer or person, too."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers import actions as customers
from servicedesk.core.actors import SYSTEM
from servicedesk.desk.queries import HITS, find
from tests.conftest import AT
from tests.visits.factories import make_desk_person, make_store, make_visit
from tickets.actions import tickets

pytestmark = pytest.mark.django_db


def urls(text, user, icon):
    found = {hit.icon: [row.url for row in hit.rows] for hit in find(text, user.as_actor())}
    return found.get(icon, [])


@pytest.fixture
def store():
    customer = customers.create_customer(name="永辉商业", at=AT, by=SYSTEM)
    store = customers.create_store(
        customer=customer, name="五角场店", address="淞沪路 8 号", phone="021-55667788",
        at=AT, by=SYSTEM,
    )  # fmt: skip
    customers.create_contact(store=store, name="孙丽华", phone="13600001111", at=AT, by=SYSTEM)
    return store


def make_ticket(store, **more):
    said = {"title": "打印机不出纸", "need": "打印机不出纸", "no_wish": True} | more
    return tickets.open_ticket(
        **said, customer=store.customer, store=store, owner=make_desk_person(), at=AT, by=SYSTEM
    )


def closed(store):
    ticket = make_ticket(store)
    later = {"at": AT + timedelta(hours=1), "by": SYSTEM}
    tickets.assign(ticket, assignee=ticket.owner, **later)
    tickets.resolve(ticket, solution="phone", resolution="重启后正常", **later)
    return tickets.close(ticket, closing="confirmed", confirmed_by="孙丽华", **later)


@pytest.mark.parametrize("text", ["五角", "wjc", "永辉", "孙丽", "5566", "136 0000 1111"])
def test_store_customer_and_person_bring_tickets_and_visits(store, engineer, manager, text):
    visit = make_visit(
        "appointed", engineer, ticket=make_ticket(store, contact=store.contacts.first())
    )
    make_visit("ordered", engineer)

    assert urls(text, manager, "ticket") == [visit.ticket.get_absolute_url()]
    assert urls(text, manager, "truck") == [visit.get_absolute_url()]


def test_a_person_of_the_head_office_brings_what_he_asked_for(store, manager):
    person = customers.create_contact(
        customer=store.customer, name="周总监", phone="13600002222", at=AT, by=SYSTEM
    )
    his = make_ticket(store, contact=person)
    make_ticket(store)

    assert urls("周总", manager, "ticket") == [his.get_absolute_url()]


def test_the_open_tickets_of_a_store_come_first_and_then_the_newest(store, manager):
    oldest = make_ticket(store)
    newer = [closed(store) for _ in range(HITS + 1)]

    expected = [oldest, *reversed(newer)][:HITS]
    assert urls("五角", manager, "ticket") == [t.get_absolute_url() for t in expected]


def test_what_the_words_themselves_find_comes_before_the_rest_and_once(store, manager):
    make_ticket(store)
    named = make_ticket(store, title="五角场店积分对不上")
    newest = make_ticket(store)

    found = urls("五角", manager, "ticket")

    assert found[:2] == [named.get_absolute_url(), newest.get_absolute_url()]
    assert len(found) == len(set(found)) == 3


def test_nobody_finds_through_a_store_what_he_may_not_see(store, engineer, other_engineer):
    make_visit("appointed", engineer, ticket=make_ticket(store, contact=store.contacts.first()))

    assert urls("五角", engineer, "truck")
    assert urls("五角", other_engineer, "truck") == []
    assert urls("五角", other_engineer, "ticket") == []


def test_a_search_takes_as_many_queries_however_much_it_finds(client, manager, store):
    client.force_login(manager)

    def count():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse("desk:search"), {"q": "五角"}).status_code == 200
        return len(captured)

    make_ticket(store)
    count()
    before = count()
    for number in "二三四五":
        make_ticket(make_store(f"五角场{number}店"))

    assert count() == before


def test_a_kind_of_thing_takes_one_query_and_tickets_and_visits_two(
    django_assert_num_queries, store, manager
):
    make_ticket(store)
    actor = manager.as_actor()

    with django_assert_num_queries(9):
        find("五角", actor)
