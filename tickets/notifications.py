"""Who is told of what happens to a ticket; deadlines tell by themselves (sla)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from accounts.actions import notify
from accounts.models import User
from accounts.queries import supervisors_of
from servicedesk.core.actions import acting
from servicedesk.core.events import on
from servicedesk.core.outbox import queue
from sla.telling import escalate_now
from tickets.clocks import EXTENSION_REFUSED, RESOLUTION
from tickets.events import (
    CallEnded,
    ComplaintFlagged,
    ExtensionRefused,
    HandoverAccepted,
    HandoverDeclined,
    HandoverRequested,
    TicketAssigned,
    TicketEvent,
    TicketNudged,
)
from tickets.models import Call, Ticket


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
def escalate_that_more_time_is_refused(event: ExtensionRefused) -> None:
    """SLA-5: the supervisor hears of it at once, and has to answer for what happens now."""
    by = acting()
    assert by is not None
    ticket = Ticket.objects.get(pk=event.ticket_id)
    escalate_now(
        RESOLUTION.name, ticket, EXTENSION_REFUSED, event.extension, event.reason, at=event.at,
        by=by,
    )  # fmt: skip


@on(TicketNudged)
def nudge_who_has_it(event: TicketNudged) -> None:
    by = acting()
    assert by is not None
    for person in User.objects.staff().filter(pk__in=event.told_ids):
        with translation.override(person.language):
            text = _("%(person)s asks for news of %(number)s %(title)s (nudge no. %(count)d)") % {
                "person": by.label, "number": event.number, "title": event.title,
                "count": event.count,
            }  # fmt: skip
        url = reverse("tickets:ticket", args=[event.number])
        key = f"{event.type}:{event.ticket_id}:{event.count}"
        notify([person], text, url=url, urgent=True, dedup_key=key, at=event.at)
        if person.email:
            queue(
                "email", person.email, subject=text[:300],
                body=f"{text}\n\n{settings.BASE_URL}{url}\n", dedup_key=f"{key}:{person.pk}",
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
