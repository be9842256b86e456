"""The page “Service level”: how well the promised times are kept."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from django.shortcuts import render

from servicedesk.core.http import DeskRequest
from servicedesk.desk.managers.pages import filters_of, frame, managers_page


@managers_page
def page(request: DeskRequest) -> HttpResponseBase:
    filters = filters_of(request)
    return render(request, "managers/service_level.html", frame(request, filters))
