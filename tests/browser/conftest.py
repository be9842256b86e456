"""A real Chromium, people who are logged in with it, and a real worker beside them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from servicedesk.core.models import Heartbeat
from tests.sla.processes import running, wait_until

# Playwright runs an event loop in this thread; Django would refuse the database because of it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
# Long enough for a machine on which other tests run as well.
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)


def chromium_program() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="session")
def playwright_here() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright_here: Playwright) -> Iterator[Browser]:
    browser = playwright_here.chromium.launch(executable_path=chromium_program(), args=QUIET)
    yield browser
    browser.close()


@pytest.fixture
def page_of(
    transactional_db, live_server, chromium: Browser, playwright_here: Playwright
) -> Iterator[Callable[..., Page]]:
    """`page_of(person, width=390)`: a page in a browser of this person's own.

    `phone=True` makes it a telephone with touch; without a person nobody is logged in.
    """
    contexts: list[BrowserContext] = []

    def open_page(
        person: Any = None, *, width: int = 1440, height: int = 900, phone: bool = False
    ) -> Page:
        # The customer's telephone is not the engineer's, and says so.
        model = "Pixel 7" if person is not None else "Galaxy S9+"
        device: dict[str, Any] = dict(playwright_here.devices[model]) if phone else {}
        device["viewport"] = {"width": 390, "height": 844} if phone else {
            "width": width, "height": height,
        }  # fmt: skip
        device.pop("default_browser_type", None)
        device["device_scale_factor"] = 1
        context = chromium.new_context(
            base_url=live_server.url, locale="zh-CN", timezone_id="Asia/Shanghai", **device
        )
        contexts.append(context)
        if person is not None:
            context.add_cookies([session_of(person, live_server.url)])
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        return page

    yield open_page
    for number, context in enumerate(contexts):
        if folder := os.environ.get("BROWSER_SHOTS"):
            context.pages[0].screenshot(path=f"{folder}/{number}.png", full_page=True)
        context.close()


def session_of(person: Any, url: str) -> Any:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}


@pytest.fixture
def worker(transactional_db, live_server, settings) -> Iterator[None]:
    """A real Celery worker with its ticker, on the database and the files of this test."""
    settings.BASE_URL = live_server.url
    with running(
        "celery", "-A", "servicedesk", "worker", "--pool", "solo", "--loglevel", "warning",
        "--without-gossip", "--without-mingle",
        settings_module="tests.sla.worker_settings",
        BASE_URL=live_server.url,
        TEST_MEDIA_ROOT=str(settings.MEDIA_ROOT),
        TEST_SEAL_KEY_DIR=str(settings.SEAL_KEY_DIR),
    ) as process:  # fmt: skip
        assert wait_until(Heartbeat.objects.exists, 60), process.poll()
        yield
