"""Where allauth asks us."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from accounts import actions
from accounts.models import User
from accounts.queries import has_second_factor
from servicedesk.core.http import client_ip

View = Callable[..., HttpResponse]
SETTING_UP = frozenset({"mfa_activate_totp", "mfa_view_recovery_codes"})


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages: ClassVar[dict[str, Any]] = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _("The log-in name or the password is not right."),
        "incorrect_password": _("The password is not right."),
        "enter_current_password": _("The password is not right."),
        "incorrect_code": _("The code is not right. Each one is valid for 30 seconds, and once."),
        "too_many_login_attempts": _("Too many failed attempts. Try again in 15 minutes."),
        "rate_limited": _("Too many failed attempts. Try again in 15 minutes."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts are made by an administrator."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """`next` leads to this host only, whatever else ALLOWED_HOSTS lists."""
        request = context.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """axes counts failures in the database; allauth's counter would need Redis."""
        self._login_failed_rl_usage = None

    def _rollback_login_failed_rl_usage(self) -> None:
        """Nothing was counted; see `pre_authenticate`."""

    def clean_password(self, password: str, user: User | None = None) -> str:
        if found := actions.weaknesses(password, user or User()):
            raise ValidationError(found)
        return password

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Who has just logged in sets the second factor up without being asked again."""
        match = context.request.resolver_match
        if match is not None and match.view_name in SETTING_UP and _is_fresh(context.request):
            return False
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def set_password(self, user: User, password: str) -> None:
        person = User.objects.get(pk=user.pk)  # `user` is the request's lazy stand-in
        actions.change_password(person, password=password, at=timezone.now(), by=person.as_actor())

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_login")


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages: ClassVar[dict[str, Any]] = (
        DefaultMFAAdapter.error_messages
        | {
            "incorrect_code": AccountAdapter.error_messages["incorrect_code"],
            "cannot_delete_authenticator": _("Your role needs the second factor."),
        }
    )  # fmt: skip

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return not authenticator.user.needs_second_factor

    def get_totp_issuer(self) -> str:
        return str(settings.COMPANY_NAME)

    def get_totp_label(self, user: User) -> str:
        return user.username


def lacks_second_factor(request: HttpRequest) -> bool:
    """Whether the role demands a second factor and the person has none.

    A session that began with one needs no look-up: whoever takes it away ends the sessions.
    """
    user = request.user
    if not isinstance(user, User) or not user.needs_second_factor:
        return False
    records = get_authentication_records(request, user)
    return all(record["method"] != "mfa" for record in records) and not has_second_factor(user)


def _is_fresh(request: HttpRequest) -> bool:
    """Did the person prove who it is a short while ago?"""
    records = get_authentication_records(request, request.user)
    timeout = settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    return bool(records) and time.time() - records[-1]["at"] < timeout


def fresh_log_in(view: View) -> View:
    """Ask for the password again before somebody is given power, if the log-in is old.

    A form that was sent too late is lost: unlike allauth's decorator this one keeps nothing
    of it, for a new password would lie in the session in the clear.
    """

    @wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if _is_fresh(request):
            return view(request, *args, **kwargs)
        method = get_account_adapter(request).get_reauthentication_methods(request.user)[0]
        here = request.path
        if request.method == "POST":
            here = urlsplit(request.headers.get("Referer", "")).path or "/"
        return HttpResponseRedirect(f"{method['url']}?{urlencode({'next': here})}")

    return run
