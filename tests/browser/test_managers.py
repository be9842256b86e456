"""The managers' page in a browser: charts in both themes, the picture, the file, the records."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from PIL import Image
from playwright.sync_api import expect

from accounts.roles import Role
from servicedesk.core import journal
from servicedesk.desk.managers import rollups
from tests.browser.hands import complaints
from tests.browser.test_pages import violations
from tests.conftest import person
from tests.tickets.tickets.factories import make_ticket
from tickets.states import Status

pytestmark = pytest.mark.browser

PAGE = "/managers/service-level/?period=year"
# How many different colours a picture has: an empty canvas has one or two.
COLOURS = """stage => {
    const canvas = stage.querySelector("canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
}"""


@pytest.fixture
def rolled_up(transactional_db) -> None:
    engineer = person("wei", "张伟", Role.ENGINEER)
    now = timezone.now()
    for hours in (2, 5, 30):
        make_ticket(Status.CLOSED, engineer, at=now - timedelta(hours=hours))
    make_ticket(Status.ASSIGNED, engineer, at=now - timedelta(hours=28))
    journal.seal()
    rollups.catch_up()


def test_a_manager_reads_the_service_level(rolled_up, page_of, tmp_path):
    page = page_of(person("boss", "陈静", Role.MANAGER))
    said = complaints(page)
    page.goto("/")
    page.get_by_role("link", name="服务指标").click()
    page.get_by_role("link", name="服务水平", exact=True).click()
    page.get_by_label("时间段").select_option("range")
    first = timezone.localdate() - timedelta(days=40)
    page.get_by_label("开始日期").fill(first.isoformat())
    page.get_by_role("button", name="筛选").click()
    expect(page.get_by_role("heading", name="服务水平")).to_be_visible()

    # Charts are drawn in both themes, and differ.
    stages = page.locator(".chart-stage")
    expect(stages.first.locator("canvas")).to_be_visible()
    shown = [stage for stage in stages.all() if stage.locator("canvas").count()]
    assert len(shown) == stages.count() >= 5
    assert all(stage.evaluate(COLOURS) > 5 for stage in shown)
    light = shown[0].screenshot()
    assert violations(page, PAGE) == []
    page.locator("[data-theme-toggle]").first.click()
    page.wait_for_timeout(300)
    assert shown[0].screenshot() != light

    assert violations(page, PAGE) == []

    # The picture, and the table that says the same.
    with page.expect_download() as picture:
        page.locator("#chart-attainment [data-chart-png]").click()
    saved = tmp_path / "chart.png"
    picture.value.save_as(saved)
    assert saved.read_bytes().startswith(b"\x89PNG")
    assert picture.value.suggested_filename == "时限达成率.png"
    page.locator("#chart-attainment summary").click()
    expect(page.locator("#chart-attainment table")).to_be_visible()
    with page.expect_download() as sheet:
        page.locator("#chart-attainment").get_by_role("link", name=re.compile("XLSX")).click()
    assert sheet.value.suggested_filename.endswith(".xlsx")

    # A figure leads to its records, and back.
    page.locator(".figure-list").first.get_by_role("link", name="4", exact=True).click()
    expect(page.get_by_role("heading", name="受理工单")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(4)
    page.get_by_role("link", name="服务水平").first.click()
    expect(page.locator("#chart-heat")).to_be_visible()

    assert "\n".join(said) == ""


def test_the_heat_map_is_a_picture_too_and_its_cells_open_their_requests(
    rolled_up, page_of, tmp_path
):
    page = page_of(person("boss", "陈静", Role.MANAGER))
    said = complaints(page)
    page.goto(PAGE)
    figure = page.locator("#chart-heat")
    with page.expect_download() as picture:
        figure.locator("[data-chart-png]").click()
    saved = tmp_path / "heat.png"
    picture.value.save_as(saved)
    assert picture.value.suggested_filename == "各星期、时段的受理量.png"
    with Image.open(saved) as image:
        assert image.size == (2 * (56 + 24 * 42 + 16), 2 * (68 + 7 * 34 + 16))
        assert len(image.convert("RGB").getcolors(100_000)) > 20

    cell = figure.locator("td a").first
    number = cell.inner_text()
    cell.click()
    page.wait_for_url(re.compile(r"/managers/records/.*hour="))
    expect(page.locator("h1 .count")).to_have_text(number)
    assert "\n".join(said) == ""


def test_a_click_on_a_bar_opens_its_records(rolled_up, page_of):
    page = page_of(person("boss", "陈静", Role.MANAGER))
    page.goto(PAGE)
    stage = page.locator("#chart-stores .chart-stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + 40)

    page.wait_for_url(re.compile(r"/managers/records/.*store="))
