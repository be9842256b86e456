"""What is reported lies after what is known to have happened, and within reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from servicedesk.core.errors import Refused
from tests.conftest import AT
from tests.visits.cases import CASES
from tests.visits.factories import (
    ARRIVED,
    FINISHED,
    WINDOW,
    make_desk_person,
    make_store,
    make_ticket,
    make_visit,
    order,
)
from tests.visits.test_doors import arguments
from visits import actions
from visits.actions.common import EARLIEST, STEPS
from visits.states import Status

pytestmark = pytest.mark.django_db
EVE = AT - timedelta(days=30)
END_OF_TIME = datetime(9999, 12, 31, 15, 59, tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.verb)
def test_nothing_happened_before_the_order(case, engineer, dispatcher):
    visit = make_visit(case.start, engineer)
    by = make_desk_person() if case.desk else engineer

    with pytest.raises(Refused) as refused:
        getattr(actions, case.verb)(visit, **arguments(case), at=EVE, by=by.as_actor())

    assert refused.value.field == "at"


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.verb not in EARLIEST], ids=lambda case: case.verb
)
def test_no_step_is_reported_from_before_the_last_one(case, engineer, dispatcher):
    from servicedesk.core.rules import journal_of

    visit = make_visit(case.start, engineer)
    last = max(e.at for e in journal_of(visit).entries if e.type in STEPS)
    by = make_desk_person() if case.desk else engineer

    with pytest.raises(Refused) as refused:
        getattr(actions, case.verb)(
            visit, **arguments(case), at=last - timedelta(seconds=1), by=by.as_actor()
        )

    assert refused.value.field == "at"


def test_a_notice_given_on_the_way_may_be_reported_on_arrival_only_from_after_the_agreement(
    engineer,
):
    visit = make_visit(Status.EN_ROUTE, engineer)
    said = {"expected_at": WINDOW[1], "by": engineer.as_actor()}

    actions.tell_late(visit, at=AT + timedelta(minutes=21), **said)
    with pytest.raises(Refused):
        actions.tell_late(visit, at=AT + timedelta(minutes=19), **said)


def test_a_visit_is_not_ordered_before_its_ticket_was_received():
    ticket = make_ticket()
    with pytest.raises(Refused) as refused:
        order(ticket, at=EVE)
    assert refused.value.field == "at"


def test_a_visit_of_one_customers_ticket_does_not_go_to_another(engineer):
    ticket = make_ticket(contact=None, installation=None)
    with pytest.raises(Refused) as refused:
        order(ticket, store=make_store("别家 一店"))
    assert refused.value.field == "store"


def test_over_the_api_neither(engineer):
    from rest_framework.test import APIClient

    ticket, store = make_ticket(contact=None, installation=None), make_store("别家 一店")
    client = APIClient()
    client.force_login(make_desk_person())

    answer = client.post(
        "/api/v1/visits/order",
        {"ticket": ticket.number, "store": str(store.uid), "contact_name": "王",
         "contact_phone": "021-1234567"},
        format="json",
    )  # fmt: skip

    assert answer.status_code == 409
    assert answer.json()["errors"][0]["pointer"] == "/store"


class TestOutOfRange:
    def test_an_appointment_lies_within_a_year(self, engineer):
        visit = make_visit(Status.ACCEPTED, engineer)
        at, by = AT + timedelta(minutes=20), engineer.as_actor()
        for start in (AT + timedelta(days=370), END_OF_TIME - timedelta(hours=9)):
            with pytest.raises(Refused) as refused:
                actions.appoint(
                    visit, window_from=start, window_until=start + timedelta(hours=1),
                    agreed_with="x", at=at, by=by,
                )  # fmt: skip
            assert refused.value.field == "window_from"
        with pytest.raises(Refused) as refused:
            actions.log_attempt(visit, outcome="busy", next_try_at=END_OF_TIME, at=at, by=by)
        assert refused.value.field == "next_try_at"

    @pytest.mark.parametrize("when", ["9999-12-31T23:59", "9999-12-31T12:00", "0001-01-01T00:00"])
    @pytest.mark.parametrize(
        ("verb", "field", "more"),
        [
            ("appoint", "window_from",
             {"length": 60, "agreed_with": "x", "address": "a", "contact_phone": "1",
              "travel_minutes": 30}),
            ("log_attempt", "next_try_at", {"outcome": "busy"}),
        ],
    )  # fmt: skip
    def test_the_page_says_so(self, when, verb, field, more, engineer, logged_in):
        visit = make_visit(Status.ACCEPTED, engineer)
        client = logged_in(engineer)

        answer = client.post(f"/visits/{visit.number}/{verb}/", {field: when, **more})

        assert answer.status_code == 422
        assert client.get(f"/visits/{visit.number}/appoint/").status_code == 200

    @pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2026-03-02"])
    def test_a_day_without_a_next_one_opens_too(self, day, dispatcher, logged_in):
        for page in ("/visits/", "/visits/board/"):
            assert logged_in(dispatcher).get(page, {"day": day}).status_code == 200


class TestTheDrive:
    """VISIT-9: scanned before leaving, and on return."""

    def test_a_scan_of_the_day_before_yesterday_is_not_before_leaving(self, engineer):
        visit = make_visit(Status.APPOINTED, engineer)
        at = AT + timedelta(minutes=30)
        with pytest.raises(Refused) as refused:
            actions.prepare(
                visit, ticked=[], usb_drive="U1", usb_scanned_at=at - timedelta(hours=25), at=at,
                by=engineer.as_actor(),
            )  # fmt: skip
        assert refused.value.field == "usb_scanned_at"

    def test_a_scan_from_before_the_visit_is_none_on_return(self, engineer):
        visit = make_visit(Status.SIGNED, engineer)
        for scanned in (ARRIVED, FINISHED - timedelta(hours=1000)):
            with pytest.raises(Refused) as refused:
                actions.hand_in(
                    visit, usb_scanned_at=scanned, at=FINISHED + timedelta(hours=4),
                    by=engineer.as_actor(),
                )  # fmt: skip
            assert refused.value.field == "usb_scanned_at"
