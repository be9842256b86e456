from __future__ import annotations

from datetime import timedelta

import pytest

from servicedesk.core.errors import Refused
from sla.models import Deadline
from tests.conftest import AT
from tests.visits.factories import make_desk_person, make_visit, order
from visits import actions
from visits.states import Status

pytestmark = pytest.mark.django_db


def assign(visit, engineer, **later):
    return actions.assign(
        visit, engineer=engineer, at=AT + timedelta(**later), by=make_desk_person().as_actor()
    )


def test_the_order_goes_to_the_engineer_and_his_clock_starts(engineer):
    visit = order()

    assign(visit, engineer, minutes=5)

    assert (visit.status, visit.engineer) == (Status.ASSIGNED, engineer)
    clock = Deadline.objects.of(visit).get(kind="visit.accept")
    assert (clock.owner, clock.due_at) == (engineer, AT + timedelta(minutes=35))
    assert Deadline.objects.of(visit).get(kind="visit.assign").status == "met"


def test_a_new_ticket_gets_the_engineer_as_its_assignee(engineer):
    visit = order()

    assign(visit, engineer)

    visit.ticket.refresh_from_db()
    assert visit.ticket.assignee == engineer


def test_whoever_makes_no_visits_cannot_get_one(helpdesk):
    with pytest.raises(Refused) as refused:
        assign(order(), helpdesk)
    assert refused.value.field == "engineer"


def test_the_same_engineer_twice_is_refused(engineer):
    visit = make_visit(Status.ASSIGNED, engineer)
    with pytest.raises(Refused):
        assign(visit, engineer)


def test_another_engineer_keeps_the_customers_window_and_must_accept(engineer, other_engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    window = visit.window_from

    assign(visit, other_engineer, minutes=30)

    assert (visit.status, visit.engineer) == (Status.ASSIGNED, other_engineer)
    assert (visit.window_from, visit.accepted_at) == (window, None)
    open_kinds = set(Deadline.objects.of(visit).open().values_list("kind", flat=True))
    # What the customer was promised runs on, and now warns the new engineer.
    assert open_kinds == {"visit.accept", "visit.departure", "visit.notice", "visit.arrival"}
    owners = set(Deadline.objects.of(visit).open().values_list("owner", flat=True))
    assert owners == {other_engineer.pk}


def test_an_engineer_who_is_elsewhere_then_is_refused_by_number(engineer, other_engineer):
    theirs = make_visit(Status.APPOINTED, other_engineer)
    visit = make_visit(Status.APPOINTED, engineer)

    with pytest.raises(Refused, match=theirs.number):
        assign(visit, other_engineer, minutes=30)


def test_a_refused_line_of_the_list_shows_its_error_there(logged_in, helpdesk, dispatcher):
    visit = order()

    response = logged_in(dispatcher).post(
        f"/visits/{visit.number}/assign/", {"engineer": helpdesk.uid, "back": "unassigned"}
    )

    assert response.status_code == 422
    assert "form-errors" in response.content.decode()


def test_the_list_begins_with_what_is_due_first(logged_in, dispatcher):
    later = order(at=AT)
    first = order(at=AT - timedelta(hours=2))

    page = logged_in(dispatcher).get("/visits/unassigned/").text

    assert page.index(first.get_absolute_url()) < page.index(later.get_absolute_url())


def test_from_the_list_one_comes_back_to_the_list(logged_in, engineer, dispatcher):
    visit = order()

    response = logged_in(dispatcher).post(
        f"/visits/{visit.number}/assign/", {"engineer": engineer.uid, "back": "unassigned"}
    )

    assert response.url == "/visits/unassigned/"
