from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from customers import actions
from customers.models import Customer
from servicedesk.core.actors import ANONYMOUS
from servicedesk.core.errors import Refused
from tests.conftest import AT
from tests.journal import journal

pytestmark = pytest.mark.django_db


def test_create_fills_in_what_it_is_found_by(helpdesk):
    made = actions.create_customer(
        name=" 永辉  连锁有限公司 ", code="ｙｈ01", short_name="永辉", at=AT, by=helpdesk.as_actor()
    )

    made.refresh_from_db()
    assert (made.name, made.code) == ("永辉 连锁有限公司", "YH01")
    assert made.pinyin == "yonghuiliansuoyouxiangongsi yhlsyxgs yonghui yh"
    assert journal(made) == [("customer.created", AT, "何雪")]


def test_create_without_a_code_gives_the_next_number(helpdesk):
    codes = [
        actions.create_customer(name=name, at=AT, by=helpdesk.as_actor()).code for name in "甲乙"
    ]

    assert codes == ["KH-20260302-0001", "KH-20260302-0002"]


def test_create_refuses_a_code_that_is_taken(customer, helpdesk):
    with pytest.raises(Refused, match="大兴连锁超市有限公司") as refused:
        actions.create_customer(name="另一家", code="dx", at=AT, by=helpdesk.as_actor())

    assert refused.value.field == "code"
    assert Customer.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "超" * 121}, "name"),
        ({"name": "好\x07店"}, "name"),
        ({"name": "好店", "note": "x\x00"}, "note"),
        ({"name": "好店", "code": "A" * 31}, "code"),
    ],
)
def test_create_refuses_what_cannot_be_kept(fields, field, helpdesk):
    with pytest.raises(Refused) as refused:
        actions.create_customer(**fields, at=AT, by=helpdesk.as_actor())

    assert refused.value.field == field


def test_create_needs_the_permission(engineer):
    with pytest.raises(PermissionDenied):
        actions.create_customer(name="好店", at=AT, by=engineer.as_actor())


def test_edit_changes_what_is_given_and_leaves_the_rest(customer, helpdesk):
    actions.edit_customer(customer, short_name="大兴", at=AT, by=helpdesk.as_actor())

    customer.refresh_from_db()
    assert (customer.name, customer.short_name) == ("大兴连锁超市有限公司", "大兴")
    assert customer.pinyin.endswith("daxing dx")
    assert customer.version == 2
    assert journal(customer)[-1] == ("customer.edited", AT, "何雪")


def test_edit_without_a_difference_leaves_no_trace(customer, helpdesk):
    actions.edit_customer(customer, name=customer.name, at=AT, by=helpdesk.as_actor())

    customer.refresh_from_db()
    assert customer.version == 1
    assert len(journal(customer)) == 1


def test_edit_refuses_the_code_of_another(customer, helpdesk):
    other = actions.create_customer(name="好店", code="HD", at=AT, by=helpdesk.as_actor())

    with pytest.raises(Refused, match="大兴"):
        actions.edit_customer(other, code="DX", at=AT, by=helpdesk.as_actor())


def test_edit_needs_the_permission(customer, engineer):
    with pytest.raises(PermissionDenied):
        actions.edit_customer(customer, name="x", at=AT, by=engineer.as_actor())


def test_deactivate_and_reactivate(customer, helpdesk):
    by = helpdesk.as_actor()

    actions.deactivate(customer, at=AT, by=by)
    assert not Customer.objects.get().is_active
    with pytest.raises(Refused):
        actions.deactivate(customer, at=AT, by=by)

    actions.reactivate(customer, at=AT, by=by)
    assert Customer.objects.get().is_active
    with pytest.raises(Refused):
        actions.reactivate(customer, at=AT, by=by)

    assert [line[0] for line in journal(customer)[1:]] == [
        "master_data.deactivated", "master_data.reactivated",
    ]  # fmt: skip


def test_deactivate_needs_the_permission(customer, engineer):
    with pytest.raises(PermissionDenied):
        actions.deactivate(customer, at=AT, by=engineer.as_actor())


def test_reactivate_needs_the_permission(customer, engineer, helpdesk):
    actions.deactivate(customer, at=AT, by=helpdesk.as_actor())

    with pytest.raises(PermissionDenied):
        actions.reactivate(customer, at=AT, by=engineer.as_actor())


def test_strangers_see_no_customers(customer):
    assert not Customer.objects.visible_to(ANONYMOUS).exists()
