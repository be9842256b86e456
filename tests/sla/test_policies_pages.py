"""Policies: versions, refusals, the preview of what would move, the pages and who may open them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from rest_framework.test import APIClient

from customers import actions as customer_actions
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from servicedesk.core.events import subject_key
from sla import actions
from sla.actions.policies import movement_of
from sla.choices import choices, in_use
from sla.deadlines import By, Scope, plan
from sla.kinds import Step
from sla.models import Escalation, Policy, PolicyVersion
from sla.views.explain import explained
from sla.wording import sentences
from tests.conftest import AT
from tests.customers.conftest import browser, customer, product  # noqa: F401 - fixtures
from tests.journal import journal
from tests.sla.test_calendars import calendar  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

KIND = "ticket.resolution"
HOUR = timedelta(hours=1)
MISSED = Step("missed", "超时", to=("owner",), missed=True)


def policy(by=SYSTEM, **fields) -> Policy:
    actor = by if by is SYSTEM else by.as_actor()
    return actions.create_policy(**{"kind": KIND, "name": "金牌", "at": AT, "by": actor, **fields})


def test_a_policy_is_made_with_its_first_version(manager, customer):  # noqa: F811
    made = policy(by=manager, customer=customer, target=4 * HOUR, note="合同约定")

    made.refresh_from_db()
    assert (made.current.number, made.current.target, made.current.made_by) == (1, 4 * HOUR, "陈静")
    assert journal(made) == [("policy.created", AT, "陈静")]


def test_new_terms_are_a_new_version_and_the_rest_stays(manager):
    made = policy(target=4 * HOUR, longest_pause=HOUR, steps=[MISSED])
    actions.change_policy(made, target=2 * HOUR, spreads=True, at=AT, by=manager.as_actor())

    first, second = PolicyVersion.objects.order_by("number")
    assert (first.target, first.spreads) == (4 * HOUR, False)
    assert (second.target, second.longest_pause, second.spreads) == (2 * HOUR, HOUR, True)
    assert second.steps == first.steps
    assert journal(made)[-1] == ("policy.changed", AT, "陈静")
    actions.change_policy(made, target=2 * HOUR, at=AT, by=manager.as_actor())
    assert PolicyVersion.objects.count() == 2


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "x"}, "kind"), ({"name": ""}, "name"), ({"target": timedelta(0)}, "target"),
        ({"target": timedelta(days=900)}, "target"), ({"longest_pause": -HOUR}, "longest_pause"),
        ({"steps": [Step("a", "a", share=0.5)]}, "steps"),
        ({"steps": [MISSED, MISSED]}, "steps"),
        ({"steps": [Step(f"s{n}", "a", share=0.5) for n in range(13)]}, "steps"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_policy_is_refused(wrong, field):
    with pytest.raises(Refused) as refused:
        policy(**wrong)
    assert refused.value.field == field
    assert not Policy.objects.exists()


def test_a_calendar_with_too_few_hours_or_out_of_use_is_refused(calendar):  # noqa: F811
    few = actions.create_calendar(
        code="few", name="少", zone="UTC", weekly=[[[0, 60]], *([[]] * 6)], at=AT, by=SYSTEM
    )
    with pytest.raises(Refused) as refused:
        policy(target=100 * HOUR, calendar=few)
    assert refused.value.field == "calendar"
    actions.retire_calendar(calendar, at=AT, by=SYSTEM)
    with pytest.raises(Refused) as refused:
        policy(calendar=calendar)
    assert refused.value.field == "calendar"


def test_two_policies_of_the_same_conditions_are_refused_where_they_agree(customer, product):  # noqa: F811
    for conditions, field in [
        ({}, "kind"), ({"urgent": True}, "urgent"), ({"product": product}, "product"),
        ({"customer": customer, "urgent": False}, "customer"),
    ]:  # fmt: skip
        first = policy(**conditions)
        with pytest.raises(Refused) as refused:
            policy(**conditions)
        assert refused.value.field == field
        actions.retire_policy(first, at=AT, by=SYSTEM)
        policy(**conditions)


def test_a_contract_belongs_to_the_customer(customer):  # noqa: F811
    other = customer_actions.create_customer(name="别家", at=AT, by=SYSTEM)
    contract = customer_actions.create_contract(
        customer=other, number="HT-1", title="维保", starts_on=date(2026, 1, 1), at=AT, by=SYSTEM
    )
    with pytest.raises(Refused) as refused:
        policy(customer=customer, contract=contract)
    assert refused.value.field == "contract"


@pytest.mark.parametrize(
    "change",
    [
        lambda p, by: actions.create_policy(kind=KIND, name="x", urgent=True, at=AT, by=by),
        lambda p, by: actions.change_policy(p, target=HOUR, at=AT, by=by),
        lambda p, by: actions.retire_policy(p, at=AT, by=by),
    ],
)
def test_dispatchers_change_no_policy(change, dispatcher):
    with pytest.raises(PermissionDenied):
        change(policy(), dispatcher.as_actor())


@pytest.fixture
def running(start, db):
    """A running resolution of 24 hours."""
    due = plan({KIND: By()}, Scope(), at=AT)[KIND]
    return start(kind=KIND, due_at=due)


def test_the_preview_counts_what_would_move_and_leaves_nothing(running):
    found = movement_of(lambda: policy(target=4 * HOUR))

    assert (found.follow, found.move, found.earliest, found.latest) == (
        1, 1, -20 * HOUR, timedelta(0),
    )  # fmt: skip
    assert not Policy.objects.exists()
    same = movement_of(lambda: policy(target=24 * HOUR))
    assert (same.follow, same.move) == (1, 0)


def test_which_one_applies_and_why_the_others_do_not(customer, manager):  # noqa: F811
    contract = customer_actions.create_contract(
        customer=customer, number="HT-1", title="维保", starts_on=date(2027, 1, 1), at=AT, by=SYSTEM
    )
    general, own = policy(name="全部"), policy(name="大兴", customer=customer)
    policy(name="合同", contract=contract)
    policy(name="紧急", urgent=True)
    found = choices(
        in_use(manager.as_actor()), customer=customer, product=None, urgent=False, at=AT
    )

    [choice] = [c for c in found if c.kind.name == KIND]
    assert choice.policy == own
    reasons = {p.name: why for p, why in choice.others}
    assert reasons.keys() == {"全部", "合同", "紧急"}
    assert "大兴" in reasons[general.name]
    assert "HT-1" in reasons["合同"]


def test_a_ladder_is_said_in_plain_words():
    half = Step("half", "", share=0.5, by=("app",))
    assert sentences([MISSED, half])[0] == "用去一半时间：告知负责人（系统内）"


# --- Pages --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "role", ["helpdesk", "engineer", "dispatcher", "manager", "admin", "business"]
)
def test_who_may_open_the_pages(role, request):
    made = policy()
    client = browser(request.getfixturevalue(role))
    expected = 200 if role in {"manager", "admin"} else 403
    urls = [
        reverse("sla:policies"), reverse("sla:policies") + "?asked=1&day=2026-03-02",
        reverse("sla:policy_new", args=[KIND]), reverse("sla:policy", args=[made.uid]),
        reverse("sla:policy_edit", args=[made.uid]),
    ]  # fmt: skip
    for url in urls:
        assert client.get(url).status_code == expected


def test_an_unknown_kind_is_404(manager):
    assert browser(manager).get(reverse("sla:policy_new", args=["x"])).status_code == 404


ROWS = {
    "steps-TOTAL_FORMS": "3", "steps-INITIAL_FORMS": "0",
    "steps-0-when": "share", "steps-0-amount": "50", "steps-0-to": ["owner"], "steps-0-by": ["app"],
    "steps-1-when": "due", "steps-1-to": ["owner", "supervisor"], "steps-1-by": ["app", "email"],
    "steps-1-stops": "on",
}  # fmt: skip
GIVEN = {"name": "金牌", "target_hours": "4", "own_steps": "on", "stage": "preview", **ROWS}


def test_a_policy_is_previewed_and_then_saved(running, manager):
    client, url = browser(manager), reverse("sla:policy_new", args=[KIND])
    preview = client.post(url, GIVEN)

    assert preview.status_code == 200
    assert preview.context["movement"].move == 1
    assert "用去一半时间：告知负责人（系统内）" in preview.content.decode()
    assert not Policy.objects.exists()

    again = client.post(url, {**GIVEN, "stage": "edit"})
    assert 'value="金牌"' in again.content.decode()

    kept: dict[str, list[str]] = {}
    for name, value in preview.context["kept"]:
        kept.setdefault(name, []).append(value)
    answer = client.post(url, {**kept, "stage": "save", "spreads": "yes"})
    made = Policy.objects.get()
    assert answer.url == made.get_absolute_url()
    assert (made.current.target, made.current.spreads) == (4 * HOUR, True)
    assert [(s["name"], s["share"], s["stops"]) for s in made.current.steps] == [
        ("share-50", 0.5, False), ("missed", 1.0, True),
    ]  # fmt: skip


def test_a_policy_is_changed_on_the_page(manager):
    made = policy(target=4 * HOUR)
    client, url = browser(manager), reverse("sla:policy_edit", args=[made.uid])
    page = client.get(url)
    assert page.context["form"].initial["target_hours"] == 4

    given = {**GIVEN, "target_hours": "6", "stage": "save", "expected": "1"}
    client.post(url, given)
    made.refresh_from_db()
    assert (made.current.number, made.current.target, made.current.spreads) == (2, 6 * HOUR, False)
    # On an older version: refused, nothing lost.
    late = client.post(url, {**given, "target_hours": "7"})
    assert late.status_code == 422
    assert PolicyVersion.objects.count() == 2


@pytest.mark.parametrize(
    ("wrong", "field"), [({"target_hours": "99999"}, "target_hours"), ({"name": ""}, "name")]
)
def test_a_refused_policy_is_refused_at_its_field(wrong, field, manager):
    answer = browser(manager).post(reverse("sla:policy_new", args=[KIND]), {**GIVEN, **wrong})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors


def test_the_same_conditions_are_refused_before_the_preview(customer, manager):  # noqa: F811
    policy(customer=customer)
    answer = browser(manager).post(
        reverse("sla:policy_new", args=[KIND]), {**GIVEN, "customer": str(customer.uid)}
    )
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"customer"}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"steps-0-amount": "150"}, "amount"), ({"steps-0-to": []}, "to"), ({"steps-0-by": []}, "by"),
     ({"steps-0-when": "after", "steps-0-amount": ""}, "amount")],
)  # fmt: skip
def test_a_bent_row_is_refused_at_its_field(wrong, field, manager):
    answer = browser(manager).post(reverse("sla:policy_new", args=[KIND]), {**GIVEN, **wrong})
    assert answer.status_code == 422
    assert field in answer.context["rows"][0].errors


def test_a_retired_policy_is_not_chosen_any_more(manager):
    made = policy(target=4 * HOUR)
    browser(manager).post(reverse("sla:policy_retire", args=[made.uid]))

    assert plan({KIND: By()}, Scope(), at=AT)[KIND].terms is None
    assert browser(manager).get(made.get_absolute_url()).status_code == 200


def test_the_deadline_panel_leads_managers_to_the_policy(start, subject, manager, engineer):
    made = policy(target=4 * HOUR)
    start(kind=KIND, due_at=plan({KIND: By()}, Scope(), at=AT)[KIND])

    [block] = explained(subject_key(subject), manager.as_actor())
    assert (block.policy, block.policy_url) == ("金牌 v1", made.get_absolute_url())
    [block] = explained(subject_key(subject), engineer.as_actor())
    assert block.policy_url == ""


def test_the_page_costs_the_same_with_more_policies(
    manager,
    customer,  # noqa: F811
    django_assert_max_num_queries,
):
    client, url = browser(manager), reverse("sla:policies")

    def cost() -> int:
        with django_assert_max_num_queries(16) as counted:
            assert client.get(url).status_code == 200
        return len(counted)

    policy(customer=customer)
    cost()
    first = cost()
    for number in range(5):
        other = customer_actions.create_customer(name=f"客户{number}", at=AT, by=SYSTEM)
        policy(name=f"{number}", customer=other)
    assert cost() == first


def test_calendars_and_policies_over_the_api(calendar, manager, engineer):  # noqa: F811
    made = policy(calendar=calendar, target=4 * HOUR)
    api = APIClient()
    api.force_authenticate(engineer)
    [row] = api.get("/api/v1/policies").json()["results"]
    assert (row["kind"], row["target"], row["calendar"]) == (KIND, "04:00:00", str(calendar.uid))
    [row] = api.get("/api/v1/calendars").json()["results"]
    assert (row["code"], row["version_number"], row["days"]) == ("office", 1, {})
    assert api.post(f"/api/v1/policies/{made.uid}/retire").status_code == 403
    api.force_authenticate(manager)
    day = {"2026-10-01": {"name": "国庆节", "windows": []}}
    url = f"/api/v1/calendars/{calendar.uid}"
    answer = api.post(f"{url}/set-days", {"days": day}, format="json")
    assert answer.json()["days"] == day
    assert api.post(f"{url}/retire").status_code == 409
    assert api.post(f"/api/v1/policies/{made.uid}/retire").status_code == 200
    assert api.post(f"{url}/retire").json()["is_active"] is False


def test_an_escalation_has_the_label_of_its_policys_step(start):
    policy(target=4 * HOUR, steps=[MISSED, Step("share-30", "三成", share=0.3)])
    made = start(kind=KIND, due_at=plan({KIND: By()}, Scope(), at=AT)[KIND])

    escalation = Escalation(deadline=made, step="share-30")
    assert escalation.step_label == "三成"
    assert str(Escalation(deadline=made, step="manager").step_label) == "已超时一小时"


def test_rows_are_added_and_removed_and_nothing_typed_is_lost(manager):
    client, url = browser(manager), reverse("sla:policy_new", args=[KIND])
    bent = {**GIVEN, "name": "", "steps-0-amount": "500"}

    added = client.post(url, {**bent, "rows": "add"})
    assert added.status_code == 200
    assert len(added.context["rows"].forms) == 4
    assert 'value="500"' in added.content.decode()
    assert "field-errors" not in added.content.decode()

    gone = client.post(url, {**GIVEN, "rows": "remove-0"})
    assert [row["when"].value() for row in gone.context["rows"]] == ["due", None]
    assert gone.context["form"]["name"].value() == "金牌"
    assert gone.context["words"] == [
        "到期时：告知负责人、主管（系统内、邮件）；记为超时；有人确认后不再继续升级"
    ]
