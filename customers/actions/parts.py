"""Many parts of the stock list at once: all of them, or none. A blank cell changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers.actions.importing import ImportRefused, Problem, Row
from customers.actions.records import about, created, edited, put
from customers.events import MasterDataImported
from customers.models import StockPart
from servicedesk.core.actions import action, require
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import Event, record, record_all
from servicedesk.core.history import change_all, create_all

# column → field; in the order of the template.
COLUMNS: Mapping[str, str] = {
    "part_code": "code", "part_name": "name", "part_spec": "spec", "part_unit": "unit",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counted:
    new: int
    changed: int


@action
def import_parts(rows: Sequence[Row], *, file_name: str, at: datetime, by: Actor) -> Counted:
    """Known codes change, unknown ones are made; twice the same file changes nothing."""
    require(by, "customers.manage_parts")
    known = {part.code: part for part in StockPart.objects.select_for_update()}
    problems: list[Problem] = []
    lines: dict[str, int] = {}
    new: list[StockPart] = []
    changes: list[tuple[StockPart, list[str]]] = []
    for line, cells in rows:
        part, changed = _take(line, cells, known, lines, problems)
        if part is not None and part.pk is None:
            new.append(part)
        elif part is not None and changed:
            changes.append((part, changed))
    if problems:
        raise ImportRefused(problems)
    try:
        with transaction.atomic():
            _write(new, changes, at=at, by=by)
    except IntegrityError as error:
        raise Refused(
            _("Nothing was imported: somebody registered the same codes just now. Try again.")
        ) from error
    counted = Counted(len(new), len(changes))
    record(
        MasterDataImported(
            at=at, file_name=file_name.replace("\0", "")[:200], rows=len(rows),
            created=counted.new, changed=counted.changed,
        ),
        about=[],
        by=by,
    )  # fmt: skip
    return counted


def _take(
    line: int,
    cells: Mapping[str, str],
    known: Mapping[str, StockPart],
    lines: dict[str, int],
    problems: list[Problem],
) -> tuple[StockPart | None, list[str]]:
    """One row as a part; what is wrong with it goes to the problems."""
    found = len(problems)
    part = StockPart()
    _put(part, line, "part_code", cells.get("part_code", ""), problems)
    part = known.get(part.code, part)
    if part.code and (first := lines.setdefault(part.code, line)) != line:
        problems.append(
            Problem(line, "part_code", _("Line %(line)d has this code already.") % {"line": first})
        )
    changed: list[str] = []
    for column in list(COLUMNS)[1:]:
        text = cells.get(column, "")
        if text or (column == "part_name" and part.pk is None):
            changed += _put(part, line, column, text, problems)
    return (None, []) if len(problems) > found else (part, changed)


def _put(part: StockPart, line: int, column: str, text: str, problems: list[Problem]) -> list[str]:
    try:
        return put(part, **{COLUMNS[column]: text})
    except Refused as refusal:
        problems.append(Problem(line, column, refusal.message))
        return []


def _write(
    new: list[StockPart], changes: list[tuple[StockPart, list[str]]], *, at: datetime, by: Actor
) -> None:
    create_all(new)
    for part, _fields in changes:
        part.version += 1
    change_all(
        [part for part, _fields in changes],
        "version", *sorted({name for _part, fields in changes for name in fields}),
    )  # fmt: skip
    events: list[tuple[Event, list[Any]]] = [(created(p, at=at), about(p)) for p in new]
    events += [(edited(p, fields, at=at), about(p)) for p, fields in changes]
    record_all(events, by=by)
