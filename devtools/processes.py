"""Start processes, keep them alive, and end them, whatever happens to the launcher."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from devtools.basics import DEV, LOG, Halt, identity

PR_SET_PDEATHSIG = 1
PATIENCE = 10.0  # seconds until an ending process is killed


@dataclass
class Child:
    """A process that is started again when it ends."""

    name: str
    command: Sequence[str | Path]
    env: Mapping[str, str]
    prefix: Sequence[str] = ()
    user: str | None = None
    stop: signal.Signals = signal.SIGTERM
    # Sent when code changes. Equal to `stop`: it ends, and is started again with the new code.
    reload: signal.Signals | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0, init=False)
    failures: int = field(default=0, init=False)

    @property
    def log(self) -> Path:
        return LOG / f"{self.name}.log"

    def start(self) -> None:
        launcher = os.getpid()
        libc = ctypes.CDLL(None) if sys.platform == "linux" else None

        def prepare() -> None:
            if libc is not None:  # end with the launcher, also when that is killed
                libc.prctl(PR_SET_PDEATHSIG, self.stop)
                if os.getppid() != launcher:
                    os._exit(1)

        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, *map(str, self.command)],
                env=self.env,
                **identity(self.user),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C shall reach the launcher alone, which then ends all in good order.
                start_new_session=True,
                preexec_fn=prepare,
            )
        self.started = time.monotonic()

    def end(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(self.stop)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Supervisor:
    """Holds the children: looks after them, and ends them in the reverse order of their start."""

    def __init__(self, name: str) -> None:
        self.children: list[Child] = []
        self.notes = DEV / f"{name}-processes.json"

    def __enter__(self) -> Supervisor:
        end_orphans(self.notes)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # An impatient second Ctrl-C must not leave half of them running.
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
        for child in reversed(self.children):
            child.end()
        self.notes.unlink(missing_ok=True)
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)

    def add(self, child: Child) -> Child:
        child.log.unlink(missing_ok=True)
        self.children.append(child)
        self._start(child)
        return child

    def _start(self, child: Child) -> None:
        child.start()
        running = [
            {"pid": c.process.pid, "words": [*map(str, c.command)], "stop": c.stop}
            for c in self.children
            if c.process
        ]
        self.notes.write_text(json.dumps(running))

    def look_after(self) -> None:
        """Start again what has ended: at once after a reload, else after 1, 2, 4 … 30 s."""
        now = time.monotonic()
        for child in self.children:
            if child.process is None:
                if now - child.started >= pause_after(child.failures):
                    self._start(child)
            elif child.process.poll() is not None:
                code, child.process = child.process.returncode, None
                if child.failures < 0:
                    child.failures = 0
                else:
                    child.failures = child.failures + 1 if now - child.started < 60 else 1
                    print(
                        f"{child.name} ended ({code}) and starts again; see {child.log}", flush=True
                    )
                child.started = now

    def wait_for(self, child: Child, ready: Callable[[], object], *, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                tail = "\n".join(child.log.read_text(errors="replace").splitlines()[-15:])
                raise Halt(
                    f"{tail}\n\n{child.name} is not ready after {seconds} s; see {child.log}"
                )
            self.look_after()
            time.sleep(0.1)

    def reload(self) -> None:
        """The code has changed."""
        for child in self.children:
            if child.reload is None:
                continue
            if child.process is None:
                child.failures = 0
            else:
                child.process.send_signal(child.reload)
                if child.reload == child.stop:
                    child.failures = -1


def pause_after(failures: int) -> float:
    """Seconds before the next start."""
    return min(2.0 ** (failures - 1), 30.0) if failures > 0 else 0.0


def command_line(pid: int) -> str:
    """The command of a running process; empty if there is none."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
        except (FileNotFoundError, ProcessLookupError):
            return ""
    ps = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout.strip()


def end_orphans(notes: Path) -> None:
    """End what a killed launcher left behind. Linux ends it by itself, but may need a moment."""
    if not notes.exists():
        return
    for note in reversed(json.loads(notes.read_text())):
        pid, words, number = note["pid"], " ".join(note["words"][1:]), note["stop"]
        deadline = time.monotonic() + PATIENCE
        # The words, too: the number may belong to another process by now.
        while command_line(pid).endswith(words):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                break
            time.sleep(0.2)
            if time.monotonic() > deadline:
                number = signal.SIGKILL
    notes.unlink()
