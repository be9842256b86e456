"""Acts that come from a phone, perhaps late, twice, or in another order (design.md §7).

Each tap is a command with an `op_id` of its own. It is kept for ever, in the transaction of its
effect, so a repeat gets the stored answer. A command that names a predecessor (`after`) is parked
until that one is done, refused or thrown away; so every order of arrival ends in the same state.
What is refused waits for its person: he sends it again with other words (`mend`), or throws it away
with a reason (`discard`). When a mended one is done, what had been refused after it is tried again.

An app registers the verbs of its records (`PhoneKind`). A command runs the same form and the same
action as the page of the verb.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import DataError, IntegrityError, connection, models, transaction
from django.http import HttpRequest, QueryDict
from django.utils import timezone, translation
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from servicedesk.core import history, phone_uploads
from servicedesk.core.actions import lock
from servicedesk.core.actors import Actor
from servicedesk.core.documents import DocumentKind
from servicedesk.core.events import record
from servicedesk.core.journal import canonical
from servicedesk.core.models import PhoneCommand, PhoneDevice
from servicedesk.core.moments import spoken
from servicedesk.core.phone_events import CommandDiscarded, CommandRefused
from servicedesk.core.states import Machine
from servicedesk.core.ticker import every

log = logging.getLogger(__name__)

State = PhoneCommand.State
OPEN = (State.WAITING, State.REFUSED)
# So long one waits for a predecessor; then it has been lost with its phone.
PATIENCE = timedelta(hours=24)
# A clock that is wrong by more is shown.
SKEW = timedelta(minutes=2)
# Any constant: the first key of the advisory lock that lets one command of a person at a time in.
LOCK = 7_021_404
BATCH = 200
# Refusals that the form itself shows at its fields.
SLIPS = frozenset({"invalid", "refused"})


class Invalid(Exception):
    """The form or the action says no. errors: the texts by field, "" for those of none."""

    def __init__(self, errors: Mapping[str, list[str]], *, code: str = "refused") -> None:
        super().__init__(errors)
        self.errors = errors
        self.code = code


class OtherContent(Exception):
    """The same `op_id` came before with something else."""


class NotRefused(Exception):
    """Only what was refused, or still waits, can be sent again or thrown away."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a verb is given: as the page's POST, but `at` some earlier moment than `heard_at`."""

    by: Actor
    at: datetime
    heard_at: datetime
    data: QueryDict
    files: MultiValueDict[str, UploadedFile[Any]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where to go next; and what to say, if it is more than that it was recorded."""

    next_url: str
    message: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """A form that is not frozen yet, as a phone can show and have it signed without a network.

    marked: its data with a `paper.Mark` wherever acts of the phone write. more: what those acts need.
    """

    kind: DocumentKind
    block: str
    contact_id: int | None
    signer_name: str
    data: Mapping[str, Any]
    marked: Mapping[str, Any]
    more: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Basis:
    """What a decision depends on: fields of the record, and records that belong to it."""

    fields: frozenset[str]
    related: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhoneKind:
    """The records of one kind that a phone may act on.

    find: the record, if the person may see it. knew: the record, if it ever was his.
    act: do the verb; raises Invalid or PermissionDenied.
    earliest: nothing can have happened to the record before.
    pack: what the phone takes along, merged into the answer of `/phone/pack/`.
    paper: the form that a customer signs; None where there is nothing to be signed (any more).
    others: verbs that are no step of the machine, with their labels.
    fleeting: fields that are kept elsewhere, or nowhere, once a command is done.
    """

    name: str
    machine: Machine
    verbs: frozenset[str]
    decisions: Mapping[str, Basis]
    find: Callable[[str, Actor], Any]
    knew: Callable[[str, Actor], Any]
    act: Callable[[Any, str, Call], Outcome]
    earliest: Callable[[Any], datetime]
    pack: Callable[[HttpRequest, datetime], dict[str, Any]]
    paper: Callable[[Any], Paper | None]
    others: Mapping[str, Any] = field(default_factory=dict)
    fleeting: frozenset[str] = frozenset()

    def label(self, verb: str) -> str:
        return str(self.others[verb] if verb in self.others else self.machine[verb].label)


KINDS: dict[str, PhoneKind] = {}


def phone_kind(kind: PhoneKind) -> PhoneKind:
    assert kind.name not in KINDS
    KINDS[kind.name] = kind
    return kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A command as it was sent, its types checked."""

    op_id: uuid.UUID
    device: uuid.UUID
    kind: str
    number: str
    verb: str
    fields: Mapping[str, str | list[str]]
    files: Mapping[str, str]
    base_version: int | None
    after: uuid.UUID | None
    happened_at: datetime
    clock_offset_ms: int | None
    app: str = ""
    # Not empty: the person threw it away before it was ever sent.
    discard: str = ""
    # He stands before the form and sees at once what is wrong with it.
    at_once: bool = False

    @property
    def digest(self) -> str:
        """Of all that must be the same in a repeat; the clock may be measured anew meanwhile."""
        content = [
            str(self.op_id), str(self.device), self.kind, self.number, self.verb,
            dict(self.fields), dict(self.files), self.base_version, str(self.after or ""),
            self.happened_at.isoformat(), self.discard,
        ]  # fmt: skip
        return hashlib.sha256(canonical(content)).hexdigest()


# --- taking in --------------------------------------------------------------------------------


def receive(said: Said, *, at: datetime, by: Actor) -> PhoneCommand:
    """Keep the command and do it, if it is its turn. A repeat changes nothing.

    1. One command of a person at a time, so that none misses the one it waits for. 2. The row and
    its effect are written together. 3. What waited for it is done, too.
    """
    with transaction.atomic():
        _one_at_a_time(by)
        found = PhoneCommand.objects.filter(op_id=said.op_id).first()
        if found is not None:
            return _same(found, said.digest, by)
        command = _keep(said, at=at, by=by)
        if said.discard:
            _throw_away(command, said.discard, at=at, by=by)
        _work_off(command, at=at, by=by, at_once=said.at_once)
    return command


def _same(found: PhoneCommand, digest: str, by: Actor) -> PhoneCommand:
    if found.user_id != by.id or found.request_sha256 != digest:
        raise OtherContent
    return found


def _one_at_a_time(by: Actor) -> None:
    assert by.id is not None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, by.id & 0x7FFFFFFF])


