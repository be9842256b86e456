from __future__ import annotations

import threading
import zipfile
from datetime import timedelta
from io import BytesIO

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from customers import actions, importers
from customers.actions.importing import ImportRefused
from customers.models import Contact, Customer, ImportDraft, Installation, Store
from customers.queries import search_stores
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from servicedesk.core.models import Entry
from tests.conftest import AT
from tests.customers.conftest import browser
from tests.journal import journal

pytestmark = pytest.mark.django_db

HEAD = "客户编号,客户全称,门店编号,门店名称,地址,联系人,联系电话,产品编号,软件版本,远程 ID"
GOOD = (
    "YH,永辉连锁有限公司,YH01,永辉一店,一路1号,李梅,13800005678,JF,3.2,0755\n"
    "YH,,YH01,,,王强,13900001111,,,\n"
    "YH,,YH02,永辉二店,二路2号,,,,,\n"
)


def table(*lines: str) -> str:
    return "\n".join([HEAD, *lines])


def rows(text: str, name: str = "x.csv", encoding: str = "utf-8"):
    content = text.encode(encoding)
    return importers.read(BytesIO(content), name, len(content))


def keep(text: str, by):
    return actions.keep_upload(rows(text), file_name="x.csv", at=AT, by=by)


def run(text: str, by):
    return actions.import_rows(keep(text, by), at=AT, by=by)


def counts() -> tuple[int, ...]:
    return tuple(m.objects.count() for m in (Customer, Store, Contact, Installation))


@pytest.fixture
def by(dispatcher, product):
    return dispatcher.as_actor()


def test_a_file_becomes_customers_stores_people_and_installations(by):
    run(table(GOOD), by)

    assert counts() == (1, 2, 2, 1)
    store = Store.objects.get(code="YH01")
    assert (store.name, store.customer.name) == ("永辉一店", "永辉连锁有限公司")
    assert {c.name for c in store.contacts.all()} == {"李梅", "王强"}
    installed = Installation.objects.get()
    assert (installed.software_version, installed.remote_id) == ("3.2", "0755")
    assert list(search_stores("yhyd")) == list(search_stores("13800005678")) == [store]


def test_every_record_has_its_journal_and_its_history(by):
    run(table(GOOD), by)

    store = Store.objects.get(code="YH01")
    assert ("store.created", AT, "赵敏") in journal(store)
    assert ("installation.created", AT, "赵敏") in journal(store)
    assert [h.actor_label for h in store.history.all()] == ["赵敏"]
    assert Contact.objects.first().history.get().phone == "13800005678"
    told = Entry.objects.get(type="master_data.imported").data
    assert (told["rows"], told["created"], told["changed"]) == (3, 6, 0)


def test_the_same_file_twice_changes_nothing(by):
    run(table(GOOD), by)
    before = [(s.pk, s.version) for s in Store.objects.order_by("pk")]
    plan = run(table(GOOD), by)

    assert counts() == (1, 2, 2, 1)
    assert [(s.pk, s.version) for s in Store.objects.order_by("pk")] == before
    assert all((new, changed) == (0, 0) for _model, new, changed in plan.counts())


def test_known_codes_are_changed_and_blank_cells_leave_what_is_there(by):
    run(table(GOOD), by)
    run(table("yh,永辉股份,yh01,,新路9号,李梅,13700000000,JF,3.3,"), by)

    store = Store.objects.get(code="YH01")
    assert (store.name, store.address, store.version) == ("永辉一店", "新路9号", 2)
    assert store.customer.name == "永辉股份"
    assert store.customer.pinyin.startswith("yonghuigufen")
    person = store.contacts.get(name="李梅")
    assert (person.phone, person.phone_digits) == ("13700000000", "13700000000")
    installed = Installation.objects.get()
    assert (installed.software_version, installed.remote_id) == ("3.3", "0755")
    assert journal(store)[-1][0] == "installation.changed"
    assert counts() == (1, 2, 2, 1)


def test_a_person_is_recognised_by_number_before_name(by):
    run(table(GOOD), by)
    run(table("YH,,YH01,,,李大梅,138 0000 5678,,,"), by)

    assert Contact.objects.filter(name="李大梅", phone_digits="13800005678").count() == 1
    assert not Contact.objects.filter(name="李梅").exists()


