"""Page, htmx and API lead to the same actions and show the same refusals."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from servicedesk.core.files import files_of
from servicedesk.core.models import SignLink
from tests.conftest import give_pin
from tests.tickets.tickets.factories import make_call, make_ticket
from tickets.actions import extensions, handovers
from tickets.models import Extension, Handover, Note
from tickets.states import ExtensionStatus, HandoverStatus, Status

pytestmark = pytest.mark.django_db

DOORS = ["page", "htmx", "api"]


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


@pytest.mark.parametrize(("door", "status"), [("page", 302), ("htmx", 200), ("api", 200)])
def test_every_door_leads_to_the_action(door, status, doors, engineer, now):
    ticket = make_ticket(Status.IN_PROGRESS, engineer, at=now - timedelta(hours=1))

    response = doors[door](
        engineer, ticket, "resolve", {"solution": "phone", "resolution": "请客户重启"}
    )

    ticket.refresh_from_db()
    assert response.status_code == status
    assert (ticket.status, ticket.resolution) == (Status.RESOLVED, "请客户重启")


@pytest.mark.parametrize(("door", "status"), [("page", 422), ("htmx", 422), ("api", 409)])
def test_every_door_shows_the_refusal(door, status, doors, engineer, now):
    ticket = make_ticket(Status.ASSIGNED, engineer, at=now - timedelta(hours=1))

    response = doors[door](engineer, ticket, "resume", {})

    assert response.status_code == status
    assert "不能" in response.content.decode() or "not possible" in response.content.decode()
    ticket.refresh_from_db()
    assert ticket.status == Status.ASSIGNED


@pytest.mark.parametrize(("door", "status"), [("page", 422), ("htmx", 422), ("api", 400)])
def test_bad_input_comes_back_with_its_field_and_what_was_typed(door, status, doors, engineer, now):
    ticket = make_ticket(Status.IN_PROGRESS, engineer, at=now - timedelta(hours=1))

    response = doors[door](
        engineer, ticket, "resolve", {"solution": "magic", "resolution": "重装了三次驱动"}
    )

    assert response.status_code == status
    text = response.content.decode()
    if door == "api":
        assert response.json()["errors"][0]["pointer"] == "/solution"
    else:
        assert "重装了三次驱动" in text
        assert "is-invalid" in text


@pytest.mark.parametrize("door", DOORS)
def test_a_foreign_ticket_does_not_exist(door, doors, engineer, other_engineer, now):
    ticket = make_ticket(Status.IN_PROGRESS, engineer, at=now - timedelta(hours=1))

    response = doors[door](other_engineer, ticket, "comment", {"text": "看看"})

    assert response.status_code == 404
    assert not Note.objects.exists()


@pytest.mark.parametrize("door", DOORS)
def test_without_the_permission_the_door_is_shut(door, doors, business, now):
    ticket = make_ticket(at=now - timedelta(hours=1))

    response = doors[door](business, ticket, "take", {})

    assert response.status_code == 403


@pytest.mark.parametrize("door", DOORS)
def test_an_unknown_verb_is_not_found(door, doors, helpdesk, now):
    ticket = make_ticket(at=now - timedelta(hours=1))

    assert doors[door](helpdesk, ticket, "explode", {}).status_code == 404


@pytest.mark.parametrize(("door", "status"), [("page", 422), ("htmx", 422), ("api", 400)])
def test_the_future_is_no_answer(door, status, doors, engineer, now):
    ticket = make_ticket(Status.ASSIGNED, engineer, at=now - timedelta(hours=1))
    at = timezone.localtime(now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")

    assert doors[door](engineer, ticket, "respond", {"at": at}).status_code == status


def test_the_minute_of_intake_is_not_before_it(browse, engineer, now):
    """The control knows no seconds."""
    received = (now - timedelta(hours=1)).replace(second=40)
    ticket = make_ticket(at=received, owner=engineer)
    at = timezone.localtime(received).strftime("%Y-%m-%dT%H:%M")

    browse(engineer).post(f"/tickets/{ticket.number}/respond/", {"at": at})

    ticket.refresh_from_db()
    assert ticket.responded_at == received


@pytest.mark.parametrize(("door", "status"), [("page", 302), ("htmx", 200), ("api", 200)])
def test_a_file_comes_in_through_every_door(door, status, doors, helpdesk, now):
    ticket = make_ticket(at=now - timedelta(hours=1), owner=helpdesk)

    response = doors[door](
        helpdesk, ticket, "attach", {"file": SimpleUploadedFile("a.txt", b"abc")}
    )

    assert response.status_code == status
    assert files_of(ticket).get().name == "a.txt"


@pytest.mark.parametrize(("door", "status"), [("page", 422), ("htmx", 422), ("api", 409)])
def test_a_hostile_file_is_refused_at_every_door(door, status, doors, helpdesk, now):
    ticket = make_ticket(at=now - timedelta(hours=1), owner=helpdesk)

    response = doors[door](
        helpdesk, ticket, "attach", {"file": SimpleUploadedFile("a.png", b"<script>")}
    )

    assert response.status_code == status
    assert not files_of(ticket).exists()


@pytest.mark.parametrize("door", ["page", "api"])
def test_a_hand_over_is_answered(door, browse, api_of, helpdesk, other_helpdesk, now):
    ticket = make_ticket(at=now - timedelta(hours=1), owner=helpdesk)
    handover = handovers.hand_over(
        ticket, to_user=other_helpdesk, reason="交班", at=now, by=helpdesk.as_actor()
    )

    if door == "page":
        page = browse(other_helpdesk).get(ticket.get_absolute_url()).content.decode()
        url = f"/tickets/handovers/{handover.uid}/accept/"
        assert url in page
        assert browse(other_helpdesk).post(url).status_code == 302
    else:
        client = api_of(other_helpdesk)
        shown = client.get(f"/api/v1/handovers/{handover.uid}").json()
        assert shown["actions"] == ["accept", "decline"]
        assert client.post(f"/api/v1/handovers/{handover.uid}/accept").status_code == 200

    assert Handover.objects.get().status == HandoverStatus.ACCEPTED


@pytest.mark.parametrize("door", ["page", "api"])
def test_an_extension_is_answered(door, browse, api_of, engineer, now):
    ticket = make_ticket(Status.IN_PROGRESS, engineer, at=now - timedelta(hours=20))
    extension = extensions.propose_extension(
        ticket, plan="换机", proposed_due_at=now + timedelta(hours=20),
        at=now - timedelta(hours=1), by=engineer.as_actor(),
    )  # fmt: skip
    call = make_call(ticket, at=now - timedelta(minutes=5), by=engineer)
    foreign = make_call(
        make_ticket(Status.IN_PROGRESS, engineer), at=now - timedelta(minutes=5), by=engineer
    )

    if door == "page":
        page = browse(engineer).get(ticket.get_absolute_url()).content.decode()
        url = f"/tickets/extensions/{extension.number}/consent/"
        assert url in page
        offered = browse(engineer).get(url).content.decode()
        assert (call.number in offered, foreign.number in offered) == (True, False)
        assert browse(engineer).post(url, {"call": foreign.uid}).status_code == 422
        assert browse(engineer).post(url, {"call": call.uid}).status_code == 302
        shown = browse(engineer).get(ticket.get_absolute_url()).content.decode()
        assert call.get_absolute_url() in shown
    else:
        url = f"/api/v1/extensions/{extension.number}/consent"
        assert api_of(engineer).post(url, {"call": foreign.number}).status_code == 400
        answer = api_of(engineer).post(url, {"call": call.number, "recording": "R-1"})
        assert answer.status_code == 200
        assert (answer.json()["call"], answer.json()["channel"]) == (call.number, "call")

    assert Extension.objects.get().status == ExtensionStatus.CONSENTED


@pytest.mark.parametrize("door", ["page", "api"])
def test_a_refusal_is_entered(door, browse, api_of, engineer, now):
    extension = propose(engineer, now)
    told = {"answered_by": "李晓梅", "reason": "今天必须好"}

    if door == "page":
        url = f"/tickets/extensions/{extension.number}/refuse/"
        assert browse(engineer).post(url, told | {"reason": ""}).status_code == 422
        assert browse(engineer).post(url, told).status_code == 302
    else:
        url = f"/api/v1/extensions/{extension.number}/refuse"
        assert api_of(engineer).post(url, told | {"call": "CA-0"}).status_code == 400
        assert api_of(engineer).post(url, told).json()["reason"] == "今天必须好"

    assert Extension.objects.get().status == ExtensionStatus.REFUSED


@pytest.mark.parametrize("door", ["page", "api"])
def test_a_plan_comes_with_its_files(door, browse, api_of, engineer, now):
    ticket = make_ticket(Status.IN_PROGRESS, engineer, at=now - timedelta(hours=2))
    files = [SimpleUploadedFile(f"{n}.txt", b"abc") for n in range(2)]
    told = {"plan": "换机", "attachments": files}

    if door == "page":
        until = f"{timezone.localtime(now + timedelta(days=3)):%Y-%m-%dT%H:%M}"
        url = f"/tickets/{ticket.number}/propose_extension/"
        assert browse(engineer).post(url, told | {"proposed_due_at": until}).status_code == 302
    else:
        url = f"/api/v1/tickets/{ticket.number}/propose-extension"
        told |= {"proposed_due_at": (now + timedelta(days=3)).isoformat()}
        assert api_of(engineer).post(url, told, format="multipart").status_code == 200

    extension = Extension.objects.get()
    assert [file.name for file in files_of(extension)] == ["0.txt", "1.txt"]
    shown = api_of(engineer).get(f"/api/v1/extensions/{extension.number}").json()
    assert [file["size"] for file in shown["files"]] == [3, 3]
    page = browse(engineer).get(ticket.get_absolute_url()).content.decode()
    assert files_of(extension)[0].url in page


def propose(engineer, now) -> Extension:
    ticket = make_ticket(Status.IN_PROGRESS, engineer, at=now - timedelta(hours=20))
    return extensions.propose_extension(
        ticket, plan="换机", proposed_due_at=now + timedelta(hours=20), at=now,
        by=engineer.as_actor(),
    )  # fmt: skip


def test_the_link_for_the_customer_is_shown_once(browse, engineer, now):
    extension = propose(engineer, now)

    response = browse(engineer).post(f"/tickets/extensions/{extension.number}/link/")

    assert response.status_code == 200
    link = response.context["url"]
    assert link in response.content.decode()
    assert browse(engineer).get(link).status_code == 403  # GEN-2
    assert Client().get(link).status_code == 200


def test_a_link_by_the_api_kills_the_former_one(api_of, client, engineer, now):
    extension = propose(engineer, now)
    url = f"/api/v1/extensions/{extension.number}/link"

    former, latter = (api_of(engineer).post(url).json()["url"] for _each in range(2))

    assert client.get(former).status_code == 404
    assert client.get(latter).status_code == 200


def test_the_phone_is_handed_over(browse, engineer, now):
    extension = propose(engineer, now)
    give_pin(engineer)
    phone = browse(engineer)

    response = phone.post(f"/tickets/extensions/{extension.number}/hand-over/")

    page = phone.get(response["Location"]).content.decode()
    assert "换机" in page
    assert SignLink.objects.get().method == "L1"


@pytest.mark.parametrize("door", ["link", "hand-over"])
def test_who_cannot_see_the_ticket_makes_no_link(door, browse, engineer, other_engineer, now):
    extension = propose(engineer, now)

    response = browse(other_engineer).post(f"/tickets/extensions/{extension.number}/{door}/")

    assert response.status_code == 404
    assert not SignLink.objects.exists()


def test_a_manager_asks_the_customer_as_well(browse, engineer, manager, now):
    """To ask for a signature is not to give it."""
    extension = propose(engineer, now)

    page = browse(manager).get(extension.ticket.get_absolute_url()).content.decode()

    assert "/consent/" in page
    assert "/hand-over/" in page
    assert browse(manager).post(f"/tickets/extensions/{extension.number}/link/").status_code == 200
    assert SignLink.objects.get().method == "L2"


def test_the_details_are_corrected_on_a_page_of_their_own(browse, helpdesk, now):
    ticket = make_ticket(at=now - timedelta(hours=1), owner=helpdesk)
    browser = browse(helpdesk)
    url = f"/tickets/{ticket.number}/edit/"
    shown = browser.get(url)
    form = shown.context["form"]
    sent = {name: form.initial.get(name) or "" for name in form.fields} | {"no_wish": "on"}

    refused = browser.post(url, sent | {"title": ""})
    accepted = browser.post(url, sent | {"title": "小票机不出纸"})

    ticket.refresh_from_db()
    assert (refused.status_code, accepted.status_code) == (422, 302)
    assert (ticket.title, ticket.need) == ("小票机不出纸", form.initial["need"])


def test_a_door_that_is_opened_shows_its_form_and_does_nothing(browse, helpdesk, now):
    ticket = make_ticket(at=now - timedelta(hours=1))
    door = f"/tickets/{ticket.number}/take/"

    page = browse(helpdesk).get(door)
    part = browse(helpdesk).get(door, headers={"HX-Request": "true"})

    ticket.refresh_from_db()
    assert ticket.status == Status.NEW
    for response in (page, part):
        assert response.status_code == 200
        assert f'action="{door}"' in response.content.decode()
    assert "<html" in page.content.decode()
    assert "<html" not in part.content.decode()


@pytest.mark.parametrize("verb", ["reopen", "close", "resume"])
def test_a_door_that_is_closed_now_leads_to_the_ticket(verb, browse, helpdesk, now):
    ticket = make_ticket(at=now - timedelta(hours=1))

    response = browse(helpdesk).get(f"/tickets/{ticket.number}/{verb}/")

    assert response.headers["Location"] == ticket.get_absolute_url()


def test_the_doors_of_an_extension_and_a_hand_over_show_their_forms(
    browse, helpdesk, dispatcher, now
):
    ticket = make_ticket(at=now - timedelta(hours=1), owner=helpdesk)
    handover = handovers.hand_over(
        ticket, to_user=dispatcher, reason="下班", at=now, by=helpdesk.as_actor()
    )
    extension = extensions.propose_extension(
        ticket, plan="换打印头", proposed_due_at=now + timedelta(hours=30), at=now,
        by=helpdesk.as_actor(),
    )  # fmt: skip
    browser = browse(dispatcher)

    for door in (
        f"/tickets/handovers/{handover.uid}/decline/",
        f"/tickets/extensions/{extension.number}/consent/",
        f"/tickets/{ticket.number}/remote/",
    ):
        shown = browser.get(door)
        assert (shown.status_code, f'action="{door}"' in shown.content.decode()) == (200, True)
    handover.refresh_from_db()
    extension.refresh_from_db()
    assert (handover.status, extension.status) == ("pending", "proposed")


def test_a_remote_session_that_is_refused_keeps_its_dialog(browse, helpdesk, now):
    ticket = make_ticket(at=now - timedelta(hours=1), owner=helpdesk)

    refused = browse(helpdesk).post(
        f"/tickets/{ticket.number}/remote/", {"tool": "向日葵 301"}, headers={"HX-Request": "true"}
    )

    text = refused.content.decode()
    assert refused.status_code == 422
    assert 'hx-target="this"' in text
    assert "向日葵 301" in text
    assert "field-errors" in text


def test_a_visitor_without_log_in_is_sent_to_it(client, now):
    ticket = make_ticket(at=now - timedelta(hours=1))

    response = client.get(ticket.get_absolute_url())

    assert response.status_code == 302
    assert "log-in" in response["Location"]
