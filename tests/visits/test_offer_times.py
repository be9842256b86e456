"""The customer chooses by his link: only his own answer makes or moves an appointment."""

from __future__ import annotations

from datetime import timedelta

import icalendar
import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from accounts.models import Notification
from accounts.roles import Role
from servicedesk.core.errors import Refused, WrongState
from servicedesk.core.models import token_hash
from servicedesk.core.rules import journal_of
from sla.models import Deadline
from tests.conftest import AT, person
from tests.visits.factories import WINDOW, make_desk_person, make_visit
from visits import actions
from visits.actions.planning import customer_of
from visits.models import Offer, VisitOrder
from visits.states import Status

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NOW = AT + 30 * MINUTE
SLOTS = [(WINDOW[0] + n * HOUR, WINDOW[1] + n * HOUR) for n in (0, 3, 24)]


def offer(visit, *, slots=SLOTS, at=NOW, by=None, **more):
    token = actions.offer_times(
        visit, slots=slots, at=at, by=(by or make_desk_person()).as_actor(), **more
    )
    return token, Offer.objects.get(token_sha256=token_hash(token))


def choose(made, start, *, at=NOW + 10 * MINUTE, **more):
    return actions.choose_time(
        made, window_from=start, name="李晓梅", at=at, by=customer_of(made), **more
    )


MOVE = {"asked_by": "engineer", "reason": "上一单拖延"}


