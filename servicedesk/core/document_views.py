"""Pages of forms: the customer's link, the colleague's own signature, archive, verification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.db.models import F, Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from servicedesk.core import documents, paper, subjects, vault
from servicedesk.core.actors import Actor
from servicedesk.core.document_forms import (
    LastDigitsForm,
    OwnSignatureForm,
    RefusalForm,
    SignatureForm,
    UploadForm,
)
from servicedesk.core.documents import KINDS, LOOK_BACK, Method, Status
from servicedesk.core.file_views import handed_out
from servicedesk.core.http import DeskRequest, client_ip, refusals_on
from servicedesk.core.keyset import keyset_page
from servicedesk.core.models import Attachment, Document, SignLink, token_hash
from servicedesk.core.verification import Busy, Verdict, judge, may_ask


def visible_documents(actor: Actor) -> QuerySet[Document]:
    """Forms of records that the actor may see."""
    if not actor.may("documents.see"):
        return Document.objects.none()
    allowed = Q(pk__in=[])
    for kind in Document.objects.values_list("subject_kind", flat=True).distinct():
        allowed |= Q(subject_kind=kind, subject_id__in=subjects.visible_ids(kind, actor))
    return Document.objects.filter(allowed)


# --- the desk ------------------------------------------------------------------------------


@require_GET
def archive(request: DeskRequest) -> HttpResponse:
    """All forms, newest first; found by number, customer, store or person."""
    found = visible_documents(request.actor).exclude(status=Status.VOID)
    text = request.GET.get("q", "").strip()[:100]
    for word in text.split():
        found = found.filter(
            Q(number__icontains=word) | Q(keywords__icontains=word) | Q(title__icontains=word)
        )
    kind = request.GET.get("kind", "")
    titles = {name: str(form.title) for name, form in KINDS.items()}
    if kind in KINDS:
        found = found.filter(kind__in=[n for n, t in titles.items() if t == titles[kind]])
    context = {
        "page": keyset_page(found, request.GET, "-pk"),
        "text": text,
        "kind": kind,
        # One choice per form, however many ways there are to sign it.
        "kinds": [(name, title) for title, name in {t: n for n, t in titles.items()}.items()],
    }
    template = "documents/_rows.html" if request.htmx else "documents/archive.html"
    return render(request, template, context)


@require_GET
def document(request: DeskRequest, uid: str) -> HttpResponse:
    return _show(request, _document(request, uid), OwnSignatureForm())


@require_http_methods(["POST"])
def sign_own(request: DeskRequest, uid: str) -> HttpResponse:
    """The colleague signs his own block."""
    form = OwnSignatureForm(request.POST)
    found = _document(request, uid)
    if form.is_valid():
        with refusals_on(form):
            documents.sign_own(
                found,
                block=_own_block(found),
                strokes=form.cleaned_data["strokes"],
                shown_sha256=form.cleaned_data["shown_sha256"],
                at=timezone.now(),
                by=request.actor,
                **_device(request),
            )
            return redirect(_back(found))
    return _show(request, found, form, status=422)


def _own_block(found: Document) -> str:
    """The first block of the house that nobody has signed yet."""
    signed = set(found.signatures.values_list("block", flat=True))
    kind = KINDS[found.kind]
    for block in kind.blocks:
        if not block.outside and block.name not in signed:
            return block.name
    raise Http404


def _back(found: Document) -> str:
    subject = subjects.find(found.subject_kind, found.subject_id)
    return str(subject.get_absolute_url())


@require_GET
@never_cache
def download(request: DeskRequest, uid: str) -> HttpResponse | FileResponse:
    return _file(_document(request, uid))


def _document(request: DeskRequest, uid: str) -> Document:
    found = get_object_or_404(Document, uid=uid)
    if not request.actor.may("documents.see") or not subjects.visible(
        found.subject_kind, found.subject_id, request.actor
    ):
        raise Http404
    return found


def _show(
    request: DeskRequest, found: Document, form: forms.Form, *, status: int = 200
) -> HttpResponse:
    waits_for_me = found.status == Status.OPEN and request.actor.may("documents.sign_own")
    signed = {s.block for s in found.signatures.all()}
    own = [
        b
        for b in KINDS[found.kind].blocks
        if waits_for_me and not b.outside and b.name not in signed
    ]
    context = {
        "document": found,
        "sheet": paper.render(found, layout="pdf/screen.html"),
        "form": form if own else None,
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
    return FileResponse(
        vault.open_form(found.file),
        as_attachment=True,
        filename=f"{found.number}.pdf",
        content_type="application/pdf",
        headers={"X-Content-Type-Options": "nosniff"},
    )


# --- the customer's link --------------------------------------------------------------------


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def sign(request: DeskRequest, token: str) -> HttpResponse:
    """The customer reads the form as it will print, rates, and signs or refuses.

    GET consumes nothing: chat programs fetch links in advance. What is posted says in `act`
    which of the three it is.
    """
    link = _link(token)
    if link.used_at is not None:
        return _signed(request, link, token)
    if link.expires_at <= timezone.now():
        return _gone(request)
    if not _proven(request, link):
        return _ask_digits(request, link)
    if request.method == "POST" and request.POST.get("act") == "refuse":
        return _refuse(request, link, token)
    if request.method == "POST":
        return _take_signature(request, link, token)
    return _sign_page(request, link, token)


def _link(token: str) -> SignLink:
    link = (
        SignLink.objects.select_related("document")
        .filter(token_sha256=token_hash(token), revoked_at=None)
        .first()
    )
    if link is None:
        raise Http404
    return link


def _proven(request: HttpRequest, link: SignLink) -> bool:
    """The last four digits of his number were given in this browser; L1 needs none."""
    return not link.phone_last4 or bool(request.session.get(f"link-{link.pk}"))


def _ask_digits(request: HttpRequest, link: SignLink) -> HttpResponse:
    form = LastDigitsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        # The counter is lowered before the answer is looked at: no race wins a sixth try.
        if not SignLink.objects.filter(pk=link.pk, tries_left__gt=0).update(
            tries_left=F("tries_left") - 1
        ):
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


def _answers(link: SignLink, data: Any = None) -> Any:
    make = KINDS[link.document.kind].answers
    return make(data, prefix="answers") if make else None


def _take_signature(request: DeskRequest, link: SignLink, token: str) -> HttpResponse:
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
                **_device(request),
            )
            return redirect(request.path)
    return _sign_page(request, link, token, form=form, answers=answers, status=422)


def _refuse(request: DeskRequest, link: SignLink, token: str) -> HttpResponse:
    form = RefusalForm(request.POST, auto_id="refuse_%s")
    if form.is_valid():
        with refusals_on(form):
            documents.refuse_by_link(
                link, **form.cleaned_data, at=timezone.now(), by=documents.signer(link)
            )
            return redirect(request.path)
    return _sign_page(request, link, token, refusal=form, status=422)


def _sign_page(
    request: HttpRequest,
    link: SignLink,
    token: str,
    *,
    form: forms.Form | None = None,
    answers: forms.Form | None = None,
    refusal: forms.Form | None = None,
    status: int = 200,
) -> HttpResponse:
    names = {"signer_name": link.signer_name}
    context = {
        "document": link.document,
        "sheet": paper.render(link.document, layout="pdf/screen.html"),
        "form": form or SignatureForm(initial=names),
        "answers": answers or _answers(link),
        "refusal": refusal or RefusalForm(initial=names, auto_id="refuse_%s"),
        "declines": KINDS[link.document.kind].declines,
        "files": _files(link, token),
        "handed_over": link.method == Method.HANDED_OVER,
    }
    return render(request, "documents/sign.html", context, status=status)


def _signed(request: HttpRequest, link: SignLink, token: str) -> HttpResponse:
    if link.used_at is None or timezone.now() - link.used_at > LOOK_BACK:
        return _gone(request)
    if not _proven(request, link):
        return _ask_digits(request, link)
    signature = link.document.signatures.filter(block=link.block).first()
    context = {
        "document": link.document,
        "files": _files(link, token) if signature else [],
        "signature": signature,
        "token": token,
        "verify_url": paper.verify_url(link.document),
        # On the engineer's phone the way back; his own log-in guards what lies there.
        "back": _back(link.document) if link.method == Method.HANDED_OVER else "",
    }
    return render(request, "documents/signed.html", context)


@dataclass(frozen=True, slots=True)
class LinkFile:
    """A file of a form, as the holder of a link gets it."""

    name: str
    size: int
    url: str


def _files(link: SignLink, token: str) -> list[LinkFile]:
    return [
        LinkFile(f["name"], f["size"], reverse("documents:link_file", args=[token, f["uid"]]))
        for f in link.document.data.get("files", ())
    ]


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
    if not alive or str(uid) not in {f["uid"] for f in link.document.data.get("files", ())}:
        raise Http404
    if not _proven(request, link):
        return redirect("documents:sign", token)
    return handed_out(get_object_or_404(Attachment, uid=uid))


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "documents/gone.html", status=410)


@login_not_required
@never_cache
@require_GET
def signed_copy(request: HttpRequest, token: str) -> HttpResponse | FileResponse:
    """The signer's copy, through his own link, for 30 days."""
    link = _link(token)
    if link.used_at is None or timezone.now() - link.used_at > LOOK_BACK:
        raise Http404
    if not _proven(request, link):
        return redirect("documents:sign", token)
    return _file(link.document)


def _device(request: HttpRequest) -> dict[str, Any]:
    return {
        "ip": client_ip(request),
        "user_agent": request.headers.get("User-Agent", ""),
    }


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
