"""What the roof shows: each person's work, a search over everything, the handbook's figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Func, OuterRef, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from customers.models import Contact, Customer, Store
from customers.queries import CANDIDATES, contacts_matching, stores_matching
from knowledge.models import Article
from servicedesk.core.actors import Actor
from servicedesk.core.archive import LARGE, SEARCHED, visible_documents
from servicedesk.core.models import RuleResult
from servicedesk.core.rules import Rule
from servicedesk.core.search import matching, words_of
from sla.models import Deadline
from tickets.models import CallbackPromise, Handover, Message, Ticket
from tickets.states import OPEN, HandoverStatus, MessageStatus, PromiseStatus, Status
from visits.models import VisitOrder
from visits.states import APPOINTED_AHEAD, FINAL
from visits.states import Status as VisitStatus

# So many rows a section shows; the rest is one click away.
FEW = 8


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    detail: str
    url: str
    due_at: datetime | None = None
    urgent: bool = False
    # Since when the time allowed runs.
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A part of “My work”. `empty` says what it means that nothing is there."""

    title: str
    icon: str
    url: str
    rows: list[Row]
    count: int
    empty: str


def my_work(actor: Actor) -> list[Section]:
    """What waits for this person, most pressing first: two queries a section."""
    sections = [_deadlines(actor)]
    if actor.may("messages.work"):
        sections += [_messages(actor), _promises(actor)]
    if actor.may("tickets.work"):
        sections.append(_handovers(actor))
        sections.append(_unassigned_tickets(actor))
    if actor.may("visits.plan"):
        sections.append(_unassigned_visits(actor))
    if actor.may("visits.check"):
        sections.append(_forms_to_check(actor))
    if actor.may("visits.work"):
        sections.append(_my_visits(actor))
    return sections


def _section(
    title: str,
    icon: str,
    url: str,
    empty: str,
    found: QuerySet[Any],
    row: Callable[[Any], Row],
) -> Section:
    rows = [row(record) for record in found[: FEW + 1]]
    count = found.count() if len(rows) > FEW else len(rows)
    return Section(title, icon, url, rows[:FEW], count, empty)


def _deadlines(actor: Actor) -> Section:
    return _section(
        _("My deadlines"), "alarm", reverse("sla:due"),
        _("No deadline runs for you. Take the next ticket or call."),
        Deadline.objects.filter(owner_id=actor.id, status="running").order_by("due_at"),
        lambda d: Row(d.label, _kind_label(d.kind), d.url, d.due_at, d.urgent, d.counted_from),
    )  # fmt: skip


def _kind_label(kind: str) -> str:
    from sla.kinds import KINDS

    return str(KINDS[kind].label) if kind in KINDS else kind


def _messages(actor: Actor) -> Section:
    return _section(
        _("Messages for me"), "message", reverse("tickets:inbox"),
        _("Nobody left you a message."),
        Message.objects.filter(to_user_id=actor.id)
        .exclude(status=MessageStatus.DONE)
        .order_by("call_back_by"),
        lambda m: Row(m.caller_name, m.text[:60], m.get_absolute_url(), m.call_back_by),
    )  # fmt: skip


def _promises(actor: Actor) -> Section:
    return _section(
        _("Callbacks I promised"), "phone-outgoing", reverse("tickets:promises"),
        _("You owe nobody a call."),
        CallbackPromise.objects.filter(owner_id=actor.id, status=PromiseStatus.OPEN),
        lambda p: Row(p.caller_name, p.question[:60], p.get_absolute_url(), p.due_at),
    )  # fmt: skip


def _handovers(actor: Actor) -> Section:
    return _section(
        _("Offered to me"), "arrows-exchange", reverse("tickets:list"),
        _("No colleague hands a ticket over to you."),
        Handover.objects.filter(
            to_user_id=actor.id, status=HandoverStatus.PENDING
        ).select_related("ticket", "from_user"),
        lambda h: Row(
            f"{h.ticket.number} {h.ticket.title}", f"{h.from_user}: {h.reason}",
            h.ticket.get_absolute_url(),
        ),
    )  # fmt: skip


