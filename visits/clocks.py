"""The clocks of a visit: how long each step may take, and who is told when it does not happen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from sla.deadlines import Kind, Step, define
from visits.models import VisitOrder
from visits.queries import note_allowed_at
from visits.states import Status

_MINUTES = timedelta(minutes=1)

# VISIT-5: the rule's proposal for the next try, by how the last one ended.
NEXT_TRY: Mapping[str, timedelta] = {
    "busy": 10 * _MINUTES,
    "no_answer": 30 * _MINUTES,
    "wrong_number": 30 * _MINUTES,
}
# VISIT-13: a customer who must wait knows it this long before.
LATE_NOTICE = 5 * _MINUTES
# VISIT-12
EARLIEST_ARRIVAL, LATEST_ARRIVAL = 10, 5
# VISIT-14: what moves by half a day at most is told half an hour before, else four hours.
HALF_A_DAY = timedelta(hours=12)
SHORT_NOTICE, LONG_NOTICE = 30, 240

# VISIT-9: "before leaving" is not last week.
SCAN_LIFE = timedelta(hours=24)

_half = Step("half", _("Half of the time is used"), share=0.5, to=("owner",))
_missed = Step("missed", _("Missed"), to=("owner", "supervisor"), missed=True)
_manager = Step("manager", _("Missed by an hour"), offset=timedelta(hours=1), to=("manager",))
_own_miss = Step("missed", _("Missed"), to=("owner",), missed=True)

define(
    Kind(
        name="visit.assign",
        label=_("Assign an engineer"),
        target=30 * _MINUTES,
        urgent_target=10 * _MINUTES,
        # Nobody owns it yet: `owner` would reach no one.
        steps=(
            Step("half", _("Half of the time is used"), share=0.5, to=("supervisor",)),
            Step("missed", _("Missed"), to=("supervisor",), missed=True),
            _manager,
        ),
        urgent_steps=(
            Step("alert", _("Urgent visit"), share=0.0, to=("supervisor",)),
            Step("missed", _("Missed"), to=("supervisor", "manager"), missed=True),
        ),
    )
)
define(
    Kind(
        name="visit.accept",
        label=_("Accept the order"),
        target=30 * _MINUTES,
        urgent_target=10 * _MINUTES,
        steps=(_half, _missed),
    )
)
define(
    Kind(
        name="visit.appointment",
        label=_("Call the customer"),
        target=60 * _MINUTES,
        urgent_target=20 * _MINUTES,
        steps=(_half, _missed),
    )
)
define(
    Kind(
        name="visit.next_try",
        label=_("Call the customer again"),
        steps=(_own_miss,),
    )
)
define(
    Kind(
        name="visit.departure",
        label=_("Set off"),
        steps=(
            Step("soon", _("Set off in ten minutes"), offset=-10 * _MINUTES, to=("owner",)),
            Step("missed", _("Time to set off"), to=("owner",), missed=True),
        ),
    )
)
define(
    Kind(
        name="visit.notice",
        label=_("Late notice"),
        steps=(
            Step(
                "warn", _("If you will be late, tell the customer now"), offset=-5 * _MINUTES,
                to=("owner",),
            ),
            _own_miss,
        ),
    )
)  # fmt: skip
define(Kind(name="visit.arrival", label=_("Arrival"), steps=(_missed,)))
define(
    Kind(
        name="visit.follow_up_missed",
        label=_("Make a new appointment"),
        target=timedelta(hours=4),
        steps=(_half, _missed),
    )
)
define(
    Kind(
        name="visit.hand_in",
        label=_("Hand in the form"),
        target=timedelta(hours=24),
        steps=(_half, _missed),
    )
)
define(
    Kind(
        name="visit.check",
        label=_("Check the form"),
        target=timedelta(hours=24),
        steps=(Step("missed", _("Missed"), to=("supervisor",), missed=True),),
    )
)
define(
    Kind(
        name="visit.follow_up",
        label=_("Follow-up call"),
        target=timedelta(days=3),
        steps=(_half, _missed),
    )
)
define(Kind(name="visit.next_step", label=_("Next step for the customer"), steps=(_half, _missed)))


# --- what the engineer's day counts down -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Count:
    """A moment to count down to, in some statuses, from and until when it is of use."""

    label: Any
    due_at: datetime
    statuses: frozenset[str]
    since: datetime | None = None
    until: datetime | None = None

    def counts(self, status: str, now: datetime) -> bool:
        return (
            status in self.statuses
            and (self.since is None or now >= self.since)
            and (self.until is None or now < self.until)
        )


# The deadlines that these stand for: on the telephone nothing is said twice.
COUNTED = frozenset({"visit.departure", "visit.notice", "visit.arrival", "visit.next_try"})
# The late notice is nobody's business hours before.
NOTICE_SHOWN = timedelta(hours=1)
_APPOINTED = frozenset({Status.APPOINTED})
_AHEAD = frozenset({Status.APPOINTED, Status.EN_ROUTE})
_TO_CALL = frozenset({Status.ACCEPTED, Status.APPOINTED, Status.MISSED})


def counts_of(visit: VisitOrder) -> Iterator[Count]:
    """In the order in which they matter; which of them count, a telephone can tell by itself."""
    if visit.leave_at is not None:
        yield Count(_("Set off"), visit.leave_at, _APPOINTED)
    if (start := visit.window_from) is not None:
        told, near = start - LATE_NOTICE, start - SHORT_NOTICE * _MINUTES
        far = start - LONG_NOTICE * _MINUTES
        yield Count(_("Be there"), start, frozenset({Status.EN_ROUTE}))
        yield Count(_("Late notice until"), told, _AHEAD, told - NOTICE_SHOWN, start)
        yield Count(_("Move to another day until"), far, _APPOINTED, until=far)
        yield Count(_("Move within half a day until"), near, _APPOINTED, far, near)
    if (again := next_try(visit)) is not None:
        yield Count(_("Call again"), again, _TO_CALL)
    if (note_at := note_allowed_at(visit)) is not None:
        yield Count(_("Note"), note_at, frozenset({Status.WAITING}))


def next_try(visit: VisitOrder) -> datetime | None:
    """When to call again, if the last call did not reach the customer, nor any appointment since."""
    attempts: list[Any] = list(visit.attempts.all())
    if not attempts or attempts[-1].next_try_at is None:
        return None
    appointments: list[Any] = list(visit.appointments.all())
    agreed = max((row.agreed_at for row in appointments), default=None)
    again: datetime = attempts[-1].next_try_at
    return None if agreed is not None and agreed >= attempts[-1].at else again
