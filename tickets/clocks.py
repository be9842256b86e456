"""The clocks of a ticket (SLA-1, SLA-3, SLA-4, SLA-6, SLA-7): how long, and who is told when."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from sla.kinds import Kind, Step, define

DAY = timedelta(hours=24)
USUAL, FAST = timedelta(minutes=30), timedelta(minutes=10)

_alert = Step("alert", _("Urgent request"), share=0.0, to=("owner", "supervisor"))
_half = Step("half", _("Half of the time is used"), share=0.5, to=("owner",))
_most = Step("most", _("Four fifths of the time are used"), share=0.8, to=("owner", "supervisor"))
_missed = Step("missed", _("Missed"), share=1.0, to=("owner", "supervisor"), missed=True)
# SLA-5: without consent the deadline stands, so somebody must find another way.
EXTENSION_REFUSED = Step(
    "refused", _("The customer refused more time"), to=("supervisor",), by=("app", "email", "chat")
)
_manager = Step("manager", _("Missed by an hour"), offset=timedelta(hours=1), to=("manager",))
_urgent_half = Step("half", _("Half of the time is used"), share=0.5, to=("owner", "supervisor"))
_urgent_missed = Step(
    "missed", _("Missed"), share=1.0, to=("owner", "supervisor", "manager"), missed=True
)

RESPONSE = define(
    Kind(
        name="ticket.response",
        label=_("First response"),
        target=USUAL,
        urgent_target=FAST,
        steps=(_half, _missed, _manager),
        # SLA-3: the supervisor and whoever is in charge hear of it at once.
        urgent_steps=(_alert, _urgent_half, _urgent_missed),
    )
)
ASSIGNMENT = define(
    Kind(
        name="ticket.assignment",
        label=_("Assignment"),
        target=USUAL,
        urgent_target=FAST,
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
        # SLA-1: clock hours, day and night.
        target=DAY,
        steps=(_half, _most, _missed, _manager),
        urgent_steps=(_urgent_half, _most, _urgent_missed, _manager),
        calls=(EXTENSION_REFUSED,),
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
        target=timedelta(hours=2),
        steps=(
            _half,
            Step("missed", _("Missed"), share=1.0, to=("owner", "supervisor"), missed=True),
        ),
    )
)

# --- Messages and promises (CALL-4, CALL-6, CALL-7) ------------------------------------------

MESSAGE_READ = define(
    Kind(
        name="message.read",
        label=_("Message to be read"),
        steps=(
            Step("half", _("Not read yet"), share=0.5, to=("owner",)),
            Step("missed", _("Still not read"), to=("owner", "supervisor"), missed=True),
        ),
    )
)
MESSAGE_CALLBACK = define(
    Kind(
        name="message.callback",
        label=_("Call back (message)"),
        steps=(
            Step("soon", _("Call back within 15 minutes"), offset=timedelta(minutes=-15)),
            Step("missed", _("Missed"), to=("owner", "supervisor"), missed=True),
        ),
    )
)
PROMISE_ANSWER = define(
    Kind(
        name="promise.answer",
        label=_("Promised callback"),
        steps=(
            _half,
            # CALL-7: time enough to contact the caller before, and explain.
            Step(
                "soon",
                _("Due in 15 minutes: call back, or agree on a new time now"),
                offset=timedelta(minutes=-15),
            ),
            Step("missed", _("Missed"), to=("owner", "supervisor"), missed=True),
            _manager,
        ),
    )
)
