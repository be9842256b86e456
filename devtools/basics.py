"""Where things lie, how a step is shown, and how it is done only once."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parent.parent
DEV = ROOT / ".dev"
LOG = DEV / "log"
VENV = DEV / "venv"
PYTHON = VENV / "bin" / "python"


class Halt(Exception):
    """Cannot go on. The message tells the person what to do."""


class Steps:
    """Progress, a line each: `[3/7] system libraries … 4.1 s`."""

    def __init__(self, total: int, out: TextIO = sys.stdout) -> None:
        self.total, self.number, self.out = total, 0, out

    @contextmanager
    def step(self, label: str, *, talks: bool = False) -> Iterator[None]:
        """`talks`: the step prints lines of its own."""
        self.number += 1
        self.show(f"[{self.number}/{self.total}] {label} …{chr(10) if talks else ' '}")
        started = time.monotonic()
        try:
            yield
        except BaseException:
            self.show("\n")
            raise
        self.show(f"{' ' * 6 * talks}{time.monotonic() - started:.1f} s\n")

    def show(self, text: str) -> None:
        print(text, end="", file=self.out, flush=True)


class Stamp:
    """Remembers for which inputs a step was done."""

    def __init__(self, name: str, *inputs: str | Path) -> None:
        self.path = DEV / "stamps" / name
        parts = [item.read_bytes() if isinstance(item, Path) else item.encode() for item in inputs]
        self.value = hashlib.sha256(b"\0".join(parts)).hexdigest()

    def holds(self) -> bool:
        return self.path.exists() and self.path.read_text() == self.value

    def set(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.value)


def identity(user: str | None) -> dict[str, Any]:
    """Arguments of `subprocess` for running as another user, who may not see our folders."""
    if user is None:
        return {"cwd": ROOT}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


def call(*command: str | Path, env: Mapping[str, str] | None = None, **options: Any) -> str:
    """Run to the end and return what it printed; a failure shows the end of that."""
    words = [str(word) for word in command]
    done: subprocess.CompletedProcess[str] = subprocess.run(
        words,
        env=env,
        **{"cwd": ROOT, **options},
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    with (LOG / "setup.log").open("a") as log:
        log.write(f"$ {shlex.join(words)}\n{done.stdout}\n")
    if done.returncode:
        tail = "\n".join(done.stdout.rstrip().splitlines()[-20:])
        raise Halt(f"{tail}\n\n`{shlex.join(words)}` failed ({done.returncode}).")
    return done.stdout


def works(*command: str | Path) -> bool:
    """Does the command exist, and end well?"""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def locked(name: str, *, busy: str = "") -> Iterator[None]:
    """Hold `.dev/<name>.lock`; if another process holds it, say `busy`, or wait without one."""
    LOG.mkdir(parents=True, exist_ok=True)
    with (DEV / f"{name}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError:
            raise Halt(busy) from None
        yield


def is_locked(name: str) -> bool:
    try:
        with locked(name, busy="held"):
            return False
    except Halt:
        return True


def write_private(path: Path, content: str) -> None:
    """Write a file that its owner alone can read, and that is there whole or not at all."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(content)
    new.replace(path)
