"""大兴超市 with one shop, one person, one product; and browsers that are logged in."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from customers import actions
from servicedesk.core.actors import SYSTEM
from tests.conftest import AT


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def customer(db):
    return actions.create_customer(
        name="大兴连锁超市有限公司", code="DX", short_name="大兴超市", at=AT, by=SYSTEM
    )


@pytest.fixture
def store(customer):
    return actions.create_store(
        customer=customer, name="大兴超市中山路店", code="DX001", city="北京市", district="大兴区",
        address="中山路 18 号", phone="010-60001234", at=AT, by=SYSTEM,
    )  # fmt: skip


@pytest.fixture
def contact(store):
    return actions.create_contact(
        store=store, name="李梅", salutation="李店长", phone="13800005678", at=AT, by=SYSTEM
    )


@pytest.fixture
def product(db):
    return actions.create_product(code="JF", name="积分产品", at=AT, by=SYSTEM)


@pytest.fixture
def installation(store, product):
    return actions.create_installation(
        store=store, product=product, software_version="3.1", remote_id="100200", at=AT, by=SYSTEM
    )


@pytest.fixture
def desk(helpdesk):
    return browser(helpdesk)


@pytest.fixture
def control(dispatcher):
    """The dispatcher's browser: he may import and manage products."""
    return browser(dispatcher)
