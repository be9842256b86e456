"""Log-in, log-out, password, second factor and sessions, by allauth."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("allauth.urls"))]
