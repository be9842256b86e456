"""What the sweep costs: `python -m benchmarks.sweep`, as a table in Markdown.

10,000, 100,000 and 1,000,000 running deadlines, of which nothing, 200 or 10,000 are due; smaller:
`--running 1000 --due 0 50 --rounds 2 --seconds 3`. Works in a database of its own beside the one of
DATABASE_URL and drops it at the end. Each figure stands beside its floor, measured in the same run
on the same rows: one bare statement that only claims and marks them and has none of the effects.
"""

from __future__ import annotations

import argparse
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2

SCRATCH = "servicedesk_benchmark_sweep"

FILL = """
    INSERT INTO sla_deadline (uid, kind, subject_kind, subject_id, label, url, urgent, owner_id,
        started_at, due_at, original_due_at, pause_reason, paused_total, status, skipped, next_step,
        next_step_at, generation)
    SELECT gen_random_uuid(), 'ticket.resolution', 'tickets.ticket', n, 'TK-' || n, '/', false,
        (ARRAY[%(owners)s])[1 + n %% %(count)s], t.started, t.started + interval '24 h',
        t.started + interval '24 h', '', interval '0', 'running', '{}', 0, t.started + interval '12 h', 1
    FROM generate_series(1, %(running)s) AS n,
        LATERAL (SELECT now() + n * (interval '30 d' / %(running)s) AS started) AS t
"""
# Half of them stand at a warning, half at the miss; strewn over the whole table.
MAKE_DUE = """
    UPDATE sla_deadline SET
        started_at = %(due)s - CASE WHEN id %% 2 = 0 THEN interval '12 h' ELSE interval '24 h' END,
        due_at = %(due)s + CASE WHEN id %% 2 = 0 THEN interval '12 h' ELSE interval '0' END,
        next_step = CASE WHEN id %% 2 = 0 THEN 0 ELSE 2 END, next_step_at = %(due)s
    FROM (SELECT id AS chosen, random() AS r FROM sla_deadline
        WHERE next_step = 0 AND next_step_at > now() + interval '1 h'
        ORDER BY md5(id::text) LIMIT %(count)s) AS c
    WHERE id = c.chosen
"""
CLAIM = """
    UPDATE sla_deadline SET next_step_at = NULL WHERE id IN (
        SELECT id FROM sla_deadline WHERE status = 'running' AND next_step_at <= now()
        ORDER BY next_step_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
    ) RETURNING id, now() - next_step_at
"""


