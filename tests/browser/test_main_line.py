"""The main job, played by three people: a call comes in, a signed form goes into the archive.

Nothing stands between them but browsers, PostgreSQL, Redis and a Celery worker. Times are
those of the wall: the appointment is made so that every rule of the handbook can be kept.
"""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Notification
from servicedesk.core import journal
from servicedesk.core.actors import SYSTEM
from servicedesk.core.models import Document, Entry, RuleResult, Unsealed
from sla.models import Deadline
from tests.browser.hands import (
    ago,
    choose,
    complaints,
    dialog,
    draw,
    further,
    minute,
    send,
    thumb,
    tick_all,
)
from tests.seals import openssl_verifies
from tests.sla.processes import wait_until
from tests.tickets.calls.factories import make_shop
from tests.visits.factories import ARRIVED, make_visit
from tickets import events as ticket_events
from tickets.actions.tickets import open_ticket
from tickets.models import Call, RemoteSession, Ticket
from visits import events as visit_events
from visits.models import MissedNote, VisitOrder
from visits.states import Status

pytestmark = pytest.mark.browser

# What the ticket's timeline tells, in order; other lines may stand between.
STORY = (
    ticket_events.TicketOpened, ticket_events.TicketAssigned, ticket_events.RemotePrepared,
    ticket_events.RemoteConsented, ticket_events.RemoteStarted, ticket_events.RemoteClosed,
    visit_events.VisitOrdered, visit_events.VisitAssigned, visit_events.VisitAccepted,
    visit_events.VisitConsulted, visit_events.ContactAttempted, visit_events.AppointmentMade,
    visit_events.DeparturePrepared, visit_events.VisitDeparted, visit_events.VisitArrived,
    visit_events.WorkStarted, visit_events.WorkRecorded, visit_events.PartAdded,
    visit_events.VisitFinished, visit_events.FormPresented, visit_events.FormSigned,
    visit_events.FormHandedIn, visit_events.VisitArchived, ticket_events.TicketResolved,
    ticket_events.TicketClosed, visit_events.FollowUpMade,
)  # fmt: skip
SECOND = timedelta(seconds=1)
NEED = "收银台刷会员卡不积分，排队的客人很多"


def test_from_the_call_to_the_archive(
    page_of, live_server, worker, helpdesk, engineer, dispatcher, tmp_path
):
    shop = make_shop()
    neglected = open_a_ticket_that_is_nearly_late(shop, dispatcher)
    desk, engineers_phone, customers_phone = (
        page_of(), page_of(engineer, phone=True), page_of(phone=True),
    )  # fmt: skip
    said = [complaints(page) for page in (desk, engineers_phone, customers_phone)]

    log_in(desk, helpdesk)
    ticket = take_the_call(desk, shop)
    assign(desk, ticket, helpdesk)
    try_remotely(desk, ticket)
    visit = order_the_visit(desk, ticket)
    give_it_to(desk, visit, engineer)

    accept(engineers_phone, visit)
    make_the_appointment(engineers_phone)
    go_there(engineers_phone)
    do_the_work(engineers_phone)
    link = show_the_form(engineers_phone)

    sign_as_customer(customers_phone, link)
    sign_as_engineer(engineers_phone, visit)
    pdf = fetch_the_copy(customers_phone, tmp_path)

    hand_in(engineers_phone, visit)
    archive(desk, visit)
    resolve_and_close(desk, visit, ticket)
    follow_up(desk, visit)

    the_pdf_says_it_all(pdf, visit, ticket, tmp_path)
    the_page_verifies(customers_phone, visit, pdf)
    every_rule_was_kept(ticket, visit)
    people_were_told(desk, engineers_phone, visit, engineer, dispatcher, neglected)
    the_story_is_on_the_ticket(desk, ticket)
    the_chain_holds(at_least=40)
    assert [line for lines in said for line in lines] == []


