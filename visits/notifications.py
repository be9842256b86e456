"""Who is told of what happens to a visit; deadlines tell by themselves (sla)."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import translation
from django.utils.translation import gettext as _

from accounts.actions import notify
from servicedesk.core.actions import acting
from servicedesk.core.events import on
from visits.events import FormReturned, VisitAssigned, VisitCancelled, VisitEvent
from visits.models import VisitOrder


@on(VisitAssigned)
def tell_the_engineer_of_the_order(event: VisitAssigned) -> None:
    _tell_the_engineer(event, lambda visit: _("New visit order: %s") % visit.store.name)


@on(VisitCancelled)
def tell_the_engineer_that_it_is_off(event: VisitCancelled) -> None:
    _tell_the_engineer(
        event,
        lambda visit: (
            _("%(visit)s at %(store)s is cancelled: %(reason)s")
            % {"visit": visit, "store": visit.store.name, "reason": event.reason}
        ),
    )


@on(FormReturned)
def tell_the_engineer_what_is_missing(event: FormReturned) -> None:
    _tell_the_engineer(
        event,
        lambda visit: (
            _("The form of %(visit)s came back: %(reason)s")
            % {"visit": visit, "reason": event.reason}
        ),
    )


def _tell_the_engineer(event: VisitEvent, say: Callable[[VisitOrder], str]) -> None:
    """In his own language; nobody is told of what he did himself."""
    visit = VisitOrder.objects.select_related("store", "engineer").get(pk=event.visit_id)
    engineer, by = visit.engineer, acting()
    if engineer is None or (by is not None and by.id == engineer.pk):
        return
    with translation.override(engineer.language):
        text = say(visit)
    notify(
        [engineer], text, url=visit.get_absolute_url(), urgent=visit.is_urgent,
        dedup_key=f"{event.type}:{visit.number}:{event.at.isoformat()}", at=event.at,
    )  # fmt: skip
