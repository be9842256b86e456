from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User

PASSWORD = "parol-parol-1"


def log_in(user: User, *, password: str = PASSWORD, ip: str = "10.0.0.1", **extra) -> Client:
    """A browser in which the person has logged in by the page."""
    client = Client(REMOTE_ADDR=ip, **extra)
    response = client.post("/log-in/", {"login": user.username, "password": password})
    assert response.status_code == 302, response.content.decode()
    return client


@pytest.fixture
def desk(admin):
    """The administrator's browser."""
    return log_in(admin)
