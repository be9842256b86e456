"""A ladder in plain words: “Half of the time is used: owner is told”."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from sla.kinds import Step

PEOPLE: dict[str, Any] = {
    "owner": gettext_lazy("the owner"),
    "supervisor": gettext_lazy("the supervisor"),
    "manager": gettext_lazy("the manager"),
    "duty": gettext_lazy("whoever is on duty"),
}
CHANNELS: dict[str, Any] = {
    "app": gettext_lazy("in the app"),
    "email": gettext_lazy("by e-mail"),
    "chat": gettext_lazy("by chat"),
}


def sentence(step: Step) -> str:
    """When, who, how, and what else."""
    told = _("%(moment)s: tell %(people)s (%(ways)s)") % {
        "moment": moment(step),
        "people": "、".join(str(PEOPLE[name]) for name in step.to),
        "ways": "、".join(str(CHANNELS[name]) for name in step.by),
    }
    more = []
    if step.missed:
        more.append(_("the miss is noted"))
    if step.stops:
        more.append(_("who acknowledges it ends the ladder"))
    return "；".join([told, *more])


def sentences(steps: Iterable[Step]) -> list[str]:
    """In the order of their moments, as far as that is known without the time allowed."""
    return [sentence(step) for step in sorted(steps, key=_place)]


def moment(step: Step) -> str:
    if step.offset < timedelta(0):
        return _("%(time)s before the due time") % {"time": length(-step.offset)}
    if step.offset > timedelta(0):
        return _("%(time)s after the due time") % {"time": length(step.offset)}
    if step.share == 1:
        return _("At the due time")
    if step.share == 0:
        return _("At the start")
    if step.share == 0.5:
        return _("Half of the time gone")
    return _("%(share)d%% of the time are used") % {"share": round(step.share * 100)}


def length(time: timedelta) -> str:
    """Hours and minutes: “1 h 30 min”; days only where they are whole."""
    minutes = round(time.total_seconds() / 60)
    hours, rest = divmod(minutes, 60)
    parts = []
    if hours:
        parts.append(ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours})
    if rest or not hours:
        parts.append(ngettext("%(n)d minute", "%(n)d minutes", rest) % {"n": rest})
    return " ".join(parts)


def _place(step: Step) -> tuple[int, float]:
    seconds = step.offset.total_seconds()
    if seconds < 0:
        return 1, seconds
    return (2, seconds) if step.share == 1 else (0, step.share)


def unnamed(step_name: str, taken: Sequence[str]) -> str:
    """A name that no other step has."""
    name, number = step_name, 2
    while name in taken:
        name, number = f"{step_name}-{number}", number + 1
    return name
