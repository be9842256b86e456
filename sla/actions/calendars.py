"""Calendars: each change of the hours writes a new version, and no version ever changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, TypedDict, Unpack
from zoneinfo import available_timezones

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.text import slugify
from django.utils.translation import gettext as _

from servicedesk.core.actions import action, lock, require, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record
from servicedesk.core.moments import day_of
from sla.events import CalendarChanged, CalendarCreated, CalendarRetired
from sla.holidays import PUBLIC, known_years, public_days
from sla.models import Calendar, CalendarVersion, PolicyVersion
from sla.worktime import NeverDue, after

MANAGE = "sla.manage"
MOST_DAYS = 2000
# Days of a version, by ISO date: {"name": …, "windows": [[from, to], …]}.
Days = Mapping[str, dict[str, Any]]
Week = list[list[list[int]]]


class CalendarFields(TypedDict, total=False):
    """What may change; `days` are all exceptions, not only new ones."""

    name: str
    zone: str
    weekly: Week
    days: Days
    follows_public_holidays: bool


@action
def create_calendar(
    *,
    code: str,
    name: str,
    zone: str,
    weekly: Week,
    days: Days | None = None,
    follows_public_holidays: bool = False,
    note: str = "",
    at: datetime,
    by: Actor,
) -> Calendar:
    """With `follows_public_holidays` the holidays of the known years come with it."""
    require(by, MANAGE)
    calendar = Calendar(
        code=_code(code), name=_name(name), follows_public_holidays=follows_public_holidays
    )
    exceptions = _by_hand(days or {})
    if follows_public_holidays:
        exceptions = _with_public(weekly, exceptions, at=at)
    first = CalendarVersion(zone=zone, weekly=weekly, days=exceptions)
    _check(first, at=at)
    try:
        with transaction.atomic():
            calendar.save()
    except IntegrityError as error:
        raise Refused(_("Another calendar has this code."), field="code") from error
    _publish(calendar, first, note, at=at, by=by)
    event = CalendarCreated(
        at=at, calendar_uid=str(calendar.uid), code=calendar.code, name=calendar.name, zone=zone
    )
    record(event, about=[calendar], by=by)
    return calendar


@action
def change_calendar(
    calendar: Calendar,
    *,
    note: str = "",
    expected: int | None = None,
    at: datetime,
    by: Actor,
    **changes: Unpack[CalendarFields],
) -> Calendar:
    """Change the given fields; new hours or days are a new version.

    expected: the number of the version that the change was made on, so that two people do not
    undo each other's days. Running deadlines keep the version they were started with.
    """
    _begin(calendar, by=by)
    old = _current(calendar)
    if expected is not None and expected != old.number:
        raise Refused(_("The calendar was changed by somebody else meanwhile. Look at it again."))
    fields = []
    if "name" in changes and _name(changes["name"]) != calendar.name:
        calendar.name = _name(changes["name"])
        fields.append("name")
    follows = changes.get("follows_public_holidays", calendar.follows_public_holidays)
    if follows != calendar.follows_public_holidays:
        calendar.follows_public_holidays = follows
        fields.append("follows_public_holidays")
    if fields:
        save_changes(calendar, *fields)
    new = CalendarVersion(
        zone=changes.get("zone", old.zone),
        weekly=changes.get("weekly", old.weekly),
        days=dict(sorted(changes.get("days", old.days).items())),
    )
    if follows and (new.weekly != old.weekly or "follows_public_holidays" in fields):
        # Make-up days have the hours of the week.
        new.days = _with_public(new.weekly, new.days, at=at)
    changed = [
        name for name in ("zone", "weekly", "days") if getattr(new, name) != getattr(old, name)
    ]
    if changed:
        _check(new, at=at)
        _publish(calendar, new, note, at=at, by=by)
    if fields or changed:
        event = CalendarChanged(
            at=at, calendar_uid=str(calendar.uid), name=calendar.name,
            number=_current(calendar).number, fields=(*fields, *changed),
            days=tuple(differing(old.days, new.days)), note=note,
        )  # fmt: skip
        record(event, about=[calendar], by=by)
    return calendar


@action
def set_days(
    calendar: Calendar,
    *,
    days: Days,
    note: str = "",
    expected: int | None = None,
    at: datetime,
    by: Actor,
) -> Calendar:
    """Add exceptions, or replace those of the same dates."""
    require(by, MANAGE)
    lock(calendar)
    both = {**_current(calendar).days, **_by_hand(days)}
    return change_calendar(calendar, days=both, note=note, expected=expected, at=at, by=by)


@action
def remove_day(calendar: Calendar, *, day: date, at: datetime, by: Actor) -> Calendar:
    """The day is like any of its weekday again."""
    require(by, MANAGE)
    lock(calendar)
    days = dict(_current(calendar).days)
    gone = days.pop(day.isoformat(), None)
    if gone is None:
        raise Refused(_("This day is no exception any more."))
    note = _("Removed: %(name)s") % {"name": gone["name"]}
    return change_calendar(calendar, days=days, note=note[:200], at=at, by=by)


@action
def update_holidays(calendar: Calendar, *, at: datetime, by: Actor) -> list[str]:
    """Bring the days of the public calendar up to date; returns the dates that changed.

    Days that a person set stay as they are, and so do past years.
    """
    require(by, MANAGE)
    lock(calendar)
    old = _current(calendar)
    days = _with_public(old.weekly, old.days, at=at)
    changed = differing(old.days, days)
    if changed:
        note = _("Public holidays until %(year)d") % {"year": known_years()[-1]}
        change_calendar(calendar, days=days, note=note, at=at, by=by)
    return changed


@action
def retire_calendar(calendar: Calendar, *, at: datetime, by: Actor) -> Calendar:
    """Not offered any more; deadlines that count by it go on."""
    _begin(calendar, by=by)
    using = PolicyVersion.objects.filter(
        calendar=calendar, policy__is_active=True, policy__current=F("pk")
    ).values_list("policy__name", flat=True)
    if using:
        raise Refused(
            _("Policies in use count by this calendar: %(names)s") % {"names": "、".join(using)}
        )
    calendar.is_active = False
    save_changes(calendar, "is_active")
    event = CalendarRetired(at=at, calendar_uid=str(calendar.uid), name=calendar.name)
    record(event, about=[calendar], by=by)
    return calendar


def differing(old: Days, new: Days) -> list[str]:
    """The dates at which two sets of exceptions differ, in order."""
    return sorted(day for day in {*old, *new} if old.get(day) != new.get(day))


def _begin(calendar: Calendar, *, by: Actor) -> None:
    lock(calendar)
    require(by, MANAGE)
    if not calendar.is_active:
        raise Refused(_("%(item)s is out of use already.") % {"item": calendar})


def _current(calendar: Calendar) -> CalendarVersion:
    assert calendar.current is not None, "a calendar is made with its first version"
    return calendar.current


def _publish(
    calendar: Calendar, version: CalendarVersion, note: str, *, at: datetime, by: Actor
) -> None:
    version.calendar = calendar
    version.number = (calendar.current.number if calendar.current else 0) + 1
    version.note, version.made_at, version.made_by = note.strip()[:200], at, by.label[:200]
    version.save()
    calendar.current = version
    save_changes(calendar, "current")


def _check(version: CalendarVersion, *, at: datetime) -> None:
    if version.zone not in available_timezones():
        raise Refused(_("This time zone is not known."), field="zone")
    if len(version.days) > MOST_DAYS:
        raise Refused(_("No more than %(limit)d exceptions.") % {"limit": MOST_DAYS}, field="days")
    try:
        work = version.worktime()
        after(work, at, timedelta(minutes=1))
    except NeverDue:
        raise Refused(
            _("A calendar needs working hours: with none, nothing would ever be due."),
            field="weekly",
        ) from None
    except (ValueError, TypeError, KeyError):
        raise Refused(
            _("The hours of a day are in order, do not overlap, and end by 24:00."), field="weekly"
        ) from None


def _with_public(weekly: Week, days: Days, *, at: datetime) -> dict[str, dict[str, Any]]:
    """The exceptions with the public calendar as it is known now, from this year on."""
    public = public_days(next((day for day in weekly if day), []), at.year)
    known = {str(year) for year in known_years() if year >= at.year}
    kept = {day: what for day, what in days.items() if not (what.get(PUBLIC) and day[:4] in known)}
    return dict(sorted({**public, **kept}.items()))


def _by_hand(days: Days) -> dict[str, dict[str, Any]]:
    """Days as they are stored; what a person sets is not the public calendar's any more."""
    found = {}
    for day, what in days.items():
        name = " ".join(str(what.get("name", "")).replace("\0", "").split())
        if not name or len(name) > 80:
            raise Refused(_("Each day needs a name of up to 80 characters."), field="name")
        known = day_of(day)
        if known is None or known.isoformat() != day:
            raise Refused(_("This is not a date: write 2026-10-01."), field="start")
        found[day] = {"name": name, "windows": what.get("windows", [])}
    return found


def _code(text: str) -> str:
    code = text.strip().lower()
    if not code or code != slugify(code) or len(code) > 30:
        raise Refused(
            _("A code has up to 30 letters, digits and hyphens, such as “office”."), field="code"
        )
    return code


def _name(text: str) -> str:
    name = " ".join(text.replace("\0", "").split())
    if not name:
        raise Refused(_("Enter a name."), field="name")
    if len(name) > 80:
        raise Refused(_("No more than %(limit)d characters.") % {"limit": 80}, field="name")
    return name
