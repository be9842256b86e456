"""prepare, depart, arrive."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection

from servicedesk.core.errors import Refused
from servicedesk.core.rules import journal_of
from sla.models import Deadline
from tests.conftest import AT
from tests.visits.factories import AGREED, ARRIVED, LEAVE, WINDOW, make_visit
from visits import actions
from visits.actions import trips
from visits.models import DEPARTURE_ITEMS, ChecklistAnswer, VisitOrder
from visits.states import Status


@pytest.mark.django_db
class TestPrepare:
    def test_what_was_not_ticked_is_said(self, engineer):
        visit = make_visit(Status.APPOINTED, engineer)

        actions.prepare(visit, ticked=["tidy", "badge"], at=AGREED, by=engineer.as_actor())

        assert journal_of(visit).last("visit.prepared").data["unticked"] == [
            "resources", "id_card",
        ]  # fmt: skip
        rows = ChecklistAnswer.objects.filter(visit=visit, ticked=True)
        assert set(rows.values_list("item", flat=True)) == {"tidy", "badge"}

    def test_a_second_time_overwrites_the_first(self, engineer):
        visit = make_visit(Status.APPOINTED, engineer)
        actions.prepare(visit, ticked=[], at=AGREED, by=engineer.as_actor())

        actions.prepare(visit, ticked=DEPARTURE_ITEMS, at=AGREED, by=engineer.as_actor())

        assert ChecklistAnswer.objects.filter(visit=visit).count() == len(DEPARTURE_ITEMS)
        assert not ChecklistAnswer.objects.filter(visit=visit, ticked=False).exists()

    def test_a_drive_without_a_scan_is_refused(self, engineer):
        visit = make_visit(Status.APPOINTED, engineer)
        with pytest.raises(Refused) as refused:
            actions.prepare(visit, ticked=[], usb_drive="U1", at=AGREED, by=engineer.as_actor())
        assert refused.value.field == "usb_scanned_at"

    def test_a_scan_in_the_future_is_refused(self, engineer):
        visit = make_visit(Status.APPOINTED, engineer)
        with pytest.raises(Refused):
            actions.prepare(
                visit, ticked=[], usb_drive="U1", usb_scanned_at=AT + timedelta(hours=1), at=AGREED,
                by=engineer.as_actor(),
            )  # fmt: skip


@pytest.mark.django_db
class TestDepart:
    @pytest.mark.parametrize("late", [-3, 0, 7])
    def test_how_late_he_left_is_computed(self, late, engineer):
        visit = make_visit(Status.APPOINTED, engineer)

        actions.depart(visit, at=LEAVE + timedelta(minutes=late), by=engineer.as_actor())

        assert journal_of(visit).last("visit.departed").data["minutes_late"] == late
        assert Deadline.objects.of(visit).get(kind="visit.departure").late == (late > 0)

    def test_without_an_appointment_somebody_must_have_called(self, engineer):
        visit = make_visit(Status.ACCEPTED, engineer)
        with pytest.raises(Refused):
            actions.depart(visit, at=AGREED, by=engineer.as_actor())

    def test_who_is_not_reached_is_gone_to(self, engineer):
        """Also while another appointment stands: no window of his own, no clash."""
        make_visit(Status.APPOINTED, engineer, shift=timedelta(hours=3))
        visit = make_visit(Status.ACCEPTED, engineer)
        by, at = engineer.as_actor(), AT + timedelta(minutes=30)
        actions.log_attempt(visit, outcome="no_answer", at=at, by=by)

        actions.depart(visit, at=at, by=by)

        assert (visit.status, visit.window_from) == (Status.EN_ROUTE, None)
        assert not Deadline.objects.of(visit).open().exists()


@pytest.mark.django_db
class TestArrive:
    def test_the_minutes_before_the_window_are_computed(self, engineer):
        visit = make_visit(Status.EN_ROUTE, engineer)

        actions.arrive(visit, at=WINDOW[0] - timedelta(minutes=8), by=engineer.as_actor())

        assert journal_of(visit).last("visit.arrived").data["minutes_before"] == 8
        assert not Deadline.objects.of(visit).open().exists()

    def test_a_late_arrival_is_late(self, engineer):
        visit = make_visit(Status.EN_ROUTE, engineer)

        actions.arrive(visit, at=WINDOW[0] + timedelta(seconds=30), by=engineer.as_actor())

        assert journal_of(visit).last("visit.arrived").data["minutes_before"] == -1
        assert Deadline.objects.of(visit).get(kind="visit.arrival").late

    def test_some_report_only_at_the_door(self, engineer):
        visit = make_visit(Status.APPOINTED, engineer)

        actions.arrive(visit, at=ARRIVED, by=engineer.as_actor())

        assert (visit.status, visit.departed_at) == (Status.ARRIVED, None)

    def test_before_the_departure_is_refused(self, engineer):
        visit = make_visit(Status.EN_ROUTE, engineer)
        with pytest.raises(Refused) as refused:
            actions.arrive(
                visit, at=visit.departed_at - timedelta(minutes=1), by=engineer.as_actor()
            )
        assert refused.value.field == "at"

    def test_who_is_still_on_site_elsewhere_is_refused(self, engineer):
        elsewhere = make_visit(Status.WORKING, engineer)
        visit = make_visit(Status.APPOINTED, engineer, shift=timedelta(hours=3))
        with pytest.raises(Refused, match=elsewhere.number):
            actions.arrive(visit, at=ARRIVED + timedelta(hours=3), by=engineer.as_actor())

    def test_the_database_holds_what_got_past_the_action(self, engineer, monkeypatch):
        make_visit(Status.WORKING, engineer)
        visit = make_visit(Status.APPOINTED, engineer, shift=timedelta(hours=3))
        monkeypatch.setattr(trips, "be_nowhere_else", lambda visit: None)
        with pytest.raises(IntegrityError, match="visits_visitorder_one_on_site"):
            actions.arrive(visit, at=ARRIVED + timedelta(hours=3), by=engineer.as_actor())


@pytest.mark.django_db(transaction=True)
def test_of_two_arrivals_at_once_one_is_refused_in_words(engineer):
    visits = [
        make_visit(Status.APPOINTED, engineer, shift=timedelta(hours=3 * n)) for n in range(2)
    ]
    ready, results = threading.Barrier(2), []

    def call(visit) -> None:
        ready.wait(10)
        try:
            actions.arrive(visit, at=ARRIVED, by=engineer.as_actor())
            results.append("arrived")
        except Refused:
            results.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=[visit]) for visit in visits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(results) == ["arrived", "refused"]
    assert VisitOrder.objects.filter(status=Status.ARRIVED).count() == 1
