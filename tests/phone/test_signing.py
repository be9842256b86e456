"""The customer signs on the engineer's phone without a network; it reaches us later (VISIT-21)."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from servicedesk.core import offline_signatures
from servicedesk.core.documents import KINDS
from servicedesk.core.models import Document, KeptSignature, OfflinePad, PhoneCommand, Signature
from tests.conftest import give_pin
from tests.visits.factories import make_visit, strokes
from visits import actions, pdf
from visits.models import Satisfaction
from visits.states import Status

pytestmark = pytest.mark.django_db

RATING = dict.fromkeys(("punctuality", "conduct", "skill", "result"), "5")


@pytest.fixture
def visit(engineer):
    give_pin(engineer)
    return make_visit(Status.FINISHED, engineer)


def paper(phone, visit, **more):
    body = {"subject": "visits.visitorder", "number": visit.number, "device": str(phone.device)}
    return phone.post("/phone/papers/", body | {"pad": True} | more)


def rows_of(visit):
    return [list(row) for row in KINDS["visit"].rows(pdf.visit_data(visit))]


def answer(phone, visit, pad, **more):
    rows = more.pop("rows", None) or rows_of(visit)
    return {
        "pad": pad, "act": "sign", "signer_name": "李红梅", "strokes": json.dumps(strokes()),
        "rows": json.dumps(rows), "shown_sha256": offline_signatures.rows_hash(rows),
        **{f"answers-{name}": value for name, value in RATING.items()}, **more,
    }  # fmt: skip


def signs(phone, visit, pad, **more):
    return phone.tap(visit, "sign_offline", answer(phone, visit, pad, **more), at=timezone.now())


@pytest.fixture
def pad(phone, visit):
    return paper(phone, visit).json()["pad"]


@pytest.fixture
def presented(phone, visit):
    assert phone.does(visit, "present_form", at=timezone.now())["state"] == "done"
    return visit


def test_the_phone_takes_along_the_form_and_a_pad(phone, visit, engineer):
    found = paper(phone, visit).json()

    assert found["data"] == json.loads(json.dumps(pdf.visit_data(visit)))
    assert visit.need in found["html"]
    assert "⟦work.findings⟧" in found["html"]
    assert "⟦on_site.arrived_at|moment⟧" in found["html"]
    assert engineer.pin not in json.dumps(found)
    assert engineer.pin.split("$")[3] not in json.dumps(found)
    assert OfflinePad.objects.get().subject_id == visit.pk


def test_what_a_phone_knows_of_the_pin_is_good_for_that_phone_alone(
    phone, phone_of, visit, engineer
):
    pins = [paper(each, visit).json()["pin"] for each in (phone, phone, phone_of(engineer))]

    assert pins[0] == pins[1]
    assert pins[0]["digest"] != pins[2]["digest"]


def test_without_a_pin_no_pad(phone, engineer):
    visit = make_visit(Status.FINISHED, engineer)

    found = paper(phone, visit).json()

    assert (found["pin"], found["pad"]) == (None, None)
    assert not OfflinePad.objects.exists()


def test_no_pad_unless_asked_for(phone, visit):
    assert paper(phone, visit, pad=False).json()["pad"] is None


def test_not_too_many_pads(phone, visit):
    for _ in range(offline_signatures.MOST_PADS):
        assert paper(phone, visit).status_code == 200

    assert paper(phone, visit).status_code == 409


def test_the_form_of_a_visit_that_is_not_his_is_none(phone_of, visit, other_engineer):
    give_pin(other_engineer)

    assert paper(phone_of(other_engineer), visit).status_code == 404


def test_what_is_signed_already_is_not_taken_along(phone, engineer):
    give_pin(engineer)

    assert paper(phone, make_visit(Status.SIGNED, engineer)).status_code == 404


def test_the_same_form_is_signed_and_sent_twice_it_is_once(phone, pad, presented):
    command = signs(phone, presented, pad)

    first, again = (phone.send(command).json() for _ in range(2))

    assert first == again
    assert (first["state"], first["code"], first["next"]) == (
        "done", "", f"/visits/{presented.number}/sign/",
    )  # fmt: skip
    signature = Signature.objects.get()
    document = Document.objects.get(number=presented.number)
    assert (signature.method, signature.actor_kind, signature.block) == (
        "L1-offline", "contact", "customer",
    )  # fmt: skip
    assert signature.shown_sha256 == document.data_sha256
    assert Satisfaction.objects.get(visit=presented).skill == 5
    kept = PhoneCommand.objects.get(verb="sign_offline")
    # By the phone's clock and by ours.
    assert signature.signed_at == kept.at
    assert kept.at <= kept.received_at
    # Neither what opened it nor what was drawn lies about here.
    assert not {"pad", "strokes", "rows"} & set(kept.fields)


def test_it_waits_for_what_the_phone_did_before(phone, pad, visit):
    shown = phone.tap(visit, "present_form", at=timezone.now())
    signed = signs(phone, visit, pad)

    assert phone.send(signed).json()["state"] == "waiting"
    assert not Signature.objects.exists()
    phone.send(shown)

    assert phone.answer(signed["op_id"])["state"] == "done"
    assert Signature.objects.get().method == "L1-offline"


def test_a_form_that_differs_is_not_signed_and_asks_anew(phone, pad, presented, engineer, client):
    rows = rows_of(presented)
    rows[0] = [rows[0][0], "别的"]

    said = phone.send(signs(phone, presented, pad, rows=rows)).json()

    assert (said["state"], said["code"]) == ("done", "sign-again")
    assert "重新签字" in said["message"]
    assert not Signature.objects.exists()
    assert KeptSignature.objects.get().differing == [rows[0][0]]
    client.force_login(engineer)
    page = client.get(f"/visits/{presented.number}/sign/")
    assert "重新签字" in page.text


def test_a_form_that_was_changed_before_it_came_is_not_signed(phone, pad, presented, engineer):
    command = signs(phone, presented, pad)
    actions.revise(presented, reason="漏填", at=timezone.now(), by=engineer.as_actor())

    assert phone.send(command).json()["code"] == "sign-again"
    assert not Signature.objects.exists()


def test_rows_that_do_not_have_their_hash_are_refused(phone, pad, presented):
    said = phone.send(signs(phone, presented, pad, shown_sha256="0" * 64)).json()

    assert said["state"] == "refused"
    assert not Signature.objects.exists()
    assert not KeptSignature.objects.exists()


@pytest.mark.parametrize(
    "drawn", [[], [[{"x": 5, "y": 5, "t": 1, "p": 0.5}]]], ids=["blank", "dot"]
)
def test_no_ink_no_signature(phone, pad, presented, drawn):
    said = phone.send(signs(phone, presented, pad, strokes=json.dumps(drawn))).json()

    assert said["state"] == "refused"
    assert "strokes" in said["errors"]
    assert not Signature.objects.exists()


def test_ink_that_was_used_before_is_refused(phone, pad, presented, engineer):
    other = make_visit(Status.FINISHED, engineer)
    second = paper(phone, other).json()["pad"]
    phone.does(other, "present_form", at=timezone.now())
    drawn = json.dumps(strokes())
    phone.send(signs(phone, presented, pad, strokes=drawn))

    said = phone.send(signs(phone, other, second, strokes=drawn)).json()

    assert said["state"] == "refused"
    assert Signature.objects.count() == 1


def test_a_pad_signs_once(phone, pad, presented):
    phone.send(signs(phone, presented, pad))
    another = [[{**point, "y": point["y"] * (1 + i % 3)} for i, point in enumerate(stroke)]
               for stroke in strokes()]  # fmt: skip
    phone.send(signs(phone, presented, pad, strokes=json.dumps(another), signer_name="别人"))

    assert Signature.objects.get().signer_name == "李红梅"


def test_another_person_cannot_sign_by_it(phone_of, pad, presented, other_engineer, dispatcher):
    actions.pass_on_form(
        presented, engineer=other_engineer, reason="生病", at=timezone.now(),
        by=dispatcher.as_actor(),
    )  # fmt: skip
    thief = phone_of(other_engineer)

    said = thief.send(signs(thief, presented, pad)).json()

    assert said["state"] == "refused"
    assert not Signature.objects.exists()


@pytest.mark.parametrize("token", ["", "x", "0" * 43])
def test_without_a_pad_nobody_signs(phone, presented, token):
    assert phone.send(signs(phone, presented, token)).json()["state"] == "refused"
    assert not Signature.objects.exists()


def test_a_pad_of_another_visit_does_not_fit(phone, pad, presented, engineer):
    other = make_visit(Status.FINISHED, engineer)
    phone.does(other, "present_form", at=timezone.now())

    assert phone.send(signs(phone, other, pad)).json()["code"] == "not-yours"
    assert not Signature.objects.exists()


def test_he_refuses_with_his_reason(phone, pad, presented):
    fields = {"pad": pad, "act": "refuse", "signer_name": "李红梅", "reason": "还没修好"}
    command = phone.tap(presented, "sign_offline", fields, at=timezone.now())

    first, again = (phone.send(command).json() for _ in range(2))

    assert first == again
    assert first["state"] == "done"
    presented.refresh_from_db()
    assert (presented.status, presented.signature_refused) == (Status.SIGNED, "还没修好")
    assert not Signature.objects.filter(block="customer").exists()


def test_a_refusal_needs_its_reason(phone, pad, presented):
    fields = {"pad": pad, "act": "refuse", "signer_name": "李红梅", "reason": " "}

    said = phone.does(presented, "sign_offline", fields, at=timezone.now())

    assert said["state"] == "refused"
    assert "reason" in said["errors"]


def test_no_form_no_signature(phone, pad, visit):
    assert phone.send(signs(phone, visit, pad)).json()["state"] == "refused"


def test_too_late(phone, pad, presented):
    OfflinePad.objects.update(expires_at=timezone.now() - timedelta(minutes=1))

    assert phone.send(signs(phone, presented, pad)).json()["state"] == "refused"


def test_what_opens_the_form_is_not_told_to_another_device(phone, pad, visit):
    phone.send(signs(phone, visit, pad))

    (told,) = phone.get("/phone/commands/").json()["commands"]
    assert pad not in json.dumps(told)
    assert told["fields"]["signer_name"] == "李红梅"


def test_while_the_phone_is_handed_over_the_queue_waits(phone, pad, presented):
    phone.client.post(f"/visits/{presented.number}/hand-over/")

    assert phone.send(signs(phone, presented, pad)).status_code == 423
    assert paper(phone, presented).status_code == 423
    for path in ("/sw.js", "/manifest.webmanifest", "/phone/shell/"):
        assert phone.get(path).status_code == 200
    assert not Signature.objects.exists()


def test_what_cannot_be_understood(phone, visit):
    assert paper(phone, visit, subject="x").status_code == 400
    assert paper(phone, visit, device="x").status_code == 400
    assert paper(phone, visit, number=str(uuid.uuid4())).status_code == 404
