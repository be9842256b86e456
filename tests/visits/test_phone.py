"""Where the phone leads after an act."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from servicedesk.core.models import Document
from tests.visits.factories import LEAVE, make_visit
from visits import actions
from visits.models import DEPARTURE_ITEMS
from visits.states import Status

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("start", "verb", "data", "kind"),
    [
        (Status.WAITING, "leave_note", {"left_with": "前台"}, "missed_note"),
        (Status.FINISHED, "refuse_signature", {"reason": "等总部"}, "visit_unsigned"),
    ],
)
def test_a_form_that_waits_for_the_engineers_signature_is_shown_at_once(
    start, verb, data, kind, engineer, doors
):
    visit = make_visit(start, engineer)

    response = doors["page"](engineer, visit, verb, data)

    document = Document.objects.get(kind=kind)
    assert response.url == reverse("documents:document", args=[document.uid])


def test_shown_for_signature_the_ways_of_signing_are_next(engineer, doors):
    visit = make_visit(Status.FINISHED, engineer)
    response = doors["page"](engineer, visit, "present_form", {})
    assert response.url == reverse("visits:sign", args=[visit.number])


@pytest.mark.parametrize(
    ("start", "verb", "data"),
    [(Status.ASSIGNED, "send_back", {"reason": "在外地"})],
)
def test_what_has_left_his_hands_leads_back_to_the_day(start, verb, data, engineer, doors):
    visit = make_visit(start, engineer)
    assert doors["page"](engineer, visit, verb, data).url == reverse("visits:today")


def test_the_day_offers_the_next_act_of_the_first_order(engineer, logged_in):
    visit = make_visit(Status.EN_ROUTE, engineer)

    response = logged_in(engineer).get(reverse("visits:today"))

    assert (response.context["first"], response.context["next"].name) == (visit, "arrive")
    page = response.content.decode()
    assert f'action="/visits/{visit.number}/arrive/"' in page
    assert f"tel:{visit.contact_phone}" in page
    assert f'data-after-call="/visits/{visit.number}/log_attempt/"' in page
    assert "uri.amap.com" in page


def test_the_script_has_the_names_filled_in(engineer, logged_in):
    visit = make_visit(Status.ACCEPTED, engineer)

    page = logged_in(engineer).get(f"/visits/{visit.number}/appoint/").content.decode()

    assert "李店长您好，我是示例软件有限公司的工程师张伟" in page
    assert visit.address in page


def test_what_is_agreed_already_is_seen_while_he_telephones(engineer, logged_in):
    make_visit(Status.APPOINTED, engineer)
    other = make_visit(Status.APPOINTED, engineer, shift=timedelta(hours=3))

    response = logged_in(engineer).get(f"/visits/{other.number}/rearrange/")

    assert len(response.context["windows"]) == 1


@pytest.mark.parametrize("verb", ["depart", "arrive"])
def test_before_he_goes_without_the_checklist_he_is_told(verb, engineer, logged_in):
    visit = make_visit(Status.APPOINTED, engineer)
    phone, told = logged_in(engineer), "还没有填出发检查"

    assert told in phone.get(visit.get_absolute_url()).text
    page = phone.get(f"/visits/{visit.number}/{verb}/").text
    assert told in page
    assert f'href="/visits/{visit.number}/prepare/"' in page

    actions.prepare(visit, ticked=DEPARTURE_ITEMS, at=LEAVE, by=engineer.as_actor())
    assert told not in phone.get(visit.get_absolute_url()).text
    assert told not in phone.get(f"/visits/{visit.number}/{verb}/").text


def test_a_refusal_leads_back_to_the_record(engineer, logged_in):
    """It cannot be shown at a field: the button has no form."""
    visit = make_visit(Status.WORKING, engineer)

    answer = logged_in(engineer).post(reverse("visits:resolve_ticket", args=[visit.number]))

    assert answer.status_code == 409
    assert f'href="/visits/{visit.number}/"' in answer.text
