"""The PIN by which a lent phone comes back, and the portrait on the badge."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from accounts.actions import set_photo, set_pin
from accounts.models import User
from servicedesk.core.errors import Refused
from servicedesk.core.models import Attachment
from tests.conftest import AT, PIN, give_pin
from tests.visits.factories import make_visit
from visits.states import Status
from visits.views.public import badge_token

pytestmark = pytest.mark.django_db
PASSWORD = "parol-parol-1"


def picture(kind="PNG", size=(900, 600)):
    out = BytesIO()
    image = Image.new("RGB", size, "#88aacc")
    exif = image.getexif()
    exif[0x010E] = "where I live"
    image.save(out, kind, exif=exif)
    return SimpleUploadedFile(f"me.{kind.lower()}", out.getvalue())


# --- PIN ---------------------------------------------------------------------------------------


def test_the_pin_is_kept_as_a_hash_and_in_no_history(engineer):
    give_pin(engineer)

    engineer.refresh_from_db()
    assert engineer.check_pin(PIN)
    assert not engineer.check_pin("2581")
    assert PIN not in engineer.pin
    assert not hasattr(engineer.history.first(), "pin")


def test_without_a_pin_none_is_right(engineer):
    assert not engineer.check_pin("")
    assert not engineer.check_pin("0000")


@pytest.mark.parametrize(
    "pin", ["", "258", "2580258", "abcd", "２５８０", "0000", "777777", "1234", "4321", "98765"]
)
def test_pins_that_are_none_or_are_tried_first(pin, engineer):
    with pytest.raises(Refused) as refused:
        set_pin(engineer, password=PASSWORD, pin=pin, at=AT, by=engineer.as_actor())
    assert refused.value.field == "pin"


def test_only_who_knows_the_password_sets_his_own(engineer, admin):
    with pytest.raises(Refused):
        set_pin(engineer, password="other", pin=PIN, at=AT, by=engineer.as_actor())
    with pytest.raises(PermissionDenied):
        set_pin(engineer, password=PASSWORD, pin=PIN, at=AT, by=admin.as_actor())


def test_the_account_page_takes_it(engineer, client):
    client.force_login(engineer)
    url = reverse("accounts:pin")

    wrong = client.post(url, {"pin": PIN, "again": "2581", "password": PASSWORD})
    assert wrong.status_code == 422
    assert client.post(url, {"pin": PIN, "again": PIN, "password": "x"}).status_code == 422
    assert client.post(url, {"pin": PIN, "again": PIN, "password": PASSWORD}).status_code == 302
    assert User.objects.get_queryset().get(pk=engineer.pk).check_pin(PIN)
    assert "已设置 PIN 码" in client.get(reverse("accounts:profile")).text


# --- photo --------------------------------------------------------------------------------------


def test_the_photo_is_drawn_anew_as_a_square_and_replaces_the_former(engineer, client):
    client.force_login(engineer)
    for kind in ("PNG", "JPEG"):
        answer = client.post(reverse("accounts:photo"), {"photo": picture(kind)})
        assert answer.status_code == 302

    photo = Attachment.objects.get()
    content = client.get(photo.url).getvalue()
    image = Image.open(BytesIO(content))
    assert (image.format, image.size) == ("JPEG", (480, 480))
    assert b"where I live" not in content
    assert not image.getexif()


@pytest.mark.parametrize(
    "file",
    [
        SimpleUploadedFile("me.txt", b"hello"),
        SimpleUploadedFile("me.png", b"<svg onload=alert(1)>"),
        SimpleUploadedFile("me.pdf", b"%PDF-1.7\n%%EOF"),
    ],
    ids=lambda file: file.name,
)
def test_what_is_no_picture_is_no_photo(file, engineer):
    with pytest.raises(Refused) as refused:
        set_photo(engineer, photo=file, at=AT, by=engineer.as_actor())
    assert refused.value.field == "photo"


def test_a_colleague_changes_no_foreign_photo_and_an_administrator_may(
    engineer, other_engineer, admin
):
    with pytest.raises(PermissionDenied):
        set_photo(engineer, photo=picture(), at=AT, by=other_engineer.as_actor())
    set_photo(engineer, photo=picture(), at=AT, by=admin.as_actor())
    assert engineer.photo is not None


def test_the_photo_can_be_taken_away(engineer, client):
    set_photo(engineer, photo=picture(), at=AT, by=engineer.as_actor())
    client.force_login(engineer)

    client.post(reverse("accounts:photo"), {"remove": "1"})

    assert engineer.photo is None


def test_the_badge_shows_it_to_the_customer_for_a_day(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    token = badge_token(visit, timezone.localdate())
    badge, photo = (reverse(f"visits:{name}", args=[token]) for name in ("badge", "badge_photo"))
    customer = Client()
    assert photo not in customer.get(badge).text
    assert customer.get(photo).status_code == 404

    set_photo(engineer, photo=picture(), at=AT, by=engineer.as_actor())

    assert photo in customer.get(badge).text
    answer = customer.get(photo)
    assert answer["Content-Type"] == "image/jpeg"
    assert answer.getvalue().startswith(b"\xff\xd8")
    yesterday = badge_token(visit, timezone.localdate() - timedelta(days=1))
    assert customer.get(reverse("visits:badge_photo", args=[yesterday])).status_code == 404
    # The file's own address is for colleagues.
    assert customer.get(engineer.photo.url).status_code == 302
