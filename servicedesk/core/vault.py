"""Where sealed forms lie: written once, named by their content, never changed, never deleted.

The storage is `documents` in STORAGES: a folder (here) or a bucket (`vault_s3`).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, storages


class StoreError(Exception):
    """The store does not answer now; the message tells the operator why."""


class OnceOnDisk(FileSystemStorage):
    """A folder of read-only files. A name is taken by the first, whole, and only by the same again."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _save(self, name: str, content: File[Any]) -> str:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        try:
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-") as part:
                for chunk in content.chunks():
                    part.write(chunk)
                part.flush()
                os.fchmod(part.fileno(), 0o440)
                os.fsync(part.fileno())
                # Unlike a rename this fails where the name is taken.
                with suppress(FileExistsError):
                    os.link(part.name, path)
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise StoreError(f"{path.parent}: {error.strerror}") from error
        return name

    def delete(self, name: str) -> None:
        raise PermissionError(f"{name} is kept for good")


def keep(content: bytes) -> str:
    """Store a sealed form; its name. The same content gets the same name, and is stored once."""
    digest = hashlib.sha256(content).hexdigest()
    name = f"documents/{digest[:2]}/{digest}.pdf"
    kept = storages["documents"].save(name, ContentFile(content))
    if (found := read(kept)) != content:
        # Nothing is overwritten: the file was damaged, or somebody put another there.
        raise StoreError(f"{kept} holds {len(found)} other bytes already")
    return kept


def open_form(name: str) -> File[Any]:
    """Raises FileNotFoundError, or StoreError if the store does not answer."""
    return storages["documents"].open(name)


def read(name: str) -> bytes:
    with open_form(name) as file:
        content: bytes = file.read()
    return content


def place() -> str:
    """Where it is, for people."""
    return f"s3://{settings.S3_BUCKET}" if settings.S3_BUCKET else str(settings.MEDIA_ROOT)
