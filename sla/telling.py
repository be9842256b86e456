"""Who hears of a step that fires, and by what: journal, notifications, e-mails, the chat robot.

All that a batch of steps says is written in a fixed number of statements. E-mails are held back
(`core.digests`): until the reader's quiet hours are over, unless it is a miss or urgent, and
within the number that one person gets in an hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import Notification, User
from accounts.queries import Recipients, recipients
from accounts.quiet import quiet_end
from servicedesk.core import outbox
from servicedesk.core.actors import Actor
from servicedesk.core.bulk import insert
from servicedesk.core.events import record_all
from servicedesk.core.fields import uuid7
from servicedesk.core.models import OutboxMessage
from sla.events import DeadlineStepFired, facts
from sla.kinds import KINDS, Rung, Step
from sla.models import Deadline, Escalation

Note = Escalation.Note

ESCALATE = """
    INSERT INTO sla_escalation
        (uid, deadline_id, step, generation, due_at, fired_at, missed, insists, superseded, note,
        told)
    SELECT v.uid, v.deadline, v.step, v.generation, v.due, %s, v.missed, v.insists, v.superseded,
        v.note, v.told::bigint[]
    FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::smallint[], %s::timestamptz[],
        %s::boolean[], %s::boolean[], %s::boolean[], %s::text[], %s::text[])
        AS v (uid, deadline, step, generation, due, missed, insists, superseded, note, told)
    ON CONFLICT (deadline_id, step, generation) DO NOTHING RETURNING deadline_id, step, id
"""


@dataclass(frozen=True, slots=True)
class Fired:
    """A step that fires, whether it speaks, and to whom."""

    deadline: Deadline
    rung: Rung
    to: Sequence[User]
    silent: bool = False
    note: str = ""
    # Fired by what somebody did, at no moment of the ladder: it is no miss.
    insists: bool = False

    @property
    def missed(self) -> bool:
        return not self.insists and not self.rung.step.warns

    @property
    def urgent(self) -> bool:
        """It waits for nobody's morning."""
        return self.deadline.urgent or not self.rung.step.warns


def people_of(step: Step, deadline: Deadline, people: Recipients) -> list[User]:
    """Whom the step speaks to, each once. Where nobody is on duty, the supervisors stand in."""
    found: dict[int, User] = {}
    for who in step.to:
        if who == "manager":
            users = people.managers
        elif who == "owner":
            users = people.owner(deadline.owner_id)
        else:
            users = people.on_duty if who == "duty" else []
            users = users or people.supervisors(deadline.owner_id)
        found |= {user.pk: user for user in users}
    return list(found.values())


def note_of(step: Step, people: Recipients) -> str:
    return Note.NO_DUTY if "duty" in step.to and not people.on_duty else ""


def escalate_now(
    kind: str, subject: models.Model, step: Step, about: str, said: str, *, at: datetime, by: Actor
) -> None:
    """Tell people at once, at no moment of the ladder, and wait for a word.

    `about` tells two such calls of one deadline apart; it stands behind the step's label, and
    then what was said.
    """
    found = Deadline.objects.of(subject).filter(kind=kind).select_for_update(no_key=True)
    deadline = found.order_by("-id").first()
    if deadline is None:
        raise LookupError(f"{subject} never had a deadline {kind}")
    people = recipients([deadline.owner_id], at=at)
    called = replace(step, name=f"{step.name} {about}", label=f"{step.label} {about}: {said}")
    to = people_of(step, deadline, people)
    fired = Fired(deadline, Rung(at, called), to, note=note_of(step, people), insists=True)
    tell(escalate([fired], at), at, by=by)


