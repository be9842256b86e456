"""The customer signs: on the engineer's phone in his hand (L1), and on his own (L2)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from servicedesk.core import documents
from servicedesk.core.actors import SYSTEM
from servicedesk.core.models import Document, Signature
from tests.browser.hands import choose, complaints, draw
from tests.browser.test_pages import violations
from tests.conftest import AT, PIN, give_pin
from tests.core.forms_of_tests import SHEET, data
from tests.visits.factories import make_visit
from visits import actions
from visits.states import Status

pytestmark = pytest.mark.browser
FORM = re.compile(r"/documents/handed-over/$")


@pytest.fixture
def visit(transactional_db, engineer) -> Any:
    visit = make_visit(Status.FINISHED, engineer)
    actions.present_form(visit, at=timezone.now(), by=engineer.as_actor())
    give_pin(engineer)
    return visit


def rate(page: Page, form_of: str = "form:has([value=sign])") -> None:
    form = page.locator(form_of)
    for part in ("punctuality", "conduct", "skill", "result"):
        choose(form, f"answers-{part}", 5)


def drawn(page: Page) -> list[Any]:
    found: list[Any] = json.loads(page.locator("[name=strokes]").input_value())
    return found


def pin(page: Page, digits: str) -> None:
    if not page.locator("[name=pin]").is_visible():
        page.get_by_text("我是工程师，收回手机").tap()
    page.locator("[name=pin]").fill(digits)
    page.get_by_role("button", name="收回手机").tap()


def sound(page: Page, where: str) -> list[str]:
    """axe, in both themes, at the width of a phone."""
    found = []
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme }", theme)
        found += violations(page, f"{where} {theme}")
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return found + ([f"{where}: {wide} px too wide"] if wide > 0 else [])


def test_handed_over_the_phone_shows_the_form_until_the_pin(visit, engineer, page_of):
    page = page_of(engineer, phone=True)
    said = complaints(page)
    page.goto(f"/visits/{visit.number}/sign/")
    page.get_by_role("button", name="交给客户签字").tap()
    expect(page).to_have_url(FORM)
    expect(page.get_by_text(visit.need).first).to_be_visible()
    faults = sound(page, "handed over")

    # Nothing leads away: back, another address, reload.
    page.mouse.click(5, 5)
    page.go_back()
    expect(page).to_have_url(FORM)
    for away in ("/", f"/visits/{visit.number}/", "/documents/"):
        page.goto(away)
        expect(page).to_have_url(FORM)
    page.reload()
    expect(page.get_by_text(visit.need).first).to_be_visible()

    # A wrong PIN does not help either.
    pin(page, "9753")
    expect(page.get_by_text("还可再试 4 次")).to_be_visible()
    faults += sound(page, "wrong PIN")

    # What is drawn survives the turned phone, its keyboard, and coming back.
    draw(page, waves=3)
    before = drawn(page)
    page.set_viewport_size({"width": 844, "height": 390})
    page.wait_for_timeout(200)
    assert drawn(page) == before
    assert ink_on(page) > 50
    page.set_viewport_size({"width": 390, "height": 500})
    page.wait_for_timeout(200)
    assert ink_on(page) > 50
    page.set_viewport_size({"width": 390, "height": 844})
    assert drawn(page) == before

    # Without a name it is refused; the ink is still there.
    page.locator("[name=signer_name]").first.fill("")
    rate(page)
    page.get_by_role("button", name="签字并提交").tap()
    expect(page.locator(".is-invalid").first).to_be_visible()
    assert drawn(page) == before
    page.locator("[name=signer_name]").first.fill("李晓梅")
    page.get_by_role("button", name="签字并提交").tap()

    expect(page.get_by_text("已收到您的签字")).to_be_visible()
    faults += sound(page, "hand back")
    page.goto("/visits/")
    expect(page).to_have_url(FORM)
    pin(page, PIN)
    expect(page).to_have_url(re.compile(rf"/visits/{visit.number}/sign/$"))
    signature = Signature.objects.get()
    assert (signature.method, signature.signer_name) == ("L1", "李晓梅")
    assert all(point["t"] > 0 for stroke in signature.strokes for point in stroke)
    # The page that the browser kept from before goes nowhere else now.
    assert "\n".join(faults) == ""
    # The fault that was provoked, and that this test reads the canvas.
    assert [line for line in said if "422" not in line and "Canvas2D" not in line] == []


def ink_on(page: Page) -> int:
    """How many dark points the canvas shows."""
    count: int = page.evaluate(
        """() => {
            const canvas = document.querySelector("[data-signature] canvas");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let inked = 0;
            for (let i = 3; i < data.length; i += 4) if (data[i] > 40) inked += 1;
            return inked;
        }"""
    )
    return count


def test_a_page_that_the_browser_kept_shows_the_form_instead(visit, engineer, page_of):
    """Another tab stays open while the phone is handed over."""
    page = page_of(engineer, phone=True)
    page.goto("/visits/")
    other = page.context.new_page()
    other.goto(f"/visits/{visit.number}/sign/")
    other.get_by_role("button", name="交给客户签字").tap()
    expect(other).to_have_url(FORM)

    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")

    expect(page).to_have_url(FORM)


def test_on_his_own_phone_he_proves_himself_reads_and_signs(visit, engineer, page_of, settings):
    settings.BASE_URL = ""
    house, own = page_of(engineer, phone=True), page_of(phone=True)
    house.goto(f"/visits/{visit.number}/sign/")
    assert visit.contact.phone_digits[-4:] not in house.content()
    house.get_by_role("button", name="出示二维码").tap()
    link = house.locator("[data-share]").get_attribute("data-share")
    assert link is not None

    # On the engineer's phone the link shows nothing.
    house.goto(link)
    expect(house.get_by_text("请在您自己的手机上打开此链接").first).to_be_visible()
    faults = sound(house, "not here")

    own.goto(link)
    faults += sound(own, "digits")
    own.locator("[name=digits]").fill("0000")
    own.get_by_role("button", name="继续").tap()
    expect(own.locator(".is-invalid")).to_be_visible()
    own.locator("[name=digits]").fill(visit.contact.phone_digits[-4:])
    own.get_by_role("button", name="继续").tap()
    expect(own.get_by_text(visit.need).first).to_be_visible()
    faults += sound(own, "own phone")

    # Blank, he is told so; dots are nothing either.
    rate(own)
    own.get_by_role("button", name="签字并提交").tap()
    expect(own.locator(".sign-field .invalid-feedback").first).to_be_visible()
    draw(own, waves=3)
    own.get_by_role("button", name="签字并提交").tap()
    expect(own.get_by_text("已收到您的签字")).to_be_visible()
    faults += sound(own, "signed")
    signature = Signature.objects.get()
    assert (signature.method, signature.block) == ("L2", "customer")
    assert signature.shown_sha256 == Document.objects.get().data_sha256
    assert "\n".join(faults) == ""


def test_he_refuses_with_a_reason(visit, engineer, page_of):
    page = page_of(engineer, phone=True)
    page.goto(f"/visits/{visit.number}/sign/")
    page.get_by_role("button", name="交给客户签字").tap()
    page.get_by_text("我不签字").tap()
    page.get_by_role("button", name="不签字，提交原因").tap()
    expect(page.locator(".is-invalid").first).to_be_visible()
    page.locator("#refuse_reason").fill("还没修好")
    page.locator("#refuse_signer_name").fill("李晓梅")
    page.get_by_role("button", name="不签字，提交原因").tap()

    expect(page.get_by_text("已收到您的答复")).to_be_visible()
    visit.refresh_from_db()
    assert visit.signature_refused == "还没修好"


def test_the_phone_goes_round_an_attendance_sheet(visit, engineer, page_of):
    sheet = documents.freeze(
        SHEET, visit, number="ZZ-20260302-0007", data=data(), people={"attendee": ["甲一", "乙二"]},
        signers={"trainer": engineer.pk}, at=AT, by=SYSTEM,
    )  # fmt: skip
    page = page_of(engineer, phone=True)
    page.goto(f"/documents/{sheet.uid}/")
    page.get_by_role("button", name="甲一").tap()
    for waves, name in ((3, "甲一"), (2, "乙二")):
        expect(page.get_by_text(f"签字人：{name}")).to_be_visible()
        draw(page, waves=waves)
        page.get_by_role("button", name="签字并提交").tap()
        expect(page.get_by_text("已收到您的签字")).to_be_visible()
        if name == "甲一":
            page.get_by_role("button", name="乙二").tap()
    pin(page, PIN)
    expect(page).to_have_url(re.compile(str(sheet.uid)))

    assert [s.signer_name for s in sheet.signatures.all()] == ["甲一", "乙二"]
