from __future__ import annotations

import json

import pytest
from django.test import Client

from customers import actions
from customers.models import Contact, Customer, Installation, Product, Store
from servicedesk.core.actors import SYSTEM
from servicedesk.core.models import Entry
from tests.accounts.test_tokens import make
from tests.conftest import AT
from tests.customers.conftest import browser

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(api_client_user):
    _token, text = make(api_client_user)
    return Client(headers={"authorization": f"Bearer {text}"})


def post(client, path, data, **headers):
    return client.post(
        f"/api/v1/{path}", json.dumps(data), content_type="application/json", headers=headers
    )


def test_customers_are_read_by_list_search_and_uid(api, customer):
    actions.create_customer(name="永辉", at=AT, by=SYSTEM)

    assert len(api.get("/api/v1/customers").json()["results"]) == 2
    (found,) = api.get("/api/v1/customers?q=dxls").json()["results"]
    one = api.get(f"/api/v1/customers/{customer.uid}")
    assert found == one.json()
    assert (found["code"], found["actions"]) == ("DX", ["edit", "deactivate"])
    assert one["ETag"] == '"v1"'


def test_numbers_are_masked_until_a_reason_is_given(api, contact):
    assert api.get(f"/api/v1/contacts/{contact.uid}").json()["phone"] == "138****5678"
    assert "13800005678" not in api.get("/api/v1/contacts").content.decode()
    assert "60001234" not in api.get("/api/v1/stores").content.decode()

    path = f"contacts/{contact.uid}/reveal-phone"
    assert post(api, path, {}).status_code == 400
    assert post(api, path, {"reason": " "}).status_code == 400
    assert post(api, path, {"reason": "同步"}).json() == {"phone": "13800005678"}
    assert Entry.objects.get(type="phone.revealed").data["reason"] == "同步"


def test_all_is_created_and_changed_by_verbs(api, product):
    customer = post(api, "customers/add", {"name": "好店", "code": "hd"})
    assert customer.status_code == 201
    uid = customer.json()["uid"]
    assert post(api, f"customers/{uid}/edit", {"note": "老客户"}).json()["note"] == "老客户"

    store = post(api, "stores/add", {"customer": uid, "name": "一店", "address": "一路"}).json()
    assert store["customer"] == uid
    assert post(api, f"stores/{store['uid']}/edit", {"city": "北京市"}).json()["city"] == "北京市"

    person = post(api, "contacts/add", {"store": store["uid"], "name": "李梅"}).json()
    assert (person["customer"], person["store"]) == (uid, store["uid"])
    assert post(api, f"contacts/{person['uid']}/edit", {"store": None}).json()["store"] is None

    given = {"store": store["uid"], "product": str(product.uid), "software_version": "1"}
    installed = post(api, "installations/add", given).json()
    changed = post(api, f"installations/{installed['uid']}/change", {"software_version": "2"})
    assert changed.json()["software_version"] == "2"

    assert (Customer.objects.get().note, Store.objects.get().city) == ("老客户", "北京市")
    assert Contact.objects.get().store is None
    assert Installation.objects.get().software_version == "2"


def test_products_are_managed_by_who_may(api, dispatcher):
    assert post(api, "products/add", {"code": "A", "name": "x"}).status_code == 403

    desk = browser(dispatcher)
    made = post(desk, "products/add", {"code": "A", "name": "x"}).json()
    assert post(desk, f"products/{made['uid']}/edit", {"name": "y"}).json()["name"] == "y"
    assert Product.objects.get().name == "y"


@pytest.mark.parametrize("kind", ["customer", "store", "contact", "installation"])
def test_out_of_use_and_into_it_again(kind, api, request):
    item = request.getfixturevalue(kind)

    gone = post(api, f"{kind}s/{item.uid}/deactivate", {}).json()
    assert (gone["is_active"], "reactivate" in gone["actions"]) == (False, True)
    assert post(api, f"{kind}s/{item.uid}/deactivate", {}).status_code == 409
    assert post(api, f"{kind}s/{item.uid}/reactivate", {}).json()["is_active"] is True


