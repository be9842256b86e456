"""Finding forms: by number, customer, store, person, day, and any two characters of their text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from servicedesk.core import subjects
from servicedesk.core.actors import Actor
from servicedesk.core.documents import KINDS
from servicedesk.core.models import Document
from servicedesk.core.search import matching

SEARCHED = ("number", "title", "keywords", "signers", "text")
# What a list of forms does not show, and what is large.
LARGE = ("data", "text", "search", "blocks")

# One look into the index per kind, however many forms there are.
SUBJECT_KINDS = """
WITH RECURSIVE kinds AS (
    (SELECT subject_kind AS kind FROM core_document ORDER BY subject_kind LIMIT 1)
    UNION ALL
    SELECT (SELECT subject_kind FROM core_document WHERE subject_kind > kinds.kind
            ORDER BY subject_kind LIMIT 1)
    FROM kinds WHERE kinds.kind IS NOT NULL
)
SELECT kind FROM kinds WHERE kind IS NOT NULL
"""


def visible_documents(actor: Actor) -> QuerySet[Document]:
    """Forms of records that the actor may see."""
    if not actor.may("documents.see"):
        return Document.objects.none()
    allowed = Q(pk__in=[])
    for kind in _subject_kinds():
        if subjects.all_visible(kind, actor):
            # Not a list of all primary keys, which the database would read for each page.
            allowed |= Q(subject_kind=kind)
        else:
            allowed |= Q(subject_kind=kind, subject_id__in=subjects.visible_ids(kind, actor))
    return Document.objects.filter(allowed)


def _subject_kinds() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(SUBJECT_KINDS)
        for (kind,) in cursor.fetchall():
            yield kind


@dataclass(frozen=True, slots=True)
class Selection:
    """What somebody looks for. `kind` stands for all kinds with the same title."""

    text: str = ""
    kind: str = ""
    first: date | None = None
    last: date | None = None
    status: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "kind": self.kind,
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat() if self.last else None,
        }


def kinds() -> Mapping[str, str]:
    """One choice per form, however many ways there are to sign it: name → title."""
    titles = {str(form.title): name for name, form in reversed(KINDS.items())}
    return {name: title for title, name in titles.items()}


def find(actor: Actor, wanted: Selection) -> QuerySet[Document]:
    """The forms that count, as wanted; without order."""
    found = visible_documents(actor).exclude(status=Document.Status.VOID)
    found = matching(found, wanted.text, *SEARCHED)
    if wanted.kind in KINDS:
        title = str(KINDS[wanted.kind].title)
        found = found.filter(kind__in=[n for n, k in KINDS.items() if str(k.title) == title])
    if wanted.status:
        found = found.filter(status=wanted.status)
    if wanted.first:
        found = found.filter(frozen_at__gte=_midnight(wanted.first))
    if wanted.last:
        found = found.filter(frozen_at__lt=_midnight(wanted.last + timedelta(days=1)))
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=timezone.get_default_timezone())
