"""Drawing what a page has many of.

A list shows hundreds of small pieces, and drawing them is what its page takes longest for. A piece
that depends on a few words is drawn once and kept (`drawn`); rows of one shape share one drawing,
into which each row's values are put (`filled`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from html import escape
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

Arguments = tuple[tuple[str, Any], ...]
# A place to be filled, in characters that no text has (private use); the template keeps them.
PLACE = "\ue000{}\ue001"
PLACES = re.compile("\ue000(\\w+)\ue001")


def drawn(template_name: str, **context: str) -> SafeString:
    """A small piece that depends on these few words alone."""
    draw = _draw.__wrapped__ if settings.DEBUG else _draw
    return draw(template_name, get_language() or "", tuple(context.items()))


@lru_cache(maxsize=8192)
def _draw(template_name: str, language: str, arguments: Arguments) -> SafeString:
    # The template escapes what it is given.
    return mark_safe(render_to_string(template_name, dict(arguments)).strip())  # noqa: S308


def filled(
    template_name: str, rows: Iterable[Mapping[str, Any]], **context: str | bool
) -> SafeString:
    """The template for each row, one after the other; it is drawn once for all.

    All rows have the same keys, and each stands in the template as a plain `{{ key }}`: the
    template cannot ask what is in it. What depends on a value, such as a badge, the row brings as
    markup. Other values are escaped. `context` may be asked; it is the same for all rows.
    """
    cut = _cut.__wrapped__ if settings.DEBUG else _cut
    arguments, language = tuple(context.items()), get_language() or ""
    pieces: list[str] = []
    first, steps = "", None
    for row in rows:
        if steps is None:
            first, steps = cut(template_name, language, arguments, tuple(row))
        pieces.append(first)
        for name, after in steps:
            value = row[name]
            # As conditional_escape() does, which is made for lazy texts too and four times slower.
            pieces += (value if isinstance(value, SafeString) else escape(str(value)), after)
    return mark_safe("".join(pieces))  # noqa: S308 - every value was escaped above


@lru_cache(maxsize=512)
def _cut(
    template_name: str, language: str, arguments: Arguments, names: tuple[str, ...]
) -> tuple[str, list[tuple[str, str]]]:
    """The drawing cut at its places: what comes first, then each place and what follows it."""
    places = {name: mark_safe(PLACE.format(name)) for name in names}  # noqa: S308 - no input
    first, *rest = PLACES.split(render_to_string(template_name, dict(arguments) | places))
    return first, list(zip(rest[::2], rest[1::2], strict=True))