MISTAKES = [
    (",没有编号,,,,,,,,", 2, "客户编号"),
    ("NEW,,,,,,,,,", 2, "客户全称"),
    ("NEW,新客户,N1,,一路,,,,,", 2, "门店名称"),
    ("NEW,新客户,N1,一店,,,,,,", 2, "地址"),
    ("NEW,新客户,,一店,一路,,,,,", 2, "门店编号"),
    ("NEW,新客户,DX001,,,,,,,", 2, "门店编号"),
    ("NEW,新客户,N1,一店,一路,,13800000000,,,", 2, "联系人"),
    ("NEW,新客户,N1,一店,一路,李梅,打不通,,,", 2, "联系电话"),
    ("NEW,新客户,N1,一店,一路,,,XX,,", 2, "产品编号"),
    ("NEW,新客户,N1,一店,一路,,,,3.2,", 2, "产品编号"),
    ("NEW,新客户,,,,,,JF,,", 2, "门店编号"),
    (f"NEW,{'长' * 121},,,,,,,,", 2, "客户全称"),
    ("NEW,新\x07客户,,,,,,,,", 2, "客户全称"),
    ('NEW,"新\n客户",,,,,,,,', 3, "客户全称"),
    ('NEW,新客户,"N\n1",一店,一路,,,,,', 3, "门店编号"),
    ('NEW,新客户,N1,一店,"一路\u2028二号",,,,,', 2, "地址"),
    ("NEW,新客户,,,,,,,,\nNEW,旧客户,,,,,,,,", 3, "客户全称"),
    ("NEW,新客户,N1,一店,一路,,,,,\nNEW,,N1,二店,,,,,,", 3, "门店名称"),
    ("NEW,新客户,N1,一店,一路,,,,,\nOLD,旧客户,N1,,,,,,,", 3, "门店编号"),
]


@pytest.mark.parametrize(("lines", "line", "column"), MISTAKES)
def test_a_mistake_is_told_by_line_and_column(lines, line, column, by, store):
    with pytest.raises(ImportRefused) as refused:
        run(table(lines), by)

    told = [(p.line, str(importers.LABELS[p.column])) for p in refused.value.problems]
    assert (line, column) in told
    assert all(p.message for p in refused.value.problems)


ALL_WRONG = [
    # (the row, its wrong columns)
    (",,,,,,打不通,XX,,", ["客户编号", "联系人", "联系电话", "产品编号", "门店编号"]),
    (",,N1,一店,,李梅,打不通,XX,,", ["客户编号", "联系电话", "产品编号"]),
    ("NEW,,N1,,,,打不通,,3.2,", ["客户全称", "门店名称", "地址", "联系人", "联系电话", "产品编号"]),
    (f"NEW,新客户,,一店,{'路' * 201},李梅,打不通,XX,,",
     ["门店编号", "地址", "联系电话", "产品编号"]),
    (f"NEW,,DX001,,{'路' * 201},,打不通,XX,{'3' * 31},",
     ["客户全称", "门店编号", "地址", "联系人", "联系电话", "产品编号", "软件版本"]),
]  # fmt: skip


@pytest.mark.parametrize(("row", "columns"), ALL_WRONG)
def test_all_that_is_wrong_with_a_row_is_told_at_once(row, columns, by, store):
    with pytest.raises(ImportRefused) as refused:
        run(table(row), by)

    told = [str(importers.LABELS[p.column]) for p in refused.value.problems]
    assert sorted(told) == sorted(columns)


def test_two_wrong_rows_do_not_contradict_each_other(by):
    """They have no code: nothing says that they speak of the same."""
    with pytest.raises(ImportRefused) as refused:
        run(table(",甲公司,,,,李梅,13800000001,,,", ",乙公司,,,,李梅,13800000002,,,"), by)

    assert [(p.line, p.column) for p in refused.value.problems] == [
        (2, "customer_code"), (3, "customer_code"),
    ]  # fmt: skip


