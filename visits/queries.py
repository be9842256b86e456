"""Questions about visits that several doors and actions ask."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from customers.models import Store
from servicedesk.core.actors import Actor
from servicedesk.core.models import Document, Entry
from servicedesk.core.moments import spoken
from servicedesk.core.rules import Answer, evaluate
from servicedesk.core.search import matching
from sla.models import Deadline
from tickets.states import TICKET
from visits.models import (
    ARRIVAL_ITEMS,
    CLOSING_ITEMS,
    DEPARTURE_ITEMS,
    USB_BACK,
    USB_OUT,
    ChecklistAnswer,
    Satisfaction,
    VisitOrder,
    VisitQuerySet,
    WorkRecord,
)
from visits.states import APPOINTED_AHEAD, FINAL, ON_SITE, WAITING_TIME, Status

# Where a plan counts that the customer has not agreed to yet.
ARRANGING = frozenset({Status.ASSIGNED, Status.ACCEPTED, Status.MISSED})
# Clocks of phones and servers differ a little.
AHEAD = timedelta(minutes=2)


def in_words(window_from: datetime | None, window_until: datetime | None) -> str:
    """`11月22日 14:00–15:00`, in local time; "" without a window."""
    if window_from is None or window_until is None:
        return ""
    start, end = timezone.localtime(window_from), timezone.localtime(window_until)
    last = f"{end:%H:%M}" if start.date() == end.date() else spoken(end)
    return f"{spoken(start)}–{last}"


def minutes_between(earlier: datetime, later: datetime) -> int:
    """Whole minutes; what has begun counts against us (14 min 59 s are 14)."""
    return math.floor((later - earlier) / timedelta(minutes=1))


def clashing(
    engineer: User, *, leave_at: datetime, until: datetime, but: VisitOrder
) -> list[VisitOrder]:
    """The engineer's other orders that stand in the way, travel included (VISIT-3)."""
    return list(
        VisitOrder.objects.filter(
            engineer=engineer,
            status__in=sorted(APPOINTED_AHEAD | ON_SITE),
            leave_at__lt=until,
            window_until__gt=leave_at,
        )
        .exclude(pk=but.pk)
        .select_related("store")
        .order_by("window_from")
    )


def may_call(visit: VisitOrder, actor: Actor) -> bool:
    """GEN-7: the whole number is needed by the engineer of the order, and while it is his turn."""
    mine = actor.id is not None and actor.kind == "user" and visit.engineer_id == actor.id
    return mine and visit.status not in FINAL | {Status.HANDED_IN}


def must_be_there_by(visit: VisitOrder) -> datetime | None:
    """The moment that the customer counts on: appointment, or the ticket's time limit."""
    if visit.window_from is not None and visit.status in APPOINTED_AHEAD:
        return visit.window_from
    return visit.ticket.due_at if visit.ticket is not None else None


def too_late_to_call(visit: VisitOrder, moment: datetime) -> bool:
    """VISIT-5: who tries again only at `moment` cannot be there in time any more."""
    latest = must_be_there_by(visit)
    return latest is not None and moment >= latest - timedelta(minutes=visit.travel_minutes)


@dataclass(frozen=True, slots=True)
class Experience:
    """What the engineer has done with a fault category so far (VISIT-4)."""

    seen: int
    failed: int

    @property
    def enough(self) -> bool:
        return self.seen > 0 and self.failed == 0


def experience(visit: VisitOrder, engineer_id: int | None) -> Experience | None:
    """None where the order names no fault category."""
    if visit.category_id is None or engineer_id is None:
        return None
    results = list(
        WorkRecord.objects.filter(visit__engineer_id=engineer_id)
        .filter(Q(category_id=visit.category_id) | Q(visit__category_id=visit.category_id))
        .exclude(visit=visit)
        .exclude(result="")
        .values_list("result", flat=True)
    )
    return Experience(len(results), results.count(WorkRecord.Result.NOT_SOLVED))


