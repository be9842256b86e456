"""The customer chooses a time through his link, without a log-in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import F
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods
from icalendar import Calendar, Event

from servicedesk.core.document_forms import LastDigitsForm
from servicedesk.core.http import DeskRequest, refusals_on
from servicedesk.core.link_mail import masked
from servicedesk.core.models import token_hash
from servicedesk.core.paper import qr
from visits import actions, planning
from visits.actions.planning import customer_of
from visits.forms import AnswerForm, NoneSuitsForm
from visits.models import Offer, VisitOrder
from visits.queries import in_words
from visits.states import APPOINTED_AHEAD, VISIT, Status
from visits.views.shared import is_phone

# So long after his visit the customer may look at what he chose.
LOOK_BACK = timedelta(days=1)


def show_link(request: DeskRequest, visit: VisitOrder, token: str) -> HttpResponse:
    """The link for the customer, shown this once: as a code, and as words to send."""
    url = f"{settings.BASE_URL}{reverse('visits:choose_time', args=[token])}"
    offer = Offer.objects.get(token_sha256=token_hash(token))
    context = {
        "layout": "base_phone.html" if is_phone(request.actor) else "base_desk.html",
        "visit": visit,
        "offer": offer,
        "times": planning.offered(offer),
        "url": url,
        "qr": qr(url),
        "mailed": masked(visit.contact.email) if visit.contact else "",
        "words": _("%(company)s: please choose when our engineer may come to %(store)s: %(url)s")
        % {"company": settings.COMPANY_NAME, "store": visit.store.name, "url": url},
    }
    response = render(request, "visits/offer_link.html", context)
    response["Cache-Control"] = "no-store"
    return response


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def choose(request: DeskRequest, token: str) -> HttpResponse:
    """GET consumes nothing: chat programs fetch links in advance."""
    offer = _offer(token)
    if offer.revoked_at is not None or not _alive(offer):
        return _gone(request)
    if not request.session.get(_proof(offer)):
        return _ask_digits(request, offer)
    if offer.used_at is not None:
        return render(request, "visits/time_chosen.html", _result(offer, token))
    if request.method == "POST" and request.POST.get("act") == "decline":
        return _decline(request, offer)
    if request.method == "POST":
        return _choose(request, offer)
    return _show(request, offer)


def _offer(token: str) -> Offer:
    found = (
        Offer.objects.select_related("visit__store", "visit__engineer", "visit__contact")
        .filter(token_sha256=token_hash(token))
        .first()
    )
    if found is None:
        raise Http404
    return cast(Offer, found)


def _alive(offer: Offer) -> bool:
    now = timezone.now()
    if offer.used_at is None:
        return offer.expires_at > now
    until = offer.visit.window_until
    return now - offer.used_at <= LOOK_BACK or (until is not None and now <= until + LOOK_BACK)


def _proof(offer: Offer) -> str:
    return f"offer-{offer.pk}"


def _ask_digits(request: HttpRequest, offer: Offer) -> HttpResponse:
    form = LastDigitsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        # The counter is lowered before the answer is looked at: no race wins a sixth try.
        if not Offer.objects.filter(pk=offer.pk, tries_left__gt=0).update(
            tries_left=F("tries_left") - 1
        ):
            return _gone(request)
        if form.cleaned_data["digits"] == offer.phone_last4:
            request.session[_proof(offer)] = True
            return redirect(request.path)
        offer.refresh_from_db(fields=["tries_left"])
        form.add_error(
            "digits",
            _("These are not the last four digits. Tries left: %(count)d")
            % {"count": offer.tries_left},
        )
    status = 422 if form.errors else 200
    return render(request, "visits/time_digits.html", {"form": form}, status=status)


def _times(offer: Offer, now: datetime) -> list[tuple[str, str]]:
    """What he may choose: first the appointment that he has, if one stands."""
    visit = offer.visit
    free = [(slot.start, slot.until) for slot in planning.still_free(offer, now=now)]
    if visit.status == Status.APPOINTED and visit.window_from and visit.window_until:
        stands = (visit.window_from, visit.window_until)
        free = [stands, *(window for window in free if window[0] != stands[0])]
    return [(start.isoformat(), in_words(start, until)) for start, until in free]


def _choose(request: HttpRequest, offer: Offer) -> HttpResponse:
    form = AnswerForm(request.POST, times=_times(offer, timezone.now()))
    if form.is_valid():
        data = form.cleaned_data
        with refusals_on(form):
            actions.choose_time(
                offer, window_from=data["slot"], name=data["name"],
                address_right=data["address_right"], note=data["note"],
                at=timezone.now(), by=customer_of(offer),
            )  # fmt: skip
            return redirect(request.path)
    return _show(request, offer, form=form, status=422)


def _decline(request: HttpRequest, offer: Offer) -> HttpResponse:
    form = NoneSuitsForm(request.POST, auto_id="decline_%s")
    if form.is_valid():
        with refusals_on(form):
            actions.decline_times(
                offer, **form.cleaned_data, at=timezone.now(), by=customer_of(offer)
            )
            return redirect(request.path)
    return _show(request, offer, declining=form, status=422)


def _show(
    request: HttpRequest,
    offer: Offer,
    *,
    form: Form | None = None,
    declining: Form | None = None,
    status: int = 200,
) -> HttpResponse:
    visit, now = offer.visit, timezone.now()
    if visit.status not in VISIT["offer_times"].sources:
        return _gone(request)
    names = {"name": visit.contact_name}
    times = _times(offer, now)
    first = {"slot": times[0][0]} if visit.status == Status.APPOINTED and times else {}
    context = {
        "offer": offer,
        "visit": visit,
        "times": times,
        "stands": visit.status == Status.APPOINTED,
        "we_ask": offer.asked_by == "engineer",
        "form": form or AnswerForm(times=times, initial={**names, **first}),
        "declining": declining or NoneSuitsForm(initial=names, auto_id="decline_%s"),
    }
    return render(request, "visits/choose_time.html", context, status=status)


def _result(offer: Offer, token: str) -> dict[str, Any]:
    visit = offer.visit
    return {
        "offer": offer,
        "visit": visit,
        "stands": visit.status in APPOINTED_AHEAD and visit.window_from is not None,
        "window": in_words(visit.window_from, visit.window_until),
        "file_url": reverse("visits:calendar_file", args=[token]),
    }


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "visits/time_gone.html", status=410)


# --- for the customer's calendar ------------------------------------------------------------------


@login_not_required
@never_cache
@require_GET
def calendar_file(request: HttpRequest, token: str) -> HttpResponse:
    """The appointment as a file; fetched again after it was moved, it replaces the former entry."""
    offer = _offer(token)
    visit = offer.visit
    if offer.used_at is None or not _alive(offer) or visit.status not in APPOINTED_AHEAD:
        raise Http404
    if not request.session.get(_proof(offer)):
        return redirect("visits:choose_time", token)
    return HttpResponse(
        _ical(visit, timezone.now()),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{visit.number}.ics"'},
    )


TITLE = gettext_lazy("%(company)s: engineer's visit")


def _ical(visit: VisitOrder, now: datetime) -> bytes:
    engineer = visit.engineer.name if visit.engineer else ""
    entry = Event()
    entry.add("uid", f"{visit.uid}@{settings.BASE_URL.rpartition('/')[2]}")
    entry.add("sequence", max(visit.appointments.count() - 1, 0))
    entry.add("dtstamp", now)
    entry.add("dtstart", visit.window_from)
    entry.add("dtend", visit.window_until)
    entry.add("summary", str(TITLE) % {"company": settings.COMPANY_NAME})
    entry.add("location", visit.address)
    lines = [visit.number, _("Engineer: %s") % engineer, settings.SERVICE_PHONE]
    entry.add("description", "\n".join(filter(None, lines)))
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//servicedesk//visits//")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    content: bytes = calendar.to_ical()
    return content
