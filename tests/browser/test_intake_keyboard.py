"""A call is taken in a real browser by keyboard alone (CALL-1 … CALL-11)."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from customers.models import Contact, Store
from tests.conftest import AT
from tests.tickets.calls.factories import make_article, make_shop
from tickets.actions.tickets import open_ticket
from tickets.models import Call, CallDraft

pytestmark = pytest.mark.browser

INTAKE = reverse("tickets:intake")


@pytest.fixture
def shop(transactional_db):
    return make_shop()


@pytest.fixture
def screen(page_of, helpdesk, shop):
    page = page_of(helpdesk)
    page.goto(INTAKE)
    expect(page.locator("#id_caller_number")).to_be_focused()
    return page


def pick_the_caller(page):
    page.keyboard.type("8001")
    expect(page.locator(".match")).to_have_count(1)
    settled(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#id_caller_name")).to_have_value("李红梅")
    settled(page)


def settled(page):
    """A person takes longer to the next key than htmx to swap and to set the focus."""
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
    page.wait_for_function("document.activeElement !== document.body")


def test_a_visit_is_ordered_without_the_mouse(screen, shop):
    pick_the_caller(screen)
    expect(screen.locator("#id_caller_number")).to_have_value("13800138001")
    expect(screen.locator("#store-side")).to_contain_text("百惠超市大兴店")

    # The product: Enter confirms it and goes on to the need.
    expect(screen.locator("[name=installation]").first).to_be_focused()
    screen.keyboard.press("Enter")
    expect(screen.locator("#id_need")).to_be_focused()
    screen.keyboard.type("收银台刷会员卡不积分")
    screen.keyboard.press("Alt+3")

    # The expected time: the arrow keys choose.
    screen.keyboard.press("Space")
    expect(screen.locator("[name=expected_at_choice][value='2h']")).to_be_checked()
    script = screen.locator(".script .for-visit.say-now").first
    expect(script).to_contain_text("百惠超市大兴店")
    expect(script).to_contain_text("收银台刷会员卡不积分")
    expect(script).to_contain_text("2 小时内")
    for _step in range(12):
        screen.keyboard.press("Tab")
        if screen.evaluate("document.activeElement.id") == "id_read_back":
            break
    screen.keyboard.press("Space")
    screen.keyboard.press("Control+Enter")

    expect(screen.locator("h1")).to_contain_text("安排上门")
    call = Call.objects.get()
    assert (call.outcome, call.store, call.read_back) == ("visit", shop.store, True)
    assert call.installation == shop.installation
    # The next call is one key away.
    screen.keyboard.press("Enter")
    expect(screen.locator("#id_caller_number")).to_have_value("")


def test_a_call_about_an_open_ticket_is_taken_by_keyboard(screen, shop, helpdesk):
    older, newer = (
        open_ticket(
            title=title, need=title, customer=shop.customer, store=shop.store, no_wish=True,
            owner=helpdesk, at=AT, by=helpdesk.as_actor(),
        )
        for title in ("会员卡不积分", "小票打印不出来")
    )  # fmt: skip
    pick_the_caller(screen)
    screen.keyboard.press("Enter")
    screen.keyboard.type("还是不积分，几点能来")
    screen.keyboard.press("Alt+8")
    expect(screen.locator("[name=ticket]").first).to_be_focused()
    expect(screen.locator(".existing-ticket").first).to_contain_text(newer.title)
    # The arrow keys choose, Enter goes on.
    screen.keyboard.press("ArrowDown")
    expect(screen.locator(f"[name=ticket][value='{older.uid}']")).to_be_checked()
    expect(screen.locator(".script .for-existing.say-now")).to_contain_text(older.number)
    screen.keyboard.press("Enter")
    expect(screen.locator("#id_read_back")).to_be_focused()
    screen.keyboard.press("Space")
    screen.keyboard.press("Control+Enter")

    expect(screen.locator("h1")).to_contain_text("关于已有工单")
    assert Call.objects.get().ticket == older
    assert older.notes.count() == 1


def test_a_store_that_nobody_knows_is_made_from_the_search(screen):
    screen.locator("#id_find").focus()
    screen.keyboard.type("新客便利一店")
    expect(screen.locator(".no-match")).to_contain_text("没有找到")
    settled(screen)
    screen.keyboard.press("Enter")

    expect(screen.locator("#id_new_store_name")).to_have_value("新客便利一店")
    expect(screen.locator("#id_new_store_address")).to_be_visible()
    expect(screen.locator("details#new-store :focus")).to_have_count(1)


def test_a_wrong_number_is_one_key(screen):
    screen.keyboard.press("Alt+7")

    expect(screen.locator("h1")).to_contain_text("打错电话")
    assert Call.objects.get().outcome == "wrong_number"


def test_a_digit_in_a_field_is_a_digit(screen):
    screen.keyboard.type("7")

    expect(screen.locator("#id_caller_number")).to_have_value("7")
    expect(screen.locator("[name=outcome]:checked")).to_have_count(0)


def test_enter_in_a_field_does_not_end_the_call(screen):
    screen.locator("#id_caller_name").focus()
    screen.keyboard.type("李红梅")
    screen.keyboard.press("Enter")

    expect(screen.locator("#id_salutation")).to_be_focused()
    assert not Call.objects.exists()


def test_what_is_typed_survives_a_reload(screen):
    screen.locator("#id_need").focus()
    screen.keyboard.type("打印机卡纸")
    screen.keyboard.press("Alt+5")
    expect(screen.locator("#draft-state")).to_contain_text("草稿已保存")
    screen.wait_for_function(
        "() => performance.getEntriesByType('resource').some((r) => r.name.includes('/draft/'))"
    )
    screen.wait_for_timeout(800)
    screen.reload()

    expect(screen.locator("#id_need")).to_have_value("打印机卡纸")
    expect(screen.locator("[name=outcome][value=promise]")).to_be_checked()
    expect(screen.locator("#id_promise_due_at")).to_be_visible()
    screen.get_by_text("放弃并重新登记").click()
    expect(screen.locator("#id_need")).to_have_value("")
    assert not CallDraft.objects.exists()


def test_what_helped_before_is_taken_over_and_counted(screen, shop):
    article = make_article(shop)
    pick_the_caller(screen)
    screen.keyboard.press("Enter")
    screen.keyboard.type("刷会员卡不积分")
    expect(screen.locator("#knowledge")).to_contain_text("重新登录")

    screen.keyboard.press("Alt+k")
    screen.keyboard.press("Tab")
    expect(screen.locator("[data-article]")).to_be_focused()
    screen.keyboard.press("Enter")
    expect(screen.locator("[name=outcome][value=solved]")).to_be_checked()
    expect(screen.locator("#id_solution")).to_have_value("退出积分服务后重新登录")
    screen.keyboard.press("Control+Enter")

    expect(screen.locator("h1")).to_contain_text("电话解决")
    article.refresh_from_db()
    assert article.used_count == 1
    assert Call.objects.get().article == article


def test_only_what_the_outcome_asks_for_is_shown(screen):
    asked = {
        "1": "#id_solution", "2": "#id_expected_at", "3": "#id_visit_reason",
        "4": "#id_call_back_by", "5": "#id_promise_due_at", "6": "#id_referral",
        "8": "#existing-tickets",
    }  # fmt: skip
    screen.locator("#id_need").fill("x")
    for key, own in asked.items():
        screen.keyboard.press(f"Alt+{key}")
        expect(screen.locator(own)).to_be_visible()
        for other in set(asked.values()) - {own}:
            if {own, other} != {"#id_expected_at", "#id_visit_reason"}:
                expect(screen.locator(other)).to_be_hidden()


def test_a_refused_form_says_what_is_missing_and_keeps_the_rest(screen):
    pick_the_caller(screen)
    screen.locator("#id_need").fill("不积分")
    screen.keyboard.press("Alt+2")
    screen.keyboard.press("Control+Enter")

    expect(screen.locator("[data-form-errors]")).to_be_focused()
    expect(screen.locator("[data-form-errors]")).to_contain_text("客户希望何时解决")
    expect(screen.locator("#id_need")).to_have_value("不积分")
    expect(screen.locator("#id_caller_name")).to_have_value("李红梅")
    assert not Call.objects.exists()


def test_a_store_that_is_not_known_is_added_on_the_way(screen, shop):
    screen.keyboard.type("13900139000")
    screen.get_by_text("找不到？登记新门店").focus()
    screen.keyboard.press("Enter")
    screen.locator("#id_new_customer_name").fill("新客便利")
    screen.locator("#id_new_store_name").fill("新客便利一店")
    screen.locator("#id_new_store_address").fill("中山路 1 号")
    screen.locator("#id_caller_name").fill("赵强")
    screen.locator("#id_product").select_option(str(shop.product.uid))
    screen.locator("#id_need").fill("想装积分产品")
    screen.keyboard.press("Alt+2")
    screen.locator("[name=expected_at_choice][value=none]").check()
    screen.locator("#id_read_back").check()
    screen.keyboard.press("Control+Enter")

    expect(screen.locator("h1")).to_contain_text("登记工单")
    assert Store.objects.get(name="新客便利一店").customer.name == "新客便利"
    assert Contact.objects.get(name="赵强").phone == "13900139000"


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_is_wider_than_the_screen(width, page_of, helpdesk, shop):
    page = page_of(helpdesk, width=width)
    for url in (INTAKE, reverse("tickets:inbox"), reverse("tickets:promises"),
                reverse("tickets:calls"), reverse("tickets:referrals")):  # fmt: skip
        page.goto(url)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{url}: {wide} px"