def similar_solved(visit: VisitOrder, *, limit: int = 3) -> list[WorkRecord]:
    """How colleagues solved the same fault on the same product."""
    if visit.category_id is None:
        return []
    found = WorkRecord.objects.filter(
        category_id=visit.category_id, result=WorkRecord.Result.SOLVED
    ).exclude(visit=visit)
    if visit.installation is not None:
        found = found.filter(visit__installation__product_id=visit.installation.product_id)
    return list(found.select_related("visit__store", "visit__engineer").order_by("-id")[:limit])


def ticked(visit: VisitOrder, of: str) -> dict[str, ChecklistAnswer]:
    """The answers of one checklist by item."""
    return {row.item: row for row in visit.checklist.all() if row.list == of}


def is_unprepared(visit: VisitOrder) -> bool:
    """He could set off, and has not ticked what he takes along (VISIT-9, VISIT-10)."""
    return visit.status in {Status.ACCEPTED, Status.APPOINTED} and not ticked(
        visit, ChecklistAnswer.List.DEPARTURE
    )


def service_form(visit: VisitOrder) -> Document | None:
    """The newest version of the service form."""
    return newest_document(visit.number)


def newest_document(number: str) -> Document | None:
    return Document.objects.filter(number=number).order_by("-version").first()


def documents_of(visit: VisitOrder) -> list[Document]:
    """Service form and notes, newest first, without what was replaced before it was signed."""
    return list(
        Document.objects.filter(subject_kind="visits.visitorder", subject_id=visit.pk)
        .exclude(status=Document.Status.VOID)
        .prefetch_related("signatures")
        .order_by("-id")
    )


@dataclass(frozen=True, slots=True)
class Wait:
    """A stretch of time on which nothing could be done."""

    since: datetime
    until: datetime | None
    reason: str


def waits(visit: VisitOrder) -> list[Wait]:
    """For the customer, from the journal; interruptions have rows of their own."""
    found: list[Wait] = []
    entries = Entry.objects.filter(
        subjects__kind="visits.visitorder", subjects__object_id=visit.pk,
        type__in=["visit.waiting", "visit.met", "visit.note_left", "visit.rearranged"],
    ).order_by("at", "id")  # fmt: skip
    for entry in entries:
        if entry.type == "visit.waiting":
            found.append(Wait(entry.at, None, str(entry.data.get("asked", ""))))
        elif found and found[-1].until is None:
            found[-1] = Wait(found[-1].since, entry.at, found[-1].reason)
    return found


@dataclass(frozen=True, slots=True)
class Gap:
    """What the form still lacks; `blocks`: it cannot be archived so."""

    text: Any
    blocks: bool


# The worker's business, and nothing that an engineer could bring.
def returned_for(visit: VisitOrder) -> str:
    """What the desk asked for when it sent the form back; "" once it is handed in again."""
    if visit.status != Status.SIGNED:
        return ""
    last = (
        Entry.objects.filter(
            type__in=("visit.returned", "visit.handed_in"),
            subjects__kind=VisitOrder._meta.label_lower, subjects__object_id=visit.pk,
        )
        .order_by("at", "pk")
        .last()
    )  # fmt: skip
    return str(last.data["reason"]) if last is not None and last.type == "visit.returned" else ""


NOT_SEALED = gettext_lazy("The form is not sealed yet")


def handbook_gaps(visit: VisitOrder) -> list[Gap]:
    """Which rules of the handbook this visit has broken by now; none of them blocks."""
    return [
        Gap(
            f"{rule.id} {rule.title}" + (f" · {finding.note}" if finding.note else ""), blocks=False
        )
        for rule, finding in evaluate(visit)
        if finding.answer == Answer.BROKEN
    ]


