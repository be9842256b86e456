"""The public calendar of mainland China, as the package `chinesecalendar` knows it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from chinese_calendar import Holiday
from chinese_calendar.constants import holidays, workdays

NAMES: dict[str, str] = {holiday.value: holiday.chinese for holiday in Holiday}
# Tells the days of the public calendar from those that a person has set.
PUBLIC = "public"


def known_years() -> list[int]:
    """The State Council announces a year in the November before; then a new package is due."""
    return sorted({day.year for day in holidays})


def public_days(windows: list[list[int]], since: int) -> dict[str, dict[str, Any]]:
    """Holidays and make-up working days (调休) of the known years from `since` on.

    windows: the hours of a make-up day.
    """
    return dict(sorted(_days(windows, since)))


def _days(windows: list[list[int]], since: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for day, name in holidays.items():
        if day.year >= since:
            yield day.isoformat(), _day(_spelled(name), [])
    for day, name in workdays.items():
        if day.year >= since:
            yield day.isoformat(), _day(f"{_spelled(name)}调休", windows)


def _spelled(name: str) -> str:
    return NAMES.get(name, name)


def _day(name: str, windows: list[list[int]]) -> dict[str, Any]:
    return {"name": name, "windows": windows, PUBLIC: True}


def missing_year(today: date) -> int | None:
    """Next year, where its holidays are still unknown although they are announced by now."""
    years = known_years()
    if today.year not in years:
        return today.year
    return today.year + 1 if today.month >= 11 and today.year + 1 not in years else None
