"""What happened, who is told. Handlers run in the same transaction, so they may refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from django.db import models, transaction

from servicedesk.core.actions import heard_at
from servicedesk.core.actors import Actor
from servicedesk.core.bulk import insert
from servicedesk.core.models import Entry, EntrySubject

EVENTS: dict[str, type[Event]] = {}
# A record, or its kind and primary key.
Subject = models.Model | tuple[str, int]


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
    at: datetime

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
    """The same for a batch, in two statements: each event with its subjects.

    A subject is a record or its (kind, primary key).
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("record() belongs into the transaction of the change")
    heard = heard_at()
    replayed = {"recorded_at": heard} if heard else {}
    entries = [
        Entry(
            type=event.type,
            at=event.at,
            actor_kind=by.kind,
            actor_id=by.id,
            actor_label=by.label,
            data=_plain(event),
            **replayed,
        )
        for event, _about in events
    ]
    insert(entries, "uid", "type", "at", "actor_kind", "actor_id", "actor_label", "data", *replayed)
    subjects = [
        EntrySubject(entry=entry, kind=kind, object_id=pk)
        for entry, (_event, about) in zip(entries, events, strict=True)
        for kind, pk in dict.fromkeys(map(subject_key, about))
    ]
    insert(subjects, "entry", "kind", "object_id")
    for event, _about in events:
        for handler in _handlers.get(type(event), ()):
            handler(event)
    return entries


def subject_key(subject: Subject) -> tuple[str, int]:
    if isinstance(subject, tuple):
        return subject
    assert subject.pk is not None
    return subject._meta.label_lower, subject.pk


def _plain(event: Event) -> dict[str, Any]:
    return {name: value for name, value in vars(event).items() if name != "at"}
