"""Rules that a reviewer would otherwise have to remember."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models
from django.template.loader import get_template
from django.urls import URLPattern, URLResolver, get_resolver

from servicedesk.core import documents
from servicedesk.core.events import EVENTS
from servicedesk.core.fields import Named
from servicedesk.core.states import Machine

ROOT = Path(__file__).parent.parent
# From the lowest to the highest, as in pyproject.toml.
RANK = {
    "contenttypes": 0, "auth": 1, "core": 2, "accounts": 3, "customers": 4, "sla": 5,
    "knowledge": 6, "tickets": 7, "visits": 8, "presales": 9, "training": 9, "operations": 10,
}  # fmt: skip
APPS = ["accounts", "customers", "knowledge", "sla", "tickets", "visits"]
# The modules that are actions: of a process, of a deadline, of what leaves the house.
MAY_WRITE_STATUS = {
    "deadlines.py",
    "sweeping.py",
    "outbox.py",
    "digests.py",
    "documents.py",
    "exports.py",
    "sealing.py",
}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for folder in ["servicedesk", *APPS]:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def is_action_module(path: Path) -> bool:
    return path.name == "actions.py" or "actions" in path.parts


def status_writes(tree: ast.Module) -> Iterator[int]:
    """The lines with `x.status = …` or `….update(status=…)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr == "status":
                    yield node.lineno
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "update"
            and any(keyword.arg == "status" for keyword in node.keywords)
        ):
            yield node.lineno


def test_only_actions_write_a_status():
    found = [
        f"{path}:{line}"
        for path, tree in sources()
        if not is_action_module(path) and path.name not in MAY_WRITE_STATUS
        for line in status_writes(tree)
    ]
    assert found == []


def test_the_status_search_sees_both_ways_of_writing():
    tree = ast.parse("x.status = 1\nq.filter().update(status=2)\nx.state = 3\n")
    assert list(status_writes(tree)) == [1, 2]


TRACKED = {
    model.__name__
    for model in apps.get_models()
    if issubclass(model, Named) and model._meta.app_label in RANK
}
BULK = {"bulk_create", "bulk_update", "update", "_raw_delete", "raw"}


def bulk_writes(tree: ast.Module) -> Iterator[str]:
    """`Model.objects….bulk_create(…)` and the like on tracked models: they bypass the history."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr not in BULK:
                continue
            source = ast.unparse(node.func.value)
            for name in TRACKED:
                if re.match(rf"{name}\.(objects|_base_manager|_default_manager)\b", source):
                    yield f"{source}.{node.func.attr}"


# When a token was last used, and the stronger hash of an unchanged password: no change of the
# record that anybody would ask the history for.
UNTRACKED_WRITES = {
    "accounts/actions.py: Token.objects.filter(pk=token.pk).update",
    "accounts/models.py: User.objects.get_queryset().filter(pk=self.pk).update",
}


def test_no_write_bypasses_the_field_history():
    found = {f"{path}: {write}" for path, tree in sources() for write in bulk_writes(tree)}
    assert found == UNTRACKED_WRITES


def test_the_bulk_search_sees_a_bulk_write():
    tree = ast.parse("Ticket.objects.filter(x=1).update(title='x')\nEntry.objects.bulk_create([])")
    assert len(list(bulk_writes(tree))) == 1


def test_every_business_model_keeps_its_field_history():
    plain = {
        # Rows of engines and of the interface, not records of the business; versions that never
        # change, and so are the history of what they belong to.
        "sla.CalendarVersion", "sla.PolicyVersion",
        "accounts.Notification", "customers.ImportDraft", "sla.Deadline", "sla.DeadlineMove",
        "sla.Escalation", "tickets.CallDraft",
        "visits.Offer",
    }  # fmt: skip
    without = {
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_label in APPS
        and not model.__name__.startswith("Historical")
        and not hasattr(model, "history")
    }
    assert without <= plain, without - plain


def test_foreign_keys_point_downwards():
    """Also those given as a string, which import-linter cannot see; siblings are strangers."""
    wrong = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if model._meta.app_label in RANK and field.related_model is not None
        and field.related_model._meta.app_label != model._meta.app_label
        and RANK[field.related_model._meta.app_label] >= RANK[model._meta.app_label]
    ]  # fmt: skip
    assert wrong == []


def test_constraints_and_indexes_are_named_after_their_table():
    wrong = [
        f"{model._meta.label}: {item.name}"
        for model in apps.get_models()
        if model._meta.app_label in {*APPS, "core"} and not model.__name__.startswith("Historical")
        for item in [*model._meta.constraints, *model._meta.indexes]
        if not item.name.startswith(f"{model._meta.app_label}_")
    ]
    assert wrong == []


def calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


DOORS = {"views", "api", "tasks", "commands", "middleware", "forms", "backends"}
CLOCKS = {"timezone.now", "datetime.now", "timezone.localdate", "date.today", "time.time"}


def test_actions_are_told_the_time():
    """Only doors read the clock; an action gets `at`."""
    found = [
        f"{path}:{line} {name}"
        for path, tree in sources()
        if is_action_module(path) or path.name in {"rules.py", "clocks.py", "handlers.py"}
        for line, name in calls(tree)
        if name in CLOCKS
    ]
    assert found == []


def machines() -> Iterator[tuple[str, str, Machine]]:
    for label in APPS:
        if find_spec(f"{label}.states"):
            for name, value in vars(import_module(f"{label}.states")).items():
                if isinstance(value, Machine):
                    yield label, name, value


def action_names(app: str) -> set[str]:
    package = import_module(f"{app}.actions")
    modules = [package]
    if hasattr(package, "__path__"):
        modules += [
            import_module(f"{app}.actions.{m.name}") for m in iter_modules(package.__path__)
        ]
    return {
        name
        for module in modules
        for name, value in vars(module).items()
        if getattr(value, "is_action", False)
    }


@pytest.mark.parametrize(("app", "name", "machine"), list(machines()))
def test_each_transition_has_an_action_of_its_name(app, name, machine):
    assert {t.name for t in machine} <= action_names(app)


def test_event_types_are_named_after_their_noun():
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", name) for name in EVENTS)


def test_only_core_talks_to_the_outside():
    outside = {"weasyprint", "requests", "smtplib", "urllib.request", "http.client"}
    found = [
        f"{path}: {name}"
        for path, tree in sources()
        if path.parts[:2] != ("servicedesk", "core")
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else
                     [alias.name for alias in node.names])
        if name in outside
    ]  # fmt: skip
    assert found == []


TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(ROOT / "templates")))
def test_templates_have_no_inline_script_or_style(path):
    text = re.sub(r"{%.*?%}", "", path.read_text(encoding="utf-8"))
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", text), "inline script"
    assert not re.search(r"\sstyle=[\"']|<style|\son[a-z]+=[\"']", text), "inline style or handler"
    assert "|safe" not in text


def test_every_template_compiles():
    for path in TEMPLATES:
        get_template(str(path.relative_to(ROOT / "templates")))


def test_every_form_template_exists():
    for kind in documents.KINDS.values():
        get_template(kind.template)


def patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for item in resolver.url_patterns:
        if isinstance(item, URLResolver):
            yield from patterns(item)
        else:
            yield item


def test_addresses_carry_no_primary_key():
    """Public identifiers are form numbers or UUIDs (design.md §2)."""
    ours = ("accounts", "customers", "knowledge", "sla", "tickets", "visits", "servicedesk")
    wrong = [
        str(pattern.pattern)
        for pattern in patterns(get_resolver())
        if getattr(pattern.callback, "__module__", "").split(".")[0] in ours
        and re.search(r"<int:|<pk>|<id>", str(pattern.pattern))
    ]
    assert wrong == []


def test_every_first_party_app_is_in_the_list():
    assert {"servicedesk.core", "servicedesk.desk", *APPS} <= set(settings.INSTALLED_APPS)
    assert {*APPS, "core", "desk"} == set(settings.FIRST_PARTY_APPS)


def test_every_model_says_what_it_is():
    nameless = [
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_label in APPS
        and not model.__name__.startswith("Historical")
        and model.__str__ is models.Model.__str__
    ]
    assert nameless == []
