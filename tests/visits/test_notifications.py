"""Who is told of what, and in which language."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Notification, User
from customers import actions as customers
from servicedesk.core.actors import SYSTEM
from servicedesk.core.models import OutboxMessage
from tests.visits.factories import (
    AFTER,
    AGREED,
    WINDOW,
    make_desk_person,
    make_store,
    make_visit,
    order,
)
from visits import actions
from visits.states import Status

pytestmark = pytest.mark.django_db


def told(user):
    return list(
        Notification.objects.filter(user=user).order_by("id").values_list("text", flat=True)
    )


def test_the_engineer_hears_of_a_new_visit_and_where_it_is(engineer):
    visit = make_visit(Status.ASSIGNED, engineer)

    notice = Notification.objects.get(user=engineer, url=visit.get_absolute_url())
    assert visit.store.name in notice.text
    assert visit.address in notice.text


def test_the_former_engineer_hears_who_has_it_now(engineer, other_engineer):
    visit = make_visit(Status.ASSIGNED, engineer)

    actions.assign(visit, engineer=other_engineer, at=AGREED, by=make_desk_person().as_actor())

    assert f"{visit.number} 已转给李强。" in told(engineer)


def test_a_cancelled_visit_and_a_returned_form_reach_the_engineer(engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    actions.cancel(visit, reason="已恢复", at=AGREED, by=make_desk_person().as_actor())
    returned = make_visit(Status.HANDED_IN, engineer)
    actions.return_form(returned, reason="缺序列号", at=AFTER, by=make_desk_person().as_actor())

    assert f"{visit.number} 已取消：已恢复" in told(engineer)
    assert f"{returned.number} 被退回补充：缺序列号" in told(engineer)


def test_the_owner_of_the_ticket_hears_that_it_is_not_solved(engineer):
    unsolved = {"result": "not_solved", "next_step": "换终端",
                "next_step_at": WINDOW[1] + timedelta(days=1)}  # fmt: skip
    visit = make_visit(Status.FINISHED, engineer, record=unsolved)

    assert f"{visit.number} 上门未解决。下一步：换终端" in told(visit.ticket.owner)


def test_a_complaint_reaches_each_supervisor_once(engineer, dispatcher):
    visit = make_visit(Status.APPOINTED, engineer)
    actions.flag_complaint(visit, text="等了三天", at=AGREED, by=engineer.as_actor())
    assert len([text for text in told(dispatcher) if "等了三天" in text]) == 1


def test_a_complaint_without_a_ticket_reaches_the_supervisor_too(engineer, dispatcher):
    visit = order(store=make_store(), contact_name="王经理", need="演示")
    actions.assign(visit, engineer=engineer, at=AGREED, by=make_desk_person().as_actor())
    actions.flag_complaint(visit, text="态度差", at=AGREED, by=engineer.as_actor())
    assert len([text for text in told(dispatcher) if "态度差" in text]) == 1


def test_each_reads_it_in_his_own_language(engineer, dispatcher):
    User.objects.get_queryset().filter(pk=dispatcher.pk).update(language="en")
    visit = make_visit(Status.APPOINTED, engineer)

    actions.refuse_new_time(visit, reason="今天必须", at=AGREED, by=engineer.as_actor())

    assert told(dispatcher) == [f"{visit.number}: the customer refuses a new time: 今天必须"]


def test_a_customer_with_an_address_gets_the_time_in_writing(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    customers.edit_contact(visit.contact, email="li@example.com", at=AGREED, by=SYSTEM)

    actions.appoint(
        visit, window_from=WINDOW[0], window_until=WINDOW[1], agreed_with="李店长", at=AGREED,
        by=engineer.as_actor(),
    )  # fmt: skip

    mail = OutboxMessage.objects.get(recipient="li@example.com")
    assert mail.subject == "上门预约确认：3月2日 11:30–12:30"
    assert "张伟" in mail.body
    assert visit.address in mail.body


def test_a_customer_without_an_address_gets_none(engineer):
    make_visit(Status.APPOINTED, engineer)
    assert not OutboxMessage.objects.filter(channel="email").exists()


def test_each_window_is_confirmed_also_of_two_in_one_minute(engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    customers.edit_contact(visit.contact, email="li@example.com", at=AGREED, by=SYSTEM)
    for hours in (1, 2, 1, 2):
        later = timedelta(hours=hours)
        actions.rearrange(
            visit, window_from=WINDOW[0] + later, window_until=WINDOW[1] + later,
            asked_by="customer", reason="盘点", agreed_with="李店长", at=AGREED,
            by=engineer.as_actor(),
        )  # fmt: skip

    mails = OutboxMessage.objects.filter(recipient="li@example.com").order_by("id")
    assert [mail.subject[-11:] for mail in mails] == [
        "12:30–13:30", "13:30–14:30", "12:30–13:30", "13:30–14:30",
    ]  # fmt: skip


def test_colleagues_hear_of_each_of_two_events_in_one_minute(engineer, dispatcher):
    visit = make_visit(Status.APPOINTED, engineer)
    for reason in ("今天必须", "明天不在"):
        actions.refuse_new_time(visit, reason=reason, at=AGREED, by=engineer.as_actor())

    assert len([text for text in told(dispatcher) if visit.number in text]) == 2
