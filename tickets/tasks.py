"""What happens to tickets by itself."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import WrongState
from servicedesk.core.models import Entry
from servicedesk.core.ticker import every
from tickets.actions import tickets as actions
from tickets.events import TicketResolved
from tickets.models import Ticket
from tickets.states import Status

BATCH = 100


@every(60)
def close_what_is_quiet() -> int:
    """OPS-12: resolved, and no further report for the set number of days.

    Each ticket is closed in a transaction of its own. Two workers do no harm: the second one
    waits for the row and finds it closed.
    """
    now = timezone.now()
    since = now - timedelta(days=settings.TICKET_CLOSE_DAYS)
    # Reported late, the days begin when we heard: nobody could have objected before.
    heard = Entry.objects.filter(
        type=TicketResolved.type,
        subjects__kind=Ticket._meta.label_lower,
        subjects__object_id=OuterRef("pk"),
    ).order_by("-id")
    quiet = (
        Ticket.objects.filter(status=Status.RESOLVED, resolved_at__lte=since)
        .annotate(heard_at=Subquery(heard.values("recorded_at")[:1]))
        .filter(heard_at__lte=since)
    )
    closed = 0
    for ticket in quiet.order_by("resolved_at")[:BATCH]:
        try:
            actions.close(ticket, closing=Ticket.Closing.AUTOMATIC, at=now, by=SYSTEM)
        except WrongState:
            continue
        closed += 1
    return closed
