"""The intake screen: found callers, the draft, refusals at their fields (CALL-2, CALL-8, CALL-9)."""

from __future__ import annotations

import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from customers.actions import create_contact
from servicedesk.core.actors import SYSTEM
from tests.conftest import AT
from tests.tickets.calls.factories import make_article
from tickets.actions.calls import keep_draft
from tickets.models import Call, CallbackPromise, CallDraft, Ticket

INTAKE = reverse("tickets:intake")
OUTCOMES = [
    "solved", "ticket", "visit", "message", "promise", "referral", "wrong_number", "existing",
]  # fmt: skip


def page_of(client, url=INTAKE):
    return client.get(url).content.decode()


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_can_be_sent_from_the_page(outcome, desk, typed):
    response = desk.post(INTAKE, typed(outcome))

    assert response.status_code == 302, response.content.decode()
    call = Call.objects.get()
    assert call.outcome == outcome
    assert response.url == reverse("tickets:call_done", args=[call.number])
    page = page_of(desk, response.url)
    assert call.number in page
    assert "再见" in page


def test_the_screen_greets_with_company_and_name(desk, settings):
    page = page_of(desk)

    assert f"这里是{settings.COMPANY_NAME}，我是何雪" in page


def test_no_wish_is_an_answer_and_a_quick_time_another(desk, typed):
    desk.post(INTAKE, typed("ticket"))
    desk.post(INTAKE, typed("ticket") | {"expected_at_choice": "2h"})

    quick, none = Ticket.objects.order_by("-pk")
    assert (none.no_wish, none.expected_at) == (True, None)
    assert quick.no_wish is False
    assert 110 <= (quick.expected_at - timezone.now()).total_seconds() / 60 <= 120


def test_all_that_is_missing_is_said_at_once_and_everything_is_kept(desk, typed):
    data = typed("visit") | {
        "expected_at_choice": "", "read_back": "", "installation": "", "urgency_reason": "",
        "is_urgent": "on", "title": "刷卡无反应",
    }  # fmt: skip
    response = desk.post(INTAKE, data)

    page = response.content.decode()
    assert response.status_code == 422
    for message in [
        "请询问客户希望何时解决",
        "请向客户复述核对",
        "请确认客户使用的产品",
        "请填写紧急原因",
    ]:
        assert message in page
    assert not Call.objects.exists()
    for kept in ["刷卡无反应", data["need"], "李店长"]:
        assert kept in page
        assert kept in page_of(desk), "after a reload"


BAD = [
    ("caller_number", "not a number"), ("caller_number", "1" * 31), ("caller_number", "1\n2"),
    ("caller_name", "x" * 61), ("caller_name", "李\n红"), ("salutation", "x" * 31),
    ("answered_at", "yesterday"), ("answered_at", ""), ("answered_at", "2126-01-01T00:00"),
    ("ring_count", "many"), ("ring_count", "-1"), ("ring_count", "100"),
    ("store", "no-uid"), ("store", "00000000-0000-7000-8000-000000000000"), ("store", "'"),
    ("contact", "no-uid"), ("contact", "00000000-0000-7000-8000-000000000000"),
    ("installation", "no-uid"), ("installation", "00000000-0000-7000-8000-000000000000"),
    ("product", "no-uid"), ("category", "no-uid"),
    ("need", "x" * 4001), ("title", "a\nb"), ("title", "x" * 121),
    ("urgency_reason", "x" * 201), ("outcome", "hung_up"), ("outcome", ""),
    ("expected_at_choice", "never"), ("assignee", "no-uid"), ("intake_key", "no-uid"),
    ("new_store_name", "x" * 121), ("new_store_address", "x" * 201),
    ("new_store_customer", "no-uid"), ("new_customer_name", "x" * 121),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD)
def test_bad_input_is_refused_and_kept(field, value, desk, typed):
    response = desk.post(INTAKE, typed("ticket") | {field: value})

    assert response.status_code == 422
    assert "data-form-errors" in response.content.decode()
    assert not Call.objects.exists()


BAD_OF_OTHERS = [
    ("solved", "solution", "x" * 4001), ("solved", "solution", " "),
    ("solved", "article", "no-uid"),
    ("visit", "visit_reason", "x" * 1001), ("visit", "expected_at_choice", "time"),
    ("message", "to_user", "no-uid"), ("message", "call_back_by_choice", ""),
    ("promise", "promise_owner", "no-uid"), ("promise", "promise_due_at_choice", "x"),
    ("referral", "referral", "no-uid"), ("referral", "new_referral_topic", "x" * 61),
    ("existing", "ticket", ""), ("existing", "ticket", "no-uid"), ("existing", "ticket", "'"),
    ("existing", "read_back", ""), ("existing", "caller_name", ""), ("existing", "need", ""),
    ("referral", "new_referral_name", "x" * 81), ("referral", "new_referral_phone", "1" * 31),
]  # fmt: skip


