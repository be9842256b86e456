"""Forms: freeze → sign → render → seal → store once (forms.md “Signature and seal”).

A process defines its forms with `define(DocumentKind(…))` and freezes one with `freeze`. What
is frozen is a plain dictionary: no query runs while it is shown, signed or rendered.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from servicedesk.core import subjects
from servicedesk.core.actions import action
from servicedesk.core.actors import Actor
from servicedesk.core.document_events import (
    DocumentCompleted,
    DocumentFrozen,
    DocumentSigned,
    SignatureRefused,
    SignLinkMade,
)
from servicedesk.core.errors import Refused, Stale
from servicedesk.core.events import record, subject_key
from servicedesk.core.journal import canonical
from servicedesk.core.models import Document, Signature, SignLink, token_hash

Status = Document.Status
Method = Signature.Method

LINK_LIFE = {Method.OWN_DEVICE: timedelta(hours=72), Method.HANDED_OVER: timedelta(minutes=30)}
# How long a signer may look at what he signed through his link.
LOOK_BACK = timedelta(days=30)
# A signature has some length: less is a slip of the finger.
FEWEST_POINTS = 20
SMALLEST_EXTENT = 30
# A monthly report's annex has thousands of lines; the archive finds it by its beginning.
LONGEST_TEXT = 20_000


DECLINES = gettext_lazy("I do not want to sign")


@dataclass(frozen=True, slots=True)
class Block:
    """One place on the form where somebody signs. `outside`: a person of the customer."""

    name: str
    label: Any
    outside: bool


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """A form: its template extends `layout` (see `pdf/base.html`) and reads `data` alone.

    `answers` is a form class that is filled in together with the customer's signature, such as
    the rating of a visit. `declines` is how a customer says that he does not sign.

    What `data["files"]` names (uid, name, size, sha256) belongs to the form: whoever has the link
    to sign it can read those files, and his signature is bound to their hashes.
    """

    name: str
    title: Any
    template: str
    blocks: tuple[Block, ...] = ()
    answers: Callable[..., Any] | None = None
    declines: Any = DECLINES

    def block(self, name: str) -> Block:
        return next(block for block in self.blocks if block.name == name)


KINDS: dict[str, DocumentKind] = {}


def define(kind: DocumentKind) -> DocumentKind:
    assert KINDS.setdefault(kind.name, kind) is kind, f"{kind.name} is defined already"
    return kind


def content_hash(data: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON: what a signature is bound to."""
    return hashlib.sha256(canonical(data)).hexdigest()


