"""A sealed form by e-mail: to an address on record, through the outbox, on record."""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.models import Contact
from servicedesk.core import document_mail, outbox, sealing, vault
from servicedesk.core.errors import Refused
from servicedesk.core.models import Document, Entry
from tests.visits.factories import make_visit

pytestmark = pytest.mark.django_db


def with_address(visit, email="wang@example.com"):
    """The contact of the visit has an address."""
    contact = visit.contact or Contact.objects.filter(customer=visit.customer).first()
    Contact.objects.filter(pk=contact.pk).update(email=email)
    return contact


@pytest.fixture
def form(engineer):
    visit = make_visit("signed", engineer)
    with_address(visit)
    assert sealing.seal_waiting() == 1
    return Document.objects.get(number=visit.number)


def send(form, person, email="wang@example.com"):
    document_mail.mail_copy(form, email=email, at=timezone.now(), by=person.as_actor())


def test_the_customer_gets_the_sealed_form(form, helpdesk):
    send(form, helpdesk)
    assert mail.outbox == [], "it is sent by a worker, after the change is safe"

    assert outbox.deliver() >= 1

    (sent,) = [m for m in mail.outbox if m.to == ["wang@example.com"]]
    ((name, content, kind),) = sent.attachments
    assert (name, kind) == (f"{form.number}.pdf", "application/pdf")
    assert content == vault.read(form.file)
    assert form.number in sent.subject
    assert form.verify_code in sent.body


def test_it_is_on_record_without_the_whole_address(form, helpdesk):
    send(form, helpdesk)

    entry = Entry.objects.get(type="document.mailed")
    assert entry.data["address"] == "w***@example.com"
    assert entry.actor_id == helpdesk.pk


def test_two_clicks_send_one_mail(form, helpdesk):
    at = timezone.now()
    for _ in range(2):
        document_mail.mail_copy(form, email="wang@example.com", at=at, by=helpdesk.as_actor())

    assert len(document_mail.mails_of(form)) == 1


def test_an_address_that_is_not_on_record_is_refused(form, helpdesk):
    with pytest.raises(Refused):
        send(form, helpdesk, "else@example.com")


def test_what_is_not_sealed_is_not_sent(engineer, helpdesk):
    visit = make_visit("signed", engineer)
    with_address(visit)
    with pytest.raises(Refused):
        send(Document.objects.get(number=visit.number), helpdesk)


def test_who_may_not_send_does_not(form, business):
    with pytest.raises(PermissionDenied):
        send(form, business)


def test_by_page(form, helpdesk):
    client = Client()
    client.force_login(helpdesk)
    url = reverse("documents:mail", args=[form.uid])

    assert "wang@example.com" in client.get(url).text
    assert client.post(url, {"email": "else@example.com"}).status_code == 422
    assert client.post(url, {"email": "wang@example.com"}).status_code == 302
    assert "排队" in client.get(url).text or "等待" in client.get(url).text


def test_an_engineer_sends_no_form_that_he_does_not_see(form, other_engineer):
    client = Client()
    client.force_login(other_engineer)
    assert client.get(reverse("documents:mail", args=[form.uid])).status_code == 404
