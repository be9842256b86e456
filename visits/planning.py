"""Who could go, and when: the dispatch board and its proposals. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from customers.models import Store
from servicedesk.core.actors import Actor
from servicedesk.core.models import PhoneDevice
from sla import hours
from sla.models.policies import worktime_of
from sla.policies import Scope, choose
from sla.worktime import Worktime, counted, elapsed
from tickets.states import OPEN
from visits.models import Offer, VisitOrder, WorkRecord
from visits.queries import ARRANGING, bounds_of
from visits.slots import (
    Busy,
    Candidate,
    Near,
    Place,
    Skill,
    Slot,
    Span,
    both,
    free_slots,
    nearness,
    ranked,
    varied,
    way,
)
from visits.states import APPOINTED_AHEAD, BEFORE_ARRIVAL, ON_SITE, VISIT, Status

# Where no calendar is set up, nobody is sent to a store earlier or later.
DAYTIME = Worktime(settings.TIME_ZONE, (((8 * 3600, 20 * 3600),),) * 7)
LENGTH = timedelta(hours=1)
# Without a deadline, so far ahead; with one, at most so far.
HORIZON = timedelta(days=7)
# More than that of ways and visits is too much for one day, however long the shop is open.
FULL_DAY = timedelta(hours=8)
MOST_UNPLANNED = 40
PLANNABLE = VISIT["plan"].sources
WAITING = frozenset({Status.ORDERED, Status.ASSIGNED, Status.ACCEPTED, Status.MISSED})
# The window still takes the engineer's time.
TAKEN = BEFORE_ARRIVAL | ON_SITE


def place_of(store: Store) -> Place:
    """In the four cities that are provinces, one often enters the city as the province only."""
    return Place(store.city or store.province, store.district, store.pk)


# --- when he is taken ----------------------------------------------------------------------------


def busy_of(
    engineers: Collection[int], start: datetime, end: datetime, *, but: VisitOrder
) -> tuple[dict[int, list[Busy]], dict[int, str]]:
    """Appointments and plans of the engineers, and the names of their stores; one query."""
    window = Q(
        status__in=sorted(TAKEN),
        leave_at__isnull=False,
        window_from__lt=end,
        window_until__gt=start,
    )
    intent = Q(status__in=sorted(PLANNABLE), planned_from__lt=end, planned_until__gt=start)
    rows = (
        VisitOrder.objects.filter(window | intent, engineer__in=engineers)
        .exclude(pk=but.pk)
        .select_related("store")
    )
    found: dict[int, list[Busy]] = defaultdict(list)
    names: dict[int, str] = {}
    for row in rows:
        place = place_of(row.store)
        names[row.store_id] = row.store.name
        for leave, begin, until in _stretches(row):
            if begin < end and until > start:
                found[row.engineer_id or 0].append(Busy(leave, begin, until, place))
    return found, names


def _stretches(visit: VisitOrder) -> Iterable[tuple[datetime, datetime, datetime]]:
    if visit.leave_at and visit.window_from and visit.window_until and visit.status in TAKEN:
        yield visit.leave_at, visit.window_from, visit.window_until
    if visit.planned_from and visit.planned_until and visit.status in PLANNABLE:
        leave = visit.planned_from - timedelta(minutes=visit.travel_minutes)
        yield leave, visit.planned_from, visit.planned_until


def travel_before(visit: VisitOrder, engineer: User, start: datetime) -> int:
    """Minutes of way to the visit, from where the engineer is before that."""
    rows, _names = busy_of([engineer.pk], start - timedelta(hours=8), start, but=visit)
    before = [b for b in rows.get(engineer.pk, []) if b.until <= start]
    last = max(before, key=lambda b: b.until, default=None)
    return way(last.place if last else None, place_of(visit.store))


def open_spans(visit: VisitOrder, start: datetime, end: datetime) -> list[Span]:
    """When the store is open and the calendar of such visits has working hours."""
    product = visit.installation.product_id if visit.installation else None
    scope = Scope(visit.is_urgent, visit.customer_id, product)
    spans = counted(_worktime(scope, at=start), start, end)
    opening = _opening(visit.store)
    return both(spans, counted(opening, start, end)) if opening else spans


def _opening(store: Store) -> Worktime | None:
    """None where the hours are not known, or free text, such as “daily until late”."""
    try:
        windows = hours.parse(store.opening_hours)
    except ValueError:
        return None
    return Worktime(settings.TIME_ZONE, (windows,) * 7) if windows else None


def outside_opening(visit: VisitOrder) -> bool:
    """The time agreed or planned lies, at least in part, where the store is closed."""
    start, until = visit.window_from, visit.window_until
    if visit.status in ARRANGING and visit.planned_from:
        start, until = visit.planned_from, visit.planned_until
    elif visit.status not in APPOINTED_AHEAD:
        return False
    opening = _opening(visit.store)
    if opening is None or start is None or until is None:
        return False
    return elapsed(opening, start, until) < until - start


def _worktime(scope: Scope, *, at: datetime) -> Worktime:
    policy = choose(["visit.appointment"], scope, at=at).get("visit.appointment")
    calendar = policy.current.calendar if policy and policy.current else None
    return worktime_of(calendar.current_id) if calendar else DAYTIME


# --- who knows the fault -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """What the records say of an engineer and the fault of an order; nobody was asked to judge.

    `team`: the product belongs to his team.
    """

    solved: int = 0
    failed: int = 0
    team: bool = False

    @property
    def skill(self) -> Skill:
        if self.solved and self.solved >= self.failed:
            return Skill.SOLVED
        if self.failed:
            return Skill.FAILED
        return Skill.PRODUCT if self.team else Skill.UNKNOWN

    @property
    def words(self) -> str:
        if self.skill == Skill.SOLVED:
            return ngettext(
                "solved this fault %(n)d time", "solved this fault %(n)d times", self.solved
            ) % {"n": self.solved}
        if self.skill == Skill.FAILED:
            return _("could not solve this fault before")
        return _("product of his team") if self.team else _("nothing known of this fault")


def knowledge_of(visit: VisitOrder, engineers: Iterable[User]) -> dict[int, Known]:
    """By their own work records with the fault category, and by the team of the product."""
    records: dict[int, tuple[int, int]] = {}
    if visit.category_id is not None:
        failed = Q(result=WorkRecord.Result.NOT_SOLVED)
        rows = (
            WorkRecord.objects.filter(
                Q(category_id=visit.category_id)
                | Q(category__isnull=True, visit__category_id=visit.category_id)
            )
            .exclude(visit=visit)
            .exclude(result="")
            .values_list("visit__engineer")
            .annotate(solved=Count("pk", filter=~failed), failed=Count("pk", filter=failed))
            .order_by()
        )
        records = {engineer: (solved, failed) for engineer, solved, failed in rows}
    team = visit.installation.product.team_id if visit.installation else None
    return {
        e.pk: Known(*records.get(e.pk, (0, 0)), team is not None and e.team_id == team)
        for e in engineers
    }


# --- proposals -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proposal:
    """A window that fits, and why it stands where it stands. `late`: after the time limit."""

    engineer: User
    slot: Slot
    reasons: Sequence[str]
    late: bool

    @property
    def window_from(self) -> datetime:
        return self.slot.start

    @property
    def window_until(self) -> datetime:
        return self.slot.until


def engineers_of(actor: Actor) -> list[User]:
    return list(User.objects.visible_to(actor).able_to("visits.work").select_related("team"))


def due_of(visit: VisitOrder) -> datetime | None:
    """By when it must be solved: the time limit of the ticket, while that is open."""
    ticket = visit.ticket
    return ticket.due_at if ticket is not None and ticket.status in OPEN else None


def proposals(
    visit: VisitOrder,
    engineers: Sequence[User],
    *,
    now: datetime,
    day: date | None = None,
    length: timedelta = LENGTH,
    most: int = 8,
    each: int = 2,
) -> list[Proposal]:
    """Windows before the time limit, the best first; if there is none, later ones, marked so.

    A number of queries that does not depend on how many engineers there are.
    """
    start, end = (max(now, bounds_of(day)[0]), bounds_of(day)[1]) if day else (now, now + HORIZON)
    people = {e.pk: e for e in engineers}
    busy, names = busy_of(people, start - timedelta(hours=8), end, but=visit)
    known = knowledge_of(visit, engineers)
    spans, place, due = open_spans(visit, start, end), place_of(visit.store), due_of(visit)
    candidates = []
    for pk in people:
        per_day: dict[date, int] = defaultdict(int)
        for b in busy.get(pk, []):
            per_day[timezone.localdate(b.start)] += 1
        for slot in free_slots(
            open_spans=spans, busy=busy.get(pk, []), place=place, length=length, earliest=now,
            latest=None,
        ):  # fmt: skip
            load = per_day[timezone.localdate(slot.start)]
            candidates.append(
                Candidate(pk, slot, known[pk].skill, nearness(slot, place), load)
            )  # fmt: skip
    in_time = [c for c in candidates if due is None or c.slot.until <= due]
    late = not in_time
    # After the limit, the sooner the better.
    order = ranked(candidates if late else in_time, urgent=visit.is_urgent or late)
    return [
        Proposal(people[c.engineer], c.slot, _reasons(c, known[c.engineer], names, due), late)
        for c in varied(order, most=most, each=each)
    ]


def _reasons(
    c: Candidate, known: Known, names: Mapping[int, str], due: datetime | None
) -> list[str]:
    found = [known.words, _near_words(c, names)]
    found.append(
        ngettext("%(n)d visit that day", "%(n)d visits that day", c.load) % {"n": c.load}
        if c.load
        else _("nothing else that day")
    )
    if due is not None and c.slot.until <= due:
        left = int((due - c.slot.until) / timedelta(hours=1))
        found.append(_("%(n)d h before the time limit") % {"n": left})
    return found


def _near_words(c: Candidate, names: Mapping[int, str]) -> str:
    neighbours = [b for b in (c.slot.before, c.slot.after) if b is not None and b.place]
    for b in neighbours:
        assert b.place is not None
        name = names.get(b.place.store, "")
        if c.near == Near.STORE:
            return _("already at this store that day")
        if c.near == Near.DISTRICT and b.place.district:
            return _("same district as %(store)s") % {"store": name}
    if c.near == Near.CITY:
        return _("same city as his other visit")
    return _("another city") if c.near == Near.FAR else _("way not known")


@dataclass(frozen=True, slots=True)
class Offered:
    """A time of an offer."""

    start: datetime
    until: datetime
    travel: int

    # What the tag `window` reads.
    @property
    def window_from(self) -> datetime:
        return self.start

    @property
    def window_until(self) -> datetime:
        return self.until


def offered(offer: Offer) -> list[Offered]:
    return [
        Offered(
            datetime.fromisoformat(slot["from"]), datetime.fromisoformat(slot["until"]),
            slot["travel"],
        )
        for slot in offer.slots
    ]  # fmt: skip


def still_free(offer: Offer, *, now: datetime) -> list[Offered]:
    """Those of the times that nobody has taken meanwhile."""
    slots = [slot for slot in offered(offer) if slot.start > now]
    if not slots:
        return []
    rows = VisitOrder.objects.filter(
        engineer_id=offer.visit.engineer_id, status__in=sorted(APPOINTED_AHEAD | ON_SITE),
        leave_at__lt=slots[-1].until, window_until__gt=now,
    ).exclude(pk=offer.visit_id).values_list("leave_at", "window_until")  # fmt: skip
    taken = [(leave, until) for leave, until in rows if leave is not None and until is not None]
    return [
        slot
        for slot in slots
        if not any(
            leave < slot.until and slot.start - timedelta(minutes=slot.travel) < until
            for leave, until in taken
        )
    ]


# --- the board -----------------------------------------------------------------------------------

QUARTER = timedelta(minutes=15)
# What a day shows at least.
FIRST_HOUR, LAST_HOUR = 8, 20


@dataclass(slots=True)
class Block:
    """An appointment or a plan on the board. `column`, `quarters`: its place in the day's grid."""

    visit: VisitOrder
    leave: datetime
    window_from: datetime
    window_until: datetime
    agreed: bool
    movable: bool
    marks: list[tuple[str, str]] = field(default_factory=list)
    column: int = 1
    quarters: int = 4

    @property
    def tone(self) -> str:
        return "bad" if any(tone == "bad" for tone, _text in self.marks) else ""

    @property
    def minutes(self) -> int:
        return int((self.window_until - self.window_from) / timedelta(minutes=1))


