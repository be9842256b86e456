"""Agreeing with the customer on a time, and on another one (VISIT-3, 5, 8, 13, 14)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.queries import supervisors_of
from servicedesk.core.actions import action, advance, lock, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.moments import spoken
from sla import deadlines
from sla.models import Deadline
from tickets.actions import tickets
from tickets.states import OPEN
from visits.actions.common import (
    begin_step,
    check_window,
    end_plan,
    start_clock,
    told,
    within_a_year,
)
from visits.clocks import HALF_A_DAY, LATE_NOTICE, LONG_NOTICE, NEXT_TRY, SHORT_NOTICE
from visits.events import (
    AppointmentMade,
    AppointmentMoved,
    ContactAttempted,
    LateNoticeGiven,
    NewTimeRefused,
)
from visits.models import Appointment, ContactAttempt, Interruption, Offer, VisitOrder
from visits.queries import clashing, in_words, minutes_between, too_late_to_call
from visits.states import Status

AskedBy = Appointment.AskedBy
Outcome = ContactAttempt.Outcome


@action
def log_attempt(
    visit: VisitOrder,
    *,
    outcome: str,
    phone: str = "",
    next_try_at: datetime | None = None,
    note: str = "",
    at: datetime,
    by: Actor,
) -> VisitOrder:
    """A call to the customer. Not reached: the rule says when to try again, or to go there."""
    begin_step("log_attempt", visit, at=at, by=by)
    if outcome not in Outcome.values:
        raise Refused(_("Say how the call ended."), field="outcome")
    reached = outcome == Outcome.REACHED
    if reached:
        next_try_at = None
    else:
        next_try_at = next_try_at or at + NEXT_TRY[outcome]
        if next_try_at <= at:
            raise Refused(_("The next try must lie after this one."), field="next_try_at")
        within_a_year(next_try_at, at, field="next_try_at")
    go_there = next_try_at is not None and too_late_to_call(visit, next_try_at)
    ContactAttempt.objects.create(
        visit=visit, at=at, phone=phone or visit.contact_phone, outcome=outcome,
        next_try_at=next_try_at, note=note,
    )  # fmt: skip
    save_changes(visit)
    if next_try_at is None:
        deadlines.meet("visit.next_try", visit, at=at, by=by)
        _note_response(visit, at=at, by=by)
    else:
        start_clock("visit.next_try", visit, due_at=next_try_at, at=at, by=by)
    told(
        visit, ContactAttempted, at=at, by=by, outcome=outcome,
        outcome_label=str(Outcome(outcome).label), note=note,
        next_try_at=next_try_at.isoformat() if next_try_at else None, go_there=go_there,
        supervisors=_supervisors(visit) if go_there else [],
    )  # fmt: skip
    return visit


def _supervisors(visit: VisitOrder) -> list[str]:
    return [person.name for person in supervisors_of(visit.engineer)]


def _note_response(visit: VisitOrder, *, at: datetime, by: Actor) -> None:
    """Whoever speaks to the customer has responded to his request (SLA-6)."""
    ticket = visit.ticket
    if ticket is not None and ticket.responded_at is None and ticket.status in OPEN:
        tickets.respond(ticket, at=at, by=by)


@action
def appoint(
    visit: VisitOrder,
    *,
    window_from: datetime,
    window_until: datetime,
    agreed_with: str,
    address_verified: bool = False,
    phone_verified: bool = False,
    address: str = "",
    contact_phone: str = "",
    travel_minutes: int | None = None,
    offer: Offer | None = None,
    at: datetime,
    by: Actor,
) -> VisitOrder:
    """VISIT-8: a window that suits the customer; address and number checked with him.

    offer: by which he agreed himself, through his link.
    """
    step = begin_step("appoint", visit, at=at, by=by)
    _check_offer(offer, by=by)
    _check_agreed(agreed_with)
    _occupy(visit, window_from, window_until, travel_minutes, at=at)
    visit.address = address.strip() or visit.address
    visit.contact_phone = contact_phone.strip() or visit.contact_phone
    Appointment.objects.create(
        visit=visit, window_from=window_from, window_until=window_until, agreed_with=agreed_with,
        agreed_at=at, address_verified=address_verified, phone_verified=phone_verified,
        offer=offer,
    )  # fmt: skip
    fields = ["address", "contact_phone", *WINDOW, *end_plan(visit, at=at)]
    if visit.status == Status.MISSED:
        fields += forget_trip(visit)
    advance(visit, step, *fields)
    deadlines.meet("visit.appointment", visit, at=at, by=by)
    deadlines.meet("visit.follow_up_missed", visit, at=at, by=by)
    deadlines.meet("visit.next_try", visit, at=at, by=by)
    start_travel_clocks(visit, at=at, by=by)
    _note_response(visit, at=at, by=by)
    assert visit.leave_at is not None
    told(
        visit, AppointmentMade, at=at, by=by, widely=True,
        window=in_words(window_from, window_until), window_from=window_from.isoformat(),
        window_until=window_until.isoformat(), leave_at=visit.leave_at.isoformat(),
        agreed_with=agreed_with, address_verified=address_verified, phone_verified=phone_verified,
        offer=str(offer.uid) if offer else "",
    )  # fmt: skip
    return visit


@action
def rearrange(
    visit: VisitOrder,
    *,
    window_from: datetime,
    window_until: datetime,
    asked_by: str,
    reason: str,
    agreed_with: str,
    travel_minutes: int | None = None,
    offer: Offer | None = None,
    at: datetime,
    by: Actor,
) -> VisitOrder:
    """Another time by consent. The notice given is computed, and whether it was enough (VISIT-14)."""
    step = begin_step("rearrange", visit, at=at, by=by)
    _check_offer(offer, by=by)
    if asked_by not in AskedBy.values:
        raise Refused(_("Say who asked for another time."), field="asked_by")
    if not reason.strip():
        raise Refused(_("Say why the appointment is moved."), field="reason")
    _check_agreed(agreed_with)
    # None: he was gone to without an appointment (VISIT-5).
    former = visit.appointments.last()
    _occupy(visit, window_from, window_until, travel_minutes, at=at)
    notice = needed = None
    if former is not None:
        notice = minutes_between(at, former.window_from)
        near = abs(window_from - former.window_from) <= HALF_A_DAY
        needed = SHORT_NOTICE if near else LONG_NOTICE
    Appointment.objects.create(
        visit=visit, window_from=window_from, window_until=window_until, agreed_with=agreed_with,
        agreed_at=at, address_verified=former is not None and former.address_verified,
        phone_verified=former is not None and former.phone_verified, replaces=former,
        asked_by=asked_by, reason=reason, notice_minutes=notice, offer=offer,
    )  # fmt: skip
    end_interruption(visit, at=at)
    advance(visit, step, *WINDOW, *forget_trip(visit), *end_plan(visit, at=at))
    deadlines.cancel(
        visit, "visit.departure", "visit.notice", "visit.arrival", "visit.next_try", at=at, by=by
    )
    start_travel_clocks(visit, at=at, by=by)
    assert visit.leave_at is not None
    told(
        visit, AppointmentMoved, at=at, by=by, widely=True,
        old_window=in_words(former.window_from, former.window_until) if former else "",
        old_from=former.window_from.isoformat() if former else None, window=in_words(window_from, window_until),
        window_from=window_from.isoformat(), window_until=window_until.isoformat(),
        leave_at=visit.leave_at.isoformat(), asked_by=asked_by, reason=reason,
        agreed_with=agreed_with, notice_minutes=notice, needed_minutes=needed,
        in_time=notice >= needed
        if asked_by == AskedBy.ENGINEER and notice is not None and needed is not None
        else None,
        offer=str(offer.uid) if offer else "",
    )  # fmt: skip
    return visit


@action
def refuse_new_time(visit: VisitOrder, *, reason: str, at: datetime, by: Actor) -> VisitOrder:
    """VISIT-3: the customer insists on the old time; the supervisor finds a way."""
    begin_step("refuse_new_time", visit, at=at, by=by)
    if not reason.strip():
        raise Refused(_("Write down what the customer said."), field="reason")
    told(
        visit, NewTimeRefused, at=at, by=by, reason=reason, supervisors=_supervisors(visit)
    )  # fmt: skip
    return visit


@action
def tell_late(
    visit: VisitOrder, *, expected_at: datetime, reason: str = "", at: datetime, by: Actor
) -> VisitOrder:
    """VISIT-13: the customer was told, with an apology, before he had to wait."""
    begin_step("tell_late", visit, at=at, by=by)
    if expected_at <= at:
        raise Refused(_("The expected arrival must lie in the future."), field="expected_at")
    within_a_year(expected_at, at, field="expected_at")
    deadlines.meet("visit.notice", visit, at=at, by=by)
    told(
        visit, LateNoticeGiven, at=at, by=by, expected=spoken(expected_at),
        expected_at=expected_at.isoformat(), reason=reason,
        minutes_before=minutes_between(at, visit.window_from) if visit.window_from else None,
    )  # fmt: skip
    return visit


WINDOW = ("window_from", "window_until", "leave_at", "travel_minutes")
TRIP = ("departed_at", "arrived_at", "waiting_since", "started_at")


def forget_trip(visit: VisitOrder) -> list[str]:
    """A new appointment is a new trip; the journal keeps the former one."""
    visit.departed_at = visit.arrived_at = visit.waiting_since = visit.started_at = None
    return list(TRIP)


def forget_window(visit: VisitOrder) -> list[str]:
    """The engineer has come to this appointment; the next one is to be agreed."""
    visit.window_from = visit.window_until = visit.leave_at = None
    return list(WINDOW)


def end_interruption(visit: VisitOrder, *, at: datetime) -> None:
    """Whoever goes away does not go on with this trip's work."""
    for still in Interruption.objects.filter(visit=visit, ended_at=None):
        still.ended_at = max(at, still.started_at)
        still.save(update_fields=["ended_at"])


