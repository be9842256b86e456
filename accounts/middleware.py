"""How long a session lives, whose language a page speaks, and what comes before the desk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.adapters import lacks_second_factor
from accounts.models import User
from servicedesk.core.http import client_ip, json_problem, speaks_json

SINCE, SEEN = "since", "seen"
# What the page asks for by itself says so, lest an open tab keep its session alive for ever.
BACKGROUND = "X-Background"
# The time of the last use is kept to the minute: most requests write nothing.
GRAIN = 60

GetResponse = Callable[[HttpRequest], HttpResponse]


def stamp_session(request: HttpRequest, **kwargs: Any) -> None:
    """On log-in (see apps.py). A session without these stamps is not accepted."""
    request.session[SINCE] = request.session[SEEN] = int(timezone.now().timestamp())


class SessionLimits:
    """A session ends 12 hours after the log-in, and 2 hours after it was last used."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = int(timezone.now().timestamp())
            since, seen = request.session.get(SINCE, 0), request.session.get(SEEN, 0)
            if (
                now - since >= settings.SESSION_COOKIE_AGE
                or now - seen >= settings.SESSION_IDLE_AGE
            ):
                UserSession.objects.filter(session_key=request.session.session_key).delete()
                logout(request)
                messages.info(request, _("Your session has ended. Please log in again."))
            elif now - seen >= GRAIN and BACKGROUND not in request.headers:
                request.session[SEEN] = now
                UserSession.objects.filter(session_key=request.session.session_key).update(
                    last_seen_at=timezone.now(),
                    ip=client_ip(request),
                    user_agent=request.headers.get("User-Agent", "")[:200],
                )
        return self.get_response(request)


class OwnLanguage:
    """A person reads the language of the account, unless this browser was told another one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if isinstance(user, User) and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            translation.activate(user.language)
            request.LANGUAGE_CODE = user.language
        return self.get_response(request)


def _log_in_first(where: str) -> HttpResponse:
    """For the phone's script: a redirect would be followed, and its page taken for the answer."""
    return json_problem("login", 401, _("Please log in."), login=resolve_url(where))


class LogInRequired(LoginRequiredMiddleware):
    """As Django's, for parts of pages, too: a log-in page must not be put into a table cell."""

    def handle_no_permission(  # type: ignore[override]  # the stubs know of redirects only
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        if speaks_json(view_func):
            return _log_in_first(settings.LOGIN_URL)
        if "HX-Request" in request.headers:
            headers = {} if BACKGROUND in request.headers else {"HX-Refresh": "true"}
            return HttpResponse(status=204, headers=headers)
        if request.method not in {"GET", "HEAD"}:
            # Coming back by GET to an address that takes POST only would be an error.
            return HttpResponseRedirect(resolve_url(settings.LOGIN_URL))
        return super().handle_no_permission(request, view_func)


class SecondFactorRequired:
    """Whose role demands a second factor sets it up first: until then no other page answers.

    The API asks the same of a session (`accounts.backends.SessionAuthentication`).
    """

    OPEN = frozenset(
        {"mfa_activate_totp", "account_reauthenticate", "account_logout", "set_language"}
    )

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        public = not getattr(view, "login_required", True)
        missing = not public and lacks_second_factor(request)
        # The page where it is set up shows no way to others then.
        request.second_factor_missing = missing  # type: ignore[attr-defined]
        match = request.resolver_match
        if not missing or (match is not None and match.view_name in self.OPEN):
            return None
        if speaks_json(view):
            return _log_in_first("mfa_activate_totp")
        here = resolve_url("mfa_activate_totp")
        if "HX-Request" in request.headers:
            headers = {} if BACKGROUND in request.headers else {"HX-Redirect": here}
            return HttpResponse(status=204, headers=headers)
        return HttpResponseRedirect(here)
