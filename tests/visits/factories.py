"""Visits in every status, reached by playing the actions: no row that could not exist."""

from __future__ import annotations

import itertools
import math
from datetime import datetime, timedelta
from typing import Any

from accounts.models import User
from accounts.roles import Role
from customers import actions as customers
from customers.models import Contact, Installation, Product, Store
from knowledge.actions import create_category
from knowledge.models import FaultCategory
from servicedesk.core import documents
from servicedesk.core.actors import SYSTEM
from servicedesk.core.models import Document, Signature, SignLink
from tests.conftest import AT, person
from tickets.actions.tickets import open_ticket
from tickets.models import Ticket
from visits import actions
from visits.models import ARRIVAL_ITEMS, CLOSING_ITEMS, DEPARTURE_ITEMS, VisitOrder
from visits.states import Status

# AT is 09:30 in Shanghai; the customer expects the engineer from 11:30 to 12:30.
WINDOW = (AT + timedelta(hours=2), AT + timedelta(hours=3))
# After the appointment was made, and after everything.
AGREED = AT + timedelta(minutes=25)
AFTER = AT + timedelta(days=1)
LEAVE = WINDOW[0] - timedelta(minutes=30)
ARRIVED = WINDOW[0] - timedelta(minutes=8)
STARTED = WINDOW[0]
FINISHED = WINDOW[0] + timedelta(minutes=50)

RECORD: dict[str, Any] = {
    "findings": "积分终端报错 E-17，网线松动",
    "cause": "搬动收银台时碰松网线",
    "work_done": "重新插紧并固定网线，重启终端",
    "changes_made": "无",
    "tested_by": "李晓梅",
    "test_result": "积分、兑换各试一次，正常",
    "result": "solved",
    "advice": "搬动收银台前先关机",
}

_seeds = itertools.count(1)
_numbers = itertools.count(1)


def strokes() -> list[list[dict[str, float]]]:
    """A hand that signs differently each time, as hands do."""
    seed = next(_seeds) * 0.37
    return [
        [
            {
                "x": round(20 + 5 * i, 2),
                "y": round(100 + 60 * math.sin(i / 5 + seed) + seed % 20, 2),
                "t": 1000.0 + 16 * i,
                "p": 0.5,
            }
            for i in range(60)
        ]
    ]


def make_store(name: str = "美邻超市 万象城店") -> Store:
    n = next(_numbers)
    customer = customers.create_customer(name=f"美邻超市 {n}", at=AT, by=SYSTEM)
    return customers.create_store(
        customer=customer, name=name, province="上海市", district="黄浦区",
        address="淮海中路 999 号", phone="021-62881200", at=AT, by=SYSTEM,
    )  # fmt: skip


def make_contact(store: Store) -> Contact:
    return customers.create_contact(
        store=store, customer=store.customer, name="李晓梅", salutation="李店长",
        phone="13912345678", at=AT, by=SYSTEM,
    )  # fmt: skip


def make_installation(store: Store) -> Installation:
    n = next(_numbers)
    product = Product.objects.first() or customers.create_product(
        code=f"JF{n}", name="积分产品", at=AT, by=SYSTEM
    )
    return customers.create_installation(
        store=store, product=product, software_version="3.2.1", remote_id="882 114 903",
        at=AT, by=SYSTEM,
    )  # fmt: skip


def make_category(code: str = "HW") -> FaultCategory:
    found = FaultCategory.objects.filter(code=code).first()
    return found or create_category(code=code, name=f"硬件 {code}", at=AT, by=SYSTEM)


def make_desk_person() -> User:
    found = User.objects.get_queryset().filter(username="desk").first()
    return found or person("desk", "周敏", Role.HELPDESK)


def make_ticket(*, at: datetime = AT, **more: Any) -> Ticket:
    store = more.pop("store", None) or make_store()
    contact = make_contact(store)
    return open_ticket(
        **{
            "title": "积分终端不能积分",
            "need": "收银台积分终端报错，会员积不了分，请尽快来看看",
            "customer": store.customer,
            "store": store,
            "contact": contact,
            "installation": make_installation(store),
            "category": make_category(),
            "no_wish": True,
            "owner": make_desk_person(),
        }
        | more,
        at=at,
        by=SYSTEM,
    )


def order(ticket: Ticket | None = None, *, at: datetime = AT, **more: Any) -> VisitOrder:
    if ticket is None and "store" not in more:
        ticket = make_ticket(at=at)
    return actions.order_visit(ticket=ticket, at=at, by=make_desk_person().as_actor(), **more)


def make_visit(
    status: str, engineer: User, *, shift: timedelta = timedelta(0), record: Any = None, **more: Any
) -> VisitOrder:
    """Play until `status` is reached. `shift`: everything that much later."""
    visit = order(more.pop("ticket", None), at=AT + shift, **more)
    for name in PATHS[Status(status)]:
        STEPS[name](visit, engineer, shift, record or {})
    visit.refresh_from_db()
    assert visit.status == status
    return visit


