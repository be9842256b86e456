"""L1: the engineer's phone in the customer's hand shows the form alone, until his PIN."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from servicedesk.core import documents, handover
from servicedesk.core.actors import SYSTEM
from servicedesk.core.documents import Status
from servicedesk.core.models import Document, Signature, SignLink
from tests.conftest import AT, PIN, give_pin
from tests.core.forms_of_tests import KIND, SHEET, data, stroke
from tests.visits.factories import make_visit
from visits import actions
from visits.states import Status as Visit

pytestmark = pytest.mark.django_db

FORM = "/documents/handed-over/"


@pytest.fixture
def visit(engineer):
    visit = make_visit(Visit.FINISHED, engineer)
    actions.present_form(visit, at=timezone.now(), by=engineer.as_actor())
    return visit


@pytest.fixture
def phone(engineer):
    """Logged in, with a PIN."""
    give_pin(engineer)
    client = Client()
    client.force_login(engineer)
    return client


@pytest.fixture
def handed(phone, visit):
    assert phone.post(reverse("visits:hand_over", args=[visit.number])).url == FORM
    return phone


def signed(document=None, **changes):
    form = document or Document.objects.get(status=Status.OPEN)
    rating = {f"answers-{part}": "5" for part in ("punctuality", "conduct", "skill", "result")}
    return {
        "act": "sign", "signer_name": "李晓梅", "strokes": json.dumps(stroke()),
        "shown_sha256": form.data_sha256, **rating, **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    "path",
    ["/", "/visits/", "/visits/{visit}/", "/visits/{visit}/sign/", "/documents/", "/accounts/me/",
     "/log-in/", "/nowhere/", "/documents/verify/", "/i18n/setlang/", "/phone/pack/"],
)  # fmt: skip
def test_any_other_address_leads_back_to_the_form(handed, visit, path):
    answer = handed.get(path.format(visit=visit.number))

    assert (answer.status_code, answer["Location"]) == (302, FORM)


@pytest.mark.parametrize(
    "path",
    ["/visits/{visit}/refuse_signature/", "/visits/{visit}/revise/", "/log-in/out/",
     "/accounts/me/pin/", "/documents/{form}/sign/", "/phone/commands/", "/api/v1/visits/order"],
)  # fmt: skip
def test_nothing_else_is_taken(handed, visit, path):
    form = Document.objects.get()
    url = path.format(visit=visit.number, form=form.uid)

    assert handed.post(url, {"reason": "x"}).status_code == 423
    assert handed.post(url, "{}", content_type="application/json").status_code == 423
    visit.refresh_from_db()
    assert visit.status == Visit.FINISHED
    assert not Signature.objects.exists()


def test_the_api_and_parts_of_pages_are_shut_too(handed):
    assert handed.get("/api/v1/visits").status_code == 423
    part = handed.get("/tickets/", headers={"HX-Request": "true"})
    assert (part.status_code, part["HX-Redirect"]) == (204, FORM)


def test_the_form_stays_on_reload_and_names_no_colleague(handed, visit):
    for _ in range(2):
        page = handed.get(FORM)
        assert page.status_code == 200
        assert visit.need in page.text
        # Nothing of the desk: no navigation, no account.
        assert "/accounts/" not in page.text
        assert "no-store" in page["Cache-Control"]


def test_the_customer_signs_and_the_phone_stays_his_until_the_pin(handed, visit, engineer):
    assert handed.post(FORM, signed()).url == FORM

    signature = Signature.objects.get()
    assert (signature.method, signature.actor_kind, signature.block) == (
        "L1",
        "contact",
        "customer",
    )
    assert signature.link.made_by_id == engineer.pk
    assert "李晓梅" in handed.get(FORM).text
    assert handed.get("/visits/").url == FORM
    back = handed.post("/documents/handed-over/back/", {"pin": PIN})
    assert back.url == f"/visits/{visit.number}/sign/"
    assert handed.get(back.url).status_code == 200


def test_the_customer_refuses_on_the_engineers_phone(handed, visit):
    handed.post(FORM, {"act": "refuse", "signer_name": "李晓梅", "reason": "还没修好"})

    visit.refresh_from_db()
    assert visit.signature_refused == "还没修好"
    assert handed.get("/visits/").url == FORM


def test_a_wrong_pin_opens_nothing_and_the_fifth_ends_the_session(handed):
    for left in (4, 3, 2, 1):
        answer = handed.post("/documents/handed-over/back/", {"pin": "9753"})
        assert answer.status_code == 422
        assert str(left) in " ".join(answer.context["pin"].errors["pin"])
        assert handed.get("/visits/").url == FORM

    assert handed.post("/documents/handed-over/back/", {"pin": "9753"}).url == "/log-in/"
    assert handed.get("/visits/").url.startswith("/log-in/")
    assert not Signature.objects.exists()


@pytest.mark.parametrize("pin", ["", "25801", "abcd", " 258", "２５８０"])
def test_what_is_not_the_pin_is_not_taken(handed, pin):
    assert handed.post("/documents/handed-over/back/", {"pin": pin}).status_code == 422
    assert handed.get("/visits/").url == FORM


def test_the_time_over_only_the_pin_helps(handed):
    SignLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    page = handed.get(FORM)

    assert page.status_code == 410
    assert handed.post(FORM, signed()).status_code == 410
    assert not Signature.objects.exists()
    assert handed.post("/documents/handed-over/back/", {"pin": PIN}).status_code == 302


def test_a_form_changed_meanwhile_is_not_signed(handed, visit, engineer):
    body = signed()
    actions.revise(visit, reason="漏填", at=timezone.now(), by=engineer.as_actor())

    assert handed.post(FORM, body).status_code == 410
    assert not Signature.objects.exists()


def test_what_was_drawn_comes_back_with_a_fault_elsewhere(handed):
    page = handed.post(FORM, signed(signer_name=""))

    assert page.status_code == 422
    assert json.loads(page.context["form"]["strokes"].value()) == stroke()
    assert "&quot;x&quot;" in page.text


def test_who_was_not_handed_over_has_nothing_here(phone, client):
    assert phone.get(FORM).status_code == 403
    assert phone.post(FORM, {}).status_code == 403
    assert phone.post("/documents/handed-over/back/", {"pin": PIN}).status_code == 403
    assert client.get(FORM).url.startswith("/log-in/")


def test_the_token_of_a_hand_over_opens_nothing(visit, engineer):
    """Only the session that was handed over can sign by it."""
    form = Document.objects.get()
    token = documents.make_link(
        form, block="customer", method="L1", at=timezone.now(), by=engineer.as_actor()
    )

    answer = Client().post(reverse("documents:sign", args=[token]), signed())

    assert answer.status_code == 404
    assert not Signature.objects.exists()


def test_another_session_of_the_engineer_is_not_handed_over(handed, engineer, visit):
    other = Client()
    other.force_login(engineer)

    assert other.get(f"/visits/{visit.number}/sign/").status_code == 200
    assert other.post(FORM, signed()).status_code == 403


# --- one phone, many signatures -------------------------------------------------------------------


@pytest.fixture
def sheet(engineer):
    return documents.freeze(
        SHEET, engineer, number="ZZ-20260302-0007", data=data(),
        people={"attendee": ["甲一", "乙二", "丙三"]}, signers={"trainer": engineer.pk},
        at=AT, by=SYSTEM,
    )  # fmt: skip


def test_a_sheet_has_a_place_for_each(sheet):
    assert sheet.blocks == ["attendee.1", "attendee.2", "attendee.3", "trainer"]
    assert sheet.data["places"]["attendee.2"] == "乙二"
    assert documents.content_hash(sheet.data) == sheet.data_sha256


def test_the_phone_goes_round_the_sheet_without_the_pin(phone, sheet, engineer):
    url = reverse("documents:document", args=[sheet.uid])
    assert "乙二" in phone.get(url).text
    assert phone.post(f"{url}hand-over/", {"place": "attendee.1"}).url == FORM

    for number, name in enumerate(("甲一", "乙二", "丙三"), 1):
        assert f'value="{name}"' in phone.get(FORM).text
        drawn = json.dumps(stroke(0.9 * number))
        assert phone.post(FORM, signed(sheet, signer_name=name, strokes=drawn)).status_code == 302
        assert phone.get("/visits/").url == FORM
        if number < 3:
            assert phone.post(f"{FORM}next/", {"place": f"attendee.{number + 1}"}).url == FORM
    assert phone.post(f"{FORM}back/", {"pin": PIN}).url == url
    documents.sign_own(
        sheet, block="trainer", strokes=stroke(5.0), shown_sha256=sheet.data_sha256,
        at=timezone.now(), by=engineer.as_actor(),
    )  # fmt: skip

    sheet.refresh_from_db()
    assert sheet.status == Status.COMPLETE
    assert [s.signer_name for s in sheet.signatures.all()] == ["甲一", "乙二", "丙三", "张伟"]


def test_one_attendee_does_not_sign_for_another_with_the_same_ink(phone, sheet):
    url = reverse("documents:document", args=[sheet.uid])
    phone.post(f"{url}hand-over/", {"place": "attendee.1"})
    phone.post(FORM, signed(sheet, signer_name="甲一"))
    phone.post(f"{FORM}next/", {"place": "attendee.2"})
    moved = [[point | {"x": point["x"] + 40, "t": point["t"] + 5000} for point in stroke()[0]]]

    answer = phone.post(FORM, signed(sheet, signer_name="乙二", strokes=json.dumps(moved)))

    assert answer.status_code == 422
    assert Signature.objects.count() == 1


def test_another_signer_gives_no_other_tries_at_the_pin(phone, sheet):
    url = reverse("documents:document", args=[sheet.uid])
    phone.post(f"{url}hand-over/", {"place": "attendee.1"})
    for _ in range(3):
        phone.post(f"{FORM}back/", {"pin": "9753"})
    phone.post(FORM, signed(sheet))
    phone.post(f"{FORM}next/", {"place": "attendee.2"})

    assert phone.post(f"{FORM}back/", {"pin": "9753"}).status_code == 422
    assert phone.post(f"{FORM}back/", {"pin": "9753"}).url == "/log-in/"


@pytest.mark.parametrize("place", ["trainer", "attendee.4", "attendee", "", "customer"])
def test_the_phone_goes_to_no_other_place(phone, sheet, place):
    url = reverse("documents:document", args=[sheet.uid])

    assert phone.post(f"{url}hand-over/", {"place": place}).url == url
    assert not SignLink.objects.exists()


def test_a_colleague_cannot_send_the_sheet_round(sheet, other_engineer):
    give_pin(other_engineer)
    client = Client()
    client.force_login(other_engineer)

    answer = client.post(reverse("documents:hand_over", args=[sheet.uid]), {"place": "attendee.1"})

    assert answer.status_code == 403
    assert handover.KEY not in client.session


def test_a_form_without_a_person_for_the_house_is_not_made(engineer):
    from servicedesk.core.errors import Refused

    with pytest.raises(Refused):
        documents.freeze(KIND, engineer, number="ZZ-1", data=data(), at=AT, by=SYSTEM)
