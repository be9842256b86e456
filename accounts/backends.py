"""Who may come in: the API by token, and how often a password may be wrong."""

from __future__ import annotations

from secrets import compare_digest
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import authentication
from rest_framework.authentication import get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts.actions import note_token_use
from accounts.adapters import lacks_second_factor
from accounts.models import Token, User
from accounts.queries import token_named
from servicedesk.core.models import token_hash


class LogInLimits(AxesDatabaseHandler):  # type: ignore[misc]
    """Two limits: for one name from one address, and for an address, whatever the names.

    What is tried during a lock is not counted, so one person's typing never reaches the second
    limit. A log-in forgives the failures of its own name alone: otherwise an attacker with one
    account would have as many tries at the others as he liked.
    """

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        failures: int = super().get_failures(request, credentials)
        since = get_cool_off_threshold(request)
        of_address = AccessAttempt.objects.filter(
            ip_address=request.axes_ip_address,  # type: ignore[attr-defined]
            attempt_time__gte=since,
        ).aggregate(sum=Sum("failures_since_start"))["sum"]
        if (of_address or 0) >= settings.LOGIN_FAILURES_OF_ADDRESS:
            # axes compares with this limit only; to reach it is to be locked.
            return max(failures, settings.AXES_FAILURE_LIMIT)
        return failures


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session, unless its person must set up the second factor first."""

    def authenticate(self, request: Request) -> Any:
        found = super().authenticate(request)
        if found is not None and lacks_second_factor(request._request):
            raise PermissionDenied(_("Set up your second factor first."))
        return found


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer sd_<prefix>_<secret>`."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        scheme, _space, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = self._valid_token(text.strip())
        if token is None:
            # Unknown, wrong, expired, revoked or left: one answer for all.
            raise AuthenticationFailed(_("This token is not valid."))
        note_token_use(token, at=timezone.now())
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _valid_token(self, text: str) -> Token | None:
        start, _sign, rest = text.partition("_")
        prefix, _sign, secret = rest.partition("_")
        token = token_named(prefix) if start == "sd" and len(prefix) == 8 else None
        if token is None or not compare_digest(token.secret_sha256, token_hash(secret)):
            return None
        alive = token.revoked_at is None and token.expires_at > timezone.now()
        return token if alive and token.user.is_active else None
