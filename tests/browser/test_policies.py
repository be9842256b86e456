"""A manager makes a calendar and a policy, changes it, and sees running deadlines follow or stay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.roles import Role
from sla.models import Deadline, Policy
from tests.browser.hands import complaints
from tests.browser.test_pages import violations
from tests.conftest import person
from tests.sla.processes import wait_until
from tests.tickets.tickets.factories import make_ticket
from tickets.states import Status

pytestmark = pytest.mark.browser

ICS = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
DTSTART;VALUE=DATE:20270510
SUMMARY:店庆
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20270515
SUMMARY:店庆补班
END:VEVENT
END:VCALENDAR
"""
CSV = "date,name,windows\n2027-06-01,盘点,\n2027-06-05,盘点补班,09:00-12:00 13:00-18:00\n"


def take_over(page: Page, name: str, content: str) -> None:
    page.get_by_role("link", name="导入日期").click()
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/plain", "buffer": content.encode()}
    )
    page.get_by_role("button", name="检查文件").click()
    page.get_by_role("main").locator('form[action$="/import/do/"] button').click()
    expect(page.locator("#exceptions")).to_be_visible()


def test_a_calendar_with_two_windows_and_days_of_its_own(page_of):
    page = page_of(person("boss", "陈静", Role.MANAGER))
    said = complaints(page)
    page.goto("/deadlines/calendars/new/")
    page.locator("[name=name]").fill("合同工作日")
    page.locator("[name=code]").fill("office")
    page.locator("[name=day_5]").fill("09:00-12:00")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("heading", name="合同工作日")).to_be_visible()

    day = page.locator("#add")
    for moment, name, hours in [
        ("2027-03-01", "停业", ""),
        ("2027-03-06", "调休上班", "09:00-12:00"),
    ]:
        day.locator("[name=start]").fill(moment)
        day.locator("[name=name]").fill(name)
        if hours:
            day.locator("[name=open][value=yes]").check()
            day.locator("[name=hours]").fill(hours)
        day.get_by_role("button", name="添加").click()
        expect(page.locator("#exceptions")).to_contain_text(name)

    take_over(page, "days.ics", ICS)
    take_over(page, "days.csv", CSV)
    page.goto(page.url.split("?")[0].split("#")[0] + "?year=2027")
    for name in ("停业", "调休上班", "店庆", "店庆补班", "盘点", "盘点补班"):
        expect(page.locator("#exceptions")).to_contain_text(name)
    assert violations(page, page.url) == []
    assert "\n".join(said) == ""


def save(page: Page, *, hours: int, follow: bool) -> None:
    page.locator("[name=target_hours]").fill(str(hours))
    page.locator(".form-actions").get_by_role("button", name="查看影响").click()
    expect(page.get_by_text("1 个")).not_to_have_count(0)
    page.locator(f"[name=spreads][value={'yes' if follow else 'no'}]").check()
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#versions")).to_be_visible()


def test_a_policy_is_made_changed_and_followed(page_of, worker):
    engineer, boss = person("wei", "张伟", Role.ENGINEER), person("boss", "陈静", Role.MANAGER)
    now = timezone.now().replace(microsecond=0)
    ticket = make_ticket(Status.ASSIGNED, engineer, at=now - timedelta(hours=1))
    page = page_of(boss)
    said = complaints(page)

    page.goto("/deadlines/policies/new/ticket.resolution/")
    page.locator("[name=name]").fill("金牌客户")
    page.locator("input[role=combobox]").first.fill(ticket.customer.name[:2])
    page.locator(".ts-dropdown [data-selectable]").first.click()
    page.locator("[name=own_steps]").check()
    rows = page.locator("#ladder .step-row")
    rows.first.get_by_role("button", name="移除第 1 步").click()
    expect(page.locator("#ladder")).not_to_contain_text("用去一半")
    page.locator("[name=steps-0-amount]").fill("75")
    page.locator("[name=steps-0-amount]").blur()
    expect(page.locator("#ladder-words")).to_contain_text("用去 75%")
    assert violations(page, page.url) == []
    save(page, hours=20, follow=True)

    def due_at():
        return Deadline.objects.of(ticket).get(kind="ticket.resolution").due_at

    start = ticket.received_at
    assert wait_until(lambda: due_at() == start + timedelta(hours=20), 30)
    made = Policy.objects.get()
    assert made.customer == ticket.customer
    assert len(made.current.steps) == 3

    page.get_by_role("link", name="编辑").click()
    save(page, hours=10, follow=False)
    expect(page.locator("#versions")).to_contain_text("v2")
    assert due_at() == start + timedelta(hours=20)
    page.get_by_role("link", name="编辑").click()
    save(page, hours=12, follow=True)
    assert wait_until(lambda: due_at() == start + timedelta(hours=12), 30)

    # The ticket says that it moved, why, and from when to when.
    page.goto(ticket.get_absolute_url())
    page.get_by_text("时限推算明细").click()
    told = page.locator(".fold-in-body")
    expect(told).to_contain_text("策略")
    for hours in (24, 20, 12):
        moment = timezone.localtime(start + timedelta(hours=hours))
        expect(told).to_contain_text(f"{moment:%H:%M}")

    page.goto(f"/deadlines/policies/?asked=1&customer={ticket.customer.uid}#applies")
    expect(page.locator("#applies")).to_contain_text("金牌客户")
    assert violations(page, page.url) == []
    assert "\n".join(said) == ""
