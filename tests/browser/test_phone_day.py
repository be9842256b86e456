"""What the telephone does by itself in a day: counts down, finds parts, takes photos, waits."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from customers.actions import create_stock_part
from servicedesk.core.actors import SYSTEM
from servicedesk.core.files import files_of
from tests.browser.hands import complaints, further
from tests.browser.offline import all_sent, arrived_at, photo, ready, soon, submit, unsent
from tests.browser.test_offline_pages import faults
from tests.conftest import AT
from tests.sla.processes import wait_until
from visits import actions
from visits.models import Part
from visits.states import Status

pytestmark = pytest.mark.browser


def test_part_and_photo_without_a_network(page_of, engineer, tmp_path):
    create_stock_part(code="CAB-6", name="网线", spec="10 米", unit="根", at=AT, by=SYSTEM)
    visit = soon(Status.WORKING, engineer, minutes=-10)
    phone = page_of(engineer, phone=True)
    said = complaints(phone)
    ready(phone)
    phone.context.set_offline(True)
    phone.goto(visit.get_absolute_url())
    further(phone, "add_part")
    phone.locator("[name=name]").press_sequentially("wx")
    phone.locator(".part-list button").tap()
    expect(phone.locator("[name=code]")).to_have_value("CAB-6")
    found = faults(phone, "parts")
    submit(phone, "add_part", visit)
    with phone.expect_file_chooser() as chooser:
        phone.locator(".photo-tap label", has_text="处理前照片").tap()
    chooser.value.set_files(photo(tmp_path))
    arrived_at(phone, visit)
    expect(phone.locator("[data-phone-bar]")).to_contain_text("2 条未上传")
    found += faults(phone, "working offline")
    assert unsent(phone) == ["add_part", "attach"]
    phone.context.set_offline(False)
    phone.goto(visit.get_absolute_url())

    all_sent(phone, 2)
    assert Part.objects.get().stock.code == "CAB-6"
    assert files_of(visit).get().purpose == "before"
    expect(phone.locator(".photos strong")).to_have_text("处理前")
    found += faults(phone, "working")
    assert "\n".join(found + [line for line in said if "ERR_INTERNET" not in line]) == ""


def test_a_part_is_found_on_the_very_first_page_that_is_opened(page_of, engineer):
    create_stock_part(code="CAB-6", name="网线", spec="10 米", unit="根", at=AT, by=SYSTEM)
    visit = soon(Status.WORKING, engineer, minutes=-10)
    phone = page_of(engineer, phone=True)

    phone.goto(f"{visit.get_absolute_url()}add_part/")
    phone.locator("[name=name]").press_sequentially("网线")
    phone.locator(".part-list button").tap()

    expect(phone.locator("[name=code]")).to_have_value("CAB-6")


def test_the_wait_ends_by_itself_and_late_is_told_in_two_taps(page_of, engineer):
    late = soon(Status.EN_ROUTE, engineer, minutes=15)
    phone = page_of(engineer, phone=True)
    ready(phone)
    phone.goto(late.get_absolute_url())
    expect(phone.locator(".hero [data-remaining]").first).to_contain_text("到达")
    further(phone, "tell_late")
    expect(phone.locator(".intro")).to_contain_text("最迟提前 5 分钟")
    found = faults(phone, "late")
    phone.locator("button[name=minutes][value='20']").tap()
    arrived_at(phone, late)
    assert wait_until(lambda: late.attempts.count() == 0 and _told(late), 20)

    actions.arrive(late, at=timezone.now(), by=engineer.as_actor())
    ended = timezone.now() - timedelta(minutes=15) + timedelta(seconds=12)
    # Two minutes of play are allowed before the arrival; the wait began a quarter of an hour ago.
    type(late).objects.filter(pk=late.pk).update(status=Status.WAITING, waiting_since=ended)
    phone.goto(late.get_absolute_url())
    expect(phone.locator(".wait-time")).to_have_text(re.compile(r"^0 分 \d+ 秒$"))
    found += faults(phone, "waiting")
    expect(phone.locator('.thumb-bar a[href$="/leave_note/"]')).to_be_visible(timeout=20_000)
    expect(phone).to_have_title(re.compile("已等满 15 分钟"))
    assert "\n".join(found) == ""


def _told(visit):
    from servicedesk.core.models import Entry

    return Entry.objects.filter(type="visit.told_late", subjects__object_id=visit.pk).exists()
