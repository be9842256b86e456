"""What was refused on one telephone is seen and mended on each of the engineer's."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from servicedesk.core.models import PhoneCommand
from tests.browser.offline import all_sent, form_of, ready, soon
from tests.phone.conftest import Phone
from visits.states import Status

pytestmark = pytest.mark.browser


def test_what_another_telephone_of_his_could_not_record_is_mended_here(page_of, engineer):
    visit = soon(Status.WORKING, engineer, minutes=-20)
    other = Phone(engineer)
    refused = other.does(visit, "interrupt", {"reason": ""}, at=timezone.now())
    thrown = other.does(visit, "flag_complaint", {"text": ""}, at=timezone.now())
    assert (refused["state"], thrown["state"]) == ("refused", "refused")
    phone = page_of(engineer, phone=True)
    ready(phone)

    phone.goto("/phone/queue/")
    items = phone.locator(".queue-item")
    expect(items).to_have_count(2)
    expect(phone.locator(".phone-page")).to_contain_text("从您的另一部手机上传")
    last = phone.locator(f'[data-op="{thrown["op_id"]}"]')
    last.locator("summary").last.tap()
    last.locator("input").fill("记错了")
    last.locator("form button").tap()
    expect(items).to_have_count(1)

    phone.get_by_role("button", name="修改后重新上传").tap()
    form = form_of(phone, "interrupt")
    expect(form.locator(".field-errors")).to_be_visible()
    form.locator("[name=reason]").fill("停电")
    form.locator("button[type=submit]").tap()
    all_sent(phone, 1)

    visit.refresh_from_db()
    assert visit.status == Status.INTERRUPTED
    mended = PhoneCommand.objects.get(state="done")
    assert str(mended.replaces.op_id) == refused["op_id"]
    phone.goto("/phone/queue/")
    expect(phone.locator(".empty-state")).to_be_visible()
