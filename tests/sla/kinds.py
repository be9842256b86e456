"""Kinds of deadlines for the tests; the subject is any record, here a team."""

from __future__ import annotations

from datetime import timedelta

from sla.kinds import Kind, Step, define

HALF = Step("half", "Half", share=0.5, to=("owner",))
MOST = Step("most", "Four fifths", share=0.8, to=("owner", "supervisor"))
MISSED = Step("missed", "Missed", to=("owner", "supervisor"), missed=True)
LATER = Step("manager", "An hour late", offset=timedelta(hours=1), to=("manager",))

REPAIR = define(
    Kind(
        "test.repair",
        "Repair",
        steps=(HALF, MOST, MISSED, LATER),
        urgent_steps=(Step("alert", "Urgent", share=0, to=("supervisor",)), HALF, MISSED),
        target=timedelta(hours=24),
        urgent_target=timedelta(hours=2),
        longest_pause=timedelta(days=100),
    )
)
# Three hours before; of short deadlines that lies before the start.
REPLY = define(
    Kind("test.reply", "Reply", steps=(Step("soon", "Soon", offset=timedelta(hours=-3)), MISSED))
)
