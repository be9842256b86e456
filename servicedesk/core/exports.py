"""A ZIP of sealed forms, with what proves that it is whole (`verify_export`).

    2026-03/SV-20260302-0001.pdf …   the forms, byte for byte as they are stored
    manifest.json                    who asked for what and when; each form with its hashes
    SHA256SUMS                       for `sha256sum --check`: every file above
    SHA256SUMS.p7s                   our seal with a time stamp over SHA256SUMS (CMS, detached)

A worker packs it form by form, so that its size costs disk and no memory.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from servicedesk.core import archive, seal, stamps, vault
from servicedesk.core.actions import action, require
from servicedesk.core.actors import Actor
from servicedesk.core.document_events import DocumentsExported
from servicedesk.core.errors import Refused
from servicedesk.core.events import record
from servicedesk.core.models import Document, DocumentExport
from servicedesk.core.ticker import every

log = logging.getLogger(__name__)

MOST = 50_000
LEASE = timedelta(seconds=90)
TRIES = 3
# Between two notes of how far it is: a form takes some milliseconds.
STEP = 50
KEPT = timedelta(days=7)
MANIFEST, SUMS, SIGNATURE = "manifest.json", "SHA256SUMS", "SHA256SUMS.p7s"
Status = DocumentExport.Status


@action
def request_export(wanted: archive.Selection, *, at: datetime, by: Actor) -> DocumentExport:
    """Ask a worker for a ZIP of the sealed forms that `by` sees now."""
    require(by, "documents.export")
    assert by.id is not None
    found = archive.find(by, wanted).filter(status=Document.Status.SEALED)
    pks = list(found.order_by("frozen_at", "pk").values_list("pk", flat=True)[: MOST + 1])
    if not pks:
        raise Refused(_("There is no sealed form in this selection."))
    if len(pks) > MOST:
        raise Refused(
            _("These are more than %(most)d forms. Choose a shorter period.") % {"most": MOST}
        )
    export = DocumentExport.objects.create(
        selection=wanted.as_json(), documents=pks, total=len(pks), requested_by_id=by.id,
        requested_by_label=by.label, requested_at=at,
    )  # fmt: skip
    event = DocumentsExported(
        at=at, export_uid=str(export.uid), count=len(pks), selection=wanted.as_json()
    )
    record(event, about=[], by=by)
    return export


def exports_of(actor: Actor) -> Any:
    """Each one sees what he asked for, and nobody else's."""
    if actor.id is None or not actor.may("documents.export"):
        return DocumentExport.objects.none()
    return DocumentExport.objects.filter(requested_by_id=actor.id).defer("documents")


# --- packing ---------------------------------------------------------------------------------


@every(1)
def pack_waiting() -> int:
    """Make all ZIPs that were asked for; returns how many."""
    made = 0
    while (export := _claim(timezone.now())) is not None:
        try:
            _pack(export)
            made += 1
        except (vault.StoreError, seal.SealError, stamps.StampError, OSError) as error:
            log.error("export %s: %s", export, error)
            final = export.attempts >= TRIES
            DocumentExport.objects.filter(pk=export.pk).update(
                status=Status.FAILED if final else Status.QUEUED,
                failure=str(error)[:1000],
                lease_until=timezone.now() + LEASE,
            )
    return made


@every(600)
def forget_old() -> int:
    """Delete the ZIPs that nobody can want any more; the forms themselves stay."""
    over = DocumentExport.objects.filter(
        status=Status.DONE, finished_at__lt=timezone.now() - KEPT
    ).defer("documents")
    for export in over:
        DocumentExport.objects.filter(pk=export.pk).update(status=Status.EXPIRED)
        default_storage.delete(export.file)
    return len(over)


def _claim(now: datetime) -> DocumentExport | None:
    with transaction.atomic():
        export = (
            DocumentExport.objects.select_for_update(skip_locked=True)
            .filter(
                Q(lease_until=None) | Q(lease_until__lt=now),
                status__in=[Status.QUEUED, Status.RUNNING],
            )
            .order_by("id")
            .first()
        )
        if export is None:
            return None
        if export.attempts > TRIES:
            # Its workers died, again and again: it shall not end this one, too.
            export.status = Status.FAILED
            export.save(update_fields=["status"])
            return None
        export.status, export.packed, export.faults = Status.RUNNING, 0, 0
        export.attempts += 1
        export.lease_until = now + LEASE
        export.save(update_fields=["status", "packed", "faults", "attempts", "lease_until"])
        return export


def _pack(export: DocumentExport) -> None:
    def tell(packed: int, faults: int) -> None:
        DocumentExport.objects.filter(pk=export.pk).update(
            packed=packed, faults=faults, lease_until=timezone.now() + LEASE
        )

    with tempfile.TemporaryFile() as file:
        faults = write(file, export, tell)
        size = file.tell()
        file.seek(0)
        name = default_storage.save(f"exports/{export.uid}.zip", File(file))
    DocumentExport.objects.filter(pk=export.pk).update(
        status=Status.DONE, file=name, size=size, packed=F("total"), faults=faults, failure="",
        finished_at=timezone.now(), lease_until=None,
    )  # fmt: skip


