"""Lists, board, day, badge: what they show, to whom, and with how many queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from tests.conftest import AT, person
from tests.visits.factories import WINDOW, make_visit, order
from visits.queries import day_of, next_step, steps
from visits.states import Status
from visits.views.public import badge_token

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("status", list(Status))
def test_the_page_of_a_visit_opens_in_every_status_for_desk_and_phone(
    status, engineer, helpdesk, logged_in
):
    visit = make_visit(status, engineer)

    assert logged_in(helpdesk).get(visit.get_absolute_url()).status_code == 200
    phone = logged_in(engineer).get(visit.get_absolute_url())
    mine = status not in {Status.ORDERED, Status.CANCELLED}
    assert phone.status_code == (200 if mine else 404)


@pytest.mark.parametrize(
    ("status", "act"),
    [
        (Status.ASSIGNED, "accept"),
        (Status.ACCEPTED, "appoint"),
        (Status.APPOINTED, "prepare"),
        (Status.EN_ROUTE, "arrive"),
        (Status.ARRIVED, "start_work"),
        (Status.MISSED, "appoint"),
        (Status.WORKING, "record_work"),
        (Status.INTERRUPTED, "resume"),
        (Status.FINISHED, "present_form"),
        (Status.SIGNED, "hand_in"),
        (Status.HANDED_IN, None),
    ],
)
def test_the_big_button_is_the_next_right_act(status, act, engineer, logged_in):
    visit = make_visit(status, engineer)

    shown = logged_in(engineer).get(visit.get_absolute_url()).context["next"]

    assert (shown.name if shown else None) == act


def test_what_stands_out_on_the_way_of_a_visit_is_how_it_is(engineer):
    current = {
        status: [str(label) for label, state, _at in steps(make_visit(status, engineer)) if state == "current"]
        for status in (Status.ASSIGNED, Status.FINISHED, Status.HANDED_IN, Status.ARCHIVED)
    }  # fmt: skip

    assert current == {
        Status.ASSIGNED: ["已开单"], Status.FINISHED: ["完工"],
        Status.HANDED_IN: ["已交单"], Status.ARCHIVED: ["已归档"],
    }  # fmt: skip


def test_the_note_is_offered_after_a_quarter_of_an_hour(engineer):
    visit = make_visit(Status.WAITING, engineer)
    since = visit.waiting_since
    assert next_step(visit, now=since + timedelta(minutes=14, seconds=59)) == "meet"
    assert next_step(visit, now=since + timedelta(minutes=15)) == "leave_note"


def test_a_complete_record_leads_to_the_finish(engineer):
    from tests.visits.factories import RECORD
    from visits import actions
    from visits.models import VisitOrder

    visit = make_visit(Status.WORKING, engineer)
    actions.record_work(visit, **RECORD, at=visit.started_at, by=engineer.as_actor())
    assert next_step(VisitOrder.objects.get(pk=visit.pk), now=AT) == "finish"


def test_the_day_is_in_the_order_in_which_things_come(engineer):
    signed = make_visit(Status.SIGNED, engineer)
    working = make_visit(Status.WORKING, engineer)
    later = make_visit(Status.APPOINTED, engineer, shift=timedelta(days=1))
    second = make_visit(Status.APPOINTED, engineer, shift=timedelta(hours=6))
    first = make_visit(Status.APPOINTED, engineer, shift=timedelta(hours=3))
    assigned = make_visit(Status.ASSIGNED, engineer)

    day = day_of(engineer.pk, now=WINDOW[0])

    assert (day.now, day.today) == ([working], [first, second])
    assert (day.to_arrange, day.papers, day.later) == ([assigned], [signed], [later])


def test_an_empty_day_says_so(engineer, logged_in):
    response = logged_in(engineer).get("/visits/today/")
    assert response.status_code == 200
    assert response.context["first"] is None


def test_the_desk_has_a_board_instead_of_a_day(helpdesk, logged_in):
    assert logged_in(helpdesk).get("/visits/today/").url == "/visits/board/"


@pytest.mark.parametrize(
    ("path", "roles"),
    [
        ("/visits/", set(Role) - {Role.TRAINER}),
        ("/visits/board/", set(Role) - {Role.TRAINER, Role.ENGINEER}),
        ("/visits/unassigned/",
         {Role.HELPDESK, Role.DISPATCHER, Role.MANAGER, Role.ADMINISTRATOR}),
        ("/visits/new/", set(Role) - {Role.TRAINER, Role.BUSINESS}),
    ],
)  # fmt: skip
def test_who_may_open_which_list(path, roles, logged_in):
    for role in Role:
        response = logged_in(person(f"some-{role}", "某人", role)).get(path)
        assert response.status_code == (200 if role in roles else 403), role


def test_the_lists_find_by_number_store_and_words(engineer, helpdesk, logged_in):
    visit, client = make_visit(Status.APPOINTED, engineer), logged_in(helpdesk)
    for text in (visit.number, "万象城", "积不了分", "李晓梅"):
        page = client.get("/visits/", {"q": text}).context["page"]
        assert page.rows == [visit], text
    assert client.get("/visits/", {"q": "没有这个"}).context["page"].rows == []


def test_the_filters_narrow_the_list(engineer, other_engineer, helpdesk, logged_in):
    mine = make_visit(Status.APPOINTED, engineer)
    theirs = make_visit(Status.ASSIGNED, other_engineer)
    client = logged_in(helpdesk)

    def rows(**wanted):
        return client.get("/visits/", wanted).context["page"].rows

    assert rows(engineer=engineer.uid) == [mine]
    assert rows(status="assigned") == [theirs]
    assert rows(day="2026-03-02") == [mine]
    assert rows(view="missed") == []
    assert client.get("/visits/", {"day": "gestern", "view": "x"}).status_code == 200


def test_an_engineer_finds_his_own_visits_only(engineer, other_engineer, logged_in):
    mine = make_visit(Status.APPOINTED, engineer)
    make_visit(Status.APPOINTED, other_engineer)
    assert logged_in(engineer).get("/visits/").context["page"].rows == [mine]


def test_the_board_shows_the_day_that_was_asked_for(engineer, helpdesk, logged_in):
    visit, client = make_visit(Status.APPOINTED, engineer), logged_in(helpdesk)
    board = client.get("/visits/board/", {"day": "2026-03-02"}).context["board"]
    lane = next(lane for lane in board.lanes if lane.engineer == engineer)
    assert [block.visit for block in lane.cell.blocks] == [visit]
    assert client.get("/visits/board/", {"day": "2026-13-45"}).status_code == 200


PATHS = [
    "/visits/", "/visits/?view=all", "/visits/unassigned/", "/visits/board/?day=2026-03-02",
    "/api/v1/visits",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_list_costs_the_same_with_more_rows(
    path, engineer, other_engineer, helpdesk, logged_in, django_assert_max_num_queries
):
    client = logged_in(helpdesk)

    def cost():
        with django_assert_max_num_queries(30) as queries:
            assert client.get(path).status_code == 200
        return len(queries)

    make_visit(Status.WORKING, engineer)
    order()
    few = cost()
    for n in range(3):
        make_visit(Status.APPOINTED, other_engineer, shift=timedelta(hours=2 * n))
        order()
    assert cost() == few


def test_the_day_costs_the_same_with_more_rows(engineer, logged_in, django_assert_num_queries):
    client = logged_in(engineer)
    make_visit(Status.APPOINTED, engineer)
    with django_assert_num_queries(10):
        client.get("/visits/today/")
    for n in range(1, 5):
        make_visit(Status.APPOINTED, engineer, shift=timedelta(hours=2 * n))
    with django_assert_num_queries(10):
        client.get("/visits/today/")


def test_the_page_of_a_visit_costs_the_same_with_more_history(
    engineer, helpdesk, logged_in, django_assert_max_num_queries
):
    from visits import actions

    visit = make_visit(Status.WORKING, engineer)
    clients = [logged_in(helpdesk), logged_in(engineer)]

    def cost(client):
        with django_assert_max_num_queries(60) as queries:
            client.get(visit.get_absolute_url())
        return len(queries)

    actions.add_part(visit, name="网线", at=visit.started_at, by=engineer.as_actor())
    before = [cost(client) for client in clients]
    for _ in range(4):
        actions.add_part(visit, name="网线", at=visit.started_at, by=engineer.as_actor())
        actions.interrupt(visit, reason="停电", at=visit.started_at, by=engineer.as_actor())
        actions.resume(visit, at=visit.started_at, by=engineer.as_actor())
    assert [cost(client) for client in clients] == before


# --- the badge (VISIT-15) ----------------------------------------------------------------------


def test_the_badge_proves_the_engineer_without_a_log_in(engineer):
    visit = make_visit(Status.ARRIVED, engineer)

    page = Client().get(
        reverse("visits:badge", args=[badge_token(visit, timezone.localdate())])
    ).content.decode()  # fmt: skip

    assert "张伟" in page
    assert visit.number in page
    # What concerns the customer is nobody's business who finds the code.
    assert visit.contact_phone not in page
    assert visit.need not in page


def test_yesterdays_badge_is_not_valid(engineer):
    visit = make_visit(Status.ARRIVED, engineer)
    token = badge_token(visit, timezone.localdate() - timedelta(days=1))
    assert Client().get(reverse("visits:badge", args=[token])).status_code == 410


def test_a_bent_badge_is_not_valid(engineer):
    visit = make_visit(Status.ARRIVED, engineer)
    token = badge_token(visit, timezone.localdate())
    for bent in (token[:-2] + "xx", "x", f"{token}:x"):
        assert Client().get(reverse("visits:badge", args=[bent])).status_code == 410


def test_the_badge_of_a_visit_that_is_over_is_not_valid(engineer):
    visit = make_visit(Status.ARCHIVED, engineer)
    token = badge_token(visit, timezone.localdate())
    assert Client().get(reverse("visits:badge", args=[token])).status_code == 410


def test_the_badge_of_a_visit_that_changed_hands_is_not_valid(engineer, other_engineer, helpdesk):
    from visits import actions

    visit = make_visit(Status.ACCEPTED, engineer)
    token = badge_token(visit, timezone.localdate())
    actions.assign(
        visit, engineer=other_engineer, at=AT + timedelta(minutes=30), by=helpdesk.as_actor()
    )
    assert Client().get(reverse("visits:badge", args=[token])).status_code == 410


def test_the_engineer_shows_his_badge_on_the_phone(engineer, logged_in):
    visit = make_visit(Status.ARRIVED, engineer)
    page = logged_in(engineer).get(reverse("visits:my_badge", args=[visit.number]))
    assert "<svg" in page.content.decode()
