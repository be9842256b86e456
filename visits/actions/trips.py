"""The way to the customer and the absent customer (VISIT-7, 9…13, 15, 16)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from servicedesk.core import documents
from servicedesk.core.actions import action, advance, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.models import Entry
from servicedesk.core.numbering import next_number
from sla import deadlines
from visits import pdf
from visits.actions.appointments import lock_engineer
from visits.actions.common import begin_step, start_clock, tick, told, within_a_year
from visits.clocks import SCAN_LIFE
from visits.events import (
    CustomerAwaited,
    CustomerMet,
    DeparturePrepared,
    NoteLeft,
    VisitArrived,
    VisitDeparted,
)
from visits.models import DEPARTURE_ITEMS, USB_OUT, ChecklistAnswer, MissedNote, VisitOrder
from visits.queries import in_words, minutes_between
from visits.states import ON_SITE, WAITING_TIME, Status

WAITING_MINUTES = int(WAITING_TIME.total_seconds() // 60)


@action
def prepare(
    visit: VisitOrder,
    *,
    ticked: Iterable[str],
    usb_drive: str = "",
    usb_scanned_at: datetime | None = None,
    at: datetime,
    by: Actor,
) -> VisitOrder:
    """VISIT-9, 10: what the engineer says of himself and his bag. Without a drive no scan."""
    begin_step("prepare", visit, at=at, by=by)
    if usb_drive.strip() and usb_scanned_at is None:
        raise Refused(_("When was the drive scanned for viruses?"), field="usb_scanned_at")
    if usb_scanned_at is not None and usb_scanned_at > at:
        raise Refused(_("The scan cannot lie in the future."), field="usb_scanned_at")
    if usb_scanned_at is not None and at - usb_scanned_at > SCAN_LIFE:
        raise Refused(
            _("That scan is more than a day old; scan the drive before you leave."),
            field="usb_scanned_at",
        )
    said = set(ticked)
    answers = {item: item in said for item in DEPARTURE_ITEMS}
    unticked = tick(visit, ChecklistAnswer.List.DEPARTURE, answers, at=at)
    if usb_drive.strip():
        tick(
            visit, ChecklistAnswer.List.DEPARTURE, {USB_OUT: True},
            notes={USB_OUT: f"{usb_drive} · {usb_scanned_at:%Y-%m-%dT%H:%M%z}"}, at=at,
        )  # fmt: skip
    save_changes(visit)
    told(
        visit, DeparturePrepared, at=at, by=by, usb_drive=usb_drive.strip(),
        usb_scanned_at=usb_scanned_at.isoformat() if usb_scanned_at else None, unticked=unticked,
    )  # fmt: skip
    return visit


@action
def depart(visit: VisitOrder, *, at: datetime, by: Actor) -> VisitOrder:
    """Without an appointment only to somebody who could not be reached (VISIT-5)."""
    step = begin_step("depart", visit, at=at, by=by)
    if visit.status == Status.ACCEPTED and not visit.attempts.exists():
        raise Refused(_("Call the customer first, and make an appointment."))
    planned, visit.departed_at = visit.leave_at, at
    advance(visit, step, "departed_at")
    deadlines.meet("visit.departure", visit, at=at, by=by)
    deadlines.cancel(visit, "visit.next_try", "visit.appointment", at=at, by=by)
    told(
        visit, VisitDeparted, at=at, by=by, leave_at=planned.isoformat() if planned else None,
        minutes_late=minutes_between(planned, at) if planned else None,
    )  # fmt: skip
    return visit


@action
def arrive(visit: VisitOrder, *, at: datetime, by: Actor) -> VisitOrder:
    """The engineer reached the store. `at` is when it happened, not when we heard of it."""
    step = begin_step("arrive", visit, at=at, by=by)
    be_nowhere_else(visit)
    visit.arrived_at = at
    advance(visit, step, "arrived_at")
    deadlines.meet("visit.arrival", visit, at=at, by=by)
    deadlines.meet("visit.notice", visit, at=at, by=by)
    deadlines.cancel(visit, "visit.departure", at=at, by=by)
    told(
        visit, VisitArrived, at=at, by=by, widely=True,
        window=in_words(visit.window_from, visit.window_until),
        window_from=visit.window_from.isoformat() if visit.window_from else None,
        window_until=visit.window_until.isoformat() if visit.window_until else None,
        minutes_before=minutes_between(at, visit.window_from) if visit.window_from else None,
    )  # fmt: skip
    return visit


def be_nowhere_else(visit: VisitOrder) -> None:
    """One engineer is at one place; the unique constraint stands behind this sentence."""
    engineer = lock_engineer(visit)
    elsewhere = (
        VisitOrder.objects.filter(engineer=engineer, status__in=sorted(ON_SITE))
        .exclude(pk=visit.pk)
        .first()
    )
    if elsewhere is not None:
        raise Refused(_("%(visit)s is still open on site; finish it first.") % {"visit": elsewhere})


@action
def wait_for_customer(visit: VisitOrder, *, asked: str = "", at: datetime, by: Actor) -> VisitOrder:
    """VISIT-16: asked whether to re-arrange or to be received by a colleague, and what came of it."""
    step = begin_step("wait_for_customer", visit, at=at, by=by)
    visit.waiting_since = at
    advance(visit, step, "waiting_since")
    told(visit, CustomerAwaited, at=at, by=by, asked=asked)
    return visit


@action
def meet(visit: VisitOrder, *, at: datetime, by: Actor) -> VisitOrder:
    """The customer, or a colleague of his, has come."""
    step = begin_step("meet", visit, at=at, by=by)
    assert visit.waiting_since is not None
    waited = minutes_between(visit.waiting_since, at)
    visit.waiting_since = None
    advance(visit, step, "waiting_since")
    told(visit, CustomerMet, at=at, by=by, waited_minutes=waited)
    return visit


@action
def leave_note(
    visit: VisitOrder,
    *,
    left_with: str,
    phone: str = "",
    proposed_from: datetime | None = None,
    proposed_until: datetime | None = None,
    at: datetime,
    by: Actor,
) -> MissedNote:
    """VISIT-7, 16: after a quarter of an hour the note is left and its form frozen."""
    step = begin_step("leave_note", visit, at=at, by=by)
    assert visit.waiting_since is not None
    assert visit.arrived_at is not None
    waited = minutes_between(visit.waiting_since, at)
    if waited < WAITING_MINUTES:
        left = WAITING_MINUTES - max(waited, 0)
        raise Refused(
            ngettext(
                "Wait %(minutes)d more minute before you leave the note.",
                "Wait %(minutes)d more minutes before you leave the note.",
                left,
            )
            % {"minutes": left}
        )
    if not left_with.strip():
        raise Refused(_("Say where the note is, or to whom you gave it."), field="left_with")
    if (proposed_from is None) != (proposed_until is None):
        raise Refused(_("A proposed time has a beginning and an end."), field="proposed_until")
    if proposed_from is not None and proposed_until is not None:
        if proposed_from <= at:
            raise Refused(_("The proposed time must lie in the future."), field="proposed_from")
        within_a_year(proposed_until, at, field="proposed_until")
        if proposed_until <= proposed_from:
            raise Refused(_("The end must be later than the beginning."), field="proposed_until")
    note = MissedNote.objects.create(
        visit=visit, number=next_number("MN", at=at), came_at=visit.arrived_at,
        waited_since=visit.waiting_since, left_at=at, left_with=left_with,
        phone=phone.strip() or pdf.numbers_to_call(visit), proposed_from=proposed_from,
        proposed_until=proposed_until,
    )  # fmt: skip
    visit.waiting_since = None
    advance(visit, step, "waiting_since")
    start_clock("visit.follow_up_missed", visit, at=at, by=by)
    documents.freeze(
        pdf.MISSED_NOTE, visit, number=note.number, data=pdf.missed_note_data(note),
        signers={pdf.ENGINEER.name: visit.engineer_id}, keywords=pdf.keywords(visit), at=at, by=by,
    )  # fmt: skip
    told(
        visit, NoteLeft, at=at, by=by, widely=True, note_number=note.number, left_with=left_with,
        waited_minutes=waited, asked=_last_question(visit),
    )  # fmt: skip
    return note


def _last_question(visit: VisitOrder) -> str:
    entry = Entry.objects.filter(
        type=CustomerAwaited.type, subjects__kind="visits.visitorder", subjects__object_id=visit.pk
    ).last()
    return str(entry.data["asked"]) if entry else ""