def test_an_absent_customer_finds_a_note(page_of, worker, engineer, dispatcher, tmp_path):
    """He waited a quarter of an hour, asked, and left the note; its paper is sealed, too."""
    shift = timezone.now() - timedelta(minutes=25) - ARRIVED
    visit = make_visit(Status.ARRIVED, engineer, shift=shift)
    phone = page_of(engineer, phone=True)
    said = complaints(phone)
    phone.goto(visit.get_absolute_url())
    phone.locator('.thumb-bar a[href$="/wait_for_customer/"]').tap()
    form = form_of(phone, "wait_for_customer")
    form.locator("[name=asked]").fill("店员说店长去仓库，无人可接待")
    form.locator("[name=at]").fill(ago(16))
    submit(phone, "wait_for_customer")
    expect(phone.locator(".phone-page")).to_contain_text("等候客户")

    thumb(phone, "leave_note")
    form = form_of(phone, "leave_note")
    expect(form.locator("[name=phone]")).to_have_value(re.compile("13800000000"))
    form.locator("[name=left_with]").fill("收银台王女士")
    form.locator("[name=proposed_from]").fill(minute(timezone.now() + timedelta(hours=20)))
    form.locator("[name=proposed_until]").fill(minute(timezone.now() + timedelta(hours=21)))
    form.locator("button[type=submit]").tap()
    # He signs it on the spot.
    expect(phone.locator(".paper-screen, article").first).to_contain_text("收银台王女士")
    note = MissedNote.objects.get()
    draw(phone, waves=3)
    phone.locator('form[action$="/sign/"] button[type=submit]').tap()
    expect(phone).to_have_url(re.compile(f"{visit.number}/$"))

    assert wait_until(Document.objects.filter(number=note.number, status="sealed").exists, 60)
    phone.locator(".act-list a", has_text=note.number).tap()
    with phone.expect_download() as download:
        phone.locator('a[href$="/download/"]').tap()
    download.value.save_as(tmp_path / "note.pdf")
    pdf = (tmp_path / "note.pdf").read_bytes()
    text = text_of(pdf)
    for words in (note.number, visit.store.name, "收银台王女士", "张伟", "13800000000"):
        assert re.sub(r"\s", "", words) in text, words
    assert openssl_verifies(pdf, tmp_path)
    visit.refresh_from_db()
    assert visit.status == Status.MISSED
    # What follows is his to do: a new appointment, with a clock of its own.
    phone.goto(visit.get_absolute_url())
    expect(phone.locator('.thumb-bar a[href$="/appoint/"]')).to_be_visible()
    assert Deadline.objects.of(visit).open().filter(kind="visit.follow_up_missed").exists()
    the_chain_holds(at_least=10)
    assert said == []


# --- the desk, at 1440 px ----------------------------------------------------------------------


def open_a_ticket_that_is_nearly_late(shop, owner) -> Ticket:
    """Nobody answers it; while the others work, its clock runs out and the worker says so."""
    return open_ticket(
        title="发票打印机缺纸提示不消失", need="已换纸仍提示缺纸", customer=shop.customer,
        store=shop.other_store, no_wish=True, owner=owner,
        at=timezone.now() - timedelta(minutes=30) + timedelta(seconds=15), by=SYSTEM,
    )  # fmt: skip


def log_in(desk: Page, person) -> None:
    desk.goto("/")
    desk.locator("[name=login]").fill(person.username)
    desk.locator("[name=password]").fill("parol-parol-1")
    desk.keyboard.press("Enter")
    expect(desk.locator(".side-nav")).to_be_visible()
    # The keys are alive when the scripts are.
    desk.wait_for_load_state("load")


