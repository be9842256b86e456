"""A one-time link by e-mail. Its token stands in the message until that is sent, and nowhere else."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from servicedesk.core.models import Document, SignLink
from servicedesk.core.outbox import FORGET, queue


def masked(email: str) -> str:
    """`w***@example.com`: says which address, not the whole of it."""
    name, at, host = email.rpartition("@")
    return f"{name[:1]}***@{host}" if at else ""


def mail_link(to: str, *, subject: str, body: str, dedup_key: str) -> None:
    queue("email", to, subject=subject, body=body, data={FORGET: True}, dedup_key=dedup_key)


def mail_sign_link(document: Document, link: SignLink, token: str, to: str) -> None:
    """The customer reads the form on his own device, and signs or refuses it there."""
    with translation.override(document.language):
        words = {
            "name": link.signer_name or _("customer"),
            "title": document.title,
            "number": document.number,
            "url": f"{settings.BASE_URL}{reverse('documents:sign', args=[token])}",
            "company": settings.COMPANY_NAME,
            "phone": settings.SERVICE_PHONE,
        }
        mail_link(
            to,
            subject=_("Please read and answer: %(title)s %(number)s") % words,
            body=_(
                "Dear %(name)s,\n\nplease read %(title)s %(number)s here, and sign it or say why"
                " you do not:\n%(url)s\n\nThe link is good once and for 72 hours. You are asked for"
                " the last four digits of your telephone number.\n\n%(company)s, %(phone)s"
            )
            % words,
            dedup_key=f"sign-link:{link.pk}",
        )
