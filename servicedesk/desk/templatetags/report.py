"""Charts of the monthly report: bars as plain SVG, since nothing runs in a PDF."""

from __future__ import annotations

import math
from typing import Any

from django import template
from django.utils.translation import gettext

register = template.Library()

WIDTH, HEIGHT = 720, 136
LEFT, RIGHT, TOP, BOTTOM = 30, 4, 12, 20
# As in css/tokens.css, light; also told apart when printed in grey.
COLOURS = {
    "good": "#2f9e63", "bad": "#c8372d", "info": "#3b82c4", "active": "#7a5bbd",
    "wait": "#e0a320", "neutral": "#b9c0cc",
}  # fmt: skip
# Below this height a number does not fit into its bar.
LOWEST_LABELLED = 11


@register.simple_tag
def tab() -> str:
    """To the next column of an annex line."""
    return "\t"


@register.filter
def verdict(value: str) -> str:
    """Behind a promised time: whether it was kept."""
    return {"met": " " + gettext("in time"), "late": " " + gettext("time missed")}.get(value, "")


@register.inclusion_tag("pdf/_bars.html")
def bars(chart: dict[str, Any]) -> dict[str, Any]:
    """Geometry alone; every number was frozen with the report (managers.report_facts)."""
    stretches = list(range(len(chart["labels"])))
    slot = (WIDTH - LEFT - RIGHT) / max(len(stretches), 1)
    top, ticks = _scale(chart)
    draw = _grouped if chart["shares"] else _stacked
    boxes, numbers = draw(chart, slot, top)
    return {
        "chart": chart, "width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT,
        "bottom": HEIGHT - BOTTOM,
        "ticks": [{"y": _y(value, top), "label": value} for value in ticks],
        "boxes": boxes, "numbers": numbers,
        "labels": [
            {"x": f"{LEFT + (n + 0.5) * slot:.1f}", "text": chart["labels"][n]} for n in stretches
        ],
        "legend": [
            {"colour": COLOURS[series["tone"]], "label": series["label"]}
            for series in chart["series"]
        ],
    }  # fmt: skip


def _y(value: float, top: float) -> str:
    return f"{HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP):.1f}"


def _scale(chart: dict[str, Any]) -> tuple[int, list[int]]:
    """The highest value of the axis and its marks: round numbers, four steps at most."""
    if chart["shares"]:
        return 100, [0, 25, 50, 75, 100]
    totals = [sum(values) for values in zip(*(s["values"] for s in chart["series"]), strict=True)]
    highest = max([*totals, 1])
    rough = max(highest / 4, 1)
    power = 10 ** math.floor(math.log10(rough))
    step = next(int(power * n) for n in (1, 2, 5, 10) if power * n >= rough)
    top = math.ceil(highest / step) * step
    return top, list(range(0, top + 1, step))


Drawn = tuple[list[dict[str, str]], list[dict[str, str]]]


def _stacked(chart: dict[str, Any], slot: float, top: float) -> Drawn:
    boxes, numbers = [], []
    scale = (HEIGHT - BOTTOM - TOP) / top
    width = min(slot * 0.72, 46)
    for n in range(len(chart["labels"])):
        middle, base = LEFT + (n + 0.5) * slot, float(HEIGHT - BOTTOM)
        for series in chart["series"]:
            value = series["values"][n]
            height = value * scale
            base -= height
            if not value:
                continue
            boxes.append(_box(middle - width / 2, base, width, height, series["tone"]))
            if height >= LOWEST_LABELLED and len(str(value)) * 5 < width:
                numbers.append(_text(middle, base + height / 2 + 2.8, str(value), "#fff"))
        total = sum(series["values"][n] for series in chart["series"])
        if total:
            numbers.append(_text(middle, base - 3, str(total), "#14181f"))
    return boxes, numbers


def _grouped(chart: dict[str, Any], slot: float, top: float) -> Drawn:
    """Shares side by side, each with the two numbers it stands on."""
    boxes, numbers = [], []
    scale = (HEIGHT - BOTTOM - TOP) / top
    width = min(slot * 0.84 / len(chart["series"]), 40)
    for n in range(len(chart["labels"])):
        start = LEFT + (n + 0.5) * slot - width * len(chart["series"]) / 2
        for place, series in enumerate(chart["series"]):
            part, whole = series["values"][n], series["wholes"][n]
            if not whole:
                continue
            height = 100 * part / whole * scale
            y = HEIGHT - BOTTOM - height
            x = start + place * width
            boxes.append(_box(x + 1, y, width - 2, height, series["tone"]))
            numbers.append(_text(x + width / 2, y - 3, f"{part}/{whole}", "#14181f"))
    return boxes, numbers


def _box(x: float, y: float, width: float, height: float, tone: str) -> dict[str, str]:
    return {
        "x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{width:.1f}", "height": f"{height:.1f}",
        "colour": COLOURS[tone],
    }  # fmt: skip


def _text(x: float, y: float, text: str, colour: str) -> dict[str, str]:
    return {"x": f"{x:.1f}", "y": f"{y:.1f}", "text": text, "colour": colour}
