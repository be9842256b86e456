"""What all managers' pages share: the door, the tabs, the frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from servicedesk.core.http import DeskRequest
from servicedesk.desk.managers.filters import ManagerFilter

TABS = (
    (_("The desk now"), "desk:managers_now"),
    (_("Service level"), "desk:managers_service_level"),
    (_("Visits"), "desk:managers_visits"),
    (_("Handbook"), "desk:managers_handbook"),
    (_("Monthly reports"), "desk:managers_reports"),
)
Page = Callable[..., HttpResponseBase]


def managers_page(view: Page) -> Page:
    """GET only, and only for those who hold `managers.see`."""

    @require_GET
    @wraps(view)
    def guarded(request: DeskRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.actor.may("managers.see"):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def filters_of(request: DeskRequest) -> ManagerFilter:
    return ManagerFilter(request.GET, by=request.actor, today=timezone.localdate())


def frame(request: DeskRequest, filters: ManagerFilter) -> dict[str, Any]:
    """The context of `managers/base.html`."""
    return {"tabs": tabs(request, filters), "filters": filters, "here": request.path}


def tabs(request: DeskRequest, filters: ManagerFilter) -> list[tuple[Any, str, bool]]:
    """Each keeps the filters of the page it is left from."""
    places = [(label, reverse(name)) for label, name in TABS]
    return [(label, url + filters.own_query, request.path.startswith(url)) for label, url in places]


@managers_page
def first(request: DeskRequest) -> HttpResponse:
    """`/managers/`: the first tab."""
    return redirect(tabs(request, filters_of(request))[0][1])
