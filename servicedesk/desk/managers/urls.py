from __future__ import annotations

from django.urls import path

from servicedesk.desk.managers import (
    handbook,
    now,
    pages,
    records,
    reports,
    service_level,
    visits,
    wall,
)

# /managers/, in the namespace `desk`
urlpatterns = [
    path("", pages.first, name="managers"),
    path("handbook/", handbook.page, name="managers_handbook"),
    path("handbook/<str:rule_id>/", handbook.rule_page, name="managers_rule"),
    path("now/", now.page, name="managers_now"),
    path("now/live/", now.live, name="managers_now_live"),
    path("now/<str:kind>/<str:figure>/", now.list_page, name="managers_now_list"),
    path("records/", records.page, name="managers_records"),
    path("reports/", reports.page, name="managers_reports"),
    path("reports/<uuid:uid>/retry/", reports.retry, name="retry_report"),
    path("reports/rows/", reports.rows, name="managers_report_rows"),
    path("service-level/", service_level.page, name="managers_service_level"),
    path("walls/", wall.walls, name="managers_walls"),
    path("walls/<uuid:uid>/revoke/", wall.revoke, name="revoke_wall"),
    path("visits/", visits.page, name="managers_visits"),
    path("visits/<str:figure>/", visits.list_page, name="managers_visits_list"),
]
