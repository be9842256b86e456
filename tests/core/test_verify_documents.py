"""`verify_documents` names each form that is not what was signed and sealed."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from servicedesk.core import document_checks, documents, sealing
from servicedesk.core.documents import Method
from servicedesk.core.models import SignLink, token_hash
from tests.conftest import AT
from tests.core.forms_of_tests import KIND, data, stroke

pytestmark = pytest.mark.django_db


@pytest.fixture
def sealed(engineer):
    me = engineer.as_actor()
    form = documents.freeze(
        KIND, engineer, number="ZZ-20260302-0001", data=data(),
        signers={"engineer": engineer.pk}, at=AT, by=me,
    )  # fmt: skip
    token = documents.make_link(
        form, block="customer", method=Method.HANDED_OVER, at=timezone.now(), by=me
    )
    link = SignLink.objects.get(token_sha256=token_hash(token))
    documents.sign_by_link(
        link, signer_name="王店长", strokes=stroke(), shown_sha256=form.data_sha256,
        answers={"stars": 5}, at=timezone.now(), by=documents.signer(link),
    )  # fmt: skip
    documents.sign_own(
        form, block="engineer", strokes=stroke(1.5), shown_sha256=form.data_sha256,
        at=timezone.now(), by=me,
    )  # fmt: skip
    assert sealing.seal_waiting() == 1
    form.refresh_from_db()
    return form


def tamper(sql: str, *params: int | str) -> None:
    """As the owner of the database, with its triggers switched off."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(sql, params)
        cursor.execute("SET session_replication_role = DEFAULT")


def stored(form) -> Path:
    """The file, made writable: it is kept read-only."""
    path = Path(default_storage.path(form.file))
    if path.exists():
        path.chmod(0o640)
    return path


def messages() -> list[str]:
    return [fault.message for fault in document_checks.verify()]


def test_untouched_forms_are_intact(sealed, capsys):
    call_command("verify_documents")

    assert capsys.readouterr().out == "The forms are intact: 1, 1 of them sealed.\n"


def test_an_installation_without_forms_is_intact_and_gets_no_keys(db, settings, tmp_path):
    settings.SEAL_KEY_DIR = tmp_path / "seal"

    call_command("verify_documents")

    assert not settings.SEAL_KEY_DIR.exists()


def test_the_command_names_the_form_and_fails(sealed, capsys):
    stored(sealed).write_bytes(b"%PDF-1.7 another")

    with pytest.raises(CommandError, match="not intact: 1 faults"):
        call_command("verify_documents")
    assert capsys.readouterr().out == f"ZZ-20260302-0001: the file {sealed.file} was altered\n"


def test_altered_data_are_found(sealed):
    tamper('UPDATE core_document SET data = data || \'{"need": "x"}\' WHERE id = %s', sealed.pk)

    assert messages() == ["the frozen data was altered"]


def test_data_altered_together_with_their_hash_fit_no_signature(sealed):
    changed = data(need="x")
    tamper(
        'UPDATE core_document SET data = data || \'{"need": "x"}\', data_sha256 = %s',
        documents.content_hash(changed),
    )

    assert messages() == [
        "the signature of 王店长 (customer) belongs to other data",
        f"the signature of {sealed.signatures.last()} belongs to other data",
    ]


def test_a_signature_that_is_gone_is_found(sealed):
    tamper("DELETE FROM core_signature WHERE block = 'customer'")

    assert messages() == ["the signature of “customer” is gone"]


def test_a_file_that_is_gone_is_found(sealed):
    stored(sealed).unlink()

    assert messages() == [f"the file {sealed.file} is gone"]


def test_a_file_altered_together_with_its_hash_has_no_valid_seal(sealed):
    content = bytearray(stored(sealed).read_bytes())
    content[len(content) // 2] ^= 1
    stored(sealed).write_bytes(content)
    tamper("UPDATE core_document SET file_sha256 = %s", hashlib.sha256(content).hexdigest())

    assert messages() == ["its seal is not a valid one of this installation"]


def test_without_its_certificate_no_seal_counts_as_genuine(sealed, tmp_path):
    keys, away = settings.SEAL_KEY_DIR, tmp_path / "away"
    shutil.move(keys, away)

    found = messages()

    assert not keys.exists(), "asking must not make new keys"
    shutil.move(away, keys)
    assert found == ["its seal is by no certificate that SEAL_KEY_DIR keeps"]
