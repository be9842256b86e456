"""The lists of what is due and who was told, how it came about, the API's reads, readiness."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.actions import create_team
from servicedesk.core.actors import ANONYMOUS, SYSTEM
from servicedesk.core.events import subject_key
from sla import deadlines, queries, sweeping
from sla.models import Deadline, Escalation
from sla.sweeping import sweep
from sla.views.explain import explained
from tests.conftest import AT
from tests.sla.kinds import REPAIR, REPLY

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def team(name: str):
    return create_team(name=name, at=AT, by=SYSTEM)


@pytest.fixture
def both(start, engineer, other_engineer):
    """A deadline of each engineer; the second is due first."""
    return [
        start(team("甲"), owner=engineer, due_at=AT + 24 * HOUR),
        start(team("乙"), owner=other_engineer, due_at=AT + 4 * HOUR),
    ]


def test_an_engineer_sees_his_own_deadlines_only(both, engineer, other_engineer):
    assert list(Deadline.objects.visible_to(engineer.as_actor())) == [both[0]]
    assert queries.scopes(engineer.as_actor()) == ["mine"]


def test_a_team_leader_sees_those_of_his_team(both, engineer, other_engineer):
    group = team("一组")
    type(group).objects.filter(pk=group.pk).update(leader=engineer)
    type(engineer).objects.get_queryset().filter(pk=other_engineer.pk).update(team=group)

    actor = engineer.as_actor()
    assert set(Deadline.objects.visible_to(actor)) == set(both)
    assert queries.scopes(actor) == ["mine", "team"]
    assert list(queries.due(actor, "team")) == [both[1]]


def test_the_desk_sees_all_and_a_stranger_none(both, helpdesk):
    assert list(queries.due(helpdesk.as_actor(), "all")) == both[::-1]
    assert not Deadline.objects.visible_to(ANONYMOUS).exists()
    assert not Escalation.objects.visible_to(ANONYMOUS).exists()


def test_the_page_shows_what_is_due_the_most_urgent_first(both, dispatcher, client):
    client.force_login(dispatcher)

    page = client.get(reverse("sla:due"), {"scope": "all"})

    assert page.status_code == 200
    assert page.context["page"].rows == both[::-1]
    assert "TK-20260302-0001" in page.content.decode()


def test_the_list_is_filtered_by_kind(both, start, dispatcher, client):
    reply = start(team("丙"), kind=REPLY.name)
    client.force_login(dispatcher)

    page = client.get(reverse("sla:due"), {"scope": "all", "kind": REPLY.name})

    assert page.context["page"].rows == [reply]


@pytest.mark.parametrize("query", [{"scope": "all"}, {"scope": "x"}, {"kind": "x"}, {"after": "?"}])
def test_a_bent_query_harms_nothing_and_shows_nothing_of_others(query, both, engineer, client):
    client.force_login(engineer)

    page = client.get(reverse("sla:due"), query)

    assert page.status_code == 200
    assert page.context["page"].rows == [both[0]]


def test_the_list_goes_page_by_page(start, engineer, client):
    for number in range(51):
        start(team(f"{number}"), due_at=AT + number * HOUR)
    client.force_login(engineer)

    first = client.get(reverse("sla:due"))
    second = client.get(reverse("sla:due") + first.context["page"].next_url)

    rows = [*first.context["page"].rows, *second.context["page"].rows]
    assert rows == list(Deadline.objects.order_by("due_at"))


@pytest.mark.parametrize("url_name", ["sla:due", "sla:escalations"])
def test_a_list_takes_as_many_queries_for_one_row_as_for_many(
    url_name, start, dispatcher, engineer, client
):
    client.force_login(dispatcher)

    def count() -> int:
        sweep(AT + 30 * HOUR)
        client.get(reverse(url_name), {"scope": "all"})
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(reverse(url_name), {"scope": "all"}).status_code == 200
        return len(captured)

    start(team("甲"))
    few = count()
    for number in range(20):
        start(team(f"{number}"))
    assert count() == few


def test_the_list_of_escalations_shows_mine_open_ones_with_a_button(start, engineer, client):
    start()
    sweep(AT + 12 * HOUR)
    client.force_login(engineer)

    page = client.get(reverse("sla:escalations"))

    escalation = Escalation.objects.get()
    assert page.context["page"].rows == [escalation]
    assert reverse("sla:acknowledge", args=[escalation.uid]) in page.content.decode()


def test_the_navigation_counts_my_open_escalations(start, engineer, client):
    start()
    sweep(AT + 12 * HOUR)
    client.force_login(engineer)

    entries = client.get(reverse("sla:due")).context["navigation"]

    assert {e.url: e.badge for e in entries}[reverse("sla:escalations")] == 1


def test_past_escalations_are_one_click_away(start, engineer, subject, client):
    start()
    sweep(AT + 12 * HOUR)
    deadlines.meet(REPAIR.name, subject, at=AT + 13 * HOUR, by=SYSTEM)
    client.force_login(engineer)

    assert client.get(reverse("sla:escalations")).context["page"].rows == []
    past = client.get(reverse("sla:escalations"), {"show": "past"})
    assert len(past.context["page"].rows) == 1


def test_an_api_client_and_a_stranger_get_no_page(client, db):
    assert client.get(reverse("sla:due")).status_code == 302
    assert client.get(reverse("sla:escalations")).status_code == 302


# --- How due times come about ---------------------------------------------------------------


def account(subject, user) -> str:
    context = {"blocks": explained(subject_key(subject), user.as_actor()), "back": "/tickets/1/"}
    return render_to_string("sla/_explained.html", context, RequestFactory().get("/"))


def test_the_account_shows_due_times_moves_people_and_the_sum(start, subject, dispatcher):
    start()
    sweep(AT + 12 * HOUR)
    deadlines.pause(
        subject,
        reason="等客户确认",
        until=AT + 13 * HOUR + 2000 * HOUR,
        at=AT + 13 * HOUR,
        by=SYSTEM,
    )
    deadlines.resume(subject, at=AT + 14 * HOUR, by=SYSTEM)

    html = account(subject, dispatcher)

    for expected in ("Repair", "Half", "张伟", "等客户确认", "24:00:00", "13:00:00", "1:00:00"):
        assert expected in html
    assert "确认知悉" in html


def test_the_account_offers_the_button_to_those_who_were_told(
    start, subject, engineer, other_engineer
):
    start()
    sweep(AT + 12 * HOUR)

    assert "acknowledge/" in account(subject, engineer)
    assert "acknowledge/" not in account(subject, other_engineer)
    [block] = explained(subject_key(subject), engineer.as_actor())
    assert block.escalations[0].told == ["张伟"]


@pytest.mark.parametrize("kinds", [1, 2])
def test_the_account_takes_five_queries(kinds, start, subject, engineer, django_assert_num_queries):
    for kind in [REPAIR.name, REPLY.name][:kinds]:
        start(kind=kind)
    sweep(AT + 30 * HOUR)

    with django_assert_num_queries(5):
        explained(subject_key(subject), engineer.as_actor())


# --- for other apps ---------------------------------------------------------------------------


def test_deadlines_of_many_records_come_in_one_query(start, django_assert_num_queries):
    teams = [team("甲"), team("乙"), team("丙")]
    first, second = start(teams[0]), start(teams[1])
    met = start(teams[1], kind=REPLY.name, due_at=AT + HOUR)
    deadlines.meet(REPLY.name, teams[1], at=AT, by=SYSTEM)

    with django_assert_num_queries(1):
        found = queries.deadlines_of(teams)

    assert found == {
        ("accounts.team", teams[0].pk): [first],
        ("accounts.team", teams[1].pk): [met, second],
        ("accounts.team", teams[2].pk): [],
    }
    open_ones = queries.deadlines_of(teams, open_only=True)
    assert open_ones["accounts.team", teams[1].pk] == [second]


# --- API and readiness ------------------------------------------------------------------------


def test_the_api_lists_deadlines_with_moves_and_intervals(both, dispatcher):
    client = APIClient()
    client.force_authenticate(dispatcher)

    rows = client.get("/api/v1/deadlines", {"status": "running"}).json()["results"]

    assert {row["uid"] for row in rows} == {str(d.uid) for d in both}
    assert rows[0]["intervals"][0]["counts"] is True
    assert "id" not in rows[0]
    one = client.get(f"/api/v1/deadlines/{both[0].uid}").json()
    assert one["kind"] == REPAIR.name


def test_the_api_lists_escalations(start, engineer):
    start()
    sweep(AT + 12 * HOUR)
    client = APIClient()
    client.force_authenticate(engineer)

    (row,) = client.get("/api/v1/escalations").json()["results"]

    assert (row["step"], row["missed"], row["actions"]) == ("half", False, ["acknowledge"])


def test_a_foreign_deadline_does_not_exist_in_the_api(both, engineer):
    client = APIClient()
    client.force_authenticate(engineer)

    assert client.get(f"/api/v1/deadlines/{both[1].uid}").status_code == 404
    assert len(client.get("/api/v1/deadlines").json()["results"]) == 1


def test_ready_only_while_somebody_sweeps(client, db):
    assert client.get("/readyz").status_code == 503
    sweeping.beat()
    assert client.get("/readyz").status_code == 200


def test_the_list_says_when_nobody_sweeps(engineer, client):
    client.force_login(engineer)
    assert "时限无人监控" in client.get(reverse("sla:due")).content.decode()
    sweeping.beat()
    assert "时限无人监控" not in client.get(reverse("sla:due")).content.decode()


def test_a_deadline_in_the_future_is_no_alarm(start):
    sweeping.beat()
    start(at=timezone.now(), due_at=timezone.now() + 24 * HOUR)
    assert not queries.engine_silent()
