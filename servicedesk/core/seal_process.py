"""The process that looks into foreign PDFs: reads one, writes `ours` if it carries our seal.

Whoever has an address of the verify page can hand it any file, and PDF is a language to make parsers
stumble in. So it runs apart, without the product's settings and passwords, and ends at its limits.
"""

from __future__ import annotations

import logging
import os
import resource
import sys

from django.conf import settings

from servicedesk.core import seal

CPU_SECONDS = 8
MEMORY = 1024**3
OURS = b"ours"


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    # No file grows: neither a core dump nor a log.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    # pyHanko has a line for each object that it does not like.
    logging.disable()
    settings.configure(SEAL_KEY_DIR=os.environ["SEAL_KEY_DIR"])
    limit()
    if seal.is_ours(sys.stdin.buffer.read()):
        sys.stdout.buffer.write(OURS)
