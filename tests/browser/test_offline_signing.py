"""The customer signs on the engineer's telephone in a shop without reception (VISIT-21, L1)."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page, expect

from servicedesk.core import documents, ink, sealing
from servicedesk.core.errors import Refused
from servicedesk.core.models import Document, PhoneCommand, Signature
from tests.browser.hands import draw
from tests.browser.offline import (
    all_sent,
    arrived_at,
    bar,
    finish,
    module,
    ready,
    record_work,
    soon,
    start_work,
    tap,
)
from tests.browser.test_signing import pin, rate, sound
from tests.conftest import PIN, give_pin
from tests.visits.factories import strokes
from visits.states import Status

pytestmark = pytest.mark.browser

SHEET = "[...document.querySelectorAll('.paper dt, .paper dd, .paper td')].map(e => e.textContent.trim())"


def with_papers(phone: Page) -> None:
    """The form and the pad lie on the telephone, too."""
    ready(phone)
    phone.evaluate(
        """async (papers) => {
            const held = await import(papers);
            while (!Object.values(await held.papers()).some((each) => each.pad)) {
                await new Promise((done) => setTimeout(done, 50));
            }
        }""",
        module("papers"),
    )


def lend(phone: Page) -> None:
    phone.get_by_role("button", name="交给客户签字").tap()
    expect(phone.locator("[data-part=form]")).to_be_visible()


def test_work_signature_and_seal_without_a_network(page_of, engineer):
    give_pin(engineer)
    visit = soon(Status.EN_ROUTE, engineer, minutes=6)
    phone = page_of(engineer, phone=True)
    with_papers(phone)
    phone.context.set_offline(True)
    phone.goto(visit.get_absolute_url())
    tap(phone, "arrive", 1)
    start_work(phone, visit)
    record_work(phone, visit)
    finish(phone, visit)
    phone.locator('.thumb-bar form[action$="/present_form/"] button').tap()
    phone.wait_for_url("**/sign/?local")
    lend(phone)
    # He reads what was done here, as it will print.
    expect(phone.locator(".paper")).to_contain_text("重新压接水晶头，固定网线")
    expect(phone.locator(".paper")).not_to_contain_text("⟦")
    shown = phone.evaluate(SHEET)
    faults = sound(phone, "lent")

    # No address, no reload and no network lead away; and nothing is sent in his hand.
    phone.reload()
    expect(phone.locator("[data-part=form]")).to_be_visible()
    phone.context.set_offline(False)
    for away in ("/visits/today/", "/phone/pack/", visit.get_absolute_url()):
        phone.goto(away)
        expect(phone.locator("[data-part=form]")).to_be_visible()
        assert phone.url.endswith(f"/visits/{visit.number}/sign/")
    phone.context.set_offline(True)
    assert PhoneCommand.objects.count() == 0

    # A blank field is no signature.
    rate(phone, "[data-answer=sign]")
    phone.get_by_role("button", name="签字", exact=True).tap()
    expect(phone.locator(".field-errors").first).to_be_visible()
    draw(phone, waves=3)
    phone.locator("#id_signer_name").fill("李红梅")
    phone.get_by_role("button", name="签字", exact=True).tap()
    expect(phone.locator("[data-part=thanks]")).to_be_visible()
    phone.reload()
    expect(phone.locator("[data-part=thanks]")).to_be_visible()
    faults += sound(phone, "thanks")

    pin(phone, "9753")
    expect(phone.get_by_text("还可再试 4 次")).to_be_visible()
    pin(phone, PIN)
    arrived_at(phone, visit)
    expect(bar(phone)).to_contain_text("6 条未上传")
    before = timezone.now()
    phone.context.set_offline(False)
    sent = all_sent(phone, 6)

    assert [each.verb for each in sent][-2:] == ["present_form", "sign_offline"]
    signature, document = Signature.objects.get(), Document.objects.get(number=visit.number)
    assert (signature.method, signature.signer_name) == ("L1-offline", "李红梅")
    assert signature.shown_sha256 == document.data_sha256
    assert signature.signed_at < before < sent[-1].received_at
    # What he read is what the server shows, and prints.
    phone.goto(f"/documents/{document.uid}/")
    printed = phone.evaluate(SHEET)
    assert [text for text in shown if text not in printed] == []
    documents.sign_own(
        document, block="engineer", strokes=strokes(), shown_sha256=document.data_sha256,
        at=timezone.now(), by=engineer.as_actor(),
    )  # fmt: skip
    sealing.seal_waiting()
    document.refresh_from_db()
    assert document.status == Document.Status.SEALED
    assert "\n".join(faults) == ""


def test_he_refuses_and_five_wrong_pins_lock_the_telephone(page_of, engineer):
    give_pin(engineer)
    visit = soon(Status.FINISHED, engineer, minutes=-60)
    phone = page_of(engineer, phone=True)
    with_papers(phone)
    phone.context.set_offline(True)
    phone.goto(f"{visit.get_absolute_url()}sign/?local")
    lend(phone)
    phone.get_by_text("我不签字").tap()
    phone.get_by_role("button", name="不签字，提交原因").tap()
    expect(phone.locator(".field-errors").first).to_be_visible()
    phone.locator("#refuse_reason").fill("还没修好")
    phone.get_by_role("button", name="不签字，提交原因").tap()
    expect(phone.locator("[data-part=thanks]")).to_be_visible()
    for left in (4, 3, 2, 1):
        pin(phone, "9753")
        expect(phone.get_by_text(f"还可再试 {left} 次")).to_be_visible()
    pin(phone, "9753")
    locked = phone.locator("[data-part=locked]")
    expect(locked).to_be_visible()
    phone.reload()
    expect(locked).to_be_visible()
    expect(phone.locator("[name=pin]")).to_be_hidden()

    # With a network his password counts; what was recorded waits for him.
    phone.context.set_offline(False)
    locked.get_by_role("button").tap()
    phone.wait_for_url("**/log-in/**")
    assert PhoneCommand.objects.count() == 0
    left = phone.evaluate(
        "async ([outbox, uid]) => (await (await import(outbox)).commands(uid)).length",
        [module("outbox"), str(engineer.uid)],
    )
    assert left == 1


def test_the_telephone_knows_ink_by_the_rules_of_the_server(page_of):
    rng = random.Random(4)  # noqa: S311 - shapes, no secret
    drawn = [[], [[]], strokes(), *(made(rng) for _ in range(150))]
    page = page_of()
    page.goto("/healthz")

    found = page.evaluate(
        "async ([url, all]) => { const { fault } = await import(url); return all.map(fault); }",
        [f"{settings.STATIC_URL}js/phone/ink.js", drawn],
    )

    assert [not fault for fault in found] == [accepted(each) for each in drawn]
    assert len(set(found)) == 3


def accepted(drawing: Any) -> bool:
    try:
        ink.check(drawing)
    except Refused:
        return False
    return True


def made(rng: random.Random) -> list[list[dict[str, float]]]:
    """Lines of all kinds: dots, straight ones, scribbles, slow and quick."""
    bend, step = rng.choice([0, 0.5, 4, 30]), rng.choice([0, 0.4, 2, 9])
    pace = rng.choice([2, 12])
    return [
        [
            {"x": 20 + i * step, "y": 60 + rng.uniform(-bend, bend), "t": 1000 + i * pace, "p": 0.5}
            for i in range(rng.choice([1, 8, 30]))
        ]
        for _ in range(rng.choice([1, 2, 3]))
    ]
