"""Take the pictures of docs/images anew, by playing the main line on a service desk with demo data.

    python3 dev.py run                                  (fresh demo data, in another window)
    eval "$(python3 dev.py env)" && python -m docs.pictures http://localhost:8000

It leaves one more ticket and visit behind, as a day's work would.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from django.utils import timezone
from PIL import Image
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.browser.hands import ago, choose, dialog, draw, further, minute, send, thumb, tick_all

IMAGES = Path(__file__).parent / "images"
PASSWORD = "demo-service-2026"  # noqa: S105 - of the demo data
# The store whose telephone ends so; an engineer of whom nothing is asked today.
CALLER, ENGINEER, ENGINEER_NAME = "0035", "zhangwei", "张伟"
DESK, PHONE = {"width": 1280, "height": 820}, {"width": 390, "height": 760}
GAP = 24
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--lang=zh-CN",
]


def save(name: str, shots: Sequence[bytes]) -> None:
    """One picture, or several side by side, in few colours: small, and still sharp."""
    parts = [Image.open(BytesIO(shot)).convert("RGB") for shot in shots]
    width = sum(part.width for part in parts) + GAP * (len(parts) - 1)
    sheet = Image.new("RGB", (width, max(part.height for part in parts)), "white")
    x = 0
    for part in parts:
        sheet.paste(part, (x, 0))
        x += part.width + GAP
    few = sheet.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(IMAGES / f"{name}.png", optimize=True)


def shot(page: Page, *, top: bool = True) -> bytes:
    if top:
        page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(800)
    page.evaluate("document.activeElement?.blur()")
    page.wait_for_timeout(300)
    return page.screenshot()


def log_in(page: Page, username: str) -> Page:
    page.goto("/log-in/")
    page.fill("[name=login]", username)
    page.fill("[name=password]", PASSWORD)
    page.click("form button[type=submit]")
    page.wait_for_url(lambda url: "/log-in/" not in url)
    return page


def take_the_call(desk: Page) -> str:
    """Address of the ticket that comes of it."""
    desk.goto("/tickets/calls/new/")
    if (former := desk.get_by_text("放弃并重新登记")).count():
        former.click()
        desk.wait_for_load_state()
    expect(desk.locator("#id_caller_number")).to_be_focused()
    desk.wait_for_timeout(1000)
    desk.locator("#id_ring_count").fill("2")
    desk.locator("#id_greeted").check()
    desk.locator("#id_caller_number").press_sequentially(CALLER, delay=60)
    desk.locator(".match", has_text=re.compile("店长|主管")).first.click()
    desk.locator("label", has=desk.locator("[name=installation]")).last.click()
    desk.locator("#id_need").fill("会员刷卡后积分不增加，重启收银机也没有用")
    desk.locator("#id_need").press("Alt+2")
    desk.locator("label", has=desk.locator("[value='24h']")).click()
    desk.locator("#id_phone_solution_offered").check()
    desk.locator("#id_read_back").check()
    desk.wait_for_timeout(1500)
    save("intake", [shot(desk)])
    desk.locator("#id_need").press("Control+Enter")
    expect(desk.locator("h1")).to_contain_text("登记工单")
    desk.locator('main a[href*="/tickets/TK-"]').first.click()
    desk.wait_for_url(re.compile("/tickets/TK-"))
    return desk.url


def try_remotely(desk: Page, ticket: str) -> None:
    form = dialog(desk, "assign")
    form.locator(".ts-control input").fill("hexue")
    form.locator(".choice-row", has_text="何雪").first.click()
    send(form)
    form = dialog(desk, "remote")
    choose(form, "channel", "client")
    send(form)
    send(dialog(desk, "consent"))
    send(dialog(desk, "start"))
    step = desk.locator('form[action$="/add_step/"]')
    tries = [("检查会员接口", "连接超时"), ("远程重启积分服务", "仍然超时")]
    for count, (did, outcome) in enumerate(tries, start=1):
        step.locator("[name=did]").fill(did)
        step.locator("[name=outcome]").fill(outcome)
        step.locator("[name=outcome]").press("Enter")
        expect(desk.locator(".step-list li")).to_have_count(count)
    save("remote", [shot(desk)])
    form = dialog(desk, "close")
    choose(form, "result", "not_solved")
    form.locator("[name=category]").select_option(index=1)
    form.locator("[name=data_untouched]").check()
    send(form)
    desk.goto(ticket)


def order_a_visit(desk: Page, ticket: str) -> str:
    """Number of the visit; it is the engineer's."""
    form = dialog(desk, "request_visit")
    form.locator("[name=reason]").fill("检查收银台网口和网线")
    send(form)
    expect(desk.locator("#ticket")).to_contain_text("SV-")
    found = re.search(r"SV-[\d-]+", desk.locator("#ticket").inner_text())
    assert found is not None
    save("ticket", [shot(desk)])
    desk.goto("/visits/unassigned/")
    save("unassigned", [shot(desk)])
    line = desk.locator(f'form[action*="{found.group()}"]', has=desk.locator("select"))
    choices = line.locator("select option").all_inner_texts()
    mine = next(choice for choice in choices if ENGINEER_NAME in choice)
    line.locator("select").select_option(label=mine)
    line.locator("button").click()
    desk.wait_for_timeout(1500)
    return found.group()


def form_of(phone: Page, verb: str) -> Locator:
    form = phone.locator(f'form.desk-form[action$="/{verb}/"]')
    expect(form).to_be_visible()
    return form


