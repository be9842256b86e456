"""On a telephone's width: titles are read whole, tables become lists."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from tests.tickets.tickets.factories import make_ticket
from tickets.actions import tickets as actions

pytestmark = pytest.mark.browser

TITLE = "收银台刷会员卡以后积分没有到账而且小票上面也没有显示"


@pytest.fixture
def ticket(transactional_db, helpdesk):
    ticket = make_ticket(owner=helpdesk, at=timezone.now(), title=TITLE, is_urgent=True,
                         urgency_reason="顾客在排队")  # fmt: skip
    actions.edit(ticket, need="改过的需求" * 8, at=timezone.now(), by=helpdesk.as_actor())
    return ticket


def test_a_long_title_of_my_work_has_two_lines(page_of, helpdesk, ticket):
    page = page_of(helpdesk, width=390)
    page.goto(reverse("desk:home"))
    title = page.locator(".row-main strong", has_text=TITLE).first
    expect(title).to_be_visible()

    lines = title.evaluate("e => e.clientHeight / parseFloat(getComputedStyle(e).lineHeight)")
    assert round(lines) == 2
    assert title.evaluate("e => e.scrollHeight - e.clientHeight") <= 1


def test_the_history_of_a_record_does_not_scroll_sideways(page_of, helpdesk, ticket):
    page = page_of(helpdesk, width=390)
    page.goto(f"{ticket.get_absolute_url()}changes/")
    table = page.locator(".table-scroll", has=page.locator(".table-history"))
    expect(table).to_contain_text("改过的需求")

    assert table.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    assert page.locator(".table-history td").first.get_attribute("data-label")
