"""What the sweep costs: `python -m benchmarks.sweep --running 1000000 --due 10000`.

Works in a database of its own beside the one of DATABASE_URL and drops it at the end. Each
figure stands beside its floor, measured in the same run on the same rows: one bare statement
that only claims and marks them and has none of the effects.
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


def report(name: str, ours: str, floor: str, ratio: float | None = None) -> None:
    against = f"{ratio:6.1f} ×" if ratio is not None else ""
    print(f"{name:34} {ours:34} floor {floor:34} {against}", flush=True)


def execute(sql: str, params: Any = None) -> list[tuple[object, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall()) if cursor.description else []


def prepare(running: int) -> None:
    from django.core.management import call_command
    from django.utils import timezone

    from accounts.actions import create_user
    from accounts.models import User
    from accounts.roles import Role
    from servicedesk.core.actors import SYSTEM

    call_command("migrate", verbosity=0)
    roles = [Role.ENGINEER] * 20 + [Role.DISPATCHER, Role.MANAGER]
    for number, role in enumerate(roles):
        create_user(
            username=f"user{number}", name=f"工程师{number}", role=role, password=None,
            email=f"user{number}@example.com", at=timezone.now(), by=SYSTEM,
        )  # fmt: skip
    owners = list(User.objects.staff().filter(role=Role.ENGINEER).values_list("pk", flat=True))
    listed = ",".join(map(str, owners))
    execute("SET statement_timeout = 0")
    execute(FILL.replace("%(owners)s", listed), {"count": len(owners), "running": running})
    execute("VACUUM ANALYZE")


def make_due(count: int, moment: str) -> None:
    execute(
        MAKE_DUE.replace("%(due)s", f"({moment})"),
        {"count": count},
    )
    execute("VACUUM ANALYZE sla_deadline")


def empty_sweeps(times: int) -> None:
    from sla import sweeping, tasks

    def bare() -> None:
        execute(CLAIM, [sweeping.BATCH])

    floor, ours, ticks = (timed(run, times) for run in (bare, sweeping.sweep, tasks.tick))
    for name, values in (("empty sweep", ours), ("empty tick (with heartbeat)", ticks)):
        report(
            name,
            f"p50 {statistics.median(values):.2f} ms, p99 {percentile(values, 0.99):.2f} ms",
            f"p50 {statistics.median(floor):.2f} ms, p99 {percentile(floor, 0.99):.2f} ms",
            statistics.median(values) / statistics.median(floor),
        )


def backlog(due: int) -> None:
    from sla import sweeping

    make_due(due, "now() - interval '1 s'")
    began = time.perf_counter()
    swept = 0
    while done := sweeping.sweep():
        swept += done
    ours = swept / (time.perf_counter() - began)
    rows = execute("SELECT count(*) FROM core_outboxmessage")[0][0]
    make_due(due, "now() - interval '1 s'")
    began = time.perf_counter()
    bare = len(execute(CLAIM, [due])) / (time.perf_counter() - began)
    report(
        f"backlog of {swept} ({rows} e-mails)",
        f"{ours:.0f} due/s", f"{bare:.0f} rows/s, one UPDATE", bare / ours,
    )  # fmt: skip


def lateness(due: int, seconds: int) -> None:
    """Due times spread over some seconds, a sweeper that ticks each second."""
    from sla import tasks

    spread = f"now() + interval '3 s' + r * interval '{seconds} s'"
    ours = _lateness_of(lambda: _ours(tasks.tick), due, seconds, spread)
    floor = _lateness_of(_bare, due, seconds, spread)
    report(
        f"lateness, {due} due in {seconds} s",
        _spell(ours), _spell(floor), percentile(ours, 0.99) / percentile(floor, 0.99),
    )  # fmt: skip


def _spell(values: list[float]) -> str:
    p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
    return f"p50 {p50:.2f} p99 {p99:.2f} max {max(values):.2f} s"


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
    parser.add_argument("--running", type=int, default=1_000_000)
    parser.add_argument("--due", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=20, help="over which due times spread")
    options = parser.parse_args()
    with scratch_database():
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "servicedesk.settings")
        import django

        django.setup()
        from django.db import connection

        began = time.perf_counter()
        prepare(options.running)
        print(f"{options.running} running deadlines made in {time.perf_counter() - began:.0f} s")
        empty_sweeps(1000)
        backlog(options.due)
        lateness(options.due // 5, options.seconds)
        connection.close()


if __name__ == "__main__":
    main()