def words_in(value: Any) -> Iterator[str]:
    """The texts of a form, for the archive's search."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name != "files":
                yield from words_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from words_in(inner)
    elif isinstance(value, str) and value:
        yield value


@action
def freeze(
    kind: DocumentKind,
    subject: models.Model,
    *,
    number: str,
    data: Mapping[str, Any],
    keywords: Sequence[str] = (),
    language: str = "zh-hans",
    at: datetime,
    by: Actor,
) -> Document:
    """The form of the record as it is now. Its record is locked by the action that asks.

    The same data give the document that exists. Other data give its next version: an unsigned
    or half-signed one is void then, a sealed one stays and is referred to.
    """
    digest = content_hash(data)
    former = Document.objects.select_for_update().filter(number=number).order_by("-version").first()
    if former is not None and former.data_sha256 == digest and former.status != Status.VOID:
        return former
    if former is not None and former.status in {Status.OPEN, Status.FAILED}:
        _void(former, at=at)
    subject_kind, subject_id = subject_key(subject)
    with translation.override(language):
        title = str(kind.title)
    document = Document.objects.create(
        kind=kind.name,
        number=number,
        version=former.version + 1 if former else 1,
        supersedes=former,
        subject_kind=subject_kind,
        subject_id=subject_id,
        title=title,
        keywords=" ".join(filter(None, keywords))[:500],
        language=language,
        data=dict(data),
        data_sha256=digest,
        text="\n".join(words_in(data))[:LONGEST_TEXT],
        blocks=[block.name for block in kind.blocks],
        status=Status.OPEN if kind.blocks else Status.COMPLETE,
        frozen_at=at,
        # 80 bits: the page tells nothing worth more guesses.
        verify_code=secrets.token_hex(8),
    )
    event = DocumentFrozen(**about_document(document, at), sha256=digest)
    record(event, about=[subject], by=by)
    if not kind.blocks:
        record(DocumentCompleted(**about_document(document, at)), about=[subject], by=by)
    return document


def void(number: str, *, at: datetime) -> None:
    """The record changes again: what was shown for signature counts no more. In an action."""
    document = (
        Document.objects.select_for_update().filter(number=number, status=Status.OPEN).first()
    )
    if document is not None:
        _void(document, at=at)


def _void(document: Document, *, at: datetime) -> None:
    document.status = Status.VOID
    document.save(update_fields=["status"])
    document.links.filter(used_at=None, revoked_at=None).update(revoked_at=at)


@action
def make_link(
    document: Document,
    *,
    block: str,
    method: str,
    signer_name: str = "",
    contact_id: int | None = None,
    phone_last4: str = "",
    at: datetime,
    by: Actor,
) -> str:
    """A one-time link for a customer's block; returns the token, which is kept nowhere.

    A former link of the block dies. L1 is the engineer's phone in the customer's hand: short
    and without the question for the telephone number, since the engineer stands beside him.
    """
    if not by.may("documents.sign_own"):
        raise PermissionDenied(f"{by.label} may not hand over {document}")
    _lock(document)
    if document.status != Status.OPEN or not KINDS[document.kind].block(block).outside:
        raise Refused(_("This form is not waiting for a customer's signature."))
    document.links.filter(block=block, used_at=None, revoked_at=None).update(revoked_at=at)
    token = secrets.token_urlsafe(32)
    SignLink.objects.create(
        token_sha256=token_hash(token),
        document=document,
        block=block,
        method=method,
        signer_name=signer_name,
        contact_id=contact_id,
        phone_last4=phone_last4,
        created_at=at,
        expires_at=at + LINK_LIFE[Method(method)],
    )
    record(
        SignLinkMade(
            **about_document(document, at), block=block, method=method, signer_name=signer_name
        ),
        about=[_subject(document)],
        by=by,
    )
    return token


def signer(link: SignLink) -> Actor:
    """The actor that only the holder of a link becomes (GEN-2)."""
    return Actor(
        kind="contact",
        id=link.contact_id,
        label=link.signer_name or _("Customer"),
        permissions=frozenset({"documents.sign_as_customer"}),
    )


@action
def sign_by_link(
    link: SignLink,
    *,
    signer_name: str,
    strokes: list[list[dict[str, float]]],
    shown_sha256: str,
    answers: Mapping[str, Any],
    at: datetime,
    by: Actor,
    ip: str | None = None,
    user_agent: str = "",
) -> Signature:
    """The customer's own act. The link is used up in the same transaction."""
    if not by.may("documents.sign_as_customer") or by.kind != "contact":
        raise PermissionDenied("only the customer signs for the customer")
    _lock(link.document)
    consumed = SignLink.objects.filter(
        pk=link.pk, used_at=None, revoked_at=None, expires_at__gt=at
    ).update(used_at=at)
    if not consumed:
        raise Refused(_("This link was used already, or its time is over. Please ask for another."))
    return _sign(
        link.document, link.block, signer_name=signer_name, method=link.method, strokes=strokes,
        shown_sha256=shown_sha256, answers=answers, at=at, by=by, ip=ip, user_agent=user_agent,
    )  # fmt: skip


@action
def sign_own(
    document: Document,
    *,
    block: str,
    strokes: list[list[dict[str, float]]],
    shown_sha256: str,
    at: datetime,
    by: Actor,
    ip: str | None = None,
    user_agent: str = "",
) -> Signature:
    """A colleague signs his own block with his own log-in, and no other."""
    if not by.may("documents.sign_own") or by.kind != "user":
        raise PermissionDenied(f"{by.label} may not sign {document}")
    if KINDS[document.kind].block(block).outside:
        raise PermissionDenied("nobody of the house signs for the customer")
    _lock(document)
    return _sign(
        document, block, signer_name=by.label, method=Method.ACCOUNT, strokes=strokes,
        shown_sha256=shown_sha256, answers={}, at=at, by=by, ip=ip, user_agent=user_agent,
    )  # fmt: skip


