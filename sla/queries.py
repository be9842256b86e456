"""What is due, who was told, why a deadline is where it is, and whether anybody sweeps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, models
from django.db.models import Prefetch, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from servicedesk.core.actors import Actor
from servicedesk.core.events import subject_key
from servicedesk.core.models import OutboxMessage
from servicedesk.core.subjects import Key
from sla.kinds import KINDS
from sla.models import Deadline, DeadlineQuerySet, Escalation, EscalationQuerySet
from sla.telling import chat_key, mail_key
from sla.worktime import counted, elapsed

# No process has swept for this long, or a step waits for it: an alarm (reliability.md §3.1).
SILENCE = timedelta(seconds=15)
OVERDUE = timedelta(seconds=10)


def deadlines_of(
    subjects: Iterable[models.Model | Key], *, open_only: bool = False
) -> dict[Key, list[Deadline]]:
    """The deadlines of many records in one query per kind of record, the earliest first.

    Every subject is a key of the answer, also one without deadlines.
    """
    found: dict[Key, list[Deadline]] = {subject_key(subject): [] for subject in subjects}
    wanted: dict[str, list[int]] = defaultdict(list)
    for kind, pk in found:
        wanted[kind].append(pk)
    for kind, pks in wanted.items():
        rows = Deadline.objects.filter(subject_kind=kind, subject_id__in=pks)
        for deadline in rows.open() if open_only else rows:
            found[deadline.subject].append(deadline)
    return found


def with_all(subject: Key) -> list[Deadline]:
    """All deadlines of the record with moves, escalations and owner: open ones, then late ones."""
    kind, pk = subject
    rows = (
        Deadline.objects.filter(subject_kind=kind, subject_id=pk)
        .select_related("owner", "calendar", "terms__policy")
        .prefetch_related(
            "moves",
            Prefetch("escalations", Escalation.objects.select_related("acknowledged_by")),
        )
    )
    return sorted(rows, key=lambda d: (not d.is_open, not d.late, d.due_at, d.pk))


def people_told(escalations: Iterable[Escalation]) -> dict[int, str]:
    """Names of all who were told, by primary key."""
    wanted = {pk for escalation in escalations for pk in escalation.told}
    return dict(User.objects.get_queryset().filter(pk__in=wanted).values_list("pk", "name"))


@dataclass(frozen=True, slots=True)
class Delivery:
    """By which message an escalation went to somebody, and what became of it."""

    name: str
    message: OutboxMessage

    @property
    def carrier(self) -> OutboxMessage:
        """The digest that names it, or the message itself."""
        return self.message.digest or self.message

    @property
    def state(self) -> str:
        return str(self.message.get_status_display())

    @property
    def waits_until(self) -> datetime | None:
        held = {OutboxMessage.State.HELD, OutboxMessage.State.COLLECTED}
        return self.message.next_attempt_at if self.message.status in held else None


def deliveries(
    escalations: Iterable[Escalation], names: Mapping[int, str]
) -> dict[int, list[Delivery]]:
    """The e-mails and chat messages of many escalations, in one query."""
    keys: dict[str, tuple[int, str]] = {}
    for escalation in escalations:
        if escalation.told:
            keys[chat_key(escalation.pk)] = escalation.pk, str(_("Chat"))
        for pk in escalation.told:
            keys[mail_key(escalation.pk, pk)] = escalation.pk, names.get(pk, "")
    found: dict[int, list[Delivery]] = defaultdict(list)
    sent = OutboxMessage.objects.filter(dedup_key__in=keys).select_related("digest")
    for message in sent.order_by("id"):
        pk, name = keys[message.dedup_key]
        found[pk].append(Delivery(name, message))
    return found


# --- Lists --------------------------------------------------------------------------------------


def scopes(actor: Actor) -> list[str]:
    """Whose lists this person may open: "mine", "team", "all"."""
    if actor.may("sla.see_all"):
        return ["mine", "team", "all"] if actor.team_id else ["mine", "all"]
    leads = User.objects.get_queryset().filter(team__leader=actor.id).exists()
    return ["mine", "team"] if leads else ["mine"]


def due(actor: Actor, scope: str, *, kind: str = "") -> DeadlineQuerySet:
    """Open deadlines that the actor may see, of one scope."""
    found = Deadline.objects.visible_to(actor).open().select_related("owner")
    if scope == "mine":
        found = found.filter(owner=actor.id)
    elif scope == "team":
        found = found.filter(owner__in=_team_of(actor))
    return found.filter(kind=kind) if kind in KINDS else found


def escalations(actor: Actor, scope: str, *, open_only: bool = True) -> EscalationQuerySet:
    """What the scope's people were told; all of it, or only what waits for a word."""
    found = Escalation.objects.visible_to(actor).filter(superseded=False)
    found = found.select_related("deadline__owner", "acknowledged_by")
    if scope == "mine":
        found = found.told_to(actor)
    elif scope == "team":
        found = found.filter(deadline__owner__in=_team_of(actor))
    return found.open() if open_only else found