@dataclass(slots=True)
class Cell:
    """One day of one engineer."""

    day: date
    blocks: list[Block]
    booked: timedelta
    capacity: timedelta

    @property
    def overloaded(self) -> bool:
        return self.booked > self.capacity

    @property
    def off(self) -> bool:
        return not self.capacity

    @property
    def hours(self) -> str:
        return f"{self.booked / timedelta(hours=1):.1f}".removesuffix(".0")


@dataclass(slots=True)
class Lane:
    engineer: User
    cells: list[Cell]
    known: Known | None = None
    # His phone, when it was last heard of.
    device: PhoneDevice | None = None

    @property
    def cell(self) -> Cell:
        return self.cells[0]

    @property
    def count(self) -> int:
        return sum(len(cell.blocks) for cell in self.cells)


@dataclass(slots=True)
class Board:
    days: list[date]
    lanes: list[Lane]
    first_hour: int
    last_hour: int
    unplanned: list[VisitOrder]
    more_unplanned: bool

    @property
    def hours(self) -> list[tuple[str, int]]:
        """(label, column) of the full hours."""
        return [
            (f"{hour:02}:00", 4 * (hour - self.first_hour) + 1)
            for hour in range(self.first_hour, self.last_hour)
        ]

    @property
    def quarters(self) -> int:
        return 4 * (self.last_hour - self.first_hour)


