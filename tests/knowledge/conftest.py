"""A small fault tree, one product, one published entry."""

from __future__ import annotations

import pytest

from customers.actions import create_product
from knowledge import actions
from servicedesk.core.actors import SYSTEM
from tests.conftest import AT
from tests.customers.conftest import browser


@pytest.fixture
def software(db):
    return actions.create_category(code="SW", name="软件", at=AT, by=SYSTEM)


@pytest.fixture
def printing(software):
    return actions.create_category(code="SW-P", name="打印", parent=software, at=AT, by=SYSTEM)


@pytest.fixture
def hardware(db):
    return actions.create_category(code="HW", name="硬件", at=AT, by=SYSTEM)


@pytest.fixture
def product(db):
    return create_product(code="JF", name="积分产品", at=AT, by=SYSTEM)


@pytest.fixture
def draft(engineer, product, printing):
    return actions.create_article(
        title="小票打印不出来", symptom="收银后小票打印机没有反应，指示灯常亮",
        cause="打印服务停止", solution="重启打印服务，再打一张测试页", product=product,
        category=printing, at=AT, by=engineer.as_actor(),
    )  # fmt: skip


@pytest.fixture
def article(draft, dispatcher):
    return actions.publish(draft, at=AT, by=dispatcher.as_actor())


@pytest.fixture
def desk(helpdesk):
    return browser(helpdesk)


@pytest.fixture
def control(dispatcher):
    return browser(dispatcher)
