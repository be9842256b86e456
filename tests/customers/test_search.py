from __future__ import annotations

import pytest
from django.db import connection
from django.urls import reverse

from customers import actions
from customers.models import Contact, Customer, Store
from customers.queries import (
    CONTACT_FIELDS,
    CUSTOMER_FIELDS,
    STORE_FIELDS,
    search_contacts,
    search_customers,
    search_stores,
)
from servicedesk.core.actors import ANONYMOUS, SYSTEM
from servicedesk.core.search import matching, phone_digits, spelled
from tests.conftest import AT

pytestmark = pytest.mark.django_db

FOUND_BY = [
    "大兴", "连锁超", "DX", "dxlscs", "daxing", "daxingliansuo", "中山路", "DX001", "dx001",
    "zslu", "60001234", "0000567", "+86 138-0000-5678", "李梅", "limei", "lm", "大兴 李梅", "兴",
]  # fmt: skip


@pytest.fixture
def others(contact):
    for name in ("永辉超市", "物美"):
        made = actions.create_customer(name=name, at=AT, by=SYSTEM)
        actions.create_store(
            customer=made, name=f"{name}解放街店", address="解放街 2 号", at=AT, by=SYSTEM
        )


@pytest.mark.parametrize("typed", [text for text in FOUND_BY if text not in {"zslu", "大兴 李梅"}])
def test_a_customer_is_found_by(typed, customer, others):
    assert list(search_customers(typed)) == [customer]


@pytest.mark.parametrize("typed", [text for text in FOUND_BY if text not in {"zslu", "大兴 李梅"}])
def test_a_store_is_found_by(typed, store, others):
    assert list(search_stores(typed)) == [store]


@pytest.mark.parametrize(
    "typed", ["兴大", "zzz", "北京市 永辉", "'", "a\\b:*", "\x00zz", "%", "_", "大_"]
)
def test_nothing_is_found_by(typed, others):
    assert list(search_customers(typed)) == []
    assert list(search_stores(typed)) == []


@pytest.mark.parametrize("typed", ["", "  ", "\x00"])
def test_without_words_all_are_offered(typed, others):
    assert search_customers(typed).count() == 3


def test_a_very_long_text_is_cut_not_refused(others):
    assert list(search_customers("大兴" * 5000)) == []
    assert list(search_stores("zz " * 5000)) == []
    assert search_stores("a " * 5000).count() == 3


def test_bigrams_that_stand_apart_are_no_hit(db):
    actions.create_customer(name="打印与印机", at=AT, by=SYSTEM)

    assert not search_customers("打印机").exists()
    assert search_customers("印机").exists()


def test_who_is_out_of_use_is_not_offered(store, customer, helpdesk):
    actions.deactivate(customer, at=AT, by=helpdesk.as_actor())

    assert not search_customers("大兴").exists()
    assert not search_stores("大兴").exists()


def test_strangers_find_nothing(contact):
    assert not search_customers("大兴", actor=ANONYMOUS).exists()
    assert not search_stores("大兴", actor=ANONYMOUS).exists()
    assert not search_contacts("李梅", actor=ANONYMOUS).exists()


def test_people_of_a_store_are_its_own_and_the_head_offices(contact, store, customer):
    office = actions.create_contact(customer=customer, name="周总", at=AT, by=SYSTEM)
    second = actions.create_store(customer=customer, name="二店", address="二路", at=AT, by=SYSTEM)
    actions.create_contact(store=second, name="陈二", at=AT, by=SYSTEM)

    assert set(search_contacts("", store=store)) == {contact, office}
    assert list(search_contacts("zz", store=store)) == [office]


@pytest.mark.parametrize(
    ("texts", "key"),
    [
        (("大兴店",), "daxingdian dxd"),
        (("7-11便利店（大兴店）",), "711bianlidiandaxingdian 711blddxd"),
        (("Aéon 永旺", ""), "aéonyongwang aéonyw"),
        (("重庆", "重庆"), "chongqing cq"),
        (("",), ""),
    ],
)
def test_spelled(texts, key):
    assert spelled(*texts) == key


@pytest.mark.parametrize(
    ("phone", "digits"),
    [
        ("138 0000 0000", "13800000000"), ("+86-13800000000", "13800000000"),
        ("008613800000000", "13800000000"), ("013800000000", "13800000000"),
        ("010-62345678", "01062345678"), ("86-21-1234567", "86211234567"), ("", ""),
    ],
)  # fmt: skip
def test_phone_digits(phone, digits):
    assert phone_digits(phone) == digits


def plan_of(queryset) -> str:
    """The plan if only the bitmap of an index will do; in a table of three rows none is worth it."""
    with connection.cursor() as cursor:
        for way in ("seqscan", "indexscan", "indexonlyscan"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
    return str(queryset.explain())


@pytest.mark.parametrize("typed", ["大兴", "大兴区", "dxl", "6000"])
def test_search_can_take_the_index(typed, contact):
    for model, fields in [
        (Customer, CUSTOMER_FIELDS), (Store, STORE_FIELDS), (Contact, CONTACT_FIELDS),
    ]:  # fmt: skip
        plan = plan_of(matching(model.objects.order_by(), typed, *fields))
        assert f"customers_{model.__name__.lower()}_search" in plan


def test_the_list_says_why_a_customer_was_found(contact, desk):
    text = desk.get(reverse("customers:list") + "?q=0000567").content.decode()

    assert "李梅 138****5678" in text
    assert contact.store.get_absolute_url() in text


def test_search_as_you_type_gets_the_rows_alone(contact, desk):
    answer = desk.get(reverse("customers:list") + "?q=dxls", headers={"HX-Request": "true"})

    assert "大兴连锁超市有限公司" in answer.content.decode()
    assert "<html" not in answer.content.decode()


@pytest.mark.parametrize("name", ["list", "stores"])
@pytest.mark.parametrize("typed", ["%27%22%3Cscript%3E", "x" * 5000, "%FF%FE", "a" * 59])
def test_the_lists_take_any_input(name, typed, contact, desk):
    answer = desk.get(f"{reverse(f'customers:{name}')}?q={typed}&after=nonsense&customer=")

    assert answer.status_code == 200
    assert "<script>" not in answer.content.decode().replace('<script src="', "")


def test_options_for_fields_that_choose_by_typing(contact, store, customer, installation, desk):
    def options(name: str, query: str) -> list[tuple[str, str, str]]:
        answer = desk.get(reverse(f"customers:{name}_options") + query)
        return [(r["uid"], r["label"], r["detail"]) for r in answer.json()["results"]]

    assert options("customer", "?q=dx") == [(str(customer.uid), customer.name, "DX")]
    ((uid, label, detail),) = options("store", f"?q=中山&customer={customer.uid}")
    assert (uid, label) == (str(store.uid), store.name)
    assert "北京市大兴区中山路" in detail
    ((uid, label, detail),) = options("contact", f"?q=&store={store.uid}")
    assert (uid, label) == (str(contact.uid), "李梅")
    assert "138****5678" in detail
    assert options("product", f"?q=jf&store={store.uid}") == [
        (str(installation.product.uid), "积分产品", "3.1")
    ]


@pytest.mark.parametrize("uid", ["nonsense", "01920000-0000-7000-8000-000000000000"])
def test_options_of_a_store_that_does_not_exist(uid, desk, contact):
    assert desk.get(reverse("customers:contact_options") + f"?store={uid}").status_code == 404
