"""Daily sums of what became of the tickets, made from the records themselves and exact.

All figures speak of the day of intake, so a change to a ticket concerns one day only: that one
is made again as a whole (`rebuild`). Which days those are, the journal says (`catch_up`), so the
cost grows with what changed. `manage.py rebuild_rollups` makes all again and reports what was
not as it should have been.

    TicketFact   one row per ticket: its outcome as zeros and ones
    RollUp       their sums per day and dimension; a page reads 366 rows for a year, not 300,000 tickets
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Min
from django.utils import timezone

from servicedesk.core.models import Seal
from servicedesk.desk.managers.filters import Period
from servicedesk.desk.models import MEASURES, Progress, RollUp, TicketFact
from tickets.models import Ticket

# So many links of the journal's chain at once: a transaction of seconds would hold up the sealer.
BATCH = 1000
# Any constant: with the day's number, the advisory lock under which a day is made.
DAY_LOCK = 7_021_403

# Of a ticket's promises to solve it, each opening again starts another. In time are those of
# which none was missed.
#   promised: the due time as it was first said; no consent moves it (SLA-5)
#   agreed:   the due time in force; a consent that came after it was over mends nothing
#   extended: the last time that the customer agreed to, however late he did
# A pause may end after the former due time; all else that moved it then came too late.
FACTS = """
    INSERT INTO desk_ticketfact (ticket_id, day, hour, person, customer, store, product, category,
        received_at, is_open, response_due, promised_due, agreed_due, extended_due, {measures})
    SELECT t.id, %(day)s,
        (extract(isodow FROM t.received_at AT TIME ZONE %(zone)s) - 1) * 24
            + extract(hour FROM t.received_at AT TIME ZONE %(zone)s),
        coalesce(t.assignee_id, t.owner_id), t.customer_id, t.store_id,
        coalesce(t.product_id, 0), coalesce(t.category_id, 0), t.received_at, s.is_open,
        CASE WHEN s.is_open THEN d.response_due END,
        CASE WHEN s.is_open AND d.promised_late = 0 THEN d.promised_due END,
        CASE WHEN s.is_open AND d.agreed_late = 0 THEN d.agreed_due END,
        CASE WHEN s.is_open AND d.extended_late = 0 THEN d.extended_due END,
        1,
        (d.answered > 0 AND d.answered_late = 0)::int,
        (d.answered_late > 0)::int,
        (d.met > 0 AND d.open = 0 AND d.promised_late = 0)::int,
        (d.promised_late > 0)::int,
        (d.met > 0 AND d.open = 0 AND d.agreed_late = 0)::int,
        (d.agreed_late > 0)::int,
        (d.over_24h > 0)::int,
        s.solved::int,
        (s.solved OR t.reopened_count > 0)::int,
        (s.solved AND t.solution = 'phone' AND t.responded_at = t.resolved_at
            AND t.reopened_count = 0)::int,
        (s.solved AND t.solution = 'phone')::int,
        (s.solved AND t.solution = 'remote')::int,
        (s.solved AND t.solution = 'visit')::int,
        (s.solved AND t.solution = 'none')::int,
        (t.status = 'closed')::int,
        (t.reopened_count > 0)::int,
        x.asked::int, x.consented::int, x.refused::int,
        (d.extended > 0 AND d.extended_open = 0 AND d.extended_late = 0)::int,
        (d.extended_late > 0)::int
    FROM tickets_ticket AS t
    CROSS JOIN LATERAL (
        SELECT t.status IN ('resolved', 'closed') AS solved,
            t.status NOT IN ('resolved', 'closed') AS is_open
    ) AS s
    CROSS JOIN LATERAL (
        SELECT
            count(*) FILTER (WHERE first AND is_met) AS answered,
            count(*) FILTER (WHERE first AND met_late) AS answered_late,
            min(due_at) FILTER (WHERE first AND runs) AS response_due,
            count(*) FILTER (WHERE NOT first AND is_met) AS met,
            count(*) FILTER (WHERE NOT first AND is_open) AS open,
            count(*) FILTER (WHERE NOT first AND is_met AND met_at > original_due_at)
                AS promised_late,
            count(*) FILTER (WHERE NOT first AND (met_late OR moved_late)) AS agreed_late,
            count(*) FILTER (WHERE NOT first AND is_met AND met_at > started_at + interval '24 h')
                AS over_24h,
            min(original_due_at) FILTER (WHERE NOT first AND is_open) AS promised_due,
            min(due_at) FILTER (WHERE NOT first AND runs) AS agreed_due,
            count(*) FILTER (WHERE NOT first AND by_consent) AS extended,
            count(*) FILTER (WHERE NOT first AND by_consent AND is_open) AS extended_open,
            count(*) FILTER (WHERE NOT first AND by_consent AND met_late) AS extended_late,
            min(due_at) FILTER (WHERE NOT first AND by_consent AND runs) AS extended_due
        FROM (
            SELECT c.*, c.kind = 'ticket.response' AS first,
                c.status = 'met' AS is_met, c.status = 'met' AND c.met_at > c.due_at AS met_late,
                c.status IN ('running', 'paused') AS is_open,
                c.status = 'running' OR c.status = 'paused' AND c.paused_at > c.due_at AS runs,
                m.by_consent, m.moved_late
            FROM sla_deadline AS c
            CROSS JOIN LATERAL (
                SELECT coalesce(bool_or(cause = 'extension'), false) AS by_consent,
                    coalesce(bool_or(cause <> 'pause' AND moved_at > old_due_at), false)
                        AS moved_late
                FROM sla_deadlinemove WHERE deadline_id = c.id AND c.generation > 1
            ) AS m
            WHERE c.subject_kind = 'tickets.ticket' AND c.subject_id = t.id
                AND c.kind IN ('ticket.response', 'ticket.resolution')
        ) AS clock
    ) AS d
    CROSS JOIN LATERAL (
        SELECT count(*) > 0 AS asked, count(*) FILTER (WHERE status = 'consented') > 0 AS consented,
            count(*) FILTER (WHERE status = 'refused') > 0 AS refused
        FROM tickets_extension WHERE ticket_id = t.id
    ) AS x
    WHERE t.received_at >= %(start)s AND t.received_at < %(end)s
