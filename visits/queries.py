"""Questions about visits that several doors and actions ask."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from servicedesk.core.models import Document, Entry
from visits.models import (
    ARRIVAL_ITEMS,
    CLOSING_ITEMS,
    DEPARTURE_ITEMS,
    USB_BACK,
    USB_OUT,
    ChecklistAnswer,
    MissedNote,
    Satisfaction,
    VisitOrder,
    WorkRecord,
)
from visits.states import APPOINTED_AHEAD, ON_SITE, Status


def in_words(window_from: datetime | None, window_until: datetime | None) -> str:
    """`11-22 14:00–15:00`, in local time; "" without a window."""
    if window_from is None or window_until is None:
        return ""
    start, end = timezone.localtime(window_from), timezone.localtime(window_until)
    last = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%m-%d %H:%M}"
    return f"{start:%m-%d %H:%M}–{last}"


def minutes_between(earlier: datetime, later: datetime) -> int:
    """Whole minutes; what has begun counts against us (14 min 59 s are 14)."""
    return math.floor((later - earlier) / timedelta(minutes=1))


def clashing(
    engineer: User, *, leave_at: datetime, until: datetime, but: VisitOrder
) -> list[VisitOrder]:
    """The engineer's other orders that stand in the way, travel included (VISIT-3)."""
    return list(
        VisitOrder.objects.filter(
            engineer=engineer,
            status__in=sorted(APPOINTED_AHEAD | ON_SITE),
            leave_at__lt=until,
            window_until__gt=leave_at,
        )
        .exclude(pk=but.pk)
        .select_related("store")
        .order_by("window_from")
    )


def must_be_there_by(visit: VisitOrder) -> datetime | None:
    """The moment that the customer counts on: appointment, or the ticket's time limit."""
    if visit.window_from is not None and visit.status in APPOINTED_AHEAD:
        return visit.window_from
    return visit.ticket.due_at if visit.ticket is not None else None


def too_late_to_call(visit: VisitOrder, moment: datetime) -> bool:
    """VISIT-5: who tries again only at `moment` cannot be there in time any more."""
    latest = must_be_there_by(visit)
    return latest is not None and moment >= latest - timedelta(minutes=visit.travel_minutes)


@dataclass(frozen=True, slots=True)
class Experience:
    """What the engineer has done with a fault category so far (VISIT-4)."""

    seen: int
    failed: int

    @property
    def enough(self) -> bool:
        return self.seen > 0 and self.failed == 0


def experience(visit: VisitOrder, engineer_id: int | None) -> Experience | None:
    """None where the order names no fault category."""
    if visit.category_id is None or engineer_id is None:
        return None
    results = list(
        WorkRecord.objects.filter(visit__engineer_id=engineer_id)
        .filter(Q(category_id=visit.category_id) | Q(visit__category_id=visit.category_id))
        .exclude(visit=visit)
        .exclude(result="")
        .values_list("result", flat=True)
    )
    return Experience(len(results), results.count(WorkRecord.Result.NOT_SOLVED))


def similar_solved(visit: VisitOrder, *, limit: int = 3) -> list[WorkRecord]:
    """How colleagues solved the same fault on the same product."""
    if visit.category_id is None:
        return []
    found = WorkRecord.objects.filter(
        category_id=visit.category_id, result=WorkRecord.Result.SOLVED
    ).exclude(visit=visit)
    if visit.installation is not None:
        found = found.filter(visit__installation__product_id=visit.installation.product_id)
    return list(found.select_related("visit__store", "visit__engineer").order_by("-id")[:limit])


def ticked(visit: VisitOrder, of: str) -> dict[str, ChecklistAnswer]:
    """The answers of one checklist by item."""
    return {row.item: row for row in visit.checklist.all() if row.list == of}


def service_form(visit: VisitOrder) -> Document | None:
    """The newest version of the service form."""
    return Document.objects.filter(number=visit.number).order_by("-version").first()


def documents_of(visit: VisitOrder) -> list[Document]:
    """Service form and notes, newest first, without what was replaced before it was signed."""
    return list(
        Document.objects.filter(subject_kind="visits.visitorder", subject_id=visit.pk)
        .exclude(status=Document.Status.VOID)
        .prefetch_related("signatures")
        .order_by("-id")
    )


@dataclass(frozen=True, slots=True)
class Wait:
    """A stretch of time on which nothing could be done."""

    since: datetime
    until: datetime | None
    reason: str


def waits(visit: VisitOrder) -> list[Wait]:
    """For the customer, from the journal; interruptions have rows of their own."""
    found: list[Wait] = []
    entries = Entry.objects.filter(
        subjects__kind="visits.visitorder", subjects__object_id=visit.pk,
        type__in=["visit.waiting", "visit.met", "visit.note_left", "visit.rearranged"],
    ).order_by("at", "id")  # fmt: skip
    for entry in entries:
        if entry.type == "visit.waiting":
            found.append(Wait(entry.at, None, str(entry.data.get("asked", ""))))
        elif found and found[-1].until is None:
            found[-1] = Wait(found[-1].since, entry.at, found[-1].reason)
    return found


def last_note(visit: VisitOrder) -> MissedNote | None:
    notes: Sequence[MissedNote] = visit.notes.all()
    return list(notes)[-1] if notes else None


@dataclass(frozen=True, slots=True)
class Gap:
    """What the form still lacks; `blocks`: it cannot be archived so."""

    text: Any
    blocks: bool


def lacking(visit: VisitOrder) -> list[Gap]:
    """The desk's check list, made by rules (VISIT-23): what is missing, the worst first."""
    document, work = service_form(visit), WorkRecord.objects.filter(visit=visit).first()
    rows = list(ChecklistAnswer.objects.filter(visit=visit))
    given = {row.item: row.ticked for row in rows}
    lists = {row.list for row in rows}
    refused = bool(visit.signature_refused)
    sealed = document is not None and document.status == Document.Status.SEALED
    names = {**DEPARTURE_ITEMS, **ARRIVAL_ITEMS, **CLOSING_ITEMS}
    candidates = [
        (not sealed, _("The form is not sealed yet"), not refused),
        (refused, _("The customer did not sign: %s") % visit.signature_refused, False),
        (work is None or not work.findings, _("No findings"), True),
        (work is None or not work.cause, _("No cause named"), False),
        (work is None or not work.category_id, _("No fault category"), False),
        (not refused and not Satisfaction.objects.filter(visit=visit).exists(),
         _("No rating by the customer"), False),
        (USB_OUT in given and USB_BACK not in given,
         _("USB drive not scanned on return"), True),
        (ChecklistAnswer.List.DEPARTURE not in lists, _("No departure checklist"), False),
        (any(not part.serial for part in visit.parts.all()),
         _("A part without serial number"), False),
        *((not ticked, _("Not ticked: %s") % names[item], False)
          for item, ticked in given.items() if item in names),
    ]  # fmt: skip
    found = [Gap(text, blocks) for missing, text, blocks in candidates if missing]
    return sorted(found, key=lambda gap: not gap.blocks)


NEXT_STEPS: dict[str, str] = {
    Status.ASSIGNED: "accept",
    Status.ACCEPTED: "appoint",
    Status.APPOINTED: "depart",
    Status.EN_ROUTE: "arrive",
    Status.ARRIVED: "start_work",
    Status.WAITING: "meet",
    Status.MISSED: "appoint",
    Status.WORKING: "record_work",
    Status.INTERRUPTED: "resume",
    Status.FINISHED: "present_form",
    Status.SIGNED: "hand_in",
}
