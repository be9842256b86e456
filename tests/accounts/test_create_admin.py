from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from tests.accounts.conftest import log_in
from tests.journal import journal

pytestmark = pytest.mark.django_db


def create(monkeypatch, password: str, username: str = "Chef") -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    call_command("create_admin", username=username, name="主任", password_stdin=True)


def test_the_first_administrator_can_log_in_and_work(monkeypatch):
    create(monkeypatch, "eine-lange-losung")

    user = User.objects.get()
    assert (user.username, user.role) == ("chef", "administrator")
    assert journal(user)[0][0::2] == ("user.created", "System")
    desk = log_in(user, password="eine-lange-losung")
    assert desk.get("/accounts/people/").status_code == 200


@pytest.mark.parametrize("password", ["", "short", "qwerty123456"])
def test_a_weak_password_is_refused(monkeypatch, password):
    with pytest.raises(CommandError):
        create(monkeypatch, password)

    assert User.objects.get_queryset().count() == 0


def test_a_taken_name_is_refused(monkeypatch, admin):
    with pytest.raises(CommandError):
        create(monkeypatch, "eine-lange-losung", username="guanli")
