"""Rows behind the managers' pages “Now”, “Visits” and “Handbook”, by plain SQL.

To every five tickets a visit, to every ticket two answers of the handbook, over the same two years;
thirty callbacks and messages that are open, and sixty visits of today.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from benchmarks.sweep import execute

TABLES = (
    "visits_satisfaction", "visits_workrecord", "visits_missednote", "visits_visitorder",
    "tickets_message", "tickets_callbackpromise", "core_ruleresult",
    "core_ruleday", "core_staleruleday", "desk_visitday", "desk_stalevisitday",
)  # fmt: skip
INSTALLATIONS = """
    INSERT INTO customers_installation (uid, version, created_at, software_version, remote_id, note, is_active,
        product_id, store_id)
    SELECT gen_random_uuid(), 1, now(), '4.2', '', '', true, (%(products)s)[1 + id %% %(makes)s], id
    FROM customers_store WHERE id NOT IN (SELECT store_id FROM customers_installation)
"""
# The last two days are not archived yet. A tenth comes late, one in thirty is not met.
VISITS = """
    INSERT INTO visits_visitorder (uid, version, created_at, number, status, contact_name, contact_phone,
        salutation, address, need, is_urgent, is_complaint, ordered_at, first_judgement, unclear, travel_minutes,
        signature_refused, follow_up_result, cancelled_reason, customer_id, store_id, ticket_id, installation_id,
        engineer_id, accepted_at, window_from, window_until, leave_at, departed_at, arrived_at, started_at,
        finished_at, signed_at, handed_in_at, archived_at)
    SELECT gen_random_uuid(), 1, v.at, 'SV-' || v.id, CASE WHEN v.at > now() - interval '2 d' THEN 'handed_in'
        ELSE 'archived' END, '李晓梅', '13912345678', '李店长', '淮海中路 999 号', '收银台积分终端报错 ' || md5(v.id::text),
        v.id %% 50 = 0, false, v.at, '网线', '', 30, '', '', '', v.customer_id, v.store_id,
        CASE WHEN v.id %% 9 = 0 THEN v.id - 5 ELSE v.id END, i.id, (%(engineers)s)[1 + v.id / 5 %% %(workers)s], v.at + interval '10 min',
        v.at + interval '2 h', v.at + interval '3 h', v.at + interval '90 min', v.at + interval '85 min',
        v.came, v.came + interval '9 min', v.came + interval '50 min', v.came + interval '55 min',
        v.came + interval '50 min' + v.id %% 31 * interval '1 h', v.came + interval '40 h'
    FROM (SELECT t.id, t.received_at AS at, t.customer_id, t.store_id,
            t.received_at + interval '2 h' - CASE WHEN t.id %% 10 = 0 THEN interval '-6 min'
                WHEN t.id %% 7 = 0 THEN interval '14 min' WHEN t.id %% 11 = 0 THEN interval '3 min'
                ELSE interval '8 min' END AS came
          FROM tickets_ticket AS t WHERE t.id %% 5 = 0 AND t.received_at < now() - interval '4 h') AS v
    JOIN customers_installation AS i ON i.store_id = v.store_id
    ORDER BY v.id
"""
TODAY = """
    INSERT INTO visits_visitorder (uid, version, created_at, number, status, contact_name, contact_phone,
        salutation, address, need, is_urgent, is_complaint, ordered_at, first_judgement, unclear, travel_minutes,
        signature_refused, follow_up_result, cancelled_reason, customer_id, store_id, installation_id, engineer_id,
        window_from, window_until, leave_at)
    SELECT gen_random_uuid(), 1, now(), 'SV-T' || e || '-' || n, 'appointed', '李晓梅', '13912345678', '', '淮海中路',
        '报错', false, false, now(), '', '', 30, '', '', '', i.customer_id, i.id, i.installation, e,
        d.at + n * interval '3 h', d.at + n * interval '3 h' + interval '1 h', d.at + n * interval '3 h' - interval '30 min'
    FROM unnest(%(engineers)s) AS e, generate_series(0, 2) AS n,
        LATERAL (SELECT date_trunc('day', now() AT TIME ZONE 'Asia/Shanghai') AT TIME ZONE 'Asia/Shanghai'
            + interval '9 h' AS at) AS d,
        LATERAL (SELECT s.id, s.customer_id, (SELECT id FROM customers_installation WHERE store_id = s.id) AS installation
            FROM customers_store AS s ORDER BY s.id OFFSET e %% 100 LIMIT 1) AS i
"""
WORK = """
    INSERT INTO visits_workrecord (uid, version, created_at, people_met, findings, cause, work_done, changes_made,
        touches_data, data_consent_by, tested_by, test_result, result, next_step, advice, other_needs, visit_id,
        next_step_at)
    SELECT gen_random_uuid(), 1, now(), '李晓梅', '积分终端报错 E-17，网线松动', '碰松网线', '重新插紧并固定', '无', false, '', '李晓梅',
        '正常', CASE WHEN id %% 8 = 0 THEN 'not_solved' ELSE 'solved' END,
        CASE WHEN id %% 8 = 0 THEN '换件' ELSE '' END, '', '', id, CASE WHEN id %% 8 = 0 THEN now() END
    FROM visits_visitorder WHERE finished_at IS NOT NULL
"""
RATINGS = """
    INSERT INTO visits_satisfaction (uid, version, created_at, punctuality, conduct, skill, result, remarks,
        given_at, visit_id)
    SELECT gen_random_uuid(), 1, now(), 1 + id %% 5, 3 + id %% 3, 2 + id %% 4, 1 + id %% 5, '', signed_at, id
    FROM visits_visitorder WHERE signed_at IS NOT NULL AND id %% 10 < 7
