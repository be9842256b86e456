"""The time stamp of the seal: by our own clock, or by an authority elsewhere that may be down."""

from __future__ import annotations

import subprocess
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from servicedesk.core import documents, seal, sealing, stamps, vault
from servicedesk.core.actors import SYSTEM
from servicedesk.core.documents import Status
from servicedesk.core.models import Document
from servicedesk.core.verification import judge
from tests.conftest import AT
from tests.core import authority
from tests.core.forms_of_tests import PLAIN, data
from tests.seals import openssl_verifies, pdfsig

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(settings, tmp_path):
    settings.SEAL_KEY_DIR = tmp_path / "seal"
    return settings.SEAL_KEY_DIR


@pytest.fixture
def elsewhere(settings, tmp_path):
    with authority.running(tmp_path / "authority") as found:
        settings.TIMESTAMP_URL = found.url
        settings.TIMESTAMP_AUTHORITY = found.root
        yield found


def waiting(engineer, number: int = 1) -> Document:
    return documents.freeze(
        PLAIN, engineer, number=f"ZZ-20260302-{number:04}", data=data(), at=AT, by=SYSTEM
    )


def sealed(engineer, number: int = 1) -> Document:
    form = waiting(engineer, number)
    assert sealing.seal_waiting() == 1
    form.refresh_from_db()
    return form


def test_our_own_clock_stamps_when_no_other_is_set(engineer, keys):
    before = timezone.now().replace(microsecond=0)
    form = sealed(engineer)

    state = seal.inspect(vault.read(form.file))
    assert state.intact
    assert before <= state.stamped_at <= timezone.now()
    assert (form.stamped_at, form.stamped_by) == (state.stamped_at, "Service desk time")
    assert (keys / "clock.key").stat().st_mode & 0o077 == 0


def test_an_authority_elsewhere_stamps_by_rfc_3161(engineer, elsewhere):
    form = sealed(engineer)

    state = seal.inspect(vault.read(form.file))
    assert state.intact
    assert form.stamped_by == "Clock of others"
    assert form.stamped_at == state.stamped_at
    assert abs(form.stamped_at - timezone.now()) < timedelta(seconds=20)


def test_each_form_costs_one_question_after_the_first(engineer, elsewhere):
    sealed(engineer, 1)
    first = elsewhere.asked
    sealed(engineer, 2)

    assert elsewhere.asked == first + 1


def test_user_and_password_go_with_the_question(engineer, elsewhere, settings):
    settings.TIMESTAMP_USER, settings.TIMESTAMP_PASSWORD = "desk", "secret"
    sealed(engineer)

    assert elsewhere.log[0].startswith("Basic ")


@pytest.mark.parametrize("mood", ["down", "nonsense", "refusing"])
def test_an_authority_that_fails_loses_no_form(engineer, elsewhere, mood, admin):
    elsewhere.mood = mood
    one, two = waiting(engineer, 1), waiting(engineer, 2)

    with time_machine.travel(timezone.now(), tick=True):
        assert sealing.seal_waiting() == 0
        asked = elsewhere.asked
        assert sealing.seal_waiting() == 0
        assert elsewhere.asked == asked, "not asked again at once, not even for the other form"
    for form in (one, two):
        form.refresh_from_db()
        assert (form.status, form.attempts) == (Status.COMPLETE, 0)
        assert form.failure.startswith(elsewhere.url)

    elsewhere.mood = "proper"
    with time_machine.travel(timezone.now() + sealing.PAUSE, tick=True):
        assert sealing.seal_waiting() == 2
    one.refresh_from_db()
    assert (one.status, one.failure, one.stamped_by) == (Status.SEALED, "", "Clock of others")


def test_it_may_be_away_for_longer_than_a_form_has_tries(engineer, elsewhere):
    elsewhere.mood = "down"
    form = waiting(engineer)
    for minute in range(sealing.TRIES + 2):
        with time_machine.travel(timezone.now() + timedelta(minutes=minute), tick=True):
            assert sealing.seal_waiting() == 0

    form.refresh_from_db()
    assert form.status == Status.COMPLETE


def test_the_page_of_the_form_says_what_it_waits_for(engineer, elsewhere, admin):
    elsewhere.mood = "down"
    form = waiting(engineer)
    sealing.seal_waiting()

    client = Client()
    client.force_login(admin)
    page = client.get(reverse("documents:document", args=[form.uid])).text

    assert "等待盖章" in page
    assert elsewhere.url in page


def test_a_stamp_by_somebody_else_is_not_taken(engineer, elsewhere, settings, tmp_path):
    with authority.running(tmp_path / "other") as other:
        settings.TIMESTAMP_AUTHORITY = other.root
        form = waiting(engineer)

        assert sealing.seal_waiting() == 0

    form.refresh_from_db()
    assert "TIMESTAMP_AUTHORITY" in form.failure


def test_changing_the_authority_leaves_what_was_stamped_before_genuine(
    engineer, elsewhere, settings
):
    theirs = sealed(engineer, 1)
    settings.TIMESTAMP_URL = ""
    ours = sealed(engineer, 2)

    for form in (theirs, ours):
        assert judge(vault.read(form.file)).answer == "genuine"


def test_a_stamp_of_an_unknown_clock_is_none(engineer, keys):
    form = sealed(engineer)
    for kept in (keys / "clocks").iterdir():
        kept.unlink()
    # The certificate of our own clock is known as long as it is there: this one is another's.
    stamps._own.cache_clear()

    assert not seal.inspect(vault.read(form.file)).intact


@pytest.mark.parametrize("by", ["ours", "theirs"])
def test_pdfsig_and_openssl_agree(engineer, request, tmp_path, by, keys):
    if by == "theirs":
        request.getfixturevalue("elsewhere")
    content = vault.read(sealed(engineer).file)

    assert openssl_verifies(content, tmp_path)
    said = pdfsig(content, tmp_path)
    assert "Signature is Valid." in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said

    altered = bytearray(content)
    altered[len(content) // 2] ^= 1
    assert "Signature is Valid." not in pdfsig(bytes(altered), tmp_path)


def test_openssl_finds_the_time_stamp_of_our_own_clock_valid(keys, tmp_path):
    """`openssl ts -verify` shares no code with what stamped."""
    import asyncio
    import hashlib

    seal.seal(seal._empty_page(), reason="")
    digest = hashlib.sha256(b"form").digest()
    token = asyncio.run(stamps.stamper(keys).async_timestamp(digest, "sha256"))
    (tmp_path / "token").write_bytes(token.dump())

    done = subprocess.run(
        ["openssl", "ts", "-verify", "-digest", digest.hex(), "-in", tmp_path / "token",
         "-token_in", "-CAfile", keys / "clock-authority.pem"],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert "Verification: OK" in done.stdout + done.stderr


def test_a_signature_that_outgrows_its_room_is_made_again(keys):
    page = seal._empty_page()
    seal.seal(page, reason="")
    (who,) = [key for key in seal._room if seal._room[key]][-1:]
    seal._room[who] = 600

    assert seal.inspect(seal.seal(page, reason="").pdf).intact
    assert seal._room[who] > 600
