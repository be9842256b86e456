"""The monthly report: its figures agree with its annex and with the pages, once a month by itself."""

from __future__ import annotations

import io
import re
from collections import Counter
from datetime import date, datetime, timedelta
from threading import Thread
from zoneinfo import ZoneInfo

import pypdfium2
import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.actions import create_user
from accounts.models import Notification
from accounts.roles import Role
from customers.models import Customer
from servicedesk.core import document_checks, sealing
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from servicedesk.core.models import Document, Entry, OutboxMessage
from servicedesk.core.pdf import PdfError
from servicedesk.core.ticker import load_ticks
from servicedesk.desk import ticks
from servicedesk.desk.actions import make_report, retry_report
from servicedesk.desk.managers import report_facts, report_schedule
from servicedesk.desk.managers.figures import FIGURES
from servicedesk.desk.managers.filters import ManagerFilter
from servicedesk.desk.managers.report_facts import recount
from servicedesk.desk.managers.service_level import Report
from servicedesk.desk.managers.visit_figures import LABELS
from servicedesk.desk.models import MonthlyReport
from tests.conftest import AT, person
from tests.desk.managers.test_rollups import Life
from tests.desk.managers.test_visits import arrived_at, finished, rated
from tests.tickets.tickets.factories import make_store, make_ticket
from tests.visits.factories import make_visit
from tickets.models import Ticket
from visits.models import VisitOrder
from visits.states import Status

pytestmark = pytest.mark.django_db
PAGE = reverse("desk:managers_reports")
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
APRIL_BEGINS = datetime(2026, 4, 1, 0, 0, tzinfo=SHANGHAI)
FIRST = datetime(2026, 4, 1, 6, 0, tzinfo=SHANGHAI)
LATER = datetime(2026, 4, 10, 12, 0, tzinfo=SHANGHAI)


@pytest.fixture
def month(helpdesk, other_helpdesk, engineer, other_engineer, roll_up):
    """Tickets of a week at random, visits good and bad, a customer who was not met."""
    life = Life(7, [helpdesk, other_helpdesk, engineer])
    life.play(60)
    rated(finished(arrived_at(engineer, 8), engineer), engineer,
          punctuality=5, conduct=5, skill=4, result=5)  # fmt: skip
    late = finished(arrived_at(other_engineer, -3), other_engineer, result="workaround")
    rated(late, other_engineer, punctuality=2, conduct=4, skill=4, result=4)
    make_visit(Status.MISSED, person("e3", "吴刚", Role.ENGINEER), shift=timedelta(days=1))
    roll_up(LATER)


def make(by, customer=None, *, month=MARCH, at=LATER, **more) -> Document:
    document = make_report(month, customer, at=at, by=by.as_actor(), **more)
    assert document is not None
    return document


def text_of(document: Document) -> str:
    document.refresh_from_db()
    with default_storage.open(document.file) as file:
        pages = pypdfium2.PdfDocument(io.BytesIO(file.read()))
    return "\n".join(page.get_textpage().get_text_range() for page in pages)


def rows_of(data, groups="groups"):
    return [row for group in data[groups] for row in [*group["rates"], *group["plain"]]]


# --- figures, annex, pages -------------------------------------------------------------------


def test_every_figure_is_the_number_of_its_annex_lines(month, dispatcher):
    data = make(dispatcher).data

    of_tickets = Counter(key for line in data["lines"]["tickets"] for key in line["counts"])
    of_visits = Counter(
        key for name in ("visits", "notes") for line in data["lines"][name]
        for key in line["counts"]
    )  # fmt: skip
    for groups, counted in (("groups", of_tickets), ("visit_groups", of_visits)):
        for row in rows_of(data, groups):
            assert row["number"] == row["lines"] == counted[row["key"]], row
            if "of" in row:
                assert row["of_number"] == row["of_lines"] == counted[row["of"]], row
    assert len(data["lines"]["tickets"]) == Ticket.objects.count() > 10
    assert len(data["lines"]["visits"]) == of_visits["arrived"] == 3
    assert [line["arrival"] for line in data["lines"]["visits"]] == ["on_time", "late", "on_time"]
    assert of_visits["missed"] == len(data["lines"]["notes"]) == 1
    assert {k for k, n in of_tickets.items() if n} >= {"promised_in_time", "promised_missed"}
    assert list(recount(data)) == []


