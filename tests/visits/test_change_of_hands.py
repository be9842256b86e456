"""An order that changes hands: what was agreed stands, what was recorded stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts import actions as accounts
from servicedesk.core.errors import Refused
from servicedesk.core.models import RuleResult
from servicedesk.core.rules import evaluate
from sla.models import Deadline
from tests.conftest import AT
from tests.visits.factories import (
    AFTER,
    ARRIVED,
    FINISHED,
    LEAVE,
    RECORD,
    STARTED,
    WINDOW,
    make_desk_person,
    make_visit,
    sign_as_customer,
)
from tickets.actions import tickets
from visits import actions
from visits.models import CLOSING_ITEMS, VisitOrder
from visits.states import ON_SITE, Status

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
CLOCKS = {"visit.departure", "visit.notice", "visit.arrival"}


def minutes(count):
    return timedelta(minutes=count)


@pytest.fixture
def desk(db):
    return make_desk_person().as_actor()


def answer(rule_id, visit):
    fresh = VisitOrder.objects.get(pk=visit.pk)
    return next(f.answer for rule, f in evaluate(fresh) if rule.id == rule_id)


def open_clocks(visit):
    return set(Deadline.objects.of(visit).open().values_list("kind", flat=True))


class TestTheAppointmentStands:
    @pytest.fixture
    def visit(self, engineer, other_engineer, desk):
        """Agreed by one engineer, accepted by another."""
        visit = make_visit(Status.APPOINTED, engineer)
        actions.assign(visit, engineer=other_engineer, at=AT + minutes(25), by=desk)
        actions.accept(
            visit, first_judgement="x", at=AT + minutes(30), by=other_engineer.as_actor()
        )
        return visit

    def test_whoever_accepts_the_order_has_its_appointment_and_its_clocks(self, visit):
        assert (visit.status, visit.window_from) == (Status.APPOINTED, WINDOW[0])
        assert open_clocks(visit) == CLOCKS
        due = dict(Deadline.objects.of(visit).open().values_list("kind", "due_at"))
        assert due["visit.arrival"] == WINDOW[0]

    def test_he_cannot_set_off_as_if_nothing_were_agreed(self, visit, other_engineer):
        by = other_engineer.as_actor()
        actions.log_attempt(visit, outcome="no_answer", at=AT + minutes(31), by=by)

        actions.depart(visit, at=WINDOW[1] + 3 * HOUR, by=by)
        actions.arrive(visit, at=WINDOW[1] + 4 * HOUR, by=by)

        assert (visit.window_from, visit.window_until) == WINDOW
        found = {rule.id: f.answer for rule, f in evaluate(visit)}
        for rule_id in ("GEN-4", "VISIT-11", "VISIT-12", "VISIT-13"):
            assert found[rule_id] == "broken", rule_id

    def test_he_moves_it_by_consent_and_the_notice_is_judged(self, visit, other_engineer):
        by = other_engineer.as_actor()
        with pytest.raises(Refused):
            actions.appoint(
                visit, window_from=WINDOW[0] + 5 * HOUR, window_until=WINDOW[0] + 6 * HOUR,
                agreed_with="李店长", at=WINDOW[0] - minutes(5), by=by,
            )  # fmt: skip

        actions.rearrange(
            visit, window_from=WINDOW[0] + 5 * HOUR, window_until=WINDOW[0] + 6 * HOUR,
            asked_by="engineer", reason="上一单拖延", agreed_with="李店长",
            at=WINDOW[0] - minutes(5), by=by,
        )  # fmt: skip

        assert visit.appointments.last().notice_minutes == 5
        assert answer("VISIT-14", visit) == "broken"

    def test_a_clash_of_the_new_engineer_is_found_when_he_accepts(
        self, engineer, other_engineer, desk
    ):
        visit = make_visit(Status.APPOINTED, engineer)
        actions.assign(visit, engineer=other_engineer, at=AT + minutes(25), by=desk)
        theirs = make_visit(Status.APPOINTED, other_engineer)

        with pytest.raises(Refused, match=theirs.number):
            actions.accept(
                visit, first_judgement="x", at=AT + minutes(30), by=other_engineer.as_actor()
            )

        actions.send_back(visit, reason="撞单", at=AT + minutes(31), by=other_engineer.as_actor())
        assert (visit.window_from, visit.engineer) == (WINDOW[0], None)
        assert open_clocks(visit) == CLOCKS | {"visit.assign"}

    def test_nobody_comes_although_it_went_through_two_hands(self, visit, desk):
        actions.cancel(visit, reason="工程师没来", at=WINDOW[1] + HOUR, by=desk)

        kept = RuleResult.objects.get(rule="GEN-4", subject_id=visit.pk)
        assert kept.answer == "broken"


class TestSendAnother:
    @pytest.mark.parametrize("status", sorted(ON_SITE | {Status.EN_ROUTE, Status.MISSED}))
    def test_an_engineer_who_left_holds_up_nothing(
        self, status, engineer, other_engineer, desk, admin
    ):
        visit = make_visit(status, engineer)
        accounts.deactivate(engineer, at=AFTER, by=admin.as_actor())

        actions.send_another(visit, engineer=other_engineer, reason="离职", at=AFTER, by=desk)

        visit.refresh_from_db()
        assert (visit.status, visit.engineer) == (Status.ASSIGNED, other_engineer)
        assert (visit.departed_at, visit.arrived_at, visit.started_at) == (None, None, None)
        assert "visit.accept" in open_clocks(visit)
        # Whom he met, and what he saw, is told by the journal.
        assert answer("VISIT-12", visit) == ("not_applicable" if status == "en_route" else "kept")

    def test_an_appointment_that_he_came_to_is_over_one_on_the_way_stands(
        self, engineer, other_engineer, desk
    ):
        under_way = make_visit(Status.EN_ROUTE, engineer)
        actions.send_another(
            under_way, engineer=other_engineer, reason="车坏了", at=LEAVE, by=desk
        )  # fmt: skip
        actions.accept(under_way, first_judgement="x", at=LEAVE, by=other_engineer.as_actor())
        on_site = make_visit(Status.WORKING, engineer)
        actions.send_another(on_site, engineer=other_engineer, reason="生病", at=AFTER, by=desk)
        actions.accept(on_site, first_judgement="x", at=AFTER, by=other_engineer.as_actor())

        assert (under_way.status, under_way.window_from) == (Status.APPOINTED, WINDOW[0])
        assert (on_site.status, on_site.window_from) == (Status.ACCEPTED, None)
        assert open_clocks(on_site) == {"visit.appointment"}

    def test_what_was_recorded_stays_and_the_next_engineer_finishes_it(
        self, engineer, other_engineer, desk
    ):
        visit = make_visit(Status.INTERRUPTED, engineer)
        by, day = other_engineer.as_actor(), timedelta(days=1)
        actions.record_work(
            visit, findings="主板坏", at=STARTED + minutes(12), by=engineer.as_actor()
        )

        actions.send_another(
            visit, engineer=other_engineer, reason="生病", at=STARTED + minutes(20), by=desk
        )
        actions.accept(visit, first_judgement="换主板", at=STARTED + HOUR, by=by)
        actions.appoint(
            visit, window_from=WINDOW[0] + day, window_until=WINDOW[1] + day,
            agreed_with="李店长", address_verified=True, phone_verified=True,
            at=STARTED + HOUR, by=by,
        )  # fmt: skip
        actions.arrive(visit, at=ARRIVED + day, by=by)
        actions.start_work(visit, ticked=[], at=STARTED + day, by=by)

        assert visit.work.findings == "主板坏"
        assert visit.interruptions.get().ended_at == STARTED + minutes(20)
        assert answer("VISIT-18", visit) == "kept"
        actions.record_work(visit, **RECORD, at=FINISHED + day, by=by)
        actions.finish(visit, ticked=CLOSING_ITEMS, at=FINISHED + day, by=by)
        assert answer("GEN-4", visit) == "kept"

    def test_the_former_engineer_is_free_for_another_customer(self, engineer, other_engineer, desk):
        visit = make_visit(Status.WORKING, engineer)
        actions.send_another(
            visit, engineer=other_engineer, reason="调走", at=STARTED + minutes(5), by=desk
        )

        assert make_visit(Status.WORKING, engineer).status == Status.WORKING

    def test_without_a_reason_it_is_refused(self, engineer, other_engineer, desk):
        visit = make_visit(Status.WORKING, engineer)
        with pytest.raises(Refused) as refused:
            actions.send_another(visit, engineer=other_engineer, reason=" ", at=AFTER, by=desk)
        assert refused.value.field == "reason"

    @pytest.mark.parametrize("status", sorted(ON_SITE | {Status.EN_ROUTE, Status.MISSED}))
    def test_it_may_be_called_off_too_and_the_ticket_is_free(
        self, status, engineer, desk, helpdesk
    ):
        visit = make_visit(status, engineer)

        actions.cancel(visit, reason="工程师生病，客户改送修", at=AFTER, by=desk)

        assert not Deadline.objects.of(visit).open().exists()
        assert not visit.interruptions.filter(ended_at=None).exists()
        tickets.resolve(
            visit.ticket, solution="none", resolution="送修", at=AFTER, by=helpdesk.as_actor()
        )
        assert visit.ticket.status == "resolved"


class TestPassOnForm:
    def test_a_colleague_has_the_form_signed_and_hands_it_in(
        self, engineer, other_engineer, desk, admin
    ):
        visit = make_visit(Status.FINISHED, engineer)
        accounts.deactivate(engineer, at=AFTER, by=admin.as_actor())

        actions.pass_on_form(visit, engineer=other_engineer, reason="离职", at=AFTER, by=desk)

        assert (visit.status, visit.engineer) == (Status.FINISHED, other_engineer)
        clock = Deadline.objects.of(visit).open().get(kind="visit.hand_in")
        assert clock.owner == other_engineer
        form = actions.present_form(visit, at=AFTER, by=other_engineer.as_actor())
        sign_as_customer(form, other_engineer, at=AFTER)
        assert visit.work.findings == RECORD["findings"]

    def test_a_signed_form_is_handed_in_by_him(self, engineer, other_engineer, desk):
        visit = make_visit(Status.SIGNED, engineer)

        actions.pass_on_form(visit, engineer=other_engineer, reason="生病", at=AFTER, by=desk)
        actions.hand_in(visit, usb_scanned_at=AFTER, at=AFTER, by=other_engineer.as_actor())

        assert visit.status == Status.HANDED_IN

    def test_without_a_reason_it_is_refused(self, engineer, other_engineer, desk):
        visit = make_visit(Status.SIGNED, engineer)
        with pytest.raises(Refused) as refused:
            actions.pass_on_form(visit, engineer=other_engineer, reason="", at=AFTER, by=desk)
        assert refused.value.field == "reason"


class TestTheAcceptingClock:
    """VISIT-2: the miss is that of whom it ran out for."""

    @pytest.mark.parametrize("swept", [True, False])
    def test_a_colleague_who_accepts_at_once_is_not_charged(
        self, swept, engineer, other_engineer, desk
    ):
        from sla.sweeping import sweep

        visit = make_visit(Status.ASSIGNED, engineer)
        late = AT + minutes(50)
        if swept:
            while sweep(late):
                pass
        actions.assign(visit, engineer=other_engineer, at=late, by=desk)
        actions.accept(visit, first_judgement="x", at=late, by=other_engineer.as_actor())
        actions.cancel(visit, reason="x", at=late, by=desk)

        kept = RuleResult.objects.get(rule="VISIT-2", subject_id=visit.pk)
        assert (kept.answer, kept.person_id) == ("broken", engineer.pk)
        other = RuleResult.objects.get(rule="VISIT-1", subject_id=visit.pk)
        assert other.person_id == other_engineer.pk