def escalate(fired: list[Fired], now: datetime) -> list[tuple[int, Fired]]:
    """Write the escalations; returns those that did not exist before, with their keys."""
    rows = [
        (
            str(uuid7()), f.deadline.pk, f.rung.step.name, f.deadline.generation, f.rung.at,
            f.missed, f.insists, f.silent, f.note, _array(f.to),
        )
        for f in fired
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(ESCALATE, [now, *columns(rows, 10)])
        new = {(deadline_id, step): pk for deadline_id, step, pk in cursor.fetchall()}
    return [(new[key], f) for f in fired if (key := (f.deadline.pk, f.rung.step.name)) in new]


def _array(users: Sequence[User]) -> str:
    """As PostgreSQL writes an array; unnest() takes no arrays of arrays."""
    return f"{{{','.join(str(user.pk) for user in users)}}}"


def columns(rows: list[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows turned into arrays, one a column, for unnest()."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _each in range(width)]


def tell(escalations: list[tuple[int, Fired]], now: datetime, *, by: Actor) -> None:
    """Journal, notifications, and messages into the outbox: one each per person and step."""
    record_all(
        [
            (
                DeadlineStepFired(
                    at=f.rung.at,
                    step=f.rung.step.name,
                    step_label=str(f.rung.step.label),
                    missed=f.missed,
                    **facts(f.deadline),
                ),
                [f.deadline.subject],
            )
            for _pk, f in escalations
        ],
        by=by,
    )
    notifications, messages = [], []
    words, resting = cache(_words), cache(_resting(now))
    for pk, f in escalations:
        channels = f.rung.step.by
        for user in f.to:
            text, body = words(user.language, f.deadline.kind, f.rung.step, f.note)
            headline = text % {"label": f.deadline.label}
            key = mail_key(pk, user.pk)
            if "app" in channels:
                notifications.append(_notification(f, user, headline, key, now))
            if "email" in channels and user.email:
                moment = now if f.urgent else resting(user)
                messages.append(_mail(f, user, headline, body, key, moment))
        if "chat" in channels and settings.CHAT_WEBHOOK_URL and f.to:
            # One for all in the room: it goes as soon as one of them may be disturbed.
            moment = now if f.urgent else min(resting(user) for user in f.to)
            text, _body = words(settings.LANGUAGE_CODE, f.deadline.kind, f.rung.step, f.note)
            messages.append(_chat(f, text % {"label": f.deadline.label}, chat_key(pk), moment))
    insert(
        notifications, "uid", "user", "text", "url", "urgent", "dedup_key", "created_at",
        ignore_conflicts=True,
    )  # fmt: skip
    outbox.hold_all(messages)


def mail_key(escalation: int, user: int) -> str:
    return f"escalation:{escalation}:{user}"


def chat_key(escalation: int) -> str:
    return f"escalation:{escalation}:chat"


def _resting(now: datetime) -> Any:
    def until(user: User) -> datetime:
        return quiet_end(user, now) or now

    return until


def _words(language: str, kind: str, step: Step, note: str) -> tuple[str, str]:
    """Headline and body of all messages of one step in one language, with places to fill."""
    with override(language):
        headline = _("%(kind)s – %(step)s: %(label)s") % {
            "kind": _escaped(KINDS[kind].label), "step": _escaped(step.label), "label": "%(label)s"
        }  # fmt: skip
        body = _("Hello %(name)s,\n\n%(headline)s\nDue: %(due)s\n\n%(link)s\n")
        if note:
            body += f"\n{_escaped(Note(note).label)}\n"
        return headline, body


def _escaped(label: Any) -> str:
    return str(label).replace("%", "%%")


def _notification(f: Fired, user: User, text: str, key: str, now: datetime) -> Notification:
    return Notification(
        user=user,
        text=text[:300],
        url=f.deadline.url,
        urgent=f.urgent,
        dedup_key=key,
        created_at=now,
    )


def _mail(
    f: Fired, user: User, headline: str, body: str, key: str, moment: datetime
) -> OutboxMessage:
    link = f"{settings.BASE_URL}{f.deadline.url}"
    due = f"{timezone.localtime(f.deadline.due_at):%Y-%m-%d %H:%M}"
    return OutboxMessage(
        channel="email",
        recipient=user.email,
        subject=headline[:300],
        body=body % {"name": user.name, "headline": headline, "due": due, "link": link},
        # What a digest says of it.
        data={
            "due_at": f.deadline.due_at.isoformat(), "due": due, "link": link,
            "urgent": f.urgent, "language": user.language,
        },
        dedup_key=key,
        status=OutboxMessage.State.HELD,
        reader=user.pk,
        next_attempt_at=moment,
    )  # fmt: skip


def _chat(f: Fired, headline: str, key: str, moment: datetime) -> OutboxMessage:
    with override(settings.LANGUAGE_CODE):
        lines = [
            headline,
            _("Due: %(due)s") % {"due": f"{timezone.localtime(f.deadline.due_at):%Y-%m-%d %H:%M}"},
            _("For: %(names)s") % {"names": "、".join(user.name for user in f.to)},
            f"{settings.BASE_URL}{f.deadline.url}",
        ]
        if f.note:
            lines.insert(2, str(Note(f.note).label))
    return OutboxMessage(
        channel="chat", recipient=settings.CHAT_WEBHOOK_KIND, subject=headline[:300],
        body="\n".join(lines), dedup_key=key, next_attempt_at=moment,
    )  # fmt: skip


# --- What was said and is not true any more -------------------------------------------------------


def fall_silent(deadlines: Sequence[Deadline], why: str) -> None:
    """Withdraw what still waits to be said of these deadlines, which are over.

    What asks for a word (`insists`) asks for it all the same.
    """
    climbed = [d.pk for d in deadlines if d.next_step or d.generation]
    # Most are met before anybody was told of them.
    if climbed:
        withdraw_steps(Escalation.objects.filter(deadline__in=climbed, insists=False), why)


def withdraw_steps(escalations: models.QuerySet[Escalation], why: str) -> None:
    """Nobody gets what still waits to be said of these steps."""
    keys = []
    for pk, told in escalations.values_list("pk", "told"):
        keys += [chat_key(pk), *(mail_key(pk, user) for user in told)]
    outbox.withdraw(keys, why)


def take_back(deadlines: models.QuerySet[Deadline], owner: User | None) -> None:
    """Withdraw what still waits for the former owners of these deadlines: they do it no more."""
    now_owner = owner.pk if owner else None
    keys = []
    for pk, told, former in Escalation.objects.filter(deadline__in=deadlines).values_list(
        "pk", "told", "deadline__owner"
    ):
        if former in told and former != now_owner:
            keys.append(mail_key(pk, former))
            if told == [former]:
                keys.append(chat_key(pk))
    name = owner.name if owner else _("nobody")
    outbox.withdraw(keys, _("Withdrawn: the matter belongs to %(name)s now.") % {"name": name})