def test_bars_and_top_lists_are_the_annex_counted_by_day_week_and_store(month, dispatcher):
    data = make(dispatcher).data

    for chart in data["charts"]:
        lines = data["lines"][chart["lines"]]
        for series in chart["series"]:
            assert sum(series["values"]) == sum(series["key"] in line["counts"] for line in lines)
    intake = data["charts"][0]
    by_day = Counter(line["day"] for line in data["lines"]["tickets"])
    for n, day in enumerate(intake["starts"]):
        assert sum(series["values"][n] for series in intake["series"]) == by_day[day]
    faults, stores = data["tops"]
    for top in (faults, stores):
        of = Counter(line[top["of"]] for line in data["lines"]["tickets"])
        assert {row["of"]: row["number"] for row in top["rows"]} == dict(of)


def test_the_report_says_what_the_page_service_level_says(month, dispatcher):
    data = make(dispatcher).data
    asked = {"period": "range", "since": "2026-03-01", "until": "2026-03-31"}
    filters = ManagerFilter(asked, by=dispatcher.as_actor(), today=LATER.date())
    page = Report(filters, LATER).total

    told = {row["key"]: row["number"] for row in rows_of(data)}
    told |= {row["of"]: row["of_number"] for row in rows_of(data) if "of" in row}
    assert told == {key: page[key] for key in told}
    # All that the page counts is told, but for what is open now of all days.
    assert FIGURES.keys() - told.keys() == {"backlog"}


def test_the_report_says_what_the_page_visits_says(month, dispatcher, client):
    data = make(dispatcher).data
    client.force_login(dispatcher)
    url = reverse("desk:managers_visits_list", args=["late"])
    query = "?period=range&since=2026-03-01&until=2026-03-31"

    told = {row["key"]: row["number"] for row in rows_of(data, "visit_groups")}

    assert (told["arrived"], told["late"], told["rated"], told["low"]) == (3, 1, 2, 1)
    with time_machine.travel(LATER, tick=False):
        for figure in [key for key in told if key in LABELS]:
            html = client.get(url.replace("late", figure) + query).content.decode()
            found = re.search(r"(\d+) 条", html)
            assert found
            assert int(found[1]) == told[figure], figure


def test_a_figure_that_the_annex_contradicts_is_found(month, dispatcher):
    data = make(dispatcher).data
    for break_it in (
        lambda d: d["lines"]["tickets"].pop(),
        lambda d: d["lines"]["tickets"].append(d["lines"]["tickets"][0]),
        lambda d: d["groups"][0]["rates"][0].update(number=99),
        lambda d: d["groups"][0]["plain"][0].update(lines=0),
        lambda d: d["visit_groups"][0]["rates"][0].update(of_number=0),
        lambda d: d["scores"][0]["numbers"].__setitem__(0, 7),
        lambda d: d["charts"][0]["series"][0]["values"].__setitem__(3, 77),
        lambda d: d["charts"][1]["series"][0]["wholes"].__setitem__(0, 77),
        lambda d: d["tops"][1]["rows"][0].update(number=0),
    ):
        broken = Document.objects.get(number=data["number"]).data
        break_it(broken)
        assert list(recount(broken))


