from __future__ import annotations

from io import StringIO

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command

from knowledge import actions
from knowledge.models import FaultCategory
from servicedesk.core.errors import Refused
from tests.conftest import AT
from tests.journal import journal

pytestmark = pytest.mark.django_db


def test_create_knows_its_way_to_the_root(software, dispatcher):
    made = actions.create_category(
        code="sw-x", name=" 收银 ", parent=software, at=AT, by=dispatcher.as_actor()
    )

    assert (made.code, made.path, made.depth) == ("SW-X", "软件 / 收银", 1)
    assert journal(made) == [("category.created", AT, "赵敏")]


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"code": "sw"}, "code"), ({"code": " "}, "code"), ({"name": ""}, "name"),
     ({"name": "a/b"}, "name")],
)  # fmt: skip
def test_create_refuses(fields, field, software, dispatcher):
    with pytest.raises(Refused) as refused:
        actions.create_category(
            **{"code": "N", "name": "新"} | fields, at=AT, by=dispatcher.as_actor()
        )

    assert refused.value.field == field
    assert FaultCategory.objects.count() == 1


def test_a_tree_that_grows_too_deep_is_refused(dispatcher):
    def grow(level: int, parent: FaultCategory | None) -> FaultCategory:
        return actions.create_category(
            code=f"C{level}", name="深" * 40, parent=parent, at=AT, by=dispatcher.as_actor()
        )

    parent = None
    for level in range(4):
        parent = grow(level, parent)
    with pytest.raises(Refused) as refused:
        grow(4, parent)
    assert refused.value.field == "name"


def test_edit_moves_all_that_lies_below(software, hardware, printing, dispatcher):
    by = dispatcher.as_actor()
    leaf = actions.create_category(code="L", name="卡纸", parent=printing, at=AT, by=by)

    actions.edit_category(printing, name="打印机", parent=hardware, at=AT, by=by)

    leaf.refresh_from_db()
    assert (printing.path, leaf.path) == ("硬件 / 打印机", "硬件 / 打印机 / 卡纸")
    assert leaf.version == 2
    assert journal(printing)[-1] == ("category.edited", AT, "赵敏")


def test_edit_cannot_put_a_branch_below_itself(software, printing, dispatcher):
    for target in (software, printing):
        with pytest.raises(Refused) as refused:
            actions.edit_category(
                software, name="软件", parent=target, at=AT, by=dispatcher.as_actor()
            )
        assert refused.value.field == "parent"


def test_deactivate_from_the_leaves_and_reactivate_from_the_root(software, printing, dispatcher):
    by = dispatcher.as_actor()
    with pytest.raises(Refused):
        actions.deactivate_category(software, at=AT, by=by)

    actions.deactivate_category(printing, at=AT, by=by)
    actions.deactivate_category(software, at=AT, by=by)
    with pytest.raises(Refused):
        actions.deactivate_category(software, at=AT, by=by)
    with pytest.raises(Refused):
        actions.reactivate_category(printing, at=AT, by=by)

    actions.reactivate_category(software, at=AT, by=by)
    actions.reactivate_category(printing, at=AT, by=by)
    assert FaultCategory.objects.filter(is_active=True).count() == 2
    with pytest.raises(Refused):
        actions.reactivate_category(printing, at=AT, by=by)


FORBIDDEN = {
    "create": lambda c, by: actions.create_category(code="X", name="x", at=AT, by=by),
    "edit": lambda c, by: actions.edit_category(c, name="x", parent=None, at=AT, by=by),
    "deactivate": lambda c, by: actions.deactivate_category(c, at=AT, by=by),
    "reactivate": lambda c, by: actions.reactivate_category(c, at=AT, by=by),
    "usual": lambda c, by: actions.create_usual_categories(at=AT, by=by),
}


@pytest.mark.parametrize("verb", FORBIDDEN)
def test_the_tree_is_not_everybodys_matter(verb, printing, helpdesk):
    with pytest.raises(PermissionDenied):
        FORBIDDEN[verb](printing, helpdesk.as_actor())


def test_the_usual_tree_grows_once_and_leaves_what_is_there(dispatcher):
    by = dispatcher.as_actor()
    mine = actions.create_category(code="SW", name="我们的软件", at=AT, by=by)

    first = actions.create_usual_categories(at=AT, by=by)
    count = FaultCategory.objects.count()
    second = actions.create_usual_categories(at=AT, by=by)

    assert count == len(first) == len(second) == FaultCategory.objects.count()
    mine.refresh_from_db()
    assert mine.name == "我们的软件"
    assert first["HW-PRINTER-JAM"].path == "硬件 / 打印机 / 卡纸"
    assert first["SW-POINTS-MISSING"].path.startswith("我们的软件 / ")


def test_the_command_says_how_many_it_made():
    out = StringIO()
    call_command("seed_categories", stdout=out)
    call_command("seed_categories", stdout=out)

    assert out.getvalue().splitlines() == [
        f"{FaultCategory.objects.count()} fault categories created",
        "0 fault categories created",
    ]
