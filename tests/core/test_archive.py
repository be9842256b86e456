"""The archive finds a form by its number, people, places, day and any two characters of its text."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from servicedesk.core import archive, documents, sealing
from servicedesk.core.actors import SYSTEM
from servicedesk.core.archive import Selection
from servicedesk.core.models import Document, SignLink, token_hash
from tests.conftest import AT
from tests.core.forms_of_tests import KIND, PLAIN, data, stroke
from tests.visits.factories import make_visit

pytestmark = pytest.mark.django_db


def make(subject, number: int, *, kind=PLAIN, at=AT, **more) -> Document:
    return documents.freeze(
        kind, subject, number=f"ZZ-20260302-{number:04}", data=data(**more),
        keywords=["大兴百货", "五道口店", "王店长"], signers={"engineer": subject.pk}, at=at, by=SYSTEM,
    )  # fmt: skip


def numbers(actor, **wanted) -> list[str]:
    return sorted(d.number[-4:] for d in archive.find(actor, Selection(**wanted)))


@pytest.mark.parametrize(
    "text",
    ["ZZ-20260302-0001", "0001", "大兴", "五道", "王店长", "测试", "电源", "psu-77", "大兴 电源"],
)
def test_a_form_is_found_by(text, admin, engineer):
    make(engineer, 1, kind=KIND, found=[{"part": "换了电源 PSU-77"}])
    documents.freeze(PLAIN, engineer, number="YY-20260302-0002", data={}, at=AT, by=SYSTEM)

    assert numbers(admin.as_actor(), text=text) == ["0001"]


def test_it_is_found_by_who_signed_it(admin, engineer):
    form = make(engineer, 1, kind=KIND)
    token = documents.make_link(form, block="customer", method="L1", at=AT, by=engineer.as_actor())
    link = SignLink.objects.get(token_sha256=token_hash(token))
    documents.sign_by_link(
        link, signer_name="欧阳副店长", strokes=stroke(), shown_sha256=form.data_sha256,
        answers={}, at=AT, by=documents.signer(link),
    )  # fmt: skip

    assert numbers(admin.as_actor(), text="欧阳") == ["0001"]


def test_characters_that_stand_apart_are_no_hit(admin, engineer):
    make(engineer, 1, need="收款 银行")

    assert numbers(admin.as_actor(), text="款银") == []


def test_days_are_those_of_the_house(admin, engineer):
    # 16:30 UTC is half past midnight of the next day in Shanghai.
    late = AT.replace(hour=16, minute=30)
    make(engineer, 1, at=late)
    day = date(2026, 3, 3)

    assert numbers(admin.as_actor(), first=day, last=day) == ["0001"]
    assert numbers(admin.as_actor(), last=day - timedelta(days=1)) == []
    assert numbers(admin.as_actor(), first=day + timedelta(days=1)) == []


def test_kind_and_status_narrow_it(admin, engineer):
    make(engineer, 1, kind=KIND)
    make(engineer, 2)
    me = admin.as_actor()

    assert numbers(me, kind="test") == ["0001"]
    assert numbers(me, status="open") == ["0001"]
    assert numbers(me, status="complete") == ["0002"]


def test_an_engineer_finds_the_forms_of_his_own_visits_only(engineer, other_engineer, manager):
    visit = make_visit("signed", engineer)

    def found(person):
        return [d.number for d in archive.find(person.as_actor(), Selection(text=visit.number))]

    assert found(engineer) == [visit.number]
    assert found(manager) == [visit.number]
    assert found(other_engineer) == []


def test_a_correction_stands_beside_what_it_corrects(admin, engineer):
    first = make(engineer, 1)
    assert sealing.seal_waiting() == 1
    second = make(engineer, 1, need="更正：刷卡机")
    client = Client()
    client.force_login(admin)

    page = client.get(reverse("documents:archive")).text
    assert f">{first}<" in page
    assert f">{second}<" in page
    old = client.get(reverse("documents:document", args=[first.uid])).text
    assert reverse("documents:document", args=[second.uid]) in old


@pytest.mark.parametrize("rows", [3, 30])
def test_a_page_costs_the_same_number_of_queries(rows, admin, engineer, django_assert_num_queries):
    for number in range(rows):
        make(engineer, number + 1)
    client = Client()
    client.force_login(admin)
    url = reverse("documents:archive")
    client.get(url)

    # The log-in, the badges of the layout; the kinds of subjects, and the rows.
    with django_assert_num_queries(QUERIES):
        assert client.get(url, {"q": "大兴", "first": "2026-03-01"}).status_code == 200


QUERIES = 9


@pytest.mark.parametrize("odd", [{"first": "x"}, {"kind": "x"}, {"status": "void"}, {"q": "'\\%"}])
def test_what_cannot_be_read_is_no_error(odd, admin, engineer):
    make(engineer, 1)
    client = Client()
    client.force_login(admin)

    assert client.get(reverse("documents:archive"), odd).status_code == 200
