"""Every transition through both doors: done, refused, forbidden, unknown, badly filled in."""

from __future__ import annotations

import inspect

import pytest
from django.core.exceptions import PermissionDenied

from accounts.roles import Role
from servicedesk.core.errors import WrongState
from servicedesk.core.files import files_of
from servicedesk.core.models import Entry
from tests.conftest import person
from tests.visits.cases import BY_VERB, CASES, soon, typed
from tests.visits.factories import AGREED, RECORD, make_desk_person, make_visit
from visits import actions
from visits.forms import FORMS
from visits.states import VISIT, Status

pytestmark = pytest.mark.django_db
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.verb)
each_door = pytest.mark.parametrize("door", ["page", "api"])


def prepared(case, engineer):
    visit = make_visit(case.start, engineer)
    if case.verb == "finish":
        actions.record_work(visit, **RECORD, at=visit.started_at, by=engineer.as_actor())
    return visit


def entries(visit):
    return Entry.objects.filter(
        subjects__kind="visits.visitorder", subjects__object_id=visit.pk
    ).count()


def test_every_transition_has_a_case():
    """What is missing here has a file of its own."""
    assert {t.name for t in VISIT} - set(BY_VERB) == {
        "archive", "remove_part", "complete_form", "offer_times",
    }  # fmt: skip


def test_every_transition_has_a_form_but_the_one_of_the_system():
    assert {t.name for t in VISIT} - set(FORMS) == {"complete_form"}


@each_case
@each_door
def test_the_door_leads_to_the_action(case, door, doors, engineer, dispatcher):
    visit = prepared(case, engineer)
    before = entries(visit)
    user = make_desk_person() if case.desk else engineer

    response = doors[door](user, visit, case.verb, case.sent(door, visit, engineer))

    assert response.status_code == (302 if door == "page" else 200), response.content.decode()
    visit.refresh_from_db()
    assert visit.status == (case.target or case.start)
    assert entries(visit) > before


@pytest.mark.parametrize("status", [Status.ORDERED, Status.WORKING, Status.ARCHIVED])
@each_door
def test_the_desk_adds_files_to_any_visit(status, door, doors, engineer, logged_in):
    visit = make_visit(status, engineer)
    desk = make_desk_person()
    if door == "page":
        assert "attach/" in logged_in(desk).get(visit.get_absolute_url()).text

    response = doors[door](desk, visit, "attach", BY_VERB["attach"].sent(door, visit, engineer))

    assert response.status_code == (302 if door == "page" else 200)
    assert [file.added_by_label for file in files_of(visit)] == [desk.name]
    assert "fault.txt" in logged_in(desk).get(visit.get_absolute_url()).text


@each_case
def test_the_doors_show_that_the_state_is_wrong(case, doors, engineer, dispatcher):
    visit = make_visit(Status.ASSIGNED, engineer)
    actions.cancel(visit, reason="x", at=AGREED, by=make_desk_person().as_actor())
    user = make_desk_person() if case.desk else engineer

    for door, code in (("page", 422), ("api", 409)):
        response = doors[door](user, visit, case.verb, case.sent(door, visit, engineer))
        assert response.status_code == code, door
    visit.refresh_from_db()
    assert visit.status == Status.CANCELLED


@pytest.mark.parametrize("status", list(Status))
def test_from_a_status_only_the_transitions_of_the_table_begin(status, engineer, dispatcher):
    """Asked of the actions themselves; a refused one leaves the visit as it was."""
    visit = make_visit(status, engineer)
    version = visit.version
    for case in CASES:
        if status in VISIT[case.verb].sources:
            continue
        by = make_desk_person() if case.desk else engineer
        with pytest.raises(WrongState):
            getattr(actions, case.verb)(
                visit, **arguments(case), at=visit.ordered_at, by=by.as_actor()
            )
    visit.refresh_from_db()
    assert (visit.status, visit.version) == (status, version)


def arguments(case):
    """Something for each argument; the state is checked before any of them is looked at."""
    names = inspect.signature(getattr(actions, case.verb)).parameters.values()
    needed = [p for p in names if p.kind == p.KEYWORD_ONLY and p.default is p.empty]
    return {p.name: None for p in needed if p.name not in {"at", "by"}}


