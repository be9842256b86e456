"""Where visits show themselves: navigation, looks, and parts on the pages of ticket and store."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from customers.models import Store
from servicedesk.core.actors import Actor
from servicedesk.core.looks import Look, looks
from servicedesk.core.panels import Nav, nav, panel
from tickets.models import Ticket
from visits.models import VisitOrder, VisitQuerySet
from visits.queries import unassigned_count
from visits.states import Status

nav(
    Nav(
        key="visits", label=_("Visits"), icon="truck", url_name="visits:list",
        permission="visits.see_all", section="", order=24,
    )
)  # fmt: skip
nav(
    Nav(
        key="visits.unassigned", label=_("To be assigned"), icon="user-question",
        url_name="visits:unassigned", permission="visits.plan", section="", order=25,
        badge=unassigned_count,
    )
)  # fmt: skip
nav(
    Nav(
        key="visits.board", label=_("Dispatch board"), icon="layout-board", url_name="visits:board",
        permission="visits.see_all", section="", order=26,
    )
)  # fmt: skip
nav(
    Nav(
        key="visits.day", label=_("My visits"), icon="truck", url_name="visits:today",
        permission="visits.work", section="", order=24,
    )
)  # fmt: skip
nav(
    Nav(
        key="visits.today", label=_("Today"), icon="calendar-event", url_name="visits:today",
        permission="visits.work", section="phone", order=90,
    )
)  # fmt: skip
nav(
    Nav(
        key="visits.own", label=_("Visits"), icon="truck", url_name="visits:list",
        permission="visits.work", section="phone", order=91,
    )
)  # fmt: skip

looks(
    "visits.VisitOrder",
    {
        Status.ORDERED: Look("info", "sparkles"),
        Status.ASSIGNED: Look("wait", "user-check"),
        Status.ACCEPTED: Look("info", "circle-check"),
        Status.APPOINTED: Look("info", "calendar-check"),
        Status.EN_ROUTE: Look("active", "car"),
        Status.ARRIVED: Look("active", "map-pin-check"),
        Status.WAITING: Look("wait", "hourglass"),
        Status.MISSED: Look("bad", "user-off"),
        Status.WORKING: Look("active", "tool"),
        Status.INTERRUPTED: Look("wait", "player-pause"),
        Status.FINISHED: Look("wait", "signature"),
        Status.SIGNED: Look("good", "signature"),
        Status.HANDED_IN: Look("good", "inbox"),
        Status.ARCHIVED: Look("muted", "archive"),
        Status.CANCELLED: Look("muted", "x"),
    },
)


@panel("tickets.ticket", "visits/_ticket_panel.html", order=40)
def visits_of_ticket(ticket: Ticket, actor: Actor) -> dict[str, Any] | None:
    return _shown(VisitOrder.objects.visible_to(actor).filter(ticket=ticket), _("Visits"))


@panel("customers.store", "visits/_ticket_panel.html", order=40)
def visits_of_store(store: Store, actor: Actor) -> dict[str, Any] | None:
    return _shown(
        VisitOrder.objects.visible_to(actor).filter(store=store), _("Last visits"), limit=5
    )


def _shown(visits: VisitQuerySet, title: Any, *, limit: int = 20) -> dict[str, Any] | None:
    rows = list(visits.select_related("engineer", "work")[:limit])
    return {"visits": rows, "card_title": title} if rows else None
