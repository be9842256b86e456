from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, connection

from servicedesk.core.errors import Refused
from sla.models import Deadline
from tests.conftest import AT
from tests.visits.factories import WINDOW, make_visit
from visits import actions
from visits.actions import appointments
from visits.models import VisitOrder
from visits.states import Status

HOUR = timedelta(hours=1)


def appoint(visit, start=WINDOW[0], end=WINDOW[1], **more):
    return actions.appoint(
        visit,
        **{"window_from": start, "window_until": end, "agreed_with": "李店长",
           "at": AT + timedelta(minutes=20), "by": visit.engineer.as_actor()} | more,
    )  # fmt: skip


@pytest.mark.django_db
class TestOne:
    def test_the_window_is_kept_and_the_clocks_of_the_way_start(self, engineer):
        visit = make_visit(Status.ACCEPTED, engineer)

        appoint(visit, travel_minutes=45)

        assert (visit.window_from, visit.window_until) == WINDOW
        assert visit.leave_at == WINDOW[0] - timedelta(minutes=45)
        due = dict(Deadline.objects.of(visit).open().values_list("kind", "due_at"))
        assert due == {
            "visit.departure": visit.leave_at,
            "visit.notice": WINDOW[0] - timedelta(minutes=5),
            "visit.arrival": WINDOW[0],
        }

    def test_whoever_spoke_to_the_customer_has_responded(self, engineer):
        visit = make_visit(Status.ACCEPTED, engineer)

        appoint(visit)

        visit.ticket.refresh_from_db()
        assert visit.ticket.responded_at == AT + timedelta(minutes=20)

    def test_a_corrected_address_is_the_new_one(self, engineer):
        visit = make_visit(Status.ACCEPTED, engineer)

        appoint(visit, address="新址 8 号", contact_phone="13700001111")

        visit.refresh_from_db()
        assert (visit.address, visit.contact_phone) == ("新址 8 号", "13700001111")

    @pytest.mark.parametrize(
        ("start", "end", "field"),
        [
            (WINDOW[1], WINDOW[0], "window_until"),
            (WINDOW[0], WINDOW[0], "window_until"),
            (WINDOW[0], WINDOW[0] + timedelta(hours=13), "window_until"),
            (AT - 2 * HOUR, AT - HOUR, "window_from"),
        ],
    )
    def test_a_window_that_makes_no_sense_is_refused(self, start, end, field, engineer):
        visit = make_visit(Status.ACCEPTED, engineer)
        with pytest.raises(Refused) as refused:
            appoint(visit, start, end)
        assert refused.value.field == field

    def test_a_time_that_nobody_agreed_to_is_refused(self, engineer):
        visit = make_visit(Status.ACCEPTED, engineer)
        with pytest.raises(Refused) as refused:
            appoint(visit, agreed_with="")
        assert refused.value.field == "agreed_with"

    def test_a_missed_visit_gets_a_new_trip(self, engineer):
        visit = make_visit(Status.MISSED, engineer)
        day = timedelta(days=1)

        appoint(visit, WINDOW[0] + day, WINDOW[1] + day, at=WINDOW[1])

        assert (visit.status, visit.arrived_at, visit.departed_at) == (
            Status.APPOINTED, None, None,
        )  # fmt: skip
        assert Deadline.objects.of(visit).get(kind="visit.follow_up_missed").status == "met"
        assert visit.appointments.count() == 2


@pytest.mark.django_db
class TestClash:
    """The other visit is from 11:30 to 12:30, half an hour of travel before each."""

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            (WINDOW[0], WINDOW[1]),
            (WINDOW[0] - HOUR, WINDOW[0] + timedelta(minutes=1)),
            # He would have to set off while he is still there.
            (WINDOW[1] + timedelta(minutes=29), WINDOW[1] + HOUR),
            # He would be busy when he must set off for the other.
            (WINDOW[0] - HOUR, WINDOW[0] - timedelta(minutes=29)),
        ],
    )
    def test_a_clash_is_refused_and_the_other_order_named(self, start, end, engineer):
        other = make_visit(Status.APPOINTED, engineer)
        visit = make_visit(Status.ACCEPTED, engineer)

        with pytest.raises(Refused, match=other.number) as refused:
            appoint(visit, start, end)

        assert refused.value.field == "window_from"
        visit.refresh_from_db()
        assert (visit.status, visit.window_from) == (Status.ACCEPTED, None)

    def test_travel_fits_in_between(self, engineer):
        make_visit(Status.APPOINTED, engineer)
        visit = make_visit(Status.ACCEPTED, engineer)

        appoint(visit, WINDOW[1] + timedelta(minutes=30), WINDOW[1] + HOUR)

        assert visit.status == Status.APPOINTED

    def test_a_colleague_may_be_elsewhere_at_that_time(self, engineer, other_engineer):
        make_visit(Status.APPOINTED, engineer)

        assert make_visit(Status.APPOINTED, other_engineer).status == Status.APPOINTED

    def test_a_finished_visit_blocks_nobody(self, engineer):
        make_visit(Status.FINISHED, engineer)
        visit = make_visit(Status.ACCEPTED, engineer)

        appoint(visit)

        assert visit.status == Status.APPOINTED

    def test_the_database_refuses_a_clash_that_got_past_the_action(self, engineer, monkeypatch):
        make_visit(Status.APPOINTED, engineer)
        visit = make_visit(Status.ACCEPTED, engineer)
        monkeypatch.setattr(appointments, "clashing", lambda *args, **more: [])

        with pytest.raises(IntegrityError, match="visits_visitorder_no_clash"):
            appoint(visit)


def both_at_once(visits) -> list[str]:
    """Two calls at the same moment; what became of each."""
    ready, results = threading.Barrier(2), []

    def call(visit) -> None:
        ready.wait(10)
        try:
            appoint(visit)
            results.append("made")
        except Refused:
            results.append("refused")
        except OperationalError as error:
            # Both rows were checked at once: PostgreSQL ends one of the two waits.
            results.append("net" if "deadlock" in str(error) else str(error))
        except IntegrityError as error:
            results.append("net" if "no_clash" in str(error) else str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=[visit]) for visit in visits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return sorted(results)


@pytest.mark.django_db(transaction=True)
def test_of_two_clashing_appointments_at_once_one_is_refused_in_words(engineer):
    visits = [make_visit(Status.ACCEPTED, engineer) for _ in range(2)]

    assert both_at_once(visits) == ["made", "refused"]
    assert VisitOrder.objects.filter(status=Status.APPOINTED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_twin_without_the_lock_the_net_of_the_database_holds(engineer, monkeypatch):
    """The same two calls with the engineer's row not locked: both see no clash, one falls."""
    visits = [make_visit(Status.ACCEPTED, engineer) for _ in range(2)]
    seen = threading.Barrier(2)
    asked = appointments.clashing

    def asked_together(*args, **more):
        found = asked(*args, **more)
        seen.wait(10)
        return found

    monkeypatch.setattr(appointments, "lock_engineer", lambda visit: visit.engineer)
    monkeypatch.setattr(appointments, "clashing", asked_together)

    assert both_at_once(visits) == ["made", "net"]
    assert VisitOrder.objects.filter(status=Status.APPOINTED).count() == 1
