"""What happened, who is told. Handlers run in the same transaction, so they may refuse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction

from servicedesk.core.actions import heard_at
from servicedesk.core.actors import Actor
from servicedesk.core.models import Entry

EVENTS: dict[str, type[Event]] = {}
# A record, or its kind and primary key.
Subject = models.Model | tuple[str, int]

JOURNAL_COLUMNS = ("type", "at", "actor_kind", "actor_id", "actor_label")
JOURNAL = """
    WITH written AS (
        INSERT INTO core_entry
            (recorded_at, uid, type, at, actor_kind, actor_id, actor_label, data)
        SELECT COALESCE(%s, statement_timestamp()), * FROM unnest(%s::uuid[], %s::text[],
            %s::timestamptz[], %s::text[], %s::bigint[], %s::text[], %s::jsonb[])
        RETURNING id, uid
    ), placed AS (
        INSERT INTO core_entrysubject (entry_id, kind, object_id)
        SELECT written.id, about.kind, about.object_id
        FROM unnest(%s::uuid[], %s::text[], %s::bigint[]) AS about (uid, kind, object_id)
        JOIN written USING (uid)
    )
    SELECT id FROM written
"""


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact in the past tense. Fields are primitive values: they are kept for ever as JSON.

    `label` is how a timeline names it; `detail` a template over the fields (`"{reason}"`)
    that the timeline shows below the label.
    """

    type: ClassVar[str]
    label: ClassVar[Any]
    detail: ClassVar[str] = ""
    icon: ClassVar[str] = "point"
    # What codes among the fields are called: by field, by code.
    called: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    at: datetime

    @classmethod
    def named(cls, data: Mapping[str, Any]) -> Any:
        """How a timeline names one that was recorded with this data."""
        return cls.label

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.__dict__.get("type"):
            assert EVENTS.setdefault(cls.type, cls).__qualname__ == cls.__qualname__, cls.type
            EVENTS[cls.type] = cls


E = TypeVar("E", bound=Event)
_handlers: dict[type[Event], list[Callable[[Any], None]]] = {}


def on(event_type: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Run the function with every `event_type`: database work only, its own tables only."""

    def register(handler: Callable[[E], None]) -> Callable[[E], None]:
        _handlers.setdefault(event_type, []).append(handler)
        return handler

    return register


def record(event: Event, *, about: Iterable[Subject | None], by: Actor) -> Entry:
    """Write the event into the journal and tell the listeners. The last line of an action."""
    return record_all([(event, [s for s in about if s is not None])], by=by)[0]


def record_all(events: Sequence[tuple[Event, Sequence[Subject]]], *, by: Actor) -> list[Entry]:
    """The same for a batch, in one statement: each event with its subjects.

    A subject is a record or its (kind, primary key).
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("record() belongs into the transaction of the change")
    entries = [
        Entry(
            type=event.type,
            at=event.at,
            actor_kind=by.kind,
            actor_id=by.id,
            actor_label=by.label,
            data=_plain(event),
        )
        for event, _about in events
    ]
    subjects = [
        (str(entry.uid), *subject)
        for entry, (_event, about) in zip(entries, events, strict=True)
        for subject in dict.fromkeys(map(subject_key, about))
    ]
    _write(entries, subjects)
    for event, _about in events:
        for handler in _handlers.get(type(event), ()):
            handler(event)
    return entries


def _write(entries: Sequence[Entry], subjects: Sequence[tuple[str, str, int]]) -> None:
    """Both tables in one statement, since every change goes through here."""
    columns: list[list[Any]] = [
        [str(entry.uid) for entry in entries],
        *([getattr(entry, name) for entry in entries] for name in JOURNAL_COLUMNS),
        [json.dumps(entry.data, cls=DjangoJSONEncoder) for entry in entries],
        *([subject[i] for subject in subjects] for i in range(3)),
    ]
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(JOURNAL, [heard_at(), *columns])
        for entry, (pk,) in zip(entries, cursor.fetchall(), strict=True):
            entry.pk, entry._state.adding = pk, False


def subject_key(subject: Subject) -> tuple[str, int]:
    if isinstance(subject, tuple):
        return subject
    assert subject.pk is not None
    return subject._meta.label_lower, subject.pk


def _plain(event: Event) -> dict[str, Any]:
    return {name: value for name, value in vars(event).items() if name != "at"}