@pytest.mark.parametrize(("outcome", "field", "value"), BAD_OF_OTHERS)
def test_bad_input_of_the_other_outcomes(outcome, field, value, desk, typed):
    response = desk.post(INTAKE, typed(outcome) | {field: value})

    assert response.status_code == 422
    assert not Call.objects.exists()


LEFT_BEHIND = [
    {"promise_due_at_choice": "time", "promise_due_at_time": ""},
    {"promise_due_at_choice": "time", "promise_due_at_time": "9999-01-01T00:00"},
    {"expected_at_choice": "time", "expected_at_time": "yesterday"},
    {"promise_owner": "no-uid", "referral": "no-uid", "ticket": "no-uid"},
    {"new_referral_name": "x" * 81, "visit_reason": "x" * 1001, "solution": "x" * 4001},
]


@pytest.mark.parametrize("left", LEFT_BEHIND)
def test_what_was_typed_for_another_outcome_says_nothing(left, desk, typed):
    response = desk.post(INTAKE, typed("message") | left)

    assert response.status_code == 302
    assert Call.objects.get().outcome == "message"


def test_a_time_typed_before_a_quick_one_was_chosen_says_nothing(desk, typed):
    data = typed("promise") | {
        "promise_due_at_choice": "1h", "promise_due_at_time": "9999-01-01T00:00",
    }  # fmt: skip
    assert desk.post(INTAKE, data).status_code == 302

    due = CallbackPromise.objects.get().due_at
    assert 50 <= (due - timezone.now()).total_seconds() / 60 <= 60


def test_an_exact_time_that_is_chosen_must_be_a_time(desk, typed):
    for moment in ("", "9999-01-01T00:00", "yesterday"):
        data = {"promise_due_at_choice": "time", "promise_due_at_time": moment}
        assert desk.post(INTAKE, typed("promise") | data).status_code == 422, moment


def test_the_number_of_rings_is_asked_for_plainly(desk, typed):
    for count in ("many", "-1", "100"):
        page = desk.post(INTAKE, typed("ticket") | {"ring_count": count}).text

        assert page.count("响铃次数请填 0 到 99 的数字，不清楚可以留空。") >= 1, count
        assert "请确认该值" not in page


def test_an_installation_of_another_store_is_no_choice(desk, typed, shop):
    response = desk.post(INTAKE, typed("ticket") | {"store": str(shop.other_store.uid)})

    assert response.status_code == 422
    assert not Call.objects.exists()


def test_a_second_click_leads_to_the_same_call(desk, typed):
    data = typed("ticket") | {"intake_key": str(uuid.uuid4())}

    first, second = desk.post(INTAKE, data), desk.post(INTAKE, data)

    assert first.url == second.url
    assert Call.objects.count() == 1


# --- Finding the caller --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("caller_number=8001", ["李红梅", "百惠超市大兴店"]),
        ("caller_number=6120", ["百惠超市大兴店"]),
        ("find=bhcs", ["百惠超市大兴店", "百惠超市望京店"]),
        ("find=BH-001", ["百惠超市大兴店"]),
        ("find=大兴", ["百惠超市大兴店"]),
        ("find=红梅", ["李红梅"]),
        ("caller_number=80", []),
        ("find=%20", []),
        ("caller_number=%27", []),
    ],
)
def test_the_caller_is_found_while_one_types(query, found, desk, shop):
    page = page_of(desk, f"{reverse('tickets:intake_callers')}?{query}")

    assert all(name in page for name in found)
    assert ("match" in page) == bool(found)


@pytest.mark.parametrize("query", ["caller_number=13999990000", "find=没有这家店", "find=%3Cb%3E"])
def test_who_is_not_found_is_said_with_what_to_do_next(query, desk, shop):
    page = page_of(desk, f"{reverse('tickets:intake_callers')}?{query}")

    assert "没有找到" in page
    assert "data-new-store" in page
    assert "<b>”" not in page


@pytest.mark.parametrize("query", ["caller_number=13", "find=", "find=大兴"])
def test_nothing_is_missed_before_one_has_typed_or_when_somebody_is_found(query, desk, shop):
    page = page_of(desk, f"{reverse('tickets:intake_callers')}?{query}")

    assert "没有找到" not in page


def test_who_may_not_make_a_store_is_not_asked_to(client, engineer, shop):
    client.force_login(engineer, backend="django.contrib.auth.backends.ModelBackend")
    page = page_of(client, f"{reverse('tickets:intake_callers')}?find=没有这家店")

    assert "没有找到" in page
    assert "data-new-store" not in page


