"""The dispatch board by hand: dragged, by keyboard alone, and the customer's own choice of a time."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import icalendar
import pytest
from django.utils import timezone
from playwright.sync_api import expect

from customers.models import Contact
from servicedesk.core.models import OutboxMessage
from tests.browser.hands import complaints
from tests.browser.test_pages import turn, violations
from tests.visits.factories import make_visit
from visits import actions
from visits.models import Appointment, VisitOrder
from visits.states import Status

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)


def tomorrow(hour: int) -> datetime:
    day = timezone.localdate() + timedelta(days=1)
    return timezone.make_aware(datetime.combine(day, time(hour)))


def planned(visit: VisitOrder) -> tuple[str, str]:
    visit.refresh_from_db()
    assert visit.planned_from is not None
    assert visit.engineer is not None
    return f"{timezone.localtime(visit.planned_from):%m-%d %H:%M}", visit.engineer.name


def board_of(page, span="day", **more):
    query = "".join(f"&{name}={value}" for name, value in more.items())
    page.goto(f"/visits/board/?day={tomorrow(0):%Y-%m-%d}&span={span}{query}")


def test_an_order_is_planned_with_the_mouse_and_moved_to_another_engineer(
    page_of, dispatcher, engineer, other_engineer
):
    visit = make_visit(Status.ORDERED, engineer)
    page = page_of(dispatcher)
    said = complaints(page)
    board_of(page)

    drag(page, page.locator(f'.waiting[data-order="{visit.number}"]'), engineer, 10)
    block = page.locator(f'.block[data-order="{visit.number}"]')
    expect(block).to_contain_text("10:00")
    assert planned(visit) == (f"{tomorrow(10):%m-%d %H:%M}", engineer.name)

    # From his lane into another's, by the week: the first free window of that day.
    board_of(page, "week")
    cell = page.locator(
        f'[data-engineer="{other_engineer.uid}"] [data-cell="{tomorrow(0):%Y-%m-%d}"]'
    )
    block = page.locator(f'.block[data-order="{visit.number}"]')
    page.mouse.move(*middle(block))
    page.mouse.down()
    page.mouse.move(*middle(cell), steps=4)
    expect(cell).to_have_class("drop-here")
    page.mouse.up()
    expect(cell.locator(f'.block[data-order="{visit.number}"]')).to_be_visible()
    assert planned(visit)[1] == other_engineer.name
    assert said == []


def middle(found) -> tuple[float, float]:
    box = found.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, item, engineer, hour: int) -> None:
    box = page.locator(f'[data-engineer="{engineer.uid}"] [data-time]').bounding_box()
    assert box is not None
    grid = page.locator("[data-quarters]")
    first, quarters = (int(grid.get_attribute(f"data-{n}")) for n in ("first-hour", "quarters"))
    page.mouse.move(*middle(item))
    page.mouse.down()
    page.mouse.move(
        box["x"] + box["width"] * 4 * (hour - first) / quarters, box["y"] + box["height"] / 2,
        steps=4,
    )  # fmt: skip
    expect(page.locator(".drop-mark")).to_have_text(f"{hour:02}:00")
    page.mouse.up()


def test_an_order_is_planned_by_the_keyboard_alone(page_of, dispatcher, engineer):
    visit = make_visit(Status.ORDERED, engineer)
    page = page_of(dispatcher)
    board_of(page)
    keys = page.keyboard

    item = page.locator(f'.waiting[data-order="{visit.number}"]')
    for _ in range(80):
        keys.press("Tab")
        if item.evaluate("item => item === document.activeElement"):
            break
    keys.press("Space")
    expect(page.locator("[data-board-said]")).to_contain_text("09:00")
    keys.press("Escape")
    expect(page.locator(".drop-mark")).to_have_count(0)
    keys.press("Space")
    for _ in range(6):
        keys.press("ArrowRight")
    expect(page.locator("[data-board-said]")).to_contain_text("10:30–11:30")
    keys.press("Enter")

    expect(page.locator(f'.block[data-order="{visit.number}"]')).to_contain_text("10:30")
    assert planned(visit) == (f"{tomorrow(10) + HOUR / 2:%m-%d %H:%M}", engineer.name)
    # What is in hand now is shown with its proposals; both themes, for everybody.
    found = []
    for width, theme in ((1440, "light"), (390, "dark")):
        turn(page, width, theme)
        found += violations(page, f"board {width} {theme}")
    assert found == []


def test_what_clashes_and_what_is_too_much_is_marked(page_of, dispatcher, engineer):
    late = make_visit(Status.ORDERED, engineer)
    by = dispatcher.as_actor()
    for hour in (8, 10, 12, 14, 16, 18):
        actions.plan(
            make_visit(Status.ORDERED, engineer), engineer=engineer, window_from=tomorrow(hour),
            window_until=tomorrow(hour) + 1.4 * HOUR, at=timezone.now(), by=by,
        )  # fmt: skip
    page = page_of(dispatcher)
    board_of(page)
    lane = page.locator(f'[data-engineer="{engineer.uid}"]')
    expect(lane).to_contain_text("负荷过重")

    drag(page, page.locator(f'.waiting[data-order="{late.number}"]'), engineer, 11)
    # A plan is no promise, so two may overlap; both say so.
    expect(page.locator(f'.block[data-order="{late.number}"] .block-mark').first).to_contain_text(
        "冲突"
    )


def test_the_customer_confirms_by_the_link_from_his_mail_and_later_moves(
    page_of, live_server, settings, dispatcher, engineer
):
    settings.BASE_URL = live_server.url
    visit = make_visit(Status.ACCEPTED, engineer)
    Contact.objects.filter(pk=visit.contact_id).update(email="li@example.com")
    desk, phone = page_of(dispatcher), page_of(phone=True)
    said = complaints(phone)

    link = offer(desk, visit)
    assert link in OutboxMessage.objects.get(recipient="li@example.com").body
    phone.goto(link)
    phone.locator("[name=digits]").fill("5678")
    phone.locator("main button[type=submit]").tap()
    expect(phone.locator("label.time").first).to_be_visible()
    found = violations(phone, "choose")
    choose(phone, 1)
    made = visit.appointments.get()
    assert VisitOrder.objects.get(pk=visit.pk).window_from == made.window_from
    with phone.expect_download() as download:
        phone.get_by_role("link", name="加入我的日历").tap()
    entry = calendar_of(download.value.path())
    assert (entry["dtstart"].dt, entry["sequence"]) == (made.window_from, 0)
    found += violations(phone, "chosen")

    link = offer(desk, visit, asked_by="engineer", reason="配件明天才到")
    phone.goto(link)
    phone.locator("[name=digits]").fill("5678")
    phone.locator("main button[type=submit]").tap()
    expect(phone.locator("main")).to_contain_text("配件明天才到")
    found += violations(phone, "move")
    choose(phone, 2)
    moved = visit.appointments.latest("pk")
    assert moved.replaces_id == made.pk
    with phone.expect_download() as download:
        phone.get_by_role("link", name="加入我的日历").tap()
    entry = calendar_of(download.value.path())
    # The calendar program replaces the former entry.
    assert (entry["dtstart"].dt, entry["sequence"]) == (moved.window_from, 1)
    assert Appointment.objects.filter(visit=visit).count() == 2
    assert found + said == []


def offer(desk, visit, **wish) -> str:
    desk.goto(f"/visits/{visit.number}/offer_times/")
    for name, value in wish.items():
        field = desk.locator(f"[name={name}]").first
        if field.get_attribute("type") == "radio":
            desk.locator(f'[name={name}][value="{value}"]').check(force=True)
        elif field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    desk.locator('main form[action$="/offer_times/"] button[type=submit]').click()
    text = desk.locator("[data-share]").get_attribute("data-share")
    expect(desk.locator(".notice-good")).to_contain_text("l***@example.com")
    return str(text[text.index("http") :])


def choose(phone, number: int) -> None:
    phone.locator("label.time").nth(number).tap()
    phone.get_by_role("button", name="确认这个时间").tap()
    expect(phone.locator("main")).to_contain_text("谢谢")


def calendar_of(path):
    (entry,) = icalendar.Calendar.from_ical(path.read_bytes()).walk("VEVENT")
    return entry