def lacking(visit: VisitOrder) -> list[Gap]:
    """The desk's check list, made by rules (VISIT-23): what is missing, the worst first."""
    document, work = service_form(visit), WorkRecord.objects.filter(visit=visit).first()
    rows = list(ChecklistAnswer.objects.filter(visit=visit))
    given = {row.item: row.ticked for row in rows}
    lists = {row.list for row in rows}
    refused = bool(visit.signature_refused)
    sealed = document is not None and document.status == Document.Status.SEALED
    names = {**DEPARTURE_ITEMS, **ARRIVAL_ITEMS, **CLOSING_ITEMS}
    candidates = [
        (not sealed, NOT_SEALED, not refused),
        (refused, _("The customer did not sign: %s") % visit.signature_refused, False),
        (work is None or not work.findings, _("No findings"), True),
        (work is None or not work.cause, _("No cause named"), False),
        (work is None or not work.category_id, _("No fault category"), False),
        (not refused and not Satisfaction.objects.filter(visit=visit).exists(),
         _("No rating by the customer"), False),
        (USB_OUT in given and USB_BACK not in given,
         _("USB drive not scanned on return"), True),
        (ChecklistAnswer.List.DEPARTURE not in lists, _("No departure checklist"), False),
        (any(not part.serial for part in visit.parts.all()),
         _("A part without serial number"), False),
        *((not ticked, _("Not ticked: %s") % names[item], False)
          for item, ticked in given.items() if item in names),
    ]  # fmt: skip
    found = [Gap(text, blocks) for missing, text, blocks in candidates if missing]
    return sorted(found, key=lambda gap: not gap.blocks)


# --- what the engineer does next --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NextRule:
    """In this status this act is next, under its condition; a phone without a network reads it, too.

    unless_done, when_done: of another act. minutes_after: that act, and how long ago.
    """

    status: str
    verb: str
    unless_done: str = ""
    when_done: str = ""
    minutes_after: tuple[str, int] | None = None


# The first that fits.
NEXT_RULES = (
    NextRule(Status.ASSIGNED, "accept"),
    NextRule(Status.ACCEPTED, "appoint"),
    NextRule(Status.APPOINTED, "prepare", unless_done="prepare"),
    NextRule(Status.APPOINTED, "depart"),
    NextRule(Status.EN_ROUTE, "arrive"),
    NextRule(Status.ARRIVED, "start_work"),
    NextRule(
        Status.WAITING, "leave_note",
        minutes_after=("wait_for_customer", int(WAITING_TIME / timedelta(minutes=1))),
    ),
    NextRule(Status.WAITING, "meet"),
    NextRule(Status.MISSED, "appoint"),
    NextRule(Status.WORKING, "finish", when_done="record_work"),
    NextRule(Status.WORKING, "record_work"),
    NextRule(Status.INTERRUPTED, "resume"),
    NextRule(Status.FINISHED, "present_form"),
    NextRule(Status.SIGNED, "hand_in"),
)  # fmt: skip


def next_step(visit: VisitOrder, *, now: datetime) -> str:
    """The one right act: the big button. "" where it is somebody else's turn."""
    rules = [rule for rule in NEXT_RULES if rule.status == visit.status]
    done = done_acts(visit) if len(rules) > 1 else set()
    for rule in rules:
        waits = rule.minutes_after is not None and not waited_enough(visit, now=now)
        if waits or rule.unless_done in done or (rule.when_done and rule.when_done not in done):
            continue
        return rule.verb
    return ""


def done_acts(visit: VisitOrder) -> set[str]:
    """Which of the acts that do not change the status are done, so that the next one is due."""
    candidates = {
        "prepare": bool(ticked(visit, ChecklistAnswer.List.DEPARTURE)),
        "record_work": is_recorded(visit),
    }
    return {name for name, is_done in candidates.items() if is_done}


def waited_enough(visit: VisitOrder, *, now: datetime) -> bool:
    until = note_allowed_at(visit)
    return until is not None and now >= until


