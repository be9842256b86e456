"""Many new rows in one statement, at a sixth of what `bulk_create` costs a row.

For the append-only tables that every change writes to. It sends one array a column and leaves
the fields that are not named to their defaults in the database; model signals, `auto_now` and
foreign keys to unsaved records are not its business.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models


def insert(rows: Sequence[models.Model], *names: str, ignore_conflicts: bool = False) -> None:
    """Write the named fields of records of one model, and tell each its primary key.

    With `ignore_conflicts` rows that exist are left out, and no record learns its key.
    """
    if not rows:
        return
    fields, sql = _statement(type(rows[0]), names)
    sql += " ON CONFLICT DO NOTHING" if ignore_conflicts else " RETURNING id"
    with connection.cursor() as cursor:
        cursor.execute(sql, [_values(rows, field) for field in fields])
        if not ignore_conflicts:
            for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
                row.pk, row._state.adding = pk, False


@cache
def _statement(model: type[models.Model], names: tuple[str, ...]) -> tuple[list[Any], str]:
    meta = model._meta
    fields: list[Any] = [meta.get_field(name) for name in names]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    arrays = ", ".join(f"%s::{_type(field)}[]" for field in fields)
    return fields, f'INSERT INTO "{meta.db_table}" ({columns}) SELECT * FROM unnest({arrays})'  # noqa: S608


def _type(field: Any) -> str:
    """A cast to varchar(n) would cut a text that is too long instead of refusing it."""
    known: str = field.db_type(connection)
    return "text" if known.startswith("varchar") else known


def _values(rows: Sequence[models.Model], field: Any) -> list[Any]:
    values = [getattr(row, field.attname) for row in rows]
    plain = _PLAIN.get(field.get_internal_type())
    return values if plain is None else [plain(value) for value in values]


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "JSONField": lambda value: json.dumps(value, cls=DjangoJSONEncoder),
    "UUIDField": str,
}
