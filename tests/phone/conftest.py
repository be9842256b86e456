"""A phone as the server meets it: commands as JSON, repeated, late, in any order."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from servicedesk.core.models import Entry, PhoneCommand
from tests.visits.cases import typed
from tests.visits.factories import LEAVE, RECORD, WINDOW
from visits.models import ARRIVAL_ITEMS, CLOSING_ITEMS, DEPARTURE_ITEMS, VisitOrder

SUBJECT = "visits.visitorder"


class Phone:
    """One device of one person. It chains its commands per record, as the real one does."""

    def __init__(
        self, user: User, *, offset: timedelta = timedelta(0), client: Client | None = None
    ) -> None:
        self.user = user
        self.device = uuid.uuid4()
        # Server minus device.
        self.offset = offset
        self.last: dict[str, str] = {}
        self.client = client or Client()
        if client is None:
            self.client.force_login(user)

    def tap(
        self,
        visit: VisitOrder,
        verb: str,
        fields: dict[str, Any] | None = None,
        *,
        at: datetime,
        chained: bool = True,
        **more: Any,
    ) -> dict[str, Any]:
        """A command, not sent yet. at: by the right clock; the phone notes its own."""
        op_id = str(uuid.uuid4())
        command = {
            "op_id": op_id,
            "device": str(self.device),
            "user": str(self.user.uid),
            "subject": SUBJECT,
            "number": visit.number,
            "verb": verb,
            "fields": fields or {},
            "files": {},
            "base_version": visit.version,
            "after": self.last.get(visit.number) if chained else None,
            "happened_at": (at - self.offset).isoformat(),
            "clock_offset_ms": int(self.offset / timedelta(milliseconds=1)),
            "app": "test",
        } | more
        if chained:
            self.last[visit.number] = op_id
        return command

    def send(self, command: dict[str, Any]) -> Any:
        return self.post("/phone/commands/", command)

    def does(self, visit: VisitOrder, verb: str, *args: Any, **more: Any) -> dict[str, Any]:
        """Tap and send; the answer."""
        response = self.send(self.tap(visit, verb, *args, **more))
        assert response.status_code == 200, response.content
        answer: dict[str, Any] = response.json()
        return answer

    def post(self, path: str, body: Any, **more: Any) -> Any:
        return self.client.post(path, json.dumps(body), content_type="application/json", **more)

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, **more)

    def answer(self, op_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.get(f"/phone/commands/{op_id}/").json()
        return answer

    def upload(self, content: bytes, name: str = "fault.txt", *, piece: int = 1000) -> str:
        announced = self.post("/phone/uploads/", announcement(content, name)).json()
        offset = announced["offset"]
        while offset < len(content):
            offset = self.patch(announced["uid"], offset, content[offset : offset + piece]).json()[
                "offset"
            ]
        return str(announced["uid"])

    def patch(self, uid: str, offset: int, piece: bytes) -> Any:
        return self.client.patch(
            f"/phone/uploads/{uid}/", piece, content_type="application/octet-stream",
            headers={"Upload-Offset": str(offset)},
        )  # fmt: skip


def announcement(content: bytes, name: str = "fault.txt") -> dict[str, Any]:
    return {
        "name": name,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "content_type": "text/plain",
    }


@pytest.fixture
def phone_of() -> Callable[..., Phone]:
    return Phone


@pytest.fixture
def phone(engineer) -> Phone:
    return Phone(engineer)


def whole_visit(phone: Phone, visit: VisitOrder) -> list[dict[str, Any]]:
    """All commands of a visit that was accepted, made without a network, in their order."""
    start = WINDOW[0]
    at = lambda minutes: start + timedelta(minutes=minutes)  # noqa: E731
    return [
        phone.tap(visit, "log_attempt", {"outcome": "busy"}, at=at(-85)),
        phone.tap(visit, "log_attempt", {"outcome": "reached"}, at=at(-75)),
        phone.tap(
            visit, "appoint",
            {"window_from": typed(start), "length": "60", "agreed_with": "李店长",
             "address_verified": "on", "phone_verified": "on", "address": visit.address,
             "contact_phone": visit.contact_phone, "travel_minutes": "30"},
            at=at(-74),
        ),
        phone.tap(visit, "prepare", {"ticked": list(DEPARTURE_ITEMS)}, at=at(-50)),
        phone.tap(visit, "depart", at=LEAVE),
        phone.tap(visit, "arrive", at=at(-8)),
        phone.tap(visit, "wait_for_customer", {"asked": "前台"}, at=at(-6)),
        phone.tap(visit, "meet", at=at(-1)),
        phone.tap(visit, "start_work", {"ticked": list(ARRIVAL_ITEMS)}, at=at(0)),
        phone.tap(visit, "interrupt", {"reason": "停电"}, at=at(10)),
        phone.tap(visit, "resume", at=at(20)),
        phone.tap(visit, "add_part", {"name": "网线", "quantity": "1"}, at=at(30)),
        phone.tap(visit, "record_work", RECORD, at=at(40)),
        phone.tap(visit, "finish", {"ticked": list(CLOSING_ITEMS)}, at=at(50)),
        phone.tap(visit, "refuse_signature", {"reason": "等总部"}, at=at(55)),
        phone.tap(visit, "hand_in", at=at(180)),
    ]  # fmt: skip


def events(visit: VisitOrder) -> list[tuple[str, datetime]]:
    """What the journal says of the visit: kind and time."""
    found = Entry.objects.filter(subjects__kind=SUBJECT, subjects__object_id=visit.pk)
    return sorted(found.values_list("type", "at"))


def count(visit: VisitOrder, event_type: str) -> int:
    return [name for name, _at in events(visit)].count(event_type)


def stored(command: dict[str, Any]) -> PhoneCommand:
    return PhoneCommand.objects.get(op_id=command["op_id"])
