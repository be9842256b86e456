"""No formula leaves the house, and who exported what is on record (GEN-7)."""

from __future__ import annotations

import csv
import io
from contextlib import closing

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied

from servicedesk.core.models import Entry
from servicedesk.desk.actions import note_export
from servicedesk.desk.managers import exports
from servicedesk.desk.managers.exports import Shown, Table, csv_of, safe, xlsx_of
from tests.conftest import AT
from tests.tickets.tickets.factories import make_ticket

pytestmark = pytest.mark.django_db
FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\0=1", "＝1", "＋1", "－1", "＠x", " =1", "\u3000=1",
    "\n=1", "=HYPERLINK(\"http://x\")",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text):
    assert str(safe(text)).startswith("'")


@pytest.mark.parametrize("value", [0, -3, 94.6, None, "积分小票", "3-2", "a=b", ""])
def test_other_cells_stay_as_they_are(value):
    assert safe(value) == value


def test_what_is_shown_otherwise_is_exported_as_its_value():
    assert safe(Shown(94.6, "94.6 %", "/x")) == 94.6
    assert safe(Shown("=1", "x")) == "'=1"


def table() -> Table:
    rows = [[text, -1, None, Shown(3, url="/x")] for text in FORMULAS]
    return Table("t", "表", ["=列", "数", "空", "链接"], rows)


def test_a_csv_has_no_formula_and_opens_in_excel():
    text = b"".join(csv_of(table(), "t.csv").streaming_content).decode()
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))

    assert text.startswith("\ufeff")
    assert rows[0][0] == "'=列"
    assert all(row[0].startswith("'") for row in rows[1:])
    assert {tuple(row[1:]) for row in rows[1:]} == {("-1", "", "3")}


def test_an_xlsx_has_no_formula_and_keeps_numbers():
    with closing(xlsx_of(table(), "t.xlsx")) as answer:
        content = b"".join(answer.streaming_content)
    rows = list(openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows())

    assert len(rows) == len(FORMULAS) + 1
    for cells in rows[1:]:
        assert cells[0].data_type == "s"
        assert cells[0].value.startswith("'")
        assert [cell.value for cell in cells[1:]] == [-1, None, 3]


def test_the_file_name_may_be_chinese():
    header = csv_of(table(), "服务水平.csv")["Content-Disposition"]

    assert header == "attachment; filename*=UTF-8''%E6%9C%8D%E5%8A%A1%E6%B0%B4%E5%B9%B3.csv"


def test_an_export_is_in_the_journal_before_it_leaves(desk, dispatcher, roll_up):
    make_ticket(title="=cmd|' /C calc'!A0")
    roll_up()
    url = "/managers/records/?figure=opened&period=range&since=2026-03-01&until=2026-03-31"

    answer = desk.get(f"{url}&export=records.csv")

    entry = Entry.objects.get(type="figures.exported")
    assert (entry.actor_label, entry.data["table"], entry.data["rows"]) == ("赵敏", "records", 1)
    assert entry.data["filters"] == "2026-03-01 – 2026-03-31"
    assert entry.data["file_type"] == "csv"
    assert "'=cmd" in b"".join(answer.streaming_content).decode()


def test_a_sheet_that_would_take_too_long_is_refused_and_csv_offered(desk, roll_up, monkeypatch):
    monkeypatch.setattr(exports, "SHEET_ROWS", 0)
    make_ticket()
    roll_up()
    url = "/managers/records/?figure=opened&period=range&since=2026-03-01&until=2026-03-31"

    refused = desk.get(f"{url}&export=records.xlsx")

    assert refused.status_code == 409
    assert "CSV" in refused.text
    assert not Entry.objects.filter(type="figures.exported").exists()
    assert desk.get(f"{url}&export=records.csv").status_code == 200


def test_looking_at_a_page_is_no_export(desk):
    desk.get("/managers/service-level/")

    assert not Entry.objects.filter(type="figures.exported").exists()


def test_an_export_needs_the_permission(engineer):
    with pytest.raises(PermissionDenied):
        note_export(
            table="t", title="t", file_type="csv", filters="", rows=0, at=AT,
            by=engineer.as_actor(),
        )  # fmt: skip