def take_the_call(desk: Page, shop) -> Ticket:
    """By keyboard alone (CALL-1, 2, 8…11, SLA-2)."""
    keys = desk.keyboard
    keys.press("n")
    expect(desk.locator("#id_caller_number")).to_be_focused()
    tab_to(desk, "id_ring_count", back=True)
    keys.type("2")
    tab_to(desk, "id_greeted")
    keys.press("Space")
    tab_to(desk, "id_caller_number")
    keys.type("8001")
    expect(desk.locator(".match")).to_have_count(1)
    keys.press("ArrowDown")
    keys.press("Enter")
    # Enter on the product confirms it.
    expect(desk.locator("[name=installation]").first).to_be_focused()
    expect(desk.locator("#id_caller_name")).to_have_value(shop.contact.name)
    keys.press("Enter")
    expect(desk.locator("#id_need")).to_be_focused()
    keys.type(NEED)
    keys.press("Alt+2")
    # When does the customer need it?
    expect(desk.locator("[name=expected_at_choice]").first).to_be_focused()
    keys.press("Space")
    while not desk.locator("[name=expected_at_choice][value='24h']").is_checked():
        keys.press("ArrowRight")
    tab_to(desk, "id_phone_solution_offered")
    keys.press("Space")
    tab_to(desk, "id_read_back")
    keys.press("Space")
    expect(desk.locator("#id_is_urgent")).not_to_be_checked()
    keys.press("Control+Enter")

    expect(desk.locator("h1")).to_contain_text("登记工单")
    call = Call.objects.get()
    ticket = call.ticket
    assert (call.store, call.contact, call.ring_count) == (shop.store, shop.contact, 2)
    assert timedelta(0) <= ticket.received_at + timedelta(hours=24) - ticket.due_at < SECOND
    expect(desk.locator("[data-remaining]").first).to_contain_text(re.compile("23 *(小时|h)"))
    keys.press("Tab")
    keys.press("Enter")
    expect(desk).to_have_url(re.compile(ticket.number))
    return ticket


def tab_to(page: Page, field: str, *, back: bool = False) -> None:
    """Reach a field by the tabulator alone."""
    for _stop in range(15):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if page.evaluate("document.activeElement.id") == field:
            return
    raise AssertionError(f"{field} is not reached by keyboard")


def assign(desk: Page, ticket: Ticket, person) -> None:
    form = dialog(desk, "assign")
    form.locator(".ts-control input").fill(person.username[:2])
    form.locator(".choice-row", has_text=person.name).click()
    # By key: a late answer of the search may open the list over the button once more.
    form.locator("button[type=submit]").press("Enter")
    expect(desk.locator("#ticket")).to_contain_text("已分派")
    # The clocks are there, as time that remains.
    expect(desk.locator(".chip[data-remaining]").first).to_be_visible()


def try_remotely(desk: Page, ticket: Ticket) -> None:
    """Consent, steps with what came of them, and it was not solved (REM-1…5)."""
    form = dialog(desk, "remote")
    choose(form, "channel", "client")
    send(form)
    expect(desk.locator("#session")).to_contain_text("RS-")
    form = dialog(desk, "consent")
    expect(form.locator("[name=consent_by]")).to_have_value("李红梅")
    send(form)
    send(dialog(desk, "start"))
    step = desk.locator('form[action$="/add_step/"]')
    for n, (did, outcome) in enumerate(
        [("检查会员接口", "连接超时"), ("远程重启积分服务", "仍然超时")], start=1
    ):
        step.locator("[name=did]").fill(did)
        step.locator("[name=outcome]").fill(outcome)
        step.locator("[name=outcome]").press("Enter")
        expect(desk.locator(".step-list li")).to_have_count(n)
    form = dialog(desk, "close")
    choose(form, "result", "not_solved")
    form.locator("[name=category]").select_option(index=1)
    form.locator("[name=data_untouched]").check()
    send(form)
    expect(desk.locator("#session .stepper .step-current")).to_have_count(0)
    session = RemoteSession.objects.get(ticket=ticket)
    assert (session.result, session.steps.count()) == ("not_solved", 2)


def order_the_visit(desk: Page, ticket: Ticket) -> VisitOrder:
    """From the ticket; nothing is typed that is known already (VISIT-1)."""
    desk.goto(ticket.get_absolute_url())
    form = dialog(desk, "request_visit")
    form.locator("[name=reason]").fill("检查网口与网线")
    send(form)
    expect(desk.locator("#ticket")).to_contain_text("SV-")
    visit = VisitOrder.objects.get()
    known = (visit.store, visit.contact, visit.installation, visit.need)
    assert known == (ticket.store, ticket.contact, ticket.installation, NEED)
    assert visit.address == ticket.store.full_address
    return visit


def give_it_to(desk: Page, visit: VisitOrder, engineer) -> None:
    desk.locator(f'a[href="{reverse("visits:unassigned")}"]').first.click()
    line = desk.locator(".assign-line")
    line.locator("select").select_option(str(engineer.uid))
    line.locator("button").click()
    expect(desk.locator(".assign-line")).to_have_count(0)
    visit.refresh_from_db()
    assert visit.engineer == engineer


