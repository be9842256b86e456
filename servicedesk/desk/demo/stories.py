"""What happens in sixty days: each story is one customer's matter, told step by step.

A story calls actions, as the pages do, and yields the time at which it goes on. Where the
demo ends in its middle, the matter stays open: that is today's work.
"""

from __future__ import annotations

import math
import random
from collections.abc import Generator, Iterator
from concurrent.futures import Executor, Future
from contextvars import copy_context
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from accounts.actions import read_all_notifications
from accounts.models import User
from servicedesk.core import documents, sealing
from servicedesk.core.actors import SYSTEM
from servicedesk.core.models import Document, SignLink, token_hash
from servicedesk.desk.demo import names
from servicedesk.desk.demo.clock import Story
from servicedesk.desk.demo.world import Place, World
from sla.actions import acknowledge
from sla.models import Escalation
from tickets.actions import (
    calls,
    extensions,
    handovers,
    messages,
    promises,
    remote,
    tickets,
)
from tickets.models import Call, Message, Ticket
from visits import actions as visits
from visits.models import ARRIVAL_ITEMS, CLOSING_ITEMS, DEPARTURE_ITEMS, VisitOrder

OPENS, CLOSES = 9, 18


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def working_time(at: datetime) -> datetime:
    """`at`, or the next morning if it lies outside of the working hours."""
    local = timezone.localtime(at)
    if local.hour < OPENS:
        local = local.replace(hour=OPENS, minute=local.minute % 25)
    elif local.hour >= CLOSES:
        local = (local + timedelta(days=1)).replace(hour=OPENS, minute=local.minute % 25)
    return local


def strokes(dice: random.Random) -> list[list[dict[str, float]]]:
    """Two strokes of a hand that never writes the same twice."""
    found = []
    for part in range(2):
        height, turns, phase = dice.uniform(30, 60), dice.uniform(3, 7), dice.uniform(0, 6)
        found.append(
            [
                {
                    "x": round(60 + part * 260 + i * 4.5, 2),
                    "y": round(100 + height * math.sin(i / turns + phase) * (1 - i / 70), 2),
                    "t": 1000.0 * part + 16 * i,
                    "p": 0.5,
                }
                for i in range(48)
            ]
        )
    return found


