"""The engineer's telephone in a shop without reception: nothing is lost, nothing happens twice."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Playwright, expect

from accounts.models import User
from servicedesk.core import assets
from servicedesk.core.models import Attachment, PhoneCommand, PhoneDevice
from tests.browser.conftest import PATIENCE, QUIET, chromium_program, session_of
from tests.browser.hands import further, thumb
from tests.browser.offline import (
    all_sent,
    bar,
    finish,
    form_of,
    module,
    outbox,
    photo,
    prepare,
    ready,
    record_work,
    renewed,
    soon,
    start_work,
    submit,
    tap,
    unsent,
)
from tests.journal import journal
from tests.sla.processes import wait_until
from visits import actions
from visits.states import Status

pytestmark = pytest.mark.browser


def test_a_whole_visit_without_a_network(page_of, engineer, tmp_path):
    visit = soon(Status.APPOINTED, engineer)
    phone = page_of(engineer, phone=True)
    ready(phone)

    phone.context.set_offline(True)
    phone.goto("/visits/today/")
    expect(phone.locator(".hero h2")).to_contain_text(visit.store.name)
    expect(phone.locator(".pack-age")).to_be_visible()
    phone.locator(".hero h2 a").tap()
    # All that he needs is there: the need, whom to call, where to.
    expect(phone.locator(".phone-page")).to_contain_text(visit.need)
    expect(phone.locator(f'a[href="tel:{visit.contact_phone}"]')).to_be_visible()
    prepare(phone, visit)
    expect(bar(phone)).to_contain_text("1 条未上传")
    tap(phone, "depart", 2)
    tap(phone, "arrive", 3)
    expect(phone.locator(".hero .pill")).to_contain_text("已到达")
    start_work(phone, visit)
    further(phone, "attach")
    form = form_of(phone, "attach")
    form.locator("input[type=file]").set_input_files(photo(tmp_path))
    submit(phone, "attach", visit)
    record_work(phone, visit)
    finish(phone, visit)
    expect(phone.locator(".hero .pill")).to_contain_text("完工")
    assert PhoneCommand.objects.count() == 0
    before = timezone.now()

    phone.context.set_offline(False)
    sent = all_sent(phone, 7)

    verbs = ["prepare", "depart", "arrive", "start_work", "attach", "record_work", "finish"]
    assert [command.verb for command in sent] == verbs
    visit.refresh_from_db()
    assert visit.status == Status.FINISHED
    # It happened when he tapped, and was heard of later.
    assert visit.arrived_at < visit.started_at < visit.finished_at < before
    assert sent[2].received_at > before
    assert visit.work.work_done == "重新压接水晶头，固定网线"
    attachment = Attachment.objects.get()
    # Made small on the telephone.
    assert attachment.content_type == "image/jpeg"
    assert attachment.size < 1_000_000
    # The page renews itself from the server.
    expect(phone.locator(".pack-age")).to_have_count(0)
    expect(phone.locator('.thumb-bar form[action$="/present_form/"]')).to_be_visible()


@pytest.fixture
def pocket(
    transactional_db, live_server, playwright_here: Playwright, tmp_path
) -> Iterator[Callable[[User], BrowserContext]]:
    """A browser whose storage outlives it, like that of a telephone in the pocket."""
    program = playwright_here.chromium
    opened: list[BrowserContext] = []

    def open_browser(person: User) -> BrowserContext:
        device: dict[str, Any] = dict(playwright_here.devices["Pixel 7"])
        device.pop("default_browser_type", None)
        context = program.launch_persistent_context(
            str(tmp_path / "profile"), executable_path=chromium_program(), args=QUIET,
            base_url=live_server.url, locale="zh-CN", timezone_id="Asia/Shanghai", **device,
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        context.add_cookies([session_of(person, live_server.url)])
        opened.append(context)
        return context

    yield open_browser
    for context in opened:
        context.close()


def test_the_browser_is_killed_in_the_middle(pocket, engineer):
    visit = soon(Status.EN_ROUTE, engineer, minutes=6)
    context = pocket(engineer)
    phone = context.pages[0]
    ready(phone)
    context.set_offline(True)
    phone.goto(visit.get_absolute_url())
    tap(phone, "arrive", 1)
    start_work(phone, visit)
    context.close()

    context = pocket(engineer)
    context.set_offline(True)
    phone = context.pages[0]
    phone.goto("/visits/today/")
    expect(bar(phone)).to_contain_text("2 条未上传")
    expect(phone.locator(".hero .pill")).to_contain_text("处理中")
    context.set_offline(False)

    assert [command.verb for command in all_sent(phone, 2)] == ["arrive", "start_work"]
    visit.refresh_from_db()
    assert visit.status == Status.WORKING


def test_the_outbox_sent_twice_and_shuffled_ends_in_the_same(page_of, engineer):
    visit = soon(Status.APPOINTED, engineer)
    phone = page_of(engineer, phone=True)
    ready(phone)
    phone.context.set_offline(True)
    phone.goto(visit.get_absolute_url())
    prepare(phone, visit)
    tap(phone, "depart", 2)
    tap(phone, "arrive", 3)
    start_work(phone, visit)
    record_work(phone, visit)
    finish(phone, visit)
    waiting = [each["op_id"] for each in outbox(phone)]
    twice = waiting * 2
    random.Random(7).shuffle(twice)  # noqa: S311 - an order, no secret

    # By another way than the sender's, which keeps to the order.
    phone.goto("about:blank")
    phone.context.set_offline(False)
    phone.goto("/healthz")
    phone.evaluate(POST_ALL, [module("outbox"), module("server"), twice])

    expected = len(waiting)
    assert PhoneCommand.objects.filter(state="done").count() == expected
    visit.refresh_from_db()
    assert visit.status == Status.FINISHED
    story = journal(visit)
    # Now the telephone sends them all by itself, once more.
    phone.goto("/visits/today/")
    all_sent(phone, expected)
    assert journal(visit) == story


POST_ALL = """async ([outbox, server, ids]) => {
    const held = await import(outbox);
    const { post } = await import(server);
    const all = new Map((await held.commands()).map((each) => [each.op_id, each]));
    for (const id of ids) {
        const { user, subject, number, verb, fields, base_version, after, happened_at,
            clock_offset_ms, app } = all.get(id);
        const answer = await post("/phone/commands/", { op_id: id, device: await held.device(),
            user, subject, number, verb, fields, files: {}, base_version, after, happened_at,
            clock_offset_ms, app });
        if (!answer.ok) throw new Error(await answer.text());
    }
}"""


def test_two_telephones_of_one_engineer(page_of, engineer):
    """Each tells what it was told; what was done already is refused, what follows counts."""
    visit = soon(Status.EN_ROUTE, engineer, minutes=6)
    old, new = page_of(engineer, phone=True), page_of(engineer, phone=True)
    ready(old)
    ready(new)
    old.context.set_offline(True)
    new.goto(visit.get_absolute_url())
    thumb(new, "arrive")
    expect(new.locator(".hero .pill")).to_contain_text("已到达")
    old.goto(visit.get_absolute_url())
    tap(old, "arrive", 1)
    start_work(old, visit)

    old.context.set_offline(False)
    expect(bar(old)).to_contain_text("1 条未被受理")
    assert wait_until(PhoneCommand.objects.filter(verb="start_work", state="done").exists, 30)

    visit.refresh_from_db()
    assert visit.status == Status.WORKING
    states = PhoneCommand.objects.values_list("verb", "state")
    assert sorted(states) == [("arrive", "done"), ("arrive", "refused"), ("start_work", "done")]
    # He sees why, and throws it away with a reason, which the visit keeps.
    bar(old).locator("a.outbox-bad").tap()
    item = old.locator(".queue-item[data-state=refused]")
    expect(item).to_contain_text("到达")
    item.locator("summary", has_text="作废").tap()
    item.locator("input").fill("另一部手机已登记")
    item.locator("form button").tap()
    expect(old.locator(".queue-item")).to_have_count(0)
    assert PhoneCommand.objects.get(state="discarded").discard_reason == "另一部手机已登记"


def test_an_expired_session_keeps_the_work_until_the_log_in(page_of, engineer):
    visit = soon(Status.EN_ROUTE, engineer, minutes=6)
    phone = page_of(engineer, phone=True)
    ready(phone)
    phone.goto(visit.get_absolute_url())
    phone.context.clear_cookies()

    thumb(phone, "arrive")
    # The page of the telephone has come by now; before, it would take the place of the log-in's.
    expect(phone.locator("body[data-local] .hero .pill")).to_contain_text("已到达")
    expect(bar(phone)).to_contain_text("登录后上传")
    assert PhoneCommand.objects.count() == 0
    bar(phone).locator("a").first.tap()
    phone.locator("[name=login]").fill(engineer.username)
    phone.locator("[name=password]").fill("parol-parol-1")
    phone.locator("button[type=submit]").first.tap()

    phone.wait_for_url(f"**{visit.get_absolute_url()}**")
    all_sent(phone, 1)
    visit.refresh_from_db()
    assert visit.status == Status.ARRIVED


def test_nobody_logs_out_with_unsent_work(page_of, engineer):
    visit = soon(Status.EN_ROUTE, engineer, minutes=6)
    phone = page_of(engineer, phone=True)
    ready(phone)
    phone.goto("/accounts/me/")
    phone.context.set_offline(True)
    other = phone.context.new_page()
    other.goto(visit.get_absolute_url())
    tap(other, "arrive", 1)
    other.close()

    log_out = 'main form[action="/log-in/out/"] button'
    phone.locator(log_out).tap()
    expect(phone.locator("[data-not-out]")).to_contain_text("1 条记录未上传")
    assert phone.url.endswith("/accounts/me/")

    # With a network it is sent first; then nothing of him stays.
    phone.context.set_offline(False)
    phone.locator(log_out).tap()
    phone.wait_for_url("**/log-in/**")
    visit.refresh_from_db()
    assert visit.status == Status.ARRIVED
    left = phone.evaluate(
        """async () => [
            localStorage.getItem("desk-phone-user"),
            (await caches.keys()).filter((name) => name.startsWith("desk-")).length,
        ]"""
    )
    assert left == [None, 0]
    held = phone.evaluate(
        """async (uid) => {
            const open = indexedDB.open(`desk-${uid}`);
            const db = await new Promise((done) => { open.onsuccess = () => done(open.result); });
            const count = (name) => new Promise((done) => {
                const asked = db.transaction(name).objectStore(name).getAllKeys();
                asked.onsuccess = () => done(asked.result);
            });
            return [await count("commands"), await count("blobs"), (await count("meta")).includes("pack")];
        }""",
        str(engineer.uid),
    )
    assert held == [[], [], False]


def test_what_is_refused_is_mended_on_the_queue_page(page_of, engineer):
    """He typed that it is not solved but not what comes next; the desk's rule asks for it."""
    visit = soon(Status.WORKING, engineer, minutes=-30)
    phone = page_of(engineer, phone=True)
    ready(phone)
    phone.context.set_offline(True)
    phone.goto(visit.get_absolute_url())
    thumb(phone, "record_work")
    form = form_of(phone, "record_work")
    form.locator("[name=findings]").fill("主板损坏")
    form.locator("[name=touches_data]").check()
    submit(phone, "record_work", visit)
    phone.context.set_offline(False)

    expect(bar(phone)).to_contain_text("1 条未被受理")
    bar(phone).locator("a.outbox-bad").tap()
    item = phone.locator(".queue-item")
    expect(item.locator(".queue-why")).not_to_be_empty()
    item.locator("a.btn").tap()
    form = form_of(phone, "record_work")
    expect(form.locator("[name=findings]")).to_have_value("主板损坏")
    expect(form.locator(".field-errors")).not_to_have_count(0)
    form.locator("[name=data_consent_by]").fill("李店长")
    submit(phone, "record_work", visit)

    assert wait_until(PhoneCommand.objects.filter(state="done").exists, 30)
    expect(bar(phone)).to_be_hidden()
    visit.refresh_from_db()
    assert (visit.work.findings, visit.work.data_consent_by) == ("主板损坏", "李店长")
    mended = PhoneCommand.objects.get(state="done")
    assert mended.replaces is not None
    assert mended.replaces.state == "refused"


