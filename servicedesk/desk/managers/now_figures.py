"""What the desk has to do at this moment: open records alone, one grouped query for each kind.

Every figure is named, and its name leads to one condition (`Q`) that both counts it and lists its
records; so the number on the page and the list behind it cannot differ.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import Role
from servicedesk.core.actors import Actor
from servicedesk.desk.managers.filters import DIMENSIONS, ManagerFilter
from tickets.models import CallbackPromise, Message, Ticket
from tickets.states import OPEN
from tickets.states import Status as TicketStatus
from visits.models import VisitOrder
from visits.queries import bounds_of
from visits.states import APPOINTED_AHEAD, FINAL, ON_SITE
from visits.states import Status as VisitStatus

# Whose work is measured against the team's; managers who lend a hand stand beside them.
WORKING = frozenset({Role.HELPDESK, Role.ENGINEER})
UNDER_WAY = ON_SITE | {VisitStatus.EN_ROUTE}
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose and which records count. Empty: all that the actor may see."""

    team_id: int | None = None
    person_id: int | None = None
    customer_id: int | None = None
    product_id: int | None = None

    @classmethod
    def of(cls, filters: ManagerFilter) -> Scope:
        return cls(*(getattr(filters.chosen(name), "pk", None) for name in DIMENSIONS))

    def takes_person(self, person: User) -> bool:
        return self.person_id in {None, person.pk} and self.team_id in {None, person.team_id}

    def takes(self, visit: VisitOrder) -> bool:
        """The same as `people` and `things`, of a row that is read already."""
        if visit.engineer is None:
            mine = self.person_id is None and self.team_id is None
        else:
            mine = self.takes_person(visit.engineer)
        product = visit.installation.product_id if visit.installation else None
        return (
            mine
            and self.customer_id in {None, visit.customer_id}
            and self.product_id in {None, product}
        )

    def people(self, of: str) -> Q:
        """Records that `of` (a path to a person) answers for."""
        found = Q(**{of: self.person_id}) if self.person_id else Q()
        if self.team_id:
            members = User.objects.get_queryset().filter(team=self.team_id).values("pk")
            found &= Q(**{f"{of}__in": members})
        return found

    def things(self, *products: str) -> Q:
        """Records of the customer and of the product, which may stand on several paths."""
        found = Q(customer=self.customer_id) if self.customer_id else Q()
        if self.product_id:
            product = Q()
            for path in products:
                product |= Q(**{path: self.product_id})
            found &= product
        return found


# --- what counts ------------------------------------------------------------------------------


def times(column: str, now: datetime) -> dict[str, Q]:
    """How far a moment is: `within…` reach from now on, the others exclude each other."""

    def between(start: datetime | None, end: datetime | None) -> Q:
        found = Q(**{f"{column}__gte": start}) if start else Q()
        return found & Q(**{f"{column}__lt": end}) if end else found

    one, four, day = now + HOUR, now + 4 * HOUR, now + 24 * HOUR
    return {
        "overdue": between(None, now),
        "within1": between(now, one),
        "within4": between(now, four),
        "within24": between(now, day),
        "from1to4": between(one, four),
        "from4to24": between(four, day),
        "later": between(day, None),
    }


# The columns of the table by state: each open ticket stands in exactly one.
COLUMNS: dict[str, Promise] = {
    "overdue": _("Overdue"),
    "within1": _("Within 1 h"),
    "from1to4": _("1–4 h"),
    "from4to24": _("4–24 h"),
    "later": _("Later"),
}
STATES = (TicketStatus.NEW, TicketStatus.ASSIGNED, TicketStatus.IN_PROGRESS, TicketStatus.WAITING)


def ticket_figures(now: datetime) -> dict[str, Q]:
    return {
        "open": Q(),
        "unassigned": Q(assignee__isnull=True),
        "urgent": Q(is_urgent=True),
        **times("due_at", now),
    }


def promise_figures(now: datetime) -> dict[str, Q]:
    return {"open": Q(), **times("due_at", now)}


