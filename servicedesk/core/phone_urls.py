from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from servicedesk.core import phone_views as views

app_name = "phone"

# /phone/
urlpatterns: list[URLPattern | URLResolver] = [
    path("commands/", views.commands, name="commands"),
    path("commands/<uuid:op_id>/", views.command, name="command"),
    path("commands/<uuid:op_id>/retry/", views.retry, name="retry"),
    path("commands/<uuid:op_id>/discard/", views.discard, name="discard"),
    path("pack/", views.pack, name="pack"),
    path("papers/", views.paper, name="paper"),
    path("uploads/", views.uploads, name="uploads"),
    path("uploads/<uuid:uid>/", views.upload, name="upload"),
    path("ping/", views.ping, name="ping"),
    path("sync/", views.sync, name="sync"),
]
