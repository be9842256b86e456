"""What a customer sees without a log-in: who stands before him (VISIT-15), the note (VISIT-7)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from servicedesk.core import paper
from servicedesk.core.file_views import handed_out
from servicedesk.core.models import Document
from visits.models import MissedNote, VisitOrder
from visits.queries import newest_document
from visits.states import FINAL

SALT = "visits.badge"
NOTE_SALT = "visits.note"
# By then there is a new appointment, or none is wanted.
NOTE_LIFE = timedelta(days=30)


def badge_token(visit: VisitOrder, day: date) -> str:
    """Names the order, its engineer and the day; signed by the house, good on that day alone."""
    return signing.dumps([visit.number, visit.engineer_id, day.isoformat()], salt=SALT)


@require_GET
@login_not_required
@never_cache
def badge(request: HttpRequest, token: str) -> HttpResponse:
    visit = _visit_of(token)
    if visit is None:
        return render(request, "visits/badge_invalid.html", status=410)
    photo = visit.engineer.photo if visit.engineer else None
    context = {
        "visit": visit,
        "today": timezone.localdate(),
        "photo": reverse("visits:badge_photo", args=[token]) if photo else "",
    }
    return render(request, "visits/badge.html", context)


@require_GET
@login_not_required
def badge_photo(request: HttpRequest, token: str) -> FileResponse:
    """The engineer's portrait, as long as his badge is good."""
    visit = _visit_of(token)
    photo = visit.engineer.photo if visit is not None and visit.engineer else None
    if photo is None:
        raise Http404
    return handed_out(photo)


def _visit_of(token: str) -> VisitOrder | None:
    try:
        number, engineer_id, day = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if day != timezone.localdate().isoformat():
        return None
    return (
        VisitOrder.objects.filter(number=number, engineer_id=engineer_id)
        .exclude(status__in=sorted(FINAL))
        .select_related("engineer", "store")
        .first()
    )


def note_token(note: MissedNote) -> str:
    """Names the note; signed by the house. Whoever holds the paper knows no more by it."""
    return signing.dumps(str(note.uid), salt=NOTE_SALT)


def note_sheet(note: MissedNote) -> str | None:
    """The note as it prints; None once it counts no more."""
    document = newest_document(note.number)
    if document is None or document.status == Document.Status.VOID:
        return None
    return paper.render(document, layout="pdf/screen.html")


@require_GET
@login_not_required
@never_cache
def note(request: HttpRequest, token: str) -> HttpResponse:
    """The note on the customer's own telephone: read, print, call."""
    try:
        uid = signing.loads(token, salt=NOTE_SALT, max_age=NOTE_LIFE)
    except signing.BadSignature:
        uid = None
    found: Any = MissedNote.objects.filter(uid=uid).first() if uid else None
    sheet = note_sheet(found) if found else None
    if sheet is None:
        return render(request, "visits/note_gone.html", status=410)
    return render(request, "visits/note.html", {"note": found, "sheet": sheet})
