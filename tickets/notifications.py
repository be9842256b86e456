"""Who is told of what happens to a ticket; deadlines tell by themselves (sla)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.urls import reverse
from django.utils import translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from accounts.actions import notify
from accounts.models import User
from accounts.queries import supervisors_of
from servicedesk.core.actions import acting
from servicedesk.core.events import on
from tickets.events import (
    CallEnded,
    ComplaintFlagged,
    ExtensionRefused,
    HandoverAccepted,
    HandoverDeclined,
    HandoverRequested,
    TicketAssigned,
    TicketEvent,
)
from tickets.models import Call


@on(TicketAssigned)
def tell_the_assignee(event: TicketAssigned) -> None:
    if not event.taken:
        _tell(
            _people(event.assignee_id), event,
            lambda: _("Assigned to you: %(title)s") % {"title": event.title},
            urgent=event.is_urgent,
        )  # fmt: skip
    if event.former_id is not None:
        _tell(
            _people(event.former_id), event,
            lambda: _("%(number)s went to %(person)s.")
            % {"number": event.number, "person": event.assignee},
        )  # fmt: skip


@on(CallEnded)
def tell_who_works_on_it(event: CallEnded) -> None:
    """The customer called again about his ticket: whoever has it hears of it at once."""
    if event.outcome != Call.Outcome.EXISTING:
        return
    call = Call.objects.select_related("ticket", "store").get(pk=event.call_id)
    ticket, by = call.ticket, acting()
    assert ticket is not None
    person = ticket.assignee or ticket.owner
    if by is not None and person.pk == by.id:
        return
    with translation.override(person.language):
        text = _("%(caller)s called about %(number)s: %(need)s") % {
            "caller": call.caller_name,
            "number": ticket.number,
            "need": Truncator(call.need).chars(100),
        }
    notify(
        [person], text, url=ticket.get_absolute_url(), urgent=ticket.is_urgent,
        dedup_key=f"{event.type}:{event.call_id}", at=event.at,
    )  # fmt: skip


@on(HandoverRequested)
def ask_the_next_owner(event: HandoverRequested) -> None:
    _tell(
        _people(event.to_user_id), event,
        lambda: _("%(person)s hands %(number)s over to you: %(reason)s")
        % {"person": event.from_user, "number": event.number, "reason": event.reason},
    )  # fmt: skip


@on(HandoverAccepted)
def tell_the_former_owner(event: HandoverAccepted) -> None:
    _tell(
        _people(event.from_user_id), event,
        lambda: _("%(person)s is the owner of %(number)s now.")
        % {"person": event.to_user, "number": event.number},
    )  # fmt: skip


@on(HandoverDeclined)
def tell_the_owner(event: HandoverDeclined) -> None:
    _tell(
        _people(event.from_user_id), event,
        lambda: _("%(person)s does not take %(number)s: %(answer)s")
        % {"person": event.to_user, "number": event.number, "answer": event.answer},
    )  # fmt: skip


@on(ComplaintFlagged)
def tell_the_supervisor(event: ComplaintFlagged) -> None:
    _tell(
        _supervisors(event.owner_id), event,
        lambda: _("Complaint on %(number)s: %(text)s")
        % {"number": event.number, "text": event.text},
        urgent=True,
    )  # fmt: skip


@on(ExtensionRefused)
def tell_that_more_time_is_refused(event: ExtensionRefused) -> None:
    """SLA-5: without consent the deadline stands, so somebody must find another way."""
    _tell(
        _supervisors(event.owner_id), event,
        lambda: _("%(number)s: the customer refused the new time: %(reason)s")
        % {"number": event.number, "reason": event.reason},
        urgent=True,
    )  # fmt: skip


def _people(pk: int) -> list[User]:
    return list(User.objects.staff().filter(pk=pk))


def _supervisors(owner_id: int) -> list[User]:
    return supervisors_of(User.objects.get_queryset().filter(pk=owner_id).first())


def _tell(
    people: Iterable[User],
    event: TicketEvent,
    say: Callable[[], str],
    *,
    urgent: bool = False,
) -> None:
    """To each in his own language, once per event."""
    for person in people:
        with translation.override(person.language):
            text = say()
        notify(
            [person],
            text,
            url=reverse("tickets:ticket", args=[event.number]),
            urgent=urgent,
            dedup_key=f"{event.type}:{event.ticket_id}:{event.at.isoformat()}",
            at=event.at,
        )
