"""Photos in pieces: resumed, mangled, somebody else's, forgotten."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone
from PIL import Image

from servicedesk.core.files import files_of
from servicedesk.core.models import PhoneUpload
from tests.phone.conftest import announcement, stored
from tests.phone.test_mending import mend
from tests.visits.factories import STARTED, make_visit
from visits.states import Status

pytestmark = pytest.mark.django_db

TEXT = "收银台照片说明\n".encode() * 200


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1600, 1200), "#2b59d1").save(out, "JPEG", quality=80)
    return out.getvalue()


def begin(phone, content=TEXT, **more):
    return phone.post("/phone/uploads/", announcement(content) | more)


def test_a_photo_comes_in_pieces_and_hangs_on_the_visit(phone, engineer):
    visit, photo = make_visit(Status.WORKING, engineer), picture()
    uid = phone.upload(photo, "after.jpg", piece=5000)

    answer = phone.does(visit, "attach", {"purpose": "after"}, files={"file": uid}, at=STARTED)

    assert answer["state"] == "done", answer
    attached = files_of(visit).get()
    assert (attached.name, attached.purpose, attached.content_type, attached.added_at) == (
        "after.jpg", "after", "image/jpeg", STARTED,
    )  # fmt: skip
    assert attached.added_by_id == engineer.pk


def test_an_upload_that_broke_off_goes_on_where_it_stopped(phone):
    first = begin(phone)
    assert (first.status_code, first.json()["offset"]) == (201, 0)
    uid = first.json()["uid"]
    phone.patch(uid, 0, TEXT[:1500])

    again = begin(phone)
    assert (again.status_code, again.json()) == (
        200,
        {"uid": uid, "offset": 1500, "complete": False},
    )
    head = phone.client.head(f"/phone/uploads/{uid}/")
    assert (head.headers["Upload-Offset"], head.content) == ("1500", b"")

    done = phone.patch(uid, 1500, TEXT[1500:])
    assert done.json() == {"uid": uid, "offset": len(TEXT), "complete": True}


@pytest.mark.parametrize("offset", [0, 100, 1501, 99_999_999])
def test_a_piece_in_the_wrong_place_is_not_taken(phone, offset):
    uid = begin(phone).json()["uid"]
    phone.patch(uid, 0, TEXT[:1500])
    wrong = phone.patch(uid, offset, TEXT[:10])
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["offset"]) == (
        409,
        "offset",
        1500,
    )
    assert PhoneUpload.objects.get().received == 1500


def test_a_piece_that_was_sent_twice_is_there_once(phone):
    uid = begin(phone).json()["uid"]
    phone.patch(uid, 0, TEXT[:1500])
    assert phone.patch(uid, 0, TEXT[:1500]).json()["offset"] == 1500
    assert phone.patch(uid, 1500, TEXT[1500:]).json()["complete"]
    # Also the last one, whose answer was lost.
    assert phone.patch(uid, 1500, TEXT[1500:]).json()["offset"] == len(TEXT)


def test_a_file_that_was_mangled_begins_anew(phone, django_capture_on_commit_callbacks):
    uid = begin(phone).json()["uid"]
    phone.patch(uid, 0, TEXT[:1500])
    paths = PhoneUpload.objects.get().pieces
    with django_capture_on_commit_callbacks(execute=True):
        mangled = phone.patch(uid, 1500, b"x" * (len(TEXT) - 1500))

    assert (mangled.status_code, mangled.json()["code"], mangled.json()["offset"]) == (
        422,
        "digest",
        0,
    )
    assert not any(default_storage.exists(path) for path in paths)
    assert phone.upload(TEXT) == uid
    assert phone.get(f"/phone/uploads/{uid}/").json()["complete"]


def test_more_than_was_announced_is_not_taken(phone):
    uid = begin(phone).json()["uid"]
    assert phone.patch(uid, 0, TEXT + b"x").status_code == 413
    assert phone.patch(uid, 0, b"x" * 1_000_001).status_code == 413
    assert PhoneUpload.objects.get().received == 0


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"size": 15_000_001}, 413),
        ({"size": 0}, 400),
        ({"size": -1}, 400),
        ({"size": "5"}, 400),
        ({"sha256": "x" * 64}, 400),
        ({"sha256": hashlib.sha256(b"").hexdigest().upper()}, 400),
        ({"name": None}, 400),
    ],
)
def test_what_cannot_be_a_file_is_not_begun(phone, more, status):
    assert begin(phone, **more).status_code == status
    assert not PhoneUpload.objects.exists()


def test_without_its_place_a_piece_is_not_understood(phone):
    uid = begin(phone).json()["uid"]
    answer = phone.client.patch(f"/phone/uploads/{uid}/", b"x", content_type="text/plain")
    assert answer.status_code == 400


def test_the_upload_of_another_does_not_exist(phone, phone_of, engineer, other_engineer):
    other = phone_of(other_engineer)
    uid = other.upload(TEXT)
    visit = make_visit(Status.WORKING, engineer)

    assert phone.get(f"/phone/uploads/{uid}/").status_code == 404
    assert phone.patch(uid, 0, b"x").status_code == 404
    answer = phone.does(visit, "attach", files={"file": uid}, at=STARTED)
    assert (answer["state"], list(answer["errors"])) == ("refused", ["file"])
    assert not files_of(visit).exists()
    # The same content of his own is another upload.
    assert begin(phone).json()["uid"] != uid


@pytest.mark.parametrize("uid", ["01a2049d-4bf6-7198-9057-db1c7f9db406", "x", ""])
def test_a_file_that_nobody_uploaded_is_missed_at_its_field(phone, engineer, uid):
    visit = make_visit(Status.WORKING, engineer)
    answer = phone.does(visit, "attach", files={"file": uid}, at=STARTED)
    assert answer["errors"] == {"file": ["文件还没有上传完整。"]}


def test_half_a_file_is_not_attached_and_can_be_mended(phone, engineer):
    visit = make_visit(Status.WORKING, engineer)
    uid = begin(phone).json()["uid"]
    phone.patch(uid, 0, TEXT[:1500])
    command = phone.tap(visit, "attach", files={"file": uid}, at=STARTED)
    assert phone.send(command).json()["state"] == "refused"

    phone.upload(TEXT)
    assert mend(phone, command, {}, files={"file": uid}).json()["state"] == "done"
    assert files_of(visit).count() == 1


def test_a_program_named_photo_is_refused(phone, engineer):
    visit = make_visit(Status.WORKING, engineer)
    uid = phone.upload(b"MZ" + b"\0" * 5000, "photo.jpg")
    answer = phone.does(visit, "attach", files={"file": uid}, at=STARTED)
    assert (answer["state"], list(answer["errors"])) == ("refused", ["file"])


def test_what_nobody_goes_on_with_is_forgotten_after_two_weeks(
    phone, engineer, django_capture_on_commit_callbacks
):
    visit = make_visit(Status.EN_ROUTE, engineer)
    half = begin(phone).json()["uid"]
    phone.patch(half, 0, TEXT[:1500])
    needed = phone.upload(TEXT + b"needed")
    refused = phone.tap(
        visit, "attach", {"purpose": "nonsense"}, files={"file": needed}, at=STARTED
    )
    assert phone.send(refused).json()["state"] == "refused"
    paths = PhoneUpload.objects.get(uid=half).pieces

    with time_machine.travel(timezone.now() + timedelta(days=13), tick=False):
        call_command("purge_uploads")
        assert PhoneUpload.objects.count() == 2
    with (
        time_machine.travel(timezone.now() + timedelta(days=15), tick=False),
        django_capture_on_commit_callbacks(execute=True),
    ):
        call_command("purge_uploads")

    assert [str(row.uid) for row in PhoneUpload.objects.all()] == [needed]
    assert not any(default_storage.exists(path) for path in paths)
    assert stored(refused).files == {"file": needed}
    assert mend(phone, refused, {}, files={"file": needed}).json()["state"] == "done"
