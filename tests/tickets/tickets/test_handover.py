"""hand_over, accept, decline (OPS-1)"""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Notification
from servicedesk.core.errors import Refused, WrongState
from sla.models import Deadline
from sla.states import Status as Clock
from tests.conftest import AT
from tests.journal import journal
from tests.tickets.tickets.factories import make_ticket
from tickets.actions import handovers
from tickets.actions import tickets as actions
from tickets.models import Handover, Ticket
from tickets.states import HandoverStatus, Status

pytestmark = pytest.mark.django_db

SOON = AT + timedelta(minutes=20)
LATER = AT + timedelta(minutes=40)


@pytest.fixture
def offered(helpdesk, other_helpdesk):
    ticket = make_ticket(owner=helpdesk)
    return handovers.hand_over(
        ticket, to_user=other_helpdesk, reason="交班", at=SOON, by=helpdesk.as_actor()
    )


def test_until_it_is_accepted_the_owner_stays(offered, helpdesk, other_helpdesk):
    assert offered.ticket.owner == helpdesk
    assert offered.status == HandoverStatus.PENDING
    clock = Deadline.objects.of(offered).get()
    assert (clock.owner, clock.due_at) == (other_helpdesk, SOON + timedelta(hours=2))
    assert Notification.objects.filter(user=other_helpdesk, text__contains="交班").exists()


def test_who_accepts_owns_it(offered, helpdesk, other_helpdesk):
    handovers.accept(offered, at=LATER, by=other_helpdesk.as_actor())

    ticket = Ticket.objects.get()
    assert ticket.owner == other_helpdesk
    assert journal(ticket)[-1] == ("ticket.handover_accepted", LATER, "孙丽")
    assert Deadline.objects.of(offered).get().status == Clock.MET
    # Nobody works on it yet, so its clocks speak to the new owner.
    assert {d.owner for d in Deadline.objects.of(ticket).open()} == {other_helpdesk}
    assert Notification.objects.filter(user=helpdesk, created_at=LATER).exists()


def test_the_clocks_of_assigned_work_stay_with_the_assignee(helpdesk, other_helpdesk, engineer):
    ticket = make_ticket(Status.IN_PROGRESS, engineer, owner=helpdesk)
    handover = handovers.hand_over(
        ticket, to_user=other_helpdesk, reason="交班", at=SOON, by=helpdesk.as_actor()
    )

    handovers.accept(handover, at=LATER, by=other_helpdesk.as_actor())

    assert {d.owner for d in Deadline.objects.of(ticket).open()} == {engineer}


def test_who_declines_says_why_and_nothing_changes(offered, helpdesk, other_helpdesk):
    handovers.decline(offered, answer="我也休假", at=LATER, by=other_helpdesk.as_actor())

    offered.refresh_from_db()
    assert (offered.status, offered.answer) == (HandoverStatus.DECLINED, "我也休假")
    assert Ticket.objects.get().owner == helpdesk


def test_declining_without_a_word_is_refused(offered, other_helpdesk):
    with pytest.raises(Refused) as refused:
        handovers.decline(offered, answer=" ", at=LATER, by=other_helpdesk.as_actor())

    assert refused.value.field == "answer"


@pytest.mark.parametrize("verb", ["accept", "decline"])
def test_nobody_answers_for_the_colleague(verb, offered, dispatcher):
    with pytest.raises(Refused):
        getattr(handovers, verb)(offered, answer="好", at=LATER, by=dispatcher.as_actor())

    offered.refresh_from_db()
    assert offered.status == HandoverStatus.PENDING


@pytest.mark.parametrize("verb", ["accept", "decline"])
def test_there_is_one_answer(verb, offered, other_helpdesk):
    handovers.accept(offered, at=LATER, by=other_helpdesk.as_actor())

    with pytest.raises(WrongState):
        getattr(handovers, verb)(offered, answer="好", at=LATER, by=other_helpdesk.as_actor())


def test_an_offer_ends_with_its_ticket(helpdesk, other_helpdesk):
    ticket = make_ticket(Status.IN_PROGRESS, helpdesk, owner=helpdesk)
    offer = handovers.hand_over(
        ticket, to_user=other_helpdesk, reason="交班", at=LATER, by=helpdesk.as_actor()
    )
    at = AT + timedelta(hours=2)
    actions.resolve(ticket, solution="phone", resolution="重启", at=at, by=helpdesk.as_actor())
    offer.refresh_from_db()
    assert offer.status == HandoverStatus.PENDING

    actions.close(ticket, closing="withdrawn", at=at, by=helpdesk.as_actor())

    offer.refresh_from_db()
    assert (offer.status, offer.decided_at) == (HandoverStatus.LAPSED, at)
    assert not Deadline.objects.of(offer).open().exists()
    assert ("ticket.handover_lapsed", at, "System") in journal(ticket)
    assert ticket.owner == helpdesk
    with pytest.raises(WrongState):
        handovers.accept(offer, at=at, by=other_helpdesk.as_actor())


def test_one_offer_at_a_time(offered, helpdesk, dispatcher):
    with pytest.raises(Refused, match="孙丽"):
        handovers.hand_over(
            offered.ticket, to_user=dispatcher, reason="急", at=LATER, by=helpdesk.as_actor()
        )

    assert Handover.objects.count() == 1


def test_the_owner_or_a_dispatcher_hands_over(helpdesk, other_helpdesk, engineer, dispatcher):
    ticket = make_ticket(Status.ASSIGNED, engineer, owner=helpdesk)

    with pytest.raises(Refused, match="何雪"):
        handovers.hand_over(
            ticket, to_user=other_helpdesk, reason="急", at=SOON, by=engineer.as_actor()
        )
    handovers.hand_over(
        ticket, to_user=other_helpdesk, reason="急", at=SOON, by=dispatcher.as_actor()
    )

    assert Handover.objects.get().from_user == helpdesk


@pytest.mark.parametrize("to", ["helpdesk", "business"])
def test_it_goes_to_somebody_else_who_can_work(to, helpdesk, request):
    person = request.getfixturevalue(to)
    ticket = make_ticket(owner=helpdesk)

    with pytest.raises(Refused) as refused:
        handovers.hand_over(ticket, to_user=person, reason="急", at=SOON, by=helpdesk.as_actor())

    assert refused.value.field == "to_user"


def test_an_engineer_sees_what_is_offered_to_him(helpdesk, engineer):
    ticket = make_ticket(Status.ASSIGNED, helpdesk, owner=helpdesk)
    seen = Ticket.objects.visible_to(engineer.as_actor())
    assert not seen.exists()

    handovers.hand_over(ticket, to_user=engineer, reason="急", at=SOON, by=helpdesk.as_actor())

    assert seen.get() == ticket
