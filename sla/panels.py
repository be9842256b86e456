"""Where this app shows itself: navigation, looks, and the deadlines on a record's page.

An upper app puts the deadlines on a page of its own with one line in its `panels.py`:

    panel("tickets.ticket", "sla/_deadlines.html", order=20)(deadline_panel)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from servicedesk.core.actors import Actor
from servicedesk.core.looks import Look, looks
from servicedesk.core.panels import Nav, nav, panel
from sla import queries
from sla.models import Deadline, DeadlineMove, Escalation
from sla.states import Status

nav(
    Nav(
        key="escalations", label=_("Escalations"), icon="alarm", url_name="sla:escalations",
        permission="sla.see", section="", order=42, badge=queries.open_escalations_of,
    )
)  # fmt: skip
nav(
    Nav(
        key="deadlines", label=_("Deadlines"), icon="clock-hour-4", url_name="sla:due",
        permission="sla.see", section="", order=40,
    )
)  # fmt: skip

nav(
    Nav(
        key="policies", label=_("Policies"), icon="ruler-2", url_name="sla:policies",
        permission="sla.manage", section=_("Managers"), order=92,
    )
)  # fmt: skip
nav(
    Nav(
        key="calendars", label=_("Calendars"), icon="calendar-time", url_name="sla:calendars",
        permission="sla.manage", section=_("Managers"), order=93,
    )
)  # fmt: skip

looks(
    "sla.Deadline",
    {
        Status.RUNNING: Look("active", "clock-play"),
        Status.PAUSED: Look("wait", "clock-pause"),
        Status.MET: Look("good", "clock-check"),
        Status.CANCELLED: Look("muted", "clock-cancel"),
    },
)


@dataclass(frozen=True, slots=True)
class EscalationLine:
    escalation: Escalation
    told: list[str]
    can_acknowledge: bool
    messages: list[queries.Delivery]


@dataclass(frozen=True, slots=True)
class DeadlineBlock:
    """One deadline as the panel shows it."""

    deadline: Deadline
    moves: list[DeadlineMove]
    escalations: list[EscalationLine]
    intervals: list[queries.Interval]
    allowed: timedelta
    remaining: timedelta | None
    # Where its policy is; "" for whoever may not look there.
    policy_url: str

    @property
    def policy(self) -> str:
        """Which policy, and which edition of it."""
        terms = self.deadline.terms
        return f"{terms.policy.name} v{terms.number}" if terms else ""


def deadline_panel(subject: Any, actor: Actor) -> dict[str, Any] | None:
    """All deadlines of a record that the actor sees already; nothing where there are none."""
    deadlines = queries.with_all(subject)
    if not deadlines:
        return None
    fired = [e for d in deadlines for e in d.escalations.all()]
    names = queries.people_told(fired)
    sent = queries.deliveries(fired, names)
    return {"blocks": [_block(deadline, names, sent, actor) for deadline in deadlines]}


def _block(
    deadline: Deadline,
    names: dict[int, str],
    sent: dict[int, list[queries.Delivery]],
    actor: Actor,
) -> DeadlineBlock:
    return DeadlineBlock(
        deadline,
        list(deadline.moves.all()),
        [
            EscalationLine(
                escalation,
                [names[pk] for pk in escalation.told if pk in names],
                escalation.is_open
                and actor.may("sla.acknowledge")
                and (actor.id in escalation.told or actor.may("sla.see_all")),
                sent.get(escalation.pk, []),
            )
            for escalation in deadline.escalations.all()
        ],
        queries.explain(deadline),
        deadline.allowed(),
        queries.remaining(deadline),
        deadline.terms.policy.get_absolute_url()
        if deadline.terms and actor.may("sla.manage")
        else "",
    )


@panel("desk.home", "sla/_engine.html", order=1)
def engine_alarm(_page: Any, actor: Actor) -> dict[str, Any] | None:
    """Shown only while nobody sweeps."""
    if not actor.may("sla.see") or not queries.engine_silent():
        return None
    return {}
