"""present_form, the two signatures, refuse_signature: GEN-2, VISIT-21."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Notification
from accounts.roles import Role
from servicedesk.core import documents
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused, Stale
from servicedesk.core.models import Document, Signature, SignLink
from servicedesk.core.rules import evaluate
from servicedesk.core.timeline import timeline
from tests.conftest import give_pin, person
from tests.visits.factories import (
    AFTER,
    FINISHED,
    make_visit,
    sign_as_customer,
    sign_as_engineer,
    strokes,
)
from visits import actions
from visits.models import Satisfaction
from visits.pdf import visit_data
from visits.states import Status

pytestmark = pytest.mark.django_db
AT = FINISHED + timedelta(minutes=3)


@pytest.fixture
def visit(engineer):
    return make_visit(Status.FINISHED, engineer)


@pytest.fixture
def form(visit, engineer):
    return actions.present_form(visit, at=AFTER, by=engineer.as_actor())


def test_the_form_is_the_record_and_carries_its_number(visit, form):
    assert (form.number, form.kind, form.status) == (visit.number, "visit", "open")
    assert form.data == visit_data(visit)
    assert form.blocks == ["customer", "engineer"]


def test_shown_again_unchanged_it_is_the_same_form(visit, form, engineer):
    assert actions.present_form(visit, at=AFTER, by=engineer.as_actor()) == form


def test_signed_by_both_the_visit_is_signed_and_rated(visit, form, engineer):
    sign_as_customer(form, engineer, at=AFTER)
    visit.refresh_from_db()
    assert visit.status == Status.FINISHED

    sign_as_engineer(form, engineer, at=AFTER)

    visit.refresh_from_db()
    assert (visit.status, visit.signed_at) == (Status.SIGNED, AFTER)
    rating = Satisfaction.objects.get(visit=visit)
    assert (rating.punctuality, rating.skill, rating.remarks) == (5, 4, "谢谢")


def test_the_timeline_says_how_it_was_signed_in_words(visit, form, engineer):
    sign_as_customer(form, engineer, at=AFTER)
    sign_as_engineer(form, engineer, at=AFTER)

    said = [line.text for line in timeline(visit) if line.icon == "signature"]

    assert f"{visit.number} {engineer.name}（登录本人账号签署）" in said
    assert f"{visit.number} 李晓梅（在工程师手机上签署）" in said


def test_a_record_that_is_being_corrected_cannot_be_signed(visit, form, engineer):
    token = documents.make_link(
        form, block="customer", method="L2", phone_last4="5678", at=AFTER, by=engineer.as_actor()
    )
    actions.revise(visit, reason="漏填", at=AFTER, by=engineer.as_actor())

    response = Client().get(reverse("documents:sign", args=[token]))

    assert response.status_code == 404
    with pytest.raises(Refused):
        sign_as_engineer(form, engineer, at=AFTER)


def test_a_corrected_record_makes_another_version_to_be_signed(visit, form, engineer):
    by = engineer.as_actor()
    actions.revise(visit, reason="漏填", at=AFTER, by=by)
    actions.record_work(visit, cause="端口松动", at=AFTER, by=by)
    actions.finish(visit, ticked=[], at=AFTER, by=by)

    second = actions.present_form(visit, at=AFTER, by=by)

    assert (second.version, second.supersedes) == (2, form)
    with pytest.raises((Refused, Stale)):
        sign_as_engineer(form, engineer, at=AFTER)
    sign_as_customer(second, engineer, at=AFTER)


# --- GEN-2: nobody of the house signs for the customer ------------------------------------------


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("door", ["own", "link", "page", "api"])
def test_nobody_of_the_house_signs_for_the_customer(role, door, visit, form, engineer):
    somebody = person("somebody", "某人", role)
    link = SignLink.objects.get(
        token_sha256=documents.token_hash(
            documents.make_link(
                form, block="customer", method="L1", at=AFTER, by=engineer.as_actor()
            )
        )
    )
    signed = {"strokes": strokes(), "shown_sha256": form.data_sha256, "at": AT}

    if door == "own":
        with pytest.raises(PermissionDenied):
            documents.sign_own(form, block="customer", by=somebody.as_actor(), **signed)
    elif door == "link":
        with pytest.raises(PermissionDenied):
            documents.sign_by_link(
                link, signer_name="李晓梅", answers={}, by=somebody.as_actor(), **signed
            )
    elif door == "page":
        client = Client()
        client.force_login(somebody)
        client.post(
            reverse("documents:sign_own", args=[form.uid]),
            {"block": "customer", "strokes": str(strokes()).replace("'", '"'),
             "shown_sha256": form.data_sha256},
        )  # fmt: skip
    else:
        api = APIClient()
        api.force_login(somebody)
        for verb in ("complete-form", "sign", "keep-rating"):
            response = api.post(f"/api/v1/visits/{visit.number}/{verb}", {}, format="json")
            assert response.status_code in {403, 404}

    assert not Signature.objects.filter(block="customer").exists()


def test_even_the_system_does_not_sign_for_the_customer(form, engineer):
    token = documents.make_link(
        form, block="customer", method="L1", at=AFTER, by=engineer.as_actor()
    )
    link = SignLink.objects.get(token_sha256=documents.token_hash(token))
    with pytest.raises(PermissionDenied):
        documents.sign_by_link(
            link, signer_name="李晓梅", strokes=strokes(), shown_sha256=form.data_sha256,
            answers={}, at=AFTER, by=SYSTEM,
        )  # fmt: skip


def test_nobody_of_the_house_rates_for_the_customer(visit, engineer, admin):
    rating = {"punctuality": 5, "conduct": 5, "skill": 5, "result": 5}
    for user in (engineer, admin):
        with pytest.raises(Refused):
            actions.keep_rating(visit, answers=rating, at=AFTER, by=user.as_actor())
    assert not Satisfaction.objects.exists()


def test_the_form_is_not_complete_with_the_engineers_signature_alone(visit, form, engineer):
    sign_as_engineer(form, engineer, at=AFTER)

    form.refresh_from_db()
    visit.refresh_from_db()
    assert (form.status, visit.status) == ("open", Status.FINISHED)


# --- the ways of signing -----------------------------------------------------------------------


def test_handed_over_the_phone_shows_the_form_alone(visit, form, engineer, logged_in):
    give_pin(engineer)
    client = logged_in(engineer)

    response = client.post(reverse("visits:hand_over", args=[visit.number]))

    assert response.url == reverse("documents:handed_over")
    link = SignLink.objects.get(document=form)
    assert (link.method, link.signer_name, link.phone_last4) == ("L1", "李晓梅", "")
    assert link.made_by_label == engineer.name
    assert visit.need in client.get(response.url).content.decode()
    assert client.get(visit.get_absolute_url()).url == reverse("documents:handed_over")


def test_without_a_pin_the_phone_is_not_handed_over(visit, form, engineer, logged_in):
    response = logged_in(engineer).post(reverse("visits:hand_over", args=[visit.number]))

    assert response.url == reverse("accounts:profile") + "#pin"
    assert not SignLink.objects.exists()


def test_the_code_for_his_own_phone_asks_for_his_number(visit, form, engineer, logged_in):
    response = logged_in(engineer).post(reverse("visits:share", args=[visit.number]))

    assert response.status_code == 200
    link = SignLink.objects.get(document=form)
    assert (link.method, link.phone_last4) == ("L2", "5678")
    page = Client().get(response.context["url"].split("8000")[-1])
    assert visit.need not in page.content.decode()


def test_a_colleague_cannot_hand_over_a_foreign_form(visit, form, other_engineer, logged_in):
    for name in ("hand_over", "share"):
        response = logged_in(other_engineer).post(reverse(f"visits:{name}", args=[visit.number]))
        assert response.status_code == 404
    assert not SignLink.objects.exists()


def test_the_page_for_signing_says_who_has_signed(visit, form, engineer, logged_in):
    client, url = logged_in(engineer), reverse("visits:sign", args=[visit.number])
    assert client.get(url).context["customer_signed"] is False

    sign_as_customer(form, engineer, at=AFTER)

    assert client.get(url).context["customer_signed"] is True


def test_without_a_form_there_is_nothing_to_sign(visit, engineer, logged_in):
    client = logged_in(engineer)
    for name, method in (("sign", "get"), ("hand_over", "post"), ("share", "post")):
        response = getattr(client, method)(reverse(f"visits:{name}", args=[visit.number]))
        assert response.url == visit.get_absolute_url()


# --- refusing ----------------------------------------------------------------------------------


def test_refused_the_form_says_why_and_the_engineer_signs_alone(visit, form, engineer, dispatcher):
    actions.refuse_signature(visit, reason="等总部确认", at=AFTER, by=engineer.as_actor())

    assert (visit.status, visit.signature_refused) == (Status.SIGNED, "等总部确认")
    form.refresh_from_db()
    last = Document.objects.get(number=visit.number, version=2)
    assert (form.status, last.blocks) == ("void", ["engineer"])
    assert last.data["signature_refused"] == "等总部确认"
    assert Notification.objects.filter(user=dispatcher, text__contains="等总部确认").exists()


def test_the_customer_may_refuse_through_his_link(visit, form, engineer, dispatcher):
    token = documents.make_link(
        form, block="customer", method="L2", phone_last4="5678", at=timezone.now(),
        by=engineer.as_actor(),
    )  # fmt: skip
    phone = Client()
    phone.post(reverse("documents:sign", args=[token]), {"digits": "5678"})

    response = phone.post(
        reverse("documents:sign", args=[token]),
        {"act": "refuse", "signer_name": "李晓梅", "reason": "还没修好"},
    )

    assert response.status_code == 302
    visit.refresh_from_db()
    assert (visit.status, visit.signature_refused) == (Status.SIGNED, "还没修好")


def test_refused_without_a_reason_is_refused(visit, engineer):
    with pytest.raises(Refused):
        actions.refuse_signature(visit, reason="", at=AFTER, by=engineer.as_actor())


def test_who_has_signed_cannot_be_said_to_have_refused(visit, form, engineer, logged_in):
    """GEN-2: no later act erases what the customer signed, nor his rating."""
    sign_as_customer(
        form, engineer, at=AFTER,
        answers={"punctuality": 1, "conduct": 1, "skill": 1, "result": 1, "remarks": "太差"},
    )  # fmt: skip

    answer = logged_in(engineer).post(
        f"/visits/{visit.number}/refuse_signature/", {"reason": "客户拒签"}
    )

    assert answer.status_code == 422
    form.refresh_from_db()
    visit.refresh_from_db()
    assert (visit.status, visit.signature_refused) == (Status.FINISHED, "")
    assert form.status == Document.Status.OPEN
    assert form.signatures.filter(block="customer").exists()
    assert visit.satisfaction.remarks == "太差"


def test_corrected_after_he_signed_he_may_refuse_the_new_one(visit, form, engineer):
    by = engineer.as_actor()
    sign_as_customer(form, engineer, at=AFTER)
    actions.revise(visit, reason="漏填", at=AFTER, by=by)
    actions.record_work(visit, cause="端口松动", at=AFTER, by=by)
    actions.finish(visit, ticked=[], at=AFTER, by=by)
    actions.present_form(visit, at=AFTER, by=by)

    actions.refuse_signature(visit, reason="要求总部确认", at=AFTER, by=by)

    assert visit.status == Status.SIGNED
    found = {rule.id: finding.answer for rule, finding in evaluate(visit)}
    assert found["VISIT-21"] == "not_provable"
