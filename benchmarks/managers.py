"""What the managers' pages cost: `python -m benchmarks.managers`, as a table in Markdown.

1,000, 100,000 and 1,000,000 tickets; smaller: `--tickets 300 --runs 3`. In a database beside the one of DATABASE_URL, dropped at the end. Rows come
by plain SQL, spread over two years up to now; the roll-ups are made by the command that makes
them. Printed are the queries and the time of each page, and what a worker's tick costs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from benchmarks import manager_rows
from benchmarks.sweep import execute, percentile, scratch_database
from benchmarks.tickets import STORES

SCRATCH = "servicedesk_benchmark_managers"
DAYS = 730

# What happens to them repeats with the number: a tenth is late, some are reopened, one in fifty
# is extended. The last two days are open still.
TICKETS = """
    INSERT INTO tickets_ticket (uid, version, created_at, number, title, need, status, customer_id, store_id,
        is_urgent, urgency_reason, is_complaint, received_at, no_wish, due_at, owner_id, assignee_id,
        responded_at, waiting_reason, waiting_until, resolved_at, solution, resolution, closed_at, closing,
        reopened_count, category_id, product_id)
    SELECT gen_random_uuid(), 1, t.at, 'TK-' || to_char(t.at, 'YYYYMMDD') || '-' || n,
        '积分小票打印不出来 ' || n, '门店来电说收银台出现问题，顾客在排队。编号 ' || md5(n::text),
        CASE WHEN t.open THEN 'in_progress' ELSE 'closed' END,
        s.customer_id, s.id, n %% 50 = 0, CASE WHEN n %% 50 = 0 THEN '顾客排队' ELSE '' END, false,
        t.at, true, t.at + interval '24 h', (%(desk)s)[1 + n %% %(desks)s],
        (%(engineers)s)[1 + n %% %(workers)s],
        CASE WHEN n %% 20 = 0 THEN t.at + interval '45 min' ELSE t.at + interval '9 min' END, '', NULL,
        CASE WHEN NOT t.open THEN t.solved END,
        CASE WHEN t.open THEN '' ELSE (ARRAY['phone', 'remote', 'remote', 'visit'])[1 + n %% 4] END,
        CASE WHEN t.open THEN '' ELSE '重装驱动' END,
        CASE WHEN NOT t.open THEN t.solved + interval '2 h' END,
        CASE WHEN NOT t.open THEN 'confirmed' ELSE '' END, CASE WHEN n %% 61 = 0 THEN 1 ELSE 0 END,
        (%(categories)s)[1 + n %% %(kinds)s], (%(products)s)[1 + n %% %(makes)s]
    FROM (SELECT n, at, at > now() - interval '2 d' AS open,
            at + CASE WHEN n %% 10 = 0 THEN interval '31 h' ELSE interval '6 h' END AS solved
          FROM (SELECT n, now() - (%(tickets)s - n) * (interval '%(days)s d' / %(tickets)s) AS at
                FROM generate_series(1, %(tickets)s) AS n) AS g) AS t
    JOIN customers_store AS s ON s.id = (SELECT min(id) FROM customers_store) + t.n::bigint * 7919 %% 2000
    ORDER BY t.n
"""
DEADLINES = """
    INSERT INTO sla_deadline (uid, kind, subject_kind, subject_id, label, url, urgent, owner_id, started_at,
        due_at, original_due_at, pause_reason, paused_total, status, skipped, met_at, next_step, generation)
    SELECT gen_random_uuid(), k, 'tickets.ticket', id, number, '/', is_urgent, owner_id, received_at,
        received_at + CASE WHEN k = 'ticket.response' THEN interval '30 min'
            WHEN id %% 50 = 0 THEN interval '40 h' ELSE interval '24 h' END,
        received_at + CASE WHEN k = 'ticket.response' THEN interval '30 min' ELSE interval '24 h' END,
        '', interval '0',
        CASE WHEN k = 'ticket.resolution' AND resolved_at IS NULL THEN 'running' ELSE 'met' END, '{}',
        CASE WHEN k = 'ticket.response' THEN responded_at ELSE resolved_at END, 0,
        CASE WHEN k = 'ticket.resolution' AND id %% 50 = 0 THEN 2 ELSE 1 END
    FROM tickets_ticket, unnest(ARRAY['ticket.response', 'ticket.resolution']) AS k