def archive(desk: Page, visit: VisitOrder) -> None:
    desk.goto(visit.get_absolute_url())
    # Nothing is missing, so the desk is not asked to look for anything.
    expect(desk.locator('form[action$="/archive/"] button')).to_be_visible()
    expect(desk.locator(".gaps")).to_have_count(0)
    desk.locator('form[action$="/archive/"] button').click()
    expect(desk.locator(".desk-page")).to_contain_text("已归档")
    desk.goto(reverse("documents:archive") + "?q=" + visit.number)
    expect(desk.locator("tbody tr")).to_have_count(1)
    expect(desk.locator("tbody tr")).to_contain_text("已盖章")


def resolve_and_close(desk: Page, visit: VisitOrder, ticket: Ticket) -> None:
    """With the words of the work record, and by the customer's word."""
    desk.goto(visit.get_absolute_url())
    desk.locator('form[action$="/resolve-ticket/"] button').click()
    expect(desk.locator('form[action$="/resolve-ticket/"]')).to_have_count(0)
    desk.goto(ticket.get_absolute_url())
    expect(desk.locator("#ticket")).to_contain_text("重新压接水晶头")
    form = dialog(desk, "close")
    form.locator("[name=confirmed_by]").fill("李红梅")
    send(form)
    expect(desk.locator("#ticket header").first).to_contain_text("已关闭")
    ticket.refresh_from_db()
    assert (ticket.status, ticket.closing, ticket.solution) == ("closed", "confirmed", "visit")


def follow_up(desk: Page, visit: VisitOrder) -> None:
    desk.goto(visit.get_absolute_url())
    form = dialog(desk, "follow_up")
    form.locator("[name=result]").fill("积分正常，满意")
    choose(form, "satisfied", "yes")
    send(form)
    expect(desk.locator(".desk-page")).to_contain_text("积分正常，满意")


# --- the engineer, on a telephone --------------------------------------------------------------


def accept(phone: Page, visit: VisitOrder) -> None:
    """He is told, reads, judges, and asks a colleague, since he has not had this before."""
    phone.goto(reverse("visits:today"))
    phone.get_by_text(visit.store.name).first.tap()
    expect(phone.locator(".phone-page")).to_contain_text(NEED)
    thumb(phone, "accept")
    phone.locator("[name=first_judgement]").fill("多半是网口松动")
    submit(phone, "accept")
    further(phone, "consult")
    phone.locator("[name=source]").fill("李强")
    phone.locator("[name=learned]").fill("这批网线水晶头常松")
    submit(phone, "consult")


def make_the_appointment(phone: Page) -> None:
    """The call, then the window: he will stand before the door 5 to 10 minutes early."""
    further(phone, "log_attempt")
    choose(form_of(phone, "log_attempt"), "outcome", "reached")
    submit(phone, "log_attempt")
    thumb(phone, "appoint")
    form = form_of(phone, "appoint")
    expect(form.locator("[name=contact_phone]")).to_have_value("13800138001")
    form.locator("[name=window_from]").fill(minute(timezone.now() + timedelta(minutes=10)))
    choose(form, "length", 60)
    form.locator("[name=address_verified]").check()
    form.locator("[name=phone_verified]").check()
    form.locator("[name=travel_minutes]").fill("0")
    submit(phone, "appoint")


def go_there(phone: Page) -> None:
    thumb(phone, "prepare")
    form = form_of(phone, "prepare")
    tick_all(form)
    form.locator("[name=usb_drive]").fill("USB-07")
    form.locator("[name=usb_scanned_at]").fill(ago(3))
    submit(phone, "prepare")
    thumb(phone, "depart")
    thumb(phone, "arrive")


