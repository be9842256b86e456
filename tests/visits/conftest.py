"""The doors of a visit: the page and the API, each with its own log-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import User
from visits.models import VisitOrder

Door = Callable[[User, VisitOrder, str, dict[str, Any]], Any]


def page(user: User, visit: VisitOrder, verb: str, data: dict[str, Any]) -> Any:
    client = Client()
    client.force_login(user)
    return client.post(reverse("visits:act", args=[visit.number, verb]), data)


def api(user: User, visit: VisitOrder, verb: str, data: dict[str, Any]) -> Any:
    client = APIClient()
    client.force_login(user)
    form = "multipart" if verb == "attach" else "json"
    return client.post(f"/api/v1/visits/{visit.number}/{verb.replace('_', '-')}", data, format=form)


@pytest.fixture
def doors() -> dict[str, Door]:
    return {"page": page, "api": api}


@pytest.fixture
def logged_in() -> Callable[[User], Client]:
    def log_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return log_in
