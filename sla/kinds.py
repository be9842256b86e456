"""Kinds of deadlines and their ladders of steps. Pure arithmetic; knows no database.

An app names its kinds in `<app>/clocks.py`:

    RESOLUTION = define(Kind("ticket.resolution", _("Resolution"), steps=(
        Step("half", _("Half of the time is used"), share=0.5, to=("owner",)),
        Step("missed", _("Missed"), missed=True, to=("owner", "supervisor")),
        Step("manager", _("Missed by an hour"), offset=timedelta(hours=1), to=("manager",)),
    )))
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sla.worktime import Worktime, after, before

# Who can be told: the deadline's owner, his supervisors, the managers, whoever is on duty
# (accounts.queries.recipients).
PEOPLE = ("owner", "supervisor", "manager", "duty")
CHANNELS = ("app", "email", "chat")


@dataclass(frozen=True, slots=True)
class Step:
    """A rung: at `share` of the time allowed, plus `offset`, the people in `to` are told.

    The rung with `missed` stands at the due time itself and notes the miss.
    """

    name: str
    label: Any
    share: float = 1.0
    offset: timedelta = timedelta(0)
    to: tuple[str, ...] = ("owner",)
    missed: bool = False
    # How they hear of it.
    by: tuple[str, ...] = ("app", "email")
    # A person's word ends the ladder here: the later steps are not fired.
    stops: bool = False

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Step:
        """A step as a policy keeps it: `offset` in seconds, all else as here."""
        fields = {**row, "offset": timedelta(seconds=row.get("offset", 0))}
        for name in ("to", "by"):
            if name in fields:
                fields[name] = tuple(fields[name])
        return cls(**fields)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "label": str(self.label), "share": self.share,
            "offset": int(self.offset.total_seconds()), "to": list(self.to),
            "missed": self.missed, "by": list(self.by), "stops": self.stops,
        }  # fmt: skip

    def __post_init__(self) -> None:
        if not set(self.by) <= set(CHANNELS):
            raise ValueError(f"{self.name}: `by` names some of {', '.join(CHANNELS)}")
        if not self.to or not set(self.to) <= set(PEOPLE):
            raise ValueError(f"{self.name}: `to` names some of {', '.join(PEOPLE)}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"{self.name}: a share lies between 0 and 1")
        if self.missed and (self.share != 1 or self.offset):
            raise ValueError(f"{self.name}: the miss stands at the due time")

    @property
    def warns(self) -> bool:
        """It stands before the due time."""
        return self.share < 1 or self.offset < timedelta(0)


@dataclass(frozen=True, slots=True)
class Rung:
    """A step with its moment on the ladder of one deadline."""

    at: datetime
    step: Step


@dataclass(frozen=True, slots=True)
class Kind:
    """What the deadlines of one name have in common. Urgent ones may climb another ladder."""

    name: str
    label: Any
    steps: tuple[Step, ...]
    urgent_steps: tuple[Step, ...] = ()
    # Fired by what somebody does, at no moment of the ladder (`sla.telling.escalate_now`).
    calls: tuple[Step, ...] = ()
    # The time allowed where no policy says otherwise; none: the process names the due time.
    target: timedelta | None = None
    urgent_target: timedelta | None = None
    # How long its clock may stand still in all; none: it may not.
    longest_pause: timedelta | None = None

    def target_for(self, *, urgent: bool) -> timedelta | None:
        return (urgent and self.urgent_target) or self.target

    def steps_for(self, *, urgent: bool) -> tuple[Step, ...]:
        return (urgent and self.urgent_steps) or self.steps

    def __post_init__(self) -> None:
        for steps in (self.steps, self.urgent_steps):
            names = [step.name for step in steps]
            if len(set(names)) != len(names):
                raise ValueError(f"{self.name}: step names must differ")

    def label_of(self, step: str) -> Any:
        """The label of a step of either ladder; its name, if it was removed from the code."""
        known = {s.name: s.label for s in (*self.urgent_steps, *self.steps, *self.calls)}
        # A call has what it is about behind its name.
        name, _blank, about = step.partition(" ")
        return f"{known[name]} {about}" if about and name in known else known.get(step, step)


def ladder(
    steps: Iterable[Step],
    work: Worktime,
    *,
    started_at: datetime,
    due_at: datetime,
    allowed: timedelta,
) -> list[Rung]:
    """All rungs in the order of their moments, counted in working time.

    Moments before the due time are counted back from it: a pause has moved that, and with it all
    rungs that were still to come. `allowed` is the time that counts, without the pauses.
    """

    def moment(step: Step) -> datetime:
        ahead = allowed * (1 - step.share) - step.offset
        if not ahead:
            return due_at
        if ahead < timedelta(0):
            return after(work, due_at, -ahead)
        return before(work, due_at, ahead, not_before=started_at)

    rungs = [Rung(moment(step), step) for step in steps]
    return sorted(rungs, key=lambda rung: rung.at)  # stable: as listed, where moments agree


KINDS: dict[str, Kind] = {}


def define(kind: Kind) -> Kind:
    if KINDS.setdefault(kind.name, kind) != kind:
        raise ValueError(f"{kind.name} is defined twice")
    return kind


def label_of(kind: str) -> Any:
    return KINDS[kind].label if kind in KINDS else kind


def label_of_step(kind: str, step: str) -> Any:
    return KINDS[kind].label_of(step) if kind in KINDS else step


def done_with(ladder: list[Rung], fired: Collection[str], at: datetime) -> list[str]:
    """Steps that a ladder, moved at `at`, leaves out: they fired, and do not lie ahead again.

    So a step that fired fires again if it lies ahead again, and one that the move put into the
    past without having fired is not lost.
    """
    return [r.step.name for r in ladder if r.step.name in fired and r.at <= at]


def due_rungs(ladder: list[Rung], index: int, now: datetime) -> list[Rung]:
    """The rungs from `index` on whose moment has come."""
    return [rung for rung in ladder[index:] if rung.at <= now]


def silent_steps(due: list[Rung]) -> set[str]:
    """Names of the warnings that say nothing, because a later step is due at the same time.

    After an hour of silence nobody wants ten mails. The miss and what follows it go to people
    of their own and always speak.
    """
    return {rung.step.name for rung in due[:-1] if rung.step.warns}
