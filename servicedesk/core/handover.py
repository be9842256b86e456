"""The engineer's phone in the customer's hand (L1): until his PIN, the session is not his.

From `begin` on the session is in hand-over mode: whatever is asked for, the server shows the form
that is to be signed, and takes nothing but the customer's answer. No token leaves the server, so
there is nothing that could be opened elsewhere. The engineer ends it by the PIN of his account;
after five wrong tries he is logged out, and his password counts.

The middleware also marks each browser in which somebody of the house was logged in: a customer's
own link (L2) is not accepted there, lest the one who made it signs it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from servicedesk.core import documents
from servicedesk.core.actors import ANONYMOUS
from servicedesk.core.documents import Method
from servicedesk.core.http import DeskRequest, client_ip
from servicedesk.core.models import Document, SignLink, token_hash

KEY = "handed_over"
# What answers in hand-over mode: the form's own addresses.
OPEN = frozenset({
    "documents:handed_over", "documents:handed_over_file", "documents:take_back",
    "documents:next_signer",
    # Nobody's: what a browser fetches by itself to start without a network.
    "desk:service_worker", "desk:manifest", "desk:shell",
})  # fmt: skip
# Read by js/handed-over-early.js: a page from the browser's own memory goes back to the form.
MODE_COOKIE = "handed-over"
PREFIX = "__Host-" if settings.HTTPS else ""
HOUSE_COOKIE = f"{PREFIX}house"
YEAR = 365 * 24 * 60 * 60


def begin(
    request: DeskRequest,
    document: Document,
    *,
    block: str,
    back: str,
    signer_name: str = "",
    contact_id: int | None = None,
) -> HttpResponse:
    """Hand the phone over: the form alone from now on. `back`: where the PIN leads to."""
    if not pin_of(request):
        messages.warning(
            request, _("First set the PIN by which you get your phone back from the customer.")
        )
        return redirect(f"{reverse('accounts:profile')}#pin")
    request.session[KEY] = {
        "link": _link(request, document, block, signer_name, contact_id).pk,
        "back": back,
    }
    response = redirect("documents:handed_over")
    response.set_cookie(MODE_COOKIE, "1", samesite="Lax", secure=settings.HTTPS)
    return response


def _link(
    request: DeskRequest, document: Document, block: str, signer_name: str, contact_id: int | None
) -> SignLink:
    person: Any = request.user
    token = documents.make_link(
        document,
        block=block,
        method=Method.HANDED_OVER,
        signer_name=signer_name,
        contact_id=contact_id,
        at=timezone.now(),
        by=person.as_actor(),
        **device(request),
    )
    return SignLink.objects.get(token_sha256=token_hash(token))


def next_signer(request: DeskRequest, former: SignLink, block: str) -> None:
    """The phone goes on to the next person who signs the same sheet."""
    link = _link(request, former.document, block, "", None)
    # Another signature gives no other tries at the PIN.
    former.refresh_from_db(fields=["tries_left"])
    SignLink.objects.filter(pk=link.pk).update(tries_left=former.tries_left)
    request.session[KEY] = {**request.session[KEY], "link": link.pk}


def current(request: HttpRequest) -> SignLink | None:
    """What the phone was handed over for; None: it was not."""
    state = request.session.get(KEY)
    if state is None:
        return None
    return SignLink.objects.select_related("document").filter(pk=state["link"]).first()


def end(request: HttpRequest) -> HttpResponse:
    """The engineer has his phone again."""
    state = request.session.pop(KEY)
    response = HttpResponseRedirect(state["back"])
    response.delete_cookie(MODE_COOKIE, samesite="Lax")
    return response


def pin_of(request: HttpRequest) -> str:
    """The hash of the PIN of the account that is logged in; the account itself is not ours."""
    return str(getattr(request.user, "pin", ""))


def pin_check(request: HttpRequest, device: UUID) -> dict[str, Any] | None:
    """By which this one phone knows the PIN without us: salt, rounds, and a digest of its own.

    Neither the PIN nor the account's hash goes out; None: there is no PIN.
    """
    parts = pin_of(request).split("$")
    if len(parts) != 4 or parts[0] != "pbkdf2_sha256":
        return None
    _algorithm, rounds, salt, digest = parts
    own = hashlib.sha256(f"{digest}{device}".encode()).hexdigest()
    return {"rounds": int(rounds), "salt": salt, "digest": own}


def of_the_house(request: HttpRequest) -> bool:
    """Somebody of the house is, or was, logged in with this browser."""
    return bool(request.user.is_authenticated) or HOUSE_COOKIE in request.COOKIES


def device(request: HttpRequest) -> dict[str, Any]:
    return {
        "ip": client_ip(request),
        "user_agent": request.headers.get("User-Agent", ""),
    }


class HandOverMode:
    """Nothing but the form while the phone is in the customer's hand."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        logged_in = bool(request.user.is_authenticated)
        if logged_in and KEY in request.session:
            # Whoever holds the phone is not the colleague whose session it is.
            request.actor = ANONYMOUS  # type: ignore[attr-defined]
            if _name(request) not in OPEN:
                return _back_to_the_form(request)
        response = self.get_response(request)
        if MODE_COOKIE in request.COOKIES and KEY not in request.session:
            response.delete_cookie(MODE_COOKIE, samesite="Lax")
        if logged_in and HOUSE_COOKIE not in request.COOKIES:
            response.set_cookie(
                HOUSE_COOKIE, "1", max_age=YEAR, httponly=True, samesite="Lax",
                secure=settings.HTTPS,
            )  # fmt: skip
        return response


def _name(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""


def _back_to_the_form(request: HttpRequest) -> HttpResponse:
    here = reverse("documents:handed_over")
    if "HX-Request" in request.headers:
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": here})
    if request.method in {"GET", "HEAD"} and not request.path.startswith("/api/"):
        return HttpResponseRedirect(here)
    # Not refused for good: what a phone sends by itself waits until it is the engineer's again.
    body = {
        "type": "urn:servicedesk:problem:handed-over",
        "title": "handed over",
        "status": int(HTTPStatus.LOCKED),
        "detail": _("This phone is handed over to a customer. The PIN ends that."),
    }
    return JsonResponse(body, status=body["status"], content_type="application/problem+json")
