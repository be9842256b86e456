from __future__ import annotations

from django.urls import include, path

from servicedesk.desk import views
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
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
]
