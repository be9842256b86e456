"""A process is a table of transitions. This module reads the table and knows no database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from servicedesk.core.actors import Actor


@dataclass(frozen=True, slots=True)
class Transition:
    """One verb of a process. Without a `target` the status stays as it is.

    `icon` is a Tabler icon name; `hidden` transitions belong to the system or to a
    page of their own and draw no button.
    """

    name: str
    label: Any
    sources: frozenset[str]
    target: str | None
    permission: str
    icon: str = ""
    hidden: bool = False


class Machine:
    def __init__(self, *transitions: Transition) -> None:
        self._table = {t.name: t for t in transitions}
        assert len(self._table) == len(transitions), "transition names must differ"

    def __iter__(self) -> Iterator[Transition]:
        return iter(self._table.values())

    def __getitem__(self, name: str) -> Transition:
        return self._table[name]

    def __contains__(self, name: object) -> bool:
        return name in self._table

    def open_to(self, actor: Actor, status: str) -> list[Transition]:
        """What `actor` may start now: the buttons of a page, the `actions` of the API."""
        return [t for t in self if status in t.sources and not t.hidden and actor.may(t.permission)]
