"""What lists and pages cost at many tickets: `python -m benchmarks.tickets --tickets 100000`.

Works in a database of its own beside the one of DATABASE_URL and drops it at the end. Rows come
by plain SQL. Two floors stand beside each page, measured in the same run and taking turns with
it: a plain Django view (the same records by the ORM, as bare text in the same layout), and one
statement answered as JSON. The floor of the intake writes the same rows by one bare INSERT each.
"""

from __future__ import annotations

import argparse
import html
import os
import re
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from benchmarks.sweep import execute, percentile, scratch_database

SCRATCH = "servicedesk_benchmark_tickets"

STORES = """
    INSERT INTO customers_customer (uid, version, created_at, code, name, short_name, pinyin, industry,
        is_key_account, note, is_active)
    SELECT gen_random_uuid(), 1, now(), 'K' || n, '客户公司' || n, '客户' || n, 'kehu', '', false, '', true
    FROM generate_series(1, 200) AS n;
    INSERT INTO customers_store (uid, version, created_at, customer_id, code, name, pinyin, province, city,
        district, address, phone, phone_digits, opening_hours, note, is_active)
    SELECT gen_random_uuid(), 1, now(), c.id, 'M' || c.id || '-' || n, '第' || n || '分店', 'fendian', '上海市',
        '上海市', '黄浦区', '淮海中路 ' || n || ' 号', '', '', '', '', true
    FROM customers_customer AS c, generate_series(1, 10) AS n
"""
# Newest last. The last three in a hundred are open; the rest were closed within the day.
TICKETS = """
    INSERT INTO tickets_ticket (uid, version, created_at, number, title, need, status, customer_id, store_id,
        is_urgent, urgency_reason, is_complaint, received_at, no_wish, due_at, owner_id, assignee_id,
        responded_at, waiting_reason, waiting_until, resolved_at, solution, resolution, closed_at, closing,
        reopened_count, category_id)
    SELECT gen_random_uuid(), 1, t.at, 'TK-' || to_char(t.at, 'YYYYMMDD') || '-' || n,
        (ARRAY['积分小票打印不出来', '会员登录后积分不显示', '兑换券扫码提示过期', '收银机更新后无法启动'])[1 + n %% 4]
            || ' ' || n,
        '门店来电说收银台出现问题，顾客在排队，希望尽快处理。编号 ' || md5(n::text),
        CASE WHEN NOT t.open THEN 'closed'
            ELSE (ARRAY['new', 'assigned', 'in_progress', 'waiting'])[1 + n %% 4] END,
        s.customer_id, s.id, n %% 50 = 0, CASE WHEN n %% 50 = 0 THEN '顾客排队' ELSE '' END, n %% 97 = 0,
        t.at, true, t.at + interval '24 h', (%(desk)s)[1 + n %% %(desks)s],
        CASE WHEN t.open AND n %% 4 = 0 THEN NULL ELSE (%(engineers)s)[1 + n %% %(workers)s] END,
        t.at + interval '9 min', CASE WHEN t.open AND n %% 4 = 3 THEN '等客户' ELSE '' END,
        CASE WHEN t.open AND n %% 4 = 3 THEN t.at + interval '5 h' END,
        CASE WHEN NOT t.open THEN t.at + interval '6 h' END,
        CASE WHEN NOT t.open THEN 'remote' ELSE '' END, CASE WHEN NOT t.open THEN '重装驱动' ELSE '' END,
        CASE WHEN NOT t.open THEN t.at + interval '30 h' END,
        CASE WHEN NOT t.open THEN 'confirmed' ELSE '' END, 0, (%(categories)s)[1 + n %% %(kinds)s]
    FROM (SELECT n, n > %(tickets)s * 0.97 AS open,
            now() - (%(tickets)s - n) * (interval '30 h' / (%(tickets)s * 0.03)) AS at
          FROM generate_series(1, %(tickets)s) AS n) AS t
    JOIN customers_store AS s ON s.id = (SELECT min(id) FROM customers_store) + t.n %% 2000
    ORDER BY t.n
"""
DEADLINES = """
    INSERT INTO sla_deadline (uid, kind, subject_kind, subject_id, label, url, urgent, owner_id, started_at,
        due_at, original_due_at, pause_reason, paused_total, status, skipped, met_at, next_step, generation)
    SELECT gen_random_uuid(), k, 'tickets.ticket', id, number, '/', is_urgent, owner_id, received_at, due_at,
        due_at, '', interval '0', CASE WHEN resolved_at IS NULL THEN 'running' ELSE 'met' END, '{}',
        resolved_at, 0, 1
    FROM tickets_ticket, unnest(ARRAY['ticket.response', 'ticket.assignment', 'ticket.resolution']) AS k
"""
JOURNAL = """
    WITH entries AS (
        INSERT INTO core_entry (uid, type, at, actor_kind, actor_id, actor_label, data)
        SELECT gen_random_uuid(), e, received_at, 'user', owner_id, '何雪', jsonb_build_object('ticket_id', id)
        FROM tickets_ticket, unnest(ARRAY['ticket.opened', 'ticket.assigned', 'ticket.started',
            'ticket.resolved', 'ticket.closed']) AS e
        RETURNING id, (data->>'ticket_id')::bigint AS ticket
    )
    INSERT INTO core_entrysubject (kind, object_id, entry_id) SELECT 'tickets.ticket', ticket, id FROM entries
"""
ROW = "SELECT * FROM tickets_ticket WHERE number = %s"
QUEUE = ("queue", "due_at", "pk")
COLUMNS = (
    "number", "title", "status", "is_urgent", "is_complaint", "due_at", "received_at",
    "resolved_at", "reopened_count", "store__name", "customer__name", "assignee__name",
    "owner__name",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=60)
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "servicedesk.settings_test"
    with scratch_database(SCRATCH):
        import django

        django.setup()
        from django.conf import settings
        from django.db import connection

        from servicedesk.core.memory import settle

        settings.ROOT_URLCONF = "benchmarks.floor"
        people = fill(options.tickets)
        # As a web process does, see `deploy/gunicorn.py`.
        settle()
        measure(people, options.runs)
        connection.close()