def test_the_chosen_time_is_an_appointment_like_any_other(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    _token, made = offer(visit)

    choose(made, SLOTS[1][0], address_right=True)

    visit.refresh_from_db()
    assert (visit.status, visit.window_from, visit.window_until) == (Status.APPOINTED, *SLOTS[1])
    assert visit.leave_at == SLOTS[1][0] - 30 * MINUTE
    agreed = visit.appointments.get()
    assert (agreed.offer, agreed.agreed_with) == (made, "李晓梅")
    assert (agreed.address_verified, agreed.phone_verified) == (True, True)
    journal = journal_of(visit)
    assert journal.last("visit.appointed").data["offer"] == str(made.uid)
    chosen = journal.last("visit.time_chosen")
    assert (chosen.actor_kind, chosen.data["kept"]) == ("contact", False)
    clocks = {d.kind: d for d in Deadline.objects.of(visit)}
    assert clocks["visit.appointment"].status == "met"
    assert clocks["visit.arrival"].due_at == SLOTS[1][0]
    visit.ticket.refresh_from_db()
    assert visit.ticket.responded_at is not None


def test_an_offer_alone_moves_nothing(engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    offer(visit, slots=SLOTS[1:], **MOVE)
    visit.refresh_from_db()
    assert (visit.status, visit.window_from, visit.window_until) == (Status.APPOINTED, *WINDOW)
    assert Deadline.objects.of(visit).get(kind="visit.arrival").due_at == WINDOW[0]


def test_the_customer_moves_his_appointment_and_the_notice_counts(engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    _token, made = offer(visit, slots=SLOTS[1:], **MOVE)

    choose(made, SLOTS[1][0])

    visit.refresh_from_db()
    assert visit.window_from == SLOTS[1][0]
    moved = journal_of(visit).last("visit.rearranged").data
    # We asked, so VISIT-14 is ours to keep: 80 minutes before, where 30 are needed.
    assert (moved["asked_by"], moved["notice_minutes"], moved["in_time"]) == ("engineer", 80, True)
    assert moved["offer"] == str(made.uid)


def test_what_the_customer_wishes_needs_no_notice(engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    _token, made = offer(visit, slots=SLOTS[1:], asked_by="customer", reason="盘点")
    choose(made, SLOTS[2][0])
    assert journal_of(visit).last("visit.rearranged").data["in_time"] is None


def test_the_customer_keeps_what_he_has(engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    _token, made = offer(visit, slots=SLOTS[1:], **MOVE)

    choose(made, WINDOW[0])

    visit.refresh_from_db()
    made.refresh_from_db()
    assert (visit.window_from, made.answer) == (WINDOW[0], "kept")
    assert visit.appointments.count() == 1
    assert journal_of(visit).last("visit.rearranged") is None


def test_none_of_them_suits_and_those_who_offered_hear_of_it(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    _token, made = offer(visit)

    actions.decline_times(made, name="李晓梅", wish="周末", at=NOW, by=customer_of(made))

    visit.refresh_from_db()
    assert (visit.status, visit.window_from) == (Status.ACCEPTED, None)
    for somebody in (engineer, make_desk_person()):
        assert Notification.objects.filter(user=somebody, urgent=True, text__contains="周末")


def test_a_link_is_good_once(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    _token, made = offer(visit)
    choose(made, SLOTS[0][0])
    with pytest.raises(Refused):
        choose(made, SLOTS[1][0])
    visit.refresh_from_db()
    assert visit.window_from == SLOTS[0][0]


def test_a_time_that_was_not_offered_is_refused_and_the_link_stays_good(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    _token, made = offer(visit)
    with pytest.raises(Refused) as refused:
        choose(made, SLOTS[0][0] + HOUR)
    assert refused.value.field == "slot"
    made.refresh_from_db()
    assert (made.used_at, made.answer) == (None, "")


def test_whoever_is_second_chooses_again_and_learns_nothing_of_the_first(engineer):
    first, second = (make_visit(Status.ACCEPTED, engineer) for _ in range(2))
    one, two = offer(first)[1], offer(second)[1]
    choose(one, SLOTS[0][0])

    with pytest.raises(Refused) as refused:
        choose(two, SLOTS[0][0])

    assert first.number not in str(refused.value.message)
    two.refresh_from_db()
    assert two.used_at is None
    choose(two, SLOTS[1][0])
    second.refresh_from_db()
    assert second.window_from == SLOTS[1][0]


@pytest.mark.parametrize("end", ["again", "appoint", "assign", "cancel", "send_back"])
def test_a_link_dies_when_it_is_replaced_or_not_needed(end, engineer, other_engineer):
    visit, at, desk = make_visit(Status.ACCEPTED, engineer), NOW + MINUTE, make_desk_person()
    _token, made = offer(visit)
    if end == "again":
        offer(visit, at=at)
    elif end == "appoint":
        actions.appoint(
            visit, window_from=WINDOW[0], window_until=WINDOW[1], agreed_with="x", at=at,
            by=engineer.as_actor(),
        )  # fmt: skip
    elif end == "assign":
        actions.assign(visit, engineer=other_engineer, at=at, by=desk.as_actor())
    elif end == "cancel":
        actions.cancel(visit, reason="x", at=at, by=desk.as_actor())
    else:
        actions.send_back(visit, reason="x", at=at, by=engineer.as_actor())
    made.refresh_from_db()
    assert made.revoked_at == at
    with pytest.raises(Refused):
        choose(made, SLOTS[1][0])


def test_once_the_engineer_is_on_his_way_the_link_moves_nothing(engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    _token, made = offer(visit, slots=SLOTS[1:], **MOVE)
    actions.depart(visit, at=WINDOW[0] - 35 * MINUTE, by=engineer.as_actor())
    with pytest.raises(WrongState):
        choose(made, SLOTS[1][0], at=WINDOW[0] - 20 * MINUTE)


@pytest.mark.parametrize("role", list(Role))
def test_nobody_of_the_house_answers_for_the_customer(role, engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    _token, made = offer(visit)
    somebody = person(f"some-{role}", "某人", role).as_actor()
    for act, more in [
        (actions.choose_time, {"window_from": SLOTS[0][0]}),
        (actions.decline_times, {}),
    ]:
        with pytest.raises(PermissionDenied):
            act(made, name="x", at=NOW, by=somebody, **more)
    with pytest.raises(PermissionDenied):
        actions.appoint(
            visit, window_from=WINDOW[0], window_until=WINDOW[1], agreed_with="x", offer=made,
            at=NOW, by=engineer.as_actor(),
        )  # fmt: skip


def test_who_may_offer(engineer, other_engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    offer(visit, by=engineer)
    with pytest.raises(PermissionDenied):
        offer(visit, by=other_engineer)
    for role in (Role.BUSINESS, Role.TRAINER, Role.CLIENT):
        with pytest.raises(PermissionDenied):
            offer(visit, by=person(f"some-{role}", "某人", role))


@pytest.mark.parametrize(
    ("slots", "field"),
    [
        ([], "slots"),
        ([(WINDOW[0] + n * 2 * HOUR, WINDOW[1] + n * 2 * HOUR) for n in range(7)], "slots"),
        ([(NOW - HOUR, NOW + HOUR)], "slots"),
        ([(WINDOW[1], WINDOW[0])], "slots"),
    ],
)
def test_what_cannot_be_offered(slots, field, engineer):
    with pytest.raises(Refused) as refused:
        offer(make_visit(Status.ACCEPTED, engineer), slots=slots)
    assert refused.value.field == field


def test_a_time_at_which_the_engineer_is_elsewhere_is_not_offered(engineer):
    busy = make_visit(Status.APPOINTED, engineer)
    with pytest.raises(Refused) as refused:
        offer(make_visit(Status.ACCEPTED, engineer))
    assert busy.number in str(refused.value.message)


@pytest.mark.parametrize("more", [{}, {"asked_by": "engineer"}, {"asked_by": "x", "reason": "y"}])
def test_moving_an_appointment_needs_a_reason_and_whose_wish_it_is(more, engineer):
    with pytest.raises(Refused):
        offer(make_visit(Status.APPOINTED, engineer), slots=SLOTS[1:], **more)


def test_the_engineer_accepts_before_anything_is_offered(engineer):
    with pytest.raises(WrongState):
        offer(make_visit(Status.ASSIGNED, engineer))


# --- the customer's page --------------------------------------------------------------------------


def page_of(token):
    return reverse("visits:choose_time", args=[token])


@pytest.fixture
def offered(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    token, made = offer(visit)
    with time_machine.travel(NOW + 5 * MINUTE, tick=False):
        yield visit, token, made


def proven(token):
    client = Client()
    assert client.post(page_of(token), {"digits": "5678"}).status_code == 302
    return client


def test_without_the_last_digits_the_page_tells_nothing(offered):
    visit, token, _made = offered
    shown = Client().get(page_of(token)).content.decode()
    for secret in (visit.address, visit.contact_name, visit.number, visit.store.name):
        assert secret not in shown
    assert Client().get(page_of(token) + "visit.ics").status_code == 404


def test_after_five_wrong_answers_the_link_is_shut_for_the_right_one_too(offered):
    _visit, token, _made = offered
    client = Client()
    for _ in range(5):
        assert client.post(page_of(token), {"digits": "0000"}).status_code == 422
    assert client.post(page_of(token), {"digits": "5678"}).status_code == 410


def test_looking_uses_nothing_up(offered):
    _visit, token, made = offered
    client = proven(token)
    for _ in range(3):
        assert client.get(page_of(token)).status_code == 200
    made.refresh_from_db()
    assert made.used_at is None


def test_the_customer_chooses_and_takes_the_file(offered):
    visit, token, _made = offered
    client = proven(token)

    response = client.post(
        page_of(token),
        {"act": "choose", "slot": SLOTS[2][0].isoformat(), "name": "李晓梅", "address_right": "on",
         "note": "从后门进"},
    )  # fmt: skip

    assert response.status_code == 302
    visit.refresh_from_db()
    assert (visit.status, visit.window_from) == (Status.APPOINTED, SLOTS[2][0])
    assert journal_of(visit).last("visit.time_chosen").data["note"] == "从后门进"
    assert visit.number in client.get(page_of(token)).content.decode()
    file = client.get(page_of(token) + "visit.ics")
    assert file["Content-Type"] == "text/calendar; charset=utf-8"
    (entry,) = icalendar.Calendar.from_ical(file.content).walk("VEVENT")
    assert (entry.decoded("dtstart"), entry.decoded("dtend")) == SLOTS[2]
    assert (entry["location"], entry["sequence"]) == (visit.address, 0)
    assert visit.number in entry["description"]


def test_a_second_answer_changes_nothing(offered):
    visit, token, _made = offered
    client = proven(token)
    for start in (SLOTS[0][0], SLOTS[1][0]):
        client.post(page_of(token), {"act": "choose", "slot": start.isoformat(), "name": "李"})
    visit.refresh_from_db()
    assert visit.window_from == SLOTS[0][0]


def test_only_what_is_offered_can_be_posted(offered):
    visit, token, _made = offered
    client = proven(token)
    for slot in ((SLOTS[0][0] + HOUR).isoformat(), "", "yesterday"):
        sent = {"act": "choose", "slot": slot, "name": "李"}
        assert client.post(page_of(token), sent).status_code == 422
    visit.refresh_from_db()
    assert visit.status == Status.ACCEPTED


def test_what_somebody_else_took_is_not_shown(offered, engineer):
    _visit, token, _made = offered
    client = proven(token)
    make_visit(Status.APPOINTED, engineer)
    values = [value for value, _words in client.get(page_of(token)).context["times"]]
    assert values == [start.isoformat() for start, _until in SLOTS[1:]]


def test_none_suits(offered):
    _visit, token, made = offered
    client = proven(token)
    client.post(page_of(token), {"act": "decline", "name": "李", "wish": "周六"})
    made.refresh_from_db()
    assert made.answer == "declined"
    assert client.get(page_of(token)).status_code == 200


def test_an_expired_a_replaced_and_a_foreign_link(offered, engineer):
    visit, token, made = offered
    client = proven(token)
    other = make_visit(Status.ACCEPTED, engineer)
    other_token, _other = offer(other, slots=[(WINDOW[0] + 10 * HOUR, WINDOW[1] + 10 * HOUR)])
    # Who proved himself for one link has not for another.
    assert "digits" in client.get(page_of(other_token)).context["form"].fields
    assert client.get(page_of("x" * 43)).status_code == 404
    with time_machine.travel(made.expires_at, tick=False):
        assert client.get(page_of(token)).status_code == 410
        sent = {"act": "choose", "slot": SLOTS[2][0].isoformat(), "name": "李"}
        assert client.post(page_of(token), sent).status_code == 410
    offer(visit, at=NOW + 5 * MINUTE)
    assert client.get(page_of(token)).status_code == 410


def test_the_desk_gets_the_link_once_and_the_journal_does_not_keep_it(engineer, logged_in):
    visit = make_visit(Status.ACCEPTED, engineer)
    slots = [f"{a.isoformat()}/{b.isoformat()}" for a, b in SLOTS]
    with time_machine.travel(NOW, tick=False):
        client = logged_in(make_desk_person())
        assert client.get(f"/visits/{visit.number}/offer_times/").status_code == 200
        shown = client.post(f"/visits/{visit.number}/offer_times/", {"slots": slots})
    token = shown.context["url"].split("/")[-2]
    assert Offer.objects.get(token_sha256=token_hash(token)).visit == visit
    assert shown["Cache-Control"] == "no-store"
    assert token not in str(journal_of(visit).last("visit.times_offered").data)


@pytest.mark.parametrize("slots", [[], ["x"], ["2026-03-02T10:00/2026-03-02T11:00"], ["a/b/c"]])
def test_a_form_without_a_time_is_shown_again(slots, engineer, logged_in):
    visit = make_visit(Status.ACCEPTED, engineer)
    with time_machine.travel(NOW, tick=False):
        answer = logged_in(make_desk_person()).post(
            f"/visits/{visit.number}/offer_times/", {"slots": slots}
        )
    assert answer.status_code == 422
    assert not Offer.objects.exists()


def test_the_api_plans_proposes_and_offers(engineer, logged_in):
    visit = make_visit(Status.ACCEPTED, engineer)
    path = f"/api/v1/visits/{visit.number}"
    with time_machine.travel(NOW, tick=False):
        client = logged_in(make_desk_person())
        found = client.get(f"{path}/proposals").json()
        assert found
        assert found[0]["engineer"] == str(engineer.uid)
        window = {key: found[0][key] for key in ("window_from", "window_until")}
        answer = client.post(
            f"{path}/offer-times", {"slots": [window]}, content_type="application/json"
        )
        assert answer.status_code == 200, answer.content
        assert client.post(
            f"{path}/offer-times", {"slots": [{"window_from": "x"}]},
            content_type="application/json",
        ).status_code == 400  # fmt: skip
        assert logged_in(engineer).get(f"{path}/proposals").status_code == 403
    token = answer.json()["url"].split("/")[-2]
    assert VisitOrder.objects.get(offers__token_sha256=token_hash(token)) == visit
