"""Parts used, from the stock list or by any name; on the form and in the pack."""

from __future__ import annotations

from datetime import timedelta

import pytest

from customers import actions as customers
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from tests.conftest import AT
from tests.visits.factories import STARTED, make_visit
from visits import actions, pdf
from visits.models import Part
from visits.states import Status

pytestmark = pytest.mark.django_db
LATER = STARTED + timedelta(minutes=5)


@pytest.fixture
def cable():
    return customers.create_stock_part(
        code="CAB-6", name="网线", spec="10 米", unit="根", at=AT, by=SYSTEM
    )


def test_a_code_brings_name_and_unit_and_the_form_prints_them(cable, engineer):
    visit = make_visit(Status.WORKING, engineer)

    part = actions.add_part(
        visit, code=" cab-6", name="打错的名字", quantity=2, serial="S1", at=LATER,
        by=engineer.as_actor(),
    )  # fmt: skip

    assert (part.stock, part.name, part.unit) == (cable, "网线 10 米", "根")
    assert pdf.visit_data(visit)["parts"] == [
        {"name": "网线 10 米", "code": "CAB-6", "quantity": 2, "unit": "根", "serial": "S1"}
    ]


def test_what_was_used_keeps_the_name_of_that_day(cable, engineer):
    visit = make_visit(Status.WORKING, engineer)
    actions.add_part(visit, code="CAB-6", at=LATER, by=engineer.as_actor())

    customers.edit_stock_part(cable, name="光纤", at=LATER, by=SYSTEM)

    assert Part.objects.get().name == "网线 10 米"


def test_what_went_out_of_use_meanwhile_still_counts(cable, engineer):
    visit = make_visit(Status.WORKING, engineer)
    customers.deactivate(cable, at=AT, by=SYSTEM)

    assert actions.add_part(visit, code="CAB-6", at=LATER, by=engineer.as_actor()).stock == cable


@pytest.mark.parametrize(
    ("given", "field"),
    [({"code": "NO-1", "name": "x"}, "code"), ({"name": " "}, "name"), ({}, "name")],
)
def test_an_unknown_code_and_nothing_at_all_are_refused(given, field, engineer):
    visit = make_visit(Status.WORKING, engineer)

    with pytest.raises(Refused) as refused:
        actions.add_part(visit, **given, at=LATER, by=engineer.as_actor())

    assert (refused.value.field, Part.objects.count()) == (field, 0)


def test_the_telephone_takes_along_what_is_in_use(cable, engineer, logged_in):
    make_visit(Status.WORKING, engineer)
    old = customers.create_stock_part(code="OLD", name="旧件", at=AT, by=SYSTEM)
    customers.deactivate(old, at=AT, by=SYSTEM)

    assert logged_in(engineer).get("/phone/pack/").json()["parts"] == [
        {"code": "CAB-6", "name": "网线 10 米", "unit": "根", "key": "cab-6 网线 10 米 wangxian wx"}
    ]
