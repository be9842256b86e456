"""Who acts. Every change names one actor; the journal keeps his name as it was then."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A colleague (`user`), an API client, a customer's contact, or the system itself.

    `id` is the primary key of the user or contact behind it; `team_id` that of his team.
    """

    kind: str
    id: int | None
    label: str
    permissions: frozenset[str] = frozenset()
    team_id: int | None = None

    def may(self, permission: str) -> bool:
        return self.kind == "system" or permission in self.permissions


SYSTEM = Actor(kind="system", id=None, label="System")
ANONYMOUS = Actor(kind="anonymous", id=None, label="Anonymous")
