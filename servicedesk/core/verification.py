"""Is a file one of our sealed forms? Anybody may ask, with any file."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from servicedesk.core import seal
from servicedesk.core.models import Document
from servicedesk.core.pdf import PASSED_ON
from servicedesk.core.seal_process import OURS

# Files of one address in one window.
MOST_FILES, WINDOW_SECONDS = 20, 600
WALL_SECONDS = 12
# Where readers of PDF look for its first word.
HEAD = 1024
# One at a time in a web process: whoever sends many waits for himself.
_alone = threading.Lock()


class Busy(Exception):
    """Other files are being looked into."""


@dataclass(frozen=True, slots=True)
class Verdict:
    answer: Literal["genuine", "altered", "unknown"]
    document: Document | None = None


def may_ask(address: str, *, at: datetime) -> bool:
    """Whether this address may have another file looked at. Without Redis nobody is counted."""
    window = int(at.timestamp()) // WINDOW_SECONDS
    key = f"verify:{address}:{window}"
    try:
        cache.add(key, 0, 2 * WINDOW_SECONDS)
        return bool(cache.incr(key) <= MOST_FILES)
    except RedisError:
        return True


def judge(content: bytes) -> Verdict:
    """Genuine, altered, or unknown: by the stored hash, else by the seal in the file.

    Only what we have written ourselves is opened here.
    """
    stored = Document.objects.filter(
        file_sha256=hashlib.sha256(content).hexdigest(), status=Document.Status.SEALED
    ).first()
    if stored is not None:
        state = seal.inspect(content)
        if state.intact:
            return Verdict("genuine", stored)
        return Verdict("altered" if state.ours else "unknown")
    return Verdict("altered" if _carries_our_seal(content) else "unknown")


def _carries_our_seal(content: bytes) -> bool:
    """Asked of a process with limits (`seal_process`); what it stumbles over is not ours."""
    if b"%PDF-" not in content[:HEAD]:
        return False
    if not _alone.acquire(timeout=WALL_SECONDS):
        raise Busy
    try:
        done = subprocess.run(
            [sys.executable, "-m", "servicedesk.core.seal_process"],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=WALL_SECONDS,
            check=False,
            cwd=settings.BASE_DIR,
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ}
            | {"SEAL_KEY_DIR": str(settings.SEAL_KEY_DIR)},
        )
    except subprocess.TimeoutExpired:
        return False
    finally:
        _alone.release()
    return done.stdout == OURS
