"""What hands do on the pages: open an act's dialog, tap, sign with a finger."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from playwright.sync_api import Locator, Page, expect


def complaints(page: Page) -> list[str]:
    """What the browser says about the page from now on: errors of scripts, of the policy."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(f"{page.url}: {error}"))
    page.on(
        "console",
        lambda line: (
            found.append(f"{page.url}: {line.text}") if line.type in {"error", "warning"} else None
        ),
    )
    return found


def minute(moment: datetime) -> str:
    """What one types into a field for date and time."""
    return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}"


def ago(minutes: float) -> str:
    return minute(timezone.now() - timedelta(minutes=minutes))


def dialog(page: Page, verb: str) -> Locator:
    """Open the dialog of an act on a page of the desk; its form."""
    form = f'form[action$="/{verb}/"]'
    # Its form is there already, or comes when the hand does.
    button = page.locator(f'{form}, [data-action-form][hx-get$="/{verb}/"]')
    page.locator("details[data-action-dialog]", has=button).locator("summary").click()
    expect(page.locator(form)).to_be_visible()
    return page.locator(form)


def send(form: Locator) -> None:
    """Send a dialog; a refused one would open again."""
    form.locator("button[type=submit]").click()
    expect(form.page.locator("dialog:modal")).to_have_count(0)


def thumb(page: Page, verb: str) -> None:
    """Tap the big button at the thumb, which must be for this act."""
    big = page.locator(
        f'.thumb-bar a[href$="/{verb}/"], .thumb-bar form[action$="/{verb}/"] button'
    )
    expect(big).to_have_count(1)
    big.tap()


def further(page: Page, verb: str) -> None:
    """Tap an act in the list of all others, or of those kept at hand."""
    page.locator(f':is(.act-list, .quick) a[href$="/{verb}/"]').tap()


def tick_all(form: Locator, name: str = "ticked") -> None:
    for box in form.locator(f"[name={name}]").all():
        box.check()


def choose(form: Locator, name: str, value: Any) -> None:
    """One of a row of buttons; the label is what a finger meets."""
    form.locator("label", has=form.page.locator(f'[name="{name}"][value="{value}"]')).click()


# Resolves when nothing has scrolled for ten frames.
AT_REST = """() => new Promise((done) => {
  let last = scrollY, still = 0;
  const look = () => {
    still = scrollY === last ? still + 1 : 0;
    last = scrollY;
    still < 10 ? requestAnimationFrame(look) : done();
  };
  look();
})"""


def draw(page: Page, *, waves: float) -> None:
    """Sign with a finger: two strokes, which must neither scroll the page nor be lost."""
    canvas = page.locator("[data-signature] canvas")
    page.wait_for_load_state("load")
    # The pad has taken the measure of its place.
    page.wait_for_function(
        "c => c.width === c.clientWidth * devicePixelRatio", arg=canvas.element_handle()
    )
    # In sight, at rest, and under nothing else.
    canvas.tap(trial=True)
    page.evaluate(AT_REST)
    box = canvas.bounding_box()
    assert box is not None
    scrolled = page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)

    def finger(kind: str, *points: tuple[float, float]) -> None:
        touch.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]},
        )

    for start in (0.1, 0.5):
        path = [
            (
                box["x"] + box["width"] * (start + i / 75),
                box["y"] + box["height"] * (0.5 + 0.3 * math.sin(i / waves)),
            )
            for i in range(26)
        ]
        finger("touchStart", path[0])
        for point in path[1:]:
            finger("touchMove", point)
        # A finger that rests before it is lifted throws nothing: Chromium takes the tap after
        # a throw for its end.
        page.wait_for_timeout(120)
        finger("touchMove", path[-1])
        finger("touchEnd")
    expect(page.locator("[name=strokes]")).not_to_have_value("")
    assert abs(page.evaluate("scrollY") - scrolled) < 2
