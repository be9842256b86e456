"""The missed-customer note as a page: for the front desk, by link, with its photo."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from servicedesk.core import documents
from servicedesk.core.files import files_of
from tests.visits.factories import make_visit
from visits import actions
from visits.states import Status
from visits.views.public import note_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def missed(engineer):
    return make_visit(Status.MISSED, engineer)


def link(visit):
    return reverse("visits:note_link", args=[note_token(visit.notes.get())])


def test_the_engineer_shows_it_and_has_the_link_to_send(missed, engineer, logged_in):
    page = logged_in(engineer).get(reverse("visits:note", args=[missed.number])).content.decode()

    note = missed.notes.get()
    assert note.number in page
    assert link(missed) in page
    assert "data-print" in page
    assert 'name="purpose" value="note"' in page


def test_the_link_needs_no_log_in_and_shows_the_note_alone(missed, client):
    page = client.get(link(missed))

    assert page.status_code == 200
    assert missed.notes.get().number in page.content.decode()
    assert missed.contact_phone not in page.content.decode()


def test_a_changed_or_old_link_or_a_note_that_counts_no_more_is_gone(missed, client):
    url = link(missed)
    assert client.get(f"{url[:-3]}x/").status_code == 410
    with time_machine.travel(timezone.now() + timedelta(days=31), tick=False):
        assert client.get(url).status_code == 410
    documents.void(missed.notes.get().number, at=timezone.now())
    assert client.get(url).status_code == 410


def test_the_photo_of_the_note_is_told_by_the_page_and_the_timeline(missed, engineer, logged_in):
    client = logged_in(engineer)
    url = reverse("visits:note", args=[missed.number])
    assert "照片已上传" not in client.get(url).content.decode()

    photo = SimpleUploadedFile("note.txt", "照片".encode(), content_type="text/plain")
    actions.attach(missed, file=photo, purpose="note", at=timezone.now(), by=engineer.as_actor())

    assert files_of(missed).get().purpose == "note"
    assert "照片已上传" in client.get(url).content.decode()
    assert "留言条 note.txt" in client.get(missed.get_absolute_url()).content.decode()


def test_without_a_note_there_is_no_such_page(engineer, other_engineer, logged_in, missed):
    waiting = make_visit(Status.ACCEPTED, engineer)
    url = reverse("visits:note", args=[waiting.number])

    assert logged_in(engineer).get(url).headers["Location"] == waiting.get_absolute_url()
    url = reverse("visits:note", args=[missed.number])
    assert logged_in(other_engineer).get(url).status_code == 404