def do_the_work(phone: Page) -> None:
    thumb(phone, "start_work")
    tick_all(form_of(phone, "start_work"))
    submit(phone, "start_work")
    thumb(phone, "record_work")
    form = form_of(phone, "record_work")
    for name, text in {
        "findings": "积分终端网口松动，接口超时",
        "cause": "搬动收银台时网线受拉",
        "work_done": "重新压接水晶头，固定网线",
        "test_result": "积分、兑换各试一次，正常",
    }.items():
        form.locator(f"[name={name}]").fill(text)
    expect(form.locator("[name=tested_by]")).to_have_value("李红梅")
    choose(form, "result", "solved")
    submit(phone, "record_work")
    further(phone, "add_part")
    form = form_of(phone, "add_part")
    form.locator("[name=name]").fill("RJ45 水晶头")
    form.locator("[name=quantity]").fill("2")
    form.locator("[name=serial]").fill("批号 2603")
    submit(phone, "add_part")
    expect(phone.locator(".phone-page")).to_contain_text("RJ45 水晶头")
    thumb(phone, "finish")
    tick_all(form_of(phone, "finish"))
    submit(phone, "finish")


def show_the_form(phone: Page) -> str:
    """The form is frozen; its link is for the customer's own phone (L2)."""
    thumb(phone, "present_form")
    phone.locator('form[action$="/share/"] button').tap()
    expect(phone.locator(".qr svg")).to_be_visible()
    return phone.locator(".link-text").inner_text()


def sign_as_engineer(phone: Page, visit: VisitOrder) -> None:
    phone.locator(".thumb-bar a").tap()
    expect(phone.locator(".phone-page")).to_contain_text("已签")
    phone.locator(".thumb-bar a").tap()
    draw(phone, waves=4)
    phone.locator('form[action$="/sign/"] button[type=submit]').tap()
    expect(phone).to_have_url(re.compile(f"{visit.number}/$"))


def hand_in(phone: Page, visit: VisitOrder) -> None:
    phone.goto(visit.get_absolute_url())
    thumb(phone, "hand_in")
    phone.locator("[name=usb_scanned_at]").fill(ago(0))
    form_of(phone, "hand_in").locator("button[type=submit]").tap()
    expect(phone).to_have_url(re.compile(reverse("visits:today") + "$"))


def form_of(phone: Page, verb: str):
    form = phone.locator(f'form.desk-form[action$="/{verb}/"]')
    expect(form).to_be_visible()
    return form


def submit(phone: Page, verb: str) -> None:
    """Send the page's form; what comes next is the page of the visit."""
    form_of(phone, verb).locator("button[type=submit]").tap()
    expect(phone).to_have_url(re.compile(r"/SV-[\d-]+/$"))


# --- the customer, on his own telephone ----------------------------------------------------------


def sign_as_customer(phone: Page, link: str) -> None:
    """Reads after proving who he is, rates, signs; the wrong digits show him nothing."""
    phone.goto(link)
    expect(phone.locator("main")).not_to_contain_text("李红梅")
    phone.locator("[name=digits]").fill("8001")
    phone.locator("button[type=submit]").tap()
    for words in ("重新压接水晶头", "RJ45 水晶头", "李红梅", NEED):
        expect(phone.locator("main")).to_contain_text(words)
    form = phone.locator("form", has=phone.locator("[value=sign]"))
    for name, stars in {"punctuality": 5, "conduct": 5, "skill": 4, "result": 5}.items():
        choose(form, f"answers-{name}", stars)
    draw(phone, waves=2.5)
    form.locator("button[type=submit]").tap()
    expect(phone.locator("main")).to_contain_text("已收到您的签字")


def fetch_the_copy(phone: Page, folder: Path) -> bytes:
    """The worker seals within seconds; looking again is all it takes."""
    assert wait_until(Document.objects.filter(number__startswith="SV-", status="sealed").exists, 60)
    phone.locator("main a.btn").first.tap()
    with phone.expect_download() as download:
        phone.locator("main a.btn-primary").tap()
    download.value.save_as(folder / "copy.pdf")
    return (folder / "copy.pdf").read_bytes()


# --- what is left of it ------------------------------------------------------------------------


def text_of(pdf: bytes) -> str:
    return re.sub(r"\s", "", "".join(p.extract_text() for p in pypdf.PdfReader(BytesIO(pdf)).pages))


