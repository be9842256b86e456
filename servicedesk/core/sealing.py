"""The worker's part: render, seal and store what is complete, once."""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from servicedesk.core import paper, seal, stamps, vault
from servicedesk.core.actors import SYSTEM
from servicedesk.core.document_events import DocumentFailed, DocumentSealed
from servicedesk.core.documents import Status, about_document
from servicedesk.core.errors import Refused
from servicedesk.core.events import record
from servicedesk.core.models import Document
from servicedesk.core.pdf import PdfError, renderer
from servicedesk.core.ticker import every

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
TRIES = 3
# While the keys, the time stamps or the store are away: so long nothing is tried.
PAUSE = timedelta(seconds=30)


@every(1)
def seal_waiting() -> int:
    """Seal all complete documents; returns how many."""
    sealed = 0
    while (document := _claim(timezone.now())) is not None:
        try:
            sealed += seal_document(document)
        except (seal.SealError, stamps.StampError, vault.StoreError) as error:
            # No fault of the form: it is tried until it succeeds, and all others wait with it.
            log.error("%s waits: %s", document, error)
            _pause(document, str(error), now=timezone.now())
            break
    return sealed


def _claim(now: datetime) -> Document | None:
    """Lease one complete document; another worker's is skipped, a dead worker's is taken over."""
    with transaction.atomic():
        document = (
            Document.objects.select_for_update(skip_locked=True)
            .filter(Q(lease_until=None) | Q(lease_until__lt=now), status=Status.COMPLETE)
            .order_by("id")
            .first()
        )
        if document is None:
            return None
        document.attempts += 1
        document.lease_until = now + LEASE
        document.save(update_fields=["attempts", "lease_until"])
        return document


def seal_document(document: Document, *, at: datetime | None = None) -> bool:
    """Render and seal outside of any transaction, store, then note it.

    `at`, when it was sealed, is given for demo data only. Raises what makes `seal_waiting` pause.
    """
    try:
        pdf = renderer.render(paper.render(document, layout="pdf/base.html"))
    except PdfError as error:
        log.error("%s could not be rendered: %s", document, error)
        _give_up_or_retry(document, str(error), now=at or timezone.now())
        return False
    sealed = seal.seal(pdf, reason=document.number)
    name = vault.keep(sealed.pdf)
    with transaction.atomic():
        document.refresh_from_db(from_queryset=Document.objects.select_for_update())
        if document.status != Status.COMPLETE:
            # A worker whose lease had ended finished first; its file counts, ours is named by nobody.
            return False
        now = at or timezone.now()
        document.status = Status.SEALED
        document.file, document.file_size = name, len(sealed.pdf)
        document.file_sha256 = hashlib.sha256(sealed.pdf).hexdigest()
        document.stamped_at, document.stamped_by = sealed.stamp.at, sealed.stamp.by
        document.sealed_at, document.lease_until, document.failure = now, None, ""
        document.save(
            update_fields=[
                "status", "file", "file_size", "file_sha256", "sealed_at", "lease_until",
                "stamped_at", "stamped_by", "failure",
            ]
        )  # fmt: skip
        record(
            DocumentSealed(**about_document(document, now), file_sha256=document.file_sha256),
            about=[(document.subject_kind, document.subject_id)],
            by=SYSTEM,
        )
    return True


@transaction.atomic
def _pause(document: Document, reason: str, *, now: datetime) -> None:
    """Nobody tries again before `PAUSE` is over; each page of a waiting form says why."""
    waiting = Document.objects.filter(status=Status.COMPLETE)
    pks = waiting.filter(
        Q(pk=document.pk) | Q(lease_until=None) | Q(lease_until__lt=now)
    ).select_for_update(skip_locked=True)
    Document.objects.filter(pk__in=[found.pk for found in pks.only("pk")]).update(
        lease_until=now + PAUSE, failure=reason[:1000]
    )
    Document.objects.filter(pk=document.pk).update(attempts=document.attempts - 1)


@transaction.atomic
def _give_up_or_retry(document: Document, reason: str, *, now: datetime) -> None:
    document.failure = reason[:1000]
    document.status = Status.FAILED if document.attempts >= TRIES else Status.COMPLETE
    document.lease_until = None
    document.save(update_fields=["failure", "status", "lease_until"])
    if document.status == Status.FAILED:
        record(
            DocumentFailed(**about_document(document, now), reason=reason[:200]),
            about=[(document.subject_kind, document.subject_id)],
            by=SYSTEM,
        )


def try_again(document: Document) -> None:
    """Let the worker seal once more what it had given up. In an action."""
    document.refresh_from_db(from_queryset=Document.objects.select_for_update())
    if document.status != Status.FAILED:
        raise Refused(_("%(number)s has not failed.") % {"number": document})
    document.status, document.attempts, document.failure = Status.COMPLETE, 0, ""
    document.save(update_fields=["status", "attempts", "failure"])
