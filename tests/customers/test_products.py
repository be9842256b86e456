from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from accounts.actions import create_team
from customers import actions
from customers.models import Installation, Product
from customers.queries import installed_products, products_to_choose
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from servicedesk.core.models import Entry
from tests.conftest import AT
from tests.journal import journal

pytestmark = pytest.mark.django_db


def test_create_product(dispatcher):
    made = actions.create_product(code="jf", name="积分产品", at=AT, by=dispatcher.as_actor())

    assert made.code == "JF"
    assert journal(made) == [("product.created", AT, "赵敏")]


def test_create_product_refuses_a_code_that_is_taken(product, dispatcher):
    with pytest.raises(Refused, match="积分产品"):
        actions.create_product(code="JF", name="x", at=AT, by=dispatcher.as_actor())


@pytest.mark.parametrize("verb", [actions.create_product, actions.edit_product])
def test_products_are_not_the_helpdesks_matter(verb, product, helpdesk):
    subject = [product] if verb is actions.edit_product else []

    with pytest.raises(PermissionDenied):
        verb(*subject, code="X", name="x", at=AT, by=helpdesk.as_actor())


def test_edit_product(product, dispatcher):
    actions.edit_product(product, name="积分产品 3", at=AT, by=dispatcher.as_actor())

    assert Product.objects.get().name == "积分产品 3"
    assert journal(product)[-1] == ("product.edited", AT, "赵敏")


def test_deactivate_product_needs_the_right_to_manage_products(product, helpdesk, dispatcher):
    with pytest.raises(PermissionDenied):
        actions.deactivate(product, at=AT, by=helpdesk.as_actor())

    actions.deactivate(product, at=AT, by=dispatcher.as_actor())
    assert not Product.objects.get().is_active


def test_create_installation(store, product, helpdesk):
    made = actions.create_installation(
        store=store, product=product, software_version="3.1", at=AT, by=helpdesk.as_actor()
    )

    assert list(installed_products(store)) == [made]
    assert journal(store)[-1] == ("installation.created", AT, "何雪")


def test_a_product_is_installed_once_per_store(installation, store, product, helpdesk):
    with pytest.raises(Refused) as refused:
        actions.create_installation(store=store, product=product, at=AT, by=helpdesk.as_actor())

    assert refused.value.field == "product"
    assert Installation.objects.count() == 1


def test_reactivating_a_second_installation_is_refused(installation, store, product, helpdesk):
    by = helpdesk.as_actor()
    actions.deactivate(installation, at=AT, by=by)
    actions.create_installation(store=store, product=product, at=AT, by=by)

    with pytest.raises(Refused):
        actions.reactivate(installation, at=AT, by=by)

    installation.refresh_from_db()
    assert not installation.is_active


def test_change_installation_keeps_both_versions_in_the_journal(installation, helpdesk):
    actions.change_installation(
        installation, software_version="3.2", remote_id="999", at=AT, by=helpdesk.as_actor()
    )

    installation.refresh_from_db()
    assert (installation.software_version, installation.remote_id) == ("3.2", "999")
    told = Entry.objects.get(type="installation.changed").data
    assert (told["old_version"], told["new_version"]) == ("3.1", "3.2")
    assert (told["old_remote_id"], told["new_remote_id"]) == ("100200", "999")


def test_create_installation_needs_the_permission(store, product, engineer):
    with pytest.raises(PermissionDenied):
        actions.create_installation(store=store, product=product, at=AT, by=engineer.as_actor())


def test_change_installation_needs_the_permission(installation, engineer):
    with pytest.raises(PermissionDenied):
        actions.change_installation(installation, remote_id="1", at=AT, by=engineer.as_actor())


def test_installed_products_come_first(store, installation):
    actions.create_product(code="AA", name="安防产品", at=AT, by=SYSTEM)

    offered = products_to_choose(store, actor=SYSTEM)

    assert [(p.code, version) for p, version in offered] == [("JF", "3.1"), ("AA", "")]


def test_a_product_has_a_team_that_looks_after_it(control, product):
    team = create_team(name="积分组", at=AT, by=SYSTEM)
    page = reverse("customers:product_edit", args=[product.uid])

    answer = control.post(page, {"code": "JF", "name": "积分产品", "team": str(team.uid)})

    assert answer.status_code == 302, answer.text
    product.refresh_from_db()
    assert product.team == team
    assert "积分组" in control.get(reverse("customers:products")).text
    assert f'value="{team.uid}" selected' in control.get(page).text


@pytest.mark.parametrize(("given", "status"), [("", 200), ("no-uid", 400), (None, 200)])
def test_the_team_of_a_product_by_api(given, status, control, product):
    team = create_team(name="积分组", at=AT, by=SYSTEM)
    url = f"/api/v1/products/{product.uid}/edit"

    answer = control.post(url, {"team": str(team.uid)}, "application/json")
    assert answer.json()["team"] == str(team.uid)
    assert control.post(url, {"team": given}, "application/json").status_code == status
