"""The work at the customer's (VISIT-17…20, 22)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from customers.models import StockPart
from customers.queries import as_code
from servicedesk.core import documents
from servicedesk.core.actions import action, advance, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from sla import deadlines
from tickets.actions import tickets
from tickets.states import Status as TicketStatus
from visits.actions.common import begin_step, start_clock, tick, told, within_a_year
from visits.actions.trips import be_nowhere_else
from visits.events import (
    PartAdded,
    PartRemoved,
    RecordReopened,
    VisitFinished,
    WorkInterrupted,
    WorkRecorded,
    WorkResumed,
    WorkStarted,
)
from visits.models import (
    ARRIVAL_ITEMS,
    CLOSING_ITEMS,
    ChecklistAnswer,
    Interruption,
    Part,
    VisitOrder,
    WorkRecord,
)
from visits.queries import minutes_between

RECORDED = (
    "category", "people_met", "findings", "cause", "work_done", "changes_made", "touches_data",
    "data_consent_by", "tested_by", "test_result", "result", "next_step", "next_step_at", "advice",
    "other_needs",
)  # fmt: skip
Result = WorkRecord.Result


@action
def start_work(
    visit: VisitOrder, *, people_met: str = "", ticked: Iterable[str], at: datetime, by: Actor
) -> VisitOrder:
    """VISIT-15, 17: reported, introduced, badge shown; then the work begins."""
    step = begin_step("start_work", visit, at=at, by=by)
    said = set(ticked)
    unticked = tick(
        visit, ChecklistAnswer.List.ARRIVAL, {item: item in said for item in ARRIVAL_ITEMS}, at=at
    )
    work = _record_of(visit)
    work.people_met = people_met.strip() or work.people_met
    work.save()
    visit.started_at = at
    advance(visit, step, "started_at")
    ticket = visit.ticket
    if ticket is not None and ticket.status == TicketStatus.ASSIGNED:
        tickets.start(ticket, at=at, by=by)
    told(visit, WorkStarted, at=at, by=by, people_met=people_met, unticked=unticked)
    return visit


def _record_of(visit: VisitOrder) -> WorkRecord:
    found = WorkRecord.objects.filter(visit=visit).first()
    return found or WorkRecord(visit=visit, category=visit.category)


@action
def interrupt(visit: VisitOrder, *, reason: str, at: datetime, by: Actor) -> VisitOrder:
    """VISIT-18: power cut, customer called away or at table."""
    step = begin_step("interrupt", visit, at=at, by=by)
    if not reason.strip():
        raise Refused(_("Say what stops the work."), field="reason")
    Interruption.objects.create(visit=visit, reason=reason, started_at=at)
    advance(visit, step)
    told(visit, WorkInterrupted, at=at, by=by, reason=reason)
    return visit


@action
def resume(visit: VisitOrder, *, at: datetime, by: Actor) -> VisitOrder:
    step = begin_step("resume", visit, at=at, by=by)
    still = Interruption.objects.get(visit=visit, ended_at=None)
    still.ended_at = at
    still.save(update_fields=["ended_at"])
    advance(visit, step)
    told(
        visit, WorkResumed, at=at, by=by, still_minutes=minutes_between(still.started_at, at)
    )  # fmt: skip
    return visit


@action
def record_work(visit: VisitOrder, *, at: datetime, by: Actor, **said: Any) -> VisitOrder:
    """Write down what was found and done; what is not named stays. It may be done bit by bit."""
    begin_step("record_work", visit, at=at, by=by)
    unknown = sorted(set(said) - set(RECORDED))
    if unknown:
        raise TypeError(f"record_work() does not know {', '.join(unknown)}")
    work = _record_of(visit)
    for field, value in said.items():
        setattr(work, field, value)
    if _says_nothing(visit, work, said):
        raise Refused(_("Nothing is written down yet. Begin with the findings."), field="findings")
    if work.touches_data and not work.data_consent_by.strip():
        raise Refused(
            _("Who allowed work that touches the customer's data?"), field="data_consent_by"
        )
    if work.result and work.result not in Result.values:
        raise Refused(_("Choose one of the results."), field="result")
    if work.result == Result.NOT_SOLVED:
        _check_next_step(work, at)
    work.save()
    save_changes(visit)
    told(
        visit, WorkRecorded, at=at, by=by, findings=work.findings, touches_data=work.touches_data,
        data_consent_by=work.data_consent_by,
    )  # fmt: skip
    return visit


def _says_nothing(visit: VisitOrder, work: WorkRecord, said: Mapping[str, Any]) -> bool:
    """What the form fills in by itself, fault category and contact, is no record yet."""
    filled_in = {"category": visit.category, "tested_by": visit.contact_name}
    # Whom he met was asked at the door.
    known = {name: getattr(work, name) for name in RECORDED} | {
        "people_met": said.get("people_met")
    }
    return all(
        not (value.strip() if isinstance(value, str) else value)
        or (name in filled_in and value == filled_in[name])
        for name, value in known.items()
    )


def _check_next_step(work: WorkRecord, at: datetime) -> None:
    """VISIT-22: who leaves a fault behind says what happens next and when."""
    if not work.next_step.strip():
        raise Refused(_("Not solved: say what happens next."), field="next_step")
    if work.next_step_at is None:
        raise Refused(_("Not solved: say by when the next step is done."), field="next_step_at")
    if work.next_step_at <= at:
        raise Refused(_("The next step must lie in the future."), field="next_step_at")
    within_a_year(work.next_step_at, at, field="next_step_at")


@action
def add_part(
    visit: VisitOrder,
    *,
    code: str = "",
    name: str = "",
    quantity: int = 1,
    serial: str = "",
    at: datetime,
    by: Actor,
) -> Part:
    """By the code of the stock list, which then says name and unit; else by any name.

    What is out of use by now was in the bag when the telephone was without a network.
    """
    begin_step("add_part", visit, at=at, by=by)
    stock, unit = None, ""
    if code.strip():
        stock = StockPart.objects.filter(code=as_code(code)).first()
        if stock is None:
            raise Refused(
                _("No part has this code. Leave it empty and write the name."), field="code"
            )
        name, unit = str(stock), stock.unit
    if not name.strip():
        raise Refused(_("Name the part or software."), field="name")
    if quantity < 1:
        raise Refused(_("At least one."), field="quantity")
    part = Part.objects.create(
        visit=visit, stock=stock, name=name, unit=unit, quantity=quantity, serial=serial
    )
    save_changes(visit)
    told(
        visit, PartAdded, at=at, by=by, name=name, quantity=quantity, serial=serial,
        code=stock.code if stock else "",
    )  # fmt: skip
    return part


@action
def remove_part(visit: VisitOrder, *, part: Part, at: datetime, by: Actor) -> VisitOrder:
    """It was not used after all. Its history stays."""
    begin_step("remove_part", visit, at=at, by=by)
    if part.visit_id != visit.pk:
        raise Refused(_("This part belongs to another visit."), field="part")
    name = part.name
    part.delete()
    save_changes(visit)
    told(visit, PartRemoved, at=at, by=by, name=name)
    return visit


@action
def finish(visit: VisitOrder, *, ticked: Iterable[str], at: datetime, by: Actor) -> VisitOrder:
    """The work is done and written down; the closing checklist is answered (VISIT-19, 20, 22)."""
    step = begin_step("finish", visit, at=at, by=by)
    work = _record_of(visit)
    _check_written(work)
    if work.result == Result.NOT_SOLVED:
        _check_next_step(work, at)
    said = set(ticked)
    unticked = tick(
        visit, ChecklistAnswer.List.CLOSING, {item: item in said for item in CLOSING_ITEMS}, at=at
    )
    visit.finished_at = at
    advance(visit, step, "finished_at")
    start_clock("visit.hand_in", visit, at=at, by=by)
    if work.result == Result.NOT_SOLVED and work.next_step_at is not None:
        start_clock("visit.next_step", visit, due_at=work.next_step_at, at=at, by=by)
    else:
        deadlines.cancel(visit, "visit.next_step", at=at, by=by)
    told(
        visit, VisitFinished, at=at, by=by, widely=True, result=work.result,
        result_label=work.get_result_display(), next_step=work.next_step,
        next_step_at=work.next_step_at.isoformat() if work.next_step_at else None,
        unticked=unticked,
    )  # fmt: skip
    return visit


def _check_written(work: WorkRecord) -> None:
    for field, message in [
        ("findings", _("The work record lacks the findings.")),
        ("work_done", _("The work record lacks what was done.")),
        ("tested_by", _("The work record lacks who of the customer tested it.")),
        ("test_result", _("The work record lacks the result of the test.")),
        ("result", _("The work record lacks the result.")),
    ]:
        if not str(getattr(work, field)).strip():
            raise Refused(message, field=field)


@action
def revise(visit: VisitOrder, *, reason: str, at: datetime, by: Actor) -> VisitOrder:
    """Correct the record before it is signed. What was shown for signature counts no more."""
    step = begin_step("revise", visit, at=at, by=by)
    if not reason.strip():
        raise Refused(_("Say what is to be corrected."), field="reason")
    be_nowhere_else(visit)
    documents.void(visit.number, at=at)
    visit.finished_at = None
    advance(visit, step, "finished_at")
    deadlines.cancel(visit, "visit.hand_in", "visit.next_step", at=at, by=by)
    told(visit, RecordReopened, at=at, by=by, reason=reason)
    return visit
