"""Bodies of the API. (A module of its own: DRF imports it while it builds its views.)"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.parsers import JSONParser

# No body of ours is deeper than a calendar's windows.
DEEPEST = 20


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("The body is too long.")
    default_code = "too-large"


class BoundedJSONParser(JSONParser):
    """JSON of bounded length and depth, whose texts the database and an answer can hold.

    JSON knows two kinds of text that they cannot: U+0000, and half of a surrogate pair.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLarge
        try:
            body = json.loads(raw.decode(), parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise exceptions.ParseError(_("The body is not JSON.")) from error
        for text in _texts(body):
            if not _can_be_kept(text):
                raise exceptions.ParseError(_("A text holds a character that is none."))
        return body


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _texts(body: Any) -> Iterator[str]:
    """All texts, names of fields too; level by level, so that no depth can exhaust the stack."""
    level = [body]
    for _depth in range(DEEPEST):
        below: list[Any] = []
        for value in level:
            if isinstance(value, str):
                yield value
            elif isinstance(value, dict):
                yield from value
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
        level = below
    if level:
        raise exceptions.ParseError(_("The body is nested too deeply."))


def _can_be_kept(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
