"""Counting every deadline again from the journal, as a check of what the rows say.

The journal is the evidence; a row is what was made of it on the way. Both must agree to the
microsecond, or somebody changed a row behind the engine's back, or the engine has a fault.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from servicedesk.core.models import Entry
from sla.events import (
    DeadlineCancelled,
    DeadlineMet,
    DeadlineMoved,
    DeadlinePaused,
    DeadlineResumed,
    DeadlineStarted,
    DeadlineStepFired,
)
from sla.models import CalendarVersion, Deadline, DeadlineQuerySet, worktime_of
from sla.states import Status
from sla.worktime import Span, Worktime, after, elapsed

TYPES = tuple(
    event.type
    for event in (
        DeadlineStarted, DeadlineMoved, DeadlinePaused, DeadlineResumed, DeadlineMet,
        DeadlineCancelled, DeadlineStepFired,
    )
)  # fmt: skip
BATCH = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a row and the journal disagree."""

    uid: str
    label: str
    field: str
    row: Any
    journal: Any


@dataclass(slots=True)
class Account:
    """A deadline as the journal tells it."""

    work: Worktime
    started_at: datetime
    target: timedelta | None
    latest: datetime | None
    due_at: datetime
    original_due_at: datetime
    state: str = Status.RUNNING
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    met_at: datetime | None = None
    missed_at: datetime | None = None
    holds: list[Span] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        return {
            "status": str(self.state),
            "started_at": self.started_at,
            "due_at": self.due_at,
            "original_due_at": self.original_due_at,
            "paused_at": self.paused_at,
            "met_at": self.met_at,
            "missed_at": self.missed_at,
        }


def rebuild(deadlines: DeadlineQuerySet) -> Iterator[Difference]:
    """Every difference between these rows and the journal."""
    batch: list[Deadline] = []
    for deadline in deadlines.iterator(chunk_size=BATCH):
        batch.append(deadline)
        if len(batch) == BATCH:
            yield from _differences(batch)
            batch = []
    yield from _differences(batch)


def _differences(batch: list[Deadline]) -> Iterator[Difference]:
    told = _journal(batch)
    for deadline in batch:
        uid, label = str(deadline.uid), deadline.label
        if not told[uid]:
            yield Difference(uid, label, "journal", "started", None)
            continue
        for name, value in recount(told[uid]).facts().items():
            row = getattr(deadline, name)
            if row != value:
                yield Difference(uid, label, name, row, value)


def _journal(batch: list[Deadline]) -> dict[str, list[Entry]]:
    """Entries by deadline, in the order in which they were written."""
    found: dict[str, list[Entry]] = defaultdict(list)
    kinds: dict[str, set[int]] = defaultdict(set)
    for deadline in batch:
        kinds[deadline.subject_kind].add(deadline.subject_id)
    for kind, pks in kinds.items():
        entries = Entry.objects.filter(
            type__in=TYPES, subjects__kind=kind, subjects__object_id__in=pks
        )
        for entry in entries.order_by("pk").distinct():
            found[entry.data["deadline_uid"]].append(entry)
    return found


def recount(entries: list[Entry]) -> Account:
    """What became of a deadline, counted from its entries. Raises ValueError if it never began."""
    account: Account | None = None
    for entry in entries:
        if entry.type == DeadlineStarted.type:
            account = _started(entry)
        elif account is None:
            raise ValueError(f"entry {entry.pk} speaks of a deadline that never started")
        else:
            _STEPS[entry.type](account, entry)
    if account is None:
        raise ValueError("no entry starts the deadline")
    return account


def _started(entry: Entry) -> Account:
    data = entry.data
    work, target, latest = _terms(data)
    due_at = _moment(data["due_at"])
    if target is not None:
        due_at = _end(work, entry.at, target, latest)
    return Account(work, entry.at, target, latest, due_at, due_at)


def _moved(account: Account, entry: Entry) -> None:
    _note_miss(account, entry.at)
    account.work, account.target, account.latest = _terms(entry.data)
    account.due_at = _moment(entry.data["due_at"])
    if account.target is not None and entry.data["cause"] == "policy":
        account.due_at = _end(
            account.work, account.started_at, account.target, account.latest, account.holds
        )


def _paused(account: Account, entry: Entry) -> None:
    _note_miss(account, entry.at)
    ends = [ended for _began, ended in account.holds]
    account.state = Status.PAUSED
    account.paused_at = max(entry.at, *ends, account.started_at)
    account.paused_until = _moment(entry.data["until"])


def _resumed(account: Account, entry: Entry) -> None:
    _run_on(account, entry.at)
    account.state = Status.RUNNING


def _met(account: Account, entry: Entry) -> None:
    if account.paused_at is not None:
        # What was met in a pause ended it; it might have ended by itself before.
        _run_on(account, min(entry.at, account.paused_until or entry.at))
    _note_miss(account, entry.at)
    account.state, account.met_at = Status.MET, entry.at


def _cancelled(account: Account, entry: Entry) -> None:
    _note_miss(account, entry.at)
    account.state, account.paused_at = Status.CANCELLED, None


def _fired(account: Account, entry: Entry) -> None:
    if entry.data["missed"] and account.missed_at is None:
        account.missed_at = account.due_at


_STEPS = {
    DeadlineMoved.type: _moved,
    DeadlinePaused.type: _paused,
    DeadlineResumed.type: _resumed,
    DeadlineMet.type: _met,
    DeadlineCancelled.type: _cancelled,
    DeadlineStepFired.type: _fired,
}


def _run_on(account: Account, at: datetime) -> None:
    began, account.paused_at = account.paused_at, None
    if began is None or began > account.due_at or at <= began:
        return
    left = elapsed(account.work, began, account.due_at)
    account.due_at = after(account.work, at, left)
    account.holds.append((began, at))


def _note_miss(account: Account, at: datetime) -> None:
    if (account.paused_at or at) > account.due_at and account.missed_at is None:
        account.missed_at = account.due_at


def _terms(data: dict[str, Any]) -> tuple[Worktime, timedelta | None, datetime | None]:
    calendar = data["calendar"]
    pk = (
        CalendarVersion.objects.values_list("pk", flat=True).get(uid=calendar) if calendar else None
    )
    target = None if data["target"] is None else timedelta(seconds=data["target"])
    return worktime_of(pk), target, _moment(data["latest"]) if data["latest"] else None


def _end(
    work: Worktime,
    start: datetime,
    target: timedelta,
    latest: datetime | None,
    holds: Iterable[Span] = (),
) -> datetime:
    due_at = after(work, start, target, holds)
    return due_at if latest is None else min(due_at, latest)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