def _team_of(actor: Actor) -> models.QuerySet[User]:
    """The people of the actor's own team and of those he leads."""
    mine = Q(team__leader=actor.id)
    if actor.team_id:
        mine |= Q(team=actor.team_id)
    return User.objects.get_queryset().filter(mine)


def open_escalations_of(actor: Actor) -> int:
    """The badge in the navigation."""
    return Escalation.objects.told_to(actor).open().count()


# --- Why it is where it is ------------------------------------------------------------------------


class Why(models.TextChoices):
    """Why a stretch of time counts or does not."""

    WORK = "work", _("Counts")
    PAUSE = "pause", _("Pause")
    OFF = "off", _("Outside working hours")
    DAY_OFF = "day_off", _("Day off")


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of a deadline's time; only `Why.WORK` used up the time allowed.

    `end` is None while a pause lasts. `reason`: of the pause, or the name of the day off.
    """

    start: datetime
    end: datetime | None
    why: Why
    reason: str = ""

    @property
    def counts(self) -> bool:
        return self.why == Why.WORK

    @property
    def length(self) -> timedelta | None:
        return None if self.end is None else self.end - self.start

    @property
    def shown(self) -> timedelta:
        """Between the two moments as they are written, in whole seconds, so that a sum over them
        is right for whoever adds it up."""
        end = self.end or self.start
        return end.replace(microsecond=0) - self.start.replace(microsecond=0)


def explain(deadline: Deadline) -> list[Interval]:
    """Every interval from the start to the due time, without gap or overlap.

    The counted ones add up, to the second, to the time allowed. While a pause lasts it is the
    last interval, and what remains of the time allowed (`remaining`) comes after it.
    """
    found: list[Interval] = []
    at = deadline.started_at
    for pause in deadline.pauses():
        began, ended = pause.hold
        if began > deadline.due_at:
            break
        found += _stretches(deadline, at, began)
        at = min(ended, deadline.due_at)
        found.append(Interval(began, at, Why.PAUSE, pause.reason))
    stopped = deadline.paused_at
    if stopped is not None and stopped <= deadline.due_at:
        found += _stretches(deadline, at, stopped)
        return [*found, Interval(stopped, None, Why.PAUSE, deadline.pause_reason)]
    return found + _stretches(deadline, at, deadline.due_at)


def _stretches(deadline: Deadline, start: datetime, end: datetime) -> list[Interval]:
    """Working time and what lies between, with the names of days off."""
    found: list[Interval] = []
    at = start
    for began, ended in counted(deadline.work, start, end):
        found += _off(deadline, at, began)
        found.append(Interval(began, ended, Why.WORK))
        at = ended
    return found + _off(deadline, at, end)


def _off(deadline: Deadline, start: datetime, end: datetime) -> list[Interval]:
    """Time off, cut at the midnights between a day that has a name and one that has not."""
    calendar = deadline.calendar
    if start >= end or calendar is None:
        return []
    zone = ZoneInfo(calendar.zone)
    found: list[Interval] = []
    while start < end:
        day = start.astimezone(zone).date()
        midnight = datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)
        until, name = min(end, midnight), calendar.name_of(day)
        why = Why.DAY_OFF if name else Why.OFF
        last = found[-1] if found else None
        if last and (last.why, last.reason) == (why, name):
            found[-1] = Interval(last.start, until, why, name)
        else:
            found.append(Interval(start, until, why, name))
        start = until
    return found


def remaining(deadline: Deadline) -> timedelta | None:
    """What was left when the running pause began; None if the deadline is not paused."""
    if deadline.paused_at is None:
        return None
    return elapsed(deadline.work, deadline.paused_at, deadline.due_at)


def late_by(deadline: Deadline, promise: datetime) -> timedelta | None:
    """How long after `promise` it was done, counted as the time allowed is; None if not later."""
    if deadline.met_at is None or deadline.met_at <= promise:
        return None
    return elapsed(deadline.work, promise, deadline.met_at)


# --- Does anybody sweep? --------------------------------------------------------------------------


def engine_silent() -> bool:
    """No worker has swept lately, or a due step is still waiting: deadlines pass unseen."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM core_heartbeat"
            "  WHERE beat_at > statement_timestamp() - make_interval(secs => %s))"
            " OR EXISTS (SELECT FROM sla_deadline WHERE status = 'running'"
            "  AND next_step_at < statement_timestamp() - make_interval(secs => %s))",
            [SILENCE.total_seconds(), OVERDUE.total_seconds()],
        )
        silent: bool = cursor.fetchone()[0]
    return silent
