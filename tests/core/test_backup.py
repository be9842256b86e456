"""Backup and restore with the real programs, into a database and folders of its own (OPS-14)."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.actions import create_team
from accounts.models import Team
from servicedesk.core import backup, documents, journal, sealing
from servicedesk.core.actors import SYSTEM
from tests.conftest import AT
from tests.core.forms_of_tests import PLAIN, data

# pg_dump sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 2, 3, 17, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_folders(tmp_path, settings):
    settings.MEDIA_ROOT, settings.SEAL_KEY_DIR = tmp_path / "media", tmp_path / "seal"


@pytest.fixture
def form(engineer):
    """A journal with entries, a sealed form, an upload."""
    create_team(name="一组", at=AT, by=SYSTEM)
    document = documents.freeze(
        PLAIN, engineer, number="ZZ-20260302-0001", data=data(), at=AT, by=SYSTEM
    )
    assert sealing.seal_waiting() == 1
    default_storage.save("uploads/照片.txt", ContentFile("照片".encode()))
    journal.seal()
    document.refresh_from_db()
    return document


@pytest.fixture
def archive(form, tmp_path):
    path, _manifest = backup.make(tmp_path / "backups", at=NOW)
    return path


@pytest.fixture
def elsewhere(tmp_path):
    """The environment of another installation: an empty database, no files."""
    facts = connection.settings_dict
    name = f"{facts['NAME']}_restored"
    server = psycopg2.connect(
        host=facts["HOST"], port=facts["PORT"], user=facts["USER"], password=facts["PASSWORD"],
        dbname="postgres",
    )  # fmt: skip
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}"')
    address = f"{facts['USER']}:{facts['PASSWORD']}@{facts['HOST']}:{facts['PORT']}"
    yield {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "servicedesk.settings",
        "DATABASE_URL": f"postgres://{address}/{name}",
        "MEDIA_ROOT": str(tmp_path / "elsewhere/media"),
        "SEAL_KEY_DIR": str(tmp_path / "elsewhere/seal"),
        "DEBUG": "true",
    }
    with server.cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    server.close()


def manage(env, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *map(str, words)]
    return subprocess.run(
        command, env=env, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )


def rewritten(archive: Path, changes: dict[str, bytes | None]) -> Path:
    """The same tar with some members changed, added, or (None) left out."""
    target = archive.with_name("changed.tar")
    with tarfile.open(archive) as old, tarfile.open(target, "w") as new:
        names = [*old.getnames(), *(name for name in changes if name not in old.getnames())]
        for name in names:
            content = changes[name] if name in changes else old.extractfile(name).read()  # type: ignore[union-attr]
            if content is not None:
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                new.addfile(entry, io.BytesIO(content))
    return target


def test_what_was_backed_up_is_there_again_and_verified(form, archive, elsewhere):
    done = manage(elsewhere, "restore", archive)

    assert done.returncode == 0, done.stderr
    assert "The journal is intact" in done.stdout
    assert "The forms are intact: 1, 1 of them sealed." in done.stdout
    media = Path(elsewhere["MEDIA_ROOT"])
    assert (media / form.file).read_bytes() == Path(default_storage.path(form.file)).read_bytes()
    assert (media / "uploads/照片.txt").read_text() == "照片"
    seal = Path(elsewhere["SEAL_KEY_DIR"])
    assert (seal / "seal.key").read_bytes() == (settings.SEAL_KEY_DIR / "seal.key").read_bytes()
    assert (seal / "seal.key").stat().st_mode & 0o077 == 0
    query = "from accounts.models import Team; print(Team.objects.get().name)"
    assert "一组" in manage(elsewhere, "shell", "-c", query).stdout


def test_an_installation_in_use_is_not_restored_over(archive, elsewhere):
    assert manage(elsewhere, "restore", archive).returncode == 0

    again = manage(elsewhere, "restore", archive)

    assert again.returncode == 1
    assert "is not empty" in again.stderr


def test_files_in_the_way_refuse_a_restore(archive, elsewhere):
    media = Path(elsewhere["MEDIA_ROOT"])
    media.mkdir(parents=True)
    (media / "somebody's.pdf").write_text("kept")

    done = manage(elsewhere, "restore", archive)

    assert done.returncode == 1
    assert "Move away what is in it." in done.stderr
    assert (media / "somebody's.pdf").read_text() == "kept"


def test_a_failed_restore_leaves_nothing_behind(archive, elsewhere):
    broken = b"PGDMP, but no dump"
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
    manifest["members"]["database.dump"] = {
        "size": len(broken),
        "sha256": hashlib.sha256(broken).hexdigest(),
    }
    changed = rewritten(
        archive, {"database.dump": broken, "manifest.json": json.dumps(manifest).encode()}
    )

    done = manage(elsewhere, "restore", changed)

    assert done.returncode == 1
    assert "pg_restore failed" in done.stderr
    assert list(Path(elsewhere["MEDIA_ROOT"]).iterdir()) == []
    # It can be tried again at once.
    assert manage(elsewhere, "restore", archive).returncode == 0


def test_a_backup_is_for_its_owner_alone_and_leaves_no_scratch(archive):
    assert archive.name == "servicedesk-20260302T031700Z.tar"
    assert archive.stat().st_mode & 0o077 == 0
    assert list(archive.parent.iterdir()) == [archive]


def test_a_backup_does_not_overwrite_another(archive):
    with pytest.raises(backup.BackupError, match="exists already"):
        backup.make(archive.parent, at=NOW)


def test_the_manifest_names_every_member(form, archive):
    manifest = backup.check(archive)

    (kept,) = (settings.SEAL_KEY_DIR / "certificates").iterdir()
    (clock,) = (settings.SEAL_KEY_DIR / "clocks").iterdir()
    assert set(manifest.members) == {
        "database.dump", f"media/{form.file}", "media/uploads/照片.txt",
        "seal/authority.pem", "seal/seal.key", "seal/seal.pem", f"seal/certificates/{kept.name}",
        "seal/clock-authority.pem", "seal/clock.key", "seal/clock.pem", f"seal/clocks/{clock.name}",
    }  # fmt: skip
    assert "core.0001_initial" in manifest.migrations


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"media/uploads/照片.txt": b"another"}, "media/uploads/照片.txt was altered"),
        ({"media/uploads/照片.txt": None}, "media/uploads/照片.txt is missing"),
        ({"media/extra.txt": b"x"}, "media/extra.txt is not in the manifest"),
        ({"manifest.json": None}, "has no manifest.json"),
        ({"manifest.json": b"{}"}, "another version of this command"),
    ],
)
def test_a_changed_backup_is_refused_before_anything_is_touched(archive, changes, message):
    changed = rewritten(archive, changes)

    with pytest.raises(CommandError, match=message):
        call_command("restore", changed, "--check")


def test_a_member_that_leads_elsewhere_is_refused(archive):
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
    facts = {"size": 1, "sha256": hashlib.sha256(b"x").hexdigest()}
    manifest["members"]["media/../../evil"] = facts
    changed = rewritten(
        archive, {"media/../../evil": b"x", "manifest.json": json.dumps(manifest).encode()}
    )

    with pytest.raises(backup.BackupError, match="leads elsewhere"):
        backup.check(changed)


def test_a_truncated_backup_is_refused(archive):
    cut = archive.with_name("cut.tar")
    cut.write_bytes(archive.read_bytes()[:-30_000])

    with pytest.raises(backup.BackupError):
        backup.check(cut)


def test_what_is_no_tar_is_refused(tmp_path):
    (tmp_path / "x.tar").write_text("not a tar")

    with pytest.raises(CommandError, match="cannot be read"):
        call_command("restore", tmp_path / "x.tar")


def test_a_backup_of_a_newer_product_is_refused(archive, elsewhere):
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
    manifest["migrations"].append("visits.0999_tomorrow")
    changed = rewritten(archive, {"manifest.json": json.dumps(manifest).encode()})

    done = manage(elsewhere, "restore", changed)

    assert done.returncode == 1
    assert "visits.0999_tomorrow" in done.stderr


def test_the_command_says_what_it_wrote(form, tmp_path, capsys):
    call_command("backup", tmp_path / "backups")

    assert "11 files" in capsys.readouterr().out
    assert Team.objects.count() == 1


@pytest.mark.parametrize(
    ("version", "message"),
    [("pg_dump (PostgreSQL) 9.6.24", "is version 9"), (None, "none was found")],
)
def test_too_old_or_missing_programs_are_named_with_the_remedy(
    tmp_path, settings, version, message
):
    settings.PG_BIN = str(tmp_path)
    if version:
        script = tmp_path / "pg_dump"
        script.write_text(f"#!/bin/sh\necho '{version}'\n")
        script.chmod(0o755)

    with pytest.raises(CommandError, match=rf"(?s){message}.*postgresql-client-\d+.*PG_BIN"):
        call_command("backup", tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_what_was_packed_for_download_is_left_out_and_named(form, tmp_path):
    default_storage.save("exports/a.zip", ContentFile(b"PK"))

    path, manifest = backup.make(tmp_path / "backups", at=NOW)

    assert not [name for name in manifest.members if "exports" in name]
    assert form.file in "".join(manifest.members)
    assert ["packed for download" in words for words in backup.check(path).left_out] == [True]


def test_forms_in_a_bucket_are_named_as_left_out(form, tmp_path, settings, capsys):
    settings.S3_BUCKET, settings.S3_ENDPOINT_URL = "forms", "https://store.example"

    call_command("backup", str(tmp_path / "backups"))

    assert "Not in it: the sealed forms in the bucket forms at https://store.example" in (
        capsys.readouterr().out
    )
