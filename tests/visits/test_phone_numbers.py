"""GEN-7: who sees the whole number of an order."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from servicedesk.core.models import Entry
from tests.visits.factories import make_ticket, make_visit
from visits.states import Status

pytestmark = pytest.mark.django_db
WHOLE, MASKED = "13912345678", "139****5678"


def api(user):
    client = APIClient()
    client.force_login(user)
    return client


@pytest.fixture
def visit(engineer):
    return make_visit(Status.ACCEPTED, engineer)


def test_the_engineer_of_the_order_taps_to_call(visit, engineer, logged_in):
    for page in (visit.get_absolute_url(), "/visits/today/", f"/visits/{visit.number}/appoint/"):
        assert f'href="tel:{WHOLE}"' in logged_in(engineer).get(page).text
    shown = api(engineer).get(f"/api/v1/visits/{visit.number}").json()
    assert shown["contact_phone"] == WHOLE


def test_after_the_form_is_handed_in_he_needs_it_no_more(engineer, logged_in):
    done = make_visit(Status.HANDED_IN, engineer)
    text = logged_in(engineer).get(done.get_absolute_url()).text
    assert WHOLE not in text
    assert MASKED in text


@pytest.mark.parametrize("who", ["helpdesk", "dispatcher", "business"])
def test_everybody_else_sees_it_masked(who, visit, request, logged_in):
    user = request.getfixturevalue(who)
    text = logged_in(user).get(visit.get_absolute_url()).text
    assert WHOLE not in text
    assert MASKED in text


@pytest.mark.parametrize("who", ["business", "api_client_user"])
def test_the_api_masks_it_too(who, visit, request):
    client = api(request.getfixturevalue(who))
    one, many = client.get(f"/api/v1/visits/{visit.number}"), client.get("/api/v1/visits")
    assert WHOLE not in one.content.decode() + many.content.decode()
    assert one.json()["contact_phone"] == MASKED


def test_a_corrected_number_is_masked_among_the_changes(visit, engineer, dispatcher, logged_in):
    from datetime import timedelta

    from tests.conftest import AT
    from tests.visits.factories import WINDOW
    from visits import actions

    actions.appoint(
        visit, window_from=WINDOW[0], window_until=WINDOW[1], agreed_with="x",
        contact_phone="13700001111", at=AT + timedelta(minutes=20), by=engineer.as_actor(),
    )  # fmt: skip
    text = logged_in(dispatcher).get(visit.get_absolute_url()).text
    assert "13700001111" not in text
    assert WHOLE not in text
    assert "137****1111" in text


def test_for_a_reason_it_is_shown_and_that_is_written_down(visit, helpdesk, logged_in):
    client, page = logged_in(helpdesk), f"/visits/{visit.number}/phone/"

    assert WHOLE not in client.get(page).text
    assert client.post(page, {"reason": "", "other": " "}).status_code == 422
    assert not Entry.objects.filter(type="phone.revealed").exists()
    answer = client.post(page, {"reason": "visit"}, headers={"HX-Request": "true"})

    assert f'href="tel:{WHOLE}"' in answer.text
    assert "no-store" in answer["Cache-Control"]
    entry = Entry.objects.get(type="phone.revealed")
    assert (entry.actor_label, entry.data["kind"]) == ("何雪", "visits.visitorder")
    assert entry.subjects.filter(kind="visits.visitorder", object_id=visit.pk).exists()
    assert WHOLE not in str(entry.data)


def test_over_the_api_too(visit, helpdesk):
    client, url = api(helpdesk), f"/api/v1/visits/{visit.number}/reveal-phone"

    assert client.post(url, {}, format="json").status_code == 400
    assert client.post(url, {"reason": "回访"}, format="json").json() == {"phone": WHOLE}
    assert Entry.objects.get(type="phone.revealed").data["reason"] == "回访"


def test_who_may_not_see_the_visit_gets_no_number(visit, other_engineer, logged_in):
    assert logged_in(other_engineer).get(f"/visits/{visit.number}/phone/").status_code == 404


def test_a_visit_is_requested_without_the_number_on_the_form(helpdesk, logged_in):
    ticket = make_ticket()
    client, page = logged_in(helpdesk), f"/tickets/{ticket.number}/request_visit/"

    assert WHOLE not in client.get(page).text
    answer = client.post(
        page, {"reason": "换终端", "address": "淮海中路 999 号", "contact_name": "李晓梅"}
    )

    assert answer.status_code == 302
    assert ticket.visits.get().contact_phone == WHOLE