def _assign(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    actions.assign(
        visit, engineer=engineer, at=AT + shift + timedelta(minutes=5),
        by=make_desk_person().as_actor(),
    )  # fmt: skip


def _accept(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    actions.accept(
        visit, first_judgement="多半是网线或网口", at=AT + shift + timedelta(minutes=10),
        by=engineer.as_actor(),
    )  # fmt: skip


def _appoint(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    actions.appoint(
        visit, window_from=WINDOW[0] + shift, window_until=WINDOW[1] + shift, agreed_with="李店长",
        address_verified=True, phone_verified=True, at=AT + shift + timedelta(minutes=20),
        by=engineer.as_actor(),
    )  # fmt: skip


def _prepare(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    actions.prepare(
        visit, ticked=DEPARTURE_ITEMS, usb_drive="USB-07",
        usb_scanned_at=AT + shift + timedelta(minutes=50), at=AT + shift + timedelta(minutes=60),
        by=engineer.as_actor(),
    )  # fmt: skip


def _depart(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    actions.depart(visit, at=LEAVE + shift - timedelta(minutes=5), by=engineer.as_actor())


def _arrive(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    actions.arrive(visit, at=ARRIVED + shift, by=engineer.as_actor())


def _wait(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    actions.wait_for_customer(
        visit, asked="电话问店长能否由同事接待，未接通", at=ARRIVED + shift, by=engineer.as_actor()
    )


def _leave_note(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    actions.leave_note(
        visit, left_with="交前台王女士", at=ARRIVED + shift + timedelta(minutes=16),
        by=engineer.as_actor(),
    )  # fmt: skip


def _start(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    actions.start_work(
        visit, people_met="李晓梅（店长）", ticked=ARRIVAL_ITEMS, at=STARTED + shift,
        by=engineer.as_actor(),
    )  # fmt: skip


def _interrupt(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    actions.interrupt(
        visit, reason="商场停电", at=STARTED + shift + timedelta(minutes=10), by=engineer.as_actor()
    )


def _finish(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    actions.record_work(
        visit, **{**RECORD, **record}, at=FINISHED + shift - timedelta(minutes=5),
        by=engineer.as_actor(),
    )  # fmt: skip
    actions.finish(visit, ticked=CLOSING_ITEMS, at=FINISHED + shift, by=engineer.as_actor())


def _sign(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    at = FINISHED + shift + timedelta(minutes=5)
    document = actions.present_form(visit, at=at, by=engineer.as_actor())
    sign_as_customer(document, engineer, at=at)
    sign_as_engineer(document, engineer, at=at)


def _refuse(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    actions.refuse_signature(
        visit, reason="店长要求总部先确认", at=FINISHED + shift + timedelta(minutes=5),
        by=engineer.as_actor(),
    )  # fmt: skip


def _hand_in(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    at = FINISHED + shift + timedelta(hours=4)
    actions.hand_in(
        visit, usb_scanned_at=at - timedelta(minutes=5), at=at, by=engineer.as_actor()
    )  # fmt: skip


def _archive(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    actions.archive(
        visit, at=FINISHED + shift + timedelta(hours=6), by=make_desk_person().as_actor()
    )


def _cancel(visit: VisitOrder, engineer: User, shift: timedelta, record: Any) -> None:
    actions.cancel(
        visit, reason="客户来电说已恢复", at=AT + shift + timedelta(minutes=15),
        by=make_desk_person().as_actor(),
    )  # fmt: skip


def sign_as_customer(
    document: Document, engineer: User, *, at: datetime, answers: dict[str, Any] | None = None
) -> Signature:
    """What the customer does on the phone that the engineer hands over."""
    token = documents.make_link(
        document, block="customer", method="L1", signer_name="李晓梅", at=at,
        by=engineer.as_actor(),
    )  # fmt: skip
    link = SignLink.objects.get(token_sha256=documents.token_hash(token))
    return documents.sign_by_link(
        link, signer_name="李晓梅", strokes=strokes(), shown_sha256=document.data_sha256,
        answers=answers
        or {"punctuality": 5, "conduct": 5, "skill": 4, "result": 5, "remarks": "谢谢"},
        at=at, by=documents.signer(link),
    )  # fmt: skip


def sign_as_engineer(document: Document, engineer: User, *, at: datetime) -> Signature:
    return documents.sign_own(
        document, block="engineer", strokes=strokes(), shown_sha256=document.data_sha256, at=at,
        by=engineer.as_actor(),
    )  # fmt: skip


STEPS = {
    "assign": _assign, "accept": _accept, "appoint": _appoint, "prepare": _prepare,
    "depart": _depart, "arrive": _arrive, "wait": _wait, "leave_note": _leave_note,
    "start": _start, "interrupt": _interrupt, "finish": _finish, "sign": _sign, "refuse": _refuse,
    "hand_in": _hand_in, "archive": _archive, "cancel": _cancel,
}  # fmt: skip

_TO_SITE = ["assign", "accept", "appoint", "prepare", "depart", "arrive"]
_TO_END = [*_TO_SITE, "start", "finish"]
PATHS: dict[Status, list[str]] = {
    Status.ORDERED: [],
    Status.ASSIGNED: _TO_SITE[:1],
    Status.ACCEPTED: _TO_SITE[:2],
    Status.APPOINTED: _TO_SITE[:3],
    Status.EN_ROUTE: _TO_SITE[:5],
    Status.ARRIVED: _TO_SITE,
    Status.WAITING: [*_TO_SITE, "wait"],
    Status.MISSED: [*_TO_SITE, "wait", "leave_note"],
    Status.WORKING: [*_TO_SITE, "start"],
    Status.INTERRUPTED: [*_TO_SITE, "start", "interrupt"],
    Status.FINISHED: _TO_END,
    Status.SIGNED: [*_TO_END, "sign"],
    Status.HANDED_IN: [*_TO_END, "sign", "hand_in"],
    # A signed one is archived when it is sealed, which needs a renderer; a refused one at once.
    Status.ARCHIVED: [*_TO_END, "refuse", "hand_in", "archive"],
    Status.CANCELLED: ["cancel"],
}