def test_the_statements_of_an_import_do_not_grow_with_its_rows(by):
    def statements(rows: int, first: int) -> int:
        lines = [
            f"YH{i},永辉{i},S{i},永辉{i}店,{i} 号,李梅,1380000{i:04},JF,3.2,{i}"
            for i in range(first, first + rows)
        ]
        draft = keep(table(*lines), by)
        with CaptureQueriesContext(connection) as captured:
            actions.import_rows(draft, at=AT, by=by)
        return len(captured)

    assert statements(100, first=1) == statements(2, first=500)


@pytest.mark.parametrize("bad", ["", "YH,,YH03,,三路,,,,,"])
def test_one_wrong_row_of_many_imports_nothing(bad, by):
    """The twin: the same rows without the wrong one are all imported."""
    if bad:
        with pytest.raises(ImportRefused):
            run(table(GOOD + bad), by)
    else:
        run(table(GOOD), by)

    assert counts() == ((0, 0, 0, 0) if bad else (1, 2, 2, 1))
    assert Entry.objects.filter(type="store.created").count() == (0 if bad else 2)
    assert ImportDraft.objects.count() == (1 if bad else 0)


def test_what_changed_since_the_preview_is_noticed(by):
    draft = keep(table(GOOD), by)
    other = actions.create_customer(name="别家", code="BJ", at=AT, by=SYSTEM)
    actions.create_store(customer=other, name="抢先", code="YH02", address="x", at=AT, by=SYSTEM)

    with pytest.raises(ImportRefused):
        actions.import_rows(draft, at=AT, by=by)

    assert counts() == (1, 1, 0, 0)


def test_a_file_is_imported_once(by):
    draft = keep(table(GOOD), by)
    actions.import_rows(draft, at=AT, by=by)
    draft.pk = 1

    with pytest.raises(Refused):
        actions.import_rows(draft, at=AT, by=by)


def test_a_file_belongs_to_who_brought_it(by, manager):
    draft = keep(table(GOOD), by)

    with pytest.raises(Refused):
        actions.import_rows(draft, at=AT, by=manager.as_actor())
    assert counts() == (0, 0, 0, 0)


def test_old_uploads_are_forgotten(by):
    keep(table(GOOD), by)
    actions.keep_upload(rows(table(GOOD)), file_name="y", at=AT + timedelta(hours=25), by=by)

    assert [d.file_name for d in ImportDraft.objects.all()] == ["y"]


def test_keeping_an_upload_needs_the_permission(by, helpdesk):
    with pytest.raises(PermissionDenied):
        keep(table(GOOD), helpdesk.as_actor())


def test_import_needs_the_permission(by, helpdesk):
    draft = keep(table(GOOD), by)

    with pytest.raises(PermissionDenied):
        actions.import_rows(draft, at=AT, by=helpdesk.as_actor())
    assert counts() == (0, 0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_the_same_rows_at_the_same_moment(by):
    drafts = [keep(table(GOOD), by) for _ in range(2)]
    start, outcome = threading.Barrier(2), []

    def go(draft):
        start.wait()
        try:
            actions.import_rows(draft, at=AT, by=by)
            outcome.append("done")
        except Refused:
            outcome.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=[draft]) for draft in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcome) in (["done", "done"], ["done", "refused"])
    assert counts() == (1, 2, 2, 1)


# --- Files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_in_the_encodings_and_delimiters_of_excel(encoding, delimiter):
    read = rows(table(GOOD).replace(",", delimiter), encoding=encoding)

    assert read[0][0] == 2
    assert read[0][1]["customer_name"] == "永辉连锁有限公司"
    assert len(read) == 3


def test_columns_by_their_english_names_in_any_order():
    read = rows("Store code,customer code\nA1,A\n")

    assert read == [(2, {"store_code": "A1", "customer_code": "A"})]


def xlsx(*lines: list[object]) -> bytes:
    book, buffer = Workbook(), BytesIO()
    for line in lines:
        book.active.append(line)
    book.save(buffer)
    return buffer.getvalue()


def read_xlsx(content: bytes):
    return importers.read(BytesIO(content), "x.XLSX", len(content))


def test_xlsx_cells_are_text_as_the_person_sees_them():
    content = xlsx(
        ["客户编号", "客户全称", "联系电话", "软件版本", "远程 ID"],
        [1001, "=1+1", 13800005678.0, 3.2, "0755"],
        [None, None, None, None, None],
        ["B", "好店", None, None, None],
    )

    assert read_xlsx(content) == [
        (2, {
            "customer_code": "1001", "customer_name": "=1+1", "contact_phone": "13800005678",
            "software_version": "3.2", "remote_id": "0755",
        }),
        (4, {"customer_code": "B", "customer_name": "好店"}),
    ]  # fmt: skip


