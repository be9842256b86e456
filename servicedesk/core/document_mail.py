"""A sealed form by e-mail, to an address that stands on record (GEN-2: the customer has his copy)."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from servicedesk.core import exports, paper, subjects, vault
from servicedesk.core.actions import action, require
from servicedesk.core.actors import Actor
from servicedesk.core.document_events import DocumentMailed
from servicedesk.core.documents import KINDS, Addressee, about_document
from servicedesk.core.errors import Refused
from servicedesk.core.events import record
from servicedesk.core.link_mail import masked
from servicedesk.core.models import Document, OutboxMessage
from servicedesk.core.outbox import DeliveryError, channel, queue

CHANNEL = "document"


def addressees(document: Document) -> list[Addressee]:
    """Who may get the form: the people of its record that have an address, the nearest first."""
    subject = subjects.find(document.subject_kind, document.subject_id)
    return list(KINDS[document.kind].addressees(subject))


@action
def mail_copy(document: Document, *, email: str, at: datetime, by: Actor) -> None:
    """Send the sealed form. Within one minute the same one goes to the same address once."""
    require(by, "documents.mail")
    document.refresh_from_db(from_queryset=Document.objects.select_for_update())
    if document.status != Document.Status.SEALED:
        raise Refused(_("Only a sealed form can be sent."))
    to = next((one for one in addressees(document) if one.email == email), None)
    if to is None:
        raise Refused(_("This address does not stand on record."), field="email")
    with translation.override(document.language):
        subject = f"{document.title} {document.number}"
        body = _(
            "Dear %(name)s,\n\nenclosed you find %(title)s %(number)s, sealed. Whether it is genuine you"
            " can check at any time:\n%(url)s\n\n%(company)s, %(phone)s"
        ) % {
            "name": to.name, "title": document.title, "number": document.number,
            "url": paper.verify_url(document), "company": settings.COMPANY_NAME,
            "phone": settings.SERVICE_PHONE,
        }  # fmt: skip
    queue(
        CHANNEL, email, subject=subject, body=body, data={"document": str(document.uid)},
        dedup_key=f"{_keys(document)}{at:%Y%m%dT%H%M}:{email}"[:200],
    )  # fmt: skip
    record(
        DocumentMailed(**about_document(document, at), name=to.name, address=masked(email)),
        about=[(document.subject_kind, document.subject_id)],
        by=by,
    )


def _keys(document: Document) -> str:
    return f"document:{document.uid}:"


def mails_of(document: Document) -> list[OutboxMessage]:
    """What was sent of it, newest first."""
    return list(OutboxMessage.objects.filter(dedup_key__startswith=_keys(document)))


@channel(CHANNEL)
def send(message: OutboxMessage) -> None:
    document = Document.objects.get(uid=message.data["document"])
    try:
        content = vault.read(document.file)
        mail = EmailMessage(
            message.subject,
            message.body,
            to=[message.recipient],
            headers={"Auto-Submitted": "auto-generated", "X-Message-Uid": str(message.uid)},
        )
        mail.attach(exports.name_of(document), content, "application/pdf")
        mail.send()
    except (OSError, vault.StoreError) as error:
        raise DeliveryError(str(error)) from error