def note_allowed_at(visit: VisitOrder) -> datetime | None:
    return visit.waiting_since + WAITING_TIME if visit.waiting_since else None


NEEDED = ("findings", "work_done", "tested_by", "test_result", "result")


def is_recorded(visit: VisitOrder) -> bool:
    """The work record has what `finish` asks for."""
    work = getattr(visit, "work", None)
    return work is not None and all(str(getattr(work, name)).strip() for name in NEEDED)


# At hand above all else: what a customer who waits must be told at once.
QUICK = ("tell_late", "rearrange")

# What a photo shows, and when it is taken with one tap.
PHOTOS = {
    "before": gettext_lazy("Before the work"),
    "after": gettext_lazy("After the work"),
    "note": gettext_lazy("The note left"),
    "other": gettext_lazy("Something else"),
}
PHOTO_TAPS: dict[str, tuple[str, Any]] = {
    Status.ARRIVED: ("before", gettext_lazy("Photo before")),
    Status.WORKING: ("after", gettext_lazy("Photo after")),
    Status.WAITING: ("note", gettext_lazy("Photo of the note")),
    Status.MISSED: ("note", gettext_lazy("Photo of the note")),
    Status.FINISHED: ("after", gettext_lazy("Photo after")),
}


def photos_now(status: str) -> list[tuple[str, Any]]:
    """Before the work until it begins, and also just then; afterwards how it was left."""
    found = [PHOTO_TAPS[status]] if status in PHOTO_TAPS else []
    return [PHOTO_TAPS[Status.ARRIVED], *found] if status == Status.WORKING else found


# --- lists ------------------------------------------------------------------------------------


def visit_list(actor: Actor, wanted: Mapping[str, Any]) -> VisitQuerySet:
    """The visits that view and filters name, with what a row shows."""
    found = VisitOrder.objects.visible_to(actor).select_related(
        "store", "engineer", "ticket", "category"
    )
    view = wanted.get("view") or "open"
    if view in VIEWS:
        found = found.filter(VIEWS[view])
    if wanted.get("status"):
        found = found.filter(status=wanted["status"])
    if wanted.get("engineer"):
        found = found.filter(engineer=wanted["engineer"])
    if wanted.get("day"):
        start, end = bounds_of(wanted["day"])
        found = found.filter(window_from__gte=start, window_from__lt=end)
    if text := (wanted.get("q") or "").strip():
        own = matching(VisitOrder.objects.all(), text, "number", "contact_name", "address", "need")
        stores = matching(
            Store.objects.all(), text, "code", "name", "pinyin", "city", "district", "address",
            "phone_digits",
        )  # fmt: skip
        found = found.filter(Q(pk__in=own.values("pk")) | Q(store__in=stores.values("pk")))
    return found


VIEWS: dict[str, Q] = {
    "open": ~Q(status__in=sorted(FINAL)),
    "unassigned": Q(status=Status.ORDERED),
    "unsigned": Q(status__in=[Status.FINISHED, Status.SIGNED]),
    "to_check": Q(status=Status.HANDED_IN),
    "to_follow_up": Q(status=Status.ARCHIVED, followed_up_at=None),
    "missed": Q(status=Status.MISSED),
    "done": Q(status__in=sorted(FINAL)),
    "all": Q(),
}


def most_pressing_first(visits: VisitQuerySet) -> VisitQuerySet:
    """With `next_due_at` to order by; what nothing watches comes by the time of its order."""
    kind = VisitOrder._meta.label_lower
    watching = Deadline.objects.open().filter(subject_kind=kind, subject_id=OuterRef("pk"))
    first = Subquery(watching.order_by("due_at").values("due_at")[:1])
    return visits.annotate(next_due_at=Coalesce(first, "ordered_at"))


