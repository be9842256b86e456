"""What a phone takes along so that a form can be signed on it without a network."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string

from servicedesk.core import offline_signatures, paper
from servicedesk.core.actors import Actor
from servicedesk.core.document_forms import PinForm, RefusalForm, SignatureForm
from servicedesk.core.models import Document
from servicedesk.core.phone import Paper


def page_of(request: HttpRequest, found: Paper, *, number: str) -> str:
    """All that the customer reads, fills in and is told; js/phone/lent.js shows one part of it."""
    names = {"signer_name": found.signer_name}
    return render_to_string(
        "documents/offline.html",
        {
            # Not frozen yet, so it has no hash.
            "document": Document(number=number),
            "number": number,
            "title": found.kind.title,
            "sheet": paper.preview(found.kind, found.marked, number=number),
            "form": SignatureForm(initial=names),
            "answers": found.kind.answers(prefix="answers") if found.kind.answers else None,
            "refusal": RefusalForm(initial=names, auto_id="refuse_%s"),
            "declines": found.kind.declines,
            "pin": PinForm(),
        },
        request,
    )


def pad_for(subject: Any, found: Paper, *, at: datetime, by: Actor) -> str:
    return offline_signatures.give_pad(
        subject, kind=found.kind.name, block=found.block, contact_id=found.contact_id, at=at, by=by
    )
