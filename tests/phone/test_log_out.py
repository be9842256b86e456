"""Who logs out leaves what his phone still holds; without its script the server says so."""

from __future__ import annotations

import uuid

import pytest

pytestmark = pytest.mark.django_db
AGENT = {"User-Agent": "Handy"}


@pytest.fixture
def holding(phone):
    body = {
        "device": str(uuid.uuid4()),
        "unsent": 3,
        "oldest_at": None,
        "clock_offset_ms": 0,
        "app": "x",
    }
    assert phone.post("/phone/sync/", body, headers=AGENT).status_code == 200
    return phone.client


def logged_in(client):
    return client.get("/visits/today/").status_code == 200


def test_logging_out_over_unsent_work_is_refused(holding):
    answer = holding.post("/log-in/out/", headers=AGENT)

    assert answer.status_code == 409
    assert "3 条" in answer.text
    assert logged_in(holding)


def test_the_page_says_it_before(holding):
    assert "3 条" in holding.get("/log-in/out/", headers=AGENT).text
    assert "3 条" not in holding.get("/log-in/out/", headers={"User-Agent": "Desk"}).text


def test_who_has_read_it_logs_out(holding):
    assert holding.post("/log-in/out/", {"checked": "1"}, headers=AGENT).status_code == 302
    assert not logged_in(holding)


def test_another_browser_of_his_holds_nothing(holding):
    assert holding.post("/log-in/out/", headers={"User-Agent": "Desk"}).status_code == 302
    assert not logged_in(holding)


def test_with_everything_sent_nobody_is_asked(phone):
    body = {
        "device": str(phone.device),
        "unsent": 0,
        "oldest_at": None,
        "clock_offset_ms": 0,
        "app": "",
    }
    phone.post("/phone/sync/", body, headers=AGENT)

    assert phone.client.post("/log-in/out/", headers=AGENT).status_code == 302