def unassigned_count(actor: Actor) -> int:
    return VisitOrder.objects.visible_to(actor).filter(VIEWS["unassigned"]).count()


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """A local day as two moments."""
    start = datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())
    return start, start + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Day:
    """The engineer's day in the order in which things come."""

    now: list[VisitOrder]
    today: list[VisitOrder]
    to_arrange: list[VisitOrder]
    papers: list[VisitOrder]
    later: list[VisitOrder]

    @property
    def count(self) -> int:
        return len(self.now) + len(self.today)

    @property
    def visits(self) -> list[VisitOrder]:
        return [*self.now, *self.today, *self.to_arrange, *self.papers, *self.later]

    @property
    def sections(self) -> list[tuple[str, list[VisitOrder]]]:
        return [
            (_("Now"), self.now),
            (_("Today"), self.today),
            (_("To be accepted or arranged"), self.to_arrange),
            (_("Forms to be signed and handed in"), self.papers),
            (_("Later"), self.later),
        ]


# The same sections for a telephone without a network, which sorts by itself: the status it takes a
# visit for, and whether the window must lie before or after midnight.
PHONE_DAY: tuple[tuple[Any, dict[str, Any]], ...] = (
    (gettext_lazy("Now"), {"statuses": sorted(ON_SITE | {Status.EN_ROUTE})}),
    (gettext_lazy("Today"), {"statuses": [Status.APPOINTED], "tonight": "before"}),
    (
        gettext_lazy("To be accepted or arranged"),
        {"statuses": [Status.ASSIGNED, Status.ACCEPTED, Status.MISSED]},
    ),
    (
        gettext_lazy("Forms to be signed and handed in"),
        {"statuses": [Status.FINISHED, Status.SIGNED]},
    ),
    (gettext_lazy("Later"), {"statuses": [Status.APPOINTED], "tonight": "after"}),
)


def day_of(engineer_id: int, *, now: datetime) -> Day:
    """One query and its prefetches, however many orders there are."""
    rows = list(
        VisitOrder.objects.filter(engineer_id=engineer_id)
        .exclude(status__in=sorted(FINAL | {Status.HANDED_IN}))
        .select_related("store", "category", "work")
        .prefetch_related("checklist", "attempts", "appointments")
        .order_by("window_from", "id")
    )
    _start, tonight = bounds_of(timezone.localdate(now))
    on_the_way = ON_SITE | {Status.EN_ROUTE}
    ahead = [row for row in rows if row.status == Status.APPOINTED and row.window_from]
    return Day(
        now=[row for row in rows if row.status in on_the_way],
        today=[row for row in ahead if row.window_from and row.window_from < tonight],
        to_arrange=[
            row for row in rows if row.status in {Status.ASSIGNED, Status.ACCEPTED, Status.MISSED}
        ],
        papers=[row for row in rows if row.status in {Status.FINISHED, Status.SIGNED}],
        later=[row for row in ahead if row.window_from and row.window_from >= tonight],
    )


def clashes(visits: Iterable[VisitOrder], *, now: datetime) -> dict[int, VisitOrder]:
    """Which of an engineer's orders another one stands in the way of, travel included (VISIT-3).

    Whoever is still on site is taken at least until now, so an hour that runs over shows in time.
    """
    taken = []
    for visit in visits:
        if visit.status in APPOINTED_AHEAD | ON_SITE and visit.leave_at and visit.window_until:
            until = visit.window_until
            taken.append(
                (visit, visit.leave_at, max(until, now) if visit.status in ON_SITE else until)
            )
        elif visit.planned_from and visit.planned_until and visit.status in ARRANGING:
            leave = visit.planned_from - timedelta(minutes=visit.travel_minutes)
            taken.append((visit, leave, visit.planned_until))
    found: dict[int, VisitOrder] = {}
    for visit, leave, until in taken:
        for other, other_leave, other_until in taken:
            if other.pk != visit.pk and leave < other_until and other_leave < until:
                found.setdefault(visit.pk, other)
    return found


