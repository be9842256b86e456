from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from sla.views import calendars, due, explain, policies

app_name = "sla"

# /deadlines/
urlpatterns: list[URLPattern | URLResolver] = [
    path("", due.due, name="due"),
    path("escalations/", due.escalations, name="escalations"),
    path("escalations/<uuid:uid>/acknowledge/", due.acknowledge, name="acknowledge"),
    path("<uuid:uid>/", explain.explain, name="explain"),
    path("calendars/", calendars.calendars, name="calendars"),
    path("calendars/new/", calendars.new, name="calendar_new"),
    path("calendars/<uuid:uid>/", calendars.calendar, name="calendar"),
    path("calendars/<uuid:uid>/edit/", calendars.edit, name="calendar_edit"),
    path("calendars/<uuid:uid>/days/", calendars.days, name="calendar_days"),
    path("calendars/<uuid:uid>/days/remove/", calendars.remove, name="calendar_day_remove"),
    path("calendars/<uuid:uid>/import/", calendars.upload, name="calendar_import"),
    path("calendars/<uuid:uid>/import/do/", calendars.import_days, name="calendar_import_do"),
    path("calendars/<uuid:uid>/holidays/", calendars.holidays, name="calendar_holidays"),
    path("calendars/<uuid:uid>/retire/", calendars.retire, name="calendar_retire"),
    path("policies/", policies.policies, name="policies"),
    path("policies/new/<str:kind>/", policies.new, name="policy_new"),
    path("policies/<uuid:uid>/", policies.policy, name="policy"),
    path("policies/<uuid:uid>/edit/", policies.edit, name="policy_edit"),
    path("policies/<uuid:uid>/retire/", policies.retire, name="policy_retire"),
]
