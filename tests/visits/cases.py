"""For each transition: where it starts, who may do it, and what its two doors are sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from accounts.roles import Role
from tests.conftest import person
from tests.visits.factories import RECORD
from visits.models import ARRIVAL_ITEMS, CLOSING_ITEMS, DEPARTURE_ITEMS, VisitOrder
from visits.states import Status


@dataclass(frozen=True)
class Case:
    """`page`, `api`: what is sent; a function gets the visit. `target`: None means no change."""

    verb: str
    start: Status
    page: Any = field(default_factory=dict)
    api: Any = None
    target: Status | None = None
    desk: bool = False
    # The engineer's own order, and any for the desk.
    both: bool = False

    def sent(self, door: str, visit: VisitOrder, engineer: Any) -> dict[str, Any]:
        data = self.api if door == "api" and self.api is not None else self.page
        return dict(data(visit, engineer)) if callable(data) else dict(data)


def soon(**later: int) -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(**later)


def typed(moment: datetime) -> str:
    """As a browser sends local time."""
    return (moment.astimezone(UTC) + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M")


def _photo() -> SimpleUploadedFile:
    return SimpleUploadedFile("fault.txt", "收银台照片说明".encode(), content_type="text/plain")


def another() -> User:
    found = User.objects.get_queryset().filter(username="another").first()
    return found or person("another", "钱进", Role.ENGINEER)


WHY = {"reason": "客户要求"}
CASES = [
    Case("assign", Status.ORDERED, lambda v, e: {"engineer": str(e.uid)}, target=Status.ASSIGNED,
         desk=True),
    Case("note_bring", Status.ASSIGNED, {"bring": "扫码枪一把、六类网线 5 米"}, desk=True),
    Case("plan", Status.ORDERED,
         lambda v, e: {"engineer": str(e.uid), "window_from": typed(soon(days=1)), "length": 60},
         lambda v, e: {"engineer": str(e.uid), "window_from": soon(days=1).isoformat(),
                       "window_until": soon(days=1, hours=1).isoformat()},
         target=Status.ASSIGNED, desk=True),
    Case("send_another", Status.WORKING, lambda v, e: {"engineer": str(another().uid), **WHY},
         target=Status.ASSIGNED, desk=True),
    Case("pass_on_form", Status.FINISHED, lambda v, e: {"engineer": str(another().uid), **WHY},
         desk=True),
    Case("cancel", Status.APPOINTED, WHY, target=Status.CANCELLED, desk=True),
    Case("accept", Status.ASSIGNED, {"first_judgement": "网线"}, target=Status.ACCEPTED),
    Case("send_back", Status.ACCEPTED, WHY, target=Status.ORDERED),
    Case("consult", Status.ACCEPTED, {"source": "王强"}),
    Case("log_attempt", Status.ACCEPTED, {"outcome": "reached"}),
    Case("appoint", Status.ACCEPTED,
         lambda v, e: {"window_from": typed(soon(days=1)), "length": 60, "agreed_with": "李店长",
                       "address_verified": "on", "phone_verified": "on", "address": v.address,
                       "contact_phone": v.contact_phone, "travel_minutes": 30},
         lambda v, e: {"window_from": soon(days=1).isoformat(), "agreed_with": "李店长",
                       "window_until": soon(days=1, hours=1).isoformat()},
         target=Status.APPOINTED),
    Case("rearrange", Status.EN_ROUTE,
         lambda v, e: {"window_from": typed(soon(days=2)), "length": 60, "agreed_with": "李店长",
                       "asked_by": "customer", "reason": "盘点", "travel_minutes": 30},
         lambda v, e: {"window_from": soon(days=2).isoformat(), "agreed_with": "李店长",
                       "window_until": soon(days=2, hours=1).isoformat(), "reason": "盘点",
                       "asked_by": "customer"},
         target=Status.APPOINTED),
    Case("refuse_new_time", Status.APPOINTED, WHY),
    Case("tell_late", Status.EN_ROUTE, {"minutes": 20},
         lambda v, e: {"expected_at": soon(minutes=20).isoformat()}),
    Case("prepare", Status.APPOINTED, {"ticked": list(DEPARTURE_ITEMS)}),
    Case("depart", Status.APPOINTED, target=Status.EN_ROUTE),
    Case("arrive", Status.EN_ROUTE, target=Status.ARRIVED),
    Case("wait_for_customer", Status.ARRIVED, {"asked": "前台"}, target=Status.WAITING),
    Case("meet", Status.WAITING, target=Status.ARRIVED),
    Case("leave_note", Status.WAITING, {"left_with": "前台"}, target=Status.MISSED),
    Case("start_work", Status.ARRIVED, {"ticked": list(ARRIVAL_ITEMS), "people_met": "李晓梅"},
         target=Status.WORKING),
    Case("interrupt", Status.WORKING, {"reason": "停电"}, target=Status.INTERRUPTED),
    Case("resume", Status.INTERRUPTED, target=Status.WORKING),
    Case("record_work", Status.WORKING, RECORD),
    Case("add_part", Status.WORKING, {"name": "网线", "quantity": 1}),
    Case("finish", Status.WORKING, {"ticked": list(CLOSING_ITEMS)}, target=Status.FINISHED),
    Case("revise", Status.FINISHED, {"reason": "漏填配件"}, target=Status.WORKING),
    Case("present_form", Status.FINISHED),
    Case("refuse_signature", Status.FINISHED, {"reason": "等总部"}, target=Status.SIGNED),
    Case("hand_in", Status.SIGNED, lambda v, e: {"usb_scanned_at": typed(soon())},
         lambda v, e: {"usb_scanned_at": soon().isoformat()}, target=Status.HANDED_IN),
    Case("return_form", Status.HANDED_IN, {"reason": "缺序列号"}, target=Status.SIGNED, desk=True),
    Case("follow_up", Status.HANDED_IN, {"result": "正常", "satisfied": "yes"},
         {"result": "正常", "satisfied": True}, desk=True),
    Case("flag_complaint", Status.APPOINTED, {"text": "等了三天"}),
    Case("attach", Status.WORKING, lambda v, e: {"file": _photo()}, both=True),
]  # fmt: skip
# archive, remove_part, complete_form and offer_times have files of their own.
BY_VERB = {case.verb: case for case in CASES}
