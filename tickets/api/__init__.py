"""/api/v1/: calls and what follows from them; tickets; remote sessions."""

from __future__ import annotations

from rest_framework.routers import BaseRouter

from tickets.api import calls, messages, promises, remote, tickets


def register(router: BaseRouter) -> None:
    """The resources of this app below /api/v1/."""
    for part in (calls, messages, promises, tickets, remote):
        part.register(router)
