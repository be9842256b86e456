from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from customers import actions
from customers.models import Contact, Store
from customers.queries import changes_of
from servicedesk.core.errors import Refused
from tests.conftest import AT
from tests.journal import journal

pytestmark = pytest.mark.django_db


def test_create_store_is_on_both_timelines(customer, helpdesk):
    made = actions.create_store(
        customer=customer, name="大兴路店", address="大兴路 1 号", phone="０１０－６２３４ ５６７８",
        at=AT, by=helpdesk.as_actor(),
    )  # fmt: skip

    made.refresh_from_db()
    assert made.code == "MD-20260302-0001"
    assert (made.phone, made.phone_digits) == ("010-6234 5678", "01062345678")
    assert made.pinyin == "daxingludian dxld"
    assert journal(made) == [("store.created", AT, "何雪")]
    assert journal(customer)[-1] == ("store.created", AT, "何雪")


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"address": ""}, "address"), ({"phone": "没有"}, "phone"), ({"phone": "123"}, "phone"),
     ({"code": "dx001"}, "code")],
)  # fmt: skip
def test_create_store_refuses(fields, field, store, helpdesk):
    given = {"name": "二店", "address": "二路", **fields}

    with pytest.raises(Refused) as refused:
        actions.create_store(customer=store.customer, **given, at=AT, by=helpdesk.as_actor())

    assert refused.value.field == field
    assert Store.objects.count() == 1


def test_create_store_needs_the_permission(customer, engineer):
    with pytest.raises(PermissionDenied):
        actions.create_store(
            customer=customer, name="x", address="y", at=AT, by=engineer.as_actor()
        )


def test_edit_store_keeps_the_digits_with_the_number(store, helpdesk):
    actions.edit_store(store, phone="+86 139 0000 1111", at=AT, by=helpdesk.as_actor())

    store.refresh_from_db()
    assert store.phone_digits == "13900001111"
    assert journal(store)[-1] == ("store.edited", AT, "何雪")


def test_edit_store_needs_the_permission(store, engineer):
    with pytest.raises(PermissionDenied):
        actions.edit_store(store, name="x", at=AT, by=engineer.as_actor())


def test_create_contact_takes_the_customer_from_the_store(store, helpdesk):
    made = actions.create_contact(
        store=store, name="王强", phone="013900002222", at=AT, by=helpdesk.as_actor()
    )

    assert (made.customer, made.phone_digits, made.pinyin) == (
        store.customer, "13900002222", "wangqiang wq",
    )  # fmt: skip
    assert journal(store)[-1] == ("contact.created", AT, "何雪")


def test_create_contact_needs_a_customer_or_a_store(helpdesk):
    with pytest.raises(Refused) as refused:
        actions.create_contact(name="王强", at=AT, by=helpdesk.as_actor())

    assert refused.value.field == "store"


def test_a_contact_works_for_the_customer_of_the_store(store, helpdesk):
    other = actions.create_customer(name="别家", at=AT, by=helpdesk.as_actor())

    with pytest.raises(Refused) as refused:
        actions.create_contact(
            customer=other, store=store, name="王强", at=AT, by=helpdesk.as_actor()
        )

    assert refused.value.field == "store"
    assert not Contact.objects.exists()


def test_create_contact_needs_the_permission(store, engineer):
    with pytest.raises(PermissionDenied):
        actions.create_contact(store=store, name="x", at=AT, by=engineer.as_actor())


def test_edit_contact_may_move_the_person_to_the_head_office(contact, helpdesk):
    actions.edit_contact(contact, store=None, at=AT, by=helpdesk.as_actor())

    contact.refresh_from_db()
    assert contact.store is None
    assert contact.get_absolute_url().startswith(contact.customer.get_absolute_url())


def test_edit_contact_needs_the_permission(contact, engineer):
    with pytest.raises(PermissionDenied):
        actions.edit_contact(contact, name="x", at=AT, by=engineer.as_actor())


def test_the_field_history_masks_numbers(contact, helpdesk):
    actions.edit_contact(contact, phone="13911112222", at=AT, by=helpdesk.as_actor())

    change = changes_of(contact)[0]
    assert (change.old, change.new) == ("138****5678", "139****2222")
    assert "13911112222" not in str(changes_of(contact))