def _keep(
    said: Said, *, at: datetime, by: Actor, replaces: PhoneCommand | None = None
) -> PhoneCommand:
    assert by.id is not None
    kind = KINDS[said.kind]
    subject = kind.find(said.number, by) or kind.knew(said.number, by)
    return PhoneCommand.objects.create(
        op_id=said.op_id,
        device=said.device,
        user_id=by.id,
        user_label=by.label,
        kind=said.kind,
        number=said.number,
        subject_id=subject.pk if subject is not None else None,
        verb=said.verb,
        fields=dict(said.fields),
        files=dict(said.files),
        base_version=said.base_version,
        after=said.after,
        replaces=replaces,
        happened_at=said.happened_at,
        clock_offset_ms=said.clock_offset_ms,
        received_at=at,
        at=corrected(said.happened_at, said.clock_offset_ms, received_at=at),
        app=said.app,
        request_sha256=said.digest,
    )


def corrected(
    happened_at: datetime, clock_offset_ms: int | None, *, received_at: datetime
) -> datetime:
    """When it happened by the server's clock: never later than we heard of it."""
    return min(happened_at + timedelta(milliseconds=clock_offset_ms or 0), received_at)


def skew_minutes(clock_offset_ms: int | None) -> int:
    """By how many minutes the phone's clock is fast (+) or slow (−); 0 if that does not matter."""
    offset = timedelta(milliseconds=clock_offset_ms or 0)
    return 0 if abs(offset) <= SKEW else -round(offset / timedelta(minutes=1))


def skew_in_words(clock_offset_ms: int | None) -> str:
    minutes = skew_minutes(clock_offset_ms)
    if minutes > 0:
        return ngettext(
            "The phone's clock is %(n)d minute fast",
            "The phone's clock is %(n)d minutes fast",
            minutes,
        ) % {"n": minutes}
    if minutes < 0:
        return ngettext(
            "The phone's clock is %(n)d minute slow",
            "The phone's clock is %(n)d minutes slow",
            -minutes,
        ) % {"n": -minutes}
    return ""


