"""Photos and files from a phone in pieces: an upload that broke off goes on where it stopped.

The pieces lie in the storage, in the order of the row's list; so several web servers, and a storage
that cannot append, do no harm. A piece whose transaction failed leaves a file that no row names.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta
from functools import partial

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from servicedesk.core.actors import Actor
from servicedesk.core.files import LARGEST, clean_name
from servicedesk.core.models import PhoneCommand, PhoneUpload

LARGEST_PIECE = 1_000_000
# Nobody looks for the rest of it any more, or for what was used.
KEPT = timedelta(days=14)


class TooLarge(Exception):
    pass


class WrongOffset(Exception):
    """The piece does not follow on what is there."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class WrongDigest(Exception):
    """What came together is not what was announced; it begins anew."""


def begin(
    *, name: str, size: int, sha256: str, content_type: str, at: datetime, by: Actor
) -> tuple[PhoneUpload, bool]:
    """The upload of this content, and whether it is new: the same content goes on."""
    assert by.id is not None
    if size > LARGEST:
        raise TooLarge
    return PhoneUpload.objects.get_or_create(
        user_id=by.id,
        sha256=sha256,
        size=size,
        name=clean_name(name) or "file",
        defaults={"content_type": content_type[:100], "created_at": at, "last_piece_at": at},
    )


def add_piece(upload: PhoneUpload, *, offset: int, content: bytes, at: datetime) -> PhoneUpload:
    """Put a piece behind the others; the last one is followed by a look at the whole."""
    if len(content) > LARGEST_PIECE:
        raise TooLarge
    with transaction.atomic():
        upload = PhoneUpload.objects.select_for_update().get(pk=upload.pk)
        if offset != upload.received or upload.completed_at is not None:
            raise WrongOffset(upload.received)
        if upload.received + len(content) > upload.size:
            raise TooLarge
        if content:
            path = f"uploads/{upload.uid.hex[-2:]}/{upload.uid.hex}-{offset}"
            upload.pieces.append(default_storage.save(path, ContentFile(content)))
        upload.received += len(content)
        upload.last_piece_at = at
        whole = upload.received == upload.size
        right = not whole or hashlib.sha256(_content(upload)).hexdigest() == upload.sha256
        if whole and right:
            upload.completed_at = at
        if not right:
            _drop_pieces(upload)
        upload.save()
    if not right:
        raise WrongDigest
    return upload


def _content(upload: PhoneUpload) -> bytes:
    parts = []
    for path in upload.pieces:
        with default_storage.open(path) as piece:
            parts.append(piece.read())
    return b"".join(parts)


def _drop_pieces(upload: PhoneUpload) -> None:
    for path in upload.pieces:
        transaction.on_commit(partial(default_storage.delete, path))
    upload.pieces, upload.received = [], 0


def whole(uid: str, *, by: Actor) -> SimpleUploadedFile | None:
    """The file as a form takes it; None unless it is his own and complete."""
    assert by.id is not None
    try:
        found = PhoneUpload.objects.get(
            uid=uuid.UUID(uid), user_id=by.id, completed_at__isnull=False
        )
    except (PhoneUpload.DoesNotExist, ValueError):
        return None
    return SimpleUploadedFile(found.name, _content(found), found.content_type)


def purge(before: datetime) -> int:
    """Forget what nobody goes on with, and what has been used; returns how many.

    What a command still needs stays: one that was refused, or that waits.
    """
    needed = {
        uid
        for files in PhoneCommand.objects.filter(
            state__in=[PhoneCommand.State.WAITING, PhoneCommand.State.REFUSED], replaced_by=None
        )
        .exclude(files={})
        .values_list("files", flat=True)
        for uid in files.values()
    }
    gone = 0
    for upload in PhoneUpload.objects.filter(last_piece_at__lt=before).iterator():
        if str(upload.uid) in needed:
            continue
        with transaction.atomic():
            _drop_pieces(upload)
            upload.delete()
        gone += 1
    return gone
