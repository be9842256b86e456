"""Exceptions of a calendar from a file: CSV (date, name, hours) or iCalendar. No network."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import StringIO
from typing import IO, Any

from django.utils.translation import gettext as _
from icalendar import Calendar as ICalendar

from servicedesk.core.errors import Refused
from sla.hours import parse, spell
from sla.models import CalendarVersion

MOST_BYTES = 1024 * 1024
MOST_ROWS = 1000
LONGEST = 366
LONGEST_NAME = 80
# How feeds mark a working day that makes up for a holiday.
MAKE_UP = ("补班", "上班", "班）", "（班", "make-up", "makeup")
HEADS = {
    "date": "date", "日期": "date", "name": "name", "名称": "name", "说明": "name",
    "windows": "windows", "hours": "windows", "工作时间": "windows", "时段": "windows",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A line or event of the file, and what it would do; with `error` it does nothing."""

    line: int
    day: date | None
    name: str
    windows: list[list[int]]
    error: str = ""
    # "new", "changed" or "same".
    effect: str = ""

    @property
    def hours(self) -> str:
        return spell(self.windows)


def read(file: IO[bytes], name: str, size: int, version: CalendarVersion) -> list[Row]:
    """The rows of a file beside the calendar as it is. Refused where it cannot be read at all."""
    if size > MOST_BYTES:
        raise Refused(_("The file is larger than 1 MB."), field="file")
    content = file.read(MOST_BYTES + 1)
    is_ical = name.lower().endswith((".ics", ".ical")) or content[:200].lstrip(
        b"\xef\xbb\xbf \r\n"
    ).startswith(b"BEGIN:VCALENDAR")
    found = _events(content, version) if is_ical else _lines(content)
    rows: list[Row] = []
    seen: dict[date, int] = {}
    for row in found:
        if len(rows) == MOST_ROWS:
            raise Refused(_("The file has more than 1,000 days."), field="file")
        rows.append(_beside(row, seen, version))
    if not rows:
        raise Refused(_("There are no days in the file."), field="file")
    return rows


def days_of(rows: list[Row]) -> dict[str, dict[str, Any]]:
    """What the calendar is to learn from the rows."""
    return {
        row.day.isoformat(): {"name": row.name, "windows": row.windows}
        for row in rows
        if row.day is not None and row.effect in {"new", "changed"}
    }


def _beside(row: Row, seen: dict[date, int], version: CalendarVersion) -> Row:
    if row.error or row.day is None:
        return row
    if row.day in seen:
        text = _("Line %(line)d names this day already.") % {"line": seen[row.day]}
        return Row(row.line, row.day, row.name, row.windows, error=text)
    seen[row.day] = row.line
    known = version.days.get(row.day.isoformat())
    effect = "new"
    if known is not None:
        same = (known["name"], known["windows"]) == (row.name, row.windows)
        effect = "same" if same else "changed"
    return Row(row.line, row.day, row.name, row.windows, effect=effect)


# --- CSV ----------------------------------------------------------------------------------------


def _lines(content: bytes) -> Iterator[Row]:
    text = _decoded(content)
    first = text.partition("\n")[0]
    reader = csv.reader(StringIO(text, newline=""), delimiter=max(",\t;", key=first.count))
    columns: list[str] | None = None
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if not any(stripped):
                continue
            if columns is None:
                columns = _columns(stripped)
                continue
            yield _line(reader.line_num, dict(zip(columns, stripped, strict=False)))
    except csv.Error as error:
        raise Refused(
            _("Line %(line)d cannot be read.") % {"line": reader.line_num}, field="file"
        ) from error


def _columns(head: list[str]) -> list[str]:
    columns = [HEADS.get("".join(cell.split()).lower(), "") for cell in head]
    if "date" not in columns or "name" not in columns or "" in columns:
        raise Refused(
            _("The first line names the columns: date, name, windows (日期，名称，工作时间)."),
            field="file",
        )
    return columns


def _line(line: int, cells: dict[str, str]) -> Row:
    name, problem = _named(cells.get("name", ""))
    try:
        day = _date(cells.get("date", ""))
    except ValueError:
        return Row(line, None, name, [], error=_("This is not a date: write 2026-10-01."))
    try:
        windows = [list(window) for window in parse(cells.get("windows", ""))]
    except ValueError:
        text = _("These are no hours: write 09:00-12:00 13:00-18:00, or nothing for closed.")
        return Row(line, day, name, [], error=text)
    return Row(line, day, name, windows, error=problem)


def _date(text: str) -> date:
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day, no moment
        except ValueError:
            continue
    raise ValueError(text)


def _decoded(content: bytes) -> str:
    """Excel in China saves CSV as GB18030; everything else is UTF-8 these days."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Refused(_("The file is neither UTF-8 nor GB18030 text."), field="file")


# --- iCalendar ----------------------------------------------------------------------------------


def _events(content: bytes, version: CalendarVersion) -> Iterator[Row]:
    try:
        events = ICalendar.from_ical(content).walk("VEVENT")
    except (ValueError, IndexError, KeyError, AttributeError, TypeError) as error:
        # The parser fails in all these ways on what is no iCalendar.
        raise Refused(_("This is not a readable iCalendar file."), field="file") from error
    for number, event in enumerate(events, start=1):
        yield from _event(number, event, version)


def _event(number: int, event: Any, version: CalendarVersion) -> Iterator[Row]:
    name, problem = _named(str(event.get("SUMMARY", "")))
    start: Any = getattr(event.get("DTSTART"), "dt", None)
    end: Any = getattr(event.get("DTEND"), "dt", None)
    if not _is_day(start) or (end is not None and not _is_day(end)):
        problem = problem or _("Only whole days can be read, and this event has a time or no day.")
    elif event.get("RRULE") is not None:
        problem = problem or _("Repeating events cannot be read; write each day.")
    elif end is not None and not 0 <= (end - start).days <= LONGEST:
        problem = problem or _("The event is longer than a year, or ends before it starts.")
    if problem:
        yield Row(number, start if _is_day(start) else None, name, [], error=problem)
        return
    makes_up = any(mark in name.lower() for mark in MAKE_UP)
    working: list[list[int]] = next((day for day in version.weekly if day), [])
    first: date = start
    # The end of an event of whole days is the day after it.
    for offset in range(max((end - first).days, 1) if end is not None else 1):
        yield Row(number, first + timedelta(days=offset), name, working if makes_up else [])


def _is_day(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _named(text: str) -> tuple[str, str]:
    """The tidied name, and what is wrong with it."""
    name = " ".join(text.replace("\0", "").split())
    if not name:
        return name, _("The name is missing.")
    if len(text.strip().splitlines()) > 1:
        return name, _("The name has a line break.")
    if len(name) > LONGEST_NAME:
        return name[:LONGEST_NAME], _("The name is longer than 80 characters.")
    return name, ""