def test_online_a_refusal_stands_at_the_field_with_what_was_typed(page_of, engineer):
    visit = soon(Status.WORKING, engineer, minutes=-30)
    phone = page_of(engineer, phone=True)
    ready(phone, visit.get_absolute_url())
    thumb(phone, "record_work")
    form = form_of(phone, "record_work")
    form.locator("[name=findings]").fill("主板损坏")
    form.locator("[name=touches_data]").check()
    form.locator("button[type=submit]").tap()

    expect(form.locator("[data-form-errors]")).to_be_focused()
    expect(form.locator(".field:has([name=data_consent_by]) .field-errors")).to_be_visible()
    expect(form.locator("[name=findings]")).to_have_value("主板损坏")
    form.locator("[name=data_consent_by]").fill("李店长")
    submit(phone, "record_work", visit)
    visit.refresh_from_db()
    assert visit.work.data_consent_by == "李店长"
    expect(bar(phone)).to_be_hidden()


def test_a_new_version_takes_over_and_leaves_the_outbox_alone(page_of, engineer, monkeypatch):
    visit = soon(Status.EN_ROUTE, engineer, minutes=6)
    phone = page_of(engineer, phone=True)
    ready(phone)
    phone.context.set_offline(True)
    phone.goto(visit.get_absolute_url())
    tap(phone, "arrive", 1)
    first = phone.evaluate("() => caches.keys()")

    phone.route("**/phone/commands/", lambda route: route.abort())
    monkeypatch.setattr("servicedesk.desk.pwa.asset_version", lambda: "another")
    phone.context.set_offline(False)
    phone.evaluate(
        """async () => {
            const registration = await navigator.serviceWorker.getRegistration();
            await registration.update();
            while (!(await caches.keys()).some((name) => name.includes("another")) ||
                   registration.installing || registration.waiting) {
                await new Promise((done) => setTimeout(done, 50));
            }
        }"""
    )
    assert unsent(phone) == ["arrive"]
    phone.context.set_offline(True)
    phone.goto("/visits/today/")
    expect(bar(phone)).to_contain_text("1 条未上传")
    now = phone.evaluate("() => caches.keys()")
    assert [name for name in now if name in first] == []

    phone.unroute("**/phone/commands/")
    phone.context.set_offline(False)
    all_sent(phone, 1)
    visit.refresh_from_db()
    assert visit.status == Status.ARRIVED


