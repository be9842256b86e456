from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User


def page(user: User, url: str, data: dict[str, Any]) -> Any:
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser.post(url, data)


def htmx(user: User, url: str, data: dict[str, Any]) -> Any:
    browser = Client(headers={"HX-Request": "true"})
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser.post(url, data)


def api(user: User, url: str, data: dict[str, Any]) -> Any:
    browser = APIClient()
    browser.force_authenticate(user)
    has_file = any(hasattr(value, "read") for value in data.values())
    return browser.post(url, data, format="multipart" if has_file else "json")


@pytest.fixture
def doors() -> dict[str, Callable[[User, Any, str, dict[str, Any]], Any]]:
    """Each calls an action on a ticket: `doors["page"](user, ticket, "resolve", data)`."""

    def at(door: Callable[..., Any], prefix: str, dash: bool) -> Callable[..., Any]:
        def call(user: User, ticket: Any, verb: str, data: dict[str, Any]) -> Any:
            if dash:
                return door(user, f"{prefix}{ticket.number}/{verb.replace('_', '-')}", data)
            return door(user, f"{prefix}{ticket.number}/{verb}/", data)

        return call

    return {
        "page": at(page, "/tickets/", False),
        "htmx": at(htmx, "/tickets/", False),
        "api": at(api, "/api/v1/tickets/", True),
    }


@pytest.fixture
def browse() -> Callable[[User], Client]:
    def log_in(user: User, **headers: str) -> Client:
        browser = Client(headers=headers)
        browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return browser

    return log_in


@pytest.fixture
def api_of() -> Callable[[User], APIClient]:
    def log_in(user: User) -> APIClient:
        client = APIClient()
        client.force_authenticate(user)
        return client

    return log_in
