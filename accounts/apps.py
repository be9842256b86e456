from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.core import checks
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from accounts.middleware import stamp_session

        user_logged_in.connect(stamp_session, dispatch_uid="accounts.stamp_session")
        checks.register(known_roles_need_the_second_factor)


def known_roles_need_the_second_factor(**kwargs: Any) -> list[checks.CheckMessage]:
    """A misspelt role would quietly need none."""
    from accounts.roles import Role

    known = sorted(set(Role.values) - {Role.CLIENT.value})
    unknown = sorted(set(settings.MFA_REQUIRED_ROLES) - set(known))
    if not unknown:
        return []
    return [
        checks.Error(
            f"MFA_REQUIRED_ROLES names {', '.join(unknown)}, which is no role that logs in.",
            hint=f"The roles are {', '.join(known)}.",
            id="accounts.E001",
        )
    ]