"""
EXTENSIONS = """
    INSERT INTO sla_deadlinemove (deadline_id, cause, reason, old_due_at, new_due_at, moved_at, by_label)
    SELECT id, 'extension', 'EX', original_due_at, due_at, started_at + interval '20 h', '何雪'
    FROM sla_deadline WHERE generation = 2;
    INSERT INTO tickets_extension (uid, version, created_at, number, ticket_id, plan, proposed_due_at, former_due_at,
        status, proposed_by_id, proposed_at, answered_at, answered_by, channel, evidence, reason)
    SELECT gen_random_uuid(), 1, now(), 'EX-' || t.id, t.id, '换打印机', t.received_at + interval '40 h', t.due_at,
        'consented', t.owner_id, t.received_at + interval '19 h', t.received_at + interval '20 h', '李晓梅', 'link', 'EX', ''
    FROM tickets_ticket AS t WHERE t.id %% 50 = 0
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "servicedesk.settings_test"
    with scratch_database(SCRATCH):
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        people = prepare()
        found = []
        for tickets in options.tickets:
            fill(tickets, people)
            manager_rows.fill(tickets, people["rows"])
            found.append(measure(people, options.runs))
        table(options.tickets, found)
        connection.close()


def prepare() -> dict[str, Any]:
    from django.utils import timezone

    from accounts.actions import create_team
    from accounts.roles import Role
    from customers.actions import create_product
    from customers.models import Customer
    from knowledge.actions import create_category
    from servicedesk.core.actors import SYSTEM
    from tests.conftest import person

    now = timezone.now()
    teams = [create_team(name=f"{n} 组", leader=None, at=now, by=SYSTEM) for n in range(4)]
    desk = [person(f"desk{n}", f"客服{n}", Role.HELPDESK) for n in range(5)]
    engineers = [
        person(f"engineer{n}", f"工程师{n}", Role.ENGINEER, teams[n % 4]) for n in range(20)
    ]
    kinds = [create_category(code=f"K{n}", name=f"类别{n}", at=now, by=SYSTEM) for n in range(30)]
    products = [create_product(code=f"P{n}", name=f"产品{n}", at=now, by=SYSTEM) for n in range(3)]
    execute("SET statement_timeout = 0")
    execute(STORES)
    return {
        "manager": person("manager", "经理", Role.MANAGER), "team": teams[0],
        "engineer": engineers[0], "product": products[0], "customer": Customer.objects.all()[7],
        "rows": {
            "desk": [u.pk for u in desk], "desks": len(desk), "engineers": [u.pk for u in engineers],
            "workers": len(engineers), "categories": [k.pk for k in kinds], "kinds": len(kinds),
            "products": [p.pk for p in products], "makes": len(products),
        },
    }  # fmt: skip


def fill(tickets: int, people: dict[str, Any]) -> None:
    from django.core.management import call_command

    began = time.perf_counter()
    for table in ("desk_ticketfact", "desk_rollup", "sla_deadlinemove", "sla_deadline",
                  "tickets_extension", "tickets_ticket"):  # fmt: skip
        execute(f"TRUNCATE {table} CASCADE")
    execute(TICKETS, people["rows"] | {"tickets": tickets, "days": DAYS})
    execute(DEADLINES, {})
    execute(EXTENSIONS, {})
    execute("VACUUM ANALYZE")
    print(f"\n{tickets} tickets filled in {time.perf_counter() - began:.0f} s", flush=True)
    began = time.perf_counter()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        call_command("rebuild_rollups", stdout=nowhere)
    execute("VACUUM ANALYZE")
    print(f"{DAYS} days rolled up in {time.perf_counter() - began:.0f} s", flush=True)


