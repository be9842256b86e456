"""Sealed forms are stored once: on disk, and in a bucket of an S3 server on loopback (moto)."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
import time_machine
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from moto.server import ThreadedMotoServer

from servicedesk.core import documents, sealing, vault
from servicedesk.core.actors import SYSTEM
from servicedesk.core.documents import Status
from servicedesk.core.vault import StoreError
from tests.conftest import AT
from tests.core.forms_of_tests import PLAIN, data

PDF = b"%PDF-1.7 one"
NAME = f"documents/{hashlib.sha256(PDF).hexdigest()[:2]}/{hashlib.sha256(PDF).hexdigest()}.pdf"


@pytest.fixture(scope="module")
def server():
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def disk(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def bucket(settings, server):
    """A new bucket, and the settings as S3_BUCKET makes them."""
    settings.S3_ENDPOINT_URL = server
    options = {
        "bucket_name": f"forms-{os.urandom(6).hex()}", "endpoint_url": server,
        "region_name": "us-east-1", "access_key": "key", "secret_key": "secret",
    }  # fmt: skip
    settings.STORAGES = settings.STORAGES | {
        "documents": {"BACKEND": "servicedesk.core.vault_s3.OnceInBucket", "OPTIONS": options}
    }
    found = boto3.resource(
        "s3", endpoint_url=server, region_name="us-east-1", aws_access_key_id="key",
        aws_secret_access_key="secret",
    ).Bucket(options["bucket_name"])  # fmt: skip
    found.create()
    return found


@pytest.fixture(params=["disk", "bucket"])
def store(request):
    return request.getfixturevalue(request.param)


def test_a_form_is_named_by_its_content(store):
    assert vault.keep(PDF) == NAME
    assert vault.read(NAME) == PDF


def test_the_same_form_is_stored_once(store):
    assert vault.keep(PDF) == vault.keep(PDF)


def test_what_is_stored_cannot_be_overwritten_or_deleted(store):
    name = vault.keep(PDF)
    from django.core.files.base import ContentFile

    assert storages["documents"].save(name, ContentFile(b"other")) == name
    assert vault.read(name) == PDF
    with pytest.raises(PermissionError):
        storages["documents"].delete(name)


def test_what_is_not_there_is_said_to_be_missing(store):
    with pytest.raises(FileNotFoundError):
        vault.read("documents/00/none.pdf")


def test_a_damaged_file_is_not_taken_for_the_form(disk, settings):
    path = Path(settings.MEDIA_ROOT, NAME)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"cut")

    with pytest.raises(StoreError, match="other bytes"):
        vault.keep(PDF)


def test_a_damaged_object_is_not_taken_for_the_form(bucket):
    bucket.put_object(Key=NAME, Body=b"cut")

    with pytest.raises(StoreError, match="other bytes"):
        vault.keep(PDF)


def test_on_disk_it_is_read_only_and_leaves_no_scratch(disk, settings):
    vault.keep(PDF)

    files = [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    assert [oct(path.stat().st_mode & 0o777) for path in files] == ["0o440"]


def test_in_the_bucket_it_is_a_pdf_that_nobody_reads_without_the_log_in(bucket):
    vault.keep(PDF)

    (found,) = bucket.objects.all()
    assert (found.key, found.get()["ContentType"]) == (NAME, "application/pdf")
    public = "http://acs.amazonaws.com/groups/global/AllUsers"
    assert public not in str(bucket.Object(NAME).Acl().grants)


# --- the whole way ---------------------------------------------------------------------------


@pytest.fixture
def waiting(db, engineer):
    return documents.freeze(
        PLAIN, engineer, number="ZZ-20260302-0001", data=data(), at=AT, by=SYSTEM
    )


def test_a_form_is_sealed_into_the_bucket_downloaded_and_verified(waiting, bucket, admin, capsys):
    assert sealing.seal_waiting() == 1
    waiting.refresh_from_db()

    assert [found.key for found in bucket.objects.all()] == [waiting.file]
    client = Client()
    client.force_login(admin)
    answer = client.get(reverse("documents:download", args=[waiting.uid]))
    assert hashlib.sha256(answer.getvalue()).hexdigest() == waiting.file_sha256
    call_command("verify_documents")
    assert "intact: 1" in capsys.readouterr().out

    content = bytearray(vault.read(waiting.file))
    content[999] ^= 1
    bucket.put_object(Key=waiting.file, Body=bytes(content))
    with pytest.raises(CommandError):
        call_command("verify_documents")
    assert "was altered" in capsys.readouterr().out


def test_a_store_that_is_away_loses_no_form(waiting, bucket, settings, admin):
    away = dict(settings.STORAGES["documents"]["OPTIONS"], endpoint_url="http://127.0.0.1:9")
    there = settings.STORAGES
    settings.STORAGES = there | {
        "documents": {"BACKEND": "servicedesk.core.vault_s3.OnceInBucket", "OPTIONS": away}
    }
    assert sealing.seal_waiting() == 0
    waiting.refresh_from_db()
    assert (waiting.status, waiting.attempts) == (Status.COMPLETE, 0)
    assert "127.0.0.1:9" in waiting.failure

    settings.STORAGES = there
    with time_machine.travel(timezone.now() + timedelta(seconds=40), tick=True):
        assert sealing.seal_waiting() == 1


def test_a_download_while_the_store_is_away_says_so(waiting, bucket, settings, admin):
    sealing.seal_waiting()
    away = dict(settings.STORAGES["documents"]["OPTIONS"], endpoint_url="http://127.0.0.1:9")
    settings.STORAGES = settings.STORAGES | {
        "documents": {"BACKEND": "servicedesk.core.vault_s3.OnceInBucket", "OPTIONS": away}
    }
    client = Client()
    client.force_login(admin)

    answer = client.get(reverse("documents:download", args=[waiting.uid]))

    assert answer.status_code == 409
    assert "归档存储" in answer.text