def clash_of(visit: VisitOrder, *, now: datetime) -> dict[int, VisitOrder]:
    """The same for one order alone; empty where nothing is in its way."""
    if visit.engineer_id is None or visit.status not in APPOINTED_AHEAD | ARRANGING:
        return {}
    others = VisitOrder.objects.filter(engineer_id=visit.engineer_id).filter(
        Q(status__in=sorted(APPOINTED_AHEAD | ON_SITE), leave_at__isnull=False)
        | Q(status__in=sorted(ARRANGING), planned_from__isnull=False)
    )
    rows = others.select_related("store").order_by("window_from", "id")
    return {pk: other for pk, other in clashes(rows, now=now).items() if pk == visit.pk}


def windows_from(engineer_id: int | None, day: date, *, but: VisitOrder) -> list[VisitOrder]:
    """What the engineer has agreed on from a day on: seen while he telephones (VISIT-3)."""
    start, _end = bounds_of(day)
    return list(
        VisitOrder.objects.filter(
            engineer_id=engineer_id, window_from__gte=start,
            status__in=sorted(APPOINTED_AHEAD | ON_SITE),
        )
        .exclude(pk=but.pk)
        .select_related("store")
        .order_by("window_from")[:8]
    )  # fmt: skip


def workload(actor: Actor, day: date) -> list[tuple[User, int]]:
    """The engineers, and how many visits each has on a day."""
    start, end = bounds_of(day)
    engineers = (
        User.objects.visible_to(actor)
        .able_to("visits.work")
        .annotate(
            busy=Count(
                "visits",
                filter=Q(visits__window_from__gte=start, visits__window_from__lt=end)
                & ~Q(visits__status=Status.CANCELLED),
            )
        )
    )
    rows: list[Any] = list(engineers)
    return [(engineer, engineer.busy) for engineer in rows]


# --- one visit --------------------------------------------------------------------------------

RESOLVABLE = TICKET["resolve"].sources
SIGNED_OR_LATER = frozenset({Status.SIGNED, Status.HANDED_IN, Status.ARCHIVED})


def for_page(visits: VisitQuerySet) -> VisitQuerySet:
    """With everything that the page of a visit shows."""
    return visits.select_related(
        "store", "customer", "contact", "engineer", "ordered_by", "ticket", "category",
        "installation__product", "work__category", "satisfaction",
    ).prefetch_related("checklist", "appointments__replaces", "parts__stock", "attempts", "notes",
                       "interruptions")  # fmt: skip


def steps(visit: VisitOrder) -> list[tuple[Any, str, datetime | None]]:
    """The way of a visit for the stepper: label, done/current/todo, when."""
    line = [
        (_("Ordered"), visit.ordered_at),
        (_("Accepted"), visit.accepted_at),
        (_("Appointment"), visit.window_from),
        (_("Arrived"), visit.arrived_at),
        (_("Work done"), visit.finished_at),
        (_("Signed"), visit.signed_at),
        (_("Handed in"), visit.handed_in_at),
        (_("Archived"), visit.archived_at),
    ]
    # The last one that is true of it: what stands out says how it is, not what is to come.
    reached = REACHED.get(visit.status, 0) - 1
    return [
        (label, "current" if i == reached else "done" if i < reached else "todo",
         at if i <= reached or i == 2 else None)
        for i, (label, at) in enumerate(line)
    ]  # fmt: skip


# How many steps of the way are done.
REACHED: dict[str, int] = {
    Status.ORDERED: 1, Status.ASSIGNED: 1, Status.ACCEPTED: 2, Status.APPOINTED: 3,
    Status.EN_ROUTE: 3, Status.MISSED: 2, Status.ARRIVED: 4, Status.WAITING: 4, Status.WORKING: 4,
    Status.INTERRUPTED: 4, Status.FINISHED: 5, Status.SIGNED: 6, Status.HANDED_IN: 7,
    Status.ARCHIVED: 8,
}  # fmt: skip