def fill(tickets: int) -> dict[str, Any]:
    from django.core.management import call_command
    from django.utils import timezone

    from accounts.roles import Role
    from customers.actions import create_product
    from knowledge.actions import create_category
    from servicedesk.core.actors import SYSTEM
    from tests.conftest import person

    call_command("migrate", verbosity=0)
    began = time.perf_counter()
    desk = [person(f"desk{n}", f"客服{n}", Role.HELPDESK) for n in range(5)]
    engineers = [person(f"engineer{n}", f"工程师{n}", Role.ENGINEER) for n in range(20)]
    now = timezone.now()
    kinds = [create_category(code=f"K{n}", name=f"类别{n}", at=now, by=SYSTEM) for n in range(30)]
    create_product(code="JF", name="积分产品", at=now, by=SYSTEM)
    execute("SET statement_timeout = 0")
    execute(STORES)
    arrays = {
        "desk": [u.pk for u in desk], "engineers": [u.pk for u in engineers],
        "categories": [k.pk for k in kinds],
    }  # fmt: skip
    counts = {"desks": len(desk), "workers": len(engineers), "kinds": len(kinds)}
    execute(TICKETS, arrays | counts | {"tickets": tickets})
    execute(DEADLINES)
    execute(JOURNAL)
    execute("VACUUM ANALYZE")
    print(f"{tickets} tickets in {time.perf_counter() - began:.0f} s", flush=True)
    return {"desk": desk[0], "engineer": engineers[0], "now": now}


