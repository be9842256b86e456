"""Read the journal in tests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from servicedesk.core.rules import journal_of


def journal(obj: Any) -> list[tuple[str, datetime, str]]:
    """(type, at, actor) of each entry about the record, in order."""
    return [(entry.type, entry.at, entry.actor_label) for entry in journal_of(obj).entries]
