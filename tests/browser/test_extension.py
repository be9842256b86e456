"""More time only by the customer's word: he refuses, agrees by link, by telephone, in person."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from io import BytesIO

import pypdf
import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Notification
from servicedesk.core.models import Document, OutboxMessage, Signature
from sla.models import Deadline, Escalation
from tests.browser.hands import complaints, dialog, draw, minute, send
from tests.conftest import PIN, give_pin
from tests.sla.processes import wait_until
from tests.tickets.tickets.factories import make_call, make_ticket
from tickets.models import Extension, Ticket
from tickets.states import Status

pytestmark = pytest.mark.browser

PLAN = "总部备机明早发出，后天上午到店更换；期间用手机收款"
HOUR = timedelta(hours=1)


def test_the_customer_answers_in_each_of_the_ways(page_of, worker, engineer, dispatcher):
    received = timezone.now().replace(second=0, microsecond=0) - 20 * HOUR
    ticket = make_ticket(Status.IN_PROGRESS, engineer, at=received)
    give_pin(engineer)
    desk, engineers_phone, customers_phone = (
        page_of(engineer), page_of(engineer, phone=True), page_of(phone=True),
    )  # fmt: skip
    said = [complaints(page) for page in (desk, engineers_phone, customers_phone)]

    first = propose(desk, ticket, received + 48 * HOUR)
    refuse_by_link(customers_phone, make_link(desk, first))
    the_supervisor_hears_of_it_once(page_of(dispatcher), dispatcher, first)
    assert due(ticket) == received + 24 * HOUR

    second = propose(desk, ticket, received + 49 * HOUR)
    agree_by_link(customers_phone, make_link(desk, second))
    assert due(ticket) == received + 49 * HOUR

    third = propose(desk, ticket, received + 72 * HOUR)
    agree_by_telephone(desk, third, engineer)
    assert due(ticket) == received + 72 * HOUR

    fourth = propose(desk, ticket, received + 96 * HOUR)
    agree_in_person(engineers_phone, fourth)
    assert due(ticket) == received + 96 * HOUR

    the_forms_are_sealed(desk, first, second, third, fourth)
    the_first_promise_stays(desk, ticket, received + 24 * HOUR)
    assert [line for lines in said for line in lines] == []


def due(ticket: Ticket) -> datetime:
    return Deadline.objects.of(ticket).get(kind="ticket.resolution").due_at


def propose(desk: Page, ticket: Ticket, until: datetime) -> str:
    """Plan, two files and a new time; the number of the proposal."""
    desk.goto(ticket.get_absolute_url())
    desk.locator(".more-line details.action", has_text="提出延期").wait_for()
    form = dialog(desk, "propose_extension")
    form.locator("[name=plan]").fill(PLAN)
    form.locator("[name=attachments]").set_input_files(
        [
            {"name": "更换步骤.txt", "mimeType": "text/plain", "buffer": "一、备份".encode()},
            {"name": "费用说明.txt", "mimeType": "text/plain", "buffer": "免费".encode()},
        ]
    )
    form.locator("[name=proposed_due_at]").fill(minute(until))
    send(form)
    expect(desk.locator(".extension").first).to_contain_text("费用说明.txt")
    extension = Extension.objects.first()
    assert extension is not None
    assert extension.status == "proposed"
    return extension.number


def make_link(desk: Page, number: str) -> str:
    desk.locator(f'form[action$="/{number}/link/"] button').click()
    expect(desk.locator(".qr-code svg")).to_be_visible()
    return str(desk.locator("[data-share]").get_attribute("data-share"))


def open_link(phone: Page, link: str) -> None:
    """He proves by his number that it is he, and reads plan and files."""
    phone.goto(link)
    phone.locator("[name=digits]").fill("5678")
    phone.locator("main form button[type=submit]").tap()
    expect(phone.locator(".paper-screen")).to_contain_text(PLAN)
    with phone.expect_download() as download:
        phone.locator(".file-list a", has_text="更换步骤.txt").tap()
    assert download.value.path().read_text() == "一、备份"


def refuse_by_link(phone: Page, link: str) -> None:
    open_link(phone, link)
    phone.locator("details.refuse summary").tap()
    form = phone.locator("details.refuse form")
    form.locator("[name=reason]").fill("周末大促，今天必须能用")
    form.locator("button[type=submit]").tap()
    expect(phone.locator("main")).to_contain_text("已收到您的答复")


def the_supervisor_hears_of_it_once(desk: Page, supervisor, number: str) -> None:
    told = Notification.objects.filter(user=supervisor, text__contains="周末大促")
    assert told.count() == 1
    assert OutboxMessage.objects.filter(recipient=supervisor.email, channel="email").exists()
    assert Escalation.objects.filter(insists=True).count() == 1
    desk.goto(f"/tickets/{Extension.objects.get(number=number).ticket.number}/")
    expect(desk.locator(f"#extension-{number}")).to_contain_text("周末大促，今天必须能用")


def agree_by_link(phone: Page, link: str) -> None:
    open_link(phone, link)
    draw(phone, waves=3)
    phone.locator("form.stack button[type=submit]").tap()
    expect(phone.locator("main")).to_contain_text("已收到您的签字")
    # The link is used up: it shows what was signed, and no form.
    phone.goto(link)
    expect(phone.locator("[name=strokes]")).to_have_count(0)


def agree_by_telephone(desk: Page, number: str, taken_by) -> None:
    extension = Extension.objects.get(number=number)
    elsewhere = make_ticket(Status.IN_PROGRESS, taken_by)
    foreign = make_call(elsewhere, at=timezone.now(), by=taken_by)
    call = make_call(extension.ticket, at=timezone.now(), by=taken_by)
    form = dialog(desk, "consent")
    choice = form.locator("[name=call]")
    expect(choice.locator(f'option[value="{foreign.uid}"]')).to_have_count(0)
    choice.select_option(str(call.uid))
    form.locator("[name=recording]").fill("REC-8812")
    send(form)
    entry = desk.locator(f"#extension-{number}")
    for text in (call.number, "李晓梅", "139****5678", "REC-8812"):
        expect(entry).to_contain_text(text)


def agree_in_person(phone: Page, number: str) -> None:
    """The engineer's own phone goes into the customer's hand and comes back."""
    extension = Extension.objects.get(number=number)
    phone.goto(extension.ticket.get_absolute_url())
    phone.locator(f'form[action$="/{number}/hand-over/"] button').tap()
    expect(phone.locator(".paper-screen")).to_contain_text(PLAN)
    draw(phone, waves=4)
    phone.locator("form.stack button[type=submit]").tap()
    expect(phone.locator("main")).to_contain_text("已收到您的签字")
    phone.locator("[name=pin]").fill(PIN)
    phone.get_by_role("button", name="收回手机").tap()
    expect(phone.locator(f"#extension-{number}")).to_contain_text("当面签字")


def the_forms_are_sealed(desk: Page, refused: str, linked: str, called: str, signed: str) -> None:
    for number in (refused, linked, called, signed):
        form = Document.objects.filter(number=number, status="sealed")
        assert wait_until(form.exists, 60), number
    assert set(Signature.objects.values_list("document__number", "method")) == {
        (linked, "L2"), (signed, "L1"),
    }  # fmt: skip
    assert all(len(s.strokes) == 2 for s in Signature.objects.all())
    for number, words in {
        refused: ["客户不同意", "周末大促"], linked: ["更换步骤.txt"], called: ["REC-8812"],
        signed: ["最初承诺", "费用说明.txt"],
    }.items():  # fmt: skip
        with default_storage.open(Document.objects.get(number=number, status="sealed").file) as f:
            text = "".join(p.extract_text() for p in pypdf.PdfReader(BytesIO(f.read())).pages)
        for word in words:
            assert word in text, (number, text)
    desk.goto(f"/tickets/{Extension.objects.get(number=signed).ticket.number}/")
    desk.locator(f"#extension-{signed} a", has_text="延期方案确认单").click()
    expect(desk.locator(".paper-screen")).to_contain_text(re.compile("[0-9a-f]{64}"))


def the_first_promise_stays(desk: Page, ticket: Ticket, promised: datetime) -> None:
    clock = Deadline.objects.of(ticket).get(kind="ticket.resolution")
    assert clock.original_due_at == promised
    desk.goto(ticket.get_absolute_url())
    local = timezone.localtime(promised)
    shown = desk.locator(".facts", has_text="原截止时间").first
    expect(shown).to_contain_text(f"{local:%H:%M}")