@contextmanager
def scratch_database(name: str = SCRATCH) -> Iterator[None]:
    """Point DATABASE_URL to an empty database, and drop that afterwards."""
    url = urlsplit(os.environ["DATABASE_URL"])
    server = psycopg2.connect(urlunsplit(url))
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name}")
    os.environ["DATABASE_URL"] = urlunsplit(url._replace(path=f"/{name}"))
    try:
        yield
    finally:
        with server.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        server.close()


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each run."""
    found = []
    for _each in range(times):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1000)
    return found


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def execute(sql: str, params: Any = None) -> list[tuple[object, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall()) if cursor.description else []


def prepare(running: int) -> None:
    """An empty desk with people, and so many running deadlines."""
    from django.core.management import call_command
    from django.utils import timezone

    from accounts.actions import create_user
    from accounts.roles import Role
    from servicedesk.core.actors import SYSTEM

    call_command("migrate", verbosity=0)
    roles = [Role.ENGINEER] * 20 + [Role.DISPATCHER, Role.MANAGER]
    for number, role in enumerate(roles):
        create_user(
            username=f"user{number}", name=f"工程师{number}", role=role, password=None,
            email=f"user{number}@example.com", at=timezone.now(), by=SYSTEM,
        )  # fmt: skip
    fill(running)


def fill(running: int) -> None:
    """Anew: so many running deadlines, and nothing that ever fired."""
    from accounts.models import User
    from accounts.roles import Role

    owners = list(User.objects.staff().filter(role=Role.ENGINEER).values_list("pk", flat=True))
    listed = ",".join(map(str, owners))
    execute("SET statement_timeout = 0")
    execute(
        "TRUNCATE sla_deadline, sla_escalation, accounts_notification, core_outboxmessage,"
        " core_heartbeat CASCADE"
    )
    execute(FILL.replace("%(owners)s", listed), {"count": len(owners), "running": running})
    execute("VACUUM ANALYZE")


def make_due(count: int, moment: str) -> None:
    execute(
        MAKE_DUE.replace("%(due)s", f"({moment})"),
        {"count": count},
    )
    execute("VACUUM ANALYZE sla_deadline")


def sweeps(running: int, due: int, rounds: int) -> str:
    """A line of the table: until all that is due is swept, beside one bare UPDATE of the same rows."""
    from sla import sweeping

    def all_due() -> None:
        while sweeping.sweep():
            pass

    def bare() -> None:
        execute(CLAIM, [max(due, sweeping.BATCH)])

    ours: list[float] = []
    floor: list[float] = []
    if due:
        for _round in range(rounds):
            for work, found in ((all_due, ours), (bare, floor)):
                if running < 2 * rounds * due:
                    fill(running)  # what has fired does not fire again
                make_due(due, "now() - interval '1 s'")
                found += timed(work, 1)
    else:
        floor, ours = timed(bare, rounds), timed(sweeping.sweep, rounds)
    middle, least = statistics.median(ours), statistics.median(floor)
    cells = (
        f"{running:,}", f"{due:,}" if due else "nothing",
        f"{middle:.2f}" if middle < 10 else f"{middle:,.0f}",
        f"{percentile(ours, 0.99):,.1f}", f"{least:.2f}" if least < 10 else f"{least:,.0f}",
        f"{middle / least:.1f} ×", f"{due / middle * 1000:,.0f}" if due else "",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


HEAD = (
    "| running | due | swept, p50 ms | p99 ms | floor, p50 ms | ratio | due a second |\n"
    "|---|---|---|---|---|---|---|"
)


def lateness(due: int, seconds: int) -> None:
    """Due times spread over some seconds, a sweeper that ticks each second."""
    from sla import tasks

    spread = f"now() + interval '3 s' + r * interval '{seconds} s'"
    ours = _lateness_of(lambda: _ours(tasks.tick), due, seconds, spread)
    floor = _lateness_of(_bare, due, seconds, spread)
    print(
        f"\n| {due:,} due within {seconds} s, one sweeper | p50 s | p99 s | max s |\n|---|---|---|---|"
    )
    for name, values in (("ours", ours), ("floor", floor)):
        p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
        print(f"| {name} | {p50:.2f} | {p99:.2f} | {max(values):.2f} |", flush=True)


def _lateness_of(
    once: Callable[[], list[float]], due: int, seconds: int, spread: str
) -> list[float]:
    make_due(due, spread)
    found: list[float] = []
    stop = threading.Event()

    def loop() -> None:
        from django.db import connection

        while not stop.wait(1):
            found.extend(once())
        connection.close()

    thread = threading.Thread(target=loop)
    thread.start()
    time.sleep(seconds + 5)
    stop.set()
    thread.join()
    return found


def _ours(tick: Callable[[], object]) -> list[float]:
    """How late the journal says that each step was heard of."""
    last = execute("SELECT coalesce(max(id), 0) FROM core_entry")[0][0]
    tick()
    return [
        float(str(row[0]))
        for row in execute(
            "SELECT extract(epoch FROM recorded_at - at) FROM core_entry WHERE id > %s", [last]
        )
    ]


def _bare() -> list[float]:
    sql = CLAIM.replace("RETURNING id, now() - next_step_at", "RETURNING id")
    before = execute(
        "SELECT extract(epoch FROM now() - next_step_at) FROM sla_deadline"
        " WHERE status = 'running' AND next_step_at <= now()"
    )
    execute(sql, [10_000_000])
    return [float(str(row[0])) for row in before]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--running", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--due", type=int, nargs="+", default=[0, 200, 10_000])
    parser.add_argument("--rounds", type=int, default=10, help="of each line with something due")
    parser.add_argument("--seconds", type=int, default=20, help="of lateness; 0: leave it out")
    options = parser.parse_args()
    with scratch_database():
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "servicedesk.settings")
        import django

        django.setup()
        from django.db import connection

        print(f"load average {os.getloadavg()[0]:.1f}\n\n{HEAD}", flush=True)
        for number, running in enumerate(options.running):
            fill(running) if number else prepare(running)
            for due in options.due:
                # A backlog of thousands is slow enough to be measured by few rounds.
                rounds = 1000 if not due else min(options.rounds, max(30_000 // due, 3))
                print(sweeps(running, due, rounds), flush=True)
        if options.seconds:
            lateness(min(2000, max(options.due)), options.seconds)
        connection.close()


if __name__ == "__main__":
    main()