# --- mending ----------------------------------------------------------------------------------


def mend(refused: PhoneCommand, said: Said, *, at: datetime, by: Actor) -> PhoneCommand:
    """Send what was refused again, with other words, under an `op_id` of its own."""
    with transaction.atomic():
        _one_at_a_time(by)
        found = PhoneCommand.objects.filter(op_id=said.op_id).first()
        if found is not None:
            return _same(found, said.digest, by)
        refused.refresh_from_db()
        if refused.state != State.REFUSED or replaced(refused) is not None:
            raise NotRefused
        command = _keep(said, at=at, by=by, replaces=refused)
        _work_off(command, at=at, by=by, at_once=said.at_once)
    return command


def discard(command: PhoneCommand, *, reason: str, at: datetime, by: Actor) -> PhoneCommand:
    """It shall not be recorded. The command and the reason stay. Doing it twice does no harm."""
    with transaction.atomic():
        _one_at_a_time(by)
        command.refresh_from_db()
        if command.state == State.DISCARDED:
            return command
        if command.state == State.DONE or replaced(command) is not None:
            raise NotRefused
        _throw_away(command, reason, at=at, by=by)
        _work_off(command, at=at, by=by)
    return command


def replaced(command: PhoneCommand) -> PhoneCommand | None:
    """The command that was sent instead of this one."""
    return PhoneCommand.objects.filter(replaces=command).first()


def _throw_away(command: PhoneCommand, reason: str, *, at: datetime, by: Actor) -> None:
    command.state = State.DISCARDED
    command.discard_reason = reason.strip()[:300]
    command.save(update_fields=["state", "discard_reason"])
    if command.subject_id is not None:
        event = CommandDiscarded(at=at, reason=command.discard_reason, **_named(command))
        record(event, about=[(command.kind, command.subject_id)], by=by)


# --- doing ------------------------------------------------------------------------------------


def _work_off(
    first: PhoneCommand, *, at: datetime, by: Actor, patient: bool = True, at_once: bool = False
) -> None:
    """Do the command, if it is its turn, and then what waited for it, and so on.

    patient: without it the first one is done even though its predecessor has not come.
    at_once: the first one's answer is read at its form; what is wrong there is no event.
    """
    turn = deque([first])
    while turn:
        command = turn.popleft()
        if command.state != State.DISCARDED:
            former = _former(command)
            if patient and command.after is not None and _pending(former):
                continue
            patient = True
            _try(command, former, at=at, by=by, at_once=at_once and command is first)
        turn.extend(_followers(command))


def _former(command: PhoneCommand) -> PhoneCommand | None:
    if command.after is None:
        return None
    return PhoneCommand.objects.filter(op_id=command.after, user_id=command.user_id).first()


def _pending(former: PhoneCommand | None) -> bool:
    return former is None or former.state == State.WAITING


def _followers(command: PhoneCommand) -> list[PhoneCommand]:
    """Those that waited for it; if it is done, also those that had been refused without it."""
    names, earlier = [command.op_id], command.replaces
    while earlier is not None:
        names.append(earlier.op_id)
        earlier = earlier.replaces
    states = OPEN if command.state == State.DONE else (State.WAITING,)
    return list(
        PhoneCommand.objects.filter(
            after__in=names, user_id=command.user_id, state__in=states, replaced_by=None
        ).order_by("at", "id")
    )


def _try(
    command: PhoneCommand,
    former: PhoneCommand | None,
    *,
    at: datetime,
    by: Actor,
    at_once: bool = False,
) -> None:
    """Do it once, all or nothing, and keep the answer."""
    command.attempts += 1
    command.tried_at = at
    if former is not None:
        # It was tapped later on the same phone, whatever that phone's clock says.
        command.at = min(max(command.at, former.at), at)
    said_before = command.message
    kind = KINDS[command.kind]
    subject = kind.find(command.number, by)
    try:
        with transaction.atomic():
            _do(command, kind, subject, by)
    except Invalid as refusal:
        _refuse(command, refusal.code, refusal.errors)
    except PermissionDenied:
        _refuse(command, "not-yours", {"": [_("You may not do this here (any more).")]})
    except (IntegrityError, DataError):
        # A rule that only the database keeps. The phone must not be stuck with it for ever.
        log.exception("phone command %s", command.op_id)
        _refuse(command, "fault", {"": [_("This does not fit with what is recorded already.")]})
    if subject is not None:
        subject.refresh_from_db()
        command.status_after = subject.status
        if command.state != State.DONE:
            command.version_after = subject.version
    command.save()
    slip = at_once and command.code in SLIPS
    if command.state == State.REFUSED and command.message != said_before and not slip:
        _tell_refused(command, by)