def measure(people: dict[str, Any], runs: int) -> None:
    from django.test import Client

    from benchmarks.floor import RECORDS, STATEMENTS
    from servicedesk.core.models import Entry
    from sla.models import Deadline
    from tickets.models import Ticket

    desk, engineer = Client(), Client()
    backend = "django.contrib.auth.backends.ModelBackend"
    desk.force_login(people["desk"], backend=backend)
    engineer.force_login(people["engineer"], backend=backend)
    ticket = busy_ticket(people)
    deep = "?status=all&sort=new"
    pages = min(200, Ticket.objects.count() // 100)
    for _page in range(pages):
        deep = next_page(desk.get(f"/tickets/{deep}", headers=ROWS_ONLY))
    mark = Ticket.objects.order_by("-pk")[pages * 50].pk
    newest, queue = Ticket.objects.order_by("-pk"), Ticket.objects.open().order_by(*QUEUE)
    now = people["now"]
    reads: list[tuple[str, Client, str, Any]] = [
        ("list: open, by remaining time", desk, "/tickets/", queue),
        ("list: all, newest first", desk, "/tickets/?status=all&sort=new", newest),
        (f"list: all, {pages} pages down", desk, f"/tickets/{deep}", newest.filter(pk__lt=mark)),
        ("list: overdue", desk, "/tickets/?due=overdue", queue.filter(due_at__lt=now)),
        ("list: nobody's yet", desk, "/tickets/?who=unassigned", queue.filter(assignee=None)),
        ("list: an engineer's own", engineer, "/tickets/?who=mine",
         queue.filter(assignee=people["engineer"])),
        ("list: two characters, all", desk, "/tickets/?status=all&q=兑换",
         newest.filter(title__contains="兑换")),
        ("list: a word nobody wrote", desk, "/tickets/?status=all&q=驱动器坏", newest.filter(number="-")),
    ]  # fmt: skip
    print(
        f"{'':32} {'ours p50':>9} {'p95':>7} {'queries':>7}   {'plain':>7} {'bare':>7}   ratios",
        flush=True,
    )
    for number, (name, client, url, tickets) in enumerate(reads):
        shown = tickets.select_related("store", "customer", "assignee", "owner")[:50]
        RECORDS[f"r{number}"] = partial(_shown, shown)
        STATEMENTS[f"r{number}"] = [shown.values_list(*COLUMNS).query.sql_with_params()]
        compare(name, client, partial(client.get, url), f"r{number}", runs)
    page = Ticket.objects.filter(pk=ticket.pk)
    related = ("customer", "store", "contact", "product", "category", "owner", "assignee")
    entries = Entry.objects.filter(
        subjects__kind="tickets.ticket", subjects__object_id=ticket.pk
    ).order_by("-at")  # fmt: skip
    RECORDS["page"] = lambda: {
        "ticket": page.select_related(*related).get(),
        "deadlines": Deadline.objects.of(ticket),
        "entries": entries[:60],
    }
    STATEMENTS["page"] = [(ROW, [ticket.number])]
    compare("ticket page", desk, lambda: desk.get(ticket.get_absolute_url()), "page", runs)
    RECORDS["api"], STATEMENTS["api"] = RECORDS["r1"], STATEMENTS["r1"]
    compare("api list", desk, lambda: desk.get("/api/v1/tickets"), "api", runs)
    intake(desk, people, runs)


def _shown(tickets: Any) -> dict[str, Any]:
    return {"tickets": tickets.all()}


def next_page(response: Any) -> str:
    found = re.search(r'rel="next" href="([^"]+)"', response.content.decode())
    assert found is not None
    return html.unescape(found[1])


ROWS_ONLY = {"HX-Request": "true", "HX-Target": "rows"}


def busy_ticket(people: dict[str, Any]) -> Any:
    """One with a past: played by the actions, 30 entries on its timeline."""
    from tests.tickets.tickets.factories import make_ticket
    from tickets.actions import tickets as actions
    from tickets.states import Status

    at = people["now"] - timedelta(hours=5)
    ticket = make_ticket(Status.IN_PROGRESS, people["engineer"], owner=people["desk"], at=at)
    for n in range(25):
        actions.comment(
            ticket, text=f"第 {n} 条备注", at=at + timedelta(minutes=20 + n),
            by=people["engineer"].as_actor(),
        )  # fmt: skip
    return ticket


def compare(
    name: str, client: Any, ours: Callable[[], Any], floor: str, runs: int, *, ok: int = 200
) -> None:
    """Take turns, so that whatever disturbs the machine disturbs all alike."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from benchmarks.floor import RECORDS

    def bare() -> Any:
        return client.get(f"/floor/bare/{floor}/")

    def plain() -> Any:
        return client.get(f"/floor/plain/{floor}/")

    floors = {"bare": bare} | ({"plain": plain} if floor in RECORDS else {})
    taken: dict[str, list[float]] = {"ours": [], "plain": [], "bare": []}
    for number in range(runs + 3):
        for key, work in ({"ours": ours} | floors).items():
            began = time.perf_counter()
            response = work()
            if number >= 3:  # the first ones fill caches
                taken[key].append((time.perf_counter() - began) * 1000)
            assert response.status_code == (ok if key == "ours" else 200), response.content[:500]
    with CaptureQueriesContext(connection) as queries:
        ours()
    p50 = {key: statistics.median(values) for key, values in taken.items() if values}
    shown = [f"{p50[key]:7.1f}" if key in p50 else " " * 7 for key in ("plain", "bare")]
    ratios = [
        f"{p50['ours'] / p50[key]:5.1f} ×" if key in p50 else " " * 7 for key in ("plain", "bare")
    ]
    print(
        f"{name:32} {p50['ours']:6.1f} ms {percentile(taken['ours'], 0.95):7.1f} {len(queries):7}"
        f"   {' '.join(shown)}   {' '.join(ratios)}",
        flush=True,
    )


def intake(client: Any, people: dict[str, Any], runs: int) -> None:
    """Take a call that becomes a ticket; the floor writes the same rows by bare INSERTs."""
    from django.utils import timezone

    from benchmarks.floor import STATEMENTS
    from tests.tickets.tickets.factories import make_category, make_store

    store = make_store("基准店")
    contact, installation = store.contacts.get(), store.installations.get()
    sent = {
        "outcome": "ticket", "caller_number": contact.phone, "caller_name": contact.name,
        "store": str(store.uid), "contact": str(contact.uid), "product": str(installation.product.uid),
        "installation": str(installation.uid), "category": str(make_category().uid),
        "need": "收银台打不出积分小票，顾客在排队", "expected_at_choice": "none", "greeted": "on",
        "phone_solution_offered": "on", "read_back": "on", "ring_count": "2",
    }  # fmt: skip

    def post() -> Any:
        moment = timezone.localtime(timezone.now() - timedelta(minutes=3))
        return client.post(
            "/tickets/calls/new/", sent | {"answered_at": f"{moment:%Y-%m-%dT%H:%M}"}
        )

    post()  # the first call of the day starts its series of numbers
    before = highest()
    response = post()
    assert response.status_code == 302, response.content.decode()[:3000]
    STATEMENTS["intake"] = copies_of(before)
    print(f"(an intake writes {len(STATEMENTS['intake'])} rows)", flush=True)
    compare("intake: call with ticket, POST", client, post, "intake", runs, ok=302)


def tables() -> list[str]:
    found = execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name IN ('id', 'history_id') AND table_name ~ '^(tickets|sla|core|accounts)_'"
        " GROUP BY table_name ORDER BY table_name"
    )
    return [str(row[0]) for row in found]


def key_of(table: str) -> str:
    return "history_id" if "_historical" in table else "id"


def highest() -> dict[str, int]:
    return {
        table: int(execute(f"SELECT coalesce(max({key_of(table)}), 0) FROM {table}")[0][0])  # type: ignore[call-overload]
        for table in tables()
    }


FRESH = {
    "uid": "gen_random_uuid()", "number": "'F' || nextval('benchmark_fresh')",
    "dedup_key": "gen_random_uuid()::text", "object_id": "nextval('benchmark_fresh')",
    "subject_id": "nextval('benchmark_fresh')", "intake_key": "gen_random_uuid()",
    "request_sha256": "gen_random_uuid()::text", "key": "gen_random_uuid()::text",
}  # fmt: skip


def copies_of(before: dict[str, int]) -> list[tuple[str, Any]]:
    """For each row written since then: the INSERT that writes its like once more."""
    execute("CREATE SEQUENCE benchmark_fresh START 1000000000")
    statements: list[tuple[str, Any]] = []
    for table, last in before.items():
        key = key_of(table)
        columns = [
            str(row[0])
            for row in execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
                " AND is_generated = 'NEVER' AND column_name <> %s ORDER BY ordinal_position",
                [table, key],
            )
        ]
        values = ", ".join(FRESH.get(name, name) for name in columns)
        for (pk,) in execute(f"SELECT {key} FROM {table} WHERE {key} > %s", [last]):
            row = execute(f"SELECT {', '.join(columns)} FROM {table} WHERE {key} = %s", [pk])[0]
            statements.append((_insert(table, columns, values), _params(columns, row)))
    return statements


def _insert(table: str, columns: list[str], values: str) -> str:
    spelled = ", ".join(FRESH.get(name, "%s") for name in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({spelled})"


def _params(columns: list[str], row: tuple[object, ...]) -> list[object]:
    from psycopg2.extras import Json

    return [
        Json(value) if isinstance(value, dict | list) and name not in {"skipped"} else value
        for name, value in zip(columns, row, strict=True)
        if name not in FRESH
    ]


if __name__ == "__main__":
    main()
