"""Calendars and policies over the API: the same actions and permissions as on the pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from sla.deadlines import By, Scope, plan
from sla.models import Calendar, Policy
from sla.moving import spread
from tests.conftest import AT
from tests.customers.conftest import customer  # noqa: F401 - a fixture
from tests.sla.kinds import REPAIR
from tests.sla.test_calendars import WEEK, calendar  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

KIND = REPAIR.name
HOUR = timedelta(hours=1)
STEPS = [
    {"name": "half", "label": "过半", "share": 0.5, "to": ["owner"], "by": ["app"]},
    {"name": "missed", "label": "超时", "missed": True, "to": ["owner"], "by": ["app", "email"]},
    {"name": "later", "label": "一小时后", "offset": 3600, "to": ["manager"], "by": ["email"]},
]
OFFICE = {"code": "api", "name": "工作日", "zone": "Asia/Shanghai", "weekly": WEEK}


@pytest.fixture
def post(manager):
    def send(path, data=None, by=manager):
        api = APIClient()
        api.force_authenticate(by)
        return api.post(f"/api/v1/{path}", data or {}, format="json")

    return send


def test_a_calendar_is_made_and_changed(post):
    made = post("calendars/add", OFFICE)
    assert (made.status_code, made.json()["version_number"]) == (201, 1)
    url = f"calendars/{made.json()['uid']}"

    half = [WEEK[0][:1], *WEEK[1:]]
    changed = post(f"{url}/change", {"weekly": half, "note": "周一下午休息", "expected": 1})
    assert (changed.json()["version_number"], changed.json()["weekly"]) == (2, half)
    assert post(f"{url}/change", {"name": "x", "expected": 1}).status_code == 409

    post(f"{url}/set-days", {"days": {"2026-10-10": {"name": "调休", "windows": WEEK[0]}}})
    removed = post(f"{url}/remove-day", {"day": "2026-10-10"})
    assert (removed.json()["version_number"], removed.json()["days"]) == (4, {})
    assert post(f"{url}/remove-day", {"day": "2026-10-10"}).status_code == 409
    assert post(f"{url}/update-holidays").json()["days"] != {}


@pytest.mark.parametrize(
    "wrong", [{"weekly": [[]] * 6}, {"weekly": [[[0]]] * 7}, {"days": {"2026-10-01": {"x": 1}}}]
)
def test_a_bent_calendar_is_refused(wrong, post):
    assert post("calendars/add", {**OFFICE, **wrong}).status_code == 400
    assert not Calendar.objects.exists()


@pytest.fixture
def running(start, db):
    return start(kind=KIND, due_at=plan({KIND: By()}, Scope(), at=AT)[KIND])


def test_a_policy_is_previewed_made_and_followed(running, post):
    terms = {"kind": KIND, "name": "金牌", "target": "04:00:00", "steps": STEPS}
    preview = post("policies/preview-add", terms)
    assert preview.json() == {
        "follow": 1, "move": 1, "looked_at": 1, "earliest": "-1 04:00:00", "latest": "00:00:00",
    }  # fmt: skip
    assert not Policy.objects.exists()

    made = post("policies/add", {**terms, "spreads": True})
    assert made.status_code == 201
    assert [step["name"] for step in made.json()["steps"]] == ["half", "missed", "later"]
    assert spread(AT + HOUR) == 1
    running.refresh_from_db()
    assert running.due_at == AT + 4 * HOUR


def test_a_change_of_terms_is_previewed_and_leaves_alone_what_runs(running, post, customer):  # noqa: F811
    made = post("policies/add", {"kind": KIND, "name": "全部", "target": "08:00:00"}).json()
    assert made["customer"] is None
    url = f"policies/{made['uid']}"
    assert post(f"{url}/preview-change", {"target": "24:00:00"}).json()["move"] == 0
    assert post(f"{url}/preview-change", {"target": "02:00:00"}).json()["move"] == 1

    changed = post(f"{url}/change", {"target": "02:00:00", "expected": 1})

    assert (changed.json()["target"], changed.json()["version_number"]) == ("02:00:00", 2)
    assert post(f"{url}/change", {"target": "03:00:00", "expected": 1}).status_code == 409
    assert spread(AT + HOUR) == 0
    own = post("policies/add", {"kind": KIND, "name": "大兴", "customer": str(customer.uid)})
    assert own.json()["customer"] == str(customer.uid)


@pytest.mark.parametrize(
    "step", [{**STEPS[0], "to": []}, {**STEPS[0], "share": 2}, {**STEPS[1], "share": 0.5}]
)
def test_a_bent_step_is_refused(step, post):
    answer = post("policies/add", {"kind": KIND, "name": "x", "steps": [step]})
    assert answer.status_code == 400
    assert not Policy.objects.exists()


def test_who_may_not_change_them(post, calendar, dispatcher):  # noqa: F811
    policy = post("policies/add", {"kind": KIND, "name": "金牌"}).json()
    days = {"days": {"2026-10-10": {"name": "x"}}}
    for path, data in [
        ("calendars/add", OFFICE), (f"calendars/{calendar.uid}/change", {"name": "x"}),
        (f"calendars/{calendar.uid}/set-days", days),
        (f"calendars/{calendar.uid}/remove-day", {"day": "2026-10-10"}),
        (f"calendars/{calendar.uid}/update-holidays", {}),
        ("policies/add", {"kind": KIND, "name": "y"}),
        ("policies/preview-add", {"kind": KIND, "name": "y"}),
        (f"policies/{policy['uid']}/change", {"target": "01:00:00"}),
        (f"policies/{policy['uid']}/preview-change", {"target": "01:00:00"}),
    ]:  # fmt: skip
        assert post(path, data, by=dispatcher).status_code == 403, path
