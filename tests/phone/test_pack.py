"""What the phone takes along."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from knowledge.actions import create_article, publish
from servicedesk.core.actors import SYSTEM
from tests.conftest import AT
from tests.visits.factories import (
    ARRIVED,
    LEAVE,
    make_ticket,
    make_visit,
)
from visits import actions, queries
from visits.forms import FORMS
from visits.models import DEPARTURE_ITEMS, VisitOrder
from visits.phone import DECISIONS, VERBS
from visits.states import FINAL, ON_SITE, Status

pytestmark = pytest.mark.django_db


OTHERS_TURN = FINAL | {Status.ORDERED, Status.HANDED_IN}


def pack(phone):
    response = phone.get("/phone/pack/")
    assert response.status_code == 200
    return response.json()


def test_his_unfinished_visits_are_in_it_and_nobody_elses(phone, engineer, other_engineer):
    done = make_visit(Status.ARCHIVED, engineer, shift=timedelta(days=-3))
    later = make_visit(Status.APPOINTED, engineer, shift=timedelta(days=1))
    now = make_visit(Status.ARRIVED, engineer)
    others = make_visit(Status.APPOINTED, other_engineer)

    found = pack(phone)

    assert [visit["number"] for visit in found["visits"]] == [now.number, later.number]
    text = json.dumps(found, ensure_ascii=False)
    assert done.number not in text
    assert others.number not in text
    first = found["visits"][0]
    assert (first["status"], first["version"], first["title"]) == (
        "arrived", now.version, now.store.name,
    )  # fmt: skip
    assert now.contact_phone in first["hero"]
    assert now.address in first["hero"]
    assert now.need in first["about"]
    assert found["user"] == {"uid": str(engineer.uid), "name": "张伟"}


def test_the_table_of_acts_is_that_of_the_server(phone, engineer):
    make_visit(Status.APPOINTED, engineer)
    machine = pack(phone)["machine"]
    assert set(machine) == VERBS == set(pack(phone)["forms"])
    assert machine["arrive"]["sources"] == ["appointed", "en_route"]
    assert (machine["arrive"]["target"], machine["arrive"]["one_tap"]) == ("arrived", True)
    assert {verb for verb, row in machine.items() if row["decision"]} == set(DECISIONS)
    assert "archive" not in machine
    assert "assign" not in machine


def next_by_rules(rules, visit, now):
    """As the phone goes through them."""
    for rule in rules:
        if rule["status"] != visit["status"] or rule.get("unless_done") in visit["done"]:
            continue
        if "when_done" in rule and rule["when_done"] not in visit["done"]:
            continue
        if "minutes_after" in rule:
            verb, minutes = rule["minutes_after"]
            since = visit["times"].get(verb)
            if since is None or now < timezone.datetime.fromisoformat(since) + timedelta(
                minutes=minutes
            ):
                continue
        return rule["verb"]
    return ""


def test_the_rules_say_the_same_as_the_big_button(phone, engineer):
    for day, status in enumerate(s for s in Status if s not in OTHERS_TURN):
        if status not in ON_SITE:
            make_visit(status, engineer, shift=timedelta(days=day))
    found = pack(phone)
    assert len(found["visits"]) == 7
    for each in found["visits"]:
        visit = VisitOrder.objects.get(number=each["number"])
        assert next_by_rules(found["next"], each, ARRIVED) == queries.next_step(visit, now=ARRIVED)


@pytest.mark.parametrize("status", sorted(ON_SITE))
def test_also_on_site(phone, engineer, status):
    visit = make_visit(status, engineer)
    found = pack(phone)
    for now in (ARRIVED + timedelta(minutes=3), ARRIVED + timedelta(minutes=30)):
        named = next_by_rules(found["next"], found["visits"][0], now)
        assert named == queries.next_step(visit, now=now) != ""


def test_what_is_done_moves_the_big_button(phone, engineer):
    visit = make_visit(Status.ACCEPTED, engineer)
    actions.appoint(
        visit, window_from=LEAVE + timedelta(hours=1), window_until=LEAVE + timedelta(hours=2),
        agreed_with="李店长", at=AT + timedelta(minutes=30), by=engineer.as_actor(),
    )  # fmt: skip
    found = pack(phone)
    assert next_by_rules(found["next"], found["visits"][0], LEAVE) == "prepare"
    actions.prepare(visit, ticked=DEPARTURE_ITEMS, at=LEAVE, by=engineer.as_actor())
    found = pack(phone)
    assert next_by_rules(found["next"], found["visits"][0], LEAVE) == "depart"


def test_a_form_is_there_once_and_each_visit_brings_its_values(phone, engineer):
    first = make_visit(Status.ACCEPTED, engineer)
    second = make_visit(Status.WORKING, engineer)
    actions.add_part(second, name="网线", at=LEAVE + timedelta(hours=1), by=engineer.as_actor())
    found = pack(phone)
    html = found["forms"]["appoint"]["html"]
    assert 'action="/visits/__NUMBER__/appoint/"' in html
    assert 'name="window_from"' in html
    assert first.address not in html
    assert 'name="csrfmiddlewaretoken" value="-"' in html
    forms = {visit["number"]: visit["forms"] for visit in found["visits"]}
    assert forms[first.number]["appoint"]["values"]["address"] == first.address
    assert "李店长您好" in forms[first.number]["appoint"]["script"]
    assert forms[second.number]["start_work"]["values"] == {"people_met": "李晓梅"}
    part = second.parts.get()
    assert forms[second.number]["remove_part"]["options"] == {"part": [[str(part.uid), str(part)]]}
    # He took a drive along there, and must say when it was scanned; here not.
    assert "without" not in forms[second.number]["hand_in"]
    assert forms[first.number]["hand_in"]["without"] == ["usb_scanned_at"]


def test_the_values_belong_to_fields_of_the_form(phone, engineer):
    visit = make_visit(Status.WORKING, engineer)
    visit = VisitOrder.objects.get(pk=visit.pk)
    forms = pack(phone)["visits"][0]["forms"]
    for verb in VERBS:
        assert set(forms[verb]["values"]) <= set(
            FORMS[verb](visit=visit, by=engineer.as_actor()).fields
        )
    assert forms["record_work"]["values"]["category"] == str(visit.category.uid)
    assert forms["record_work"]["values"]["tested_by"] == "李晓梅"


def test_what_helps_with_the_fault_goes_along(phone, engineer, other_engineer):
    ticket = make_ticket(at=AT - timedelta(days=9))
    former = make_visit(
        Status.ARCHIVED, other_engineer, ticket=ticket, shift=timedelta(days=-9),
        record={"findings": "上次是网口氧化"},
    )  # fmt: skip
    visit = make_visit(
        Status.ACCEPTED, engineer, store=ticket.store, installation=ticket.installation,
        category=ticket.category, contact=ticket.contact, need="又坏了",
    )  # fmt: skip
    assert visit.installation == former.installation
    for title, shown in [("E-17 怎么办", True), ("草稿", False)]:
        article = create_article(
            title=title, symptom="终端报错", solution="重新插紧网线", category=visit.category,
            at=AT, by=engineer.as_actor(),
        )  # fmt: skip
        if shown:
            publish(article, at=AT, by=SYSTEM)
    about = pack(phone)["visits"][0]["about"]
    assert "上次是网口氧化" in about
    assert "E-17 怎么办" in about
    assert "草稿" not in about


def test_an_unchanged_pack_is_not_sent_again(phone, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    with time_machine.travel(timezone.now(), tick=False):
        first = phone.get("/phone/pack/")
        again = phone.get("/phone/pack/", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        phone.does(visit, "arrive", at=ARRIVED)
        changed = phone.get("/phone/pack/", headers={"If-None-Match": first.headers["ETag"]})
        assert changed.status_code == 200


def test_the_pack_is_sent_small(phone, engineer):
    for day in range(8):
        make_visit(Status.APPOINTED, engineer, shift=timedelta(days=day))
    response = phone.get("/phone/pack/", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert "private" in response.headers["Cache-Control"]
    plain = gzip.decompress(response.content)
    assert len(json.loads(plain)["visits"]) == 8
    assert len(response.content) < 60_000
    assert len(plain) < 400_000


def test_the_number_of_queries_does_not_depend_on_the_number_of_visits(phone, engineer):
    def queries_of():
        phone.get("/phone/pack/")
        with CaptureQueriesContext(connection) as captured:
            phone.get("/phone/pack/")
        return len(captured)

    make_visit(Status.APPOINTED, engineer)
    one = queries_of()
    for day in range(1, 6):
        make_visit(Status.APPOINTED, engineer, shift=timedelta(days=day))
    make_visit(Status.FINISHED, engineer, shift=timedelta(days=-1))
    make_visit(Status.WORKING, engineer, shift=timedelta(days=6))
    assert queries_of() == one == 15


def test_who_makes_no_visits_takes_none_along(phone_of, helpdesk, engineer):
    make_visit(Status.APPOINTED, engineer)
    assert pack(phone_of(helpdesk))["visits"] == []


@pytest.mark.parametrize("stands", [True, False], ids=["with an appointment", "without"])
def test_the_phone_knows_where_accepting_leads_to(
    phone, engineer, other_engineer, dispatcher, stands
):
    visit = make_visit(Status.APPOINTED if stands else Status.ORDERED, other_engineer)
    actions.assign(visit, engineer=engineer, at=timezone.now(), by=dispatcher.as_actor())
    said = pack(phone)
    step = said["machine"]["accept"]
    (shown,) = said["visits"]

    phone.does(visit, "accept", {"first_judgement": "网口"}, at=timezone.now())

    visit.refresh_from_db()
    expected = step["with_window"] if shown["window_from"] else step["target"]
    assert visit.status == expected == (Status.APPOINTED if stands else Status.ACCEPTED)
