"""Files with master data: CSV or XLSX in, rows of text out; and the empty file to fill in."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO, StringIO
from typing import Any, BinaryIO

import xlsxwriter
from defusedxml.common import DefusedXmlException
from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from customers.actions.importing import COLUMNS, Row
from customers.actions.parts import COLUMNS as PART_COLUMNS
from servicedesk.core.errors import Refused

MOST_BYTES = 5 * 1024 * 1024
MOST_ROWS = 5000
# A file of 5 MB may unpack to a thousand times as much.
MOST_UNPACKED = 60 * 1024 * 1024

LABELS: dict[str, str | Promise] = {
    "customer_code": gettext_lazy("Customer code"),
    "customer_name": gettext_lazy("Customer's full name"),
    "customer_short_name": gettext_lazy("Customer's short name"),
    "industry": gettext_lazy("Industry"),
    "store_code": gettext_lazy("Store code"),
    "store_name": gettext_lazy("Store's name"),
    "province": gettext_lazy("Province"),
    "city": gettext_lazy("City"),
    "district": gettext_lazy("District"),
    "address": gettext_lazy("Address"),
    "store_phone": gettext_lazy("Store's telephone"),
    "opening_hours": gettext_lazy("Opening hours"),
    "contact_name": gettext_lazy("Contact"),
    "salutation": gettext_lazy("Form of address"),
    "position": gettext_lazy("Position"),
    "contact_phone": gettext_lazy("Contact's telephone"),
    "product_code": gettext_lazy("Product code"),
    "software_version": gettext_lazy("Software version"),
    "remote_id": gettext_lazy("Remote id"),
}
EXAMPLE = {
    "customer_code": "DX", "customer_name": "大兴连锁超市有限公司", "customer_short_name": "大兴超市",
    "industry": "零售", "store_code": "DX001", "store_name": "大兴超市中山路店",
    "province": "北京市", "city": "北京市", "district": "大兴区", "address": "中山路 18 号",
    "store_phone": "010-60000001", "opening_hours": "08:00-22:00", "contact_name": "李梅",
    "salutation": "李店长", "position": "店长", "contact_phone": "13800000000",
    "product_code": "JF", "software_version": "3.2.1", "remote_id": "100200300",
}  # fmt: skip


PART_LABELS: dict[str, str | Promise] = {
    "part_code": gettext_lazy("Part code"),
    "part_name": gettext_lazy("Part"),
    "part_spec": gettext_lazy("Specification"),
    "part_unit": gettext_lazy("Unit"),
}
assert list(PART_LABELS) == list(PART_COLUMNS)


@dataclass(frozen=True, slots=True)
class Layout:
    """What a file of one kind is made of: its columns, and the one that names a record."""

    labels: Mapping[str, str | Promise]
    key: str


MASTER_DATA = Layout(LABELS, "customer_code")
PARTS = Layout(PART_LABELS, "part_code")


def read(file: BinaryIO, name: str, size: int, layout: Layout = MASTER_DATA) -> list[Row]:
    """The rows of an uploaded file. Refused where the file as a whole cannot be right."""
    if size > MOST_BYTES:
        raise Refused(_("The file is larger than 5 MB."), field="file")
    content = file.read(MOST_BYTES + 1)
    table = _xlsx(content) if name.lower().endswith(".xlsx") else _csv(content)
    columns: list[str] | None = None
    rows: list[Row] = []
    for line, cells in table:
        if not any(cells):
            continue
        if columns is None:
            columns = _columns(cells, layout)
            continue
        if any("\0" in cell for cell in cells):
            raise Refused(_("Line %(line)d cannot be read.") % {"line": line}, field="file")
        if len(rows) == MOST_ROWS:
            raise Refused(_("The file has more than 5,000 rows."), field="file")
        if any(cells[len(columns) :]):
            raise Refused(
                _("Line %(line)d has more cells than the first line.") % {"line": line},
                field="file",
            )
        named = zip(columns, cells, strict=False)
        rows.append((line, {column: text for column, text in named if text}))
    if not rows:
        raise Refused(_("There are no rows in the file."), field="file")
    return rows


def template() -> bytes:
    """An XLSX with the columns and one example; all cells are text, so 0755 stays 0755."""
    buffer = BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet()
    text = book.add_format({"num_format": "@"})
    head = book.add_format({"num_format": "@", "bold": True, "bg_color": "#e7edf5"})
    sheet.set_column(0, len(COLUMNS) - 1, 18, text)
    for place, column in enumerate(COLUMNS):
        sheet.write_string(0, place, str(LABELS[column]), head)
        sheet.write_string(1, place, EXAMPLE[column], text)
    sheet.freeze_panes(1, 0)
    book.close()
    return buffer.getvalue()


def _columns(head: list[str], layout: Layout) -> list[str]:
    """The columns by their names in any of our languages; a strange one is not passed over."""
    known = {"".join(key.split()).lower(): key for key in layout.labels}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            known |= {
                "".join(str(label).split()).lower(): key for key, label in layout.labels.items()
            }
    while head and not head[-1]:
        head = head[:-1]
    found = [known.get("".join(cell.split()).lower(), "") for cell in head]
    strange = [cell or "—" for cell, key in zip(head, found, strict=True) if not key]
    if strange:
        raise Refused(
            _("These columns are not known: %(names)s. Take the template as a pattern.")
            % {"names": "、".join(strange)[:200]},
            field="file",
        )
    if len(set(found)) < len(found) or layout.key not in found:
        raise Refused(
            _("The first line must name each column once, “%(name)s” among them.")
            % {"name": layout.labels[layout.key]},
            field="file",
        )
    return found


def _csv(content: bytes) -> Iterator[tuple[int, list[str]]]:
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Refused(
            _("This is a spreadsheet; save it as .xlsx or CSV, under that ending."), field="file"
        )
    text = _decoded(content)
    first = text.partition("\n")[0]
    delimiter = max(",\t;", key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise Refused(
            _("Line %(line)d cannot be read.") % {"line": reader.line_num}, field="file"
        ) from error


def _decoded(content: bytes) -> str:
    """Excel in China saves CSV as GB18030; everything else is UTF-8 these days."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused(_("The file is neither UTF-8 nor GB18030 text."), field="file")


def _xlsx(content: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > MOST_UNPACKED:
                raise Refused(_("The file unpacks to more than it may."), field="file")
        # Formulas stay text: what they would compute is not ours to trust.
        book = load_workbook(BytesIO(content), read_only=True, data_only=False, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        yield from _texts(sheet.iter_rows(max_col=len(COLUMNS) + 5, values_only=True))
    except (
        zipfile.BadZipFile, InvalidFileException, DefusedXmlException, KeyError, ValueError,
        IndexError, SyntaxError, OSError, EOFError, TypeError, AttributeError,
    ) as error:  # fmt: skip
        # openpyxl fails in all these ways on files that no spreadsheet wrote.
        raise Refused(_("This is not a readable XLSX file."), field="file") from error


def _texts(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, list[str]]]:
    for line, cells in enumerate(rows, start=1):
        yield line, [_text(cell) for cell in cells]


def _text(cell: Any) -> str:
    """As the person sees it: a number kept as a number is a code or a telephone number."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return (
            cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(" ")
        )
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell).strip()