FULL = """
const add = IDBObjectStore.prototype.add;
IDBObjectStore.prototype.add = function (...values) {
    if (sessionStorage.getItem("full")) throw new DOMException("full", "QuotaExceededError");
    return add.apply(this, values);
};
"""


def test_a_full_telephone_refuses_the_tap_and_keeps_what_was_typed(page_of, engineer):
    visit = soon(Status.WORKING, engineer, minutes=-30)
    phone = page_of(engineer, phone=True)
    phone.add_init_script(FULL)
    ready(phone, visit.get_absolute_url())
    phone.evaluate("() => sessionStorage.setItem('full', 'yes')")
    thumb(phone, "record_work")
    form = form_of(phone, "record_work")
    form.locator("[name=findings]").fill("主板损坏")
    form.locator("button[type=submit]").tap()

    expect(form.locator("[data-form-errors]")).to_contain_text("存储空间已满")
    expect(form.locator("[name=findings]")).to_have_value("主板损坏")
    assert outbox(phone) == []
    assert PhoneCommand.objects.count() == 0
    # With a network there is another way.
    form.locator("[data-form-errors] button").tap()
    phone.wait_for_url(f"**{visit.get_absolute_url()}")
    visit.refresh_from_db()
    assert visit.work.findings == "主板损坏"


