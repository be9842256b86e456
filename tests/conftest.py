"""The same few people everywhere: one of each role, two engineers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import translation

from accounts.actions import create_user, set_pin
from accounts.models import Team, User
from accounts.roles import Role
from servicedesk.core.actors import SYSTEM


@pytest.fixture(autouse=True)
def speak_chinese():
    """A request in English leaves its language to the thread; the next test starts afresh."""
    with translation.override("zh-hans"):
        yield


AT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)  # 09:30 in Shanghai, a Monday


def person(username: str, name: str, role: Role, team: Team | None = None) -> User:
    return create_user(
        username=username, name=name, role=role, team=team,
        password=None if role == Role.CLIENT else "parol-parol-1",
        email=f"{username}@example.com", phone="13800000000", at=AT, by=SYSTEM,
    )  # fmt: skip


PIN = "2580"


def give_pin(user: User) -> None:
    """By which the person gets a phone back that was handed over."""
    set_pin(user, password="parol-parol-1", pin=PIN, at=AT, by=user.as_actor())


@pytest.fixture
def helpdesk(db):
    return person("hexue", "何雪", Role.HELPDESK)


@pytest.fixture
def other_helpdesk(db):
    return person("sunli", "孙丽", Role.HELPDESK)


@pytest.fixture
def engineer(db):
    return person("zhangwei", "张伟", Role.ENGINEER)


@pytest.fixture
def other_engineer(db):
    return person("liqiang", "李强", Role.ENGINEER)


@pytest.fixture
def dispatcher(db):
    return person("zhaomin", "赵敏", Role.DISPATCHER)


@pytest.fixture
def manager(db):
    return person("chenjing", "陈静", Role.MANAGER)


@pytest.fixture
def admin(db):
    return person("guanli", "管理员", Role.ADMINISTRATOR)


@pytest.fixture
def business(db):
    return person("wangfang", "王芳", Role.BUSINESS)


@pytest.fixture
def api_client_user(db):
    return person("crm", "CRM", Role.CLIENT)
