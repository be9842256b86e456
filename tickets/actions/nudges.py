"""催办: ask whoever has a ticket to see to it now; not more often than every ten minutes."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.queries import recipients
from servicedesk.core.actions import action, begin
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record
from tickets.events import TicketNudged
from tickets.models import Ticket
from tickets.queries import may_nudge, nudges
from tickets.states import TICKET

# Whoever pressed it: the one who is asked hears it once.
PATIENCE = timedelta(minutes=10)


@action
def nudge(ticket: Ticket, *, at: datetime, by: Actor) -> Ticket:
    """Tell the assignee at once; where there is none, the dispatchers."""
    begin(TICKET, "nudge", ticket, by=by)
    if not may_nudge(ticket, by):
        raise PermissionDenied(f"{by.label} does not own {ticket}")
    if ticket.assignee_id is not None and ticket.assignee_id == by.id:
        raise Refused(_("You have it yourself."))
    before = nudges(ticket)
    again = nudge_again_at(before[0].at if before else None)
    if again is not None and at < again:
        raise Refused(
            _("Nudged at %(time)s already; again from %(again)s on.")
            % {"time": _clock(again - PATIENCE), "again": _clock(again)}
        )
    assignee = ticket.assignee
    if assignee is not None and assignee.is_active:
        told = [assignee]
    else:
        told = recipients([]).supervisors(None)
    record(
        TicketNudged(
            at=at, ticket_id=ticket.pk, number=ticket.number, title=ticket.title,
            told="、".join(user.name for user in told), told_ids=[user.pk for user in told],
            count=len(before) + 1,
        ),
        about=[ticket],
        by=by,
    )  # fmt: skip
    return ticket


def nudge_again_at(last: datetime | None) -> datetime | None:
    """When the next one may be; None where there was none."""
    return last + PATIENCE if last else None


def _clock(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%H:%M}"
