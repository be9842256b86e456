"""Pages of forms: archive, the colleague's own signature, hand-over, verification."""

from __future__ import annotations

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from servicedesk.core import documents, handover, paper, subjects, vault
from servicedesk.core.document_forms import OwnSignatureForm, UploadForm
from servicedesk.core.documents import KINDS, Status
from servicedesk.core.errors import Refused
from servicedesk.core.handover import device
from servicedesk.core.http import DeskRequest, client_ip, refusals_on
from servicedesk.core.models import Document
from servicedesk.core.verification import Busy, Verdict, judge, may_ask

# --- the desk ------------------------------------------------------------------------------


@require_GET
def document(request: DeskRequest, uid: str) -> HttpResponse:
    return _show(request, found_document(request, uid), OwnSignatureForm())


@require_http_methods(["POST"])
def sign_own(request: DeskRequest, uid: str) -> HttpResponse:
    """The colleague signs his own block."""
    form = OwnSignatureForm(request.POST)
    found = found_document(request, uid)
    if form.is_valid():
        with refusals_on(form):
            documents.sign_own(
                found,
                block=_own_block(found, request),
                strokes=form.cleaned_data["strokes"],
                shown_sha256=form.cleaned_data["shown_sha256"],
                at=timezone.now(),
                by=request.actor,
                **device(request),
            )
            return redirect(_back(found))
    return _show(request, found, form, status=422)


def _own_block(found: Document, request: DeskRequest) -> str:
    """The place of the house that is his and not signed yet."""
    signed = set(found.signatures.values_list("block", flat=True))
    for block, person in found.signer_ids.items():
        if person == request.actor.id and block not in signed:
            return str(block)
    raise Http404


@require_http_methods(["POST"])
def hand_over(request: DeskRequest, uid: str) -> HttpResponse:
    """The phone goes round: each of those who sign a sheet, one after the other."""
    found = found_document(request, uid)
    if request.actor.id not in found.signer_ids.values():
        raise PermissionDenied
    place = request.POST.get("place", "")
    if place not in open_places(found):
        return redirect("documents:document", uid)
    return handover.begin(request, found, block=place, back=request.path.removesuffix("hand-over/"))


def open_places(found: Document) -> dict[str, str]:
    """The customer's places that wait for a signature, with whose they are."""
    if found.status != Status.OPEN:
        return {}
    signed = set(found.signatures.values_list("block", flat=True))
    kind = KINDS[found.kind]
    return {
        place: documents.signer_of(found, place) or str(kind.block(place).label)
        for place in found.blocks
        if place not in signed and kind.block(place).outside
    }


def _back(found: Document) -> str:
    subject = subjects.find(found.subject_kind, found.subject_id)
    return str(subject.get_absolute_url())


@require_GET
@never_cache
def download(request: DeskRequest, uid: str) -> HttpResponse | FileResponse:
    return _file(found_document(request, uid))


def found_document(request: DeskRequest, uid: str) -> Document:
    found = get_object_or_404(Document, uid=uid)
    if not request.actor.may("documents.see") or not subjects.visible(
        found.subject_kind, found.subject_id, request.actor
    ):
        raise Http404
    return found


def _show(
    request: DeskRequest, found: Document, form: forms.Form, *, status: int = 200
) -> HttpResponse:
    signed = {s.block for s in found.signatures.all()}
    mine = {block for block, person in found.signer_ids.items() if person == request.actor.id}
    own = found.status == Status.OPEN and mine - signed
    context = {
        "document": found,
        "sheet": paper.render(found, layout="pdf/screen.html"),
        "form": form if own else None,
        # A sheet for many goes round on the phone of the one who signs it for the house.
        "places": open_places(found) if mine and "places" in found.data else {},
        "versions": Document.objects.filter(number=found.number).order_by("-version"),
        "subject": subjects.find(found.subject_kind, found.subject_id),
        "verify_url": paper.verify_url(found),
    }
    return render(request, "documents/document.html", context, status=status)


def _file(found: Document) -> FileResponse:
    if found.status != Status.SEALED:
        raise Http404
    return sealed_file(found)


def sealed_file(found: Document) -> FileResponse:
    """The stored PDF as an attachment; it is never rendered again."""
    try:
        content = vault.open_form(found.file)
    except vault.StoreError as error:
        raise Refused(
            _("The store of the archive does not answer now. Please try again in a minute.")
        ) from error
    return FileResponse(
        content,
        as_attachment=True,
        filename=f"{found.number}.pdf",
        content_type="application/pdf",
        headers={"X-Content-Type-Options": "nosniff"},
    )


# --- verification ----------------------------------------------------------------------------


@login_not_required
@require_http_methods(["GET", "POST"])
def verify(request: HttpRequest, number: str, code: str) -> HttpResponse:
    """What a QR code leads to: who signed what and when, and whether a file is that form."""
    found = get_object_or_404(Document, number=number, verify_code=code)
    return _verify(request, found)


@login_not_required
@require_http_methods(["GET", "POST"])
def verify_file(request: HttpRequest) -> HttpResponse:
    """The same without a code: is this PDF one of ours?"""
    return _verify(request, None)


def _verify(request: HttpRequest, found: Document | None) -> HttpResponse:
    form, verdict, status = UploadForm(), None, 200
    if request.method == "POST":
        form = UploadForm(request.POST, request.FILES)
        verdict, status = _verdict(request, form)
    context = {
        "document": found,
        "signatures": found.signatures.all() if found else (),
        "outdated": getattr(found, "superseded_by", None) if found else None,
        "form": form,
        "verdict": verdict,
    }
    return render(request, "documents/verify.html", context, status=status)


def _verdict(request: HttpRequest, form: UploadForm) -> tuple[Verdict | None, int]:
    """What is said of the file that was sent, or why nothing is."""
    if not may_ask(client_ip(request), at=timezone.now()):
        form.add_error(
            "file", _("Too many files came from your address. Try again in ten minutes.")
        )
        return None, 429
    if not form.is_valid():
        return None, 422
    try:
        return judge(form.cleaned_data["file"].read()), 200
    except Busy:
        form.add_error("file", _("Other files are being checked. Try again in a minute."))
        return None, 503