def table(sizes: list[int], found: list[dict[str, tuple[int, float, float]]]) -> None:
    """Pages down, sizes across: milliseconds, the 95th percentile behind."""
    print(f"\n| page | queries | {' | '.join(f'{size:,}' for size in sizes)} |")
    print("|---|---|" + "---|" * len(sizes))
    for name in found[0]:
        queries = sorted({at[name][0] for at in found})
        times = " | ".join(f"{at[name][1]:.0f} ({at[name][2]:.0f})" for at in found)
        print(f"| {name} | {'–'.join(map(str, queries))} | {times} |", flush=True)


def measure(people: dict[str, Any], runs: int) -> dict[str, tuple[int, float, float]]:
    """Of each page: queries, median, 95th percentile."""
    from django.test import Client
    from django.utils import timezone

    client = Client()
    client.force_login(
        people["manager"], backend="django.contrib.auth.backends.ModelBackend"
    )  # fmt: skip
    today = timezone.localdate()
    year = f"?period=range&since={today - timedelta(days=365)}&until={today}"
    month = f"?period=range&since={today - timedelta(days=30)}&until={today}"
    team, person = f"&team={people['team'].uid}", f"&person={people['engineer'].uid}"
    customer, product = f"&customer={people['customer'].uid}", f"&product={people['product'].uid}"
    level, records = "/managers/service-level/", "/managers/records/"
    pages = [
        ("service level, 31 days", level + month),
        ("service level, 366 days", level + year),
        ("… of a team", level + year + team),
        ("… of a customer", level + year + customer),
        ("… of a product", level + year + product),
        ("… of a team and a product", level + year + team + product),
        ("… of a person, customer, product", level + year + person + customer + product),
        ("records: taken in, 366 days", records + year + "&figure=opened"),
        ("records: promise missed, 366 days", records + year + "&figure=promised_missed"),
        ("records: open now", records + year + "&figure=backlog"),
        ("monthly reports", "/managers/reports/"),
        *manager_rows.pages(
            month,
            year,
            **{
                name: str(people[key].uid)
                for name, key in (
                    ("team", "team"),
                    ("person", "engineer"),
                    ("customer", "customer"),
                    ("product", "product"),
                )
            },
        ),
    ]
    print(f"load average {os.getloadavg()[0]:.1f}", flush=True)
    found, group = {}, ""
    for name, url in pages:
        # What goes on with “…” speaks of the line above.
        group = group if name.startswith("…") else name.partition(",")[0]
        label = f"{group} {name}" if name.startswith("…") else name
        found[label] = timing(label, partial(client.get, url), runs)
    ticks()
    return found


def timing(name: str, ask: Callable[[], Any], runs: int) -> tuple[int, float, float]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    taken = []
    for number in range(runs + 2):
        began = time.perf_counter()
        response = ask()
        if number >= 2:  # the first ones fill caches
            taken.append((time.perf_counter() - began) * 1000)
        assert response.status_code == 200, (name, response.status_code)
    with CaptureQueriesContext(connection) as queries:
        ask()
    return len(queries), statistics.median(taken), percentile(taken, 0.95)


def ticks() -> None:
    """A worker's tick: with nothing new, and with one ticket changed."""
    from django.utils import timezone

    from servicedesk.core import journal
    from servicedesk.core.actors import SYSTEM
    from servicedesk.desk.managers import rollups
    from tickets.actions import tickets as actions
    from tickets.models import Ticket

    def tick() -> float:
        began = time.perf_counter()
        rollups.catch_up()
        return (time.perf_counter() - began) * 1000

    journal.seal()
    tick()
    idle = statistics.median(tick() for _each in range(9))
    busy = []
    tickets = Ticket.objects.order_by("-pk")
    for number in range(9):
        actions.comment(
            tickets[number * tickets.count() // 9], text="备注", at=timezone.now(), by=SYSTEM
        )
        journal.seal()
        busy.append(tick())
    print(f"tick: nothing new {idle:.1f} ms, one ticket changed {statistics.median(busy):.0f} ms")


if __name__ == "__main__":
    main()
