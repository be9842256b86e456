"""The list of parts that work records choose from."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from customers import actions
from customers.actions.importing import ImportRefused
from customers.models import StockPart
from customers.queries import stock_parts_matching
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from tests.conftest import AT
from tests.journal import journal

pytestmark = pytest.mark.django_db
PAGE = 8


@pytest.fixture
def cable():
    return actions.create_stock_part(
        code="cab-6", name="网线", spec="六类，10 米", unit="根", at=AT, by=SYSTEM
    )


def rows(*cells):
    names = ("part_code", "part_name", "part_spec", "part_unit")
    return [
        (line, {name: text for name, text in zip(names, row, strict=False) if text})
        for line, row in enumerate(cells, start=2)
    ]


def test_a_part_is_registered_by_the_desk(helpdesk):
    part = actions.create_stock_part(code=" scn-1 ", name="扫码枪", at=AT, by=helpdesk.as_actor())

    assert (part.code, part.pinyin) == ("SCN-1", "saomaqiang smq")
    assert journal(part) == [("stock_part.created", AT, helpdesk.name)]


def test_a_code_is_taken_once(cable, helpdesk):
    with pytest.raises(Refused, match="网线") as refused:
        actions.create_stock_part(code="CAB-6", name="别的", at=AT, by=helpdesk.as_actor())

    assert refused.value.field == "code"


def test_an_engineer_changes_nothing_on_the_list(cable, engineer):
    by = engineer.as_actor()
    for act in (
        lambda: actions.create_stock_part(code="X", name="x", at=AT, by=by),
        lambda: actions.edit_stock_part(cable, name="x", at=AT, by=by),
        lambda: actions.deactivate(cable, at=AT, by=by),
        lambda: actions.import_parts(rows(("X", "x")), file_name="x.csv", at=AT, by=by),
    ):
        with pytest.raises(PermissionDenied):
            act()


@pytest.mark.parametrize("text", ["网线", "wx", "wangxian", "cab-6", "六类"])
def test_it_is_found_by_name_pinyin_code_and_specification(text, cable):
    actions.create_stock_part(code="PAP", name="热敏纸", at=AT, by=SYSTEM)

    assert list(stock_parts_matching(StockPart.objects.all(), text)) == [cable]


def test_a_file_makes_and_changes_parts_and_twice_it_changes_nothing(cable, helpdesk):
    content = rows(("CAB-6", "", "", "条"), ("PAP-80", "热敏纸", "80mm", "卷"))
    by = helpdesk.as_actor()

    done = actions.import_parts(content, file_name="parts.csv", at=AT, by=by)
    again = actions.import_parts(content, file_name="parts.csv", at=AT, by=by)

    assert (done.new, done.changed, again.new, again.changed) == (1, 1, 0, 0)
    assert list(StockPart.objects.order_by("code").values_list("code", "name", "unit")) == [
        ("CAB-6", "网线", "条"), ("PAP-80", "热敏纸", "卷"),
    ]  # fmt: skip
    cable.refresh_from_db()
    assert (cable.version, journal(cable)[-1][0]) == (2, "stock_part.edited")


def test_a_file_with_a_mistake_changes_nothing_and_all_mistakes_are_told(cable, helpdesk):
    content = rows(
        ("OK", "好的"), ("", "没有编码"), ("NEW", ""), ("OK", "再来"), ("CAB-6", "线" * 81)
    )

    with pytest.raises(ImportRefused) as refused:
        actions.import_parts(content, file_name="x.csv", at=AT, by=helpdesk.as_actor())

    assert [(p.line, p.column) for p in refused.value.problems] == [
        (3, "part_code"), (4, "part_name"), (5, "part_code"), (6, "part_name"),
    ]  # fmt: skip
    assert StockPart.objects.count() == 1


def test_the_pages_of_the_desk(cable, helpdesk, client):
    client.force_login(helpdesk)
    assert "网线" in client.get(reverse("customers:parts"), {"q": "wx"}).content.decode()
    made = client.post(reverse("customers:part_new"), {"code": "N1", "name": "新件"})
    changed = client.post(
        reverse("customers:part_edit", args=[cable.uid]),
        {"code": "CAB-6", "name": "超六类网线", "spec": "", "unit": "根"},
    )
    file = SimpleUploadedFile("p.csv", "配件编码,配件,单位\nP2,热敏纸,卷\n".encode("gb18030"))
    imported = client.post(reverse("customers:part_import"), {"file": file})
    wrong = client.post(
        reverse("customers:part_import"),
        {"file": SimpleUploadedFile("p.csv", "配件编码,配件\n,热敏纸\n".encode())},
    )

    assert [r.status_code for r in (made, changed, imported, wrong)] == [302, 302, 302, 422]
    assert "第 2 行" in wrong.content.decode()
    assert set(StockPart.objects.values_list("name", flat=True)) == {"新件", "超六类网线", "热敏纸"}


def test_the_pages_are_not_the_engineers(engineer, client):
    client.force_login(engineer)
    for name in ("parts", "part_new", "part_import"):
        assert client.get(reverse(f"customers:{name}")).status_code == 403


def test_the_list_costs_the_same_with_more_rows(helpdesk, client, django_assert_num_queries):
    client.force_login(helpdesk)
    for code in ("A", "B"):
        actions.create_stock_part(code=code, name="件", at=AT, by=SYSTEM)
        with django_assert_num_queries(PAGE):
            client.get(reverse("customers:parts"))