def test_the_template_can_be_filled_in_and_read_again(control):
    content = control.get(reverse("customers:import_template")).content

    ((line, cells),) = read_xlsx(content)
    assert line == 2
    assert cells == importers.EXAMPLE
    assert load_workbook(BytesIO(content)).active["A2"].number_format == "@"


ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">
<c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>"""


def hostile_xlsx(sheet: bytes) -> bytes:
    source, buffer = BytesIO(xlsx(["客户编号"], ["A"])), BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            wanted = item.filename == "xl/worksheets/sheet1.xml"
            new.writestr(item.filename, sheet if wanted else old.read(item.filename))
    return buffer.getvalue()


BAD_FILES = {
    "empty": ("x.csv", b""),
    "head only": ("x.csv", HEAD.encode()),
    "strange column": ("x.csv", "客户编号,血型\nA,B".encode()),
    "column twice": ("x.csv", "客户编号,客户编号\nA,B".encode()),
    "no code column": ("x.csv", "客户全称\nA".encode()),
    "more cells": ("x.csv", "客户编号\nA,B".encode()),
    "no text": ("x.csv", b"\xff\xfe\x00\xd8" * 50),
    "nul": ("x.csv", "客户编号\nA\0".encode()),
    "huge field": ("x.csv", b"a" * 200_000),
    "too many rows": ("x.csv", ("客户编号\n" + "A\n" * 5001).encode()),
    "too large": ("x.csv", b"a" * (5 * 1024 * 1024 + 1)),
    "xlsx called csv": ("x.csv", xlsx(["客户编号"], ["A"])),
    "xls": ("x.csv", b"\xd0\xcf\x11\xe0" + b"\0" * 600),
    "not a zip": ("x.xlsx", b"hello"),
    "zip of something": ("x.xlsx", b"PK\x05\x06" + b"\0" * 18),
    "truncated": ("x.xlsx", xlsx(["客户编号"], ["A"])[:2000]),
    "entities": ("x.xlsx", hostile_xlsx(ENTITIES)),
    "bomb": ("x.xlsx", hostile_xlsx(b" " * (61 * 1024 * 1024))),
    "not xml": ("x.xlsx", hostile_xlsx(b"\x00\x01")),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_cannot_be_right_is_refused_with_words(name, control):
    file_name, content = BAD_FILES[name]

    answer = control.post(
        reverse("customers:import"), {"file": SimpleUploadedFile(file_name, content)}
    )

    assert answer.status_code == 422
    assert "field-errors" in answer.content.decode()
    assert not ImportDraft.objects.exists()


# --- Pages ---------------------------------------------------------------------------------------


def upload(client, text: str):
    file = SimpleUploadedFile("名单.csv", text.encode("gb18030"))
    answer = client.post(reverse("customers:import"), {"file": file})
    assert answer.status_code == 302, answer.content.decode()
    return answer.url


def test_from_the_file_over_the_preview_to_the_records(control, product):
    page = upload(control, table(GOOD))

    preview = control.get(page).content.decode()
    assert "名单.csv" in preview
    assert "导入 3 行" in preview
    assert "新增门店" in preview
    assert counts() == (0, 0, 0, 0)

    answer = control.post(page, follow=True)
    assert "新增 6 条，更新 0 条" in answer.content.decode()
    assert counts() == (1, 2, 2, 1)
    assert control.get(page).status_code == 404


def test_the_preview_of_a_wrong_file_says_what_is_wrong_and_offers_nothing(control, product):
    page = upload(control, table(GOOD + "YH,,YH03,,三路,,,,,"))

    preview = control.get(page).content.decode()
    assert "必填" in preview
    assert "导入 4 行" not in preview
    assert control.post(page).status_code == 422
    assert counts() == (0, 0, 0, 0)


def test_nobody_else_sees_the_upload(control, product, manager):
    page = upload(control, table(GOOD))

    assert browser(manager).get(page).status_code == 404
