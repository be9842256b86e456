"""The call is over: what each outcome makes, and what it cannot do without (CALL-3 … CALL-11)."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction

from accounts.models import Notification
from customers.actions import create_customer, create_store
from customers.models import Contact, Store
from knowledge.actions import create_article, publish
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from servicedesk.core.models import RuleResult
from servicedesk.core.rules import journal_of
from sla.models import Deadline
from tests.conftest import AT
from tests.journal import journal
from tickets.actions.calls import end_call, keep_draft
from tickets.models import Call, CallbackPromise, CallDraft, Message, ReferralTarget, Ticket

OUTCOMES = [
    "solved", "ticket", "visit", "message", "promise", "referral", "wrong_number", "existing",
]  # fmt: skip


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_is_recorded_with_its_journal_entry(outcome, call_of, helpdesk):
    call = call_of(outcome)

    call.refresh_from_db()
    assert (call.outcome, call.taken_by, call.ended_at) == (outcome, helpdesk, AT)
    assert call.number == "CA-20260302-0001"
    assert ("call.ended", AT, "何雪") in journal(call)


def test_solved_on_the_phone_makes_a_resolved_ticket(call_of, helpdesk):
    ticket = call_of("solved").ticket

    assert (ticket.status, ticket.solution, ticket.owner) == ("resolved", "phone", helpdesk)
    assert ticket.resolution == "重新登录积分服务"
    assert not Deadline.objects.of(ticket).open().exists()


def test_a_solution_that_the_caller_confirmed_closes_the_ticket(call_of):
    ticket = call_of("solved", confirmed=True).ticket

    assert (ticket.status, ticket.closing) == ("closed", "confirmed")


def test_a_ticket_takes_over_all_that_was_said(call_of, shop):
    call = call_of("ticket", category=shop.category, is_urgent=True, urgency_reason="排队")
    ticket = call.ticket

    assert ticket.status == "new"
    assert (ticket.store, ticket.contact, ticket.product) == (
        shop.store,
        shop.contact,
        shop.product,
    )
    assert (ticket.need, ticket.category) == (call.need, shop.category)
    assert (ticket.is_urgent, ticket.urgency_reason) == (True, "排队")
    assert ticket.no_wish


def test_the_subject_of_a_ticket_is_the_first_line_of_the_need(call_of):
    assert call_of("ticket", need="不积分\n重启过").ticket.title == "不积分"
    assert len(call_of("ticket", need="长" * 200).ticket.title) == 60
    assert call_of("ticket", title="刷卡无反应").ticket.title == "刷卡无反应"


def test_a_ticket_can_be_assigned_on_the_telephone(call_of, engineer):
    ticket = call_of("ticket", assignee=engineer).ticket

    assert (ticket.status, ticket.assignee) == ("assigned", engineer)


def test_a_call_about_an_open_ticket_is_noted_on_it(call_of, open_ticket, shop, engineer):
    call = call_of("existing", need="还是不积分，几点能来")

    assert (call.ticket, call.store, call.customer) == (open_ticket, shop.store, shop.customer)
    assert call.product == shop.product
    assert Ticket.objects.get().status == "assigned"
    assert Ticket.objects.get().notes.get().text == (
        f"李红梅来电（{call.number}）：还是不积分，几点能来"
    )
    assert [entry for entry in journal(open_ticket) if entry[1] == AT] == [
        ("call.ended", AT, "何雪"), ("ticket.noted", AT, "何雪"),
    ]  # fmt: skip
    told = Notification.objects.get(user=engineer, created_at=AT)
    assert told.text == f"李红梅来电询问 {open_ticket.number}：还是不积分，几点能来"
    assert told.url == open_ticket.get_absolute_url()


def test_who_takes_the_call_about_his_own_ticket_is_not_told(said, open_ticket, engineer):
    end_call(**said("existing"), at=AT, by=engineer.as_actor())

    assert not Notification.objects.filter(user=engineer, created_at=AT).exists()


def test_the_clocks_of_the_ticket_go_on_as_before(call_of, open_ticket):
    before = list(Deadline.objects.of(open_ticket).values_list("kind", "due_at", "status"))

    call_of("existing")

    after = Deadline.objects.of(open_ticket).values_list("kind", "due_at", "status")
    assert list(after) == before


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"ticket": None}, "ticket"), ({"caller_name": ""}, "caller_name"), ({"need": ""}, "need"),
        ({"read_back": False}, "read_back"),
    ],
)  # fmt: skip
def test_a_call_about_a_ticket_cannot_do_without(changed, field, call_of):
    with pytest.raises(Refused) as refused:
        call_of("existing", **changed)

    assert refused.value.field == field
    assert not Call.objects.exists()


def test_a_closed_ticket_takes_no_call(call_of):
    closed = call_of("solved", confirmed=True).ticket

    with pytest.raises(Refused, match=closed.number) as refused:
        call_of("existing", ticket=closed)

    assert refused.value.field == "ticket"


def test_a_ticket_of_another_customer_is_not_meant(call_of, open_ticket):
    other = create_store(
        customer=create_customer(name="别家", at=AT, by=SYSTEM), name="别家店", address="某路",
        at=AT, by=SYSTEM,
    )  # fmt: skip

    with pytest.raises(Refused) as refused:
        call_of("existing", store=other)

    assert refused.value.field == "ticket"


def test_a_visit_is_requested_with_nothing_retyped(call_of):
    ticket = call_of("visit").ticket

    requested = journal_of(ticket).first("ticket.visit_requested")
    assert requested is not None
    assert requested.data["contact_name"] == "李红梅"
    assert requested.data["contact_phone"] == "13800138001"
    assert requested.data["reason"] == ticket.need
    assert "兴华大街 18 号" in requested.data["address"]


def test_a_message_goes_to_the_colleague_with_two_deadlines(call_of, engineer):
    call = call_of("message", about_visit=True)

    message = Message.objects.get(call=call)
    assert (message.to_user, message.text, message.about_visit) == (engineer, call.need, True)
    assert (message.caller_name, message.caller_number) == ("李红梅", "13800138001")
    kinds = set(Deadline.objects.of(message).open().values_list("kind", "owner"))
    assert kinds == {("message.read", engineer.pk), ("message.callback", engineer.pk)}


def test_a_promise_has_an_owner_and_a_deadline(call_of, other_helpdesk):
    call = call_of("promise")

    promise = CallbackPromise.objects.get(call=call)
    assert (promise.owner, promise.question) == (other_helpdesk, call.need)
    deadline = Deadline.objects.of(promise).open().get()
    assert (deadline.kind, deadline.due_at) == ("promise.answer", AT + timedelta(hours=2))


def test_a_referral_is_remembered(call_of, referral):
    assert call_of("referral").referral == referral


def test_a_new_referral_target_is_made_in_place_and_only_once(call_of):
    new = {"referral": None, "new_referral_topic": "网络", "new_referral_name": "电信 10000"}

    first, second = call_of("referral", **new), call_of("referral", **new)

    assert first.referral == second.referral
    assert ReferralTarget.objects.filter(topic="网络").count() == 1


def test_a_wrong_number_needs_nothing_else(call_of):
    call = call_of("wrong_number")

    assert (call.need, call.ticket, call.store) == ("", None, None)


def test_a_new_store_customer_and_contact_are_made_with_the_call(call_of):
    call = call_of(
        "ticket", store=None, contact=None, installation=None, save_contact=True,
        new_customer_name="新客便利", new_store_name="新客便利一店", new_store_address="中山路 1 号",
        product=call_of("ticket").product, caller_name="赵强", caller_number="13900139000",
    )  # fmt: skip

    store = Store.objects.get(name="新客便利一店")
    contact = Contact.objects.get(name="赵强")
    assert (call.store, call.contact, call.customer) == (store, contact, store.customer)
    assert (contact.store, contact.phone, contact.salutation) == (store, "13900139000", "李店长")
    assert call.ticket.store == store


def test_nothing_is_left_when_a_later_step_refuses(said, helpdesk, business):
    """The new store goes with the ticket that could not be opened."""
    data = said("ticket") | {
        "store": None, "contact": None, "installation": None, "new_customer_name": "新客便利",
        "new_store_name": "新客便利一店", "new_store_address": "中山路 1 号", "assignee": business,
        "product": said("ticket")["installation"].product,
    }  # fmt: skip

    with pytest.raises(Refused):
        end_call(**data, at=AT, by=helpdesk.as_actor())

    assert not Store.objects.filter(name="新客便利一店").exists()
    assert (Call.objects.count(), Ticket.objects.count()) == (0, 0)


def test_the_store_follows_from_the_person(call_of, shop):
    assert call_of("ticket", store=None).store == shop.store


def test_without_a_number_the_message_has_the_one_we_know(call_of, shop):
    call = call_of("message", caller_number="", contact=shop.contact, store=shop.store)

    assert Message.objects.get(call=call).caller_number == shop.contact.phone


LACKING = [
    ("solved", {"solution": ""}, "solution"),
    ("solved", {"installation": None}, "product"),
    ("solved", {"need": ""}, "need"),
    ("ticket", {"store": None, "contact": None, "installation": None}, "store"),
    ("ticket", {"caller_name": "", "contact": None}, "caller_name"),
    ("ticket", {"no_wish": False}, "expected_at"),
    ("ticket", {"read_back": False}, "read_back"),
    ("ticket", {"is_urgent": True}, "urgency_reason"),
    ("ticket", {"expected_at": AT - timedelta(minutes=1), "no_wish": False}, "expected_at"),
    ("visit", {"read_back": False}, "read_back"),
    ("visit", {"expected_at": None}, "expected_at"),
    ("message", {"to_user": None}, "to_user"),
    ("message", {"caller_name": ""}, "caller_name"),
    ("message", {"caller_number": ""}, "caller_number"),
    ("message", {"call_back_by": None}, "call_back_by"),
    ("message", {"call_back_by": AT}, "call_back_by"),
    ("promise", {"promise_owner": None}, "promise_owner"),
    ("promise", {"promise_due_at": None}, "promise_due_at"),
    ("promise", {"promise_due_at": AT}, "promise_due_at"),
    ("promise", {"caller_number": ""}, "caller_number"),
    ("referral", {"referral": None}, "referral"),
    ("referral", {"need": ""}, "need"),
    ("wrong_number", {"answered_at": AT + timedelta(minutes=1)}, "answered_at"),
]


@pytest.mark.parametrize(("outcome", "change", "field"), LACKING)
def test_what_an_outcome_cannot_do_without(outcome, change, field, said, helpdesk):
    with pytest.raises(Refused) as refused:
        end_call(**said(outcome) | change, at=AT, by=helpdesk.as_actor())

    assert refused.value.field == field
    assert not Call.objects.exists()


def test_a_new_store_needs_address_and_customer(said, helpdesk):
    data = said("ticket") | {"store": None, "contact": None, "installation": None}
    data |= {"new_store_name": "新店", "product": said("ticket")["installation"].product}

    for field, value in [
        ("new_store_address", "中山路"), ("new_store_customer", None),
    ]:  # fmt: skip
        with pytest.raises(Refused) as refused:
            end_call(**data, at=AT, by=helpdesk.as_actor())
        assert refused.value.field == field
        data[field] = value


def test_an_unknown_outcome_is_refused(said, helpdesk):
    with pytest.raises(Refused) as refused:
        end_call(**said("ticket") | {"outcome": "hung_up"}, at=AT, by=helpdesk.as_actor())

    assert refused.value.field == "outcome"


def test_what_belongs_to_another_store_is_refused(said, shop, helpdesk):
    with pytest.raises(Refused) as refused:
        end_call(**said("ticket") | {"store": shop.other_store}, at=AT, by=helpdesk.as_actor())

    assert refused.value.field == "installation"


def test_a_promise_goes_to_somebody_who_can_keep_it(said, helpdesk, business):
    with pytest.raises(Refused) as refused:
        end_call(**said("promise") | {"promise_owner": business}, at=AT, by=helpdesk.as_actor())

    assert refused.value.field == "promise_owner"


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_taking_calls_needs_the_permission(outcome, said, business):
    with pytest.raises(PermissionDenied):
        end_call(**said(outcome), at=AT, by=business.as_actor())


def test_an_engineer_takes_calls_but_makes_no_stores(said, engineer, shop):
    assert end_call(**said("ticket"), at=AT, by=engineer.as_actor()).ticket.owner == engineer
    new = {"store": None, "contact": None, "installation": None, "product": shop.product,
           "new_store_name": "新店", "new_store_address": "路", "new_customer_name": "新客"}  # fmt: skip
    with pytest.raises(PermissionDenied):
        end_call(**said("ticket") | new, at=AT, by=engineer.as_actor())


def test_the_same_form_makes_one_call(call_of):
    key = uuid.uuid4()

    first, second = call_of("ticket", intake_key=key), call_of("ticket", intake_key=key)

    assert first == second
    assert (Call.objects.count(), Ticket.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_make_one_call(said, helpdesk):
    data, key = said("ticket"), uuid.uuid4()

    def click(_number: int) -> str:
        try:
            return end_call(**data, intake_key=key, at=AT, by=helpdesk.as_actor()).number
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        numbers = set(pool.map(click, range(4)))

    assert len(numbers) == 1
    assert (Call.objects.count(), Ticket.objects.count()) == (1, 1)


def test_people_with_the_same_key_have_their_own_calls(said, helpdesk, other_helpdesk):
    key = uuid.uuid4()

    calls = [
        end_call(**said("ticket"), intake_key=key, at=AT, by=person.as_actor())
        for person in (helpdesk, other_helpdesk)
    ]

    assert calls[0] != calls[1]


def test_the_end_of_the_call_is_the_end_of_its_draft(said, helpdesk):
    key = uuid.uuid4()
    keep_draft(key=key, data={"need": ["不积分"]}, at=AT, by=helpdesk.as_actor())

    end_call(**said("ticket"), intake_key=key, at=AT, by=helpdesk.as_actor())

    assert not CallDraft.objects.exists()
    late = keep_draft(key=key, data={"need": ["不积分！"]}, at=AT, by=helpdesk.as_actor())
    assert late is None
    assert not CallDraft.objects.exists()


def test_knowledge_that_helped_is_counted(call_of, shop, manager):
    article = create_article(
        title="不积分", symptom="刷卡不积分", solution="重新登录", product=shop.product,
        category=shop.category, at=AT, by=manager.as_actor(),
    )  # fmt: skip
    publish(article, at=AT, by=manager.as_actor())

    call = call_of("solved", article=article)

    article.refresh_from_db()
    assert (call.article, article.used_count) == (article, 1)


@pytest.mark.parametrize("outcome", ["ticket", "wrong_number"])
def test_the_rules_are_answered_when_the_call_ends(outcome, call_of, helpdesk):
    call = call_of(outcome, ring_count=2)

    found = RuleResult.objects.filter(subject_kind="tickets.call", subject_id=call.pk)
    assert found.get(rule="CALL-1").answer == "kept"
    assert found.get(rule="GEN-1").answer == "kept"
    assert set(found.values_list("person_id", flat=True)) == {helpdesk.pk}


def test_the_database_knows_no_call_without_an_outcome(call_of):
    call = call_of("wrong_number")

    with pytest.raises(IntegrityError), transaction.atomic():
        Call.objects.filter(pk=call.pk).update(outcome="hung_up")
