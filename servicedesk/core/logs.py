"""What the logs must not tell: what people searched for, and the secrets of links."""

from __future__ import annotations

import logging
import re

# In a request line, as web servers log it.
_QUERY = re.compile(r"(?<= )(/[^ ?]*)\?\S*(?= HTTP/)")
# A part of an address that is longer than a UUID is a token: whoever reads it could use the link.
_TOKEN = re.compile(r"(?<=/)[\w:-]{40,}")


def discreet(line: str) -> str:
    return _TOKEN.sub("…", _QUERY.sub(r"\1", line))


class Discreet(logging.Filter):
    """For handlers and loggers through which addresses pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = discreet(record.getMessage()), ()
        return True