def write(file: IO[bytes], export: DocumentExport, tell: Callable[[int, int], None]) -> int:
    """Write the ZIP; returns how many forms are not what was sealed. Those are in it, and named."""
    faults = 0
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as pack,
        tempfile.TemporaryFile("w+", encoding="utf-8") as manifest,
        tempfile.TemporaryFile("w+", encoding="utf-8") as sums,
    ):
        head = {
            "format": 1,
            "company": settings.COMPANY_NAME,
            "selection": export.selection,
            "requested_by": export.requested_by_label,
            "requested_at": export.requested_at.isoformat(),
            "count": export.total,
        }
        manifest.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "documents": [')
        for number, document in enumerate(_documents(export), start=1):
            entry = _add(pack, document)
            faults += not entry["intact"]
            manifest.write(("," if number > 1 else "") + "\n")
            json.dump(entry, manifest, ensure_ascii=False)
            if entry["found_sha256"]:
                sums.write(f"{entry['found_sha256']}  {entry['path']}\n")
            if number % STEP == 0:
                tell(number, faults)
        manifest.write("\n]}\n")
        sums.write(f"{_copy(pack, MANIFEST, manifest)}  {MANIFEST}\n")
        sums.seek(0)
        listed = sums.read().encode()
        pack.writestr(SUMS, listed, zipfile.ZIP_DEFLATED)
        pack.writestr(SIGNATURE, seal.sign_list(listed))
    return faults


def _documents(export: DocumentExport) -> Iterator[Document]:
    for start in range(0, export.total, 500):
        pks = export.documents[start : start + 500]
        found = Document.objects.filter(pk__in=pks).defer(*archive.LARGE).in_bulk()
        yield from (found[pk] for pk in pks)


def _add(pack: zipfile.ZipFile, document: Document) -> dict[str, Any]:
    assert document.sealed_at is not None
    path = f"{timezone.localtime(document.frozen_at):%Y-%m}/{name_of(document)}"
    found = ""
    # One that is gone is named as such: the others are wanted all the same.
    with suppress(FileNotFoundError):
        content = vault.read(document.file)
        found = hashlib.sha256(content).hexdigest()
        pack.writestr(path, content)
    return {
        "path": path,
        "number": document.number,
        "version": document.version,
        "title": document.title,
        "made_at": document.frozen_at.isoformat(),
        "sealed_at": document.sealed_at.isoformat(),
        "content_sha256": document.data_sha256,
        "file_sha256": document.file_sha256,
        "found_sha256": found,
        "intact": found == document.file_sha256,
    }


def name_of(document: Document) -> str:
    version = "" if document.version == 1 else f"-v{document.version}"
    return f"{document.number}{version}.pdf"


def _copy(pack: zipfile.ZipFile, name: str, text: IO[str]) -> str:
    digest = hashlib.sha256()
    text.seek(0)
    with pack.open(zipfile.ZipInfo(name), "w", force_zip64=True) as target:
        while part := text.read(1 << 16):
            digest.update(part.encode())
            target.write(part.encode())
    return digest.hexdigest()


# --- checking --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checked:
    """`faults` in words; empty: whole, unchanged, and made by this installation."""

    forms: int
    faults: list[str]


def check(path: Path) -> Checked:
    """Compare a ZIP with its lists, and the list with our seal. It needs no database."""
    faults: list[str] = []
    try:
        with zipfile.ZipFile(path) as pack:
            names = pack.namelist()
            if missing := {MANIFEST, SUMS, SIGNATURE} - set(names):
                return Checked(0, [f"{name} is missing" for name in sorted(missing)])
            listed = pack.read(SUMS)
            if not seal.list_is_ours(listed, pack.read(SIGNATURE)):
                faults.append(f"{SUMS} does not carry a valid seal of this installation")
            sums = {
                name: digest
                for digest, name in (line.split("  ", 1) for line in listed.decode().splitlines())
            }
            twice = (
                {name for name in names if names.count(name) > 1}
                if len(set(names)) < len(names)
                else set()
            )
            faults += [f"{name} is in it twice" for name in sorted(twice)]
            for name in names:
                if name not in sums and name not in {SUMS, SIGNATURE}:
                    faults.append(f"{name} does not belong to it")
            for name, digest in sums.items():
                if name not in pack.NameToInfo:
                    faults.append(f"{name} is missing")
                elif _digest(pack, name) != digest:
                    faults.append(f"{name} was altered")
            entries = json.loads(pack.read(MANIFEST))["documents"]
    except (OSError, EOFError, zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
        return Checked(0, [*faults, f"it cannot be read: {error}"])
    for entry in entries:
        if not entry["intact"]:
            what = "altered" if entry["found_sha256"] else "gone"
            faults.append(f"{entry['path']} was {what} already when the ZIP was made")
    return Checked(len(entries), faults)


def _digest(pack: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    try:
        with pack.open(name) as file:
            while part := file.read(1 << 20):
                digest.update(part)
    except zipfile.BadZipFile:
        return "its checksum is wrong"
    return digest.hexdigest()