def _unassigned_tickets(actor: Actor) -> Section:
    return _section(
        _("Tickets nobody works on"), "ticket", f"{reverse('tickets:list')}?status=new",
        _("Every ticket has somebody. Well done."),
        Ticket.objects.visible_to(actor)
        .filter(status=Status.NEW)
        .select_related("store")
        .order_by("-is_urgent", "received_at"),
        lambda t: Row(
            t.title, f"{t.number} · {t.store}", t.get_absolute_url(), urgent=t.is_urgent
        ),
    )  # fmt: skip


def _unassigned_visits(actor: Actor) -> Section:
    return _section(
        _("Visits without an engineer"), "truck", f"{reverse('visits:list')}?status=ordered",
        _("Every visit has an engineer."),
        VisitOrder.objects.visible_to(actor)
        .filter(status=VisitStatus.ORDERED)
        .select_related("store")
        .order_by("-is_urgent", "ordered_at"),
        lambda v: Row(
            str(v.store), f"{v.number} · {v.need[:40]}", v.get_absolute_url(), urgent=v.is_urgent
        ),
    )  # fmt: skip


def _forms_to_check(actor: Actor) -> Section:
    return _section(
        _("Forms handed in"), "inbox", f"{reverse('visits:list')}?status=handed_in",
        _("No form waits to be checked."),
        VisitOrder.objects.visible_to(actor)
        .filter(status=VisitStatus.HANDED_IN)
        .select_related("store", "engineer")
        .order_by("handed_in_at"),
        lambda v: Row(f"{v.number} {v.store}", str(v.engineer), v.get_absolute_url()),
    )  # fmt: skip


def _my_visits(actor: Actor) -> Section:
    return _section(
        _("My visits"), "map-pin", reverse("visits:today"),
        _("No visit is planned for you."),
        VisitOrder.objects.filter(engineer_id=actor.id)
        .unfinished()
        .exclude(status=VisitStatus.HANDED_IN)
        .select_related("store")
        .order_by("window_from"),
        # Once he is there, the beginning of the window is no deadline of his any more.
        lambda v: Row(
            str(v.store), f"{v.number} · {v.get_status_display()}", v.get_absolute_url(),
            v.window_from if v.status in APPOINTED_AHEAD else None, v.is_urgent,
        ),
    )  # fmt: skip


# --- search ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hits:
    title: str
    icon: str
    rows: list[Row]


UNFINISHED = frozenset(VisitStatus.values) - FINAL
# So many hits a kind has; of tickets and visits also so many of what else was found.
HITS = 6


def find(text: str, actor: Actor) -> list[Hits]:
    """The first hits of each kind, in a fixed number of queries.

    Tickets and visits are found by their own words, and by the store, customer or person they
    are for: those that are open, and the newest.
    """

    def rows(found: Iterable[Any], row: Callable[[Any], Row]) -> list[Row]:
        return [row(record) for record in found]

    visible_tickets = Ticket.objects.visible_to(actor).select_related("store")
    tickets = matching(visible_tickets, text, "number", "title", "need").order_by("-pk")[:HITS]
    visible_visits = VisitOrder.objects.visible_to(actor).select_related("store")
    visits = matching(visible_visits, text, "number", "contact_name", "address", "need").order_by(
        "-pk"
    )[:HITS]
    hits = [
        Hits(_("Tickets"), "ticket", rows(
            _also(tickets, _of_found(visible_tickets, OPEN, text, actor)),
            lambda t: Row(t.title, f"{t.number} · {t.store} · {t.get_status_display()}",
                          t.get_absolute_url(), urgent=t.is_urgent))),
        Hits(_("Visits"), "truck", rows(
            _also(visits, _of_found(visible_visits, UNFINISHED, text, actor)),
            lambda v: Row(f"{v.number} {v.store}", v.get_status_display(),
                          v.get_absolute_url()))),
        Hits(_("Stores"), "building-store", rows(
            matching(Store.objects.visible_to(actor), text, "code", "name", "pinyin", "city",
                     "district", "address", "phone_digits").select_related("customer")[:HITS],
            lambda s: Row(s.name, f"{s.code} · {s.customer}", s.get_absolute_url()))),
        Hits(_("Customers"), "building", rows(
            matching(Customer.objects.visible_to(actor), text, "code", "name", "short_name",
                     "pinyin")[:HITS],
            lambda c: Row(c.name, c.code, c.get_absolute_url()))),
        Hits(_("Contacts"), "user", rows(
            matching(Contact.objects.visible_to(actor), text, "name", "pinyin", "phone_digits")
            .select_related("customer", "store")[:HITS],
            lambda c: Row(c.name, f"{c.customer} {c.store or ''}",
                          (c.store or c.customer).get_absolute_url()))),
        Hits(_("Knowledge"), "book", rows(
            matching(Article.objects.visible_to(actor), text, "title", "symptom", "cause",
                     "solution")[:HITS],
            lambda a: Row(a.title, a.number, a.get_absolute_url()))),
        Hits(_("Forms"), "archive", rows(
            matching(visible_documents(actor).exclude(status="void"), text, *SEARCHED)
            .defer(*LARGE)[:HITS],
            lambda d: Row(str(d), f"{d.title} · {d.keywords}",
                          reverse("documents:document", args=[d.uid])))),
    ]  # fmt: skip
    return [hit for hit in hits if hit.rows]


