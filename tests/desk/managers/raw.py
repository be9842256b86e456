"""The same figures counted by hand: record by record, by Python, with no SQL of the roll-ups."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

from django.utils import timezone

from servicedesk.desk.models import MEASURES, RollUp
from sla.models import Deadline
from tickets.models import Ticket

DAY = timedelta(hours=24)


def clocks(ticket: Ticket, kind: str) -> list[Deadline]:
    return list(Deadline.objects.of(ticket).filter(kind=kind).prefetch_related("moves"))


def outcome(ticket: Ticket) -> dict[str, bool]:
    """The definitions, said once more in words of the domain."""
    answers = [c for c in clocks(ticket, "ticket.response") if c.met_at]
    promises = clocks(ticket, "ticket.resolution")
    done = all(c.met_at for c in promises)
    extensions = list(ticket.extensions.all())
    solved = ticket.status in {"resolved", "closed"}

    def moved_too_late(clock: Deadline) -> bool:
        return any(m.moved_at > m.old_due_at for m in clock.moves.all() if m.cause != "pause")

    extended = [c for c in promises if any(m.cause == "extension" for m in c.moves.all())]
    promised_late = any(c.met_at and c.met_at > c.original_due_at for c in promises)
    agreed_late = any(moved_too_late(c) or (c.met_at and c.met_at > c.due_at) for c in promises)
    extension_broken = any(c.met_at and c.met_at > c.due_at for c in extended)
    return {
        "opened": True,
        "response_in_time": bool(answers) and all(c.met_at <= c.due_at for c in answers),
        "response_late": any(c.met_at > c.due_at for c in answers),
        "promised_in_time": done and not promised_late,
        "promised_late": promised_late,
        "agreed_in_time": done and not agreed_late,
        "agreed_late": agreed_late,
        "over_24h": any(c.met_at and c.met_at - c.started_at > DAY for c in promises),
        "solved": solved,
        "solved_once": solved or ticket.reopened_count > 0,
        "first_contact": solved and ticket.solution == "phone"
        and ticket.responded_at == ticket.resolved_at and not ticket.reopened_count,
        "by_phone": solved and ticket.solution == "phone",
        "by_remote": solved and ticket.solution == "remote",
        "by_visit": solved and ticket.solution == "visit",
        "not_solved": solved and ticket.solution == "none",
        "closed": ticket.status == "closed",
        "reopened": ticket.reopened_count > 0,
        "extension_asked": bool(extensions),
        "extension_consented": any(x.status == "consented" for x in extensions),
        "extension_refused": any(x.status == "refused" for x in extensions),
        "extension_kept": bool(extended) and all(c.met_at for c in extended)
        and not extension_broken,
        "extension_broken": extension_broken,
    }  # fmt: skip


def counted() -> dict[tuple[Any, str, int], Counter[str]]:
    """(day, dimension, key) → measure → number."""
    sums: dict[tuple[Any, str, int], Counter[str]] = defaultdict(Counter)
    for ticket in Ticket.objects.all():
        local = timezone.localtime(ticket.received_at)
        for place in [
            ("all", 0),
            ("person", ticket.assignee_id or ticket.owner_id),
            ("customer", ticket.customer_id),
            ("product", ticket.product_id or 0),
            ("category", ticket.category_id or 0),
            ("hour", local.weekday() * 24 + local.hour),
        ]:
            for measure, holds in outcome(ticket).items():
                sums[(local.date(), *place)][measure] += bool(holds)
    return dict(sums)


def rolled_up() -> dict[tuple[Any, str, int], Counter[str]]:
    return {
        (row.day, row.dimension, row.key): Counter({m: getattr(row, m) for m in MEASURES})
        for row in RollUp.objects.all()
    }
