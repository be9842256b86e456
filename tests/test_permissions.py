"""The table of permissions and the code name the same ones, and each role may what it should."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

import pytest
from django.apps import apps
from django.conf import settings

from accounts.roles import CUSTOMER_PERMISSIONS, PERMISSIONS, Role, permissions_of
from servicedesk.core import panels
from servicedesk.core.states import Machine

# Functions and methods whose text argument is a permission.
ASKING = {"require", "may", "able_to", "needs", "has_perm"}


def packages() -> Iterator[str]:
    for label in settings.FIRST_PARTY_APPS:
        yield apps.get_app_config(label).name


def machines() -> Iterator[Machine]:
    for package in packages():
        if find_spec(f"{package}.states"):
            yield from (
                value
                for value in vars(import_module(f"{package}.states")).values()
                if isinstance(value, Machine)
            )


def asked_in(source: str) -> Iterator[str]:
    """The permissions of `require(by, "x.y")`, `actor.may("x.y")` …, also through a constant."""
    tree = ast.parse(source)
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if name not in ASKING:
            continue
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            text = constants.get(argument.id) if isinstance(argument, ast.Name) else None
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                text = argument.value
            if text and "." in text:
                yield text


def used() -> set[str]:
    found = {step.permission for machine in machines() for step in machine}
    found |= {entry.permission for entry in panels._navigation if entry.permission}
    for package in packages():
        folder = settings.BASE_DIR / package.replace(".", "/")
        for path in sorted(folder.rglob("*.py")):
            found |= set(asked_in(path.read_text(encoding="utf-8")))
    return found


def test_every_permission_that_the_code_names_stands_in_the_table():
    assert used() - set(PERMISSIONS) - CUSTOMER_PERMISSIONS == set()


def test_every_permission_of_the_table_is_asked_for_somewhere():
    assert (set(PERMISSIONS) | CUSTOMER_PERMISSIONS) - used() == set()


def test_the_reader_of_this_test_sees_the_ways_in_which_a_permission_is_asked():
    source = (
        'MANAGE = "a.constant"\n'
        'require(by, "a.required")\nrequire(by, MANAGE)\nif request.actor.may("a.asked"): pass\n'
        'User.objects.able_to("a.able")\nother("a.other")\n'
    )
    assert set(asked_in(source)) == {"a.required", "a.constant", "a.asked", "a.able"}


def test_nobody_of_the_house_may_sign_for_the_customer():
    """GEN-2: no role holds it, the administrator and the API client included."""
    for role in Role:
        assert not permissions_of(role) & CUSTOMER_PERMISSIONS


# reliability.md §4.2, as far as it is built: permission → who holds it, by initial.
# H helpdesk, E engineer, D dispatcher, M manager, B business, T trainer, A administrator, C client
INITIALS = dict(zip("HEDMBTAC", [
    Role.HELPDESK, Role.ENGINEER, Role.DISPATCHER, Role.MANAGER, Role.BUSINESS, Role.TRAINER,
    Role.ADMINISTRATOR, Role.CLIENT,
], strict=True))  # fmt: skip
MATRIX = {
    "accounts.manage": "A",
    "accounts.see_sessions_of_all": "A",
    "tickets.see_all": "HDMBAC",
    "visits.see_all": "HDMBAC",
    "tickets.open": "HEDMAC",
    "visits.work": "E",
    "visits.plan": "HDMA",
    "visits.offer": "HEDMA",
    "visits.attach": "HEDMA",
    "visits.cancel": "HDMAC",
    "customers.reveal_phone": "HEDMBTAC",
    "outbox.see": "MA",
    "outbox.replay": "A",
    "rules.see_all": "DMA",
    "managers.wall": "MA",
    "documents.mail": "HEDMA",
    "documents.export": "MA",
    "documents.ask_customer": "HEDMBTA",
    "documents.sign_own": "HEDBT",
    "managers.report": "DMA",
}


@pytest.mark.parametrize("permission", MATRIX)
def test_each_role_holds_what_the_matrix_gives_it(permission):
    holders = {initial for initial, role in INITIALS.items() if permission in permissions_of(role)}

    assert holders == set(MATRIX[permission])


def test_who_is_not_active_holds_nothing(db, admin):
    admin.is_active = False

    assert admin.as_actor().permissions == frozenset()
