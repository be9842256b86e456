"""L1 without network: accepted only if the phone showed what was frozen; else evidence."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction

from servicedesk.core import documents, offline_signatures
from servicedesk.core.actors import SYSTEM
from servicedesk.core.documents import KINDS, Status
from servicedesk.core.errors import Refused
from servicedesk.core.models import KeptSignature, OfflinePad, Signature, token_hash
from tests.conftest import AT
from tests.core.forms_of_tests import KIND, data, stroke
from tests.journal import journal

pytestmark = pytest.mark.django_db
DRAWN = AT + timedelta(hours=1)
HEARD = AT + timedelta(hours=3)


@pytest.fixture
def form(engineer):
    return documents.freeze(
        KIND, engineer, number="ZZ-20260302-0001", data=data(parts=[{"name": "电源"}], none=""),
        signers={"engineer": engineer.pk}, at=AT, by=SYSTEM,
    )  # fmt: skip


def pad_for(engineer, **changes):
    usual = {"kind": "test", "block": "customer", "contact_id": None, "at": AT}
    token = offline_signatures.give_pad(engineer, **usual | changes, by=engineer.as_actor())
    return OfflinePad.objects.get(token_sha256=token_hash(token))


@pytest.fixture
def pad(engineer):
    return pad_for(engineer)


def rows(form):
    return [list(row) for row in KINDS["test"].rows(form.data)]


def take(pad, form, **changes):
    usual = {
        "signer_name": "王店长", "strokes": stroke(), "rows": rows(form), "answers": {"stars": 5},
        "device_at": DRAWN, "at": HEARD, "by": offline_signatures.signer(pad, "王店长"),
    }  # fmt: skip
    return offline_signatures.take(pad, form, **usual | changes)


def test_the_rows_of_a_form_are_what_it_prints(form):
    assert rows(form) == [
        ["customer", "大兴百货"], ["need", "收银台不能积分 <b>粗体</b>"], ["parts.1.name", "电源"],
    ]  # fmt: skip


def test_the_same_rows_are_a_signature(pad, form):
    signature = take(pad, form)

    assert isinstance(signature, Signature)
    assert (signature.method, signature.actor_kind) == ("L1-offline", "contact")
    assert (signature.signed_at, signature.shown_sha256) == (DRAWN, form.data_sha256)
    assert signature.answers == {"stars": 5}


def unlike(form):
    first, *rest = rows(form)
    return {
        "another word": [[first[0], "别家"], *rest],
        "a row less": rest,
        "a row more": [first, *rest, ["extra", "1"]],
        "a row twice": [first, first, *rest],
        "nothing": [],
        "no row at all": [["x"], *rest],
    }


@pytest.mark.parametrize("which", ["another word", "a row less", "a row more", "a row twice", "nothing", "no row at all"])  # fmt: skip
def test_other_rows_are_evidence_and_no_signature(pad, form, engineer, which):
    kept = take(pad, form, rows=unlike(form)[which])

    assert isinstance(kept, KeptSignature)
    assert kept.differing
    assert not Signature.objects.exists()
    form.refresh_from_db()
    assert form.status == Status.OPEN
    assert journal(engineer)[-1][0] == "document.signature_kept"


def test_what_was_kept_cannot_be_used_as_the_new_signature(pad, form, engineer):
    take(pad, form, rows=[])

    with pytest.raises(Refused):
        take(pad_for(engineer), form)
    assert isinstance(take(pad_for(engineer), form, strokes=stroke(2.0)), Signature)


def test_a_form_that_was_voided_meanwhile_is_evidence(pad, form):
    documents.void(form.number, at=HEARD)

    assert isinstance(take(pad, form), KeptSignature)


def test_sent_twice_it_is_the_same(pad, form):
    assert take(pad, form) == take(pad, form)
    assert Signature.objects.count() == 1


def test_kept_and_sent_twice_it_is_the_same(pad, form):
    assert take(pad, form, rows=[]) == take(pad, form, rows=[])
    assert KeptSignature.objects.count() == 1


def test_a_refused_drawing_leaves_the_pad_good(pad, form):
    with pytest.raises(Refused):
        take(pad, form, strokes=[])
    with pytest.raises(Refused):
        take(pad, form, rows=[], strokes=[])

    assert isinstance(take(pad, form), Signature)


def test_a_pad_is_for_its_own_form(engineer, other_engineer, form):
    for pad in (pad_for(engineer, kind="sheet", block="attendee.1"), pad_for(other_engineer)):
        with pytest.raises(PermissionDenied):
            take(pad, form)


def test_a_pad_is_for_the_customers_place_alone(engineer):
    with pytest.raises(PermissionDenied):
        pad_for(engineer, block="engineer")


@pytest.mark.parametrize(
    "times",
    [
        {"device_at": AT - timedelta(minutes=3)},
        {"device_at": HEARD + timedelta(minutes=3)},
        {"at": AT + timedelta(days=3, minutes=1)},
    ],
    ids=["before the pad was given", "in the future", "too late"],
)
def test_times_that_cannot_be(pad, form, times):
    with pytest.raises(Refused):
        take(pad, form, **times)


def test_no_account_and_not_the_system_signs_by_a_pad(pad, form, engineer, admin):
    for by in (engineer.as_actor(), admin.as_actor(), SYSTEM):
        with pytest.raises(PermissionDenied):
            take(pad, form, by=by)


@pytest.mark.parametrize("role", ["manager", "admin", "api_client_user"])
def test_who_hands_no_phone_over_gets_no_pad(role, request, engineer):
    somebody = request.getfixturevalue(role)
    with pytest.raises(PermissionDenied):
        offline_signatures.give_pad(
            engineer, kind="test", block="customer", contact_id=None, at=AT,
            by=somebody.as_actor(),
        )  # fmt: skip


@pytest.mark.parametrize("statement", ["UPDATE core_keptsignature SET strokes = '[]'",
                                       "DELETE FROM core_keptsignature"])  # fmt: skip
def test_no_later_write_touches_the_evidence(pad, form, statement):
    take(pad, form, rows=[])

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