def the_pdf_says_it_all(pdf: bytes, visit: VisitOrder, ticket: Ticket, folder: Path) -> None:
    text = text_of(pdf)
    for words in (
        visit.number, ticket.number, visit.customer.name, visit.store.name, "李红梅", "张伟",
        NEED, "重新压接水晶头，固定网线", "积分、兑换各试一次，正常", "RJ45 水晶头",
    ):  # fmt: skip
        assert re.sub(r"\s", "", words) in text, words
    document = Document.objects.get(number=visit.number)
    with default_storage.open(document.file) as file:
        assert file.read() == pdf
    signers = document.signatures.order_by("id").values_list("block", "method", "actor_kind")
    assert [*signers] == [("customer", "L2", "contact"), ("engineer", "account", "user")]
    assert openssl_verifies(pdf, folder)
    assert not openssl_verifies(pdf[:500] + b" " + pdf[501:], folder)


def the_page_verifies(phone: Page, visit: VisitOrder, pdf: bytes) -> None:
    """Whoever scans the code on the paper learns whether the file in his hands is genuine."""
    document = Document.objects.get(number=visit.number)
    phone.goto(reverse("documents:verify", args=[visit.number, document.verify_code]))
    phone.locator("input[type=file]").set_input_files(
        {"name": "copy.pdf", "mimeType": "application/pdf", "buffer": pdf}
    )
    phone.locator("form button[type=submit]").tap()
    expect(phone.locator("main")).to_contain_text("真实")


def every_rule_was_kept(ticket: Ticket, visit: VisitOrder) -> None:
    answers = {
        kind: dict(
            RuleResult.objects.filter(subject_kind=kind, subject_id=pk).values_list(
                "rule", "answer"
            )
        )
        for kind, pk in [
            ("tickets.ticket", ticket.pk),
            ("visits.visitorder", visit.pk),
            ("tickets.remotesession", ticket.remote_sessions.get().pk),
            ("tickets.call", ticket.calls.get().pk),
        ]
    }
    bad = {
        (kind, rule): answer
        for kind, found in answers.items()
        for rule, answer in found.items()
        if answer in {"broken", "not_provable"}
    }
    assert bad == {}
    kept = {
        rule for found in answers.values() for rule, answer in found.items() if answer == "kept"
    }
    for rule in (
        "GEN-1", "GEN-2", "GEN-4", "GEN-8", "SLA-1", "SLA-2", "SLA-4", "SLA-6", "CALL-1", "CALL-8",
        "CALL-9", "CALL-11", "REM-1", "REM-2", "REM-4", "REM-5", "VISIT-1", "VISIT-2", "VISIT-3",
        "VISIT-4", "VISIT-8", "VISIT-9", "VISIT-10", "VISIT-11", "VISIT-12", "VISIT-15",
        "VISIT-17", "VISIT-19", "VISIT-20", "VISIT-21", "VISIT-23", "VISIT-24",
    ):  # fmt: skip
        assert rule in kept, rule


def people_were_told(
    desk: Page, phone: Page, visit: VisitOrder, engineer, dispatcher, neglected: Ticket
) -> None:
    phone.goto(reverse("accounts:notifications"))
    expect(phone.locator(".bell-list")).to_contain_text(f"新的上门单：{visit.store.name}")
    # The worker noticed the ticket that nobody answered, once.
    missed = Deadline.objects.of(neglected).get(kind="ticket.response")
    assert missed.missed_at is not None
    told = Notification.objects.filter(user=dispatcher, text__contains=neglected.number)
    assert told.exists()
    desk.goto(reverse("sla:escalations") + "?scope=all")
    expect(desk.locator("main")).to_contain_text(neglected.number)


def the_story_is_on_the_ticket(desk: Page, ticket: Ticket) -> None:
    """From the first word to the follow-up call, each step with its person, in this order."""
    desk.goto(ticket.get_absolute_url())
    lines = desk.locator(".timeline-label")
    expect(lines.first).to_be_visible()
    story = iter(line.strip() for line in reversed(lines.all_inner_texts()))
    for event in STORY:
        assert str(event.label) in story, event
    names = desk.locator(".timeline-list")
    for who in ("何雪", "张伟"):
        expect(names).to_contain_text(who)


def the_chain_holds(*, at_least: int) -> None:
    journal.seal()
    assert not Unsealed.objects.exists()
    assert Entry.objects.count() > at_least
    assert list(journal.verify()) == []
