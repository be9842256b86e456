"""Reading tickets: what a list shows, what a page needs, what may be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.db import connection
from django.db.models import Count, Q, QuerySet

from accounts.models import User
from customers.models import Contact, Store
from servicedesk.core.actors import Actor
from servicedesk.core.events import subject_key
from servicedesk.core.models import Attachment, Document, Entry
from servicedesk.core.search import matching
from servicedesk.core.states import Transition
from tickets.events import TicketNudged
from tickets.models import Call, Extension, RemoteSession, Ticket, TicketQuerySet
from tickets.states import OPEN, REMOTE, TICKET, HandoverStatus, Status

SOON = timedelta(hours=4)
# Keyset orders; each is the order of an index.
QUEUE = ("queue", "due_at", "pk")
NEWEST = ("-pk",)


def ticket_list(
    actor: Actor, wanted: Mapping[str, Any], *, now: datetime
) -> tuple[TicketQuerySet, tuple[str, ...]]:
    """The tickets that the filters of the list name, and the order to read them in."""
    tickets: TicketQuerySet = Ticket.objects.visible_to(actor)
    status = wanted.get("status") or "open"
    due = wanted.get("due")
    if status == "open" or due:
        tickets = tickets.open()
    elif status != "all":
        tickets = tickets.filter(status=status)
    who = wanted.get("who")
    if who == "mine":
        tickets = tickets.filter(assignee_id=actor.id)
    elif who == "owned":
        tickets = tickets.filter(owner_id=actor.id)
    elif who == "team":
        # Who has no team has no colleagues in it.
        tickets = tickets.filter(assignee__team_id=actor.team_id or 0)
    elif who == "unassigned":
        tickets = tickets.filter(assignee__isnull=True)
    if due == "overdue":
        tickets = tickets.filter(due_at__lt=now)
    elif due == "soon":
        tickets = tickets.filter(due_at__gte=now, due_at__lt=now + SOON)
    if wanted.get("urgent") == "yes":
        tickets = tickets.filter(queue=0)
    elif wanted.get("urgent") == "complaint":
        tickets = tickets.filter(is_complaint=True)
    for name in ("store", "customer", "category"):
        if wanted.get(name):
            tickets = tickets.filter(**{name: wanted[name]})
    if wanted.get("q"):
        tickets = cast(TicketQuerySet, matching(tickets, wanted["q"], "number", "title", "need"))
    by_time = (wanted.get("sort") or "due") == "due" and (status in {"open", *OPEN} or due)
    return tickets, QUEUE if by_time else NEWEST


def open_for_caller(actor: Actor, store: Store | None, contact: Contact | None) -> TicketQuerySet:
    """What a caller may call about again: all that is not closed at his store, newest first.

    Somebody of the head office, who belongs to no store, may mean any store of the customer.
    """
    tickets: TicketQuerySet = Ticket.objects.visible_to(actor).exclude(status=Status.CLOSED)
    if store is not None:
        return tickets.filter(store=store)
    return tickets.filter(customer=contact.customer_id) if contact else tickets.none()


def for_rows(tickets: TicketQuerySet) -> TicketQuerySet:
    """Only what a row shows, in one query."""
    return tickets.select_related("store", "customer", "assignee", "owner").only(
        "number", "title", "status", "is_urgent", "is_complaint", "queue", "due_at",
        "received_at", "resolved_at", "waiting_until", "reopened_count", "version",
        "store__name", "store__uid", "customer__name", "customer__short_name", "customer__uid",
        "assignee__name", "owner__name",
    )  # fmt: skip


def for_page(tickets: TicketQuerySet) -> TicketQuerySet:
    return tickets.select_related(
        "customer", "store", "contact", "product", "installation__product", "category", "owner",
        "assignee",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rarities:
    """Whether there is what few tickets have: the page need not ask for each on its own."""

    handover: bool
    extensions: bool
    sessions: bool
    files: bool
    nudged_at: datetime | None


def rarities(ticket: Ticket) -> Rarities:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM tickets_handover"
            "  WHERE ticket_id = %(id)s AND status = %(pending)s),"
            " EXISTS (SELECT FROM tickets_extension WHERE ticket_id = %(id)s),"
            " EXISTS (SELECT FROM tickets_remotesession WHERE ticket_id = %(id)s),"
            " EXISTS (SELECT FROM core_attachment"
            "  WHERE subject_kind = %(kind)s AND subject_id = %(id)s),"
            " (SELECT max(at) FROM core_entry JOIN core_entrysubject ON entry_id = core_entry.id"
            "  WHERE kind = %(kind)s AND object_id = %(id)s AND type = %(nudged)s)",
            {
                "id": ticket.pk,
                "pending": HandoverStatus.PENDING,
                "kind": Ticket._meta.label_lower,
                "nudged": TicketNudged.type,
            },
        )
        return Rarities(*cursor.fetchone())


def workers(actor: Actor, text: str = "", limit: int = 30) -> list[tuple[User, int]]:
    """Who can be given a ticket, with the number of those he has; the least busy first."""
    found = User.objects.visible_to(actor) & User.objects.able_to("tickets.work")
    for word in text.lower().split():
        found = found.filter(
            Q(name__icontains=word) | Q(pinyin__contains=word) | Q(username__contains=word)
        )
    open_ones = Q(assigned_tickets__status__in=sorted(OPEN))
    counted = found.annotate(load=Count("assigned_tickets", filter=open_ones))
    return [(user, user.load) for user in counted.order_by("load", "name")[:limit]]  # type: ignore[attr-defined]


def possible(ticket: Ticket, actor: Actor) -> list[Transition]:
    """What the actor may do with the ticket now, without what is done already."""
    done = set()
    if ticket.responded_at is not None:
        done.add("respond")
    if ticket.is_urgent:
        done.add("mark_urgent")
    if ticket.owner_id != actor.id and not actor.may("tickets.assign"):
        done.add("hand_over")
    if ticket.assignee_id == actor.id or not may_nudge(ticket, actor):
        done.add("nudge")
    return [step for step in TICKET.open_to(actor, ticket.status) if step.name not in done]


def may_nudge(ticket: Ticket, actor: Actor) -> bool:
    """The desk may, and who owns it."""
    return actor.may("tickets.assign") or ticket.owner_id == actor.id


def nudges(ticket: Ticket) -> list[Entry]:
    """What the journal knows of, the latest first."""
    found = Entry.objects.filter(
        type=TicketNudged.type,
        subjects__kind=Ticket._meta.label_lower,
        subjects__object_id=ticket.pk,
    )
    return list(found.order_by("-at", "-id"))


def possible_remotely(session: RemoteSession, actor: Actor) -> list[Transition]:
    return REMOTE.open_to(actor, session.status)


# --- Extensions ------------------------------------------------------------------------------


def calls_to_name(extension: Extension, actor: Actor) -> QuerySet[Call]:
    """The calls in which the customer can have answered the proposal, the latest first.

    Who sees the ticket sees its calls; others of the store only who may see them anyway.
    """
    ticket = extension.ticket
    others = Call.objects.visible_to(actor).filter(store=ticket.store_id)
    found = Call.objects.filter(Q(ticket=ticket) | Q(pk__in=others.values("pk")))
    return found.filter(ended_at__gte=extension.proposed_at).select_related("taken_by")


def offers_of(ticket: Ticket) -> list[Extension]:
    """The extensions of a ticket as its page shows them: with files, form and call."""
    offers = list(ticket.extensions.select_related("proposed_by", "call__taken_by"))
    if not offers:
        return []
    kind, _pk = subject_key(offers[0])
    files: dict[int, list[Attachment]] = {extension.pk: [] for extension in offers}
    for file in Attachment.objects.filter(subject_kind=kind, subject_id__in=files):
        files[file.subject_id].append(file)
    numbers = [extension.number for extension in offers]
    forms = {
        form.number: form
        for form in Document.objects.filter(number__in=numbers).order_by("version")
    }
    for extension in offers:
        extension.files, extension.form = files[extension.pk], forms.get(extension.number)  # type: ignore[attr-defined]
    return offers
