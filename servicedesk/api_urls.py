"""/api/v1/ — each app registers its resources; the document is at /api/schema/."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.routers import SimpleRouter

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
for label in ("accounts", "customers", "sla", "knowledge", "tickets", "visits"):
    assert label in settings.FIRST_PARTY_APPS
    import_module(f"{label}.api").register(router)

urlpatterns = [
    path("v1/", include(router.urls)),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="api-docs"),
]