def test_a_wrong_clock_is_shown_and_put_right(page_of, engineer):
    """The telephone is ten minutes slow: the desk records the true time."""
    visit = soon(Status.EN_ROUTE, engineer, minutes=6)
    phone = page_of(engineer, phone=True)
    phone.clock.install(time=timezone.now() - timedelta(minutes=10))
    ready(phone, visit.get_absolute_url())
    expect(bar(phone)).to_contain_text("手机时间慢 10 分钟")

    thumb(phone, "arrive")

    assert wait_until(PhoneCommand.objects.filter(state="done").exists, 30)
    visit.refresh_from_db()
    assert abs((timezone.now() - visit.arrived_at).total_seconds()) < 60
    assert PhoneDevice.objects.get().clock_offset_ms > 500_000


def test_without_scripts_the_pages_work_as_forms(chromium, live_server, transactional_db, engineer):
    visit = soon(Status.EN_ROUTE, engineer, minutes=6)
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False)
    context.add_cookies([session_of(engineer, live_server.url)])
    phone = context.new_page()
    phone.goto(visit.get_absolute_url())
    phone.locator('.thumb-bar form[action$="/arrive/"] button').click()
    expect(phone.locator(".hero .pill")).to_contain_text("已到达")
    context.close()


def test_somebody_else_on_the_telephone_sends_nothing_of_the_first(
    page_of, live_server, engineer, other_engineer
):
    visit = soon(Status.EN_ROUTE, engineer, minutes=6)
    phone = page_of(engineer, phone=True)
    ready(phone)
    phone.context.set_offline(True)
    phone.goto(visit.get_absolute_url())
    tap(phone, "arrive", 1)
    phone.route("**/phone/**", lambda route: route.abort())
    phone.context.clear_cookies()
    phone.context.add_cookies([session_of(other_engineer, live_server.url)])
    phone.context.set_offline(False)
    phone.unroute("**/phone/**")

    phone.goto("/visits/today/")
    expect(phone.locator(f'body[data-user="{other_engineer.uid}"]')).to_be_attached()
    ready(phone)
    phone.goto("/phone/queue/")
    expect(phone.locator(".phone-page")).to_contain_text("还有其他同事的 1 条记录")
    assert PhoneCommand.objects.count() == 0
    # The visits of the first are not to be seen any more; what he did waits for him.
    packs = phone.evaluate(
        "async ([outbox, uid]) => [await (await import(outbox)).meta('pack', uid),"
        " (await (await import(outbox)).commands(uid)).length]",
        [module("outbox"), str(engineer.uid)],
    )
    assert packs == [None, 1]
    phone.context.clear_cookies()
    phone.context.add_cookies([session_of(engineer, live_server.url)])
    phone.goto("/visits/today/")
    all_sent(phone, 1)


