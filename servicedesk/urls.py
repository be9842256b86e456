"""All pages and the API."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language

from accounts.urls import log_in_patterns

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("servicedesk.desk.urls")),
    # Also for those who cannot read the log-in page.
    path("i18n/setlang/", login_not_required(set_language), name="set_language"),
    path("log-in/", include(log_in_patterns)),
    path("accounts/", include("accounts.urls")),
    path("customers/", include("customers.urls")),
    path("deadlines/", include("sla.urls")),
    path("knowledge/", include("knowledge.urls")),
    path("tickets/", include("tickets.urls")),
    path("visits/", include("visits.urls")),
    path("documents/", include("servicedesk.core.urls")),
    path("phone/", include("servicedesk.core.phone_urls")),
    path("api/", include("servicedesk.api_urls")),
]

if settings.DEBUG:
    from servicedesk.core import styleguide

    urlpatterns.append(path("styleguide/", styleguide.page))