def dispatch_board(actor: Actor, first: date, days: int, *, now: datetime) -> Board:
    """Engineers and their days, and what waits for a place: the same few queries for any number."""
    dates = [first + timedelta(days=n) for n in range(days)]
    start, end = bounds_of(dates[0])[0], bounds_of(dates[-1])[1]
    people = engineers_of(actor)
    work = _worktime(Scope(), at=start)
    capacity = {day: min(elapsed(work, *bounds_of(day)), FULL_DAY) for day in dates}
    rows = (
        VisitOrder.objects.visible_to(actor)
        .filter(
            Q(window_from__gte=start, window_from__lt=end)
            | Q(planned_from__gte=start, planned_from__lt=end),
            engineer__isnull=False,
        )
        .exclude(status=Status.CANCELLED)
        .select_related("store", "ticket")
        .order_by("window_from")
    )
    cells: dict[tuple[int, date], list[Block]] = defaultdict(list)
    for visit in rows:
        for block in _blocks(visit, movable=actor.may("visits.plan")):
            day = timezone.localdate(block.window_from)
            cells[visit.engineer_id or 0, day].append(block)
    lanes = [
        Lane(person, [_cell(day, cells[person.pk, day], capacity[day]) for day in dates])
        for person in people
    ]
    first_hour, last_hour = _place_in_grid([block for blocks in cells.values() for block in blocks])
    waiting = _unplanned(actor, now=now)
    return Board(
        dates, lanes, first_hour, last_hour, waiting[:MOST_UNPLANNED],
        len(waiting) > MOST_UNPLANNED,
    )  # fmt: skip


