"""Where a customer reads the form as it will print, rates, and signs or refuses (VISIT-21).

Two ways lead here: his own link on his own device (L2), and the engineer's phone in his hand
(L1, `core.handover`). What they show is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from servicedesk.core import documents, handover, paper
from servicedesk.core.document_forms import LastDigitsForm, PinForm, RefusalForm, SignatureForm
from servicedesk.core.document_views import open_places, sealed_file
from servicedesk.core.documents import KINDS, LOOK_BACK, Method, Status
from servicedesk.core.file_views import handed_out
from servicedesk.core.handover import device
from servicedesk.core.http import DeskRequest, refusals_on
from servicedesk.core.models import Attachment, Document, SignLink, token_hash

HANDED_OVER = "documents:handed_over"


# --- the customer's own device (L2) --------------------------------------------------------------


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def sign(request: DeskRequest, token: str) -> HttpResponse:
    """The customer reads the form as it will print, rates, and signs or refuses.

    GET consumes nothing: chat programs fetch links in advance. What is posted says in `act`
    which of the three it is.
    """
    link = _link(token)
    if handover.of_the_house(request):
        return _not_here(request, link)
    if link.used_at is not None:
        return _signed(request, link, token)
    if link.expires_at <= timezone.now():
        return _gone(request)
    if not _proven(request, link):
        return _ask_digits(request, link)
    return _answer(request, link, _Place.of_link(link, token))


def _link(token: str) -> SignLink:
    link = (
        SignLink.objects.select_related("document")
        .filter(token_sha256=token_hash(token), revoked_at=None, method=Method.OWN_DEVICE)
        .first()
    )
    if link is None:
        raise Http404
    return link


def _proven(request: HttpRequest, link: SignLink) -> bool:
    """The last four digits of his number were given in this browser."""
    return bool(request.session.get(f"link-{link.pk}"))


def _not_here(request: HttpRequest, link: SignLink) -> HttpResponse:
    context = {"document": link.document}
    return render(request, "documents/not_here.html", context, status=403)


def _ask_digits(request: HttpRequest, link: SignLink) -> HttpResponse:
    form = LastDigitsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not _one_try_less(link):
            return _gone(request)
        if form.cleaned_data["digits"] == link.phone_last4:
            request.session[f"link-{link.pk}"] = True
            return redirect(request.path)
        link.refresh_from_db(fields=["tries_left"])
        form.add_error(
            "digits",
            _("These are not the last four digits. Tries left: %(count)d")
            % {"count": link.tries_left},
        )
    context = {"form": form, "document": link.document}
    return render(request, "documents/digits.html", context, status=422 if form.errors else 200)


def _one_try_less(link: SignLink) -> bool:
    """The counter is lowered before the answer is looked at: no race wins a sixth try."""
    found = SignLink.objects.filter(pk=link.pk, tries_left__gt=0)
    return bool(found.update(tries_left=F("tries_left") - 1))


def _signed(request: HttpRequest, link: SignLink, token: str) -> HttpResponse:
    if link.used_at is None or timezone.now() - link.used_at > LOOK_BACK:
        return _gone(request)
    if not _proven(request, link):
        return _ask_digits(request, link)
    signature = link.document.signatures.filter(block=link.block).first()
    context = {
        "document": link.document,
        "files": _Place.of_link(link, token).files if signature else [],
        "signature": signature,
        "token": token,
        "verify_url": paper.verify_url(link.document),
    }
    return render(request, "documents/signed.html", context)


@login_not_required
@never_cache
@require_GET
def link_file(request: HttpRequest, token: str, uid: UUID) -> HttpResponseBase:
    """A file that the form names, and no other: as long as the link, then 30 days for who signed."""
    link = _link(token)
    now = timezone.now()
    if link.used_at is None:
        alive = link.expires_at > now
    else:
        signed = link.document.signatures.filter(block=link.block).exists()
        alive = signed and now - link.used_at <= LOOK_BACK
    if not alive:
        raise Http404
    if handover.of_the_house(request) or not _proven(request, link):
        return redirect("documents:sign", token)
    return _file_of(link.document, uid)


def _file_of(document: Document, uid: UUID) -> FileResponse:
    if str(uid) not in {file["uid"] for file in document.data.get("files", ())}:
        raise Http404
    return handed_out(get_object_or_404(Attachment, uid=uid))


@login_not_required
@never_cache
@require_GET
def signed_copy(request: HttpRequest, token: str) -> HttpResponse | FileResponse:
    """The signer's copy, through his own link, for 30 days."""
    link = _link(token)
    if link.used_at is None or timezone.now() - link.used_at > LOOK_BACK:
        raise Http404
    if handover.of_the_house(request) or not _proven(request, link):
        return redirect("documents:sign", token)
    if link.document.status != Status.SEALED:
        raise Http404
    return sealed_file(link.document)


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "documents/gone.html", status=410)


# --- the engineer's phone in his hand (L1) -------------------------------------------------------


@never_cache
@require_http_methods(["GET", "POST"])
def handed_over(request: DeskRequest) -> HttpResponse:
    """The form, until the engineer's PIN; and thanks, when it is signed or refused."""
    link = _handed_over(request)
    if link.used_at is not None:
        return _hand_back(request, link)
    if not _can_be_signed(link):
        return _hand_back(request, link, status=410)
    return _answer(request, link, _Place.of_phone(link))


def _handed_over(request: HttpRequest) -> SignLink:
    link = handover.current(request)
    if link is None:
        raise PermissionDenied("this phone was not handed over")
    return link


def _can_be_signed(link: SignLink) -> bool:
    alive = link.revoked_at is None and link.expires_at > timezone.now()
    return alive and link.document.status == Status.OPEN


