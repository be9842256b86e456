"""Files that people attach: checked by content, images redrawn, kept out of the web root.

The name's extension must say what the bytes are. Images are decoded and written anew, so no
metadata (place, camera) and no hidden second content survives. PDF and text are stored as they
are and only ever handed out as a download.
"""

from __future__ import annotations

import hashlib
import io
import struct
import unicodedata
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.db import models, transaction
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import subject_key
from servicedesk.core.fields import uuid7
from servicedesk.core.models import Attachment

LARGEST = 15_000_000
LONGEST_SIDE = 2560
PORTRAIT = 480
# Some 200 MB when decoded: more than any phone's camera, less than a bomb.
MOST_PIXELS = 64_000_000
LONGEST_NAME = 120

EXTENSIONS: Mapping[str, str] = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".log": "text/plain",
    ".csv": "text/plain",
}
ACCEPT = ",".join(EXTENSIONS)
INLINE = frozenset({"image/jpeg", "image/png", "image/webp"})
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
# What Pillow raises on broken or hostile images, depending on where it stumbles.
UNREADABLE = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError,
    MemoryError, struct.error, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checked:
    name: str
    content_type: str
    extension: str
    content: bytes


def store(
    upload: UploadedFile[Any],
    subject: models.Model,
    *,
    purpose: str = "",
    at: datetime,
    by: Actor,
) -> Attachment:
    """Check the file and keep it on the record. Call it inside the record's own action.

    A transaction that fails afterwards leaves a file that no row names: harmless, whereas a
    row without its file would not be.
    """
    checked = check(upload)
    uid = uuid7()
    path = default_storage.save(
        f"attachments/{uid.hex[-2:]}/{uid.hex}{checked.extension}", ContentFile(checked.content)
    )
    kind, pk = subject_key(subject)
    return Attachment.objects.create(
        uid=uid,
        subject_kind=kind,
        subject_id=pk,
        purpose=purpose,
        name=checked.name,
        content_type=checked.content_type,
        size=len(checked.content),
        sha256=hashlib.sha256(checked.content).hexdigest(),
        file=path,
        added_at=at,
        added_by_id=by.id,
        added_by_label=by.label,
    )


def check(upload: UploadedFile[Any]) -> Checked:
    """The file as it may be stored; raises Refused with the reason in plain words."""
    if (upload.size or 0) > LARGEST:
        raise _refused(_("The file is larger than 15 MB."))
    content = upload.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise _refused(_("The file is larger than 15 MB."))
    if not content:
        raise _refused(_("The file is empty."))
    name = clean_name(upload.name or "")
    extension = f".{name.rpartition('.')[2].lower()}" if "." in name else ""
    claimed, found = EXTENSIONS.get(extension), content_type_of(content)
    if claimed is None:
        raise _refused(_("Only JPEG, PNG, WebP, PDF and text files can be attached."))
    if claimed != found:
        raise _refused(_("The content is not what the name %(name)s says.") % {"name": name})
    if claimed in FORMATS:
        content = redraw(content, FORMATS[claimed])
    return Checked(name, claimed, extension, content)


def content_type_of(content: bytes) -> str:
    """What the bytes are, by themselves; "" if it is nothing that we take."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith(b"%PDF-"):
        return "application/pdf" if b"%%EOF" in content[-2048:] else ""
    return "text/plain" if _is_text(content) else ""


def _is_text(content: bytes) -> bool:
    """Text in UTF-8 or GB 18030 without control characters; no program, no archive."""
    if content.startswith((b"#!", b"MZ", b"PK", b"GIF8")):
        return False
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in content):
        return False
    for encoding in ("utf-8", "gb18030"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False


def redraw(content: bytes, kind: str) -> bytes:
    """Decode the picture, turn it upright, make it no larger than needed, encode it anew."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=[kind]) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise _refused(_("The picture has too many pixels."))
                image.load()
                upright = ImageOps.exif_transpose(image)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            clear = upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info
            mode = "RGBA" if clear and kind != "JPEG" else "RGB"
            # A fresh canvas: nothing of the old file's info comes along.
            canvas = Image.new(mode, upright.size)
            canvas.paste(upright.convert(mode))
            out = io.BytesIO()
            options = {"JPEG": {"quality": 85, "optimize": True}, "WEBP": {"quality": 85}}
            canvas.save(out, kind, **options.get(kind, {}))
    except UNREADABLE as error:
        raise _refused(_("The picture cannot be read.")) from error
    return out.getvalue()


def portrait(upload: UploadedFile[Any]) -> UploadedFile[Any]:
    """A square cut from the middle of a picture, small enough for a badge."""
    checked = check(upload)
    if checked.content_type not in FORMATS:
        raise _refused(_("Choose a picture, please."))
    with Image.open(io.BytesIO(checked.content)) as image:
        square = ImageOps.fit(image.convert("RGB"), (PORTRAIT, PORTRAIT))
        out = io.BytesIO()
        square.save(out, "JPEG", quality=85, optimize=True)
    return SimpleUploadedFile("photo.jpg", out.getvalue(), "image/jpeg")


def drop(found: models.QuerySet[Attachment]) -> None:
    """Remove files from a record, in its own action; the bytes go when that is done."""
    paths = list(found.values_list("file", flat=True))
    found.delete()
    for path in paths:
        transaction.on_commit(partial(default_storage.delete, path))


def clean_name(name: str) -> str:
    """The last part of the path, without control characters and tricks of writing direction."""
    base = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(
        c for c in base if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    )
    kept = kept.strip(" .")
    stem, dot, extension = kept.rpartition(".")
    if not stem:
        return kept[:LONGEST_NAME]
    return f"{stem[: LONGEST_NAME - len(extension) - 1]}{dot}{extension}"


def _refused(message: str) -> Refused:
    return Refused(message, field="file")


def files_of(subject: models.Model) -> models.QuerySet[Attachment]:
    """The files of a record, oldest first."""
    kind, pk = subject_key(subject)
    return Attachment.objects.filter(subject_kind=kind, subject_id=pk)
