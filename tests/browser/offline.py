"""A telephone that loses its network: what the tests of the outbox do and look at."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from servicedesk.core.models import PhoneCommand
from tests.browser.hands import choose, thumb, tick_all
from tests.sla.processes import wait_until
from tests.visits.factories import WINDOW, make_visit
from visits.models import VisitOrder

WORK = {
    "findings": "积分终端网口松动，接口超时",
    "cause": "搬动收银台时网线受拉",
    "work_done": "重新压接水晶头，固定网线",
    "tested_by": "李红梅",
    "test_result": "积分、兑换各试一次，正常",
}


def soon(status: str, engineer: Any, *, minutes: int = 20, **more: Any) -> VisitOrder:
    """A visit whose window begins in so many minutes."""
    shift = timezone.now() + timedelta(minutes=minutes) - WINDOW[0]
    return make_visit(status, engineer, shift=shift, **more)


def module(name: str) -> str:
    return f"{settings.STATIC_URL}js/phone/{name}.js"


def ready(phone: Page, url: str = "/visits/today/") -> None:
    """The worker rules the page, and the pack lies on the telephone."""
    phone.goto(url)
    phone.evaluate(
        """async (pack) => {
            await navigator.serviceWorker.ready;
            const held = await import(pack);
            while (!navigator.serviceWorker.controller || !(await held.pack())) {
                await new Promise((done) => setTimeout(done, 50));
            }
        }""",
        module("pack"),
    )


def renewed(phone: Page) -> None:
    """The pack is of this moment."""
    phone.evaluate("async (pack) => (await import(pack)).renewPack({ now: true })", module("pack"))


def outbox(phone: Page) -> list[dict[str, Any]]:
    """The commands that the telephone holds, as they lie there."""
    found: list[dict[str, Any]] = phone.evaluate(
        "async (outbox) => (await import(outbox)).commands()", module("outbox")
    )
    return found


def unsent(phone: Page) -> list[str]:
    return [each["verb"] for each in outbox(phone) if each["state"] == "unsent"]


def bar(phone: Page) -> Locator:
    return phone.locator("[data-phone-bar]")


def form_of(phone: Page, verb: str) -> Locator:
    form = phone.locator(f'form.desk-form[action$="/{verb}/"]')
    expect(form).to_be_visible()
    return form


def submit(phone: Page, verb: str, visit: VisitOrder) -> None:
    form_of(phone, verb).locator(".form-actions button[type=submit]").tap()
    arrived_at(phone, visit)


def arrived_at(phone: Page, visit: VisitOrder) -> None:
    phone.wait_for_url(f"**{visit.get_absolute_url()}**")
    phone.wait_for_url(lambda url: url.split("?")[0].endswith(visit.get_absolute_url()))


def tap(phone: Page, verb: str, count: int) -> None:
    """The big button of an act that needs nothing typed; so many wait then on the page drawn anew."""
    phone.evaluate("() => { document.documentElement.dataset.old = '' }")
    thumb(phone, verb)
    expect(phone.locator("html:not([data-old])")).to_be_attached()
    expect(bar(phone)).to_contain_text(f"{count} 条未上传")


def prepare(phone: Page, visit: VisitOrder) -> None:
    thumb(phone, "prepare")
    tick_all(form_of(phone, "prepare"))
    submit(phone, "prepare", visit)


def start_work(phone: Page, visit: VisitOrder) -> None:
    thumb(phone, "start_work")
    tick_all(form_of(phone, "start_work"))
    submit(phone, "start_work", visit)


def record_work(phone: Page, visit: VisitOrder) -> None:
    thumb(phone, "record_work")
    form = form_of(phone, "record_work")
    for name, text in WORK.items():
        form.locator(f"[name={name}]").fill(text)
    choose(form, "result", "solved")
    submit(phone, "record_work", visit)


def finish(phone: Page, visit: VisitOrder) -> None:
    thumb(phone, "finish")
    tick_all(form_of(phone, "finish"))
    submit(phone, "finish", visit)


def all_sent(phone: Page, count: int) -> list[PhoneCommand]:
    """Everything reached the server, and was recorded there once."""
    done = PhoneCommand.objects.filter(state="done")
    assert wait_until(lambda: done.count() == count, 60), [
        (each.verb, each.state, each.message) for each in PhoneCommand.objects.all()
    ]
    # A page that the telephone drew gives way to the server's, which says nothing of the outbox.
    expect(phone.locator("body:not([data-local])")).to_be_attached()
    phone.wait_for_load_state("networkidle")
    expect(bar(phone)).to_be_hidden()
    assert unsent(phone) == []
    return list(PhoneCommand.objects.order_by("at", "id"))


def photo(folder: Path) -> Path:
    """A photo as a camera takes it, larger than one sends from a shop."""
    from PIL import Image

    path = folder / "camera.jpg"
    picture = Image.effect_noise((2600, 1950), 60).convert("RGB")
    picture.save(path, quality=92)
    return path
