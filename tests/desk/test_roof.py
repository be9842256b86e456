"""My work, search, the handbook's figures, outgoing messages, forms by API."""

from __future__ import annotations

import pytest
from django.contrib.staticfiles import finders
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from servicedesk.core import outbox
from servicedesk.core.models import OutboxMessage
from servicedesk.desk.queries import find, my_work
from tests.conftest import person
from tests.visits.factories import make_store, make_ticket, make_visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, dispatcher):
    client.force_login(dispatcher)
    return client


def queries(client, url):
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


# --- my work -------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [role for role in Role if role != Role.CLIENT])
def test_everybody_has_a_page_of_his_work(client, db, role):
    client.force_login(person(f"p-{role}", "某某", role))

    assert client.get(reverse("desk:home")).status_code == 200


def test_a_ticket_that_nobody_works_on_is_seen_at_once(desk):
    ticket = make_ticket(at=timezone.now(), title="收银台积不了分")

    assert "收银台积不了分" in desk.get(reverse("desk:home")).text
    assert ticket.get_absolute_url() in desk.get(reverse("desk:home")).text


def test_what_is_handed_in_is_off_his_list_and_only_what_is_ahead_counts_down(engineer):
    for status in ("handed_in", "finished", "appointed"):
        make_visit(status, engineer)

    rows = next(s for s in my_work(engineer.as_actor()) if s.icon == "map-pin").rows

    due = {row.detail.split(" · ")[1]: row.due_at is not None for row in rows}
    assert due == {"完工": False, "已预约": True}


def test_an_engineer_sees_his_visits_what_he_can_take_and_no_desk_work(engineer):
    visit, lone = make_visit("appointed", engineer), make_ticket()

    sections = {section.icon: section for section in my_work(engineer.as_actor())}

    assert [row.url for row in sections["map-pin"].rows] == [visit.get_absolute_url()]
    assert [row.url for row in sections["ticket"].rows] == [lone.get_absolute_url()]
    assert "truck" not in sections
    assert "inbox" not in sections


def test_my_work_costs_the_same_with_more_work(desk):
    make_ticket(at=timezone.now())
    before = queries(desk, reverse("desk:home"))
    for _ in range(5):
        make_ticket(at=timezone.now())

    assert queries(desk, reverse("desk:home")) == before


# --- search --------------------------------------------------------------------------------


def test_two_characters_find_tickets_and_stores(desk):
    store = make_store("大兴百货五角场店")
    ticket = make_ticket(store=store, title="打印机不出纸")

    assert ticket.number in desk.get(reverse("desk:search"), {"q": "打印"}).text
    assert "大兴百货五角场店" in desk.get(reverse("desk:search"), {"q": "五角"}).text
    assert "大兴百货五角场店" in desk.get(reverse("desk:search"), {"q": "dxbh"}).text


def test_a_number_finds_its_ticket(desk):
    ticket = make_ticket()

    assert ticket.get_absolute_url() in desk.get(reverse("desk:search"), {"q": ticket.number}).text


def test_an_engineer_finds_nothing_of_others(engineer, other_engineer):
    visit = make_visit("appointed", engineer)

    assert find(visit.number, engineer.as_actor())
    assert not find(visit.number, other_engineer.as_actor())


@pytest.mark.parametrize("text", ["", " ", "'", "\\", "%", "a' | b", "长" * 5000, "💥", "<b>"])
def test_any_text_may_be_searched_for(desk, text):
    answer = desk.get(reverse("desk:search"), {"q": text})

    assert answer.status_code == 200
    assert "<b>" not in answer.text


@pytest.fixture
def archived(engineer):
    return make_visit("archived", engineer)


# --- outgoing messages ------------------------------------------------------------------------


@pytest.fixture
def dead():
    with transaction.atomic():
        outbox.queue("email", "a@example.com", subject="提醒", dedup_key="k")
    OutboxMessage.objects.update(status="dead", attempts=10)
    return OutboxMessage.objects.get()


def test_an_administrator_sees_and_replays_a_dead_letter(client, admin, dead):
    client.force_login(admin)
    assert "提醒" in client.get(reverse("desk:outbox")).text

    client.post(reverse("desk:replay", args=[dead.uid]))

    dead.refresh_from_db()
    assert (dead.status, dead.attempts) == ("queued", 0)


@pytest.mark.parametrize("who", ["helpdesk", "engineer", "dispatcher"])
def test_others_do_not_see_the_outbox(client, request, who, dead):
    client.force_login(request.getfixturevalue(who))

    assert client.get(reverse("desk:outbox")).status_code == 403
    assert client.post(reverse("desk:replay", args=[dead.uid])).status_code == 403


def test_a_manager_sees_but_does_not_replay(client, manager, dead):
    client.force_login(manager)

    assert client.get(reverse("desk:outbox")).status_code == 200
    assert client.post(reverse("desk:replay", args=[dead.uid])).status_code == 403


# --- API ---------------------------------------------------------------------------------------


def test_forms_are_read_by_api_and_signed_by_nobody(client, helpdesk, engineer):
    make_visit("signed", engineer)
    client.force_login(helpdesk)

    (form,) = [d for d in client.get("/api/v1/documents").json()["results"] if d["kind"] == "visit"]
    one = client.get(f"/api/v1/documents/{form['uid']}")
    assert [s["signer_name"] for s in one.json()["signatures"]] == ["李晓梅", "张伟"]
    assert client.get(f"/api/v1/documents/{form['uid']}/pdf").status_code == 409
    for verb in ("sign", "sign-own", "sign_own", "signatures"):
        answer = client.post(f"/api/v1/documents/{form['uid']}/{verb}", {}, "application/json")
        assert answer.status_code == 404
    assert client.patch(f"/api/v1/documents/{form['uid']}", {}, "application/json").status_code in {
        403, 405,
    }  # fmt: skip


def test_forms_of_others_do_not_exist(client, engineer, other_engineer):
    make_visit("signed", engineer)
    client.force_login(other_engineer)

    found = client.get("/api/v1/documents").json()["results"]

    assert found == []


def test_answers_of_the_handbook_are_read_by_api(client, dispatcher, archived):
    client.force_login(dispatcher)

    results = client.get("/api/v1/rule-results").json()["results"]

    assert {"rule", "answer", "evidence"} <= set(results[0])


def test_the_api_says_in_a_problem_document_what_is_wrong(client):
    answer = client.get("/api/v1/documents")

    assert answer.status_code in {401, 403}
    assert answer["Content-Type"].startswith("application/problem+json")
    assert answer.json()["status"] == answer.status_code


def test_a_page_that_lives_says_so(client):
    assert client.get(reverse("desk:healthz")).text == "ok"


def test_the_icon_is_found_where_programs_look_for_it(client, settings):
    answer = client.get("/favicon.ico")

    assert answer.status_code == 302
    assert answer.url == f"{settings.STATIC_URL}icons/desk.svg"
    assert finders.find("icons/desk.svg")
