"""Who is told of what happens to a visit; deadlines tell by themselves (sla)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import cast

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.actions import notify
from accounts.models import User
from accounts.queries import supervisors_of
from servicedesk.core import outbox
from servicedesk.core.events import on
from servicedesk.core.journal import canonical
from visits.events import (
    AppointmentMade,
    AppointmentMoved,
    ComplaintFlagged,
    ContactAttempted,
    FollowUpMade,
    FormNotSigned,
    FormReturned,
    NewTimeRefused,
    TimeChosen,
    TimesDeclined,
    VisitAssigned,
    VisitCancelled,
    VisitEvent,
    VisitFinished,
    VisitPlanned,
    VisitSentBack,
)
from visits.models import Offer, VisitOrder, WorkRecord

# --- the engineer -----------------------------------------------------------------------------


@on(VisitAssigned)
def tell_the_engineer(event: VisitAssigned) -> None:
    visit = _visit(event)
    _tell(
        _people(event.engineer_id), event,
        lambda: _("New visit: %(store)s, %(address)s")
        % {"store": visit.store.name, "address": visit.address},
        urgent=visit.is_urgent,
    )  # fmt: skip
    if event.former_id is not None:
        _tell(
            _people(event.former_id), event,
            lambda: _("%(number)s went to %(person)s.")
            % {"number": event.number, "person": event.engineer_name},
        )  # fmt: skip


@on(VisitPlanned)
def tell_what_is_intended(event: VisitPlanned) -> None:
    if not event.just_assigned:
        _tell(
            _people(event.engineer_id), event,
            lambda: _("%(number)s is planned for %(window)s; the customer has not agreed yet.")
            % {"number": event.number, "window": event.window},
        )  # fmt: skip


@on(TimeChosen)
def tell_what_the_customer_chose(event: TimeChosen) -> None:
    _tell(
        _those_who_offered(event.offer), event,
        lambda: (
            _("%(number)s: %(window)s suits the customer. %(note)s")
            if event.kept
            else _("%(number)s: the customer chose %(window)s. %(note)s")
        )
        % {"number": event.number, "window": event.window, "note": event.note},
    )  # fmt: skip


@on(TimesDeclined)
def tell_that_no_time_suits(event: TimesDeclined) -> None:
    _tell(
        _those_who_offered(event.offer), event,
        lambda: _("%(number)s: none of the times suits the customer, please call. %(wish)s")
        % {"number": event.number, "wish": event.wish},
        urgent=True,
    )  # fmt: skip


def _those_who_offered(uid: str) -> list[User]:
    """The engineer, and whoever made the link."""
    offer = cast(Offer, Offer.objects.select_related("engineer", "made_by").get(uid=uid))
    return list({person.pk: person for person in (offer.engineer, offer.made_by)}.values())


@on(VisitCancelled)
def tell_that_it_is_off(event: VisitCancelled) -> None:
    _tell(
        _people(_visit(event).engineer_id), event,
        lambda: _("%(number)s was called off: %(reason)s")
        % {"number": event.number, "reason": event.reason},
    )  # fmt: skip


@on(FormReturned)
def tell_what_is_missing(event: FormReturned) -> None:
    _tell(
        _people(_visit(event).engineer_id), event,
        lambda: _("%(number)s came back: %(reason)s")
        % {"number": event.number, "reason": event.reason},
    )  # fmt: skip


# --- the supervisor ---------------------------------------------------------------------------


@on(VisitSentBack)
def tell_that_it_needs_another_engineer(event: VisitSentBack) -> None:
    _tell(
        supervisors_of(User.objects.get_queryset().filter(pk=event.engineer_id).first()), event,
        lambda: _("%(visit)s was sent back: %(reason)s")
        % {"visit": event.number, "reason": event.reason},
        urgent=True,
    )  # fmt: skip


@on(ContactAttempted)
def tell_that_the_time_is_short(event: ContactAttempted) -> None:
    """VISIT-5: the supervisor hears of it without anybody having to think of it."""
    if event.go_there:
        _alert(
            event,
            lambda: (
                _(
                    "%(visit)s: the customer is not reached and the time is short; go to the address."
                )
                % {"visit": event.number}
            ),
        )


@on(NewTimeRefused)
def tell_that_the_customer_insists(event: NewTimeRefused) -> None:
    _alert(
        event,
        lambda: (
            _("%(visit)s: the customer refuses a new time: %(reason)s")
            % {"visit": event.number, "reason": event.reason}
        ),
    )


@on(FormNotSigned)
def tell_that_the_customer_does_not_sign(event: FormNotSigned) -> None:
    _alert(
        event,
        lambda: (
            _("%(visit)s: the customer does not sign: %(reason)s")
            % {"visit": event.number, "reason": event.reason}
        ),
    )


@on(ComplaintFlagged)
def tell_that_the_customer_is_angry(event: ComplaintFlagged) -> None:
    """Those who hear of it through the ticket need not hear of it twice."""
    visit = _visit(event)
    told = supervisors_of(visit.ticket.owner) if visit.ticket is not None else []
    _tell(
        [person for person in supervisors_of(visit.engineer) if person not in told], event,
        lambda: _("%(visit)s: the customer is angry: %(text)s")
        % {"visit": event.number, "text": event.text},
        urgent=True,
    )  # fmt: skip


@on(FollowUpMade)
def tell_that_the_customer_is_not_satisfied(event: FollowUpMade) -> None:
    if not event.satisfied:
        _alert(
            event,
            lambda: (
                _("%(visit)s: the customer is not satisfied: %(result)s")
                % {"visit": event.number, "result": event.result}
            ),
        )


@on(VisitFinished)
def tell_the_owner_what_comes_next(event: VisitFinished) -> None:
    """VISIT-22: the ticket stays open, and its owner knows why."""
    ticket = _visit(event).ticket
    if ticket is not None and event.result == WorkRecord.Result.NOT_SOLVED:
        _tell(
            _people(ticket.owner_id), event,
            lambda: _("%(visit)s did not solve it. Next step: %(step)s")
            % {"visit": event.number, "step": event.next_step},
        )  # fmt: skip


# --- the customer -----------------------------------------------------------------------------


@on(AppointmentMade)
def confirm_the_time(event: AppointmentMade) -> None:
    _confirm(event, event.window)


@on(AppointmentMoved)
def confirm_the_new_time(event: AppointmentMoved) -> None:
    _confirm(event, event.window)


def _confirm(event: VisitEvent, window: str) -> None:
    """VISIT-8: who left an e-mail address gets the time in writing, in the customers' language."""
    visit = _visit(event)
    if visit.contact is None or not visit.contact.email or visit.engineer is None:
        return
    # Two windows may be agreed on in one minute; each is confirmed.
    agreed = visit.appointments.latest("pk")
    with translation.override(settings.LANGUAGE_CODE):
        words = {
            "who": visit.contact.addressed,
            "engineer": visit.engineer.name,
            "window": window,
            "address": visit.address,
            "company": settings.COMPANY_NAME,
            "phone": settings.SERVICE_PHONE,
            "number": visit.number,
        }
        outbox.queue(
            "email",
            visit.contact.email,
            subject=_("Your appointment: %(window)s") % words,
            body=_(
                "Dear %(who)s,\n\nour engineer %(engineer)s comes to you at the agreed time:\n"
                "%(window)s\n%(address)s\n\nIf it does not suit you any more, please call us:"
                " %(phone)s\nOrder: %(number)s\n\n%(company)s"
            )
            % words,
            dedup_key=f"{event.type}:{agreed.uid}",
        )


# ----------------------------------------------------------------------------------------------


def _visit(event: VisitEvent) -> VisitOrder:
    return VisitOrder.objects.select_related("store", "engineer", "contact", "ticket").get(
        pk=event.visit_id
    )


def _people(pk: int | None) -> list[User]:
    return list(User.objects.staff().filter(pk=pk or 0))


def _alert(event: VisitEvent, say: Callable[[], str]) -> None:
    _tell(supervisors_of(_visit(event).engineer), event, say, urgent=True)


def _tell(
    people: Iterable[User], event: VisitEvent, say: Callable[[], str], *, urgent: bool = False
) -> None:
    """To each in his own language, once per event; of one minute's events each has its own."""
    version = VisitOrder.objects.values_list("version", flat=True).get(pk=event.visit_id)
    facts = hashlib.sha256(canonical(asdict(event))).hexdigest()[:16]
    for person in people:
        with translation.override(person.language):
            text = say()
        notify(
            [person],
            text,
            url=reverse("visits:visit", args=[event.number]),
            urgent=urgent,
            dedup_key=f"{event.type}:{event.visit_id}:{version}:{facts}",
            at=event.at,
        )