def message_figures(now: datetime) -> dict[str, Q]:
    return {"open": Q(), "unread": Q(status="unread"), **times("call_back_by", now)}


def visit_figures(now: datetime) -> dict[str, Q]:
    start, end = bounds_of(timezone.localdate(now))
    return {
        "open": ~Q(status__in=sorted(FINAL)),
        "unassigned": Q(status=VisitStatus.ORDERED),
        "under_way": Q(status__in=sorted(UNDER_WAY)),
        "late": Q(status__in=sorted(APPOINTED_AHEAD), window_from__lt=now),
        "not_met": Q(status=VisitStatus.MISSED),
        "today": Q(window_from__gte=start, window_from__lt=end)
        & ~Q(status=VisitStatus.CANCELLED),
    }  # fmt: skip


# Who answers for a ticket: who works on it, else who took it in (OPS-1).
RESPONSIBLE = Coalesce("assignee_id", "owner_id")


def tickets(actor: Actor, scope: Scope) -> QuerySet[Ticket]:
    found = Ticket.objects.visible_to(actor).filter(status__in=sorted(OPEN))
    found = found.annotate(responsible=RESPONSIBLE)
    return found.filter(scope.people("responsible"), scope.things("product"))


def promises(actor: Actor, scope: Scope) -> QuerySet[CallbackPromise]:
    found = CallbackPromise.objects.visible_to(actor).open()
    return found.filter(scope.people("owner"), scope.things("ticket__product", "call__product"))


def messages(actor: Actor, scope: Scope) -> QuerySet[Message]:
    found = Message.objects.visible_to(actor).open()
    return found.filter(scope.people("to_user"), scope.things("call__product"))


def visits(actor: Actor, scope: Scope) -> QuerySet[VisitOrder]:
    found = VisitOrder.objects.visible_to(actor)
    return found.filter(scope.people("engineer"), scope.things("installation__product"))


SOURCES: dict[str, tuple[Any, Any]] = {
    "tickets": (tickets, ticket_figures),
    "promises": (promises, promise_figures),
    "messages": (messages, message_figures),
    "visits": (visits, visit_figures),
}
# Whom the parameter `of` of a list means.
OWNERS = {"tickets": "assignee", "promises": "owner", "messages": "to_user", "visits": "engineer"}


def records(
    actor: Actor, scope: Scope, kind: str, figure: str, *, now: datetime
) -> QuerySet[Any] | None:
    """The records behind a figure; None where there is no such figure."""
    if kind not in SOURCES:
        return None
    source, figures = SOURCES[kind]
    condition = figures(now).get(figure)
    return None if condition is None else source(actor, scope).filter(condition)


# --- counting ---------------------------------------------------------------------------------


@dataclass(slots=True)
class Load:
    """What one person has to do, beside the median of his team."""

    person: User
    tickets: int = 0
    overdue: int = 0
    visits: int = 0
    median: float = 0.0

    @property
    def total(self) -> int:
        return self.tickets + self.visits

    @property
    def overloaded(self) -> bool:
        """Half as much again as the median of the team, and three more at least."""
        return self.total >= 1.5 * self.median and self.total >= self.median + 3


@dataclass(slots=True)
class Now:
    at: datetime
    tickets: Counter[str] = field(default_factory=Counter)
    # state → column → tickets
    states: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    promises: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    visits: Counter[str] = field(default_factory=Counter)
    # the busiest first
    loads: list[Load] = field(default_factory=list)
    # engineer → visits of today and those under way, as they come
    day: list[tuple[User, list[VisitOrder]]] = field(default_factory=list)

    @property
    def overloaded(self) -> list[Load]:
        return [load for load in self.loads if load.overloaded]