"""
NOTES = """
    INSERT INTO visits_missednote (uid, version, created_at, number, came_at, waited_since, left_at, left_with,
        phone, visit_id)
    SELECT gen_random_uuid(), 1, now(), 'MN-' || id, arrived_at, arrived_at, arrived_at + interval '16 min', '前台',
        '400', id
    FROM visits_visitorder WHERE arrived_at IS NOT NULL AND id %% 30 = 0
"""
CALLS = """
    INSERT INTO tickets_callbackpromise (uid, version, created_at, caller_name, caller_number, question, promised_at,
        original_due_at, due_at, moved_count, status, answer, owner_id, kept_at)
    SELECT gen_random_uuid(), 1, now(), '李', '139', '补登', now() - n * interval '9 h', now() - n * interval '9 h',
        CASE WHEN n <= 30 THEN now() + n * interval '20 min' ELSE now() END, 0,
        CASE WHEN n <= 30 THEN 'open' ELSE 'kept' END, '', (%(desk)s)[1 + n %% %(desks)s],
        CASE WHEN n > 30 THEN now() END
    FROM generate_series(1, greatest(%(tickets)s / 20, 60)) AS n;
    INSERT INTO tickets_message (uid, version, created_at, caller_name, caller_number, about_visit, text,
        call_back_by, status, taken_at, outcome, taken_by_id, to_user_id, read_at, done_at)
    SELECT gen_random_uuid(), 1, now(), '李', '139', false, '请回电', now() + n * interval '20 min',
        CASE WHEN n <= 30 THEN 'unread' ELSE 'done' END, now(), CASE WHEN n <= 30 THEN '' ELSE '已回' END,
        (%(desk)s)[1], (%(desk)s)[1 + n %% %(desks)s], CASE WHEN n > 30 THEN now() END,
        CASE WHEN n > 30 THEN now() END
    FROM generate_series(1, greatest(%(tickets)s / 20, 60)) AS n
"""
ANSWERS = """
    INSERT INTO core_ruleresult (rule, subject_kind, subject_id, answer, note, evidence, counts_at, person_id, team_id,
        customer_id, product_id, computed_at)
    SELECT (%(rules)s)[1 + (t.id * 2 + k) %% %(count)s], CASE WHEN k = 0 THEN 'tickets.ticket' ELSE 'tickets.call' END,
        t.id, (ARRAY['kept', 'kept', 'kept', 'broken', 'not_applicable', 'not_provable'])[1 + t.id %% 6], '', '[]',
        t.received_at, t.assignee_id, u.team_id, t.customer_id, t.product_id, now()
    FROM tickets_ticket AS t JOIN accounts_user AS u ON u.id = t.assignee_id, generate_series(0, 1) AS k
    ORDER BY t.id
"""


def fill(tickets: int, rows: dict[str, Any]) -> None:
    """After the tickets are there."""
    from servicedesk.core import rule_days
    from servicedesk.core.rules import RULES
    from servicedesk.desk.managers import visit_days

    began = time.perf_counter()
    execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
    rules = sorted({rule.id for rule in RULES.values()})
    params = rows | {"tickets": tickets, "rules": rules, "count": len(rules)}
    for sql in (INSTALLATIONS, VISITS, TODAY, WORK, RATINGS, NOTES, CALLS, ANSWERS):
        execute(sql, params)
    execute("VACUUM ANALYZE")
    visits = execute("SELECT count(*) FROM visits_visitorder")[0][0]
    answers = execute("SELECT count(*) FROM core_ruleresult")[0][0]
    print(f"{visits} visits, {answers} answers filled in {time.perf_counter() - began:.0f} s")
    began = time.perf_counter()
    answered = rule_days.roll()
    seconds = time.perf_counter() - began
    print(f"answers of {answered} days summed up in {seconds:.0f} s", flush=True)
    began = time.perf_counter()
    visited = visit_days.DAYS.roll()
    execute("VACUUM ANALYZE")
    print(f"visits of {visited} days summed up in {time.perf_counter() - began:.0f} s", flush=True)


def pages(month: str, year: str, **chosen: str) -> list[tuple[str, str]]:
    """month, year: queries of a period; chosen: uids of a team, a person, a customer, a product."""

    def only(*names: str) -> str:
        return "&" + urlencode({name: chosen[name] for name in names})

    now, visits, rules = "/managers/now/", "/managers/visits/", "/managers/handbook/"
    rule = rules + "VISIT-12/"
    return [
        ("now", now),
        ("now: the live part", now + "live/"),
        ("now: of a team and a product", now + "?" + only("team", "product")[1:]),
        ("now: the wall screen", now + "?wall=1"),
        ("now: records, due within 24 h", now + "tickets/within24/"),
        ("visits, 31 days", visits + month),
        ("visits, 366 days", visits + year),
        ("… of a team and a product", visits + year + only("team", "product")),
        ("… of a customer", visits + year + only("customer")),
        ("visits: records, late, 366 days", visits + "late/" + year),
        ("handbook, 31 days", rules + month),
        ("handbook, 366 days", rules + year),
        ("… of a team", rules + year + only("team")),
        ("… of a customer", rules + year + only("customer")),
        ("… of a team and a product", rules + year + only("team", "product")),
        ("handbook: one rule, 366 days", rule + year),
        ("… of a customer", rule + year + only("customer")),
    ]
