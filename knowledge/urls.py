from __future__ import annotations

from django.urls import URLPattern, URLResolver

app_name = "knowledge"

# /knowledge/
urlpatterns: list[URLPattern | URLResolver] = []
