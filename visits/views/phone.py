"""The engineer's telephone: his day, the signature, his badge."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from customers.queries import proof_of
from servicedesk.core import documents, handover
from servicedesk.core.files import files_of
from servicedesk.core.http import DeskRequest
from servicedesk.core.link_mail import masked
from servicedesk.core.models import Document, KeptSignature
from servicedesk.core.paper import qr
from visits import queries
from visits.models import VisitOrder
from visits.pdf import CUSTOMER, ENGINEER
from visits.states import Status
from visits.views.public import badge_token, note_sheet, note_token
from visits.views.shared import acts_of, find_visit, is_phone


@require_GET
def today(request: DeskRequest) -> HttpResponse:
    """His orders in the order in which things come; the first with everything at hand."""
    if not is_phone(request.actor) or request.actor.id is None:
        if request.actor.may("visits.see_all"):
            return redirect("visits:board")
        raise PermissionDenied
    now = timezone.now()
    day = queries.day_of(request.actor.id, now=now)
    first = next(iter([*day.now, *day.today, *day.to_arrange, *day.papers]), None)
    next_act = None
    if first is not None:
        name = queries.next_step(first, now=now)
        next_act = next((a for a in acts_of(first, request.actor) if a.name == name), None)
    clashes = queries.clashes(day.visits, now=now)
    sections = [
        (title, [visit for visit in visits if visit != first]) for title, visits in day.sections
    ]
    context = {
        "day": day,
        "sections": sections,
        "first": first,
        "next": next_act,
        "now": now,
        "clashes": clashes,
    }
    return render(request, "visits/today.html", context)


@require_GET
@never_cache
def sign(request: DeskRequest, number: str) -> HttpResponse:
    """How the form gets its two signatures."""
    visit = find_visit(request, number)
    if not is_phone(request.actor):
        return redirect(visit)
    document = _open_document(visit)
    if visit.status != Status.FINISHED or document is None:
        return redirect(visit)
    signed = {signature.block for signature in document.signatures.all()}
    context = {
        "visit": visit,
        "document": document,
        "customer_signed": CUSTOMER.name in signed,
        "engineer_signed": ENGINEER.name in signed,
        "kept": None if CUSTOMER.name in signed else kept_signature(visit),
        "own_device": bool(proof_of(visit.contact)["phone_last4"]),
        "mailed": masked(visit.contact.email) if visit.contact else "",
    }
    return render(request, "visits/sign.html", context)


def kept_signature(visit: VisitOrder) -> KeptSignature | None:
    """Drawn without a network under another form than this one: he must be asked again."""
    kept = KeptSignature.objects.filter(document__number=visit.number).select_related("document")
    return kept.last()


def _open_document(visit: VisitOrder) -> Document | None:
    document = queries.service_form(visit)
    return document if document and document.status == Document.Status.OPEN else None


@require_POST
def hand_over(request: DeskRequest, number: str) -> HttpResponse:
    """The engineer's phone goes into the customer's hand (L1)."""
    visit = find_visit(request, number)
    document = _open_document(visit)
    if document is None or not is_phone(request.actor):
        return redirect(visit)
    return handover.begin(
        request,
        document,
        block=CUSTOMER.name,
        signer_name=visit.contact_name,
        contact_id=visit.contact_id,
        back=reverse("visits:sign", args=[visit.number]),
    )


@require_POST
@never_cache
def share(request: DeskRequest, number: str) -> HttpResponse:
    """A QR code for the customer's own phone (L2). The token is shown once and kept nowhere.

    He is asked for the last digits of the number that is kept of him, not of the one that the
    engineer wrote down for this visit.
    """
    visit = find_visit(request, number)
    document = _open_document(visit)
    if document is None or not is_phone(request.actor):
        return redirect(visit)
    token = documents.make_link(
        document,
        block=CUSTOMER.name,
        method=documents.Method.OWN_DEVICE,
        signer_name=visit.contact_name,
        contact_id=visit.contact_id,
        **proof_of(visit.contact),
        email=visit.contact.email if visit.contact else "",
        **handover.device(request),
        at=timezone.now(),
        by=request.actor,
    )
    url = f"{settings.BASE_URL}{reverse('documents:sign', args=[token])}"
    context = {
        "visit": visit,
        "url": url,
        "qr": qr(url),
        "mailed": masked(visit.contact.email) if visit.contact else "",
    }
    return render(request, "visits/share.html", context)


@require_GET
@never_cache
def badge(request: DeskRequest, number: str) -> HttpResponse:
    """The badge to be shown: name, number, and a QR code that proves both (VISIT-15)."""
    visit = find_visit(request, number)
    if not is_phone(request.actor):
        return redirect(visit)
    url = f"{settings.BASE_URL}{reverse('visits:badge', args=[badge_token(visit, timezone.localdate())])}"
    photo = visit.engineer.photo if visit.engineer else None
    context = {
        "visit": visit,
        "me": visit.engineer,
        "url": url,
        "qr": qr(url),
        "photo": photo.url if photo else "",
    }
    return render(request, "visits/badge_phone.html", context)


@require_GET
@never_cache
def note(request: DeskRequest, number: str) -> HttpResponse:
    """The note for the front desk: shown here, scanned, sent or printed (VISIT-7, 16)."""
    visit = find_visit(request, number)
    left: Any = visit.notes.last()
    sheet = note_sheet(left) if left else None
    if sheet is None or not is_phone(request.actor):
        return redirect(visit)
    url = f"{settings.BASE_URL}{reverse('visits:note_link', args=[note_token(left)])}"
    context = {
        "visit": visit,
        "note": left,
        "sheet": sheet,
        "url": url,
        "qr": qr(url),
        "document": queries.newest_document(left.number),
        "has_photo": files_of(visit).filter(purpose="note", added_at__gte=left.left_at).exists(),
        "photos": queries.photos_now(Status.MISSED),
        "quick": [],
    }
    return render(request, "visits/note_phone.html", context)
