"""What all pages share: the actor on the request, and where a refusal is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.forms import Form
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    JsonResponse,
    QueryDict,
)
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import is_valid_path
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.views.csrf import csrf_failure as django_csrf_failure
from django.views.defaults import bad_request
from django_htmx.middleware import HtmxDetails

from servicedesk.core.actors import ANONYMOUS, Actor
from servicedesk.core.errors import Refused
from servicedesk.core.forms import ActionForm
from servicedesk.core.panels import navigation

API = "/api/"


class DeskRequest(HttpRequest):
    actor: Actor
    htmx: HtmxDetails


def actor_of(user: Any) -> Actor:
    actor: Actor = user.as_actor() if user.is_authenticated else ANONYMOUS
    return actor


def client_ip(request: HttpRequest) -> str:
    """The address of the browser. A proxy that we trust adds it last to X-Forwarded-For."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.TRUSTED_PROXY else ""
    # On a Unix socket there is no address: the peer is this machine.
    ip: str = forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")
    return ip or "127.0.0.1"


class ActorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = SimpleLazyObject(lambda: actor_of(request.user))  # type: ignore[attr-defined]
        return self.get_response(request)


class TextMiddleware:
    """U+0000 is in no text of ours, and PostgreSQL takes it in none: 400, wherever it came in.

    It stands before whatever looks a session up; the language of its answer is known by then.
    The bodies of the API are read by their own parser (`core.parsers`).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        texts = [request.path_info, *request.headers.values(), *request.COOKIES.values()]
        if any("\0" in text for text in texts) or _has_null(request.GET):
            return _not_understood(request)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        """Only here: a body that is too large is refused by what stands inside."""
        if request.path_info.startswith(API) or not _has_null(request.POST):
            return None
        return _not_understood(request)


def _has_null(sent: QueryDict) -> bool:
    return any("\0" in text for name, texts in sent.lists() for text in (name, *texts))


def _not_understood(request: HttpRequest) -> HttpResponse:
    match = request.resolver_match
    if request.path_info.startswith(API) or (match is not None and speaks_json(match.func)):
        return json_problem("parse-error", 400, _("A text holds a character that is none."))
    return bad_request(request, SuspiciousOperation())


def speaks_json(view: Any) -> bool:
    """The phone's own script asks there: it reads JSON, never a page."""
    return bool(getattr(view, "speaks_json", False))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A page says it as a page; the phone's script fetches a fresh token and asks again."""
    match = request.resolver_match
    if match is None or not speaks_json(match.func):
        return django_csrf_failure(request, reason)
    return json_problem("csrf", 403, _("The page is too old. Please load it again."))


def json_problem(code: str, status: int, detail: str, **extra: Any) -> JsonResponse:
    """An error after RFC 9457 outside of the API."""
    body = {
        "type": f"urn:servicedesk:problem:{code}",
        "title": code.replace("-", " "),
        "status": status,
        "detail": detail,
        "code": code,
        **extra,
    }
    return JsonResponse(body, status=status, content_type="application/problem+json")


class RefusalMiddleware:
    """What no form can show becomes a page that says it.

    That is a refusal that no form caught (409), and the address of an act that somebody only looks
    at (405): it was reloaded, or opened from the browser's history.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and request.method == "GET":
            context = {"back": page_above(request.path)}
            response.content = render_to_string("405.html", context, request).encode()
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refused):
            return None
        context = {"refusal": exception, "back": page_above(request.path)}
        return render(request, "errors/refused.html", context, status=409)


def page_above(path: str) -> str:
    """The nearest address above: the record that an act belongs to."""
    parts = path.strip("/").split("/")[:-1]
    while parts:
        above = f"/{'/'.join(parts)}/"
        if is_valid_path(above):
            return above
        parts.pop()
    return "/"


@contextmanager
def refusals_on(form: Form) -> Iterator[None]:
    """Show a refusal where the person looks: on the form that was sent."""
    try:
        yield
    except Refused as refusal:
        field = refusal.field if refusal.field in form.fields else None
        form.add_error(field, str(refusal.message))


def perform(
    request: DeskRequest, form: Form, verb: Callable[..., Any], *subject: Any, **extra: Any
) -> Any:
    """Call `verb(*subject, **cleaned_data, at=now, by=actor)`; the page door of every action.

    Returns what the action returns, or None when the form is invalid or the action refuses;
    then the form carries the errors. A form may bring its own `at`.
    """
    return carry_out(form, verb, *subject, at=timezone.now(), by=request.actor, **extra)


def carry_out(
    form: Form,
    verb: Callable[..., Any],
    *subject: Any,
    at: datetime,
    by: Actor,
    **extra: Any,
) -> Any:
    """The same for whoever is no request: what a phone sends happened at another moment."""
    if not form.is_valid():
        return None
    with refusals_on(form):
        return verb(*subject, **({"at": at} | form.cleaned_data | extra), by=by)
    return None


def show_form(
    request: DeskRequest,
    action: ActionForm,
    *,
    eyebrow: str,
    back: str,
    target: str = "",
    status: int = 200,
) -> HttpResponse:
    """The form of one act: for a dialog (htmx), or as a page of its own.

    target: what htmx replaces with the answer; "" loads anew.
    """
    context: dict[str, Any] = {"action": action}
    if request.htmx and not request.htmx.boosted:
        template = "components/action_form.html"
        context["target"] = target
    else:
        template = "action.html"
        context |= {"eyebrow": eyebrow, "back": back}
    return render(request, template, context, status=status)


def layout(request: HttpRequest) -> dict[str, Any]:
    """Context of every full page. Lazy: a fragment that shows no navigation pays nothing."""

    def entries() -> list[Any]:
        actor: Actor = request.actor  # type: ignore[attr-defined]
        return navigation(request, actor) if actor.kind != "anonymous" else []

    return {
        "navigation": SimpleLazyObject(entries),
        "actor": getattr(request, "actor", ANONYMOUS),
        "company_name": settings.COMPANY_NAME,
        "service_phone": settings.SERVICE_PHONE,
    }
