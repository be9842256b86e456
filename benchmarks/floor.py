"""The bare views that pages are measured against, beside the real addresses."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import path

from servicedesk.urls import urlpatterns as real

# What each floor reads or writes: name → statements with their parameters, set by the benchmark.
STATEMENTS: dict[str, list[tuple[str, Any]]] = {}

PAGE = """{% extends "base_desk.html" %}{% block content %}<table>{% for row in rows %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>{% endblock %}"""


def run(name: str) -> list[Any]:
    rows: list[Any] = []
    with connection.cursor() as cursor:
        for sql, params in STATEMENTS[name]:
            cursor.execute(sql, params)
            if cursor.description:
                rows = cursor.fetchall()
    return rows


def bare(request: HttpRequest, name: str) -> JsonResponse:
    """Log-in, the statements, JSON: no layout, no form, no rule."""
    if not request.user.is_authenticated:
        raise PermissionError
    with transaction.atomic():
        rows = run(name)
    return JsonResponse({"rows": rows}, json_dumps_params={"default": str})


def framed(request: HttpRequest, name: str) -> HttpResponse:
    """The same inside the layout with its navigation, which every page has to pay for."""
    template = engines["django"].from_string(PAGE)
    return HttpResponse(template.render({"rows": run(name)}, request))


urlpatterns = [
    *real,
    path("floor/bare/<slug:name>/", bare),
    path("floor/framed/<slug:name>/", framed),
]
