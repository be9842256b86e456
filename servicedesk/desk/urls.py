from __future__ import annotations

from django.urls import include, path

from servicedesk.desk import pwa, views
from servicedesk.desk.managers import wall

app_name = "desk"

# /
urlpatterns = [
    path("", views.home, name="home"),
    path("search/", views.search, name="search"),
    path("managers/", include("servicedesk.desk.managers.urls")),
    path("wall/<str:token>/", wall.page, name="wall"),
    path("wall/<str:token>/live/", wall.live, name="wall_live"),
    path("outbox/", views.outbox, name="outbox"),
    path("outbox/<uuid:uid>/replay/", views.replay, name="replay"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("sw.js", pwa.service_worker, name="service_worker"),
    path("manifest.webmanifest", pwa.manifest, name="manifest"),
    path("phone/shell/", pwa.shell, name="shell"),
    path("phone/queue/", pwa.queue, name="queue"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
]