def test_a_refusal_points_at_the_field(api, customer):
    answer = post(api, "customers/add", {"name": "x", "code": "DX"})

    assert answer.status_code == 409
    assert answer.json()["errors"][0]["pointer"] == "/code"


@pytest.mark.parametrize(
    "data",
    [{}, {"name": ""}, {"name": "x" * 121}, {"name": "a\x00"}, {"name": "x", "colour": "red"},
     {"name": ["x"]}, {"name": "x", "at": "yesterday"}],
)  # fmt: skip
def test_bad_input_is_400(data, api):
    assert post(api, "customers/add", data).status_code == 400
    assert not Customer.objects.exists()


@pytest.mark.parametrize("uid", ["01890a5d-ac96-774b-bcce-b302099a8057", "nonsense"])
def test_what_does_not_exist_is_404_or_invalid(uid, api):
    assert api.get(f"/api/v1/stores/{uid}").status_code == 404
    assert post(api, f"stores/{uid}/edit", {"name": "x"}).status_code == 404
    given = {"customer": uid, "name": "x", "address": "y"}
    assert post(api, "stores/add", given).status_code == 400


def test_a_stale_version_is_refused(api, customer):
    first = post(api, f"customers/{customer.uid}/edit", {"note": "1"}, **{"If-Match": '"v1"'})
    second = post(api, f"customers/{customer.uid}/edit", {"note": "2"}, **{"If-Match": '"v1"'})

    assert (first.status_code, second.status_code) == (200, 412)


def test_a_repeated_creation_happens_once(api):
    answers = [
        post(api, "customers/add", {"name": "好店"}, **{"Idempotency-Key": "k1"}) for _ in range(2)
    ]

    assert answers[0].json() == answers[1].json()
    assert dict(answers[0].headers) == dict(answers[1].headers)
    assert answers[1]["ETag"] == '"v1"'
    assert Customer.objects.count() == 1


def test_a_repeat_names_the_version_of_its_first_answer_not_a_later_one(api):
    """A change on the strength of the repeat must fail: its sender has not seen what came after."""
    sent = {"name": "好店"}, {"Idempotency-Key": "k1"}
    made = post(api, "customers/add", sent[0], **sent[1])
    post(api, f"customers/{made.json()['uid']}/edit", {"note": "1"})

    assert post(api, "customers/add", sent[0], **sent[1])["ETag"] == made["ETag"]


@pytest.mark.parametrize("kind", ["customers", "stores", "contacts", "products", "installations"])
def test_strangers_read_nothing(kind, client, installation, contact):
    assert client.get(f"/api/v1/{kind}").status_code in {401, 403}


def test_who_may_not_write_is_told_so(customer, engineer):
    assert browser(engineer).get(f"/api/v1/customers/{customer.uid}").json()["actions"] == []
    assert post(browser(engineer), f"customers/{customer.uid}/edit", {}).status_code == 403


@pytest.mark.parametrize("kind", ["customers", "stores", "contacts", "installations"])
def test_lists_cost_the_same_with_more_rows(
    kind, api, store, product, django_assert_max_num_queries
):
    def cost() -> int:
        with django_assert_max_num_queries(8) as counted:
            assert api.get(f"/api/v1/{kind}").status_code == 200
        return len(counted)

    def fill(count: int) -> None:
        for i in range(count):
            made = actions.create_customer(name=f"{i}", at=AT, by=SYSTEM)
            shop = actions.create_store(customer=made, name="x", address="y", at=AT, by=SYSTEM)
            actions.create_contact(store=shop, name="z", at=AT, by=SYSTEM)
            actions.create_installation(store=shop, product=product, at=AT, by=SYSTEM)

    fill(1)
    cost()
    first = cost()
    fill(5)
    assert cost() == first
