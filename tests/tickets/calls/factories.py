"""A customer with two stores, a person there and a product, made by the actions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from accounts.models import User
from customers.actions import (
    create_contact,
    create_customer,
    create_installation,
    create_product,
    create_store,
)
from knowledge.actions import create_article, create_category, publish
from knowledge.models import Article
from servicedesk.core.actors import SYSTEM
from tests.conftest import AT


def make_shop() -> SimpleNamespace:
    by: dict[str, Any] = {"at": AT, "by": SYSTEM}
    product = create_product(code="JF", name="积分产品", **by)
    customer = create_customer(name="百惠超市有限公司", short_name="百惠超市", **by)
    store = create_store(
        customer=customer, name="百惠超市大兴店", address="兴华大街 18 号", code="BH-001",
        phone="010-61201123", **by,
    )  # fmt: skip
    return SimpleNamespace(
        product=product,
        customer=customer,
        store=store,
        other_store=create_store(
            customer=customer, name="百惠超市望京店", address="望京西路", **by
        ),
        contact=create_contact(
            store=store, name="李红梅", salutation="李店长", phone="13800138001", **by
        ),
        installation=create_installation(
            store=store, product=product, software_version="4.2", **by
        ),
        category=create_category(name="打印", code="SW-1", **by),
    )


def make_article(shop: SimpleNamespace) -> Article:
    """What helped with cards that earn no points, published."""
    by: dict[str, Any] = {"at": AT, "by": SYSTEM}
    author = User.objects.get_queryset().get(username="hexue").as_actor()
    article = create_article(
        title="刷会员卡不积分", symptom="收银台刷会员卡后不积分", solution="退出积分服务后重新登录",
        product=shop.product, category=shop.category, at=AT, by=author,
    )  # fmt: skip
    return publish(article, **by)
