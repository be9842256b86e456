"""A ZIP of a period: packed by a worker, whole, provable, and for its reader alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from servicedesk.core import documents, exports, sealing
from servicedesk.core.actors import SYSTEM
from servicedesk.core.archive import Selection
from servicedesk.core.errors import Refused
from servicedesk.core.models import Entry
from tests.conftest import AT
from tests.core.forms_of_tests import PLAIN, data

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def places(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.SEAL_KEY_DIR = tmp_path / "seal"


@pytest.fixture
def forms(engineer):
    """Two forms in March, one of them corrected, and one in April."""

    def form(number, at=AT, **more):
        return documents.freeze(PLAIN, engineer, number=number, data=data(**more), at=at, by=SYSTEM)

    made = [form("ZZ-20260302-0001"), form("ZZ-20260302-0002")]
    assert sealing.seal_waiting() == 2
    made += [form("ZZ-20260302-0002", need="更正"), form("ZZ-20260410-0001", AT + timedelta(39))]
    assert sealing.seal_waiting() == 2
    for each in made:
        each.refresh_from_db()
    return made


MARCH = Selection(first=AT.date().replace(day=1), last=AT.date().replace(day=31))


def packed(manager, wanted=MARCH):
    export = exports.request_export(wanted, at=timezone.now(), by=manager.as_actor())
    assert exports.pack_waiting() == 1
    export.refresh_from_db()
    return export


def path_of(export) -> Path:
    return Path(default_storage.path(export.file))


def test_the_zip_holds_the_forms_of_the_period_byte_for_byte(forms, manager):
    export = packed(manager)

    assert (export.status, export.packed, export.total, export.faults) == ("done", 3, 3, 0)
    with zipfile.ZipFile(path_of(export)) as pack:
        assert set(pack.namelist()) == {
            "2026-03/ZZ-20260302-0001.pdf", "2026-03/ZZ-20260302-0002.pdf",
            "2026-03/ZZ-20260302-0002-v2.pdf", "manifest.json", "SHA256SUMS", "SHA256SUMS.p7s",
        }  # fmt: skip
        stored = Path(default_storage.path(forms[0].file)).read_bytes()
        assert pack.read("2026-03/ZZ-20260302-0001.pdf") == stored
        manifest = json.loads(pack.read("manifest.json"))
    assert manifest["count"] == len(manifest["documents"]) == 3
    assert manifest["documents"][0]["content_sha256"] == forms[0].data_sha256


def test_standard_tools_agree(forms, manager, tmp_path, settings):
    with zipfile.ZipFile(path_of(packed(manager))) as pack:
        pack.extractall(tmp_path / "out")

    for command in (
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "SHA256SUMS.p7s",
         "-content", "SHA256SUMS", "-purpose", "any",
         "-CAfile", settings.SEAL_KEY_DIR / "authority.pem"],
    ):  # fmt: skip
        subprocess.run(command, cwd=tmp_path / "out", check=True, capture_output=True)


def test_the_command_finds_it_intact(forms, manager, capsys):
    call_command("verify_export", str(path_of(packed(manager))))

    assert capsys.readouterr().out == "The ZIP is intact: 3 forms.\n"


def rewritten(source: Path, target: Path, change) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        contents = {name: old.read(name) for name in old.namelist()}
        change(contents)
        for name, content in contents.items():
            new.writestr(name, content)
    return target


def _alter(contents):
    name = "2026-03/ZZ-20260302-0001.pdf"
    contents[name] = contents[name][:-9] + b"x" + contents[name][-8:]


def _list_anew(contents):
    """The forger takes one form out, and writes the lists anew."""
    import hashlib

    del contents["2026-03/ZZ-20260302-0001.pdf"]
    manifest = json.loads(contents["manifest.json"])
    manifest["documents"].pop(0)
    contents["manifest.json"] = json.dumps(manifest).encode()
    contents["SHA256SUMS"] = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in contents.items()
        if not name.startswith("SHA256SUMS")
    ).encode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_alter, "2026-03/ZZ-20260302-0001.pdf was altered"),
        (lambda c: c.pop("2026-03/ZZ-20260302-0002.pdf"), "0002.pdf is missing"),
        (lambda c: c.update({"2026-03/more.pdf": b"x"}), "more.pdf does not belong to it"),
        (lambda c: c.pop("SHA256SUMS.p7s"), "SHA256SUMS.p7s is missing"),
        (lambda c: c.update({"SHA256SUMS.p7s": b"x"}), "does not carry a valid seal"),
        (_list_anew, "does not carry a valid seal"),
    ],
)
def test_what_was_done_to_it_is_found(forms, manager, tmp_path, capsys, change, said):
    other = rewritten(path_of(packed(manager)), tmp_path / "other.zip", change)

    with pytest.raises(CommandError, match="not intact"):
        call_command("verify_export", str(other))
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_a_cut_file_is_no_zip(forms, manager, tmp_path, size):
    cut = tmp_path / "cut.zip"
    cut.write_bytes(path_of(packed(manager)).read_bytes()[:size])

    with pytest.raises(CommandError):
        call_command("verify_export", str(cut))


def test_a_list_sealed_by_another_house_is_not_ours(forms, manager, settings, tmp_path):
    path = path_of(packed(manager))
    shutil.move(settings.SEAL_KEY_DIR, tmp_path / "away")

    assert "does not carry a valid seal" in exports.check(path).faults[0]


def test_a_form_that_was_altered_is_packed_and_named(forms, manager):
    bad = Path(default_storage.path(forms[0].file))
    bad.chmod(0o640)
    bad.write_bytes(b"%PDF-1.7 other")

    export = packed(manager)

    assert (export.status, export.faults) == ("done", 1)
    assert exports.check(path_of(export)).faults == [
        "2026-03/ZZ-20260302-0001.pdf was altered already when the ZIP was made"
    ]


def test_a_form_that_is_gone_is_named(forms, manager):
    Path(default_storage.path(forms[0].file)).unlink()

    assert exports.check(path_of(packed(manager))).faults == [
        "2026-03/ZZ-20260302-0001.pdf was gone already when the ZIP was made"
    ]


def test_who_asked_is_on_record(forms, manager):
    packed(manager)

    entry = Entry.objects.get(type="document.exported")
    assert (entry.actor_id, entry.data["count"]) == (manager.pk, 3)


def test_nothing_found_is_refused(manager, forms):
    wanted = Selection(text="没有这样的单据")
    with pytest.raises(Refused):
        exports.request_export(wanted, at=AT, by=manager.as_actor())


def test_too_many_are_refused(manager, forms, monkeypatch):
    monkeypatch.setattr(exports, "MOST", 2)
    with pytest.raises(Refused):
        exports.request_export(MARCH, at=AT, by=manager.as_actor())


@pytest.mark.parametrize("who", ["helpdesk", "engineer", "dispatcher"])
def test_who_may_not_export_does_not(who, request, forms):
    person = request.getfixturevalue(who)
    with pytest.raises(PermissionDenied):
        exports.request_export(MARCH, at=AT, by=person.as_actor())
    client = Client()
    client.force_login(person)
    assert client.post(reverse("documents:request_export")).status_code == 403
    assert client.get(reverse("documents:exports")).status_code == 404


def test_by_page_from_the_question_to_the_download(forms, manager, admin):
    client = Client()
    client.force_login(manager)
    fields = {"first": "2026-03-01", "last": "2026-03-31"}

    answer = client.post(reverse("documents:request_export"), fields)
    assert client.get(answer.url).status_code == 200
    assert exports.pack_waiting() == 1
    assert f"{answer.url}download/" in client.get(answer.url).text
    assert client.get(f"{answer.url}download/").getvalue()[:2] == b"PK"
    assert answer.url in client.get(reverse("documents:exports")).text

    # Another one who may export does not see what was packed for her.
    other = Client()
    other.force_login(admin)
    assert other.get(answer.url).status_code == 404
    assert other.get(f"{answer.url}download/").status_code == 404


def test_a_restored_desk_has_the_row_but_not_the_file(forms, manager):
    export = packed(manager)
    path_of(export).unlink()
    client = Client()
    client.force_login(manager)
    url = reverse("documents:export", args=[export.uid])
    assert client.get(url).status_code == 200
    assert client.get(f"{url}download/").status_code == 404


def test_a_worker_that_died_is_taken_over(forms, manager):
    export = exports.request_export(MARCH, at=timezone.now(), by=manager.as_actor())
    assert exports._claim(timezone.now()).pk == export.pk
    assert exports.pack_waiting() == 0, "it is leased"

    with time_machine.travel(timezone.now() + exports.LEASE * 1.1, tick=True):
        assert exports.pack_waiting() == 1


def test_after_a_week_the_file_is_deleted(forms, manager):
    export = packed(manager)
    path = path_of(export)
    assert exports.forget_old() == 0

    with time_machine.travel(timezone.now() + exports.KEPT * 1.1, tick=True):
        assert exports.forget_old() == 1
    export.refresh_from_db()
    assert export.status == "expired"
    assert not path.exists()
