"""Files that people attach: what is taken, what is refused, and how they are handed out."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, PngImagePlugin

from servicedesk.core import files
from servicedesk.core.errors import Refused
from servicedesk.core.models import Attachment
from tests.conftest import AT
from tests.tickets.tickets.factories import make_ticket
from tickets.actions.tickets import attach
from tickets.states import Status

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def picture(kind="JPEG", size=(40, 30), mode="RGB", **options):
    out = io.BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else 0).save(out, kind, **options)
    return out.getvalue()


def located_photo():
    exif = Image.Exif()
    exif[0x010E] = "SECRET place"
    exif[0x0112] = 6  # turned by 90 degrees
    return picture(size=(40, 20), exif=exif)


def archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        zipped.writestr("a.txt", "abc")
    return out.getvalue()


def png_bomb():
    """A header that promises 30,000 × 30,000 pixels, and nothing behind it."""
    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(head)) + chunk
        + struct.pack(">I", zlib.crc32(chunk)) + b"\x00\x00\x00\x00IEND\xaeB`\x82"
    )  # fmt: skip


HOSTILE = {
    "a page named as a picture": ("a.png", b"<html><script>alert(1)</script></html>"),
    "a script drawing": ("a.svg", b"<svg onload='alert(1)'></svg>"),
    "a script drawing named as a picture": ("a.jpg", b"<svg onload='alert(1)'></svg>"),
    "a page": ("a.html", b"<script>alert(1)</script>"),
    "a program": ("a.exe", b"MZ\x90\x00" + b"\x00" * 60),
    "a program named as text": ("a.txt", b"MZ\x90\x00" + b"\x00" * 60),
    "a shell script named as text": ("a.txt", b"#!/bin/sh\nrm -rf /\n"),
    "an archive": ("a.zip", archive()),
    "an archive named as text": ("a.txt", archive()),
    "an archive named as a PDF": ("a.pdf", archive()),
    "a document of an office program": ("a.docx", archive()),
    "a PDF named as a picture": ("a.jpg", PDF),
    "a picture named as a PDF": ("a.pdf", picture()),
    "a PNG named as a JPEG": ("a.jpg", picture("PNG")),
    "a moving picture": ("a.gif", picture("GIF")),
    "a moving picture named as text": ("a.txt", b"GIF89a;alert(1)"),
    "half a PDF": ("a.pdf", b"%PDF-1.7\n1 0 obj"),
    "a cut JPEG": ("a.jpg", picture(size=(400, 300))[:200]),
    "a JPEG that is only its first bytes": ("a.jpg", b"\xff\xd8\xff\xe0" + b"<?php ?>" * 20),
    "a WebP that is none": ("a.webp", b"RIFF\x10\x00\x00\x00WEBPVP8 " + b"\x00" * 40),
    "a bomb of pixels": ("a.png", png_bomb()),
    "nothing": ("a.txt", b""),
    "bytes that are no text": ("a.txt", bytes(range(256))),
    "text with a null": ("a.csv", b"a,b\x00c"),
    "no extension": ("README", b"abc"),
    "two extensions": ("a.txt.php", b"<?php system($_GET['c']); ?>"),
    "a hidden configuration": (".htaccess", b"AddType text/html .txt"),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_a_hostile_file_is_refused(name):
    file_name, content = HOSTILE[name]

    with pytest.raises(Refused) as refused:
        files.check(SimpleUploadedFile(file_name, content))

    assert refused.value.field == "file"


def test_a_file_that_is_too_large_is_refused():
    with pytest.raises(Refused, match="15 MB"):
        files.check(SimpleUploadedFile("a.txt", b"a" * (files.LARGEST + 1)))


def test_a_file_that_lies_about_its_size_is_refused():
    upload = SimpleUploadedFile("a.txt", b"a" * (files.LARGEST + 1))
    upload.size = 3

    with pytest.raises(Refused, match="15 MB"):
        files.check(upload)


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("现场照片.JPG", picture(), "image/jpeg"),
        ("a.jpeg", picture(), "image/jpeg"),
        ("a.png", picture("PNG"), "image/png"),
        ("a.webp", picture("WEBP"), "image/webp"),
        ("合同.pdf", PDF, "application/pdf"),
        ("说明.txt", "打印机 58 毫米".encode(), "text/plain"),
        ("gb.txt", "打印机".encode("gb18030"), "text/plain"),
        ("a.csv", b"a,b\n1,2\n", "text/plain"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_people_really_send_is_taken(name, content, content_type):
    checked = files.check(SimpleUploadedFile(name, content))

    assert (checked.name, checked.content_type) == (name, content_type)


def test_a_picture_is_drawn_anew_upright_and_without_its_story():
    checked = files.check(SimpleUploadedFile("a.jpg", located_photo()))

    assert b"SECRET" not in checked.content
    with Image.open(io.BytesIO(checked.content)) as image:
        assert (image.size, image.format, dict(image.getexif())) == ((20, 40), "JPEG", {})


def test_what_hides_behind_a_picture_is_gone():
    hidden = picture("PNG") + b"<script>alert(1)</script>"

    assert b"<script>" not in files.check(SimpleUploadedFile("a.png", hidden)).content


def test_what_hides_in_a_comment_of_a_picture_is_gone():
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", "<script>alert(1)</script>")

    checked = files.check(SimpleUploadedFile("a.png", picture("PNG", pnginfo=told)))

    assert b"script" not in checked.content


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_large_picture_is_made_smaller(kind):
    name = f"a.{'jpg' if kind == 'JPEG' else kind.lower()}"

    checked = files.check(SimpleUploadedFile(name, picture(kind, size=(4000, 1000))))

    with Image.open(io.BytesIO(checked.content)) as image:
        assert image.size == (2560, 640)


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("PNG", "L"), ("JPEG", "CMYK")]
)
def test_pictures_of_any_colour_model_are_drawn(kind, mode):
    name = "a.jpg" if kind == "JPEG" else "a.png"

    assert files.check(SimpleUploadedFile(name, picture(kind, mode=mode))).content


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Windows\\a.txt", "a.txt"),
        ("a\x00b\r\nc.txt", "abc.txt"),
        ("gpj.\u202etxt.txt", "gpj.txt.txt"),
        ("  ..a.txt.  ", "a.txt"),
        ("长" * 300 + ".txt", "长" * 116 + ".txt"),
    ],
)
def test_a_name_is_a_name_and_nothing_else(sent, kept):
    assert files.clean_name(sent) == kept


# --- Handing out -------------------------------------------------------------------------------


def kept_file(helpdesk, name, content):
    # Somebody has it: what nobody has, every engineer may see.
    ticket = make_ticket(Status.ASSIGNED, helpdesk, owner=helpdesk)
    return attach(ticket, file=SimpleUploadedFile(name, content), at=AT, by=helpdesk.as_actor())


def stored(kept):
    with default_storage.open(kept.file) as file:
        return file.read()


@pytest.mark.django_db
def test_it_lies_under_a_name_of_ours_outside_of_the_web_root(helpdesk):
    kept = kept_file(helpdesk, "../../x.txt", b"abc")

    assert kept.file == f"attachments/{kept.uid.hex[-2:]}/{kept.uid.hex}.txt"
    assert stored(kept) == b"abc"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "content", "disposition"),
    [
        ("a.png", picture("PNG"), "inline"),
        ("a.pdf", PDF, "attachment"),
        ("a.txt", b"<script>alert(1)</script>", "attachment"),
    ],
    ids=["picture", "pdf", "text"],
)
def test_it_is_handed_out_so_that_nothing_runs(name, content, disposition, client, helpdesk):
    kept = kept_file(helpdesk, name, content)
    client.force_login(helpdesk, backend="django.contrib.auth.backends.ModelBackend")

    response = client.get(kept.url)

    assert response.status_code == 200
    assert response["Content-Disposition"].startswith(disposition)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Content-Type"].partition(";")[0] == kept.content_type
    assert b"".join(response.streaming_content) == stored(kept)


@pytest.mark.django_db
def test_who_may_not_see_the_record_does_not_get_its_files(client, helpdesk, engineer):
    kept = kept_file(helpdesk, "a.txt", b"abc")
    assert client.get(kept.url).status_code == 302

    client.force_login(engineer, backend="django.contrib.auth.backends.ModelBackend")

    assert client.get(kept.url).status_code == 404


@pytest.mark.django_db
def test_a_file_that_is_gone_is_not_found(client, helpdesk):
    kept = kept_file(helpdesk, "a.txt", b"abc")
    default_storage.delete(kept.file)
    client.force_login(helpdesk, backend="django.contrib.auth.backends.ModelBackend")

    assert client.get(kept.url).status_code == 404


@pytest.mark.django_db
def test_a_refused_file_leaves_no_row(helpdesk):
    with pytest.raises(Refused):
        kept_file(helpdesk, "a.png", b"<script>")

    assert not Attachment.objects.exists()
