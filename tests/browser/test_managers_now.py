"""“Now” in a real browser: the figures follow what happens, and silence is seen from afar."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from servicedesk.core.models import Heartbeat
from servicedesk.desk.actions import make_wall_link, revoke_wall_link
from tests.browser.hands import complaints
from tests.tickets.tickets.factories import make_ticket
from tickets.actions import tickets as actions
from tickets.models import Ticket

pytestmark = pytest.mark.browser

NOW = reverse("desk:managers_now")
# A question every five seconds, and the time that its answer takes.
SOON = 7_000


@pytest.fixture
def ticket(transactional_db) -> Ticket:
    return make_ticket(at=timezone.now())


@pytest.fixture
def engine(transactional_db) -> Heartbeat:
    """Somebody watches the deadlines, and does not tire during the test."""
    later = timezone.now() + timedelta(hours=1)
    return Heartbeat.objects.create(process="test", beat_at=later)


def figure(page: Page, label: str):
    return page.locator("[data-part=tickets] .stat", has_text=label).locator(".stat-value")


def test_the_figures_change_within_five_seconds_of_an_act(page_of, manager, engineer, ticket):
    page = page_of(manager)
    said = complaints(page)
    page.goto(NOW)
    expect(figure(page, "无人处理")).to_have_text("1")
    link = page.locator("[data-part=states] tr", has_text="新建").locator("a").last
    link.focus()
    visits = page.locator("[data-part=visits]").element_handle()

    actions.assign(ticket, assignee=engineer, at=timezone.now(), by=manager.as_actor())

    expect(figure(page, "无人处理")).to_have_text("0", timeout=SOON)
    loads = page.locator("[data-part=loads]")
    expect(loads).to_contain_text(engineer.name)
    # The focus stays on the cell it was on, and what did not change was not exchanged.
    expect(page.locator("[data-part=states] tr", has_text="新建").locator("a").last).to_be_focused()
    assert visits.evaluate("part => part.isConnected")
    assert said == []


def test_nothing_is_asked_while_nobody_looks(page_of, manager, ticket):
    page = page_of(manager)
    asked: list[str] = []
    page.on(
        "request", lambda request: asked.append(request.url) if "/live/" in request.url else None
    )
    page.goto(NOW)
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {get: () => window.away, configurable: true});"
        "window.away = true"
    )
    page.wait_for_timeout(SOON)
    assert asked == []

    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(1_000)
    assert len(asked) == 1


def test_the_wall_screen_cries_when_the_server_stops_answering(page_of, manager, ticket, engine):
    page = page_of(manager, width=1920, height=1080)
    page.goto(f"{NOW}?wall=1")
    alarm = page.locator("[data-live-alarm]")
    expect(alarm).to_be_hidden()
    expect(page.locator("[data-part=engine] .wall-alarm")).to_have_count(0)
    expect(page.locator(".wall-figure", has_text="无人处理")).to_contain_text("1")

    def silence(route: Route) -> None:
        route.abort()

    page.route(re.compile("/live/"), silence)
    expect(alarm).to_be_visible(timeout=20_000)
    expect(alarm).to_contain_text("服务器没有响应")
    size = alarm.locator("strong").evaluate("line => parseFloat(getComputedStyle(line).fontSize)")
    assert size >= 60
    # One alarm, no toast every five seconds.
    expect(page.locator(".toast")).to_have_count(0)

    page.unroute(re.compile("/live/"))
    expect(alarm).to_be_hidden(timeout=SOON)


def test_the_wall_screen_cries_when_nobody_watches_the_deadlines(page_of, manager, engine):
    page = page_of(manager, width=1920, height=1080)
    page.goto(f"{NOW}?wall=1")
    expect(page.locator("[data-part=engine] .wall-alarm")).to_have_count(0)

    Heartbeat.objects.all().delete()

    expect(page.locator("[data-part=engine] .wall-alarm")).to_be_visible(timeout=SOON)


def test_the_wall_screen_fits_and_is_legible_from_afar(page_of, manager, ticket, engine):
    page = page_of(manager, width=1920, height=1080)
    said = complaints(page)
    page.goto(f"{NOW}?wall=1")

    assert page.evaluate("document.documentElement.scrollWidth <= 1920")
    assert page.evaluate("document.documentElement.scrollHeight <= 1080")
    assert page.locator("a, button, input, select").count() == 0
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('.wall *')]"
        ".filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))"
        ".map(e => parseFloat(getComputedStyle(e).fontSize)))"
    )
    assert smallest >= 34
    assert said == []


def test_who_was_logged_out_sees_that_the_figures_are_old(page_of, manager, ticket, engine):
    page = page_of(manager)
    page.goto(NOW)
    page.context.clear_cookies()

    expect(page.locator("[data-live-alarm]")).to_be_visible(timeout=25_000)


def test_a_wall_screen_needs_no_log_in_and_empties_itself_when_its_link_is_revoked(
    page_of, manager, ticket, engine, live_server
):
    link, token = make_wall_link(
        name="南墙", chosen={}, filters="", at=timezone.now(), by=manager.as_actor()
    )
    page = page_of(None, width=1920, height=1080)
    page.goto(f"{live_server.url}{reverse('desk:wall', args=[token])}")
    unassigned = page.locator(".wall-figure", has_text="无人处理")
    expect(unassigned).to_contain_text("1")
    actions.take(ticket, at=timezone.now(), by=manager.as_actor())
    expect(unassigned).to_contain_text("0", timeout=SOON)

    revoke_wall_link(link, at=timezone.now(), by=manager.as_actor())

    expect(page.locator(".wall-figure")).to_have_count(0, timeout=SOON)