NONSENSE = "\u0000" * 3 + "<script>" + "长" * 5000


@each_case
def test_what_the_doors_refuse_leaves_the_visit_as_it_was(
    case, doors, logged_in, engineer, other_engineer, dispatcher
):
    """A page that opens; then strangers, unknown fields, nonsense in every field. Never a 500."""
    visit = prepared(case, engineer)
    before = (visit.status, visit.version, entries(visit))
    user = make_desk_person() if case.desk else engineer

    page = logged_in(user).get(f"/visits/{visit.number}/{case.verb}/")
    assert page.status_code == 200
    for door in ("page", "api"):
        sent = case.sent(door, visit, engineer)
        assert doors[door](other_engineer, visit, case.verb, sent).status_code == 404, door
        # The page's form for presenting asks nothing.
        if (case.verb, door) != ("present_form", "page"):
            nonsense = dict.fromkeys(sent, NONSENSE) or {"at": NONSENSE}
            response = doors[door](user, visit, case.verb, nonsense)
            assert response.status_code in {400, 422}, door
    unknown = {**case.sent("api", visit, engineer), "signature": "x"}
    assert doors["api"](user, visit, case.verb, unknown).status_code == 400

    visit.refresh_from_db()
    assert (visit.status, visit.version, entries(visit)) == before


@each_case
def test_only_the_roles_of_the_table_may(case, engineer, dispatcher):
    """The engineer's acts are the engineer's alone, not even his colleague's; so the desk's."""
    visit = make_visit(case.start, engineer)
    for role in Role:
        somebody = person(f"some-{role}", "某人", role)
        if case.desk and somebody.as_actor().may(VISIT[case.verb].permission):
            continue
        if case.both and somebody.as_actor().may("visits.check"):
            continue
        with pytest.raises(PermissionDenied):
            getattr(actions, case.verb)(
                visit, **arguments(case), at=visit.ordered_at, by=somebody.as_actor()
            )


@pytest.mark.parametrize(
    "case", [c for c in CASES if not FORMS[c.verb].one_tap], ids=lambda case: case.verb
)
def test_an_empty_form_says_what_is_missing_or_needs_nothing(case, doors, engineer, dispatcher):
    """Never a 500, and nothing half done."""
    visit = prepared(case, engineer)
    user = make_desk_person() if case.desk else engineer

    response = doors["page"](user, visit, case.verb, {})

    assert response.status_code in {302, 422}
    if response.status_code == 422:
        visit.refresh_from_db()
        assert visit.status == case.start
        assert "is-invalid" in response.content.decode()


def test_an_act_that_is_not_possible_now_leads_back_to_the_visit(logged_in, engineer):
    visit = make_visit(Status.ASSIGNED, engineer)

    response = logged_in(engineer).get(f"/visits/{visit.number}/finish/")

    assert response.url == visit.get_absolute_url()


def test_there_is_no_door_to_what_only_the_system_does(logged_in, doors, engineer):
    visit = make_visit(Status.FINISHED, engineer)

    assert doors["page"](engineer, visit, "complete_form", {}).status_code == 404
    assert doors["api"](engineer, visit, "complete_form", {}).status_code == 404


@each_door
def test_what_has_not_happened_yet_cannot_be_reported(door, doors, engineer):
    visit = make_visit(Status.EN_ROUTE, engineer)
    at = soon(hours=2)

    response = doors[door](
        engineer, visit, "arrive", {"at": typed(at) if door == "page" else at.isoformat()}
    )

    assert response.status_code in {400, 422}


def test_a_refused_form_keeps_what_was_typed(doors, engineer):
    visit = make_visit(Status.WORKING, engineer)

    response = doors["page"](
        engineer, visit, "record_work",
        {"findings": "路由器指示灯不亮", "touches_data": "on", "data_consent_by": ""},
    )  # fmt: skip

    assert response.status_code == 422
    assert "路由器指示灯不亮" in response.content.decode()