def test_a_report_that_contradicts_its_annex_is_not_made(month, dispatcher):
    """Sums that no worker has mended yet; here they were tampered with."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE desk_rollup SET solved = solved + 1 WHERE dimension = 'all'")

    with pytest.raises(Refused):
        make(dispatcher)

    assert not MonthlyReport.objects.exists()


def test_the_report_of_a_customer_holds_nothing_of_others(month, dispatcher):
    ticket = Ticket.objects.select_related("customer").earliest("pk")

    data = make(dispatcher, ticket.customer).data

    mine = set(Ticket.objects.filter(customer=ticket.customer).values_list("number", flat=True))
    assert {line["number"] for line in data["lines"]["tickets"]} == mine
    assert 0 < len(mine) < Ticket.objects.count()
    assert data["lines"]["visits"] == []
    assert data["customer"] == ticket.customer.name


def test_a_long_annex_is_cut_and_says_so(month, dispatcher, monkeypatch):
    monkeypatch.setattr(report_facts, "MOST_LINES", 5)
    monkeypatch.setattr(report_facts, "KEPT_FOR_VISITS", 2)

    document = make(dispatcher)
    data = document.data

    assert {name: len(lines) for name, lines in data["lines"].items()} == {
        "tickets": 3, "visits": 1, "notes": 1,
    }  # fmt: skip
    assert data["left_out"]["tickets"] == Ticket.objects.count() - 3
    opened = next(row for row in rows_of(data) if row["key"] == "opened")
    assert (opened["number"], opened["lines"]) == (Ticket.objects.count(), 3)
    sealing.seal_waiting()
    assert f"另有 {data['left_out']['tickets']} 张" in text_of(document).replace("\r\n", "")


# --- the form --------------------------------------------------------------------------------


def test_the_report_is_sealed_and_lies_in_the_archive(month, dispatcher, client):
    document = make(dispatcher)
    assert document.number == "MR-20260410-0001"

    sealing.seal_waiting()

    document.refresh_from_db()
    assert document.status == Document.Status.SEALED
    assert list(document_checks.verify()) == []
    text = text_of(document)
    assert "2026年3月" in text
    assert "月度服务报告" in text
    for line in document.data["lines"]["tickets"]:
        assert line["number"] in text
    client.force_login(dispatcher)
    assert document.number in client.get(reverse("documents:archive")).content.decode()
    sheet = client.get(reverse("documents:document", args=[document.uid])).content.decode()
    assert '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720' in sheet
    assert "style=" not in sheet[sheet.index("paper-screen") : sheet.index('class="annex')]


def test_a_month_without_anything_says_so(dispatcher, roll_up):
    document = make(dispatcher, month=date(2026, 1, 1))
    sealing.seal_waiting()

    assert document.data["empty"]
    assert "本月没有受理工单，也没有上门" in text_of(document)


def test_making_it_again_keeps_both_versions(month, dispatcher):
    former = make(dispatcher)
    sealing.seal_waiting()
    later = make(dispatcher, at=LATER + timedelta(minutes=1))
    sealing.seal_waiting()

    former.refresh_from_db(), later.refresh_from_db()
    assert (former.number, former.version, later.version) == (later.number, 1, 2)
    assert later.supersedes == former
    assert {former.status, later.status} == {Document.Status.SEALED}
    assert former.file != later.file
    assert default_storage.exists(former.file)
    assert MonthlyReport.objects.count() == 1


def test_a_double_click_makes_one(month, dispatcher):
    assert make(dispatcher) == make(dispatcher)


def test_a_month_that_has_not_begun_has_no_report(dispatcher):
    with pytest.raises(Refused):
        make(dispatcher, month=date(2026, 5, 1))


def test_a_month_that_is_not_over_says_so(month, dispatcher):
    assert make(dispatcher, at=AT + timedelta(days=5)).data["so_far"]
    assert not make(dispatcher).data["so_far"]


def test_one_report_of_a_month_and_customer(dispatcher, roll_up):
    """Also of “all”, whose customer is no customer."""
    make(dispatcher)
    with pytest.raises(IntegrityError), transaction.atomic():
        MonthlyReport.objects.create(number="MR-X", month=MARCH, customer=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        MonthlyReport.objects.create(number="MR-Y", month=date(2026, 3, 2), customer=None)


def test_its_queries_do_not_grow_with_the_month(month, dispatcher, roll_up):
    def queries(minutes: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            make(dispatcher, at=LATER + timedelta(minutes=minutes))
        return len(captured)

    make(dispatcher)
    few = queries(1)
    for _n in range(12):
        make_ticket(at=AT + timedelta(days=2))
    roll_up(LATER)
    assert queries(2) == few


# --- the page --------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.ENGINEER, Role.BUSINESS, Role.TRAINER])
def test_only_who_sees_the_managers_pages_may_make_or_read_one(db, client, role):
    user = person("somebody", "某人", role)
    client.force_login(user)

    assert client.get(PAGE).status_code == 403
    assert client.get(reverse("desk:managers_report_rows")).status_code == 403
    assert client.post(PAGE, {"month": "2026-03-01"}).status_code == 403
    with pytest.raises(PermissionDenied):
        make(user)
    document = make_report(MARCH, None, at=LATER, by=SYSTEM)
    assert client.get(reverse("documents:document", args=[document.uid])).status_code == 404
    assert document.number not in client.get(reverse("documents:archive")).content.decode()


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.MANAGER, Role.ADMINISTRATOR])
def test_managers_make_one_and_watch_it(db, client, role, roll_up):
    client.force_login(person("somebody", "某人", role))
    with time_machine.travel(LATER, tick=False):
        assert client.post(PAGE, {"month": "2026-03-01", "customer": ""}).status_code == 302
        page = client.get(PAGE).content.decode()
    document = Document.objects.get()
    assert "等待处理" in page
    assert 'hx-trigger="every 2s"' in page

    Document.objects.update(lease_until=LATER)
    assert "正在生成" in client.get(reverse("desk:managers_report_rows")).content.decode()
    Document.objects.update(lease_until=None)
    sealing.seal_waiting()

    done = client.get(reverse("desk:managers_report_rows")).content.decode()
    download = reverse("documents:download", args=[document.uid])
    assert download in done
    assert "hx-trigger" not in done
    file = client.get(download)
    assert file.getvalue().startswith(b"%PDF")


def test_a_report_that_cannot_be_made_says_why(client, dispatcher, roll_up, monkeypatch):
    def fail(html: str) -> bytes:
        raise PdfError("rendering took more than 30 s")

    client.force_login(dispatcher)
    make(dispatcher)
    monkeypatch.setattr(sealing.renderer, "render", fail)
    for _try in range(sealing.TRIES):
        sealing.seal_waiting()

    page = client.get(PAGE).content.decode()
    assert "失败" in page
    assert "rendering took more than 30 s" in page
    assert 'hx-trigger="every 2s"' not in page


# --- when the scheduled one fails ------------------------------------------------------------


@pytest.fixture
def broken(monkeypatch):
    """No PDF can be made; `broken()` mends it."""

    def fail(html: str) -> bytes:
        raise PdfError("rendering took more than 30 s")

    with monkeypatch.context() as patch:
        patch.setattr(sealing.renderer, "render", fail)
        yield patch.undo


def scheduled(roll_up, *customers) -> None:
    roll_up(FIRST)
    for customer in (*customers, None):
        make_report(MARCH, customer, scheduled=True, at=FIRST, by=SYSTEM)


def seal_all() -> None:
    for _try in range(sealing.TRIES):
        sealing.seal_waiting()


def told(word: str) -> tuple[list[str], list[str]]:
    """Who was told by a sentence with this word: in the application, by e-mail."""
    notes = Notification.objects.filter(text__contains=word).order_by("user_id")
    mails = OutboxMessage.objects.filter(channel="email", subject__contains=word)
    return (
        list(notes.values_list("user__username", flat=True)),
        sorted(mails.values_list("recipient", flat=True)),
    )


def test_the_managers_are_told_once_of_scheduled_reports_that_failed(
    manager, dispatcher, helpdesk, roll_up, broken
):
    second = person("m2", "李总", Role.MANAGER)
    scheduled(roll_up, make_store("甲店").customer, make_store("乙店").customer)

    seal_all()

    assert Document.objects.filter(status=Document.Status.FAILED).count() == 3
    assert told("生成失败") == (
        [manager.username, second.username], sorted([manager.email, second.email]),
    )  # fmt: skip
    assert "2026年3月" in OutboxMessage.objects.filter(channel="email").first().subject
    assert Entry.objects.filter(type="document.failed").count() == 3


def test_nobody_is_told_while_it_is_still_tried(manager, roll_up, broken):
    scheduled(roll_up)
    document = Document.objects.get()
    document.attempts = sealing.TRIES - 1
    sealing.seal_document(document)
    assert document.status == Document.Status.COMPLETE
    assert told("生成失败") == ([], [])


def test_of_a_report_made_by_hand_nobody_is_told(manager, dispatcher, roll_up, broken):
    make(dispatcher)
    seal_all()

    assert Document.objects.get().status == Document.Status.FAILED
    assert told("生成失败") == ([], [])


def test_a_failed_report_is_made_again_by_a_button(client, manager, dispatcher, roll_up, broken):
    scheduled(roll_up)
    seal_all()
    report = MonthlyReport.objects.get()
    url = reverse("desk:retry_report", args=[report.uid])
    client.force_login(dispatcher)
    assert url in client.get(PAGE).text

    broken()
    assert client.post(url).status_code == 302

    page = client.get(PAGE).text
    assert "等待" in page
    assert url not in page
    seal_all()
    document = Document.objects.get()
    assert (document.status, document.version) == (Document.Status.SEALED, 1)
    assert Entry.objects.filter(type="report.tried_again", actor_id=dispatcher.pk).count() == 1
    # And now they hear that it is there.
    assert Notification.objects.filter(user=manager, text__contains="已生成").count() == 1


def test_what_has_not_failed_is_not_made_again(client, dispatcher, roll_up):
    make(dispatcher)
    client.force_login(dispatcher)
    url = reverse("desk:retry_report", args=[MonthlyReport.objects.get().uid])

    assert client.post(url).status_code == 409
    seal_all()
    assert client.post(url).status_code == 409
    assert Document.objects.get().status == Document.Status.SEALED


def test_who_may_not_see_reports_makes_none_again(client, helpdesk, dispatcher, roll_up, broken):
    make(dispatcher)
    seal_all()
    client.force_login(helpdesk)

    report = MonthlyReport.objects.get()
    assert client.post(reverse("desk:retry_report", args=[report.uid])).status_code == 404
    with pytest.raises(PermissionDenied):
        retry_report(report, at=LATER, by=helpdesk.as_actor())
    assert Document.objects.get().status == Document.Status.FAILED


@pytest.mark.parametrize(
    ("hours", "expected"), [(0.9, False), (1, True), (24 * 6, True), (24 * 7, False)]
)
def test_the_managers_are_told_once_when_the_reports_are_not_there(
    manager, roll_up, hours, expected
):
    """For whatever reason: here no worker has summed up the month."""
    make_ticket()
    for minutes in (0, 1, 2):
        with time_machine.travel(FIRST + timedelta(hours=hours, minutes=minutes), tick=False):
            ticks.make_reports()

    assert told("尚未齐全") == (
        ([manager.username], [manager.email]) if expected else ([], [])
    )  # fmt: skip
    assert not MonthlyReport.objects.exists()


def test_they_are_told_also_when_making_them_breaks(manager, roll_up, monkeypatch):
    def burst(now: datetime | None = None) -> int:
        raise RuntimeError("nobody thought of this")

    make_ticket()
    monkeypatch.setattr(report_schedule, "make_due", burst)
    with time_machine.travel(FIRST + timedelta(hours=2), tick=False), pytest.raises(RuntimeError):
        ticks.make_reports()

    assert told("尚未齐全") == ([manager.username], [manager.email])


@pytest.mark.parametrize(("began", "owes"), [(-1, True), (1, False)])
def test_a_desk_that_was_set_up_this_month_owes_no_report(db, began, owes):
    create_user(
        username="boss", name="陈静", role=Role.MANAGER, team=None, password="parol-parol-1",
        email="boss@example.com", phone="", at=APRIL_BEGINS + timedelta(seconds=began), by=SYSTEM,
    )  # fmt: skip
    with time_machine.travel(FIRST + timedelta(hours=2), tick=False):
        ticks.make_reports()

    assert told("尚未齐全")[0] == (["boss"] if owes else [])


def test_a_refused_report_keeps_what_was_chosen(client, dispatcher):
    client.force_login(dispatcher)
    store = make_store()
    data = {"month": "1999-01-01", "customer": str(store.customer.uid)}

    answer = client.post(PAGE, data)

    assert answer.status_code == 422
    assert str(store.customer.uid) in answer.content.decode()


def test_the_list_costs_the_same_for_many_reports(client, dispatcher, roll_up, queries_of):
    client.force_login(dispatcher)
    make(dispatcher)
    few = queries_of(client, PAGE)
    for month in (date(2026, 2, 1), date(2026, 1, 1)):
        make(dispatcher, month=month)
        make(dispatcher, make_store().customer, month=month)
    assert queries_of(client, PAGE) == few


# --- on the 1st ------------------------------------------------------------------------------


def made() -> set[str | None]:
    found = MonthlyReport.objects.filter(scheduled_at__isnull=False, month=MARCH)
    return set(found.values_list("customer__name", flat=True))


def test_on_the_first_at_six_all_reports_are_made_once(month, manager, other_engineer):
    before = FIRST - timedelta(seconds=1)
    assert report_schedule.make_due(before) == 0

    count = report_schedule.make_due(FIRST)

    of_tickets = set(Ticket.objects.values_list("customer__name", flat=True))
    of_visits = set(VisitOrder.objects.values_list("customer__name", flat=True))
    assert made() == {*of_tickets, *of_visits, None}
    assert count == len(made())
    assert report_schedule.make_due(FIRST + timedelta(minutes=1)) == 0
    assert Document.objects.filter(kind="monthly_report").count() == count


def test_the_managers_are_told_once_all_are_there(month, manager, helpdesk):
    number = report_schedule.make_due(FIRST)
    assert not Notification.objects.filter(dedup_key__startswith="monthly_report").exists()

    sealing.seal_waiting()

    told = Notification.objects.get(dedup_key__startswith="monthly_report")
    assert told.user == manager
    assert told.text == f"2026年3月的服务报告已生成，另有 {number - 1} 份客户报告。"
    assert told.url == PAGE
    # Made by hand again: nobody else is told.
    make(manager, at=LATER)
    sealing.seal_waiting()
    assert Notification.objects.filter(dedup_key__startswith="monthly_report").count() == 1


def test_one_made_by_hand_in_the_month_does_not_keep_it_from_being_made(month, dispatcher):
    make(dispatcher, at=AT + timedelta(days=20))

    report_schedule.make_due(FIRST)

    assert None in made()
    assert (
        Document.objects.filter(number=MonthlyReport.objects.get(customer=None).number).count() == 2
    )


def test_nothing_is_made_before_the_sums_are_there_or_long_after(month):
    assert report_schedule.make_due(FIRST + timedelta(days=7)) == 0
    with connection.cursor() as cursor:
        cursor.execute("UPDATE desk_progress SET caught_up_at = %s", [AT])
    assert report_schedule.make_due(FIRST) == 0


def test_the_ticker_knows_of_it():
    assert "servicedesk.desk.ticks.make_reports" in {tick.name for tick in load_ticks()}


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_make_each_report_once(roll_up):
    for _n in range(3):
        make_ticket()
    roll_up(LATER)
    counts: list[int] = []

    def work() -> None:
        try:
            counts.append(report_schedule.make_due(FIRST))
        finally:
            connection.close()

    threads = [Thread(target=work) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(counts) == len(made()) == 4
    assert Document.objects.filter(kind="monthly_report").count() == 4


# --- what was never made, and the API ---------------------------------------------------------


def test_what_nobody_made_has_a_button_until_it_is_made(month, dispatcher, client):
    client.force_login(dispatcher)
    customers = [c for c in report_schedule.never_made(MARCH, dispatcher.as_actor()) if c]
    with time_machine.travel(LATER, tick=False):
        page = client.get(PAGE)
        assert page.context["never_made"] == [None, *customers]
        assert len(customers) == Customer.objects.count() >= 1
        client.post(PAGE, {"month": "2026-03-01", "customer": ""})
        assert client.get(PAGE).context["never_made"] == customers
        for customer in customers:
            client.post(PAGE, {"month": "2026-03-01", "customer": str(customer.uid)})
        page = client.get(PAGE)

    assert page.context["never_made"] == []
    assert MonthlyReport.objects.count() == 1 + len(customers)
    # By hand, so the worker still makes its own where it is due.
    assert not MonthlyReport.objects.exclude(scheduled_at=None).exists()


def test_a_desk_that_is_new_or_not_summed_up_misses_no_report(month, dispatcher):
    by = dispatcher.as_actor()

    assert report_schedule.never_made(MARCH, by)
    assert report_schedule.never_made(date(2026, 2, 1), by) == []
    assert report_schedule.never_made(APRIL, by) == []


@pytest.fixture
def api():
    def ask(person, path, data=None):
        client = APIClient()
        client.force_authenticate(person)
        url = f"/api/v1/monthly-reports{path}"
        return client.get(url) if data is None else client.post(url, data, format="json")

    return ask


def test_the_api_makes_reads_and_retries_a_report(api, dispatcher, roll_up, broken):
    with time_machine.travel(LATER, tick=False):
        made = api(dispatcher, "/make", {"month": "2026-03-17"})
    assert made.status_code == 201
    body = made.json()
    assert (body["month"], body["customer"], body["actions"]) == ("2026-03-01", None, [])
    assert [d["version"] for d in body["documents"]] == [1]
    assert api(dispatcher, f"/{body['uid']}/retry", {}).status_code == 409

    seal_all()
    assert api(dispatcher, f"/{body['uid']}").json()["actions"] == ["retry"]
    broken()
    retried = api(dispatcher, f"/{body['uid']}/retry", {})
    assert (retried.status_code, retried.json()["actions"]) == (200, [])
    seal_all()
    listed = api(dispatcher, "").json()["results"]
    assert [d["status"] for row in listed for d in row["documents"]] == ["sealed"]


def test_the_api_gives_no_report_to_who_may_not_see_them(api, helpdesk, dispatcher, roll_up):
    make(dispatcher)

    assert api(helpdesk, "").json()["results"] == []
    assert api(helpdesk, f"/{MonthlyReport.objects.get().uid}").status_code == 404
    with time_machine.travel(LATER, tick=False):
        assert api(helpdesk, "/make", {"month": "2026-03-01"}).status_code == 403
        assert api(dispatcher, "/make", {"month": "2026-05-01"}).status_code == 409
    assert Document.objects.count() == 1


def test_the_api_lists_many_reports_in_the_same_queries(api, dispatcher, roll_up):
    def queries(count):
        for number in range(count):
            make(dispatcher, month=date(2025, 1 + number, 1))
        with CaptureQueriesContext(connection) as asked:
            assert api(dispatcher, "").status_code == 200
        return len(asked)

    assert queries(1) == queries(6)
