"""From a subject's key (kind, primary key) to the record, its page, and who may see it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.apps import apps

from servicedesk.core import actions
from servicedesk.core.actors import Actor

Key = tuple[str, int]


def find(kind: str, pk: int) -> Any:
    """The record, or None where it is gone."""
    return apps.get_model(kind)._base_manager.filter(pk=pk).first()


def lock(kind: str, pk: int) -> None:
    """Lock the record as its own actions do: first the one that it `hangs_on`, then itself.

    Whatever concerns a form locks in one order: its record, the form, the form's links. Who signs
    and who corrects at the same time then wait for each other, and never both.
    """
    record = find(kind, pk)
    above = getattr(record, "hangs_on", "")
    if above:
        actions.lock(getattr(record, above))
    if record is not None:
        actions.lock(record)


def find_all(keys: Iterable[Key]) -> dict[Key, Any]:
    """All records of the keys, in one query per kind."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for kind, pk in keys:
        wanted[kind].add(pk)
    return {
        (kind, record.pk): record
        for kind, pks in wanted.items()
        for record in apps.get_model(kind)._base_manager.filter(pk__in=pks)
    }


def visible(kind: str, pk: int, actor: Actor) -> bool:
    manager: Any = apps.get_model(kind)._default_manager
    return bool(manager.visible_to(actor).filter(pk=pk).exists())


def visible_among(kind: str, pks: Iterable[int], actor: Actor) -> set[int]:
    """Which of these records the actor may see; all, where a kind of record is no secret."""
    manager: Any = apps.get_model(kind)._default_manager
    if not hasattr(manager, "visible_to"):
        return set(pks)
    return set(manager.visible_to(actor).filter(pk__in=pks).values_list("pk", flat=True))


def visible_ids(kind: str, actor: Actor) -> Any:
    """A subquery of the primary keys that the actor may see."""
    manager: Any = apps.get_model(kind)._default_manager
    return manager.visible_to(actor).values("pk")


def all_visible(kind: str, actor: Actor) -> bool:
    """Whether the actor may see every record of the kind."""
    manager: Any = apps.get_model(kind)._default_manager
    return not manager.visible_to(actor).query.where
