"""Working hours as people write them: “09:00-12:00 13:30-18:00”. Knows no database."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sla.worktime import Window, check

_WINDOW = re.compile(r"(\d{1,2})[:：](\d{2})\s*(?:-|–|—|－|~|～|至|到)\s*(\d{1,2})[:：](\d{2})")
_BETWEEN = re.compile(r"[\s,，、;；/]*")


def parse(text: str) -> tuple[Window, ...]:
    """The windows of a day; ValueError where the text says anything else. No text: none."""
    windows: list[Window] = []
    place = len(text) - len(text.lstrip())
    text = text.rstrip()
    while place < len(text):
        found = _WINDOW.match(text, place)
        if found is None:
            raise ValueError(text[place:])
        h, m, until_h, until_m = (int(part) for part in found.groups())
        if m > 59 or until_m > 59:
            raise ValueError(found.group())
        windows.append(((h * 60 + m) * 60, (until_h * 60 + until_m) * 60))
        gap = _BETWEEN.match(text, found.end())
        place = gap.end() if gap else found.end()
    windows.sort()
    check(windows)
    return tuple(windows)


def spell(windows: Iterable[Iterable[int]]) -> str:
    """The other way round."""
    return " ".join("-".join(_clock(second) for second in window) for window in windows)


def _clock(second: int) -> str:
    clock = f"{second // 3600:02}:{second // 60 % 60:02}"
    return f"{clock}:{second % 60:02}" if second % 60 else clock