def test_a_decision_on_what_has_changed_meanwhile_is_shown_with_both(page_of, engineer, dispatcher):
    visit = soon(Status.APPOINTED, engineer, minutes=90)
    phone = page_of(engineer, phone=True)
    ready(phone)
    renewed(phone)
    phone.context.set_offline(True)
    phone.goto(visit.get_absolute_url())
    further(phone, "rearrange")
    form = form_of(phone, "rearrange")
    form.locator("[name=window_from]").fill(
        f"{timezone.localtime() + timedelta(days=1):%Y-%m-%dT10:00}"
    )
    form.locator("label", has=phone.locator('[name="asked_by"]')).first.click()
    form.locator("[name=reason]").fill("客户临时有事")
    submit(phone, "rearrange", visit)
    actions.cancel(visit, reason="客户来电说已恢复", at=timezone.now(), by=dispatcher.as_actor())

    phone.context.set_offline(False)
    expect(bar(phone)).to_contain_text("1 条未被受理")
    bar(phone).locator("a.outbox-bad").tap()
    expect(phone.locator(".queue-why")).to_contain_text(re.compile("期间|变更|取消"))
    visit.refresh_from_db()
    assert visit.status == Status.CANCELLED


def test_scripts_of_the_telephone_are_small():
    """All that any of its pages may load, as it lies on the disk; a customer's signature has its own."""
    size = sum(len(assets._source(name)) for name in assets.script_names(without=assets.SIGNING))
    assert size <= 120 * 1024
    signing = sum(len(assets._source(name)) for name in assets.script_names()) - size
    assert signing <= 40 * 1024
