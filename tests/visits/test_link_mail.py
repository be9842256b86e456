"""A one-time link goes to the customer's e-mail address, where one is kept, and stays nowhere."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.models import Contact
from servicedesk.core import documents, outbox
from servicedesk.core.models import Document, OutboxMessage
from tests.conftest import AT
from tests.tickets.tickets.factories import make_ticket
from tests.visits.factories import WINDOW, make_desk_person, make_visit
from tickets.actions import extensions
from tickets.states import Status as TicketStatus
from visits import actions
from visits.states import Status

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
ADDRESS = "lixiaomei@example.com"


def with_address(record):
    Contact.objects.filter(pk=record.contact_id).update(email=ADDRESS)
    record.refresh_from_db()
    return record


def offer_of(visit):
    slots = [(WINDOW[0] + n * HOUR, WINDOW[1] + n * HOUR) for n in (0, 3)]
    return actions.offer_times(
        visit, slots=slots, at=AT + timedelta(minutes=30), by=make_desk_person().as_actor()
    )


def sent_link():
    """The path of the link in the one mail that went to the customer."""
    outbox.deliver()
    (sent,) = [message for message in mail.outbox if message.to == [ADDRESS]]
    (found,) = re.findall(r"https?://[^/\s]+(/\S+)", sent.body)
    return sent, found


def test_the_times_to_choose_from_are_mailed(engineer):
    visit = with_address(make_visit(Status.ACCEPTED, engineer))
    token = offer_of(visit)
    sent, path = sent_link()
    assert path == reverse("visits:choose_time", args=[token])
    assert visit.store.name in sent.subject
    assert sent.body.count("–") == 2


def test_without_an_address_nothing_is_mailed(engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    offer_of(visit)
    assert not OutboxMessage.objects.filter(dedup_key__startswith="offer:").exists()


def test_the_link_for_the_customers_signature_is_mailed(engineer, logged_in):
    visit = with_address(make_visit(Status.FINISHED, engineer))
    actions.present_form(visit, at=timezone.now(), by=engineer.as_actor())
    page = logged_in(engineer).post(reverse("visits:share", args=[visit.number]))
    assert "l***@example.com" in page.content.decode()
    sent, path = sent_link()
    assert visit.number in sent.subject
    assert Client().get(path).status_code == 200


def test_before_a_link_is_made_the_page_says_that_it_is_mailed(engineer, logged_in):
    visit = with_address(make_visit(Status.FINISHED, engineer))
    actions.present_form(visit, at=timezone.now(), by=engineer.as_actor())
    waiting = with_address(make_visit(Status.ACCEPTED, engineer))
    phone = logged_in(engineer)

    pages = [
        phone.get(f"/visits/{visit.number}/sign/"),
        phone.get(f"/visits/{waiting.number}/offer_times/"),
    ]

    said = "链接会同时发邮件至 l***@example.com"
    assert [said in page.content.decode() for page in pages] == [True, True]


def test_the_link_for_more_time_is_mailed(engineer, logged_in):
    ticket = with_address(make_ticket(TicketStatus.IN_PROGRESS, engineer))
    extension = extensions.propose_extension(
        ticket, plan="换备机", proposed_due_at=ticket.due_at + 24 * HOUR, at=ticket.received_at + HOUR,
        by=engineer.as_actor(),
    )  # fmt: skip
    page = logged_in(engineer).post(reverse("tickets:extension_link", args=[extension.number]))
    assert "l***@example.com" in page.content.decode()
    sent, path = sent_link()
    assert extension.number in sent.subject
    assert Client().get(path).status_code == 200


def test_the_secret_does_not_outlive_the_sending(engineer):
    token = offer_of(with_address(make_visit(Status.ACCEPTED, engineer)))
    message = OutboxMessage.objects.get(dedup_key__startswith="offer:")
    assert token in message.body
    outbox.deliver()
    message.refresh_from_db()
    assert (message.status, message.body) == ("sent", "")


def test_the_phone_that_is_handed_over_sends_no_mail(engineer):
    visit = with_address(make_visit(Status.FINISHED, engineer))
    form = actions.present_form(visit, at=timezone.now(), by=engineer.as_actor())
    documents.make_link(
        form, block="customer", method="L1", email=ADDRESS, at=timezone.now(),
        by=engineer.as_actor(),
    )  # fmt: skip
    assert Document.objects.get(pk=form.pk).links.count() == 1
    assert not OutboxMessage.objects.filter(dedup_key__startswith="sign-link:").exists()
