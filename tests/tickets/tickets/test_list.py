"""The list: filters, order, pages, saved views, bulk assignment; and what they cost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actions import create_team
from accounts.roles import Role
from servicedesk.core.actors import SYSTEM
from tests.conftest import AT, person
from tests.tickets.tickets.factories import make_category, make_store, make_ticket
from tickets.models import SavedView, Ticket
from tickets.queries import ticket_list
from tickets.states import Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


def listed(browser, query=""):
    response = browser.get(f"/tickets/?{query}")
    assert response.status_code == 200
    return [t.title for t in response.context["page"].rows]


def test_urgent_ones_come_first_then_the_nearest_deadline(browse, helpdesk, now):
    """SLA-3: on top of every queue."""
    make_ticket(title="晚", at=now - timedelta(hours=1), owner=helpdesk)
    make_ticket(title="早", at=now - timedelta(hours=9), owner=helpdesk)
    make_ticket(
        title="急", at=now, owner=helpdesk, is_urgent=True, urgency_reason="排队"
    )  # fmt: skip

    assert listed(browse(helpdesk)) == ["急", "早", "晚"]
    assert listed(browse(helpdesk), "sort=new") == ["急", "早", "晚"]


def test_newest_first(browse, helpdesk, now):
    for title in ("一", "二", "三"):
        make_ticket(title=title, at=now - timedelta(hours=5), owner=helpdesk)

    assert listed(browse(helpdesk), "sort=new") == ["三", "二", "一"]


def test_each_filter_narrows_the_list(browse, helpdesk, engineer, now):
    store = make_store("五角场店")
    hardware = make_category("YJ", "硬件")
    make_ticket(title="新的", at=now, owner=helpdesk)
    make_ticket(Status.WAITING, engineer, title="等着", at=now - timedelta(hours=21), store=store,
                owner=helpdesk)  # fmt: skip
    make_ticket(Status.CLOSED, helpdesk, title="关了", at=now - timedelta(days=2), owner=helpdesk)
    make_ticket(Status.IN_PROGRESS, engineer, title="超了", at=now - timedelta(hours=30),
                category=hardware, owner=helpdesk)  # fmt: skip
    ask = browse(helpdesk)

    assert set(listed(ask)) == {"新的", "等着", "超了"}
    assert listed(ask, "status=closed") == ["关了"]
    assert len(listed(ask, "status=all")) == 4
    assert listed(ask, "who=unassigned") == ["新的"]
    assert listed(ask, "due=overdue") == ["超了"]
    assert listed(ask, "due=soon") == ["等着"]
    assert listed(ask, f"store={store.uid}") == ["等着"]
    assert listed(ask, f"category={hardware.uid}") == ["超了"]
    assert set(listed(browse(engineer), "who=mine")) == {"等着", "超了"}
    assert set(listed(ask, "who=owned")) == {"新的", "等着", "超了"}


def test_two_characters_are_enough(browse, helpdesk, now):
    make_ticket(title="会员登录后积分不显示", at=now, owner=helpdesk)
    make_ticket(title="收银机死机", need="一开机就黑屏", at=now, owner=helpdesk)

    assert listed(browse(helpdesk), "q=黑屏") == ["收银机死机"]
    assert listed(browse(helpdesk), "q=积分+登录") == ["会员登录后积分不显示"]
    number = Ticket.objects.get(title="收银机死机").number
    assert listed(browse(helpdesk), f"q={number}") == ["收银机死机"]


def test_the_team_sees_its_own(browse, now):
    one = create_team(name="一组", at=AT, by=SYSTEM)
    two = create_team(name="二组", at=AT, by=SYSTEM)
    desk = person("d1", "甲", Role.DISPATCHER, one)
    mate, stranger = person("e1", "乙", Role.ENGINEER, one), person("e2", "丙", Role.ENGINEER, two)
    make_ticket(Status.ASSIGNED, mate, title="本组", at=now - timedelta(hours=1), owner=desk)
    make_ticket(Status.ASSIGNED, stranger, title="别组", at=now - timedelta(hours=1), owner=desk)

    assert listed(browse(desk), "who=team") == ["本组"]


def test_somebody_without_a_team_sees_no_team(browse, helpdesk, engineer, now):
    make_ticket(Status.ASSIGNED, engineer, at=now - timedelta(hours=1), owner=helpdesk)

    assert listed(browse(helpdesk), "who=team") == []


@pytest.mark.parametrize("query", ["", "sort=new", "status=all"])
def test_pages_go_forward_and_back_without_a_gap(query, browse, helpdesk, now):
    for n in range(53):
        make_ticket(
            title=str(n), at=now - timedelta(minutes=n // 3), owner=helpdesk,
            is_urgent=n % 7 == 0, urgency_reason="急" if n % 7 == 0 else "",
        )  # fmt: skip
    browser = browse(helpdesk)

    first = browser.get(f"/tickets/?{query}").context["page"]
    second = browser.get(f"/tickets/{first.next_url}").context["page"]
    back = browser.get(f"/tickets/{second.previous_url}").context["page"]

    assert (len(first.rows), len(second.rows)) == (50, 3)
    assert len({t.pk for t in [*first.rows, *second.rows]}) == 53
    assert [t.pk for t in back.rows] == [t.pk for t in first.rows]
    assert (first.previous_url, second.next_url) == ("", "")


@pytest.mark.parametrize(
    "query",
    [
        "status=nonsense",
        "store=nonsense",
        "who=%27",
        "q=%27%22",
        "after=bent",
        "before=bent",
        "sort=;drop",
        "category=00000000-0000-0000-0000-000000000000",
        "due=overdue&status=closed",
        "q=" + "长" * 500,
    ],
)
def test_a_bent_address_is_answered(query, browse, helpdesk, now):
    make_ticket(at=now, owner=helpdesk)

    assert browse(helpdesk).get(f"/tickets/?{query}").status_code == 200


def test_an_engineer_sees_what_is_his(browse, engineer, other_engineer, now):
    make_ticket(Status.ASSIGNED, engineer, title="我的", at=now - timedelta(hours=1))
    make_ticket(Status.ASSIGNED, other_engineer, title="别人的", at=now - timedelta(hours=1))

    assert listed(browse(engineer)) == ["我的"]


def test_htmx_gets_the_rows_alone(browse, helpdesk, now):
    make_ticket(title="一张", at=now, owner=helpdesk)

    response = browse(helpdesk, **{"HX-Request": "true", "HX-Target": "rows"}).get(
        "/tickets/?q=一张"
    )

    text = response.content.decode()
    assert "一张" in text
    assert "<html" not in text


# --- Saved views -------------------------------------------------------------------------------


def test_a_view_keeps_the_filters_under_a_name(browse, helpdesk, other_helpdesk):
    browser = browse(helpdesk)

    browser.post(
        "/tickets/views/", {"name": "紧急的", "query": "urgent=yes&status=&after=x&evil=1"}
    )

    view = SavedView.objects.get()
    assert (view.name, view.query, view.user) == ("紧急的", "urgent=yes", helpdesk)
    assert "紧急的" in browser.get("/tickets/").content.decode()
    assert "紧急的" not in browse(other_helpdesk).get("/tickets/").content.decode()


def test_the_same_name_gets_the_new_filters(browse, helpdesk):
    for query in ("urgent=yes", "who=mine"):
        browse(helpdesk).post("/tickets/views/", {"name": "我的", "query": query})

    assert SavedView.objects.get().query == "who=mine"


def test_a_view_needs_a_name(browse, helpdesk):
    response = browse(helpdesk).post("/tickets/views/", {"name": "", "query": "who=mine"})

    assert response.status_code == 422
    assert not SavedView.objects.exists()


def test_nobody_deletes_a_foreign_view(browse, helpdesk, other_helpdesk):
    browse(helpdesk).post("/tickets/views/", {"name": "我的", "query": "who=mine"})
    url = f"/tickets/views/{SavedView.objects.get().uid}/delete/"

    assert browse(other_helpdesk).post(url).status_code == 404
    assert browse(helpdesk).post(url).status_code == 302
    assert not SavedView.objects.exists()


# --- Bulk assignment ---------------------------------------------------------------------------


@pytest.fixture
def three(helpdesk, engineer, now):
    at = now - timedelta(hours=2)
    return [
        make_ticket(at=at, owner=helpdesk),
        make_ticket(Status.ASSIGNED, engineer, at=at, owner=helpdesk),
        make_ticket(Status.CLOSED, helpdesk, at=at, owner=helpdesk),
    ]


def test_bulk_assignment_says_what_became_of_each(browse, three, dispatcher, other_engineer):
    numbers = [t.number for t in three]

    response = browse(dispatcher).post(
        "/tickets/bulk-assign/",
        {"tickets": [*numbers, "TK-20990101-0001"], "assignee": str(other_engineer.uid)},
    )

    results = {r.number: r.ok for r in response.context["results"]}
    assert results == {
        **dict(zip(numbers, [True, True, False], strict=True)),
        "TK-20990101-0001": False,
    }
    assert set(Ticket.objects.filter(assignee=other_engineer)) == set(three[:2])


def test_bulk_assignment_by_api(api_of, three, dispatcher, engineer):
    response = api_of(dispatcher).post(
        "/api/v1/tickets/bulk-assign",
        {"tickets": [t.number for t in three], "assignee": str(engineer.uid)},
    )

    assert response.status_code == 200
    # The second is his already, the third is closed.
    assert [row["ok"] for row in response.json()] == [True, False, False]


@pytest.mark.parametrize("missing", ["tickets", "assignee"])
def test_bulk_assignment_without_a_choice_keeps_the_rest(
    missing, browse, three, dispatcher, engineer
):
    sent = {"tickets": [t.number for t in three], "assignee": str(engineer.uid)}
    del sent[missing]

    response = browse(dispatcher).post("/tickets/bulk-assign/", sent)

    assert response.status_code == 422
    if missing == "assignee":
        assert three[0].number in response.content.decode()


@pytest.mark.parametrize("door", ["page", "api"])
def test_bulk_assignment_needs_the_permission(door, browse, api_of, three, engineer):
    sent = {"tickets": [t.number for t in three], "assignee": str(engineer.uid)}

    if door == "page":
        response = browse(engineer).post("/tickets/bulk-assign/", sent)
    else:
        response = api_of(engineer).post("/api/v1/tickets/bulk-assign", sent)

    assert response.status_code == 403


def test_colleagues_are_offered_with_their_load(
    browse, helpdesk, engineer, other_engineer, business, now
):
    make_ticket(Status.ASSIGNED, engineer, at=now - timedelta(hours=1), owner=helpdesk)

    found = browse(helpdesk).get("/tickets/colleagues/?q=").json()["results"]

    by_name = {row["label"]: row["detail"] for row in found}
    assert "1" in by_name["张伟"]
    assert "0" in by_name["李强"]
    assert "王芳" not in by_name
    by_pinyin = browse(helpdesk).get("/tickets/colleagues/?q=zw").json()["results"]
    assert [row["label"] for row in by_pinyin] == ["张伟"]


# --- Cost --------------------------------------------------------------------------------------


ROWS = {"HX-Request": "true", "HX-Target": "rows"}


@pytest.mark.parametrize("headers", [{}, ROWS])
def test_the_list_costs_the_same_for_one_and_for_many(headers, browse, helpdesk, engineer, now):
    make_ticket(Status.ASSIGNED, engineer, at=now - timedelta(hours=1), owner=helpdesk)
    browser = browse(helpdesk, **headers)
    browser.get("/tickets/")
    with CaptureQueriesContext(connection) as one:
        browser.get("/tickets/")
    for _ in range(12):
        make_ticket(Status.ASSIGNED, engineer, at=now - timedelta(hours=1), owner=helpdesk)

    with CaptureQueriesContext(connection) as many:
        browser.get("/tickets/")

    assert len(many) == len(one)
    if headers:
        # Session, person, saved views, rows.
        assert len(many) == 4


def test_the_api_list_costs_the_same_for_one_and_for_many(api_of, helpdesk, engineer, now):
    make_ticket(Status.ASSIGNED, engineer, at=now - timedelta(hours=1), owner=helpdesk)
    client = api_of(helpdesk)
    with CaptureQueriesContext(connection) as one:
        client.get("/api/v1/tickets")
    for _ in range(12):
        make_ticket(Status.ASSIGNED, engineer, at=now - timedelta(hours=1), owner=helpdesk)

    with CaptureQueriesContext(connection) as many:
        assert len(client.get("/api/v1/tickets").json()["results"]) == 13

    assert len(many) == len(one) <= 2


def test_the_queue_is_read_by_its_index(helpdesk, now):
    """With sequential scans forbidden the plan shows which index can serve the order."""
    for _ in range(3):
        make_ticket(at=now, owner=helpdesk)
    tickets, order = ticket_list(helpdesk.as_actor(), {}, now=now)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")

    assert "tickets_ticket_queue" in tickets.order_by(*order)[:50].explain()
