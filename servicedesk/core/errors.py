"""How an action says no. A page shows the message on its form; the API answers 409."""

from __future__ import annotations


class Refused(Exception):
    """Not possible now. The message is written for the person who asked."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class WrongState(Refused):
    """The transition does not start from the present status."""


class Stale(Refused):
    """Somebody else changed the record since it was read (HTTP 412)."""
