"""The bare views that pages are measured against, beside the real addresses."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import path

from servicedesk.urls import urlpatterns as real

# What each floor reads or writes: name → statements with their parameters, set by the benchmark.
STATEMENTS: dict[str, list[tuple[str, Any]]] = {}
# What each plain page shows: name → its records, set by the benchmark.
RECORDS: dict[str, Callable[[], dict[str, Any]]] = {}

PAGE = """{% extends "base_desk.html" %}{% block content %}
{% if ticket %}<h1>{{ ticket.number }} {{ ticket.title }}</h1><p>{{ ticket.need }}</p>
<p>{{ ticket.status }} {{ ticket.store.name }} {{ ticket.customer.name }} {{ ticket.owner.name }}
{{ ticket.assignee.name }} {{ ticket.due_at }} {{ ticket.received_at }} {{ ticket.category.name }}
{{ ticket.product.name }}</p>{% endif %}
<table>{% for t in tickets %}<tr><td>{{ t.number }}</td><td>{{ t.title }}</td><td>{{ t.status }}</td>
<td>{{ t.is_urgent }}</td><td>{{ t.is_complaint }}</td><td>{{ t.due_at }}</td>
<td>{{ t.received_at }}</td><td>{{ t.store.name }}</td><td>{{ t.customer.name }}</td>
<td>{{ t.assignee.name }}</td><td>{{ t.owner.name }}</td></tr>{% endfor %}</table>
<ul>{% for d in deadlines %}<li>{{ d.kind }} {{ d.status }} {{ d.due_at }}</li>{% endfor %}</ul>
<ul>{% for e in entries %}<li>{{ e.type }} {{ e.at }} {{ e.actor_label }} {{ e.data }}</li>{% endfor %}</ul>
{% endblock %}"""


def bare(request: HttpRequest, name: str) -> JsonResponse:
    """Log-in, the statements, JSON: no records, no layout, no rule."""
    if not request.user.is_authenticated:
        raise PermissionDenied
    rows: list[Any] = []
    with transaction.atomic(), connection.cursor() as cursor:
        for sql, params in STATEMENTS[name]:
            cursor.execute(sql, params)
            if cursor.description:
                rows = cursor.fetchall()
    return JsonResponse({"rows": rows}, json_dumps_params={"default": str})


def plain(request: HttpRequest, name: str) -> HttpResponse:
    """The page somebody writes in five minutes: the same records, as text, in the same layout."""
    return HttpResponse(_page().render(RECORDS[name](), request))


@cache
def _page() -> Any:
    return engines["django"].from_string(PAGE)


urlpatterns = [
    *real,
    path("floor/bare/<slug:name>/", bare),
    path("floor/plain/<slug:name>/", plain),
]
