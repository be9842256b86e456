from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied

from accounts import actions
from accounts.models import Notification
from tests.accounts.conftest import log_in
from tests.conftest import AT

pytestmark = pytest.mark.django_db

PAGE = "/accounts/notifications/"


def tell(*users, key="k", **extra):
    actions.notify(users, f"消息 {key}", dedup_key=key, at=AT, **extra)


def test_the_same_thing_is_told_once(engineer, dispatcher):
    tell(engineer)
    tell(engineer, dispatcher)

    assert Notification.objects.count() == 2


def test_the_bell_counts_what_is_unread(engineer):
    for number in range(3):
        tell(engineer, key=str(number))
    client = log_in(engineer)
    assert "3<span" in client.get(f"{PAGE}badge/").content.decode()

    uid = engineer.notifications.first().uid
    client.post(f"{PAGE}{uid}/read/")

    assert "2<span" in client.get(f"{PAGE}badge/").content.decode()


def test_the_bell_of_nothing_shows_nothing(engineer):
    page = log_in(engineer).get(f"{PAGE}badge/").content.decode()

    assert "bell-badge" not in page
    assert 'hx-trigger="every 30s"' in page


def test_the_bell_costs_the_same_however_much_there_is(engineer, django_assert_num_queries):
    client = log_in(engineer)
    for number in range(30):
        tell(engineer, key=str(number))

    with django_assert_num_queries(3):  # session, person, number
        client.get(f"{PAGE}badge/")


def test_reading_leads_to_the_matter_and_keeps_the_first_moment(engineer):
    tell(engineer, url="/accounts/me/")
    row = engineer.notifications.get()
    client = log_in(engineer)

    assert client.post(f"{PAGE}{row.uid}/read/")["Location"] == "/accounts/me/"
    row.refresh_from_db()
    first = row.read_at
    actions.read_notification(row, at=first + timedelta(days=1), by=engineer.as_actor())

    row.refresh_from_db()
    assert row.read_at == first


def test_a_notification_leads_nowhere_else(engineer):
    tell(engineer, url="https://evil.example/")
    row = engineer.notifications.get()

    assert log_in(engineer).post(f"{PAGE}{row.uid}/read/")["Location"] == PAGE


def test_all_are_marked_at_once_and_only_the_own_ones(engineer, dispatcher):
    for number in range(3):
        tell(engineer, dispatcher, key=str(number))

    log_in(engineer).post(f"{PAGE}read/")

    assert engineer.notifications.unread().count() == 0
    assert dispatcher.notifications.unread().count() == 3


def test_a_foreign_notification_does_not_exist(engineer, dispatcher):
    tell(dispatcher)
    row = dispatcher.notifications.get()
    client = log_in(engineer)

    assert client.post(f"{PAGE}{row.uid}/read/").status_code == 404
    assert row.text not in client.get(PAGE).content.decode()
    with pytest.raises(PermissionDenied):
        actions.read_notification(row, at=AT, by=engineer.as_actor())


def test_the_list_shows_the_newest_first_and_can_leave_out_what_was_read(engineer):
    tell(engineer, key="old")
    tell(engineer, key="new", urgent=True)
    client = log_in(engineer)
    rows = client.get(PAGE).context["page"].rows
    assert [row.text for row in rows] == ["消息 new", "消息 old"]
    client.post(f"{PAGE}{rows[1].uid}/read/")

    assert [r.text for r in client.get(f"{PAGE}?unread").context["page"].rows] == ["消息 new"]
    assert "紧急" in client.get(PAGE).content.decode()
