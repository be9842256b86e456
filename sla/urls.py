from __future__ import annotations

from django.urls import URLPattern, URLResolver

app_name = "sla"

# /sla/
urlpatterns: list[URLPattern | URLResolver] = []
