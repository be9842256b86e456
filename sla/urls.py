from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from sla import views

app_name = "sla"

# /deadlines/
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.due, name="due"),
    path("escalations/", views.escalations, name="escalations"),
    path("escalations/<uuid:uid>/acknowledge/", views.acknowledge, name="acknowledge"),
]