def test_a_contact_that_is_picked_fills_in_what_is_known(desk, shop):
    response = desk.post(
        reverse("tickets:intake_pick"),
        {"caller_number": "8001", "pick": f"contact:{shop.contact.uid}", "need": "不积分"},
        headers={"HX-Request": "true"},
    )

    page = response.content.decode()
    assert response.status_code == 200
    for known in ["李红梅", "李店长", "13800138001", "百惠超市大兴店", "积分产品 4.2", "兴华大街"]:
        assert known in page
    assert 'hx-swap-oob="true"' in page
    assert "不积分" in page_of(desk), "what was typed before stays"


def test_open_tickets_and_last_calls_of_the_store_stand_beside(desk, shop, call_of):
    ticket = call_of("ticket").ticket
    response = desk.post(
        reverse("tickets:intake_pick"), {"pick": f"store:{shop.store.uid}"},
        headers={"HX-Request": "true"},
    )  # fmt: skip

    page = response.content.decode()
    assert ticket.number in page
    assert "最近来电" in page


def test_the_open_tickets_of_the_store_can_be_chosen(desk, shop, open_ticket, call_of):
    closed = call_of("solved", confirmed=True).ticket
    elsewhere = call_of(
        "ticket", store=shop.other_store, contact=None, installation=None, product=shop.product
    ).ticket
    response = desk.post(
        reverse("tickets:intake_pick"), {"pick": f"store:{shop.store.uid}"},
        headers={"HX-Request": "true"},
    )  # fmt: skip

    choices = re.findall(r'name="ticket" value="([0-9a-f-]{36})"( checked)?', response.text)
    # There is one, so it is the one.
    assert choices == [(str(open_ticket.uid), " checked")]
    assert {str(closed.uid), str(elsewhere.uid)}.isdisjoint(uid for uid, _checked in choices)


def test_somebody_of_the_head_office_may_mean_any_store(desk, shop, open_ticket):
    boss = create_contact(
        customer=shop.customer, name="周总监", phone="13700001111", at=AT, by=SYSTEM
    )
    desk.post(reverse("tickets:intake_pick"), {"pick": f"contact:{boss.uid}"})

    assert f'name="ticket" value="{open_ticket.uid}"' in page_of(desk)


def test_another_store_s_ticket_is_no_choice(desk, typed, shop, open_ticket):
    response = desk.post(INTAKE, typed("existing") | {"store": str(shop.other_store.uid)})

    assert response.status_code == 422
    assert not Call.objects.exists()


def test_without_script_a_pick_leads_back_to_the_form(desk, shop):
    response = desk.post(
        reverse("tickets:intake_pick"), {"find": "大兴", "need": "不积分"}, follow=True
    )
    page = response.content.decode()
    assert f"store:{shop.store.uid}" in page

    response = desk.post(
        reverse("tickets:intake_pick"), {"need": "不积分", "pick": f"store:{shop.store.uid}"},
        follow=True,
    )  # fmt: skip
    page = response.content.decode()
    assert f'value="{shop.store.uid}"' in page
    assert "不积分" in page


def test_another_store_can_be_chosen(desk, shop):
    desk.post(reverse("tickets:intake_pick"), {"pick": f"contact:{shop.contact.uid}"})
    desk.post(reverse("tickets:intake_pick"), {"pick": "none", "store": str(shop.store.uid)})

    assert CallDraft.objects.get().data["store"] == [""]


@pytest.mark.parametrize(
    "pick", ["contact:no-uid", "store:00000000-0000-7000-8000-000000000000", "store:'"]
)
def test_a_pick_of_nobody_is_404(pick, desk, shop):
    assert desk.post(reverse("tickets:intake_pick"), {"pick": pick}).status_code == 404


def test_an_earlier_referral_is_suggested_for_words_it_had(desk, call_of, referral):
    call_of("referral", need="收银机打印机卡纸")
    url = reverse("tickets:intake_referrals")

    assert "海信商用" in page_of(desk, f"{url}?need=打印机又卡纸了")
    assert "海信商用" in page_of(desk, f"{url}?need=%27")


@pytest.mark.parametrize(
    "query", ["need=刷卡不积分", "category={category}&installation={installation}"]
)
def test_what_helped_before_stands_beside_the_form(query, desk, shop):
    article = make_article(shop)
    query = query.format(category=shop.category.uid, installation=shop.installation.uid)
    page = page_of(desk, f"{reverse('tickets:intake_knowledge')}?{query}")

    assert article.title in page
    assert f'data-article="{article.uid}"' in page


@pytest.mark.parametrize(
    "query", ["", "need=%27", "category=no-uid&product=no-uid&installation=%27"]
)
def test_without_anything_to_go_by_nothing_is_suggested(query, desk, shop):
    make_article(shop)
    page = page_of(desk, f"{reverse('tickets:intake_knowledge')}?{query}")

    assert "data-article" not in page