def situation(actor: Actor, scope: Scope, *, now: datetime) -> Now:
    """All figures of the page, in six queries: people, tickets, promises, messages, visits, and
    the rows of today's visits."""
    found = Now(now)
    everybody = User.objects.visible_to(actor).select_related("team")
    loads = {person.pk: Load(person) for person in everybody}
    _count_tickets(found, actor, scope, loads)
    for name, source, figures in (
        ("promises", promises, promise_figures),
        ("messages", messages, message_figures),
        ("visits", visits, visit_figures),
    ):
        counts = {key: Count("pk", filter=only) for key, only in figures(now).items()}
        rows = source(actor, scope)
        if name == "visits":
            # Those of today that are over already are counted from their rows below.
            del counts["today"]
            rows = rows.exclude(status__in=sorted(FINAL))
        getattr(found, name).update(rows.aggregate(**counts))
    _count_today(found, actor, scope, loads)
    found.loads = _weighed(loads.values(), scope)
    return found


def _count_tickets(found: Now, actor: Actor, scope: Scope, loads: dict[int, Load]) -> None:
    """Whole loads count for the people, what the filters leave counts for the figures."""
    figures = ticket_figures(found.at)
    things = scope.things("product")
    counted: Iterable[Mapping[str, Any]] = (
        Ticket.objects.visible_to(actor)
        .filter(status__in=sorted(OPEN))
        .values("status", "assignee_id", responsible=RESPONSIBLE)
        .annotate(
            load=Count("pk"),
            load_overdue=Count("pk", filter=figures["overdue"]),
            **{f"n_{name}": Count("pk", filter=only & things) for name, only in figures.items()},
        )
        .order_by()
    )
    for row in counted:
        load = loads.get(row["assignee_id"] or 0)
        if load is not None:
            load.tickets += row["load"]
            load.overdue += row["load_overdue"]
        if not scope.takes_person(loads[row["responsible"]].person):
            continue
        for name in figures:
            found.tickets[name] += row[f"n_{name}"]
        for name in COLUMNS:
            found.states[row["status"]][name] += row[f"n_{name}"]
        found.states[row["status"]]["open"] += row["n_open"]


def _count_today(found: Now, actor: Actor, scope: Scope, loads: dict[int, Load]) -> None:
    """The rows of the time line: a few for each engineer, whatever is in the archive."""
    today = visit_figures(found.at)["today"]
    rows = (
        VisitOrder.objects.visible_to(actor)
        .filter(today | Q(status__in=sorted(UNDER_WAY)))
        .select_related("store", "engineer", "installation")
        .only(
            "number", "status", "customer", "window_from", "window_until", "leave_at",
            "departed_at", "arrived_at", "finished_at", "is_urgent", "store__name",
            "engineer__name", "engineer__pinyin", "engineer__team", "installation__product",
        )
        .order_by("window_from", "pk")
    )  # fmt: skip
    by_engineer: dict[int, list[VisitOrder]] = defaultdict(list)
    start, end = bounds_of(timezone.localdate(found.at))
    for row in rows:
        is_today = row.window_from is not None and start <= row.window_from < end
        if is_today and row.engineer_id is not None:
            loads[row.engineer_id].visits += 1
        if not scope.takes(row):
            continue
        found.visits["today"] += is_today
        if row.engineer_id is not None:
            by_engineer[row.engineer_id].append(row)
    engineers = {
        row.engineer_id: row.engineer
        for each in by_engineer.values()
        for row in each
        if row.engineer
    }
    free = [
        load.person
        for load in loads.values()
        if load.person.as_actor().may("visits.work") and load.person.pk not in engineers
        and scope.takes_person(load.person)
    ]  # fmt: skip
    everybody = sorted([*engineers.values(), *free], key=lambda person: person.pinyin)
    found.day = [(person, by_engineer[person.pk]) for person in everybody]


def _weighed(loads: Iterable[Load], scope: Scope) -> list[Load]:
    """Each beside the median of the working people of his team; the busiest first."""
    teams: dict[int | None, list[Load]] = defaultdict(list)
    for load in loads:
        works = load.person.is_active and load.person.role in WORKING
        if works or load.total:
            teams[load.person.team_id].append(load)
    for members in teams.values():
        middle = median(load.total for load in members)
        for load in members:
            load.median = middle
    shown = [
        load
        for members in teams.values()
        for load in members
        if load.total and scope.takes_person(load.person)
    ]
    return sorted(shown, key=lambda load: (-load.total, load.person.pinyin, load.person.pk))
