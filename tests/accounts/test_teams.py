from __future__ import annotations

import pytest

from accounts import actions
from accounts.models import Team
from accounts.queries import recipients, supervisors_of
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from servicedesk.core.history import changes
from tests.conftest import AT, person
from tests.journal import journal

pytestmark = pytest.mark.django_db


def in_team(user, team):
    values = {
        name: getattr(user, name)
        for name in ("name", "role", "email", "phone", "staff_number", "language")
    }
    return actions.edit_user(user, **values, team=team, at=AT, by=SYSTEM)


def led_by(leader, *members):
    team = actions.create_team(name="运维一组", leader=leader, at=AT, by=SYSTEM)
    for member in members:
        in_team(member, team)
    return team


def test_a_team_is_made_and_gets_a_leader(desk, dispatcher):
    assert (
        desk.post("/accounts/people/teams/new/", {"name": "一组", "leader": ""}).status_code == 302
    )
    team = Team.objects.get()
    url = f"/accounts/people/teams/{team.uid}/"

    desk.post(url, {"name": "运维一组", "leader": dispatcher.uid})

    team.refresh_from_db()
    assert (team.name, team.leader) == ("运维一组", dispatcher)
    assert [entry[0] for entry in journal(team)] == ["team.created", "team.changed"]
    assert {change.new for change in changes(team)} >= {"运维一组", "赵敏"}
    assert "赵敏" in desk.get("/accounts/people/teams/").content.decode()
    assert "赵敏" in desk.get(url).content.decode()


def test_two_teams_do_not_share_a_name(desk):
    actions.create_team(name="一组", at=AT, by=SYSTEM)

    answer = desk.post("/accounts/people/teams/new/", {"name": "一组", "leader": ""})

    assert answer.status_code == 422
    assert "已有同名班组" in answer.content.decode()


def test_who_left_or_is_no_person_cannot_lead(engineer, api_client_user):
    actions.deactivate(engineer, at=AT, by=SYSTEM)

    for leader in (engineer, api_client_user):
        with pytest.raises(Refused):
            actions.create_team(name="一组", leader=leader, at=AT, by=SYSTEM)


def test_the_leader_of_the_team_answers_for_its_work(engineer, helpdesk, dispatcher):
    led_by(helpdesk, engineer)

    assert supervisors_of(engineer) == [helpdesk]


def test_without_a_team_all_dispatchers_answer(engineer, dispatcher):
    second = person("sunhao", "孙浩", "dispatcher")

    assert set(supervisors_of(engineer)) == {dispatcher, second}
    assert set(supervisors_of(None)) == {dispatcher, second}


def test_nobody_answers_for_the_own_work(engineer, dispatcher, manager):
    led_by(engineer, engineer)

    assert supervisors_of(engineer) == [dispatcher]
    assert supervisors_of(dispatcher) == [manager]


def test_a_leader_who_left_is_passed_over(engineer, helpdesk, dispatcher):
    led_by(helpdesk, engineer)
    actions.deactivate(helpdesk, at=AT, by=SYSTEM)
    engineer.refresh_from_db()

    assert supervisors_of(engineer) == [dispatcher]


def test_the_work_of_who_left_goes_to_the_supervisors(engineer, dispatcher):
    actions.deactivate(engineer, at=AT, by=SYSTEM)

    found = recipients([engineer.pk])

    assert found.owner(engineer.pk) == [dispatcher]
    assert found.owner(None) == [dispatcher]


def test_managers_are_the_active_ones(manager, admin):
    gone = person("qian", "钱", "manager")
    actions.deactivate(gone, at=AT, by=SYSTEM)

    assert recipients([]).managers == [manager]


def test_a_batch_of_owners_costs_two_queries(
    engineer, other_engineer, helpdesk, dispatcher, manager, django_assert_num_queries
):
    led_by(helpdesk, engineer)
    owners = [engineer.pk, other_engineer.pk, helpdesk.pk, None]

    with django_assert_num_queries(2):
        found = recipients(owners)
        told = {pk: (found.owner(pk), found.supervisors(pk)) for pk in owners}

    assert told == {
        engineer.pk: ([engineer], [helpdesk]),
        other_engineer.pk: ([other_engineer], [dispatcher]),
        helpdesk.pk: ([helpdesk], [dispatcher]),
        None: ([dispatcher], [dispatcher]),
    }
    assert found.managers == [manager]
