from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from servicedesk.core.http import DeskRequest


@require_GET
def home(request: DeskRequest) -> HttpResponse:
    return render(request, "desk/home.html")


@require_GET
def search(request: DeskRequest) -> HttpResponse:
    return render(request, "desk/search.html")


@require_GET
@login_not_required
def healthz(request: DeskRequest) -> HttpResponse:
    """The process lives and answers; says nothing else."""
    return HttpResponse("ok", content_type="text/plain")
