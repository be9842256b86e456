"""The clocks of a ticket (SLA-1, SLA-3, SLA-4, SLA-6, SLA-7): how long, and who is told when."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from sla.kinds import Kind, Step, define

DAY = timedelta(hours=24)
RESPONSE_TIME = {False: timedelta(minutes=30), True: timedelta(minutes=10)}
ASSIGNMENT_TIME = {False: timedelta(minutes=30), True: timedelta(minutes=10)}
ACCEPTANCE_TIME = timedelta(hours=2)

_alert = Step("alert", _("Urgent request"), share=0.0, to=("owner", "supervisor"))
_half = Step("half", _("Half of the time is used"), share=0.5, to=("owner",))
_most = Step("most", _("Four fifths of the time are used"), share=0.8, to=("owner", "supervisor"))
_missed = Step("missed", _("Missed"), share=1.0, to=("owner", "supervisor"), missed=True)
_manager = Step("manager", _("Missed by an hour"), offset=timedelta(hours=1), to=("manager",))
_urgent_half = Step("half", _("Half of the time is used"), share=0.5, to=("owner", "supervisor"))
_urgent_missed = Step(
    "missed", _("Missed"), share=1.0, to=("owner", "supervisor", "manager"), missed=True
)

RESPONSE = define(
    Kind(
        name="ticket.response",
        label=_("First response"),
        steps=(_half, _missed, _manager),
        # SLA-3: the supervisor and whoever is in charge hear of it at once.
        urgent_steps=(_alert, _urgent_half, _urgent_missed),
    )
)
ASSIGNMENT = define(
    Kind(
        name="ticket.assignment",
        label=_("Assignment"),
        steps=(
            _half,
            Step("missed", _("Missed"), share=1.0, to=("owner", "supervisor"), missed=True),
            _manager,
        ),
        urgent_steps=(_urgent_half, _urgent_missed),
    )
)
RESOLUTION = define(
    Kind(
        name="ticket.resolution",
        label=_("Resolution"),
        steps=(_half, _most, _missed, _manager),
        urgent_steps=(_urgent_half, _most, _urgent_missed, _manager),
    )
)
FOLLOW_UP = define(
    Kind(
        name="ticket.follow_up",
        label=_("Follow up while waiting"),
        steps=(
            Step("missed", _("The waiting time is over"), share=1.0, to=("owner",), missed=True),
            Step("supervisor", _("Nobody followed up for two hours"),
                 offset=timedelta(hours=2), to=("supervisor",)),
        ),
    )
)  # fmt: skip
ACCEPTANCE = define(
    Kind(
        name="ticket.handover",
        label=_("Acceptance of a hand-over"),
        steps=(
            _half,
            Step("missed", _("Missed"), share=1.0, to=("owner", "supervisor"), missed=True),
        ),
    )
)


def resolution_due(start: datetime, expected_at: datetime | None) -> datetime:
    """SLA-1: within 24 hours of the clock, day and night, or earlier if the customer says so."""
    latest = start + DAY
    return min(latest, expected_at) if expected_at is not None else latest