@action
def refuse_by_link(
    link: SignLink, *, signer_name: str, reason: str, at: datetime, by: Actor
) -> None:
    """The customer does not sign and says why."""
    if not by.may("documents.sign_as_customer") or by.kind != "contact":
        raise PermissionDenied("only the customer answers for the customer")
    _lock(link.document)
    if not SignLink.objects.filter(
        pk=link.pk, used_at=None, revoked_at=None, expires_at__gt=at
    ).update(used_at=at):
        raise Refused(_("This link was used already, or its time is over. Please ask for another."))
    document = link.document
    record(
        SignatureRefused(
            **about_document(document, at), block=link.block, signer_name=signer_name,
            method=link.method, reason=reason,
        ),
        about=[_subject(document)],
        by=by,
    )  # fmt: skip


def _sign(
    document: Document,
    block: str,
    *,
    signer_name: str,
    method: str,
    strokes: list[list[dict[str, float]]],
    shown_sha256: str,
    answers: Mapping[str, Any],
    at: datetime,
    by: Actor,
    ip: str | None,
    user_agent: str,
) -> Signature:
    """The document is locked."""
    if document.status != Status.OPEN:
        raise Refused(_("This form is “%s” and cannot be signed.") % document.get_status_display())
    if shown_sha256 != document.data_sha256:
        raise Stale(_("The form was changed after it was shown. Please read it again."))
    if not signer_name.strip():
        raise Refused(_("Please enter your name."), field="signer_name")
    _check_strokes(strokes)
    if document.signatures.filter(block=block).exists():
        raise Refused(_("This place is signed already."))
    if Signature.objects.filter(strokes=strokes).exists():
        raise Refused(
            _("Every signature is drawn anew; this one was used before."), field="strokes"
        )
    signature = Signature.objects.create(
        document=document,
        block=block,
        signer_name=signer_name.strip(),
        method=method,
        strokes=strokes,
        shown_sha256=shown_sha256,
        answers=dict(answers),
        signed_at=at,
        actor_kind=by.kind,
        actor_id=by.id,
        ip=ip,
        user_agent=user_agent[:300],
    )
    document.signers = f"{document.signers} {signature.signer_name}".strip()[:1000]
    document.save(update_fields=["signers"])
    complete = set(document.blocks) <= set(document.signatures.values_list("block", flat=True))
    if complete:
        document.status = Status.COMPLETE
        document.save(update_fields=["status"])
    subject = _subject(document)
    event = DocumentSigned(
        **about_document(document, at), block=block, signer_name=signature.signer_name, method=method,
        sha256=shown_sha256, answers=dict(answers),
    )  # fmt: skip
    record(event, about=[subject], by=by)
    if complete:
        record(DocumentCompleted(**about_document(document, at)), about=[subject], by=by)
    return signature


def _check_strokes(strokes: list[list[dict[str, float]]]) -> None:
    points = [point for stroke in strokes for point in stroke]
    xs, ys = [p["x"] for p in points], [p["y"] for p in points]
    if len(points) < FEWEST_POINTS or max(xs) - min(xs) + max(ys) - min(ys) < SMALLEST_EXTENT:
        raise Refused(_("Please sign with your full name in the field."), field="strokes")


def _lock(document: Document) -> None:
    """Before its links are touched; its record comes first (`subjects.lock`)."""
    subjects.lock(document.subject_kind, document.subject_id)
    document.refresh_from_db(from_queryset=Document.objects.select_for_update(no_key=True))


def _subject(document: Document) -> tuple[str, int]:
    return document.subject_kind, document.subject_id


def about_document(document: Document, at: datetime) -> dict[str, Any]:
    return {
        "at": at,
        "document_uid": str(document.uid),
        "kind": document.kind,
        "number": document.number,
        "document_version": document.version,
        "subject_kind": document.subject_kind,
        "subject_id": document.subject_id,
    }
