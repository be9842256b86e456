"""Keyset pages for the API. (A module of its own: DRF imports it while it builds its views.)"""

from __future__ import annotations

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

# Of a bigint.
LONGEST = 19


class NewestFirst(CursorPagination):
    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The position is a primary key; DRF hands it to the database as it came."""
        cursor = super().decode_cursor(request)
        if cursor is None or cursor.position is None:
            return cursor
        # A text, whatever its stub says.
        position = str(cursor.position)
        if not position.isdecimal() or len(position) > LONGEST:
            raise NotFound(self.invalid_cursor_message)
        return cursor