def _do(command: PhoneCommand, kind: PhoneKind, subject: Any, by: Actor) -> None:
    if subject is None:
        raise Invalid(
            {"": [_("%(number)s is not among your records (any more).") % {"number": command.number}]},
            code="not-yours",
        )  # fmt: skip
    lock(subject)
    _check_clock(command, kind.earliest(subject))
    _check_basis(command, kind, subject)
    data = QueryDict(mutable=True)
    for name, value in command.fields.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    files: MultiValueDict[str, UploadedFile[Any]] = MultiValueDict()
    for name, uid in command.files.items():
        file = phone_uploads.whole(uid, by=by)
        if file is None:
            missing = _("The file has not been uploaded completely.")
            raise Invalid({name: [missing]}, code="invalid")
        files.setlist(name, [file])
    before = subject.version
    call = Call(by, command.at, command.tried_at or command.received_at, data, files)
    done = kind.act(subject, command.verb, call)
    command.state, command.code, command.errors, command.changes = State.DONE, done.code, {}, []
    command.fields = told_fields(command)
    command.subject_id = subject.pk
    command.version_before, command.version_after = before, subject.version
    command.next_url = done.next_url
    command.message = done.message or _("%(record)s: %(act)s — recorded.") % {
        "record": command.number, "act": kind.label(command.verb),
    }  # fmt: skip


def told_fields(command: PhoneCommand) -> dict[str, Any]:
    """What was filled in, without what is nobody else's."""
    fleeting = KINDS[command.kind].fleeting
    return {name: value for name, value in command.fields.items() if name not in fleeting}


def _check_clock(command: PhoneCommand, earliest: datetime) -> None:
    if command.at < earliest:
        raise Invalid(
            {"": [
                _("By the phone's clock it happened on %(at)s, before there was this record. Check"
                  " the clock, then send it again.")
                % {"at": spoken(command.at, year=command.received_at.year)}
            ]}
        )  # fmt: skip


def _check_basis(command: PhoneCommand, kind: PhoneKind, subject: Any) -> None:
    """A decision is made on what one has seen. Did others change that meanwhile?"""
    basis = kind.decisions.get(command.verb)
    if basis is None:
        return
    base = command.base_version
    if base is None:
        base = history.version_at(subject, command.at)
    foreign = set(range(base + 1, subject.version + 1)) - _own_versions(command, subject)
    changed = history.changes_of_versions(subject, foreign, basis.fields, basis.related)
    if not changed:
        return
    command.changes = [
        {
            "field": change.field, "before": _plain(change.old), "after": _plain(change.new),
            "by": change.actor_label, "at": change.at.isoformat(),
        }
        for change in changed
    ]  # fmt: skip
    words = "; ".join(
        f"{change['field']}: {change['before'] or '—'} → {change['after'] or '—'} ({change['by']})"
        for change in command.changes
    )
    raise Invalid(
        {"": [_("%(record)s was changed meanwhile. %(changes)s")
              % {"record": command.number, "changes": words}]},
        code="stale",
    )  # fmt: skip


def _own_versions(command: PhoneCommand, subject: Any) -> set[int]:
    """The versions that this device has made, and so knows of."""
    made = PhoneCommand.objects.filter(
        kind=command.kind, subject_id=subject.pk, user_id=command.user_id, device=command.device,
        state=State.DONE,
    ).values_list("version_before", "version_after")  # fmt: skip
    return {version for first, last in made for version in range(first + 1, last + 1)}  # type: ignore[operator]  # of done ones they are known, by constraint


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return spoken(value)
    return "" if value is None else str(value)


