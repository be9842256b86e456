"""Taking a call (CALL-1…11, GEN-1): one form, one transaction, whatever comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import User
from customers.actions import create_contact, create_customer, create_store
from customers.models import Contact, Customer, Installation, Product, Store
from knowledge.actions import use
from knowledge.models import Article, FaultCategory
from servicedesk.core import rules
from servicedesk.core.actions import action, require
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record
from servicedesk.core.numbering import next_number
from servicedesk.core.search import phone_digits
from tickets.actions import tickets
from tickets.actions.messages import take_message
from tickets.actions.promises import make_promise
from tickets.actions.referrals import add_target
from tickets.events import CallEnded
from tickets.models import Call, CallDraft, ReferralTarget, Ticket
from tickets.states import Status

Outcome = Call.Outcome
# A fault, whose product must be known (CALL-9) and which becomes a ticket.
FAULT = frozenset({Outcome.SOLVED, Outcome.TICKET, Outcome.VISIT})
# What becomes work, and what has to be confirmed to the caller before he hangs up (CALL-11).
RECORDED = frozenset({Outcome.TICKET, Outcome.VISIT})
CONFIRMED = RECORDED | {Outcome.EXISTING}
TITLE_LENGTH = 60


@dataclass(frozen=True, kw_only=True)
class Intake:
    """All that can be said of a call; `objections` knows what each outcome cannot do without."""

    answered_at: datetime
    ring_count: int | None = None
    greeted: bool = False
    caller_number: str = ""
    caller_name: str = ""
    salutation: str = ""
    store: Store | None = None
    contact: Contact | None = None
    # What is not known yet is made with the call.
    save_contact: bool = False
    new_store_name: str = ""
    new_store_address: str = ""
    new_store_customer: Customer | None = None
    new_customer_name: str = ""
    # The need
    product: Product | None = None
    installation: Installation | None = None
    category: FaultCategory | None = None
    need: str = ""
    phone_solution_offered: bool = False
    read_back: bool = False
    # Solved on the phone
    solution: str = ""
    article: Article | None = None
    confirmed: bool = False
    # Ticket, visit
    title: str = ""
    is_urgent: bool = False
    urgency_reason: str = ""
    expected_at: datetime | None = None
    no_wish: bool = False
    assignee: User | None = None
    visit_reason: str = ""
    # About a ticket that is there already
    ticket: Ticket | None = None
    # Message for a colleague
    to_user: User | None = None
    about_visit: bool = False
    call_back_by: datetime | None = None
    # Callback promised
    promise_owner: User | None = None
    promise_due_at: datetime | None = None
    # Referred elsewhere
    referral: ReferralTarget | None = None
    new_referral_topic: str = ""
    new_referral_name: str = ""
    new_referral_phone: str = ""
    # The form it was typed into; the same form makes one call.
    intake_key: UUID | None = None


@action
def end_call(*, outcome: str, at: datetime, by: Actor, **said: Any) -> Call:
    """The call is over: record it with its outcome and make what follows from that.

    `said` are the fields of `Intake`. A second call with the same `intake_key` of the same
    person returns the first one's.
    """
    require(by, "calls.take")
    said = completed(outcome, said)
    intake = Intake(**said)
    if intake.intake_key is not None:
        _one_at_a_time(intake.intake_key)
        former = Call.objects.filter(taken_by_id=by.id, intake_key=intake.intake_key).first()
        if former is not None:
            return former
    for field, message in objections(outcome, said, at=at):
        raise Refused(message, field=field)

    me = _colleague(by)
    intake = _with_new_records(intake, at=at, by=by)
    ticket = intake.ticket if outcome == Outcome.EXISTING else None
    if outcome in FAULT:
        ticket = _ticket(outcome, intake, me, at=at, by=by)
    referral = _referral(intake, at=at, by=by) if outcome == Outcome.REFERRAL else None
    call = Call.objects.create(
        number=next_number("CA", at=at),
        taken_by=me,
        outcome=outcome,
        caller_number=intake.caller_number,
        caller_digits=phone_digits(intake.caller_number)[:30],
        caller_name=intake.caller_name or (intake.contact.name if intake.contact else ""),
        salutation=intake.salutation,
        ring_count=intake.ring_count,
        answered_at=intake.answered_at,
        ended_at=at,
        customer=_customer(intake),
        store=intake.store,
        contact=intake.contact,
        product=intake.product,
        installation=intake.installation,
        category=intake.category,
        need=intake.need,
        phone_solution_offered=intake.phone_solution_offered or outcome == Outcome.SOLVED,
        solution=intake.solution if outcome == Outcome.SOLVED else "",
        article=intake.article if outcome == Outcome.SOLVED else None,
        referral=referral,
        greeted=intake.greeted,
        read_back=intake.read_back,
        ticket=ticket,
        intake_key=intake.intake_key,
    )
    record(
        CallEnded(
            at=at,
            call_id=call.pk,
            number=call.number,
            outcome=outcome,
            outcome_label=call.get_outcome_display(),
            ring_count=call.ring_count,
            answered_at=call.answered_at.isoformat(),
            greeted=call.greeted,
            read_back=call.read_back,
            phone_solution_offered=call.phone_solution_offered,
            ticket_id=ticket.pk if ticket else None,
        ),
        about=[call, ticket, call.contact, call.store, call.customer],
        by=by,
    )
    _follow_up(call, intake, at=at, by=by)
    if call.article is not None:
        use(call.article, case=ticket, at=at, by=by)
    if intake.intake_key is not None:
        CallDraft.objects.filter(user=me, key=intake.intake_key).delete()
    rules.store(call, counts_at=at, person_id=me.pk, team_id=me.team_id, at=at)
    return call


def completed(outcome: str, said: dict[str, Any]) -> dict[str, Any]:
    """What follows from what was said: the person's store, the installation's product.

    Of a ticket that is there already, all that it knows need not be said again.
    """
    contact, installation = said.get("contact"), said.get("installation")
    said = said | {
        "store": said.get("store") or (contact.store if contact else None),
        "product": installation.product if installation else said.get("product"),
    }
    ticket = said.get("ticket")
    if outcome == Outcome.EXISTING and ticket is not None:
        said["store"] = said["store"] or ticket.store
        said["product"] = said["product"] or ticket.product
        said["category"] = said.get("category") or ticket.category
    return said


def objections(outcome: str, said: dict[str, Any], *, at: datetime) -> Iterator[tuple[str, str]]:
    """What is missing or wrong with `completed(said)`; a form shows all of it at once."""
    get = said.get
    yield from _wrong_times(said, at=at)
    yield from _strangers(said)
    if outcome not in Outcome.values:
        yield "outcome", _("Choose how the call ended.")
    elif outcome != Outcome.WRONG_NUMBER and not get("need"):
        yield "need", _("Write down what the caller wants, in his own words.")
    if outcome in FAULT:
        yield from _missing_of_a_fault(outcome, said)
    if outcome == Outcome.SOLVED and not get("solution"):
        yield "solution", _("Write down what solved it; the next one will look for it.")
    if outcome == Outcome.EXISTING:
        yield from _missing_of_an_existing_ticket(said)
    if outcome in CONFIRMED and not get("read_back"):
        yield "read_back", _("Read it back to the caller and tell him that it is recorded.")
    if outcome in {Outcome.MESSAGE, Outcome.PROMISE}:
        if not (get("caller_name") or get("contact")):
            yield "caller_name", _("Ask who is calling.")
        if not _number(said):
            yield "caller_number", _("Ask for the number to call back.")
    if outcome == Outcome.MESSAGE:
        if not get("to_user"):
            yield "to_user", _("Choose the colleague.")
        if not get("call_back_by"):
            yield "call_back_by", _("Say by when the colleague is to call back.")
    if outcome == Outcome.PROMISE:
        if not get("promise_owner"):
            yield "promise_owner", _("Choose who will call back.")
        if not get("promise_due_at"):
            yield "promise_due_at", _("Say by when you promised the answer.")
    added = get("new_referral_topic") and get("new_referral_name")
    if outcome == Outcome.REFERRAL and not (get("referral") or added):
        yield "referral", _("Choose where the caller was sent, or add it.")


def _missing_of_a_fault(outcome: str, said: dict[str, Any]) -> Iterator[tuple[str, str]]:
    get = said.get
    if not get("store"):
        if not get("new_store_name"):
            yield "store", _("Find the store, or add it as a new one.")
        else:
            if not get("new_store_address"):
                yield "new_store_address", _("Enter the address; engineers go there.")
            if not (get("new_store_customer") or get("new_customer_name")):
                yield "new_store_customer", _("Choose the customer, or enter its name.")
    if not (get("caller_name") or get("contact")):
        yield "caller_name", _("Ask who is calling.")
    if not (get("installation") or get("product")):
        yield "product", _("Ask which product the customer uses.")
    if outcome in RECORDED:
        if not (get("expected_at") or get("no_wish")):
            yield "expected_at", _("Ask by when the customer needs a solution.")
        if get("is_urgent") and not get("urgency_reason"):
            yield "urgency_reason", _("Say why it is urgent.")
        if outcome == Outcome.VISIT and not _number(said):
            yield "caller_number", _("The engineer needs a number to call.")


def _missing_of_an_existing_ticket(said: dict[str, Any]) -> Iterator[tuple[str, str]]:
    ticket, store = said.get("ticket"), said.get("store")
    if not (said.get("caller_name") or said.get("contact")):
        yield "caller_name", _("Ask who is calling.")
    if ticket is None:
        yield "ticket", _("Choose the ticket that the call is about.")
    elif ticket.status == Status.CLOSED:
        yield (
            "ticket",
            _("%(ticket)s is closed: reopen it, or take the call as a new ticket.")
            % {"ticket": ticket},
        )
    elif store is not None and store.customer_id != ticket.customer_id:
        yield "ticket", _("This ticket belongs to another customer.")


def _number(said: dict[str, Any]) -> str:
    """Where the caller can be called: he may ring from a number that nobody answers."""
    contact, store = said.get("contact"), said.get("store")
    return (
        said.get("caller_number")
        or (contact.phone if contact else "")
        or (store.phone if store else "")
    )


def _wrong_times(said: dict[str, Any], *, at: datetime) -> Iterator[tuple[str, str]]:
    answered_at = said.get("answered_at")
    if answered_at is not None and answered_at > at:
        yield "answered_at", _("This time has not come yet.")
    for field in ("expected_at", "call_back_by", "promise_due_at"):
        if said.get(field) is not None and said[field] <= at:
            yield field, _("This time has passed already.")


def _strangers(said: dict[str, Any]) -> Iterator[tuple[str, str]]:
    store, contact = said.get("store"), said.get("contact")
    installation = said.get("installation")
    if contact and store and contact.customer_id != store.customer_id:
        yield "contact", _("This person belongs to another customer.")
    if installation and (store is None or installation.store_id != store.pk):
        yield "installation", _("This is installed at another store.")


def _with_new_records(intake: Intake, *, at: datetime, by: Actor) -> Intake:
    """Make the store and the person that were typed in; nothing is asked twice (CALL-8)."""
    store, contact = intake.store, intake.contact
    if store is None and intake.new_store_name:
        customer = intake.new_store_customer or _named("new_customer_name", create_customer)(
            name=intake.new_customer_name, at=at, by=by
        )
        store = _named("new_store_name", create_store)(
            customer=customer,
            name=intake.new_store_name,
            address=intake.new_store_address,
            at=at,
            by=by,
        )
    if contact is None and store is not None and intake.save_contact and intake.caller_name:
        contact = _named("caller_name", create_contact)(
            store=store,
            name=intake.caller_name,
            salutation=intake.salutation,
            phone=intake.caller_number,
            at=at,
            by=by,
        )
    return replace(intake, store=store, contact=contact)


_ELSEWHERE = {
    "phone": "caller_number",
    "address": "new_store_address",
    "due_at": "promise_due_at",
}


def _named(field: str, create: Any) -> Any:
    """The same action; what it refuses is shown at the field of the intake it came from."""

    def run(**kwargs: Any) -> Any:
        try:
            return create(**kwargs)
        except Refused as refusal:
            where = _ELSEWHERE.get(refusal.field or "", field)
            raise Refused(refusal.message, field=where) from refusal

    return run


def _customer(intake: Intake) -> Customer | None:
    source = intake.store or intake.contact
    return source.customer if source else None


def _ticket(outcome: str, intake: Intake, me: User, *, at: datetime, by: Actor) -> Ticket:
    store = cast(Store, intake.store)
    solved = outcome == Outcome.SOLVED
    ticket = tickets.open_ticket(
        title=intake.title or _title(intake.need),
        need=intake.need,
        customer=store.customer,
        store=store,
        contact=intake.contact,
        product=intake.product,
        installation=intake.installation,
        category=intake.category,
        is_urgent=intake.is_urgent and not solved,
        urgency_reason=intake.urgency_reason,
        expected_at=None if solved else intake.expected_at,
        no_wish=solved or intake.no_wish,
        owner=me,
        at=at,
        by=by,
    )
    if solved:
        tickets.take(ticket, at=at, by=by)
        tickets.resolve(
            ticket, solution=Ticket.Solution.PHONE, resolution=intake.solution, at=at, by=by
        )
        if intake.confirmed:
            tickets.close(
                ticket,
                closing=Ticket.Closing.CONFIRMED,
                confirmed_by=intake.caller_name or str(intake.contact),
                evidence=str(_("by telephone")),
                at=at,
                by=by,
            )
    elif intake.assignee is not None:
        tickets.assign(ticket, assignee=intake.assignee, at=at, by=by)
    if outcome == Outcome.VISIT:
        tickets.request_visit(
            ticket,
            reason=intake.visit_reason or intake.need,
            contact_name=intake.caller_name,
            contact_phone=intake.caller_number,
            at=at,
            by=by,
        )
    return ticket


def _title(need: str) -> str:
    """The first line of the need, so that the subject is not typed again."""
    first = need.strip().splitlines()[0].strip()
    return first if len(first) <= TITLE_LENGTH else first[: TITLE_LENGTH - 1] + "…"


def _referral(intake: Intake, *, at: datetime, by: Actor) -> ReferralTarget:
    if intake.referral is not None:
        return intake.referral
    same = ReferralTarget.objects.active().filter(
        topic=intake.new_referral_topic, name=intake.new_referral_name
    )
    return same.first() or add_target(
        topic=intake.new_referral_topic,
        name=intake.new_referral_name,
        phone=intake.new_referral_phone,
        at=at,
        by=by,
    )


def _follow_up(call: Call, intake: Intake, *, at: datetime, by: Actor) -> None:
    number = _number(
        {"caller_number": call.caller_number, "contact": call.contact, "store": call.store}
    )
    if call.outcome == Outcome.EXISTING:
        words = {"caller": call.caller_name, "call": call.number, "need": call.need}
        note = _("%(caller)s called (%(call)s): %(need)s") % words
        tickets.comment(cast(Ticket, call.ticket), text=note, at=at, by=by)
    elif call.outcome == Outcome.MESSAGE:
        take_message(
            to_user=cast(User, intake.to_user),
            caller_name=call.caller_name,
            caller_number=number,
            text=call.need,
            about_visit=intake.about_visit,
            call_back_by=cast(datetime, intake.call_back_by),
            call=call,
            customer=call.customer,
            store=call.store,
            at=at,
            by=by,
        )
    elif call.outcome == Outcome.PROMISE:
        _named("promise_owner", make_promise)(
            owner=intake.promise_owner,
            caller_name=call.caller_name,
            caller_number=number,
            question=call.need,
            due_at=intake.promise_due_at,
            call=call,
            customer=call.customer,
            store=call.store,
            at=at,
            by=by,
        )


def _colleague(by: Actor) -> User:
    """Calls are taken by people; the system has no ears."""
    me = User.objects.staff().filter(pk=by.id or 0).first()
    if me is None:
        raise PermissionDenied(f"{by.label} takes no calls")
    return me


def _one_at_a_time(key: UUID) -> None:
    """Whoever comes second with the same form waits until the first is through."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key.int % 2**63])


# --- Drafts ------------------------------------------------------------------------------------


@action
def keep_draft(
    *, key: UUID, data: dict[str, list[str]], at: datetime, by: Actor
) -> CallDraft | None:
    """What was typed so far. None if the call was ended meanwhile: late keystrokes come last."""
    require(by, "calls.take")
    _one_at_a_time(key)
    if Call.objects.filter(taken_by_id=by.id, intake_key=key).exists():
        return None
    draft, _created = CallDraft.objects.update_or_create(
        user=_colleague(by),
        defaults={"key": key, "data": data, "updated_at": at},
        create_defaults={"key": key, "data": data, "updated_at": at, "started_at": at},
    )
    return draft


@action
def discard_draft(*, at: datetime, by: Actor) -> None:
    require(by, "calls.take")
    CallDraft.objects.filter(user=_colleague(by)).delete()