def _unplanned(actor: Actor, *, now: datetime) -> list[VisitOrder]:
    """Without a time, agreed or planned, that is still to come; what is due first, first."""
    waiting = Q(status__in=sorted(WAITING - {Status.MISSED}), window_from__isnull=True) | Q(
        status=Status.MISSED
    )
    return list(
        VisitOrder.objects.visible_to(actor)
        .filter(waiting, Q(planned_from__isnull=True) | Q(planned_until__lt=now))
        .select_related("store", "ticket", "engineer", "installation__product", "category")
        .order_by("-is_urgent", F("ticket__due_at").asc(nulls_last=True), "ordered_at")[
            : MOST_UNPLANNED + 1
        ]
    )


def _blocks(visit: VisitOrder, *, movable: bool) -> Iterable[Block]:
    can = movable and visit.status in PLANNABLE
    if visit.window_from and visit.window_until:
        leave = visit.leave_at or visit.window_from
        yield Block(visit, leave, visit.window_from, visit.window_until, agreed=True, movable=can)
    if visit.planned_from and visit.planned_until and visit.status in PLANNABLE:
        leave = visit.planned_from - timedelta(minutes=visit.travel_minutes)
        yield Block(
            visit, leave, visit.planned_from, visit.planned_until, agreed=False, movable=can
        )


