"""A customer with two stores, and a helpdesk person who takes calls."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.conftest import AT
from tests.tickets.calls.factories import make_shop
from tickets.actions import tickets
from tickets.actions.calls import end_call
from tickets.actions.messages import take_message
from tickets.actions.promises import make_promise
from tickets.actions.referrals import add_target

NEED = "收银台刷会员卡不积分，重启过一次没有用"


@pytest.fixture
def shop(db):
    return make_shop()


@pytest.fixture
def referral(helpdesk):
    return add_target(
        topic="收银机硬件", name="海信商用", phone="400-611-1111", at=AT, by=helpdesk.as_actor()
    )


@pytest.fixture
def open_ticket(shop, engineer, helpdesk):
    """The store called before; the engineer works on it."""
    ticket = tickets.open_ticket(
        title="会员卡不积分", need="刷卡不积分", customer=shop.customer, store=shop.store,
        contact=shop.contact, installation=shop.installation, no_wish=True, owner=helpdesk,
        at=AT - timedelta(hours=1), by=helpdesk.as_actor(),
    )  # fmt: skip
    tickets.assign(ticket, assignee=engineer, at=AT - timedelta(minutes=50), by=helpdesk.as_actor())
    return ticket


@pytest.fixture
def said(request, shop, engineer, other_helpdesk, referral):
    """What was said on the telephone, complete for each outcome; `at` is AT."""

    def make(outcome: str, at=AT) -> dict[str, Any]:
        caller = {
            "answered_at": at - timedelta(minutes=3),
            "caller_number": "13800138001",
            "caller_name": "李红梅",
            "salutation": "李店长",
            "need": NEED,
        }
        fault = {
            "store": shop.store, "contact": shop.contact, "installation": shop.installation,
        }  # fmt: skip
        due = at + timedelta(hours=2)
        own: dict[str, dict[str, Any]] = {
            "solved": fault | {"solution": "重新登录积分服务"},
            "ticket": fault | {"no_wish": True, "read_back": True},
            "visit": fault | {"expected_at": due, "read_back": True},
            "message": {"to_user": engineer, "call_back_by": due},
            "promise": {"promise_owner": other_helpdesk, "promise_due_at": due},
            "referral": {"referral": referral},
        }
        if outcome == "wrong_number":
            return {"answered_at": at, "outcome": outcome}
        if outcome == "existing":
            ticket = request.getfixturevalue("open_ticket")
            own["existing"] = {"ticket": ticket, "read_back": True}
        return caller | own[outcome] | {"outcome": outcome}

    return make


@pytest.fixture
def call_of(said, helpdesk):
    """A call with the outcome, as it was taken at AT."""

    def make(outcome: str, *, at=AT, **more: Any):
        return end_call(**said(outcome, at) | more, at=at, by=helpdesk.as_actor())

    return make


@pytest.fixture
def message(shop, engineer, helpdesk):
    """Taken by the helpdesk for the engineer, to be answered within two hours."""
    return take_message(
        to_user=engineer, caller_name="李红梅", caller_number="13800138001", text="请回电",
        call_back_by=AT + timedelta(hours=2), store=shop.store, at=AT, by=helpdesk.as_actor(),
    )  # fmt: skip


@pytest.fixture
def promise(shop, engineer, helpdesk):
    """The engineer owes an answer within two hours."""
    return make_promise(
        owner=engineer, caller_name="李红梅", caller_number="13800138001",
        question="积分有效期能改吗", due_at=AT + timedelta(hours=2), store=shop.store, at=AT,
        by=helpdesk.as_actor(),
    )  # fmt: skip


@pytest.fixture
def typed(request, shop, engineer, other_helpdesk, referral):
    """The same as `said`, as a browser sends it now."""

    def make(outcome: str) -> dict[str, str]:
        caller = {
            "answered_at": f"{timezone.localtime() - timedelta(minutes=3):%Y-%m-%dT%H:%M}",
            "caller_number": "13800138001",
            "caller_name": "李红梅",
            "salutation": "李店长",
            "need": NEED,
            "outcome": outcome,
        }
        fault = {
            "store": str(shop.store.uid),
            "contact": str(shop.contact.uid),
            "installation": str(shop.installation.uid),
        }
        own: dict[str, dict[str, str]] = {
            "solved": fault | {"solution": "重新登录积分服务"},
            "ticket": fault | {"expected_at_choice": "none", "read_back": "on"},
            "visit": fault | {"expected_at_choice": "24h", "read_back": "on"},
            "message": {"to_user": str(engineer.uid), "call_back_by_choice": "1h"},
            "promise": {
                "promise_owner": str(other_helpdesk.uid), "promise_due_at_choice": "30m",
            },
            "referral": {"referral": str(referral.uid)},
            "wrong_number": {"need": ""},
        }  # fmt: skip
        if outcome == "existing":
            ticket = request.getfixturevalue("open_ticket")
            own["existing"] = {
                "store": str(shop.store.uid), "ticket": str(ticket.uid), "read_back": "on",
            }  # fmt: skip
        return caller | own[outcome]

    return make


@pytest.fixture
def desk(client, helpdesk):
    """A browser of the helpdesk person."""
    client.force_login(helpdesk, backend="django.contrib.auth.backends.ModelBackend")
    return client
