"""Tickets and remote sessions in every status, reached by playing the actions."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

from accounts.models import User
from accounts.roles import Role
from customers import actions as customers
from customers.models import Product, Store
from knowledge.actions import create_category
from knowledge.models import FaultCategory
from servicedesk.core.actors import SYSTEM
from tests.conftest import AT, person
from tickets.actions import calls, remote
from tickets.actions import tickets as actions
from tickets.models import Call, RemoteSession, Ticket
from tickets.states import RemoteStatus, Status

# AT is 09:30 in Shanghai. What happens to a ticket by default happens so many minutes later.
TAKEN, STARTED, PAUSED, RESOLVED, CLOSED = (timedelta(minutes=m) for m in (5, 10, 15, 60, 90))

_numbers = itertools.count(1)


def make_store(name: str = "万象城店") -> Store:
    customer = customers.create_customer(name=f"美邻超市 {next(_numbers)}", at=AT, by=SYSTEM)
    store = customers.create_store(
        customer=customer, name=name, province="上海市", district="黄浦区",
        address="淮海中路 999 号", phone="021-62881200", at=AT, by=SYSTEM,
    )  # fmt: skip
    customers.create_contact(
        store=store, name="李晓梅", salutation="李店长", phone="13912345678", at=AT, by=SYSTEM
    )
    product = Product.objects.first() or customers.create_product(
        code="JF", name="积分产品", at=AT, by=SYSTEM
    )
    customers.create_installation(
        store=store, product=product, software_version="3.2.1", remote_id="882 114 903",
        at=AT, by=SYSTEM,
    )  # fmt: skip
    return store


def make_category(code: str = "RJ", name: str = "软件") -> FaultCategory:
    found = FaultCategory.objects.filter(code=code).first()
    return found or create_category(code=code, name=name, at=AT, by=SYSTEM)


def desk() -> User:
    """Somebody at the desk, other than the people of the tests."""
    found = User.objects.get_queryset().filter(username="desk").first()
    return found or person("desk", "周敏", Role.HELPDESK)


def details(store: Store | None = None, **more: Any) -> dict[str, Any]:
    """What `open_ticket` is told, but for `at` and `by`."""
    store = store or make_store()
    return {
        "title": "积分小票打印不出来",
        "need": "收银台打不出积分小票，顾客在排队，麻烦尽快看看",
        "customer": store.customer,
        "store": store,
        "contact": store.contacts.first(),
        "installation": store.installations.first(),
        "category": make_category(),
        "no_wish": True,
        "owner": more.pop("owner", None) or desk(),
    } | more


def make_ticket(
    status: str = Status.NEW, assignee: User | None = None, *, at: datetime = AT, **more: Any
) -> Ticket:
    """Play until `status` is reached."""
    owner = more.pop("owner", None) or desk()
    ticket = actions.open_ticket(**details(owner=owner, **more), at=at, by=owner.as_actor())
    worker = assignee or owner
    by = worker.as_actor()
    if status != Status.NEW:
        actions.assign(ticket, assignee=worker, at=at + TAKEN, by=owner.as_actor())
    if status not in {Status.NEW, Status.ASSIGNED}:
        actions.start(ticket, at=at + STARTED, by=by)
    if status == Status.WAITING:
        actions.wait(
            ticket, reason="等客户回店", until=at + timedelta(hours=5), at=at + PAUSED, by=by
        )
    if status in {Status.RESOLVED, Status.CLOSED}:
        actions.resolve(
            ticket, solution="remote", resolution="重装打印驱动后正常", at=at + RESOLVED, by=by
        )
    if status == Status.CLOSED:
        actions.close(
            ticket, closing="confirmed", confirmed_by="李晓梅", evidence="CA-20260302-0007",
            at=at + CLOSED, by=owner.as_actor(),
        )  # fmt: skip
    ticket.refresh_from_db()
    assert ticket.status == status
    return ticket


# --- Remote sessions -------------------------------------------------------------------------

RESULT: dict[str, Any] = {
    "result": "solved",
    "cause": "驱动被系统更新替换",
    "summary": "重装 V3.2 打印驱动",
    "changes_made": "打印驱动 3.1 → 3.2",
    "data_untouched": True,
    "end_confirmed_by": "李晓梅",
}


def make_session(
    status: str, engineer: User, *, ticket: Ticket | None = None, at: datetime = AT, **more: Any
) -> RemoteSession:
    """Play until `status` is reached; 20 minutes after the ticket was received."""
    ticket = ticket or make_ticket(Status.IN_PROGRESS, engineer, at=at)
    by = engineer.as_actor()
    at = at + timedelta(minutes=20)
    session = remote.prepare(
        ticket, channel=more.pop("channel", "client"), tool="ToDesk 882 114 903", at=at, by=by
    )
    if status == RemoteStatus.ABANDONED:
        remote.abandon(session, reason="客户不同意安装", at=at, by=by)
    if status in {RemoteStatus.CONSENTED, RemoteStatus.RUNNING, RemoteStatus.CLOSED}:
        remote.consent(
            session, consent_by="李晓梅", consent_channel="phone",
            at=at + timedelta(minutes=1), by=by,
        )  # fmt: skip
    if status in {RemoteStatus.RUNNING, RemoteStatus.CLOSED}:
        watcher = more.pop("watcher", "李晓梅")
        remote.start(session, watcher=watcher, at=at + timedelta(minutes=2), by=by)
    if status == RemoteStatus.CLOSED:
        remote.add_step(
            session, did="查看打印队列", outcome=more.pop("outcome", "驱动报错 0x61"),
            at=at + timedelta(minutes=4), by=by,
        )  # fmt: skip
        remote.close(
            session, **{"category": make_category(), **RESULT, **more},
            at=at + timedelta(minutes=15), by=by,
        )  # fmt: skip
    session.refresh_from_db()
    assert session.status == status
    return session


def make_call(ticket: Ticket, *, at: datetime, by: User, **more: Any) -> Call:
    """The customer called about this ticket; the call ended at `at`."""
    return calls.end_call(
        **{
            "outcome": Call.Outcome.EXISTING, "ticket": ticket, "caller_name": "李晓梅",
            "caller_number": "13912345678", "need": "同意改到后天", "read_back": True,
            "answered_at": at - timedelta(minutes=3),
        } | more,
        at=at, by=by.as_actor(),
    )  # fmt: skip
