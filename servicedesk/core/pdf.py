"""HTML → PDF, in a process of its own without network, with limits (reliability.md T14, T16).

The process stays warm: importing WeasyPrint and reading the fonts costs more than a form.
"""

from __future__ import annotations

import atexit
import os
import select
import struct
import subprocess
import sys
import threading
import time

from django.conf import settings

WALL_SECONDS = 30
LONGEST_HTML = 2_000_000
# The rendering process gets what it needs to find its libraries and fonts, and no password.
PASSED_ON = (
    *("PATH", "HOME", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
    *("FONTCONFIG_FILE", "FONTCONFIG_PATH"),
)


class PdfError(Exception):
    """The form could not be rendered; the message is for the log and the administrator."""


class Renderer:
    """Owns the child process and starts it again when it had to be killed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def render(self, html: str) -> bytes:
        body = html.encode()
        if len(body) > LONGEST_HTML:
            raise PdfError("the form is too long")
        with self._lock:
            child = self._ready()
            try:
                return self._ask(child, body)
            except (OSError, struct.error) as error:
                self._end(child)
                raise PdfError(f"the rendering process ended: {error}") from error
            except PdfError:
                self._end(child)
                raise

    def _ready(self) -> subprocess.Popen[bytes]:
        # A forked worker must not share the pipe of its parent.
        if self._child is None or self._child.poll() is not None or self._owner != os.getpid():
            self._owner = os.getpid()
            self._child = subprocess.Popen(
                [sys.executable, "-m", "servicedesk.core.pdf_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=settings.BASE_DIR,
                env={name: os.environ[name] for name in PASSED_ON if name in os.environ}
                | {"FONT_DIR": str(settings.FONT_DIR)},
            )
        return self._child

    def _ask(self, child: subprocess.Popen[bytes], body: bytes) -> bytes:
        assert child.stdin is not None
        child.stdin.write(struct.pack(">I", len(body)) + body)
        child.stdin.flush()
        until = time.monotonic() + WALL_SECONDS
        status, length = struct.unpack(">BI", self._read(child, 5, until))
        answer = self._read(child, length, until)
        if status:
            raise PdfError(answer.decode())
        return answer

    def _read(self, child: subprocess.Popen[bytes], wanted: int, until: float) -> bytes:
        assert child.stdout is not None
        got = bytearray()
        descriptor = child.stdout.fileno()
        while len(got) < wanted:
            left = until - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise PdfError(f"rendering took more than {WALL_SECONDS} s")
            chunk = os.read(descriptor, min(wanted - len(got), 65536))
            if not chunk:
                raise PdfError("rendering used too much memory or time")
            got += chunk
        return bytes(got)

    def close(self) -> None:
        """End the child process of this one; the next form starts another."""
        with self._lock:
            if self._child is not None and self._owner == os.getpid():
                self._end(self._child)

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        child.kill()
        # Also closes our ends of its pipes.
        child.communicate()
        self._child = None


renderer = Renderer()
atexit.register(renderer.close)
