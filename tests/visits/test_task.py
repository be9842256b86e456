"""What the visit is for, as it was ordered: whoever goes and whoever signs reads it."""

from __future__ import annotations

import pytest

from tests.conftest import AT
from tests.visits.factories import AFTER, make_desk_person, make_ticket
from tickets.actions import tickets
from visits import actions
from visits.models import VisitOrder
from visits.pdf import visit_data

pytestmark = pytest.mark.django_db
TASK = "更换二号收银台的扫码枪，并带走旧枪"


def ordered(task: str) -> VisitOrder:
    ticket = make_ticket()
    tickets.request_visit(ticket, reason=task, at=AT, by=make_desk_person().as_actor())
    return VisitOrder.objects.get(ticket=ticket)


def test_the_task_is_read_by_the_desk_the_engineer_and_on_the_form(
    logged_in, helpdesk, dispatcher, engineer
):
    visit = ordered(TASK)
    actions.assign(visit, engineer=engineer, at=AFTER, by=dispatcher.as_actor())
    phone = logged_in(engineer)

    shown = [
        logged_in(helpdesk).get(visit.get_absolute_url()),
        phone.get(visit.get_absolute_url()),
        phone.get(f"{visit.get_absolute_url()}accept/"),
        phone.get("/visits/today/"),
    ]

    assert [TASK in page.content.decode() for page in shown] == [True] * 4
    about = phone.get("/phone/pack/").json()["visits"][0]
    assert TASK in about["about"]
    assert TASK in about["hero"]
    assert visit_data(visit)["task"] == TASK


def test_a_visit_for_the_need_alone_does_not_say_it_twice():
    ticket = make_ticket()

    visit = actions.order_visit(
        ticket=ticket, task=f" {ticket.need} ", at=AT, by=make_desk_person().as_actor()
    )

    assert visit.task == ""
