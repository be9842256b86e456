"""edit, mark_urgent, flag_complaint, comment, attach, request_visit"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Notification
from customers.actions import create_product
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from servicedesk.core.files import files_of
from servicedesk.core.history import changes
from servicedesk.core.models import Entry
from sla.actions import create_policy
from sla.models import Deadline, DeadlineMove
from sla.sweeping import sweep
from tests.conftest import AT
from tests.journal import journal
from tests.tickets.tickets.factories import make_category, make_store, make_ticket
from tickets.actions import tickets as actions
from tickets.states import Status

pytestmark = pytest.mark.django_db

SOON = AT + timedelta(minutes=20)


def test_edit_changes_what_is_given_and_says_from_what_to_what(helpdesk):
    ticket = make_ticket(owner=helpdesk)
    hardware = make_category("YJ", "硬件")

    actions.edit(ticket, title="小票机不出纸", category=hardware, at=SOON, by=helpdesk.as_actor())

    ticket.refresh_from_db()
    assert (ticket.title, ticket.category) == ("小票机不出纸", hardware)
    rows = {(c.field, c.old, c.new, c.actor_label) for c in changes(ticket)}
    assert ("主题", "积分小票打印不出来", "小票机不出纸", "何雪") in rows
    assert journal(ticket)[-1] == ("ticket.edited", SOON, "何雪")


def test_edit_without_a_change_is_refused(helpdesk):
    ticket = make_ticket(owner=helpdesk)

    with pytest.raises(Refused):
        actions.edit(ticket, title=ticket.title, at=SOON, by=helpdesk.as_actor())


@pytest.mark.parametrize("field", ["title", "need"])
def test_what_a_ticket_cannot_be_without_stays(field, helpdesk):
    ticket = make_ticket(owner=helpdesk)

    with pytest.raises(Refused) as refused:
        actions.edit(ticket, **{field: "  "}, at=SOON, by=helpdesk.as_actor())

    assert refused.value.field == field


def test_a_contact_of_somebody_else_is_refused(helpdesk):
    ticket = make_ticket(owner=helpdesk)

    with pytest.raises(Refused) as refused:
        actions.edit(
            ticket, contact=make_store("别家").contacts.get(), at=SOON, by=helpdesk.as_actor()
        )

    assert refused.value.field == "contact"


def test_an_earlier_expected_time_moves_the_deadline(helpdesk):
    ticket = make_ticket(owner=helpdesk)
    wish = AT + timedelta(hours=6)

    actions.edit(ticket, expected_at=wish, no_wish=False, at=SOON, by=helpdesk.as_actor())

    ticket.refresh_from_db()
    assert ticket.due_at == wish == Deadline.objects.of(ticket).get(kind="ticket.resolution").due_at
    assert DeadlineMove.objects.get().cause == DeadlineMove.Cause.CHANGE


@pytest.mark.parametrize(
    "later", [{"expected_at": AT + timedelta(hours=7)}, {"expected_at": None, "no_wish": True}]
)
def test_a_later_time_is_an_extension_and_no_correction(later, helpdesk):
    """SLA-5"""
    ticket = make_ticket(owner=helpdesk, expected_at=AT + timedelta(hours=6), no_wish=False)

    with pytest.raises(Refused) as refused:
        actions.edit(ticket, **later, at=SOON, by=helpdesk.as_actor())

    assert refused.value.field == "expected_at"


def test_another_product_brings_its_terms(helpdesk):
    ticket = make_ticket(owner=helpdesk)
    product = create_product(code="ERP", name="进销存", at=AT, by=SYSTEM)
    create_policy(
        kind="ticket.resolution", name="进销存", product=product, target=timedelta(hours=4), at=AT,
        by=SYSTEM,
    )  # fmt: skip

    actions.edit(ticket, product=product, installation=None, at=SOON, by=helpdesk.as_actor())

    ticket.refresh_from_db()
    move = DeadlineMove.objects.get()
    assert ticket.due_at == AT + timedelta(hours=4) == move.new_due_at
    assert (move.cause, move.old_due_at) == ("change", AT + timedelta(hours=24))


def test_the_time_of_a_resolved_one_does_not_change(helpdesk):
    ticket = make_ticket(Status.RESOLVED, owner=helpdesk)

    with pytest.raises(Refused) as refused:
        actions.edit(
            ticket, expected_at=AT + timedelta(hours=6), no_wish=False,
            at=AT + timedelta(hours=2), by=helpdesk.as_actor(),
        )  # fmt: skip

    assert refused.value.field == "expected_at"


def test_marking_urgent_shortens_what_runs_still(helpdesk):
    """SLA-3"""
    ticket = make_ticket(owner=helpdesk)

    actions.mark_urgent(ticket, urgency_reason="顾客排队", at=SOON, by=helpdesk.as_actor())

    ticket.refresh_from_db()
    clocks = {d.kind: d for d in Deadline.objects.of(ticket)}
    assert (ticket.is_urgent, ticket.queue) == (True, 0)
    assert all(d.urgent for d in clocks.values())
    # 30 minutes after intake lie as near as 10 minutes from now.
    assert clocks["ticket.response"].due_at == AT + timedelta(minutes=30)
    assert clocks["ticket.resolution"].due_at == AT + timedelta(hours=24)


def test_marking_urgent_early_leaves_ten_minutes(helpdesk):
    ticket = make_ticket(owner=helpdesk)
    at = AT + timedelta(minutes=3)

    actions.mark_urgent(ticket, urgency_reason="顾客排队", at=at, by=helpdesk.as_actor())

    response = Deadline.objects.of(ticket).get(kind="ticket.response")
    assert response.due_at == at + timedelta(minutes=10)


def test_marking_urgent_too_late_mends_no_miss(helpdesk):
    ticket = make_ticket(owner=helpdesk)

    actions.mark_urgent(
        ticket, urgency_reason="顾客排队", at=AT + timedelta(hours=1), by=helpdesk.as_actor()
    )

    sweep(AT + timedelta(hours=1))
    response = Deadline.objects.of(ticket).get(kind="ticket.response")
    assert (response.due_at, response.missed_at) == (AT + timedelta(minutes=30),) * 2


@pytest.mark.parametrize("reason", ["", "顾客排队"])
def test_urgent_needs_a_reason_and_is_marked_once(reason, helpdesk):
    ticket = make_ticket(owner=helpdesk, is_urgent=bool(reason), urgency_reason=reason)

    with pytest.raises(Refused):
        actions.mark_urgent(ticket, urgency_reason=reason, at=SOON, by=helpdesk.as_actor())


@pytest.mark.parametrize("status", list(Status))
def test_a_complaint_reaches_the_supervisor(status, helpdesk, dispatcher):
    """VISIT-6"""
    ticket = make_ticket(status, owner=helpdesk)
    at = AT + timedelta(days=1)

    actions.flag_complaint(ticket, text="第三次了", at=at, by=helpdesk.as_actor())

    ticket.refresh_from_db()
    assert ticket.is_complaint
    told = Notification.objects.get(user=dispatcher, created_at=at)
    assert told.urgent
    assert "第三次了" in told.text


def test_a_note_is_kept_and_shown(engineer):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)

    note = actions.comment(ticket, text="已约下午", at=SOON, by=engineer.as_actor())

    assert (note.author_label, note.at) == ("张伟", SOON)
    assert Entry.objects.get(type="ticket.noted").data["text"] == "已约下午"


@pytest.mark.parametrize("verb", ["comment", "flag_complaint"])
def test_empty_words_are_refused(verb, helpdesk):
    ticket = make_ticket(owner=helpdesk)

    with pytest.raises(Refused) as refused:
        getattr(actions, verb)(ticket, text="  ", at=SOON, by=helpdesk.as_actor())

    assert refused.value.field == "text"


def test_a_file_is_kept_on_the_ticket(helpdesk):
    ticket = make_ticket(owner=helpdesk)

    actions.attach(
        ticket, file=SimpleUploadedFile("说明.txt", "打印机型号 58".encode()), at=SOON,
        by=helpdesk.as_actor(),
    )  # fmt: skip

    kept = files_of(ticket).get()
    assert (kept.name, kept.added_by_label, kept.added_at) == ("说明.txt", "何雪", SOON)
    assert Entry.objects.get(type="ticket.file_attached").data["sha256"] == kept.sha256


def test_a_visit_is_asked_for_with_what_the_ticket_knows(helpdesk):
    """VISIT-1, CALL-11: nothing is typed again."""
    ticket = make_ticket(owner=helpdesk)

    actions.request_visit(ticket, reason="远程连不上", at=SOON, by=helpdesk.as_actor())

    asked = Entry.objects.get(type="ticket.visit_requested").data
    assert asked["address"] == "上海市黄浦区淮海中路 999 号"
    assert (asked["contact_name"], asked["contact_phone"]) == ("李晓梅", "13912345678")


@pytest.mark.parametrize(
    ("said", "field"), [({"reason": ""}, "reason"), ({"reason": "看看"}, "contact_name")]
)
def test_a_visit_needs_a_reason_and_somebody_to_ask_for(said, field, helpdesk):
    ticket = make_ticket(owner=helpdesk, contact=None)

    with pytest.raises(Refused) as refused:
        actions.request_visit(ticket, **said, at=SOON, by=helpdesk.as_actor())

    assert refused.value.field == field