def _refuse(command: PhoneCommand, code: str, errors: Mapping[str, list[str]]) -> None:
    if code != "stale":
        command.changes = []
    command.state, command.code, command.errors = State.REFUSED, code, dict(errors)
    command.message = " ".join(text for texts in errors.values() for text in texts)
    command.next_url = ""


def _tell_refused(command: PhoneCommand, by: Actor) -> None:
    if command.subject_id is None:
        return
    event = CommandRefused(
        at=command.at, reason=command.message, code=command.code, **_named(command)
    )
    record(event, about=[(command.kind, command.subject_id)], by=by)


def _named(command: PhoneCommand) -> dict[str, str]:
    return {
        "op_id": str(command.op_id),
        "verb": command.verb,
        "verb_label": KINDS[command.kind].label(command.verb),
        "subject_kind": command.kind,
        "number": command.number,
    }


# --- what waits too long ----------------------------------------------------------------------


@every(60)
def try_forsaken() -> int:
    """Do what has waited for a day: its predecessor was lost with a phone, or they wait in a ring."""
    now = timezone.now()
    waiting = PhoneCommand.objects.filter(
        state=State.WAITING, received_at__lt=now - PATIENCE
    ).order_by("at", "id")[:BATCH]
    return sum(_try_forsaken(command, now) for command in waiting)


def _try_forsaken(command: PhoneCommand, now: datetime) -> bool:
    people: Any = get_user_model()._default_manager
    person = people.get(pk=command.user_id)
    by: Actor = person.as_actor()
    with translation.override(person.language), transaction.atomic():
        _one_at_a_time(by)
        command.refresh_from_db()
        if command.state != State.WAITING:
            return False
        _work_off(command, at=now, by=by, patient=False)
    return True


# --- asking -----------------------------------------------------------------------------------


def open_commands(user_id: int | None) -> models.QuerySet[PhoneCommand]:
    """What a person has sent and must mend, or what still waits; oldest first."""
    if user_id is None:
        return PhoneCommand.objects.none()
    return PhoneCommand.objects.filter(
        user_id=user_id, state__in=OPEN, replaced_by=None
    ).select_related("replaces")


def troubled(kind: str, pk: int) -> list[PhoneCommand]:
    """What the desk should know of a record: not recorded (yet), thrown away, or by a wrong clock."""
    rows = PhoneCommand.objects.filter(kind=kind, subject_id=pk).filter(
        models.Q(state__in=[*OPEN, State.DISCARDED])
        | models.Q(clock_offset_ms__gt=SKEW / timedelta(milliseconds=1))
        | models.Q(clock_offset_ms__lt=-SKEW / timedelta(milliseconds=1))
    )
    return list(rows.filter(replaced_by=None).order_by("at", "id"))


def last_seen(user_ids: Iterable[int]) -> dict[int, PhoneDevice]:
    """The device that each person used last."""
    rows = PhoneDevice.objects.filter(user_id__in=list(user_ids)).order_by("last_seen_at")
    return {row.user_id: row for row in rows}


def unsent_at(user_id: int | None, user_agent: str) -> int:
    """How much his devices of this make still held when they were heard of last."""
    if user_id is None:
        return 0
    rows = PhoneDevice.objects.filter(user_id=user_id, user_agent=user_agent[:200])
    return rows.aggregate(held=models.Sum("unsent"))["held"] or 0


def seen(
    device: uuid.UUID,
    *,
    unsent: int | None = None,
    oldest_unsent_at: datetime | None = None,
    clock_offset_ms: int | None = None,
    app: str = "",
    user_agent: str = "",
    at: datetime,
    by: Actor,
) -> None:
    """Note that a device of this person was heard of. unsent: None if it does not say."""
    assert by.id is not None
    facts: dict[str, Any] = {"last_seen_at": at, "app": app, "user_agent": user_agent[:200]}
    if unsent is not None:
        facts |= {"unsent": unsent, "oldest_unsent_at": oldest_unsent_at if unsent else None}
    if clock_offset_ms is not None:
        facts["clock_offset_ms"] = clock_offset_ms
    PhoneDevice.objects.update_or_create(
        user_id=by.id,
        device=device,
        defaults=facts,
        create_defaults={**facts, "first_seen_at": at},
    )