def test_a_telephone_system_can_open_the_form_filled(desk):
    page = page_of(desk, f"{INTAKE}?number=13800138001&rings=2")

    assert 'value="13800138001"' in page
    assert 'value="2"' in page


# --- The draft -------------------------------------------------------------------------------


def key_of(page: str) -> str:
    found = re.search(r'name="intake_key" value="([0-9a-f-]{36})"', page)
    assert found
    return found[1]


def test_what_is_typed_survives_a_reload(desk, shop):
    key = key_of(page_of(desk))
    data = {
        "intake_key": key, "caller_number": "138", "need": "不积分", "outcome": "message",
        "call_back_by_choice": "1h", "about_visit": "on", "salutation": "李店长",
    }  # fmt: skip
    response = desk.post(reverse("tickets:intake_draft"), data)
    assert response.status_code == 200
    assert "草稿已保存" in response.content.decode()

    page = page_of(desk)
    assert key_of(page) == key
    assert "已恢复之前填写的内容" in page
    for kept in ['value="138"', "不积分", 'value="李店长"']:
        assert kept in page
    for chosen in ["message", "1h"]:
        assert re.search(rf'value="{chosen}"[^>]*checked', page), chosen
    assert re.search(r'name="about_visit"[^>]*checked', page)
    assert "data-form-errors" not in page


def test_a_draft_is_discarded_on_demand_only(desk, helpdesk):
    keep_draft(key=uuid.uuid4(), data={"need": ["不积分"]}, at=AT, by=helpdesk.as_actor())

    assert "不积分" in page_of(desk)
    assert desk.post(reverse("tickets:intake_discard")).status_code == 302
    assert "不积分" not in page_of(desk)


def test_people_do_not_see_each_other_s_drafts(desk, other_helpdesk):
    keep_draft(key=uuid.uuid4(), data={"need": ["别人的"]}, at=AT, by=other_helpdesk.as_actor())
    desk.post(reverse("tickets:intake_draft"), {"need": "我的"})

    assert "别人的" not in page_of(desk)
    assert CallDraft.objects.count() == 2
    desk.post(reverse("tickets:intake_discard"))
    assert CallDraft.objects.get().user == other_helpdesk


def test_a_draft_ends_with_its_call_and_the_next_form_is_blank(desk, typed):
    key = key_of(page_of(desk))
    desk.post(reverse("tickets:intake_draft"), {"intake_key": key, "need": "不积分"})
    desk.post(INTAKE, typed("ticket") | {"intake_key": key})

    page = page_of(desk)
    assert key_of(page) != key
    assert "不积分" not in page


def test_a_refused_form_survives_a_reload(desk, typed):
    desk.post(INTAKE, typed("ticket") | {"read_back": "", "intake_key": str(uuid.uuid4())})

    assert typed("ticket")["need"] in page_of(desk)


@pytest.mark.parametrize(
    "data", [{"intake_key": "no-uid"}, {"store": "no-uid"}, {"installation": "'"}, {"x" * 50: "y"}]
)
def test_a_bent_draft_is_kept_and_shown(data, desk):
    assert desk.post(reverse("tickets:intake_draft"), data).status_code == 200
    assert desk.get(INTAKE).status_code == 200


# --- Doors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["intake", "intake_callers", "intake_referrals", "intake_knowledge"]
)
def test_who_takes_no_calls_has_no_screen(name, client, business):
    client.force_login(business, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(reverse(f"tickets:{name}")).status_code == 403


@pytest.mark.parametrize("name", ["intake", "intake_draft", "intake_pick", "intake_discard"])
def test_who_takes_no_calls_sends_none(name, client, business):
    client.force_login(business, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(reverse(f"tickets:{name}"), {}).status_code == 403
    assert not CallDraft.objects.exists()


def test_an_engineer_s_form_has_no_fields_he_may_not_use(client, engineer):
    client.force_login(engineer, backend="django.contrib.auth.backends.ModelBackend")
    page = page_of(client)

    assert 'name="caller_number"' in page
    for name in ("new_store_name", "save_contact", "confirmed", "assignee"):
        assert f'name="{name}"' not in page


def test_the_result_of_a_foreign_call_is_404(client, call_of, engineer):
    call = call_of("ticket")
    client.force_login(engineer, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(reverse("tickets:call_done", args=[call.number])).status_code == 404


def test_the_number_of_queries_does_not_grow(desk, shop, call_of):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            desk.get(INTAKE)
        return len(seen)

    desk.post(reverse("tickets:intake_draft"), {"store": str(shop.store.uid)})
    call_of("ticket")
    desk.get(INTAKE)
    before = queries()
    for _n in range(4):
        call_of("ticket")
    assert queries() == before
    assert before <= 24
