"""A heat map of the week: a table drawn by the server, each cell a link to its records.

The shade says roughly how many, the number in the cell exactly: nobody needs to tell colours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from servicedesk.desk.managers.exports import Shown, Table

# css/managers.css has as many, from few to many; 0 is none.
STEPS = 6
HOURS = range(24)
WEEKDAYS = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))


@dataclass(frozen=True, slots=True)
class Cell:
    number: int
    step: int
    url: str
    label: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """`steps`: for the legend, (step, "3–5"). The other fields are those of a Chart."""

    name: str
    title: Any
    subtitle: Any
    rows: Sequence[tuple[Any, Sequence[Cell]]]
    steps: Sequence[tuple[int, str]]
    table: Table
    export_base: str
    kind: str = "heat"

    @property
    def hours(self) -> range:
        return HOURS

    @property
    def empty(self) -> bool:
        return not any(cell.number for _day, cells in self.rows for cell in cells)


def heat_map(
    name: str,
    title: Any,
    counted: Mapping[int, int],
    *,
    subtitle: Any,
    url: Callable[[int], str],
    export_base: str,
) -> HeatMap:
    """counted: hour of the week (Monday 0:00 is 0) → number."""
    most = max(counted.values(), default=0)
    rows = [(day, [_cell(number * 24 + hour, counted, most, url) for hour in HOURS])
            for number, day in enumerate(WEEKDAYS)]  # fmt: skip
    table = Table(name, title, [_("Weekday"), *(f"{hour}:00" for hour in HOURS)], [
        [str(day), *(Shown(cell.number, url=cell.url) for cell in cells)] for day, cells in rows
    ])  # fmt: skip
    return HeatMap(name, title, subtitle, rows, list(_legend(most)), table, export_base)


def _cell(at: int, counted: Mapping[int, int], most: int, url: Callable[[int], str]) -> Cell:
    number = counted.get(at, 0)
    return Cell(number, step_of(number, most), url(at) if number else "", span(at))


def step_of(number: int, most: int) -> int:
    """Equal parts of the highest number; anything at all is at least the first."""
    return math.ceil(STEPS * number / most) if number else 0


def span(at: int) -> str:
    day, hour = divmod(at, 24)
    return f"{WEEKDAYS[day]} {hour}:00–{hour + 1}:00"


def _legend(most: int) -> list[tuple[int, str]]:
    found = []
    for step in range(1, STEPS + 1):
        # The numbers n of this step: most * (step - 1) / STEPS < n <= most * step / STEPS.
        first, last = most * (step - 1) // STEPS + 1, most * step // STEPS
        if first <= last:
            found.append((step, str(first) if first == last else f"{first}–{last}"))
    return found
