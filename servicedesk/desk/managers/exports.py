"""Tables of the managers' pages as CSV and XLSX: no formula gets out, each export is recorded.

A view answers `?export=<table>.<csv|xlsx>` by `export(request, tables, filters)`.
"""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

import xlsxwriter
from django.http import FileResponse, Http404, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from servicedesk.core.errors import Refused
from servicedesk.core.http import DeskRequest
from servicedesk.desk.actions import note_export
from servicedesk.desk.managers.filters import ManagerFilter

# What a spreadsheet takes for a formula at the start of a cell; blanks before it do not help.
FORMULA = re.compile(r"^[\s\u3000]*[=+\-@\t\r\0＝＋－＠]")
# Characters that neither format can hold.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
FORMATS = ("csv", "xlsx")
# A sheet is written as a whole before its first byte is sent; a CSV goes out row by row.
SHEET_ROWS = 50_000
Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell that is shown otherwise than it is exported, or leads somewhere."""

    value: Any
    text: Any = None
    url: str = ""

    def __html__(self) -> SafeString:
        text = self.value if self.text is None else self.text
        return format_html('<a href="{}">{}</a>', self.url, text) if self.url else escape(text)

    __str__ = __html__  # templates ask for this one


@dataclass(frozen=True, slots=True)
class Table:
    """What is exported, and shown below a chart. Numbers are numbers; None is an empty cell."""

    name: str
    title: Any
    columns: Sequence[Any]
    rows: Iterable[Sequence[Any]]
    # Of a table that is read while it is sent, how many rows it has.
    length: int | None = field(default=None)

    def __len__(self) -> int:
        return len(list(self.rows)) if self.length is None else self.length

    @property
    def markup(self) -> SafeString:
        """The rows of its body: the first cell names the row, the others are figures."""
        return format_html_join(
            "", "<tr>{}</tr>",
            ([format_html_join("", '<td{}>{}</td>', _cells(row))] for row in self.rows),
        )  # fmt: skip


NUMBER, PLAIN = SafeString(' class="num"'), SafeString("")


def _cells(row: Sequence[Any]) -> Iterator[tuple[SafeString, Any]]:
    for number, value in enumerate(row):
        yield NUMBER if number else PLAIN, "—" if value is None else value


def safe(value: Any) -> Cell:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, Shown):
        value = value.value
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    text = str(value)
    prefix = "'" if FORMULA.match(text) else ""
    return prefix + UNPRINTABLE.sub("", text)


def export(
    request: DeskRequest,
    tables: Iterable[Table],
    filters: ManagerFilter,
    *,
    now: datetime | None = None,
) -> HttpResponseBase | None:
    """The file that `?export=` asks for; None if it asks for none.

    now: of tables that show a moment and no period; the file is named after it.
    """
    wanted = request.GET.get("export", "")
    if not wanted:
        return None
    name, _dot, kind = wanted.rpartition(".")
    table = next((table for table in tables if table.name == name), None)
    if table is None or kind not in FORMATS:
        raise Http404
    if kind == "xlsx" and len(table) > SHEET_ROWS:
        raise Refused(
            gettext("An XLSX file has at most %(rows)s rows here; export it as CSV.")
            % {"rows": SHEET_ROWS}
        )
    note_export(
        table=name, title=str(table.title), file_type=kind, filters=filters.described[:500],
        rows=len(table), at=timezone.now(), by=request.actor,
    )  # fmt: skip
    days = filters.span
    span = f"{days.first:%Y%m%d}-{days.last:%Y%m%d}"
    if now is not None:
        span = f"{timezone.localtime(now):%Y%m%d-%H%M}"
    file_name = f"{table.title}_{span}.{kind}"
    return (csv_of if kind == "csv" else xlsx_of)(table, file_name)


class _Line:
    """A “file” that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _lines(table: Table) -> Iterator[str]:
    writer = csv.writer(_Line())
    # The mark tells Excel that it is UTF-8.
    yield "\ufeff" + writer.writerow([safe(str(column)) for column in table.columns])
    for row in table.rows:
        yield writer.writerow(["" if (cell := safe(value)) is None else cell for value in row])


def csv_of(table: Table, file_name: str) -> HttpResponseBase:
    response = StreamingHttpResponse(_lines(table), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = _attachment(file_name)
    return response


def xlsx_of(table: Table, file_name: str) -> HttpResponseBase:
    """Row by row into a file on disk, which is then sent: memory does not grow with the rows."""
    # Closed by the response.
    file = tempfile.TemporaryFile()  # noqa: SIM115
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False})
    # What a sheet may be called: 31 characters, none of these.
    sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\']", " ", str(table.title))[:31].strip())
    bold = book.add_format({"bold": True})
    for column, label in enumerate(table.columns):
        sheet.write_string(0, column, str(safe(str(label))), bold)
    for number, row in enumerate(table.rows, start=1):
        for column, value in enumerate(map(safe, row)):
            if isinstance(value, str):
                sheet.write_string(number, column, value)
            elif value is not None:
                sheet.write_number(number, column, value)
    book.close()
    file.seek(0)
    response = FileResponse(
        file,
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    response["Content-Disposition"] = _attachment(file_name)
    return response


def _attachment(file_name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(file_name)}"
