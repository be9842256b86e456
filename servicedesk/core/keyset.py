"""Keyset pages for lists: a page costs the same however many rows lie before it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from django.utils.timezone import is_naive

M = TypeVar("M", bound=Model)

SIZE = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """`previous_url` and `next_url` are queries ("?after=…"), empty at the ends."""

    rows: list[M]
    previous_url: str
    next_url: str


def keyset_page(queryset: QuerySet[M], params: QueryDict, *order: str, size: int = SIZE) -> Page[M]:
    """The page that `?after=` or `?before=` asks for; the first if the mark is unreadable.

    order: fields that are never null, the last one unique, all ascending or all descending
    (default: the newest primary key first). With an index of exactly these columns each page
    is one range scan.
    """
    names, descending = _direction(order or ("-pk",))
    before = _values(queryset, names, params.get("before", ""))
    after = None if before else _values(queryset, names, params.get("after", ""))
    backwards = before is not None
    falling = backwards != descending

    queryset = queryset.order_by(*(f"-{name}" if falling else name for name in names))
    if mark := before or after:
        queryset = queryset.filter(_beyond(names, mark, falling=falling))
    rows = list(queryset[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    has_previous = more if backwards else after is not None
    has_next = backwards or more
    return Page(
        rows,
        _link(params, "before", rows[0], names) if rows and has_previous else "",
        _link(params, "after", rows[-1], names) if rows and has_next else "",
    )


def _direction(order: tuple[str, ...]) -> tuple[list[str], bool]:
    descending = order[0].startswith("-")
    if any(name.startswith("-") != descending for name in order):
        raise ValueError(f"A keyset runs in one direction, not {order}")
    return [name.removeprefix("-") for name in order], descending


def _beyond(names: list[str], mark: list[Any], *, falling: bool) -> Q:
    """(a, b) < (x, y), spelled so that the index gets a bound on its first column."""
    sign = "lt" if falling else "gt"
    first, *rest = names
    beyond = Q(**{f"{first}__{sign}": mark[0]})
    if not rest:
        return beyond
    tied = Q(**{first: mark[0]}) & _beyond(rest, mark[1:], falling=falling)
    return Q(**{f"{first}__{sign}e": mark[0]}) & (beyond | tied)


def _link(params: QueryDict, side: str, row: Model, names: list[str]) -> str:
    query = params.copy()
    query.pop("before", None)
    query.pop("after", None)
    query[side] = _mark(row, names)
    return f"?{query.urlencode()}"


def _mark(row: Model, names: list[str]) -> str:
    values = [getattr(row, name) for name in names]
    # isoformat keeps the microseconds, which a JSON encoder of datetimes would cut.
    texts = [value.isoformat() if isinstance(value, date) else str(value) for value in values]
    return urlsafe_b64encode(json.dumps(texts).encode()).decode().rstrip("=")


def _values(queryset: QuerySet[Any], names: list[str], mark: str) -> list[Any] | None:
    """What the mark stands for; None if there is none or somebody bent it."""
    if not mark:
        return None
    try:
        texts = json.loads(urlsafe_b64decode(mark + "=" * (-len(mark) % 4)))
        if not isinstance(texts, list) or len(texts) != len(names):
            return None
        return [
            _value(_column(queryset, name), text) for name, text in zip(names, texts, strict=True)
        ]
    except (ValueError, TypeError, ValidationError, RecursionError):
        return None


def _value(column: Any, text: Any) -> Any:
    """A value of the column; ValueError for what the database would not take."""
    if not isinstance(text, str) or "\0" in text:
        raise ValueError("not from a mark of ours")
    text.encode()  # Half a surrogate pair cannot be.
    value = column.to_python(text)
    if isinstance(value, datetime) and is_naive(value):
        raise ValueError("a moment without its zone")
    return value


def _column(queryset: QuerySet[Any], name: str) -> Any:
    if name in queryset.query.annotations:
        return queryset.query.annotations[name].output_field
    meta = queryset.model._meta
    return meta.pk if name == "pk" else meta.get_field(name)
