"""Where this app shows itself: navigation."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.queries import unread_count
from servicedesk.core.panels import Nav, nav

nav(
    Nav(
        key="people", label=_("People and access"), icon="users-group", url_name="accounts:users",
        permission="accounts.manage", section=_("Administration"), order=96,
    )
)  # fmt: skip
nav(
    Nav(
        key="notifications", label=_("Notifications"), icon="bell",
        url_name="accounts:notifications", permission="", section="bar", order=97,
        badge=unread_count,
    )
)  # fmt: skip
nav(
    Nav(
        key="profile", label=_("Me"), icon="user-circle", url_name="accounts:profile",
        permission="", section="phone", order=98,
    )
)  # fmt: skip