def _cell(day: date, blocks: list[Block], capacity: timedelta) -> Cell:
    blocks.sort(key=lambda b: (b.window_from, b.visit.pk))
    for n, block in enumerate(blocks):
        if block.visit.status not in TAKEN:
            continue
        for later in blocks[n + 1 :]:
            if later.visit.pk == block.visit.pk or later.visit.status not in TAKEN:
                continue
            _mark_pair(block, later)
        due = due_of(block.visit)
        if due is not None and block.window_until > due and block.visit.status in BEFORE_ARRIVAL:
            block.marks.append(("bad", _("After the limit")))
    booked = sum(
        (b.window_until - b.leave for b in blocks if b.visit.status != Status.MISSED),
        timedelta(0),
    )
    return Cell(day, blocks, booked, capacity)


def _mark_pair(block: Block, later: Block) -> None:
    """Who is at two places at once, or has no time for the way from one to the other."""
    if later.window_from < block.window_until:
        block.marks.append(("bad", _("Clash with %(visit)s") % {"visit": later.visit.number}))
        later.marks.append(("bad", _("Clash with %(visit)s") % {"visit": block.visit.number}))
        return
    gap = (later.window_from - block.window_until) / timedelta(minutes=1)
    needed = way(place_of(block.visit.store), place_of(later.visit.store))
    if gap < needed:
        later.marks.append(
            ("wait", _("Way of %(need)d min, %(have)d min of time")
             % {"need": needed, "have": int(gap)})
        )  # fmt: skip


def _place_in_grid(blocks: list[Block]) -> tuple[int, int]:
    """First and last hour that are shown; each block gets its columns of a quarter of an hour."""
    zone = ZoneInfo(settings.TIME_ZONE)
    starts = [block.window_from.astimezone(zone) for block in blocks]
    first = min([FIRST_HOUR, *(s.hour for s in starts)])
    last = LAST_HOUR
    for block, start in zip(blocks, starts, strict=True):
        block.column = (start.hour - first) * 4 + start.minute // 15 + 1
        length = -(-(block.window_until - block.window_from) // QUARTER)
        block.quarters = min(length, 96 - (start.hour * 4 + start.minute // 15))
        ends = -(-(block.column - 1 + block.quarters) // 4) + first
        last = max(last, ends)
    return first, min(last, 24)


def with_knowledge(board: Board, visit: VisitOrder) -> Board:
    """Beside each engineer what is known of him and the fault of the chosen order."""
    known = knowledge_of(visit, [lane.engineer for lane in board.lanes])
    return replace(
        board, lanes=[replace(lane, known=known[lane.engineer.pk]) for lane in board.lanes]
    )


def first_free(
    visit: VisitOrder, engineer: User, day: date, *, now: datetime, length: timedelta = LENGTH
) -> Proposal | None:
    """The engineer's earliest window of a day, or None: where a drop on a day leads to."""
    found = proposals(visit, [engineer], now=now, day=day, length=length, most=200, each=200)
    return min(found, key=lambda p: p.slot.start, default=None)


# Two times of one offer begin at least so far apart: a choice, not a list of half hours.
APART = timedelta(hours=2)


def windows_to_offer(visit: VisitOrder, *, now: datetime) -> list[Span]:
    """For the customer to choose from: what was planned, then free windows of his engineer."""
    if visit.engineer is None:
        return []
    found: list[Span] = []
    if visit.planned_from and visit.planned_until and visit.planned_from > now:
        found.append((visit.planned_from, visit.planned_until))
    for each in proposals(visit, [visit.engineer], now=now, most=200, each=200):
        if len(found) < 6 and all(abs(each.slot.start - start) >= APART for start, _until in found):
            found.append((each.slot.start, each.slot.until))
    return sorted(found)
