"""The page of a ticket and of a remote session: what they offer, and what they cost."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from sla.models import Deadline
from tests.tickets.tickets.factories import make_category, make_session, make_ticket
from tickets.actions import remote
from tickets.actions import tickets as actions
from tickets.models import RemoteSession, Ticket
from tickets.states import RemoteStatus, Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


def offered(response):
    return {b.name for b in [*response.context["buttons"], *response.context["rare_buttons"]]}


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_a_page(status, browse, helpdesk, now):
    ticket = make_ticket(status, at=now - timedelta(hours=3), owner=helpdesk)

    text = browse(helpdesk).get(ticket.get_absolute_url()).content.decode()

    assert ticket.title in text
    assert ticket.need in text


def test_the_buttons_are_what_is_possible_now(browse, helpdesk, engineer, now):
    ticket = make_ticket(Status.ASSIGNED, engineer, at=now - timedelta(hours=1), owner=helpdesk)

    assert offered(browse(engineer).get(ticket.get_absolute_url())) == {
        "respond", "start", "wait", "resolve", "mark_urgent", "flag_complaint", "request_visit",
        "propose_extension", "prepare",
    }  # fmt: skip
    assert {"assign", "hand_over"} <= offered(browse(helpdesk).get(ticket.get_absolute_url()))


def test_what_is_done_is_not_offered_again(browse, helpdesk, now):
    ticket = make_ticket(
        Status.IN_PROGRESS, at=now - timedelta(hours=1), owner=helpdesk, is_urgent=True,
        urgency_reason="排队",
    )  # fmt: skip

    assert not {"respond", "mark_urgent"} & offered(browse(helpdesk).get(ticket.get_absolute_url()))


def test_a_number_is_masked(browse, helpdesk, now):
    """GEN-7"""
    ticket = make_ticket(at=now, owner=helpdesk)

    text = browse(helpdesk).get(ticket.get_absolute_url()).content.decode()

    assert "139****5678" in text
    assert "<dd>13912345678" not in text


def test_moments_on_the_timeline_are_local(browse, engineer, now):
    ticket = make_ticket(Status.IN_PROGRESS, engineer, at=now - timedelta(hours=1))
    until = now + timedelta(hours=3)
    actions.wait(ticket, reason="等总部", until=until, at=now, by=engineer.as_actor())

    text = browse(engineer).get(ticket.get_absolute_url()).content.decode()

    local = timezone.localtime(until)
    assert f"等总部 → {local.month}月{local.day}日 {local:%H:%M}" in text


def test_the_changes_say_who_changed_what(browse, helpdesk, now):
    ticket = make_ticket(at=now - timedelta(hours=1), owner=helpdesk)
    actions.edit(ticket, title="改过的", at=now, by=helpdesk.as_actor())

    text = browse(helpdesk).get(f"/tickets/{ticket.number}/changes/").content.decode()

    assert "积分小票打印不出来" in text
    assert "改过的" in text
    assert "何雪" in text


@pytest.mark.parametrize("path", ["", "changes/", "edit/"])
def test_a_foreign_ticket_has_no_page(path, browse, engineer, now):
    ticket = make_ticket(Status.ASSIGNED, at=now - timedelta(hours=1))

    assert browse(engineer).get(f"/tickets/{ticket.number}/{path}").status_code == 404


def test_the_page_costs_the_same_however_much_happened(browse, helpdesk, engineer, now):
    ticket = make_ticket(Status.IN_PROGRESS, engineer, at=now - timedelta(hours=3), owner=helpdesk)
    browser = browse(helpdesk)

    def happen():
        at, by = timezone.now(), engineer.as_actor()
        actions.comment(ticket, text="备注", at=at, by=by)
        actions.attach(ticket, file=SimpleUploadedFile("a.txt", b"abc"), at=at, by=by)
        session = remote.prepare(ticket, channel="client", at=at, by=by)
        remote.abandon(session, reason="没人", at=at, by=by)

    happen()
    browser.get(ticket.get_absolute_url())
    with CaptureQueriesContext(connection) as once:
        browser.get(ticket.get_absolute_url())
    for _ in range(5):
        happen()

    with CaptureQueriesContext(connection) as often:
        browser.get(ticket.get_absolute_url())

    assert len(often) == len(once)


# --- Remote sessions ---------------------------------------------------------------------------


def test_a_session_is_led_from_its_page(browse, engineer, now):
    """From the ticket to the resolved ticket, as a person clicks it."""
    ticket = make_ticket(Status.ASSIGNED, engineer, at=now - timedelta(hours=1))
    browser = browse(engineer)
    made = browser.post(f"/tickets/{ticket.number}/remote/", {"channel": "client", "tool": "x"})
    session = RemoteSession.objects.get()
    assert made["Location"] == session.get_absolute_url()
    url = session.get_absolute_url()

    def act(verb, data=None, *, htmx=False):
        headers = {"HX-Request": "true"} if htmx else {}
        return browser.post(f"{url}{verb}/", data or {}, headers=headers).status_code

    assert act("start") == 422
    assert act("consent", {"consent_by": "", "consent_channel": "phone"}) == 422
    assert act("consent", {"consent_by": "李晓梅", "consent_channel": "phone"}) == 302
    assert act("start", {"watcher": "李晓梅"}) == 302
    assert act("add_step", {"did": ""}, htmx=True) == 422
    assert act("add_step", {"did": "看队列", "outcome": "报错"}, htmx=True) == 200
    end = {
        "result": "solved", "category": str(make_category().uid), "summary": "重装驱动",
        "data_untouched": "on", "watcher": "李晓梅", "end_confirmed_by": "李晓梅",
        "resolve_ticket": "on",
    }  # fmt: skip
    assert act("close", end | {"result": ""}) == 422
    assert act("close", end) == 302
    assert act("make_article", {"title": "小票乱码"}) == 302

    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolution) == (Status.RESOLVED, "重装驱动")
    text = browser.get(url).content.decode()
    assert "看队列" in text
    assert session.number in text


@pytest.mark.parametrize("status", list(RemoteStatus))
def test_every_session_has_a_page(status, browse, engineer, now):
    session = make_session(status, engineer, at=now - timedelta(hours=2),
                           ticket=make_ticket(Status.IN_PROGRESS, engineer, at=now - timedelta(hours=3)))  # fmt: skip

    assert browse(engineer).get(session.get_absolute_url()).status_code == 200


def test_a_foreign_session_does_not_exist(browse, api_of, engineer, other_engineer, now):
    session = make_session(RemoteStatus.PREPARED, engineer)

    assert browse(other_engineer).get(session.get_absolute_url()).status_code == 404
    url = f"/api/v1/remote-sessions/{session.number}"
    assert api_of(other_engineer).get(url).status_code == 404
    assert api_of(other_engineer).post(f"{url}/abandon", {"reason": "x"}).status_code == 404


def test_a_session_that_cannot_be_prepared_says_so(browse, engineer, now):
    ticket = make_ticket(Status.RESOLVED, engineer, at=now - timedelta(hours=3))

    response = browse(engineer).post(f"/tickets/{ticket.number}/remote/", {"channel": "client"})

    assert response.status_code == 422
    assert not RemoteSession.objects.exists()


def test_the_api_leads_a_session_too(api_of, engineer, now):
    ticket = make_ticket(Status.ASSIGNED, engineer, at=now - timedelta(hours=1))
    client = api_of(engineer)
    made = client.post(
        "/api/v1/remote-sessions/prepare", {"ticket": ticket.number, "channel": "client"}
    )
    assert made.status_code == 201
    url = f"/api/v1/remote-sessions/{made.json()['number']}"

    for verb, data in [
        ("consent", {"consent_by": "李晓梅", "consent_channel": "chat"}),
        ("start", {"watcher": "李晓梅"}),
        ("add-step", {"did": "看队列", "outcome": "报错"}),
        ("close", {
            "result": "solved", "category": str(make_category().uid), "summary": "重装",
            "data_untouched": True, "resolve_ticket": True,
        }),
        ("make-article", {"title": "小票"}),
    ]:  # fmt: skip
        response = client.post(f"{url}/{verb}", data)
        assert response.status_code == 200, (verb, response.json())

    shown = client.get(url).json()
    assert (shown["status"], [s["did"] for s in shown["steps"]]) == ("closed", ["看队列"])
    assert Ticket.objects.get().status == Status.RESOLVED


def test_the_list_of_sessions_costs_the_same_for_one_and_for_many(browse, engineer, now):
    make_session(RemoteStatus.CLOSED, engineer)
    browser = browse(engineer)
    browser.get("/tickets/remote/")
    with CaptureQueriesContext(connection) as one:
        browser.get("/tickets/remote/")
    for _ in range(4):
        make_session(RemoteStatus.CLOSED, engineer)

    with CaptureQueriesContext(connection) as many:
        response = browser.get("/tickets/remote/?who=mine")

    assert len(response.context["page"].rows) == 5
    assert len(many) == len(one)


def test_how_the_due_times_come_about_is_one_click_away(browse, helpdesk, now):
    """A dispute ends on one page."""
    ticket = make_ticket(at=now - timedelta(hours=3), owner=helpdesk)
    desk = browse(helpdesk)
    address = reverse("sla:explain", args=[Deadline.objects.of(ticket).order_by("id")[0].uid])

    assert f'hx-get="{address}"' in desk.get(ticket.get_absolute_url()).content.decode()
    part = desk.get(address, headers={"HX-Request": "true"}).content.decode()
    page = desk.get(address).content.decode()

    for text in (part, page):
        assert "24:00:00" in text
        assert "解决" in text
    assert "<html" not in part
    assert f'href="{ticket.get_absolute_url()}"' in page


def test_the_wish_of_the_customer_is_named_where_it_set_the_time(browse, helpdesk, now):
    wished = make_ticket(
        at=now, owner=helpdesk, no_wish=False, expected_at=now + timedelta(hours=5)
    )
    without = make_ticket(at=now, owner=helpdesk)
    desk = browse(helpdesk)

    def account(ticket):
        resolution = Deadline.objects.of(ticket).get(kind="ticket.resolution")
        return desk.get(reverse("sla:explain", args=[resolution.uid])).text

    assert "客户期望的时间" in account(wished)
    assert "客户期望的时间" not in account(without)


def test_what_is_done_shows_when_it_was_done_and_then_when_it_was_due(browse, helpdesk, now):
    ticket = make_ticket(at=now - timedelta(hours=3), owner=helpdesk)
    actions.respond(ticket, at=now - timedelta(hours=2), by=helpdesk.as_actor())
    response = Deadline.objects.of(ticket).get(kind="ticket.response")

    page = browse(helpdesk).get(ticket.get_absolute_url()).text

    done = page.split("超时完成")[1][:600]
    times = [f'datetime="{timezone.localtime(moment).isoformat(timespec="seconds")}"'
             for moment in (response.met_at, response.due_at)]  # fmt: skip
    assert 0 < done.index(times[0]) < done.index(times[1])
    assert page.split("超时完成")[0].rsplit("<span", 1)[1].count("icon-check") == 0


def test_who_may_not_see_the_ticket_does_not_see_its_deadlines(
    browse, other_engineer, engineer, now
):
    ticket = make_ticket(Status.ASSIGNED, engineer, at=now - timedelta(hours=3))
    address = reverse("sla:explain", args=[Deadline.objects.of(ticket)[0].uid])

    assert browse(engineer).get(address).status_code == 200
    assert browse(other_engineer).get(address).status_code == 404
    assert browse(engineer).get(reverse("sla:explain", args=[uuid4()])).status_code == 404
