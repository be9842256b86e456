"""Where this app shows itself: navigation, looks, and the alarm while nobody sweeps."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from servicedesk.core.actors import Actor
from servicedesk.core.looks import Look, looks
from servicedesk.core.panels import Nav, nav, panel
from sla import queries
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


@panel("desk.home", "sla/_engine.html", order=1)
def engine_alarm(_page: Any, actor: Actor) -> dict[str, Any] | None:
    """Shown only while nobody sweeps."""
    if not actor.may("sla.see") or not queries.engine_silent():
        return None
    return {}
