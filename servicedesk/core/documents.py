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

from servicedesk.core import ink, subjects
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
from servicedesk.core.link_mail import mail_sign_link
from servicedesk.core.models import Document, Signature, SignLink, token_hash

Status = Document.Status
Method = Signature.Method

LINK_LIFE = {Method.OWN_DEVICE: timedelta(hours=72), Method.HANDED_OVER: timedelta(minutes=30)}
# How long a signer may look at what he signed through his link.
LOOK_BACK = timedelta(days=30)
# Each link is good for a few tries at the digits; so many links a day are for no good purpose.
MOST_LINKS = 20
# A monthly report's annex has thousands of lines; the archive finds it by its beginning.
LONGEST_TEXT = 20_000


DECLINES = gettext_lazy("I do not want to sign")


@dataclass(frozen=True, slots=True)
class Block:
    """Where somebody signs. `outside`: a person of the customer.

    `many`: each of several people signs here, as on an attendance sheet. Their places are called
    `name.1`, `name.2` …; whose they are stands in `data["places"]`, and is hashed with the rest.
    """

    name: str
    label: Any
    outside: bool
    many: bool = False


def printed_rows(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every printed value with its name, by name; empty ones are not printed."""
    return sorted(_rows(data, ""))


def _rows(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _rows(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value, 1):
            yield from _rows(part, f"{path}.{number}")
    elif value not in ("", None):
        yield path, str(value)


@dataclass(frozen=True, slots=True)
class Addressee:
    """A person on record who may get a copy by e-mail."""

    name: str
    email: str


def nobody(subject: Any) -> Sequence[Addressee]:
    return ()


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """A form: its template extends `layout` (see `pdf/base.html`) and reads `data` alone.

    `answers` is a form class that is filled in together with the customer's signature, such as
    the rating of a visit. `declines` is how a customer says that he does not sign.

    `rows` is what a phone without network must have shown.

    What `data["files"]` names (uid, name, size, sha256) belongs to the form: whoever has the link
    to sign it can read those files, and his signature is bound to their hashes.
    """

    name: str
    title: Any
    template: str
    blocks: tuple[Block, ...] = ()
    answers: Callable[..., Any] | None = None
    declines: Any = DECLINES
    rows: Callable[[Mapping[str, Any]], list[tuple[str, str]]] = printed_rows
    # The people of the record that the form is about.
    addressees: Callable[[Any], Sequence[Addressee]] = nobody

    def block(self, place: str) -> Block:
        """The block that a place of the form belongs to."""
        name = place.partition(".")[0]
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
    signers: Mapping[str, int | None] | None = None,
    people: Mapping[str, Sequence[str]] | None = None,
    keywords: Sequence[str] = (),
    language: str = "zh-hans",
    at: datetime,
    by: Actor,
) -> Document:
    """The form of the record as it is now. Its record is locked by the action that asks.

    signers: whose each block of the house is, by the user's id; nobody else signs it.
    people: the names of those who sign a block of many, one place each.

    The same data give the document that exists. Other data give its next version: an unsigned
    or half-signed one is void then, a sealed one stays and is referred to.
    """
    places, names = _places(kind, people or {})
    if names:
        data = {**data, "places": names}
    named = _signers(kind, signers or {})
    digest = content_hash(data)
    former = Document.objects.select_for_update().filter(number=number).order_by("-version").first()
    same = former is not None and (
        (former.data_sha256, former.blocks, former.signer_ids) == (digest, places, named)
    )
    if former is not None and same and former.status != Status.VOID:
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
        blocks=places,
        signer_ids=named,
        status=Status.OPEN if places else Status.COMPLETE,
        frozen_at=at,
        # 80 bits: the page tells nothing worth more guesses.
        verify_code=secrets.token_hex(8),
    )
    event = DocumentFrozen(**about_document(document, at), sha256=digest)
    record(event, about=[subject], by=by)
    if not places:
        record(DocumentCompleted(**about_document(document, at)), about=[subject], by=by)
    return document


def _places(
    kind: DocumentKind, people: Mapping[str, Sequence[str]]
) -> tuple[list[str], dict[str, str]]:
    """All places to be signed, and the names of those that are one person's of many."""
    places: list[str] = []
    names: dict[str, str] = {}
    for block in kind.blocks:
        if not block.many:
            places.append(block.name)
            continue
        for number, name in enumerate(people.get(block.name, ()), 1):
            places.append(f"{block.name}.{number}")
            names[places[-1]] = name
    return places, names


def _signers(kind: DocumentKind, signers: Mapping[str, int | None]) -> dict[str, int]:
    named: dict[str, int] = {}
    for block in kind.blocks:
        if block.outside:
            continue
        person = signers.get(block.name)
        if person is None:
            raise Refused(_("Nobody is named who signs as “%(block)s”.") % {"block": block.label})
        named[block.name] = person
    return named


def signer_of(document: Document, place: str) -> str:
    """Whose place it is on a sheet that many sign; "" elsewhere."""
    return str(document.data.get("places", {}).get(place, ""))


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
    number_by: int | None = None,
    email: str = "",
    ip: str | None = None,
    user_agent: str = "",
    at: datetime,
    by: Actor,
) -> str:
    """A one-time link for a customer's block; returns the token, which is kept nowhere.

    A former link of the block dies. L1 is the engineer's phone in the customer's hand: short and
    without the question for the telephone number. L2 asks for the last digits of the number that
    is kept of the customer's person; `number_by` is the user who entered that number, and who
    therefore cannot make the link: he would have chosen the answer himself. `email`: an L2 link
    goes there, too.
    """
    if not by.may("documents.ask_customer"):
        raise PermissionDenied(f"{by.label} may not hand over {document}")
    lock_form(document)
    if document.signer_ids and by.kind != "system" and by.id not in document.signer_ids.values():
        raise PermissionDenied(f"{document} is not a form of {by.label}")
    if document.status != Status.OPEN or not KINDS[document.kind].block(block).outside:
        raise Refused(_("This form is not waiting for a customer's signature."))
    if block not in document.blocks or document.signatures.filter(block=block).exists():
        raise Refused(_("This place is signed already."))
    if method == Method.OWN_DEVICE:
        _refuse_unproven(phone_last4, number_by, by=by)
    made = document.links.filter(block=block, created_at__gt=at - timedelta(days=1)).count()
    if made >= MOST_LINKS:
        raise Refused(_("Too many links were made for this form today. Hand over your phone."))
    document.links.filter(block=block, used_at=None, revoked_at=None).update(revoked_at=at)
    token = secrets.token_urlsafe(32)
    link = SignLink.objects.create(
        token_sha256=token_hash(token),
        document=document,
        block=block,
        method=method,
        signer_name=signer_name or signer_of(document, block),
        contact_id=contact_id,
        phone_last4=phone_last4,
        made_by_kind=by.kind,
        made_by_id=by.id,
        made_by_label=by.label,
        made_ip=ip,
        made_user_agent=user_agent[:300],
        created_at=at,
        expires_at=at + LINK_LIFE[Method(method)],
    )
    if email and method == Method.OWN_DEVICE:
        mail_sign_link(document, link, token, email)
    record(
        SignLinkMade(
            **about_document(document, at), block=block, method=method, signer_name=signer_name
        ),
        about=[_subject(document)],
        by=by,
    )
    return token


