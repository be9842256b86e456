"""The pages that the telephone draws by itself, and those of the server: sound, in sun and dark."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.hands import complaints, further
from tests.browser.offline import bar, prepare, ready, soon, tap
from tests.browser.test_pages import turn, violations
from visits import actions
from visits.states import Status

pytestmark = pytest.mark.browser

# What a finger misses: lower or narrower than 44 px. Boxes and dots have their label around them.
SMALL = """() => [...document.querySelectorAll("a, button, summary, select, textarea,"
        + "input:not([type=hidden], [type=radio], [type=checkbox])")]
    .filter((each) => each.checkVisibility() && !each.matches(".skip-link, .hero h2 a"))
    .map((each) => [each.getBoundingClientRect(), each])
    .filter(([box]) => box.width && (box.height < 43.5 || box.width < 43.5))
    .map(([box, each]) => `${each.outerHTML.slice(0, 80)} ${box.width} × ${box.height}`)"""


def faults(phone: Page, name: str) -> list[str]:
    # Back in the network, a page of the telephone gives way to the server's.
    phone.wait_for_load_state("networkidle")
    found = []
    for theme in ("light", "dark"):
        turn(phone, 390, theme)
        found += violations(phone, f"{name} {theme}")
    if phone.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append(f"{name}: too wide")
    return found + [f"{name}: {each}" for each in phone.evaluate(SMALL)]


def test_the_pages_of_the_telephone_are_sound(page_of, engineer, dispatcher):
    visit = soon(Status.APPOINTED, engineer, minutes=40)
    soon(Status.FINISHED, engineer, minutes=-300)
    phone = page_of(engineer, phone=True)
    said = complaints(phone)
    ready(phone)
    found = faults(phone, "day")
    phone.goto(f"{visit.get_absolute_url()}attach/")
    expect(phone.locator(".camera-button")).to_be_visible()
    found += faults(phone, "photo")
    phone.goto("/phone/queue/")
    expect(phone.locator(".empty-state")).to_be_visible()
    found += faults(phone, "empty queue")
    assert said == []

    phone.context.set_offline(True)
    phone.goto("/visits/today/")
    expect(phone.locator(".hero")).to_be_visible()
    found += faults(phone, "day offline")
    phone.goto(visit.get_absolute_url())
    prepare(phone, visit)
    tap(phone, "depart", 2)
    expect(phone.locator(".hero .pill")).to_contain_text("在途")
    found += faults(phone, "visit offline")
    further(phone, "log_attempt")
    phone.wait_for_url("**/log_attempt/**")
    expect(phone.locator("form.desk-form")).to_be_visible()
    found += faults(phone, "form offline")
    phone.goto("/phone/queue/")
    expect(phone.locator(".queue-item")).to_have_count(2)
    found += faults(phone, "queue")
    phone.goto("/visits/SV-1/")
    expect(phone.locator(".empty-state")).to_be_visible()
    found += faults(phone, "not here")

    actions.cancel(visit, reason="客户来电说已恢复", at=timezone.now(), by=dispatcher.as_actor())
    phone.context.set_offline(False)
    phone.goto("/phone/queue/")
    expect(phone.locator(".queue-item[data-state=refused]").first).to_be_visible()
    expect(bar(phone)).to_contain_text("未被受理")
    found += faults(phone, "refused")
    assert "\n".join(found) == ""
