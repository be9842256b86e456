"""What the actions of a visit share: the engineer's own order, events, clocks, checklists."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models
from django.utils.translation import gettext as _

from accounts.models import User
from servicedesk.core.actions import begin
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record_all
from servicedesk.core.history import change_all, create_all
from servicedesk.core.models import Entry
from servicedesk.core.moments import spoken
from servicedesk.core.states import Transition
from sla import deadlines
from sla.deadlines import By, Scope, plan
from visits.events import (
    AppointmentMade,
    AppointmentMoved,
    CustomerAwaited,
    CustomerMet,
    FormHandedIn,
    FormNotSigned,
    FormReturned,
    FormSigned,
    NoteLeft,
    RecordReopened,
    VisitAccepted,
    VisitArchived,
    VisitArrived,
    VisitAssigned,
    VisitDeparted,
    VisitEvent,
    VisitFinished,
    VisitOrdered,
    VisitSentBack,
    WorkInterrupted,
    WorkResumed,
    WorkStarted,
)
from visits.models import ChecklistAnswer, Offer, VisitOrder
from visits.states import VISIT


def check_own(visit: VisitOrder, *, by: Actor) -> None:
    """What the engineer does is done by the one who has the order. After `begin`."""
    if by.kind != "system" and visit.engineer_id != by.id:
        raise PermissionDenied(f"{visit} is not the order of {by.label}")


# What moves a visit on, in the words of the journal: nothing that follows happened before it.
STEPS: Mapping[str, type[VisitEvent]] = {
    event.type: event
    for event in (
        VisitOrdered, VisitAssigned, VisitSentBack, VisitAccepted, AppointmentMade,
        AppointmentMoved, VisitDeparted, VisitArrived, CustomerAwaited, CustomerMet, NoteLeft,
        WorkStarted, WorkInterrupted, WorkResumed, VisitFinished, RecordReopened, FormSigned,
        FormNotSigned, FormHandedIn, FormReturned, VisitArchived,
    )
}  # fmt: skip
# What is only noted may come late and out of turn, but not from before the order was in his hands
# and the time agreed.
AGREED = (VisitAssigned, VisitAccepted, AppointmentMade, AppointmentMoved)
EARLIEST: Mapping[str, Collection[type[VisitEvent]]] = {
    "note_bring": (VisitOrdered,),
    "consult": AGREED,
    "log_attempt": AGREED,
    "refuse_new_time": AGREED,
    "tell_late": AGREED,
    "flag_complaint": (VisitOrdered,),
    "attach": (VisitOrdered,),
}


def begin_step(name: str, visit: VisitOrder, *, at: datetime, by: Actor) -> Transition:
    """`begin`; then whose order it is, and that `at` follows what is known to have happened."""
    step = begin(VISIT, name, visit, by=by)
    if step.permission == "visits.work":
        check_own(visit, by=by)
    check_moment(visit, name, at)
    return step


def check_moment(visit: VisitOrder, name: str, at: datetime) -> None:
    """What is reported later keeps its order in time."""
    earlier = [event.type for event in EARLIEST[name]] if name in EARLIEST else list(STEPS)
    last = (
        Entry.objects.filter(
            type__in=earlier, subjects__kind=VisitOrder._meta.label_lower,
            subjects__object_id=visit.pk,
        )
        .order_by("at", "pk")
        .last()
    )  # fmt: skip
    if last is not None and at < last.at:
        raise Refused(
            _("That is before “%(what)s” (%(time)s).")
            % {"what": STEPS[last.type].label, "time": spoken(last.at)},
            field="at",
        )


# A date further off is a slip of the finger.
FURTHEST = timedelta(days=366)


def within_a_year(moment: datetime | None, at: datetime, *, field: str) -> None:
    if moment is not None and abs(moment - at) > FURTHEST:
        raise Refused(_("This is more than a year away."), field=field)


LONGEST_WINDOW = timedelta(hours=12)


def check_window(window_from: datetime, window_until: datetime, *, at: datetime) -> None:
    if window_until <= window_from:
        raise Refused(_("The end must be later than the beginning."), field="window_until")
    if window_until - window_from > LONGEST_WINDOW:
        raise Refused(_("A window is twelve hours at most."), field="window_until")
    if window_until <= at:
        raise Refused(_("This time is over already."), field="window_from")


def end_plan(visit: VisitOrder, *, at: datetime) -> tuple[str, ...]:
    """What the desk intended is done or off: forget it, and let the links for it die."""
    visit.planned_from = visit.planned_until = None
    withdraw_offers(visit, at=at)
    return ("planned_from", "planned_until")


def withdraw_offers(visit: VisitOrder, *, at: datetime) -> None:
    Offer.objects.filter(visit=visit, used_at=None, revoked_at=None).update(revoked_at=at)


def told(
    visit: VisitOrder,
    event_type: type[VisitEvent],
    *,
    at: datetime,
    by: Actor,
    widely: bool = False,
    also: Sequence[models.Model] = (),
    **facts: Any,
) -> None:
    """Record the event about visit and ticket; `widely`: about store and customer, too."""
    about: list[models.Model | tuple[str, int]] = [visit, *also]
    if visit.ticket_id is not None:
        about.append(("tickets.ticket", visit.ticket_id))
    if widely:
        about += [("customers.store", visit.store_id), ("customers.customer", visit.customer_id)]
    event = event_type(
        at=at, visit_id=visit.pk, number=visit.number, ticket_id=visit.ticket_id, **facts
    )
    record_all([(event, about)], by=by)


def start_clock(
    kind: str,
    visit: VisitOrder,
    *,
    due_at: datetime | None = None,
    at: datetime,
    by: Actor,
    owner: User | None = None,
) -> None:
    """A deadline of the engineer's, unless another owner is named. Never due before it starts.

    due_at: None is the target of the policy.
    """
    product = visit.installation.product_id if visit.installation else None
    scope = Scope(visit.is_urgent, visit.customer_id, product)
    due = By() if due_at is None else max(due_at, at)
    deadlines.start_all(
        plan({kind: due}, scope, at=at),
        visit,
        label=f"{visit.number} {visit.store.name}",
        url=visit.get_absolute_url(),
        owner=owner or visit.engineer,
        at=at,
        by=by,
        scope=scope,
    )


def tick(
    visit: VisitOrder,
    of: str,
    answers: Mapping[str, bool],
    *,
    notes: Mapping[str, str] | None = None,
    at: datetime,
) -> list[str]:
    """Keep a checklist's answers; a second trip overwrites the first. Returns what was not ticked."""
    former = {row.item: row for row in ChecklistAnswer.objects.filter(visit=visit, list=of)}
    new: list[ChecklistAnswer] = []
    changed: list[ChecklistAnswer] = []
    for item, ticked in answers.items():
        row = former.get(item) or ChecklistAnswer(visit=visit, list=of, item=item)
        row.ticked, row.note, row.at = ticked, (notes or {}).get(item, ""), at
        (changed if item in former else new).append(row)
    create_all(new)
    change_all(changed, "ticked", "note", "at")
    return [item for item, ticked in answers.items() if not ticked]
