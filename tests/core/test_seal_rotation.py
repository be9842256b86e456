"""A new seal does not make the forms under the former one worth less."""

from __future__ import annotations

import shutil

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from servicedesk.core import document_checks, documents, seal, sealing
from servicedesk.core.actors import SYSTEM
from servicedesk.core.certificates import make_keys
from servicedesk.core.verification import judge
from tests.conftest import AT
from tests.core.forms_of_tests import PLAIN, data

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(settings, tmp_path):
    settings.SEAL_KEY_DIR = tmp_path / "seal"
    return settings.SEAL_KEY_DIR


def sealed_form(engineer, number: int) -> bytes:
    form = documents.freeze(
        PLAIN, engineer, number=f"ZZ-20260302-000{number}", data=data(), at=AT, by=SYSTEM
    )
    assert sealing.seal_waiting() == 1
    form.refresh_from_db()
    with default_storage.open(form.file) as file:
        return file.read()


def rotate(**options) -> None:
    call_command("rotate_seal", **options)


def certificate(folder) -> bytes:
    return (folder / "seal.pem").read_bytes()


def bought(tmp_path):
    """Keys that were made elsewhere."""
    folder = tmp_path / "bought"
    folder.mkdir()
    make_keys(folder, seal.FILES, "seal")
    return folder


def faults() -> list[str]:
    return [fault.message for fault in document_checks.verify()]


def test_forms_under_the_former_and_the_present_seal_are_genuine(engineer, keys):
    before = sealed_form(engineer, 1)
    former, key = certificate(keys), (keys / "seal.key").read_bytes()

    rotate()

    after = sealed_form(engineer, 2)
    assert certificate(keys) != former
    assert [judge(pdf).answer for pdf in (before, after)] == ["genuine", "genuine"]
    assert faults() == []
    kept = [path for path in keys.rglob("*") if path.is_file()]
    assert key not in [path.read_bytes() for path in kept], "the former private key is gone"
    assert {oct(path.stat().st_mode & 0o777) for path in kept if path.name != ".lock"} == {"0o600"}


def test_without_the_kept_certificate_the_check_says_which_form_it_cannot_vouch_for(engineer, keys):
    sealed_form(engineer, 1)
    rotate()
    sealed_form(engineer, 2)
    shutil.rmtree(keys / "certificates")

    found = [(fault.document, fault.message) for fault in document_checks.verify()]

    assert found == [("ZZ-20260302-0001", "its seal is by no certificate that SEAL_KEY_DIR keeps")]


def test_a_seal_replaced_by_hand_leaves_the_former_forms_genuine_too(engineer, keys, tmp_path):
    before = sealed_form(engineer, 1)

    shutil.copytree(bought(tmp_path), keys, dirs_exist_ok=True)

    assert judge(before).answer == "genuine"
    assert judge(sealed_form(engineer, 2)).answer == "genuine"


def test_an_installation_that_kept_no_certificates_yet_keeps_the_one_it_has(engineer, keys):
    before = sealed_form(engineer, 1)
    shutil.rmtree(keys / "certificates")
    assert judge(before).answer == "genuine"

    rotate()

    assert judge(before).answer == "genuine"


def test_a_form_stays_genuine_when_its_certificate_has_ended(engineer):
    before = sealed_form(engineer, 1)
    with time_machine.travel("2039-01-01 08:00+08:00", tick=False):
        rotate()

        assert judge(before).answer == "genuine"
        assert faults() == []


def test_the_seal_of_a_stranger_is_none_of_ours(engineer, keys, tmp_path):
    """The same names stand in it; only the key tells."""
    ours = sealed_form(engineer, 1)
    away = tmp_path / "away"
    keys.rename(away)
    theirs = sealed_form(engineer, 2)
    shutil.rmtree(keys)
    away.rename(keys)

    assert [judge(pdf).answer for pdf in (ours, theirs)] == ["genuine", "unknown"]


def test_a_bought_certificate_seals_from_now_on(engineer, keys, tmp_path):
    before, folder = sealed_form(engineer, 1), bought(tmp_path)

    rotate(source=folder)

    assert certificate(keys) == certificate(folder)
    assert judge(sealed_form(engineer, 2)).answer == "genuine"
    assert judge(before).answer == "genuine"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder, keys: (folder / "seal.key").unlink(), "cannot be read"),
        (lambda folder, keys: (folder / "seal.key").write_text("nonsense"), "cannot be read"),
        (lambda folder, keys: shutil.copy(keys / "seal.key", folder), "does not belong"),
        (lambda folder, keys: shutil.copy(keys / "authority.pem", folder), "would not be accepted"),
        (
            # An authority may sign certificates, not forms.
            lambda folder, keys: shutil.copy(folder / "authority.pem", folder / "seal.pem"),
            "does not belong",
        ),
    ],
)
def test_keys_that_cannot_seal_are_refused_and_change_nothing(
    engineer, keys, tmp_path, spoil, reason
):
    sealed_form(engineer, 1)
    before = {path: path.read_bytes() for path in keys.rglob("*") if path.is_file()}
    folder = bought(tmp_path)
    spoil(folder, keys)

    with pytest.raises(CommandError, match=reason):
        rotate(source=folder)

    assert {path: path.read_bytes() for path in keys.rglob("*") if path.is_file()} == before
    assert faults() == []


def test_an_ended_certificate_is_refused(keys, tmp_path):
    folder = bought(tmp_path)
    with (
        time_machine.travel("2039-01-01 08:00+08:00", tick=False),
        pytest.raises(CommandError, match="would not be accepted"),
    ):
        rotate(source=folder)


def test_asking_about_a_file_makes_no_keys(keys):
    assert judge(b"%PDF-1.7 nothing").answer == "unknown"

    assert not keys.exists()
