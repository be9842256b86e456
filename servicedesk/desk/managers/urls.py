from __future__ import annotations

from django.urls import path

from servicedesk.desk.managers import pages, service_level

# /managers/, in the namespace `desk`
urlpatterns = [
    path("", pages.first, name="managers"),
    path("service-level/", service_level.page, name="managers_service_level"),
]