def _refuse_unproven(phone_last4: str, number_by: int | None, *, by: Actor) -> None:
    if len(phone_last4) != 4 or not phone_last4.isdigit():
        raise Refused(
            _(
                "No telephone number of the customer's person is on record, so he could not"
                " prove himself by its last digits. Hand over your phone instead."
            )
        )
    if number_by is not None and number_by == by.id:
        raise Refused(
            _(
                "You entered the customer's number yourself. Let a colleague make the link, or"
                " hand over your phone instead."
            )
        )


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
    _consume(link, at=at)
    return sign(
        link.document, link.block, signer_name=signer_name, method=link.method, strokes=strokes,
        shown_sha256=shown_sha256, answers=answers, at=at, by=by, ip=ip, user_agent=user_agent,
        link=link,
    )  # fmt: skip


def _consume(link: SignLink, *, at: datetime) -> None:
    """Record first, then its form, then the link: the order in which every action locks them."""
    lock_form(link.document)
    if not SignLink.objects.filter(
        pk=link.pk, used_at=None, revoked_at=None, expires_at__gt=at
    ).update(used_at=at):
        raise Refused(_("This link was used already, or its time is over. Please ask for another."))


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
    if document.signer_ids.get(block) != by.id:
        raise PermissionDenied(f"the place “{block}” of {document} is not {by.label}'s")
    return sign(
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
    _consume(link, at=at)
    document = link.document
    record(
        SignatureRefused(
            **about_document(document, at), block=link.block, signer_name=signer_name,
            method=link.method, reason=reason,
        ),
        about=[_subject(document)],
        by=by,
    )  # fmt: skip


def sign(
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
    **proof: Any,
) -> Signature:
    """What every way of signing does. For the actions of this house of modules alone.

    proof: the link or the pad that the customer signed by.
    """
    lock_form(document)
    if document.status != Status.OPEN:
        raise Refused(_("This form is “%s” and cannot be signed.") % document.get_status_display())
    if shown_sha256 != document.data_sha256:
        raise Stale(_("The form was changed after it was shown. Please read it again."))
    if not signer_name.strip():
        raise Refused(_("Please enter your name."), field="signer_name")
    ink.check(strokes)
    if block not in document.blocks or document.signatures.filter(block=block).exists():
        raise Refused(_("This place is signed already."))
    ink.refuse_used(strokes)
    signature = Signature.objects.create(
        **drawn(strokes),
        document=document,
        block=block,
        signer_name=signer_name.strip(),
        method=method,
        shown_sha256=shown_sha256,
        answers=dict(answers),
        signed_at=at,
        actor_kind=by.kind,
        actor_id=by.id,
        ip=ip,
        user_agent=user_agent[:300],
        **proof,
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


def drawn(strokes: list[list[dict[str, float]]]) -> dict[str, Any]:
    """The columns of `Ink`."""
    shape = ink.shape(strokes)
    return {"strokes": strokes, "shape": shape, **ink.marks(shape)}


def lock_form(document: Document) -> None:
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