def _also(own: Iterable[Any], others: Iterable[Any]) -> list[Any]:
    """Each record once, what the words themselves found before the rest."""
    return list({record.pk: record for record in [*own, *others]}.values())


def _of_found(
    visible: QuerySet[Any], open_ones: frozenset[str], text: str, actor: Actor
) -> list[Any]:
    """The open and the newest records of the stores and people that match; one query.

    The ids come first: the open ones by the partial index of what is open, the newest by one
    look per store into its own index. So neither a name that fits every store nor a store with
    thousands of closed records makes it read more than a few rows for each.
    """
    if not words_of(text):
        return []
    stores = stores_matching(Store.objects.visible_to(actor).order_by(), text, at_most=CANDIDATES)
    # A person of a store is known by it; of the head office only what he himself asked for.
    people = contacts_matching(
        Contact.objects.visible_to(actor).filter(store__isnull=True).order_by(), text
    )
    in_work = visible.filter(status__in=sorted(open_ones))
    ids = [
        in_work.filter(store__in=stores.values("pk")).order_by("-pk").values("pk")[:HITS],
        in_work.filter(contact__in=people.values("pk")).order_by("-pk").values("pk")[:HITS],
        _newest_each(stores, visible.filter(store=OuterRef("pk"))),
        _newest_each(people, visible.filter(contact=OuterRef("pk"))),
    ]
    found = list(visible.filter(pk__in=ids[0].union(*ids[1:])))
    found.sort(key=lambda record: (record.status not in open_ones, -record.pk))
    return found[:HITS]


def _newest_each(owners: QuerySet[Any], records: QuerySet[Any]) -> QuerySet[Any, Any]:
    """The newest ids among the newest few of each owner; `records` refer to it by OuterRef."""
    few = ArraySubquery(records.order_by("-pk").values("pk")[:HITS])
    each = Func(few, function="unnest", output_field=BigIntegerField())
    each.set_returning = True
    newest: QuerySet[Any, Any] = owners.annotate(record=each).order_by("-record").values("record")
    return newest[:HITS]


# --- the handbook ----------------------------------------------------------------------------


def results_visible_to(actor: Actor) -> QuerySet[RuleResult]:
    """Everybody sees his own figures; leaders see all."""
    if actor.may("rules.see_all"):
        return RuleResult.objects.all()
    return RuleResult.objects.filter(person_id=actor.id)


ORDER = ("GEN", "SLA", "CALL", "REM", "VISIT", "PRE", "TRN", "OPS")


def unique_rules(rules: Iterable[Rule]) -> list[Rule]:
    """Each rule once, in the order of the handbook."""
    by_id: dict[str, Rule] = {}
    for rule in rules:
        by_id.setdefault(rule.id, rule)
    return sorted(by_id.values(), key=lambda r: _place(r.id))


def _place(rule_id: str) -> tuple[int, int]:
    chapter, _dash, number = rule_id.partition("-")
    return ORDER.index(chapter), int(number)