@never_cache
@require_POST
def take_back(request: DeskRequest) -> HttpResponse:
    """The engineer's PIN ends the hand-over; five wrong ones end his session."""
    link, form = _handed_over(request), PinForm(request.POST)
    if form.is_valid():
        if not _one_try_less(link):
            return _logged_out(request)
        person: Any = request.user
        if person.check_pin(form.cleaned_data["pin"]):
            return handover.end(request)
        link.refresh_from_db(fields=["tries_left"])
        if link.tries_left == 0:
            return _logged_out(request)
        form.add_error(
            "pin", _("This is not the PIN. Tries left: %(count)d") % {"count": link.tries_left}
        )
    if link.used_at is None and _can_be_signed(link):
        return _sign_page(request, link, _Place.of_phone(link), pin=form, status=422)
    return _hand_back(request, link, pin=form, status=422)


def _logged_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.info(request, _("Too many wrong PINs. Please log in again."))
    response = redirect("account_login")
    response.delete_cookie(handover.MODE_COOKIE, samesite="Lax")
    return response


@never_cache
@require_POST
def next_signer(request: DeskRequest) -> HttpResponse:
    """The phone goes on to the next person of the same sheet, without the engineer's PIN."""
    link, place = _handed_over(request), request.POST.get("place", "")
    if link.used_at is not None and place in open_places(link.document) and _is_sheet(link):
        handover.next_signer(request, link, place)
    return redirect(HANDED_OVER)


def _is_sheet(link: SignLink) -> bool:
    return bool(documents.signer_of(link.document, link.block))


@never_cache
@require_GET
def handed_over_file(request: HttpRequest, uid: UUID) -> HttpResponseBase:
    link = _handed_over(request)
    if not _can_be_signed(link) and link.used_at is None:
        raise Http404
    return _file_of(link.document, uid)


def _hand_back(
    request: HttpRequest, link: SignLink, *, pin: forms.Form | None = None, status: int = 200
) -> HttpResponse:
    signature = link.document.signatures.filter(block=link.block).first()
    context = {
        "document": link.document,
        "signature": signature,
        "over": link.used_at is None,
        "places": open_places(link.document) if _is_sheet(link) and link.used_at else {},
        "pin": pin or PinForm(),
    }
    return render(request, "documents/hand_back.html", context, status=status)


# --- what both show ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LinkFile:
    """A file of a form, as the signer gets it."""

    name: str
    size: int
    url: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the form is shown: its own address, those of its files, and whether in our hands."""

    url: str
    files: list[LinkFile]
    handed_over: bool

    @classmethod
    def of_link(cls, link: SignLink, token: str) -> _Place:
        files = [
            LinkFile(f["name"], f["size"], reverse("documents:link_file", args=[token, f["uid"]]))
            for f in link.document.data.get("files", ())
        ]
        return cls(reverse("documents:sign", args=[token]), files, handed_over=False)

    @classmethod
    def of_phone(cls, link: SignLink) -> _Place:
        files = [
            LinkFile(f["name"], f["size"], reverse("documents:handed_over_file", args=[f["uid"]]))
            for f in link.document.data.get("files", ())
        ]
        return cls(reverse(HANDED_OVER), files, handed_over=True)


def _answer(request: DeskRequest, link: SignLink, place: _Place) -> HttpResponse:
    if request.method == "POST" and request.POST.get("act") == "refuse":
        return _refuse(request, link, place)
    if request.method == "POST":
        return _take_signature(request, link, place)
    return _sign_page(request, link, place)


def _answers(link: SignLink, data: Any = None) -> Any:
    make = KINDS[link.document.kind].answers
    return make(data, prefix="answers") if make else None


def _take_signature(request: DeskRequest, link: SignLink, place: _Place) -> HttpResponse:
    form, answers = SignatureForm(request.POST), _answers(link, request.POST)
    if form.is_valid() and (answers is None or answers.is_valid()):
        with refusals_on(form):
            documents.sign_by_link(
                link,
                signer_name=form.cleaned_data["signer_name"],
                strokes=form.cleaned_data["strokes"],
                shown_sha256=form.cleaned_data["shown_sha256"],
                answers=answers.cleaned_data if answers else {},
                at=timezone.now(),
                by=documents.signer(link),
                **device(request),
            )
            return redirect(place.url)
    return _sign_page(request, link, place, form=form, answers=answers, status=422)


def _refuse(request: DeskRequest, link: SignLink, place: _Place) -> HttpResponse:
    form = RefusalForm(request.POST, auto_id="refuse_%s")
    if form.is_valid():
        with refusals_on(form):
            documents.refuse_by_link(
                link, **form.cleaned_data, at=timezone.now(), by=documents.signer(link)
            )
            return redirect(place.url)
    return _sign_page(request, link, place, refusal=form, status=422)


def _sign_page(
    request: HttpRequest,
    link: SignLink,
    place: _Place,
    *,
    form: forms.Form | None = None,
    answers: forms.Form | None = None,
    refusal: forms.Form | None = None,
    pin: forms.Form | None = None,
    status: int = 200,
) -> HttpResponse:
    names = {"signer_name": link.signer_name}
    context = {
        "document": link.document,
        "place": documents.signer_of(link.document, link.block),
        "sheet": paper.render(link.document, layout="pdf/screen.html"),
        "url": place.url,
        "form": form or SignatureForm(initial=names),
        "answers": answers or _answers(link),
        "refusal": refusal or RefusalForm(initial=names, auto_id="refuse_%s"),
        "declines": KINDS[link.document.kind].declines,
        "files": place.files,
        "handed_over": place.handed_over,
        "pin": pin or PinForm(),
    }
    return render(request, "documents/sign.html", context, status=status)
