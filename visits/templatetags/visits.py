"""The few words that the pages of visits need besides the common ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from servicedesk.core.actors import Actor
from visits import planning, queries
from visits.clocks import Count, counts_of
from visits.models import VisitOrder
from visits.states import APPOINTED_AHEAD, ON_SITE, VISIT, Status

register = template.Library()


@register.simple_tag
def window(visit: Any) -> str:
    """`14:00–15:00` today, with the day otherwise."""
    return _window(visit.window_from, visit.window_until)


@register.simple_tag
def plan_window(visit: VisitOrder) -> str:
    """The same of what the desk intends."""
    return _window(visit.planned_from, visit.planned_until)


def _window(window_from: datetime | None, window_until: datetime | None) -> str:
    if window_from is None or window_until is None:
        return ""
    start, end = timezone.localtime(window_from), timezone.localtime(window_until)
    clock = f"{start:%H:%M}–{end:%H:%M}"
    today = timezone.localdate()
    if start.date() == today:
        return clock
    if start.date() == today + timedelta(days=1):
        return _("tomorrow %(time)s") % {"time": clock}
    return f"{date_format(start, _('M j'))} {clock}"


@register.simple_tag
def counts(visit: VisitOrder, now: datetime | None) -> list[Count]:
    """What there is to count down to; nothing for a page that the telephone completes by itself."""
    if now is None:
        return []
    return [count for count in counts_of(visit) if count.counts(visit.status, now)]


@register.simple_tag
def clash_text(other: VisitOrder) -> str:
    """With whom a time clashes."""
    if other.window_from is not None and other.status in APPOINTED_AHEAD | ON_SITE:
        when = _window(other.window_from, other.window_until)
    else:
        when = _window(other.planned_from, other.planned_until)
    return _("Clash: %(time)s %(store)s") % {"time": when, "store": other.store.name}


@register.simple_tag
def closed_then(visit: VisitOrder) -> str:
    """A warning, where its time lies outside of the opening hours of the store."""
    if not planning.outside_opening(visit):
        return ""
    return _("Outside of the store's opening hours (%(hours)s)") % {
        "hours": visit.store.opening_hours
    }


@register.filter
def logs_calls(visit: VisitOrder) -> bool:
    """Whether a call to the customer is written down as an attempt now."""
    return visit.status in VISIT["log_attempt"].sources


@register.filter
def map_url(visit: VisitOrder) -> str:
    """Opens the map that is usual in China, in its app where there is one."""
    return f"https://uri.amap.com/search?keyword={quote(visit.address)}"


@register.filter
def of(found: Mapping[int, Any], key: int) -> Any:
    """The entry of a mapping, None where there is none."""
    return found.get(key)


@register.simple_tag
def thumb_note(visit: VisitOrder, now: datetime) -> str:
    """The one sentence above the big button."""
    leave = timezone.localtime(visit.leave_at).strftime("%H:%M") if visit.leave_at else ""
    if visit.status == Status.APPOINTED and visit.leave_at and visit.window_from:
        if timezone.localdate(visit.window_from) != timezone.localdate(now):
            return ""
        return _("Set off by %(leave)s (%(travel)d min of travel)") % {
            "leave": leave, "travel": visit.travel_minutes,
        }  # fmt: skip
    if visit.status == Status.EN_ROUTE and visit.window_from:
        start = timezone.localtime(visit.window_from).strftime("%H:%M")
        return _("Agreed for %(time)s; be there 5 to 10 minutes before") % {"time": start}
    return str(NOTES.get(visit.status, ""))


NOTES: dict[str, Any] = {
    Status.ASSIGNED: gettext_lazy("Read the order, then accept it or send it back"),
    Status.ACCEPTED: gettext_lazy("Call the customer and agree on a time"),
    Status.MISSED: gettext_lazy("Call the customer and agree on a new time"),
    Status.ARRIVED: gettext_lazy("Tidy up, report to the front desk, show your badge"),
}


@register.filter
def may_be_called_by(visit: VisitOrder, actor: Actor) -> bool:
    """Whether the whole number is shown to him, to be tapped (GEN-7)."""
    return queries.may_call(visit, actor)
