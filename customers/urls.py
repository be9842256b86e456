from __future__ import annotations

from django.urls import URLPattern, URLResolver

app_name = "customers"

# /customers/
urlpatterns: list[URLPattern | URLResolver] = []
