"""Contracts: made and changed by those who may, on the customer's page and over the API."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from rest_framework.test import APIClient

from customers import actions
from customers.models import Contract
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from tests.conftest import AT
from tests.customers.conftest import browser
from tests.journal import journal

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract(customer):
    return actions.create_contract(
        customer=customer, number="ht-2026-01", title="金牌维保", starts_on=date(2026, 1, 1),
        ends_on=date(2026, 12, 31), at=AT, by=SYSTEM,
    )  # fmt: skip


def test_a_contract_is_on_its_customers_timeline(contract, customer):
    assert contract.number == "HT-2026-01"
    assert journal(contract) == [("contract.created", AT, SYSTEM.label)]
    assert journal(customer)[-1][0] == "contract.created"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"number": " "}, "number"), ({"number": "HT-2026-01"}, "number"), ({"number": "x" * 41}, "number"),
     ({"title": ""}, "title"), ({"ends_on": date(2025, 1, 1)}, "ends_on")],
)  # fmt: skip
def test_what_cannot_be_a_contract_is_refused(wrong, field, contract, customer):
    given = {"number": "HT-2", "title": "维保", "starts_on": date(2026, 1, 1), **wrong}
    with pytest.raises(Refused) as refused:
        actions.create_contract(customer=customer, **given, at=AT, by=SYSTEM)
    assert refused.value.field == field
    assert Contract.objects.count() == 1


def test_a_contract_is_ended_by_its_last_day(contract, dispatcher):
    actions.edit_contract(contract, ends_on=date(2026, 6, 30), at=AT, by=dispatcher.as_actor())
    contract.refresh_from_db()
    assert contract.ends_on == date(2026, 6, 30)
    assert journal(contract)[-1] == ("contract.edited", AT, "赵敏")
    with pytest.raises(Refused):
        actions.edit_contract(contract, ends_on=date(2025, 1, 1), at=AT, by=SYSTEM)


def test_the_helpdesk_changes_no_contract(contract, helpdesk):
    with pytest.raises(PermissionDenied):
        actions.edit_contract(contract, title="x", at=AT, by=helpdesk.as_actor())
    with pytest.raises(PermissionDenied):
        actions.create_contract(
            customer=contract.customer, number="x", title="x", starts_on=date(2026, 1, 1), at=AT,
            by=helpdesk.as_actor(),
        )  # fmt: skip


def test_it_is_registered_and_changed_on_the_page(customer, control):
    url = reverse("customers:contract_new", args=[customer.uid])
    given = {"number": "HT-9", "title": "银牌", "starts_on": "2026-01-01", "ends_on": ""}
    answer = control.post(url, given)

    made = Contract.objects.get()
    assert answer.url == made.get_absolute_url()
    assert "HT-9" in control.get(customer.get_absolute_url()).content.decode()
    edit = reverse("customers:contract_edit", args=[made.uid])
    assert control.post(edit, {**given, "ends_on": "2025-01-01"}).status_code == 422
    control.post(edit, {**given, "title": "金牌"})
    made.refresh_from_db()
    assert made.title == "金牌"


@pytest.mark.parametrize(
    "role", ["helpdesk", "engineer", "dispatcher", "manager", "admin", "business"]
)
def test_who_may_open_the_forms(role, request, contract, customer):
    client = browser(request.getfixturevalue(role))
    expected = 403 if role in {"helpdesk", "engineer"} else 200

    assert (
        client.get(reverse("customers:contract_new", args=[customer.uid])).status_code == expected
    )
    assert (
        client.get(reverse("customers:contract_edit", args=[contract.uid])).status_code == expected
    )


def test_a_contract_is_found_by_a_part_of_its_number(contract, control):
    url = reverse("customers:contract_options")
    found = control.get(url, {"q": "2026"}).json()["results"]
    assert [row["uid"] for row in found] == [str(contract.uid)]
    assert control.get(url, {"q": "白银"}).json()["results"] == []


def test_contracts_over_the_api(contract, customer, dispatcher, helpdesk):
    api = APIClient()
    api.force_authenticate(dispatcher)
    rows = api.get("/api/v1/contracts").json()["results"]
    assert [(row["number"], row["actions"]) for row in rows] == [("HT-2026-01", ["edit"])]
    body = {
        "customer": str(customer.uid),
        "number": "HT-3",
        "title": "x",
        "starts_on": "2026-01-01",
    }
    assert api.post("/api/v1/contracts/add", body, format="json").status_code == 201
    answer = api.post(
        f"/api/v1/contracts/{contract.uid}/edit", {"ends_on": "2025-01-01"}, format="json"
    )
    assert answer.status_code == 409
    api.force_authenticate(helpdesk)
    assert api.post("/api/v1/contracts/add", body, format="json").status_code == 403
