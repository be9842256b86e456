from __future__ import annotations

from django.urls import path

from servicedesk.desk.managers import now, pages, records, service_level

# /managers/, in the namespace `desk`
urlpatterns = [
    path("", pages.first, name="managers"),
    path("now/", now.page, name="managers_now"),
    path("now/live/", now.live, name="managers_now_live"),
    path("now/<str:kind>/<str:figure>/", now.list_page, name="managers_now_list"),
    path("records/", records.page, name="managers_records"),
    path("service-level/", service_level.page, name="managers_service_level"),
]