"""
SUMS = """
    INSERT INTO desk_rollup (day, dimension, key, {measures})
    SELECT %(day)s, d.dimension, d.key, {sums}
    FROM desk_ticketfact AS f
    CROSS JOIN LATERAL (VALUES ('all', 0), ('person', f.person), ('customer', f.customer),
        ('product', f.product), ('category', f.category), ('hour', f.hour)) AS d (dimension, key)
    WHERE f.day = %(day)s GROUP BY d.dimension, d.key
"""
# The days of the tickets that the journal speaks of in a part of its chain. One look-up per ticket,
# also where the planner knows nothing of the newest links and would rather read all tickets.
CHANGED = """
    WITH changed AS MATERIALIZED (
        SELECT DISTINCT e.object_id AS id
        FROM core_seal AS s
        JOIN core_entrysubject AS e ON e.entry_id = s.entry_id AND e.kind = 'tickets.ticket'
        WHERE s.sequence > %(after)s AND s.sequence <= %(last)s
    )
    SELECT DISTINCT (t.received_at AT TIME ZONE %(zone)s)::date
    FROM changed CROSS JOIN LATERAL (
        SELECT received_at FROM tickets_ticket WHERE id = changed.id LIMIT 1
    ) AS t
"""
_NAMES = ", ".join(MEASURES)
_FACTS = FACTS.format(measures=_NAMES)
_SUMS = SUMS.format(measures=_NAMES, sums=", ".join(f"sum(f.{name})" for name in MEASURES))


@transaction.atomic
def rebuild(day: date) -> None:
    """Make the facts and sums of one day again; as often as one likes with the same result."""
    span = Period(day, day)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [DAY_LOCK, day.toordinal()])
        cursor.execute("DELETE FROM desk_ticketfact WHERE day = %s", [day])
        cursor.execute("DELETE FROM desk_rollup WHERE day = %s", [day])
        asked = {"day": day, "start": span.start, "end": span.end, "zone": settings.TIME_ZONE}
        cursor.execute(_FACTS, asked)
        cursor.execute(_SUMS, asked)


def catch_up(now: datetime | None = None) -> int:
    """Make the days again whose tickets changed since the last time; returns how many.

    Called by every worker; one at a time does it. `now`: for tests.
    """
    made = 0
    while (more := _batch(now)) is not None:
        made += more
    return made


@transaction.atomic
def _batch(now: datetime | None) -> int | None:
    """1. Take the progress, or leave it to the worker that has it. 2. Read the next links of the
    chain. 3. Make their days again. 4. Write down how far it came. Nothing is lost if it dies
    between any two: the links are read again. None: nothing is left."""
    Progress.objects.get_or_create(pk=1)
    progress = Progress.objects.select_for_update(skip_locked=True).filter(pk=1).first()
    if progress is None:
        return None
    newest = Seal.objects.aggregate(last=Max("sequence"))["last"] or 0
    last = min(newest, progress.sequence + BATCH)
    days = _changed(progress.sequence, last)
    for day in days:
        rebuild(day)
    progress.sequence = last
    if last == newest:
        progress.caught_up_at = now or timezone.now()
    progress.save(update_fields=["sequence", "caught_up_at"])
    return len(days) if last < newest or days else None


def _changed(after: int, last: int) -> list[date]:
    if last <= after:
        return []
    asked = {"after": after, "last": last, "zone": settings.TIME_ZONE}
    with connection.cursor() as cursor:
        cursor.execute(CHANGED, asked)
        return sorted(row[0] for row in cursor.fetchall())


# --- All of it again -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """A sum that was not what the records say."""

    day: date
    dimension: str
    key: int
    measure: str
    was: int
    is_now: int

    def __str__(self) -> str:
        return f"{self.day} {self.dimension} {self.key} {self.measure}: {self.was} → {self.is_now}"


def days_with_tickets() -> tuple[date, date] | None:
    """The first and the last day that anything was taken in, or is rolled up."""
    tickets = Ticket.objects.aggregate(first=Min("received_at"), last=Max("received_at"))
    facts = TicketFact.objects.aggregate(first=Min("day"), last=Max("day"))
    days = [timezone.localdate(moment) for moment in tickets.values() if moment]
    days += [day for day in facts.values() if day]
    return (min(days), max(days)) if days else None


def rebuild_all(first: date, last: date) -> Iterator[list[Difference] | None]:
    """Day by day, what was wrong in it; None for a day that had not been made yet."""
    day = first
    while day <= last:
        before = _sums(day)
        rebuild(day)
        after = _sums(day)
        yield list(_differences(day, before, after)) if before or not after else None
        day += timedelta(days=1)


Sums = dict[tuple[str, int], dict[str, int]]


def _sums(day: date) -> Sums:
    rows: Any = RollUp.objects.filter(day=day).values("dimension", "key", *MEASURES)
    return {(row.pop("dimension"), row.pop("key")): row for row in rows}


def _differences(day: date, before: Sums, after: Sums) -> Iterator[Difference]:
    for place in sorted(before.keys() | after.keys()):
        for measure in MEASURES:
            was, is_now = (sums.get(place, {}).get(measure, 0) for sums in (before, after))
            if was != is_now:
                yield Difference(day, *place, measure, was, is_now)


@transaction.atomic
def start_from(sequence: int, at: datetime) -> None:
    """All links up to this one are contained in what was just made."""
    Progress.objects.get_or_create(pk=1)
    progress = Progress.objects.select_for_update().get(pk=1)
    progress.sequence = max(progress.sequence, sequence)
    progress.caught_up_at = at
    progress.save(update_fields=["sequence", "caught_up_at"])


def newest_link() -> int:
    newest: int | None = Seal.objects.aggregate(last=Max("sequence"))["last"]
    return newest or 0
