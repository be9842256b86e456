"""API log-in by token: `Authorization: Bearer sd_<prefix>_<secret>`."""

from __future__ import annotations

from secrets import compare_digest

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.actions import note_token_use
from accounts.models import Token, User
from accounts.queries import token_named
from servicedesk.core.models import token_hash


class TokenAuthentication(BaseAuthentication):
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