def submit(phone: Page, verb: str) -> None:
    form_of(phone, verb).locator("button[type=submit]").tap()
    expect(phone).to_have_url(re.compile(r"/SV-[\d-]+/$"))


def go_there(phone: Page, visit: str) -> None:
    phone.goto(f"/visits/{visit}/")
    shots = [shot(phone)]
    thumb(phone, "accept")
    phone.locator("[name=first_judgement]").fill("多半是网口松动")
    submit(phone, "accept")
    further(phone, "log_attempt")
    choose(form_of(phone, "log_attempt"), "outcome", "reached")
    submit(phone, "log_attempt")
    thumb(phone, "appoint")
    form = form_of(phone, "appoint")
    form.locator("[name=window_from]").fill(minute(timezone.now() + timedelta(minutes=10)))
    choose(form, "length", 60)
    form.locator("[name=address_verified]").check()
    form.locator("[name=phone_verified]").check()
    form.locator("[name=travel_minutes]").fill("0")
    shots.append(shot(phone))
    submit(phone, "appoint")
    thumb(phone, "prepare")
    form = form_of(phone, "prepare")
    tick_all(form)
    form.locator("[name=usb_drive]").fill("USB-07")
    form.locator("[name=usb_scanned_at]").fill(ago(3))
    submit(phone, "prepare")
    thumb(phone, "depart")
    thumb(phone, "arrive")
    expect(phone.locator(".thumb-bar")).to_contain_text("开始处理")
    phone.goto(f"/visits/{visit}/")
    shots.append(shot(phone))
    save("phone-appointment", shots)


def do_the_work(phone: Page) -> str:
    """The customer's link."""
    thumb(phone, "start_work")
    tick_all(form_of(phone, "start_work"))
    submit(phone, "start_work")
    thumb(phone, "record_work")
    form = form_of(phone, "record_work")
    for name, text in {
        "findings": "积分终端网口松动，接口超时",
        "cause": "搬动收银台时网线受拉",
        "work_done": "重新压接水晶头，固定网线",
        "test_result": "积分、兑换各试一次，正常",
    }.items():
        form.locator(f"[name={name}]").fill(text)
    choose(form, "result", "solved")
    shots = [shot(phone)]
    submit(phone, "record_work")
    thumb(phone, "finish")
    tick_all(form_of(phone, "finish"))
    submit(phone, "finish")
    thumb(phone, "present_form")
    expect(phone.locator(".thumb-bar")).to_contain_text("交给客户签字")
    phone.reload()
    shots.append(shot(phone))
    phone.locator('form[action$="/share/"] button').tap()
    expect(phone.locator(".qr svg")).to_be_visible()
    shots.append(shot(phone))
    save("phone-work", shots)
    return phone.locator(".link-text").inner_text()


def sign(phone: Page, link: str) -> None:
    phone.goto(link)
    phone.locator("[name=digits]").fill(CALLER)
    shots = [shot(phone)]
    phone.locator("button[type=submit]").tap()
    expect(phone.locator("h1").first).to_contain_text("请核对并签字")
    shots.append(shot(phone))
    form = phone.locator("form", has=phone.locator("[value=sign]"))
    for name in ("punctuality", "conduct", "skill", "result"):
        choose(form, f"answers-{name}", 5)
    draw(phone, waves=2.5)
    shots.append(shot(phone, top=False))
    save("customer", shots)
    form.locator("button[type=submit]").click()
    expect(phone.locator("main")).to_contain_text("已收到您的签字")


def hand_in(phone: Page, visit: str) -> None:
    phone.locator(".thumb-bar a").tap()
    phone.locator(".thumb-bar a").tap()
    draw(phone, waves=4)
    phone.locator('form[action$="/sign/"] button[type=submit]').click()
    expect(phone).to_have_url(re.compile(f"{visit}/$"))
    phone.wait_for_timeout(8000)  # a worker seals it meanwhile
    phone.goto(f"/visits/{visit}/")
    thumb(phone, "hand_in")
    phone.locator("[name=usb_scanned_at]").fill(ago(0))
    form_of(phone, "hand_in").locator("button[type=submit]").tap()
    phone.wait_for_url(re.compile("today/$"))


def main(address: str) -> None:
    IMAGES.mkdir(exist_ok=True)
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )

        def page_of(username: str = "", *, phone: bool = False) -> Page:
            device: dict[str, Any] = dict(playwright.devices["Pixel 7"]) if phone else {}
            device.pop("default_browser_type", None)
            device |= {"viewport": PHONE if phone else DESK, "device_scale_factor": 1}
            page = browser.new_context(
                base_url=address, locale="zh-CN", timezone_id="Asia/Shanghai", **device
            ).new_page()
            page.set_default_timeout(20_000)
            return log_in(page, username) if username else page

        desk, engineer = page_of("hexue"), page_of(ENGINEER, phone=True)
        ticket = take_the_call(desk)
        try_remotely(desk, ticket)
        visit = order_a_visit(desk, ticket)
        go_there(engineer, visit)
        sign(page_of(phone=True), do_the_work(engineer))
        hand_in(engineer, visit)
        desk.goto(f"/visits/{visit}/")
        save("archive", [shot(desk)])
        dispatcher, manager = page_of("zhaomin"), page_of("chenjing")
        for page, name, place in (
            (dispatcher, "tickets", "/tickets/"),
            (dispatcher, "board", "/visits/board/"),
            (manager, "handbook", "/managers/handbook/"),
        ):
            page.goto(place)
            save(name, [shot(page)])
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8000")
