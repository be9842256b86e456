"""The desk plans, the customer chooses: a plan is no promise, a chosen time is one.

Only what the customer chose becomes an appointment, by the same actions as on the telephone.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import User
from servicedesk.core.actions import action, lock, require, save_changes
from servicedesk.core.actors import SYSTEM, Actor
from servicedesk.core.errors import Refused, WrongState
from servicedesk.core.link_mail import mail_link
from servicedesk.core.models import token_hash
from servicedesk.core.moments import spoken
from visits import planning
from visits.actions.appointments import appoint, lock_engineer, rearrange
from visits.actions.common import begin_step, check_own, check_window, told, withdraw_offers
from visits.actions.orders import assign
from visits.events import TimeChosen, TimesDeclined, TimesOffered, VisitPlanned
from visits.models import Appointment, Offer, VisitOrder
from visits.queries import clashing, in_words
from visits.states import VISIT, Status

MOST_SLOTS = 6
OFFER_LIFE = timedelta(hours=72)
AskedBy = Appointment.AskedBy


@action
def plan(
    visit: VisitOrder,
    *,
    engineer: User,
    window_from: datetime,
    window_until: datetime,
    at: datetime,
    by: Actor,
) -> VisitOrder:
    """Give the order to an engineer, for a time that the customer is still to agree to."""
    begin_step("plan", visit, at=at, by=by)
    check_window(window_from, window_until, at=at)
    just_assigned = visit.engineer_id != engineer.pk
    if just_assigned:
        assign(visit, engineer=engineer, at=at, by=by)
    lock_engineer(visit)
    travel = planning.travel_before(visit, engineer, window_from)
    _check_free(visit, engineer, window_from, window_until, travel)
    visit.planned_from, visit.planned_until = window_from, window_until
    if visit.leave_at is None:
        visit.travel_minutes = travel
    save_changes(visit, "planned_from", "planned_until", "travel_minutes")
    told(
        visit, VisitPlanned, at=at, by=by, window=in_words(window_from, window_until),
        window_from=window_from.isoformat(), window_until=window_until.isoformat(),
        engineer_id=engineer.pk, engineer_name=engineer.name, just_assigned=just_assigned,
    )  # fmt: skip
    return visit


def _check_free(
    visit: VisitOrder, engineer: User, start: datetime, until: datetime, travel: int
) -> None:
    others = clashing(
        engineer, leave_at=start - timedelta(minutes=travel), until=until, but=visit
    )  # fmt: skip
    if others:
        names = ", ".join(
            f"{o.number} {o.store.name} {in_words(o.window_from, o.window_until)}" for o in others
        )
        raise Refused(
            _("This clashes (travel included) with: %(orders)s") % {"orders": names},
            field="window_from",
        )


@action
def offer_times(
    visit: VisitOrder,
    *,
    slots: Sequence[tuple[datetime, datetime]],
    asked_by: str = "",
    reason: str = "",
    at: datetime,
    by: Actor,
) -> str:
    """A one-time link by which the customer chooses one of some times; returns its token.

    asked_by, reason: whose wish it is to move an appointment that stands (VISIT-14). It stands
    until the customer has chosen another.
    """
    begin_step("offer_times", visit, at=at, by=by)
    if not by.may("visits.plan"):
        check_own(visit, by=by)
    _check_wish(visit, asked_by, reason)
    _check_slots(slots, at=at)
    engineer = lock_engineer(visit)
    offered = []
    for start, until in sorted(slots):
        travel = planning.travel_before(visit, engineer, start)
        _check_free(visit, engineer, start, until, travel)
        offered.append({"from": start.isoformat(), "until": until.isoformat(), "travel": travel})
    digits = "".join(char for char in visit.contact_phone if char.isdigit())
    if len(digits) < 7:
        raise Refused(_("Without the customer's number nobody knows that it is he who answers."))
    withdraw_offers(visit, at=at)
    token = secrets.token_urlsafe(32)
    stands = visit.status == Status.APPOINTED
    offer = Offer.objects.create(
        visit=visit, engineer=engineer, slots=offered, asked_by=asked_by if stands else "",
        reason=reason.strip() if stands else "", token_sha256=token_hash(token),
        phone_last4=digits[-4:], made_at=at, made_by_id=by.id,  # type: ignore[misc]
        expires_at=min(at + OFFER_LIFE, max(start for start, _until in slots)),
    )  # fmt: skip
    save_changes(visit)
    _mail(offer, token, stands=stands)
    told(
        visit, TimesOffered, at=at, by=by, offer=str(offer.uid),
        windows=", ".join(in_words(start, until) for start, until in sorted(slots)),
        asked_by=offer.asked_by, reason=offer.reason, expires_at=offer.expires_at.isoformat(),
    )  # fmt: skip
    return token


def _mail(offer: Offer, token: str, *, stands: bool) -> None:
    """Who left an e-mail address gets the link there; to the others it is sent by hand."""
    visit = offer.visit
    if visit.contact is None or not visit.contact.email:
        return
    with translation.override(settings.LANGUAGE_CODE):
        words = {
            "who": visit.contact.addressed,
            "store": visit.store.name,
            "url": f"{settings.BASE_URL}{reverse('visits:choose_time', args=[token])}",
            "windows": "\n".join(
                in_words(slot.start, slot.until) for slot in planning.offered(offer)
            ),
            "until": spoken(offer.expires_at),
            "stands": _("Your appointment stands as long as you do not choose another time.")
            + "\n\n"
            if stands
            else "",
            "number": visit.number,
            "company": settings.COMPANY_NAME,
            "phone": settings.SERVICE_PHONE,
        }
        mail_link(
            visit.contact.email,
            subject=_("When may our engineer come to %(store)s?") % words,
            body=_(
                "Dear %(who)s,\n\nplease choose when our engineer may come to %(store)s:\n%(url)s\n\n"
                "These times are free now:\n%(windows)s\n\n%(stands)sThe link is good once, until"
                " %(until)s. You are asked for the last four digits of your telephone number.\n"
                "If none of the times suits you, say so there, or call us: %(phone)s\n"
                "Order: %(number)s\n\n%(company)s"
            )
            % words,
            dedup_key=f"offer:{offer.uid}",
        )


def _check_wish(visit: VisitOrder, asked_by: str, reason: str) -> None:
    if visit.status != Status.APPOINTED:
        return
    if asked_by not in AskedBy.values:
        raise Refused(_("Say who asked for another time."), field="asked_by")
    if not reason.strip():
        raise Refused(_("Say why the appointment is moved."), field="reason")


def _check_slots(slots: Sequence[tuple[datetime, datetime]], *, at: datetime) -> None:
    if not slots:
        raise Refused(_("Choose at least one time."), field="slots")
    if len(set(slots)) > MOST_SLOTS:
        raise Refused(_("At most %(count)d times.") % {"count": MOST_SLOTS}, field="slots")
    for start, until in slots:
        try:
            check_window(start, until, at=at)
        except Refused as refusal:
            raise Refused(refusal.message, field="slots") from refusal
        if start <= at:
            raise Refused(_("This time is over already."), field="slots")


def customer_of(offer: Offer) -> Actor:
    """The actor that only the holder of the link becomes."""
    return Actor(
        kind="contact",
        id=offer.visit.contact_id,
        label=offer.visit.contact_name,
        permissions=frozenset({"visits.answer_offer"}),
    )


@action
def choose_time(
    offer: Offer,
    *,
    window_from: datetime,
    name: str,
    address_right: bool = False,
    note: str = "",
    at: datetime,
    by: Actor,
) -> VisitOrder:
    """The customer's own act: one of the times offered, or the appointment that he has.

    If somebody else was faster, the link stays good and he chooses again.
    """
    visit = _use(offer, by=by)
    _check_name(name)
    if visit.status == Status.APPOINTED and window_from == visit.window_from:
        assert visit.window_until is not None
        _answer(offer, Offer.Answer.KEPT, at=at)
        save_changes(visit)
        _tell_choice(offer, visit.window_from, visit.window_until, name, note, at, by, kept=True)
        return visit
    slot = next((s for s in planning.offered(offer) if s.start == window_from), None)
    if slot is None or slot.start <= at:
        raise Refused(_("This time is not offered any more. Please choose another."), field="slot")
    _answer(offer, Offer.Answer.CHOSEN, at=at)
    _tell_choice(offer, slot.start, slot.until, name, note, at, by, kept=False)
    try:
        if visit.status == Status.APPOINTED:
            rearrange(
                visit, window_from=slot.start, window_until=slot.until, asked_by=offer.asked_by,
                reason=offer.reason, agreed_with=name, travel_minutes=slot.travel, offer=offer,
                at=at, by=SYSTEM,
            )  # fmt: skip
        else:
            # The last digits of his number opened the link.
            appoint(
                visit, window_from=slot.start, window_until=slot.until, agreed_with=name,
                address_verified=address_right, phone_verified=True, travel_minutes=slot.travel,
                offer=offer, at=at, by=SYSTEM,
            )  # fmt: skip
    except Refused as refusal:
        # Which order stands in the way is nobody else's business.
        raise Refused(
            _("This time was taken a moment ago. Please choose another."), field="slot"
        ) from refusal
    return visit


@action
def decline_times(
    offer: Offer, *, name: str, wish: str = "", at: datetime, by: Actor
) -> VisitOrder:
    """None of the times suits him. What he has stands; somebody calls him."""
    visit = _use(offer, by=by)
    _check_name(name)
    _answer(offer, Offer.Answer.DECLINED, at=at)
    save_changes(visit)
    told(
        visit, TimesDeclined, at=at, by=by, offer=str(offer.uid), name=name.strip(),
        wish=wish.strip(),
    )  # fmt: skip
    return visit


def _use(offer: Offer, *, by: Actor) -> VisitOrder:
    require(by, "visits.answer_offer")
    if by.kind != "contact":
        raise PermissionDenied("only the customer answers for the customer")
    visit = offer.visit
    lock(visit)
    if visit.status not in VISIT["offer_times"].sources:
        raise WrongState(_("This visit is under way already. Please call us."))
    return visit


def _check_name(name: str) -> None:
    if not name.strip():
        raise Refused(_("Please enter your name."), field="name")


def _answer(offer: Offer, answer: str, *, at: datetime) -> None:
    """Once: of two answers at a time one finds the link used."""
    used = Offer.objects.filter(
        pk=offer.pk, used_at=None, revoked_at=None, expires_at__gt=at
    ).update(used_at=at, answer=answer)
    if not used:
        raise Refused(_("This link was used already, or its time is over. Please ask for another."))


def _tell_choice(
    offer: Offer,
    start: datetime,
    until: datetime,
    name: str,
    note: str,
    at: datetime,
    by: Actor,
    *,
    kept: bool,
) -> None:
    told(
        offer.visit, TimeChosen, at=at, by=by, offer=str(offer.uid), window=in_words(start, until),
        window_from=start.isoformat(), window_until=until.isoformat(), name=name.strip(),
        note=note.strip(), kept=kept,
    )  # fmt: skip
