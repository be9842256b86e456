"""What the roof itself writes."""

from __future__ import annotations

from datetime import datetime

from servicedesk.core.actions import action, require
from servicedesk.core.actors import Actor
from servicedesk.core.events import record
from servicedesk.core.models import Entry
from servicedesk.desk.events import FiguresExported


@action
def note_export(
    *, table: str, title: str, file_type: str, filters: str, rows: int, at: datetime, by: Actor
) -> Entry:
    """Put down who exported what, before the first byte leaves (GEN-7)."""
    require(by, "managers.see")
    event = FiguresExported(
        at=at, table=table, title=title, file_type=file_type, filters=filters, rows=rows
    )
    return record(event, about=[("accounts.user", by.id)] if by.id else [], by=by)