def _check_offer(offer: Offer | None, *, by: Actor) -> None:
    """That he agreed by link follows from his own answer alone."""
    if offer is not None and by.kind != "system":
        raise PermissionDenied("only the customer answers for the customer")


def _check_agreed(agreed_with: str) -> None:
    if not agreed_with.strip():
        raise Refused(_("Say with whom the time was agreed."), field="agreed_with")


def _occupy(
    visit: VisitOrder,
    window_from: datetime,
    window_until: datetime,
    travel_minutes: int | None,
    *,
    at: datetime,
) -> None:
    """Put the window on the visit if the engineer is free then."""
    check_window(window_from, window_until, at=at)
    within_a_year(window_from, at, field="window_from")
    visit.window_from, visit.window_until = window_from, window_until
    if travel_minutes is not None:
        visit.travel_minutes = travel_minutes
    visit.leave_at = window_from - timedelta(minutes=visit.travel_minutes)
    check_free(visit, field="window_from")


def check_free(visit: VisitOrder, *, field: str | None = None) -> None:
    """VISIT-3: nothing else is in the way of the window that stands on the visit.

    The engineer's own row is locked first: two appointments at a time see each other. Should
    anything get past this, the exclusion constraint `visits_visitorder_no_clash` refuses it.
    """
    assert visit.leave_at is not None
    assert visit.window_until is not None
    engineer = lock_engineer(visit)
    others = clashing(engineer, leave_at=visit.leave_at, until=visit.window_until, but=visit)
    if others:
        names = ", ".join(
            f"{o.number} {o.store.name} {in_words(o.window_from, o.window_until)}" for o in others
        )
        raise Refused(
            _("This clashes (travel included) with: %(orders)s") % {"orders": names}, field=field
        )


def lock_engineer(visit: VisitOrder) -> User:
    assert visit.engineer is not None
    lock(visit.engineer)
    return visit.engineer


def start_travel_clocks(visit: VisitOrder, *, at: datetime, by: Actor) -> None:
    """Those of the appointment. What runs already, for a former engineer, runs on as it is."""
    assert visit.window_from is not None
    assert visit.leave_at is not None
    due = {
        "visit.departure": visit.leave_at,
        "visit.notice": visit.window_from - LATE_NOTICE,
        "visit.arrival": visit.window_from,
    }
    running = set(Deadline.objects.of(visit).open().values_list("kind", flat=True))
    for kind, due_at in due.items():
        if kind not in running:
            start_clock(kind, visit, due_at=due_at, at=at, by=by)