class Stories:
    """All stories, with what they share: the world, the dice, the engineers' diaries, the press."""

    def __init__(self, world: World, end: datetime, press: Executor) -> None:
        self.world, self.dice, self.end = world, world.dice, end
        self._press = press
        self._diary: dict[int, list[tuple[datetime, datetime]]] = {}

    # --- calls -------------------------------------------------------------------------------

    def call(self, kind: str, at: datetime) -> Story:
        """A call comes in; `kind` is its outcome."""
        yield at
        yield from getattr(self, f"_{kind}")(at)

    def _taken(self, place: Place, outcome: str, at: datetime, **said: Any) -> tuple[Call, User]:
        """`at` is when the telephone was picked up."""
        dice = self.dice
        desk = dice.choice(self.world.of_role("helpdesk"))
        rings = dice.choices([1, 2, 3, 4, 5, None], [30, 35, 20, 6, 3, 6])[0]
        call = calls.end_call(
            outcome=outcome,
            answered_at=at,
            ring_count=rings,
            greeted=dice.random() < 0.97,
            caller_number=place.contact.phone,
            caller_name=place.contact.name,
            salutation=place.contact.salutation,
            **said,
            at=at + minutes(dice.uniform(2, 9)),
            by=desk.as_actor(),
        )
        return call, desk

    def _fault(self, place: Place, case: names.Case, at: datetime) -> dict[str, Any]:
        dice = self.dice
        urgent = dice.random() < 0.1
        wish = dice.choice([None, None, 4, 6, 8, 24, 30])
        return {
            "store": place.store, "contact": place.contact, "installation": place.installation,
            "category": self.world.categories[case.category], "need": case.need,
            "title": case.title, "read_back": True, "is_urgent": urgent,
            "urgency_reason": dice.choice(names.URGENT) if urgent else "",
            "expected_at": at + timedelta(hours=wish) if wish else None, "no_wish": wish is None,
            "phone_solution_offered": dice.random() < 0.95,
        }  # fmt: skip

    def _solved(self, at: datetime) -> Iterator[datetime]:
        place, case = self._somewhere(on_site=False)
        said = self._fault(place, case, at) | {
            "solution": case.solution, "confirmed": self.dice.random() < 0.9, "is_urgent": False,
            "urgency_reason": "",
        }  # fmt: skip
        call, desk = self._taken(place, Call.Outcome.SOLVED, at, **said)
        ticket = call.ticket
        assert ticket is not None
        ticket.refresh_from_db()
        if ticket.status == "resolved":
            yield from self._close(ticket, desk, call.ended_at)

    def _ticket(self, at: datetime) -> Iterator[datetime]:
        place, case = self._somewhere(on_site=False)
        call, desk = self._taken(place, Call.Outcome.TICKET, at, **self._fault(place, case, at))
        assert call.ticket is not None
        yield from self._work_on(call.ticket, case, place, desk, call.ended_at)

    def _visit(self, at: datetime) -> Iterator[datetime]:
        place, case = self._somewhere(on_site=True)
        call, desk = self._taken(
            place, Call.Outcome.VISIT, at,
            visit_reason=case.steps[0][0] + "，" + case.steps[0][1],
            **self._fault(place, case, at),
        )  # fmt: skip
        assert call.ticket is not None
        visit = VisitOrder.objects.get(ticket=call.ticket)
        yield from self._go_there(visit, case, place, desk, call.ended_at)

    def for_the_board(self, at: datetime, upto: str) -> Story:
        """An order that waits for a time: "ordered", "planned" or "accepted", and no further."""
        yield at
        place, case = self._somewhere(on_site=True)
        call, _desk = self._taken(
            place, Call.Outcome.VISIT, at, visit_reason="电话里判断需要上门",
            **self._fault(place, case, at) | {"is_urgent": False, "urgency_reason": ""},
        )  # fmt: skip
        visit = VisitOrder.objects.get(ticket=call.ticket)
        if upto == "ordered":
            return
        engineer = self.dice.choice(self.world.of_role("engineer"))
        planner = self.world.people["zhaomin"].as_actor()
        at = call.ended_at + minutes(4)
        yield at
        window = self._free_window(engineer, at)
        visits.plan(
            visit, engineer=engineer, window_from=window[0], window_until=window[1], at=at,
            by=planner,
        )  # fmt: skip
        if upto == "accepted":
            at += minutes(3)
            yield at
            visits.accept(
                visit, first_judgement=f"多半是{case.cause}", at=at, by=engineer.as_actor()
            )

    def _message(self, at: datetime) -> Iterator[datetime]:
        place, dice = self._anywhere(), self.dice
        colleague = dice.choice(self.world.of_role("engineer") + self.world.of_role("business"))
        call, _desk = self._taken(
            place, Call.Outcome.MESSAGE, at, store=place.store, need=dice.choice(names.MESSAGES),
            to_user=colleague, about_visit=dice.random() < 0.5, call_back_by=at + minutes(240),
        )  # fmt: skip
        message = Message.objects.get(call=call)
        at = call.ended_at + minutes(dice.choice([8, 25, 40, 120, 300]))
        yield at
        messages.read(message, at=at, by=colleague.as_actor())
        at += minutes(dice.uniform(10, 90))
        yield at
        messages.finish(message, outcome="已回电，问题说清楚了", at=at, by=colleague.as_actor())

    def _promise(self, at: datetime) -> Iterator[datetime]:
        place, dice = self._anywhere(), self.dice
        owner = dice.choice(self.world.of_role("helpdesk"))
        call, _desk = self._taken(
            place, Call.Outcome.PROMISE, at, store=place.store, need=dice.choice(names.QUESTIONS),
            promise_owner=owner, promise_due_at=at + minutes(dice.choice([60, 120, 180])),
        )  # fmt: skip
        promise = call.promises.get()
        late = dice.random()
        if late < 0.15:
            at = promise.due_at - minutes(20)
            yield at
            promises.move(
                promise, due_at=promise.due_at + minutes(120), spoken_to=place.contact.salutation,
                reason="产品同事还在确认", at=at, by=owner.as_actor(),
            )  # fmt: skip
        at = promise.due_at + minutes(dice.uniform(5, 60) if late > 0.92 else -dice.uniform(3, 40))
        yield at
        promises.keep(promise, answer="已回电答复并举例说明", at=at, by=owner.as_actor())

    def look_around(self, at: datetime) -> Story:
        """Twice a day everybody reads what he was told and takes note of escalations."""
        while True:
            yield at
            for person in User.objects.staff().filter(notifications__read_at=None).distinct():
                read_all_notifications(at=at, by=person.as_actor())
            # Who takes note of a step takes note of those before it.
            for escalation in (
                Escalation.objects.filter(
                    acknowledged_at=None, superseded=False, fired_at__lt=at - minutes(90)
                )
                .order_by("deadline_id", "-id")
                .distinct("deadline_id")
                .select_related("deadline__owner")
            ):
                owner = escalation.deadline.owner or self.world.people["zhaomin"]
                acknowledge(escalation, at=at, by=owner.as_actor())
            at += timedelta(hours=12)

    def _referral(self, at: datetime) -> Iterator[datetime]:
        place, dice = self._anywhere(), self.dice
        topic = dice.choice(list(names.OUT_OF_SCOPE))
        self._taken(
            place, Call.Outcome.REFERRAL, at, store=place.store, need=names.OUT_OF_SCOPE[topic],
            referral=self.world.referrals[topic],
        )  # fmt: skip
        yield at

    def _wrong_number(self, at: datetime) -> Iterator[datetime]:
        dice = self.dice
        calls.end_call(
            outcome=Call.Outcome.WRONG_NUMBER, answered_at=at, ring_count=dice.choice([1, 2, 3]),
            greeted=True, caller_number=f"1370000{dice.randint(0, 9999):04d}",
            at=at + minutes(0.5), by=dice.choice(self.world.of_role("helpdesk")).as_actor(),
        )  # fmt: skip
        yield at

    def _somewhere(self, *, on_site: bool) -> tuple[Place, names.Case]:
        cases = [case for case in names.CASES if case.on_site == on_site]
        return self._anywhere(), self.dice.choice(cases)

    def _anywhere(self) -> Place:
        return self.dice.choice(self.world.places)

    # --- tickets -----------------------------------------------------------------------------

    def _work_on(
        self, ticket: Ticket, case: names.Case, place: Place, desk: User, at: datetime
    ) -> Iterator[datetime]:
        """Assign, start, try remotely; some wait, some need more time or a visit."""
        dice = self.dice
        worker = dice.choice([*self.world.of_role("engineer"), desk, desk])
        at += minutes(dice.choices([3, 6, 11, 20, 55], [40, 32, 18, 7, 3])[0])
        yield at
        tickets.assign(ticket, assignee=worker, at=at, by=desk.as_actor())
        at += minutes(dice.uniform(1, 7))
        yield at
        tickets.start(ticket, at=at, by=worker.as_actor())
        if dice.random() < 0.08:
            at += minutes(10)
            yield at
            yield from self._hand_over(ticket, desk, at)
        if dice.random() < 0.12:
            at += minutes(20)
            yield at
            until = at + timedelta(hours=dice.choice([2, 5]))
            tickets.wait(
                ticket, reason="等客户 IT 开放远程权限", until=until, at=at, by=worker.as_actor()
            )
            at = until - minutes(10)
            yield at
            tickets.resume(ticket, at=at, by=worker.as_actor())
        slow = dice.random() < 0.09
        if slow:
            at += minutes(90)
            yield at
            yield from self._extend(ticket, place, worker, at)
            at += timedelta(hours=dice.choice([20, 34]))
        at = working_time(at + minutes(dice.choice([15, 40, 90, 200])))
        yield at
        solved = slow or dice.random() < 0.85
        at = yield from self._remote(ticket, case, place, worker, at, solved=solved)
        if not solved:
            visit_wanted = at + minutes(5)
            yield visit_wanted
            tickets.request_visit(
                ticket, reason="远程无法排除，需要现场检查", at=visit_wanted, by=worker.as_actor()
            )
            visit = VisitOrder.objects.get(ticket=ticket)
            yield from self._go_there(visit, case, place, desk, visit_wanted)
            return
        yield from self._close(ticket, desk, at)

    def _hand_over(self, ticket: Ticket, desk: User, at: datetime) -> Iterator[datetime]:
        others = [u for u in self.world.of_role("helpdesk") if u != desk]
        colleague = self.dice.choice(others)
        handover = handovers.hand_over(
            ticket, to_user=colleague, reason="我下班，请接着跟进", at=at, by=desk.as_actor()
        )
        at += minutes(12)
        yield at
        if self.dice.random() < 0.8:
            handovers.accept(handover, answer="收到，我来跟", at=at, by=colleague.as_actor())
        else:
            handovers.decline(handover, answer="手上已有三单超时", at=at, by=colleague.as_actor())

    def _extend(
        self, ticket: Ticket, place: Place, worker: User, at: datetime
    ) -> Iterator[datetime]:
        """SLA-5: a plan, a new time, and the customer's answer to both."""
        extension = extensions.propose_extension(
            ticket, plan=self.dice.choice(names.PLANS), proposed_due_at=at + timedelta(hours=40),
            at=at, by=worker.as_actor(),
        )  # fmt: skip
        at += minutes(25)
        yield at
        if self.dice.random() < 0.85:
            call = self._call_about(ticket, place, worker, "同意方案和新时间", at)
            extensions.consent(extension, call=call, at=at, by=worker.as_actor())
        else:
            call = self._call_about(ticket, place, worker, "大促期间不能等", at)
            extensions.refuse(
                extension, answered_by=place.contact.name, reason=call.need, call=call, at=at,
                by=worker.as_actor(),
            )  # fmt: skip

    def _call_about(
        self, ticket: Ticket, place: Place, taken_by: User, need: str, at: datetime
    ) -> Call:
        """The customer spoke about his ticket; the call ended at `at`."""
        return calls.end_call(
            outcome=Call.Outcome.EXISTING, ticket=ticket, answered_at=at - minutes(4),
            ring_count=2, greeted=True, caller_number=place.contact.phone,
            caller_name=place.contact.name, salutation=place.contact.salutation, need=need,
            read_back=True, at=at, by=taken_by.as_actor(),
        )  # fmt: skip

    def _remote(
        self, ticket: Ticket, case: names.Case, place: Place, worker: User, at: datetime,
        *, solved: bool,
    ) -> Generator[datetime, None, datetime]:  # fmt: skip
        """A remote session (REM-1…5); returns when it ended."""
        by, dice = worker.as_actor(), self.dice
        session = remote.prepare(
            ticket, channel="client", tool=f"ToDesk {place.installation.remote_id}", at=at, by=by
        )
        at += minutes(2)
        remote.consent(
            session, consent_by=place.contact.name, consent_channel="phone", at=at, by=by
        )
        remote.start(session, watcher=place.contact.name, at=at + minutes(1), by=by)
        for did, outcome in case.steps:
            at += minutes(dice.uniform(3, 12))
            yield at
            remote.add_step(session, did=did, outcome=outcome, at=at, by=by)
        at += minutes(5)
        yield at
        untouched = dice.random() < 0.9
        remote.close(
            session, result="solved" if solved else "not_solved",
            category=self.world.categories[case.category], cause=case.cause,
            summary=case.solution if solved else "", data_untouched=untouched,
            changes_made="" if untouched else "新增防火墙放行规则一条",
            end_confirmed_by=place.contact.name, resolve_ticket=solved, at=at, by=by,
        )  # fmt: skip
        if solved and dice.random() < 0.04:
            remote.make_article(session, at=at + minutes(3), by=by)
        return at

    def _close(self, ticket: Ticket, desk: User, at: datetime) -> Iterator[datetime]:
        """The customer confirms, or nothing more is heard; now and then it comes back."""
        dice = self.dice
        ticket.refresh_from_db()
        if dice.random() < 0.7:
            at = working_time(at + minutes(dice.choice([30, 180, 600])))
            yield at
            tickets.close(
                ticket, closing="confirmed", confirmed_by=str(ticket.contact), at=at,
                by=desk.as_actor(),
            )  # fmt: skip
        else:
            at = tickets.automatic_closing_at(ticket)
            yield at
            ticket.refresh_from_db()
            if ticket.status == "resolved":
                tickets.close(ticket, closing="automatic", at=at, by=SYSTEM)
        if dice.random() < 0.05:
            at = working_time(at + timedelta(days=1))
            yield at
            tickets.reopen(ticket, reason="客户说问题又出现了", at=at, by=desk.as_actor())
            at += minutes(70)
            yield at
            assert ticket.assignee is not None
            tickets.resolve(
                ticket, solution="phone", resolution="重新设置后观察正常", at=at,
                by=ticket.assignee.as_actor(),
            )  # fmt: skip
            at = working_time(at + minutes(300))
            yield at
            tickets.close(
                ticket, closing="confirmed", confirmed_by=str(ticket.contact), at=at,
                by=desk.as_actor(),
            )  # fmt: skip

    # --- visits ------------------------------------------------------------------------------

    def _free_window(self, engineer: User, at: datetime) -> tuple[datetime, datetime]:
        """An hour in the working time that clashes with nothing, travel included."""
        diary = self._diary.setdefault(engineer.pk, [])
        start = timezone.localtime(at + minutes(130)).replace(minute=0, second=0, microsecond=0)
        while True:
            start += timedelta(hours=1)
            until = start + timedelta(hours=1)
            fits = OPENS <= start.hour <= CLOSES - 2
            if fits and all(
                until + minutes(150) <= a or b + minutes(150) <= start for a, b in diary
            ):
                diary.append((start, until))
                return start, until

    def _go_there(
        self, visit: VisitOrder, case: names.Case, place: Place, desk: User, at: datetime
    ) -> Iterator[datetime]:
        dice = self.dice
        planner = dice.choice(self.world.of_role("dispatcher"))
        engineer = dice.choice(self.world.of_role("engineer"))
        by = engineer.as_actor()
        at += minutes(dice.choices([2, 5, 9, 20], [40, 35, 20, 5])[0])
        yield at
        visits.assign(visit, engineer=engineer, at=at, by=planner.as_actor())
        if case.on_site:
            things = names.BRING[visit.pk % len(names.BRING)]
            visits.note_bring(visit, bring=things, at=at, by=planner.as_actor())
        ticket = visit.ticket
        assert ticket is not None
        ticket.refresh_from_db()
        if ticket.assignee_id != engineer.pk:
            tickets.assign(ticket, assignee=engineer, at=at, by=planner.as_actor())
        if dice.random() < 0.06:
            at += minutes(10)
            yield at
            visits.send_back(visit, reason="当天已排满，请改派", at=at, by=by)
            at += minutes(15)
            yield at
            engineer = dice.choice([e for e in self.world.of_role("engineer") if e != engineer])
            by = engineer.as_actor()
            visits.assign(visit, engineer=engineer, at=at, by=planner.as_actor())
            tickets.assign(ticket, assignee=engineer, at=at, by=planner.as_actor())
        at += minutes(dice.choices([3, 6, 12, 28], [40, 35, 20, 5])[0])
        yield at
        visits.accept(visit, first_judgement=f"多半是{case.cause}", at=at, by=by)
        if dice.random() < 0.2:
            visits.consult(visit, source="知识库", learned="同型号更换记录", at=at, by=by)
        if dice.random() < 0.2:
            at += minutes(3)
            yield at
            visits.log_attempt(visit, outcome="no_answer", at=at, by=by)
            at += minutes(16)
        at += minutes(3)
        yield at
        window = self._free_window(engineer, at)
        visits.appoint(
            visit, window_from=window[0], window_until=window[1],
            agreed_with=place.contact.salutation, address_verified=True,
            phone_verified=dice.random() < 0.9, at=at, by=by,
        )  # fmt: skip
        if dice.random() < 0.02:
            at += minutes(15)
            yield at
            visits.cancel(visit, reason="客户来电说已恢复", at=at, by=desk.as_actor())
            tickets.resolve(
                ticket, solution="phone", resolution="客户自行恢复，已确认", at=at, by=by
            )
            yield from self._close(ticket, desk, at)
            return
        if dice.random() < 0.14:
            at = max(at + minutes(5), window[0] - minutes(dice.choice([300, 280, 60, 35, 20])))
            yield at
            window = self._free_window(engineer, max(at, window[1]))
            visits.rearrange(
                visit, window_from=window[0], window_until=window[1],
                asked_by=dice.choice(["customer", "engineer"]),
                reason=dice.choice(["店里盘点，改时间", "上一家未完工，赶不过来"]),
                agreed_with=place.contact.salutation, at=at, by=by,
            )  # fmt: skip
        yield from self._trip(visit, case, place, engineer, desk, window)

    def _trip(
        self, visit: VisitOrder, case: names.Case, place: Place, engineer: User, desk: User,
        window: tuple[datetime, datetime], *, again: bool = False,
    ) -> Iterator[datetime]:  # fmt: skip
        dice, by = self.dice, engineer.as_actor()
        assert visit.leave_at is not None
        at = visit.leave_at - minutes(20)
        yield at
        visits.prepare(
            visit, ticked=list(DEPARTURE_ITEMS), usb_drive=f"USB-{engineer.pk:02d}",
            usb_scanned_at=at - minutes(10), at=at, by=by,
        )  # fmt: skip
        early = dice.choices([8, 6, 2, -12, -25], [50, 30, 8, 8, 4])[0]
        at = window[0] - minutes(visit.travel_minutes + max(early, 0))
        yield at
        visits.depart(visit, at=at, by=by)
        if early < 0 and dice.random() < 0.8:
            at = window[0] - minutes(8)
            yield at
            visits.tell_late(
                visit, expected_at=window[0] - minutes(early), reason="高架拥堵", at=at, by=by
            )
        at = window[0] - minutes(early)
        yield at
        visits.arrive(visit, at=at, by=by)
        if not again and dice.random() < 0.07:
            yield from self._absent(visit, case, place, engineer, desk, at)
            return
        at += minutes(max(early, 0) + 2)
        yield at
        visits.start_work(
            visit, people_met=f"{place.contact.name}（{place.contact.position}）",
            ticked=list(ARRIVAL_ITEMS), at=at, by=by,
        )  # fmt: skip
        yield from self._on_site(visit, case, place, engineer, desk, at)

    def _absent(
        self, visit: VisitOrder, case: names.Case, place: Place, engineer: User, desk: User,
        at: datetime,
    ) -> Iterator[datetime]:  # fmt: skip
        """VISIT-16, VISIT-7: wait, leave the note, make another appointment."""
        by = engineer.as_actor()
        visits.wait_for_customer(visit, asked="电话未接通，前台说外出", at=at, by=by)
        at += minutes(17)
        yield at
        note = visits.leave_note(visit, left_with="交前台保安", at=at, by=by)
        self._sign_own(Document.objects.get(number=note.number, status="open"), engineer, at)
        at = working_time(at + minutes(95))
        yield at
        window = self._free_window(engineer, at)
        visits.appoint(
            visit, window_from=window[0], window_until=window[1],
            agreed_with=place.contact.salutation, address_verified=True, phone_verified=True,
            at=at, by=by,
        )  # fmt: skip
        yield from self._trip(visit, case, place, engineer, desk, window, again=True)

    def _on_site(
        self, visit: VisitOrder, case: names.Case, place: Place, engineer: User, desk: User,
        at: datetime,
    ) -> Iterator[datetime]:  # fmt: skip
        dice, by = self.dice, engineer.as_actor()
        if dice.random() < 0.06:
            at += minutes(8)
            yield at
            visits.interrupt(visit, reason="商场临时停电", at=at, by=by)
            at += minutes(20)
            yield at
            visits.resume(visit, at=at, by=by)
        at += minutes(dice.uniform(20, 55))
        yield at
        solved = dice.random() < 0.92
        visits.record_work(
            visit, category=self.world.categories[case.category],
            people_met=f"{place.contact.name}（{place.contact.position}）",
            findings=f"现场确认：{case.need[:30]}", cause=case.cause,
            work_done=case.solution if solved else "更换备用件后仍不稳定",
            changes_made="无", tested_by=place.contact.name,
            test_result="积分、兑换各试一次，正常" if solved else "仍偶发异常",
            result="solved" if solved else "not_solved",
            next_step="" if solved else "调换新终端再上门",
            next_step_at=None if solved else at + timedelta(hours=30),
            advice="请勿与大功率电器共用插座，每周清洁一次", at=at, by=by,
        )  # fmt: skip
        if case.on_site and dice.random() < 0.6:
            code, _name, _spec, _unit, serial = dice.choice(names.PARTS)
            if serial:
                serial += f"{dice.randint(1000, 9999)}"
            visits.add_part(visit, code=code, quantity=1, serial=serial, at=at, by=by)
        at += minutes(4)
        yield at
        visits.finish(visit, ticked=list(CLOSING_ITEMS), at=at, by=by)
        at += minutes(3)
        yield at
        if dice.random() < 0.03:
            visits.refuse_signature(visit, reason="店长要求先由总部确认", at=at, by=by)
            self._sign_own(Document.objects.get(number=visit.number, status="open"), engineer, at)
        else:
            form = visits.present_form(visit, at=at, by=by)
            self._sign_as_customer(form, place, engineer, at + minutes(1))
            self._sign_own(form, engineer, at + minutes(2))
        yield from self._afterwards(visit, place, engineer, desk, at + minutes(3), solved=solved)

    def _sign_as_customer(self, form: Document, place: Place, engineer: User, at: datetime) -> None:
        dice = self.dice
        method = dice.choice(["L1", "L1", "L2"])
        token = documents.make_link(
            form, block="customer", method=method, signer_name=place.contact.name,
            contact_id=place.contact.pk, phone_last4=place.contact.phone[-4:] if method == "L2" else "",
            at=at, by=engineer.as_actor(),
        )  # fmt: skip
        link = SignLink.objects.get(token_sha256=token_hash(token))
        stars = [5, 5, 5, 5, 4, 4, 3]
        documents.sign_by_link(
            link, signer_name=place.contact.name, strokes=strokes(dice),
            shown_sha256=form.data_sha256,
            answers={
                "punctuality": dice.choice(stars), "conduct": dice.choice(stars),
                "skill": dice.choice(stars), "result": dice.choice(stars),
                "remarks": dice.choice(names.REMARKS),
            },
            at=at, by=documents.signer(link),
        )  # fmt: skip

    def _sign_own(self, form: Document, engineer: User, at: datetime) -> None:
        documents.sign_own(
            form, block="engineer", strokes=strokes(self.dice), shown_sha256=form.data_sha256,
            at=at, by=engineer.as_actor(),
        )  # fmt: skip

    def _seal(self, visit: VisitOrder, at: datetime) -> list[Future[bool]]:
        """As the worker would at that moment, beside the other stories: until it is archived."""
        forms = Document.objects.filter(number=visit.number, status="complete")
        return [
            self._press.submit(copy_context().run, partial(sealing.seal_document, form, at=at))
            for form in forms
        ]

    def _afterwards(
        self, visit: VisitOrder, place: Place, engineer: User, desk: User, at: datetime,
        *, solved: bool,
    ) -> Iterator[datetime]:  # fmt: skip
        """Hand in, check, archive, close the ticket, call the customer once more."""
        dice, by = self.dice, engineer.as_actor()
        yield at
        sealed = self._seal(visit, at)
        ticket = visit.ticket
        assert ticket is not None
        visit.refresh_from_db()
        if solved:
            ticket.refresh_from_db()
            tickets.resolve(ticket, solution="visit", resolution=visit.work.work_done, at=at, by=by)
        at += minutes(dice.choices([60, 120, 200, 1500], [40, 35, 20, 5])[0])
        yield at
        visits.hand_in(visit, usb_scanned_at=at - minutes(15), at=at, by=by)
        at = working_time(at + minutes(dice.choice([30, 120, 300])))
        yield at
        if dice.random() < 0.05:
            visits.return_form(visit, reason="附件照片缺一张", at=at, by=desk.as_actor())
            at += minutes(60)
            yield at
            visits.hand_in(visit, usb_scanned_at=at, at=at, by=by)
            at += minutes(30)
            yield at
        for form in sealed:
            form.result()
        visits.archive(visit, at=at, by=desk.as_actor())
        at = working_time(at + timedelta(hours=dice.choice([18, 26, 40])))
        yield at
        satisfied = dice.random() < 0.95
        visits.follow_up(
            visit, result="使用正常，客户满意" if satisfied else "客户希望下次提前确认时间",
            satisfied=satisfied, at=at, by=desk.as_actor(),
        )  # fmt: skip
        if solved:
            ticket.refresh_from_db()
            if ticket.status == "resolved":
                tickets.close(
                    ticket, closing="confirmed", confirmed_by=place.contact.name, at=at,
                    by=desk.as_actor(),
                )  # fmt: skip
            return
        tickets.resolve(ticket, solution="visit", resolution="更换新终端后恢复", at=at, by=by)
        yield from self._close(ticket, desk, at)
