from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from customers import actions
from customers.queries import find_callers, masked, same_phone
from servicedesk.core.actors import ANONYMOUS, SYSTEM
from servicedesk.core.errors import Refused
from servicedesk.core.models import Entry
from tests.conftest import AT
from tests.customers.conftest import browser
from tests.journal import journal

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13800000000", "138****0000"),
        ("+86 138 0000 0000", "+86 138 **** 0000"),
        ("010-62345678", "010-****5678"),
        ("400-800-1234", "400-***-1234"),
        ("62345678", "******78"),
        ("10086", "****6"),
        ("12", "**"),
        ("", ""),
    ],
)
def test_masked(phone, shown):
    assert masked(phone) == shown


@pytest.mark.parametrize(
    "typed", ["13800005678", "+8613800005678", "0086 138-0000-5678", "013800005678", "5678", "0000567"]
)  # fmt: skip
def test_a_caller_is_found_by_number_however_it_is_written(typed, contact):
    (caller,) = find_callers(typed)

    assert (caller.contact, caller.store, caller.customer) == (
        contact, contact.store, contact.customer,
    )  # fmt: skip


def test_a_store_is_found_by_its_own_number(store):
    (caller,) = find_callers("60001234")

    assert (caller.contact, caller.store) == (None, store)


def test_too_few_digits_find_nobody(contact):
    assert find_callers("56") == []
    assert find_callers("李梅") == []


def test_the_whole_number_stands_before_others_that_contain_it(contact, store, helpdesk):
    exact = actions.create_contact(
        store=store, name="王强", phone="00005678", at=AT, by=helpdesk.as_actor()
    )

    assert [c.contact for c in find_callers("00005678")] == [exact, contact]


def test_nobody_is_found_who_is_out_of_use(contact, helpdesk):
    actions.deactivate(contact, at=AT, by=helpdesk.as_actor())

    assert find_callers("13800005678") == []


def test_strangers_find_nobody(contact, store):
    assert find_callers("13800005678", actor=ANONYMOUS) == []
    assert same_phone("13800005678", actor=ANONYMOUS) == []


def test_reveal_writes_down_who_and_what_for(contact, engineer):
    phone = actions.reveal_phone(contact, reason="回电客户", at=AT, by=engineer.as_actor())

    assert phone == "13800005678"
    assert journal(contact)[-1] == ("phone.revealed", AT, "张伟")
    told = Entry.objects.get(type="phone.revealed").data
    assert told["reason"] == "回电客户"
    assert "5678" not in str(told)


def test_reveal_needs_a_reason(contact, engineer):
    with pytest.raises(Refused) as refused:
        actions.reveal_phone(contact, reason="  ", at=AT, by=engineer.as_actor())

    assert refused.value.field == "reason"


def test_reveal_needs_the_permission(contact):
    with pytest.raises(PermissionDenied):
        actions.reveal_phone(contact, reason="x", at=AT, by=ANONYMOUS)


def test_reveal_says_when_there_is_no_number(store, engineer):
    person = actions.create_contact(store=store, name="王强", at=AT, by=SYSTEM)

    with pytest.raises(Refused):
        actions.reveal_phone(person, reason="x", at=AT, by=engineer.as_actor())


def test_pages_show_masked_numbers_only(contact, store, engineer):
    pages = [
        store.get_absolute_url(), store.customer.get_absolute_url(),
        reverse("customers:stores"), reverse("customers:list") + "?q=5678",
        reverse("customers:contact_options") + "?q=李梅",
    ]  # fmt: skip
    for url in pages:
        text = browser(engineer).get(url).content.decode()
        assert "13800005678" not in text, url
        assert "010-60001234" not in text, url


@pytest.mark.parametrize("sent", [{"reason": "call_back"}, {"other": "核对开票信息"}])
def test_the_page_shows_the_number_for_a_reason(sent, contact, desk):
    url = reverse("customers:phone", args=["contacts", contact.uid])

    assert "13800005678" not in desk.get(url).content.decode()
    answer = desk.post(url, sent, headers={"HX-Request": "true"})

    assert answer.status_code == 200
    assert "13800005678" in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    assert journal(contact)[-1][0] == "phone.revealed"


@pytest.mark.parametrize("sent", [{"other": " "}, {"reason": "nonsense"}])
def test_the_page_keeps_the_number_without_a_reason(sent, contact, desk):
    answer = desk.post(reverse("customers:phone", args=["contacts", contact.uid]), sent)

    assert answer.status_code == 422
    assert "13800005678" not in answer.content.decode()
    assert not Entry.objects.filter(type="phone.revealed").exists()


@pytest.mark.parametrize("kind", ["store", "contact"])
def test_the_form_to_edit_shows_no_whole_number_and_keeps_it(kind, store, contact, desk):
    item = store if kind == "store" else contact
    url = reverse(f"customers:{kind}_edit", args=[item.uid])
    text = desk.get(url).content.decode()
    assert item.phone not in text
    assert masked(item.phone) in text

    given = {"name": "新名", "code": "NEW", "address": "新路", "phone": masked(item.phone)}
    assert desk.post(url, given).status_code == 302
    before = item.phone
    item.refresh_from_db()
    assert (item.name, item.phone) == ("新名", before)

    assert desk.post(url, given | {"phone": "139****9999"}).status_code == 422
    assert desk.post(url, given | {"phone": "13911112222"}).status_code == 302
    item.refresh_from_db()
    assert item.phone_digits == "13911112222"


def test_products_have_no_number_to_show(product, desk):
    assert desk.get(reverse("customers:phone", args=["products", product.uid])).status_code == 404
