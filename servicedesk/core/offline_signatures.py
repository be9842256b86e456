"""A signature drawn on the engineer's phone without network (L1), which reaches us later.

While there is network, the phone is given a pad: good for one record, one place, one signature,
and for no account. Drawn on it, a signature comes with the rows that the phone showed. If the form
as it was frozen meanwhile prints the same rows, it is his signature; else it is kept as evidence,
and he is asked to sign what the form says now.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models
from django.utils.translation import gettext as _

from servicedesk.core import documents, ink
from servicedesk.core.actions import action
from servicedesk.core.actors import Actor
from servicedesk.core.document_events import SignatureKept, SignatureRefused
from servicedesk.core.documents import KINDS, Method
from servicedesk.core.errors import Refused
from servicedesk.core.events import record, subject_key
from servicedesk.core.journal import canonical
from servicedesk.core.models import (
    Document,
    KeptSignature,
    OfflinePad,
    Signature,
    token_hash,
)

# Today's and tomorrow's visits are on the phone; what was signed there comes within days.
PAD_LIFE = timedelta(days=3)
# The clocks of phones go wrong by so much without anybody being at fault.
CLOCK_TOLERANCE = timedelta(minutes=2)

# A phone holds one per visit; more are nobody's need.
MOST_PADS = 20

Rows = Sequence[Sequence[str]]


@action
def give_pad(
    subject: models.Model, *, kind: str, block: str, contact_id: int | None, at: datetime, by: Actor
) -> str:
    """For one signature without network; returns the token, which only the phone keeps.

    A pad that was given before stays good: the phone may hold it, and what was drawn on it.
    """
    if not by.may("documents.sign_own") or by.kind != "user" or by.id is None:
        raise PermissionDenied(f"{by.label} may not hand over his phone")
    if not KINDS[kind].block(block).outside:
        raise PermissionDenied("a pad is for the customer's place alone")
    token = secrets.token_urlsafe(32)
    subject_kind, subject_id = subject_key(subject)
    alive = OfflinePad.objects.filter(
        subject_kind=subject_kind, subject_id=subject_id, used_at=None, expires_at__gt=at
    )
    if alive.count() >= MOST_PADS:
        raise Refused(_("Too many phones took this form along. Sign it with a network."))
    OfflinePad.objects.create(
        token_sha256=token_hash(token),
        kind=kind,
        subject_kind=subject_kind,
        subject_id=subject_id,
        block=block,
        contact_id=contact_id,
        made_by_id=by.id,
        made_by_label=by.label,
        created_at=at,
        expires_at=at + PAD_LIFE,
    )
    return token


def pad_of(token: str, *, by: Actor) -> OfflinePad | None:
    """The pad, if it was this person's phone that it was given to."""
    if by.kind != "user" or by.id is None:
        return None
    return OfflinePad.objects.filter(token_sha256=token_hash(token), made_by_id=by.id).first()


def rows_hash(rows: Rows) -> str:
    """SHA-256 of what was shown; the phone computes the same (js/phone/record.js)."""
    return hashlib.sha256(canonical([list(row) for row in rows])).hexdigest()


def signer(pad: OfflinePad, name: str) -> Actor:
    """The actor that only the holder of a pad becomes (GEN-2)."""
    return Actor(
        kind="contact",
        id=pad.contact_id,
        label=name or _("Customer"),
        permissions=frozenset({"documents.sign_as_customer"}),
    )


@action
def take(
    pad: OfflinePad,
    document: Document,
    *,
    signer_name: str,
    strokes: list[list[dict[str, float]]],
    rows: Rows,
    answers: Mapping[str, Any],
    device_at: datetime,
    at: datetime,
    by: Actor,
    ip: str | None = None,
    user_agent: str = "",
) -> Signature | KeptSignature:
    """What was drawn on the pad; sent twice, it is the same. `device_at`: when, by the phone.

    A `KeptSignature` means: not signed. The form as it is now must be shown and signed anew.
    """
    if not by.may("documents.sign_as_customer") or by.kind != "contact":
        raise PermissionDenied("only the customer signs for the customer")
    documents.lock_form(document)
    pad.refresh_from_db(from_queryset=OfflinePad.objects.select_for_update(no_key=True))
    if pad.used_at is not None:
        return _taken(pad)
    _fits(pad, document, at=at, device_at=device_at)
    differing = differences(document, rows)
    if document.status == Document.Status.OPEN and not differing:
        OfflinePad.objects.filter(pk=pad.pk).update(used_at=at)
        return documents.sign(
            document, pad.block, signer_name=signer_name, method=Method.OFFLINE, strokes=strokes,
            shown_sha256=document.data_sha256, answers=answers, at=device_at, by=by, ip=ip,
            user_agent=user_agent, pad=pad,
        )  # fmt: skip
    ink.check(strokes)
    OfflinePad.objects.filter(pk=pad.pk).update(used_at=at)
    kept = KeptSignature.objects.create(
        **documents.drawn(strokes),
        document=document,
        block=pad.block,
        pad=pad,
        signer_name=signer_name.strip(),
        rows=[list(row) for row in rows],
        differing=differing,
        answers=dict(answers),
        signed_at=device_at,
        ip=ip,
        user_agent=user_agent[:300],
    )
    record(
        SignatureKept(
            **documents.about_document(document, at), block=pad.block,
            signer_name=kept.signer_name, differing=differing,
        ),
        about=[(document.subject_kind, document.subject_id)],
        by=by,
    )  # fmt: skip
    return kept


@action
def decline(
    pad: OfflinePad, document: Document, *, signer_name: str, reason: str, device_at: datetime,
    at: datetime, by: Actor,
) -> None:  # fmt: skip
    """The customer did not sign on the phone, and said why. Sent twice, it is the same."""
    if not by.may("documents.sign_as_customer") or by.kind != "contact":
        raise PermissionDenied("only the customer answers for the customer")
    documents.lock_form(document)
    pad.refresh_from_db(from_queryset=OfflinePad.objects.select_for_update(no_key=True))
    if pad.used_at is not None:
        return
    _fits(pad, document, at=at, device_at=device_at)
    OfflinePad.objects.filter(pk=pad.pk).update(used_at=at)
    record(
        SignatureRefused(
            **documents.about_document(document, device_at), block=pad.block,
            signer_name=signer_name, method=Method.OFFLINE, reason=reason,
        ),
        about=[(document.subject_kind, document.subject_id)],
        by=by,
    )  # fmt: skip


def _taken(pad: OfflinePad) -> Signature | KeptSignature:
    found = Signature.objects.filter(pad=pad).first()
    return found or KeptSignature.objects.get(pad=pad)


def _fits(pad: OfflinePad, document: Document, *, at: datetime, device_at: datetime) -> None:
    of_pad = (pad.kind, pad.subject_kind, pad.subject_id)
    if of_pad != (document.kind, document.subject_kind, document.subject_id):
        raise PermissionDenied("this pad was given for another form")
    if at > pad.expires_at:
        raise Refused(_("What was drawn without network came too late. Please sign again."))
    if not pad.created_at - CLOCK_TOLERANCE <= device_at <= at + CLOCK_TOLERANCE:
        raise Refused(_("The phone's clock is wrong; the signature's time cannot be believed."))


def differences(document: Document, rows: Rows) -> list[str]:
    """The names of the rows that the form has otherwise, more, or not at all."""
    printed = Counter(tuple(map(str, row)) for row in KINDS[document.kind].rows(document.data))
    shown = Counter(tuple(map(str, row)) for row in rows)
    return sorted({row[0] if row else "" for row in (printed - shown) + (shown - printed)})
