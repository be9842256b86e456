"""Who sees which ticket, and who may take it: the table of `TicketQuerySet.visible_to`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.actions import create_team
from accounts.roles import Role
from customers.actions import create_product, edit_product
from servicedesk.core.actors import SYSTEM
from tests.conftest import AT, person
from tests.tickets.tickets.factories import make_ticket
from tickets.actions import tickets as actions
from tickets.models import Ticket
from tickets.states import Status

pytestmark = pytest.mark.django_db

NOW = AT + timedelta(minutes=10)
ALL = {"assigned to him", "owned by him", "nobody's", "of no product", "nobody's, other team's",
       "somebody else's"}  # fmt: skip
TABLE = {
    Role.HELPDESK: ALL,
    Role.DISPATCHER: ALL,
    Role.MANAGER: ALL,
    Role.ADMINISTRATOR: ALL,
    Role.BUSINESS: ALL,
    Role.CLIENT: ALL,
    Role.ENGINEER: {"assigned to him", "owned by him", "nobody's", "of no product"},
    Role.TRAINER: set(),
}
WORKERS = {Role.HELPDESK, Role.DISPATCHER, Role.MANAGER, Role.ADMINISTRATOR, Role.ENGINEER}


@pytest.fixture
def teams():
    return [create_team(name=name, leader=None, at=AT, by=SYSTEM) for name in ("积分", "支付")]


def tickets(me, teams, engineer):
    """One of each kind; the product is looked after by the first team."""
    his, others = teams
    found = {
        "nobody's": make_ticket(),
        "of no product": make_ticket(installation=None),
        "nobody's, other team's": make_ticket(),
        "somebody else's": make_ticket(Status.ASSIGNED, engineer),
    }
    if me.role in WORKERS:
        found["assigned to him"] = make_ticket(Status.ASSIGNED, me)
        owned = found["owned by him"] = make_ticket(owner=me)
        actions.assign(owned, assignee=engineer, at=NOW, by=SYSTEM)
    edit_product(found["nobody's"].product, team=his, at=AT, by=SYSTEM)
    product = create_product(code="ZF", name="支付产品", team=others, at=AT, by=SYSTEM)
    actions.edit(
        found["nobody's, other team's"], installation=None, product=product, at=NOW, by=SYSTEM
    )
    return found


@pytest.mark.parametrize("role", list(Role))
def test_each_role_sees_what_the_table_says(role, teams, engineer):
    me = person("me", "我", role, teams[0])
    made = tickets(me, teams, engineer)

    seen = set(Ticket.objects.visible_to(me.as_actor()).values_list("pk", flat=True))

    assert {kind for kind, ticket in made.items() if ticket.pk in seen} == TABLE[role] & set(made)


def test_without_a_team_one_sees_what_belongs_to_no_team(teams, engineer, other_engineer):
    made = tickets(other_engineer, teams, engineer)

    seen = set(Ticket.objects.visible_to(other_engineer.as_actor()))

    assert made["of no product"] in seen
    assert made["nobody's"] not in seen


def test_an_engineer_takes_what_nobody_has(client, engineer, other_engineer):
    ticket = make_ticket()
    client.force_login(engineer)
    assert ticket.get_absolute_url() in client.get("/").text

    answer = client.post(f"{ticket.get_absolute_url()}take/")

    assert answer.status_code == 302
    ticket.refresh_from_db()
    assert (ticket.status, ticket.assignee) == (Status.ASSIGNED, engineer)
    # Now it is his alone.
    client.force_login(other_engineer)
    assert client.get(ticket.get_absolute_url()).status_code == 404
