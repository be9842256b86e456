"""The screen on the wall by a link of its own: what it shows, who makes it, and when it goes dark."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from accounts.actions import create_team
from accounts.roles import Role
from servicedesk.core.actors import SYSTEM
from servicedesk.core.errors import Refused
from servicedesk.core.logs import discreet
from servicedesk.core.models import Entry
from servicedesk.desk.actions import WALL_LIFE, make_wall_link, revoke_wall_link
from servicedesk.desk.models import WallLink
from tests.accounts.conftest import log_in
from tests.conftest import AT, person
from tests.tickets.tickets.factories import make_store, make_ticket
from tickets.states import Status

pytestmark = pytest.mark.django_db
WALLS = reverse("desk:managers_walls")


@pytest.fixture
def ticket(noon, engineer):
    return make_ticket(Status.ASSIGNED, engineer, at=noon - timedelta(hours=1))


def make(by, **chosen) -> tuple[WallLink, str]:
    link, token = make_wall_link(
        name="南墙", chosen=chosen, filters="", at=timezone.now(), by=by.as_actor()
    )
    return link, reverse("desk:wall", args=[token])


def seen(client, url: str) -> tuple[int, int]:
    return client.get(url).status_code, client.get(f"{url}live/").status_code


def open_tickets(client, url: str) -> int:
    return client.get(f"{url}live/").context["now"].tickets["open"]


def test_the_screen_shows_the_desk_without_a_log_in(client, manager, ticket):
    _link, url = make(manager)

    assert seen(client, url) == (200, 200)
    assert open_tickets(client, url) == 1
    assert client.get(url).headers["Cache-Control"].count("no-store") == 1


def test_it_opens_nothing_else(client, manager, ticket):
    _link, url = make(manager)
    page = client.get(url)

    assert re.findall(r'(?:href|action)="(?!/static/)([^"]*)"', page.text) == []
    assert client.get(url + "records/").status_code == 404
    assert client.post(url).status_code == 405
    # And the browser that showed it is nobody anywhere else.
    assert client.get(ticket.get_absolute_url()).status_code == 302
    assert "sessionid" not in client.cookies


def test_it_keeps_running_for_months_and_ends_after_a_year(client, manager, noon):
    _link, url = make(manager)

    with time_machine.travel(noon + WALL_LIFE - timedelta(seconds=1), tick=False):
        assert seen(client, url) == (200, 200)
    with time_machine.travel(noon + WALL_LIFE, tick=False):
        assert seen(client, url) == (404, 404)


def test_a_revoked_link_shows_nothing_from_the_next_question_on(client, manager, admin, ticket):
    link, url = make(manager)
    _other, still = make(manager)
    revoke_wall_link(link, at=timezone.now(), by=admin.as_actor())

    assert seen(client, url) == (404, 404)
    assert seen(client, still) == (200, 200)
    with pytest.raises(Refused):
        revoke_wall_link(link, at=timezone.now(), by=admin.as_actor())
    assert list(Entry.objects.filter(type__startswith="wall.").values_list("type", flat=True)) == [
        "wall.link_made", "wall.link_made", "wall.link_revoked",
    ]  # fmt: skip


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": Role.ENGINEER}])
def test_it_goes_dark_when_its_maker_may_not_see_it_any_more(client, manager, noon, change):
    _link, url = make(manager)
    assert seen(client, url) == (200, 200)
    type(manager)._base_manager.filter(pk=manager.pk).update(**change)

    assert seen(client, url) == (404, 404)


def test_a_guessed_address_is_nothing(client, manager, noon):
    make(manager)

    assert seen(client, reverse("desk:wall", args=["x" * 43])) == (404, 404)
    assert seen(client, reverse("desk:wall", args=[WallLink.objects.get().token_sha256])) == (
        404,
        404,
    )


def test_the_filters_it_was_made_with_stay(client, manager, engineer, ticket):
    other = make_ticket(store=make_store("别家"), at=timezone.now())
    _link, url = make(manager, customer=str(other.customer.uid))
    _all, whole = make(manager)

    assert open_tickets(client, whole) == 2
    assert open_tickets(client, f"{url}") == 1
    assert other.customer.name in client.get(url).text
    # Nobody widens it by its address.
    assert client.get(f"{url}live/?customer=").context["now"].tickets["open"] == 1


def test_the_token_is_kept_nowhere_and_not_logged(client, manager, noon):
    link, url = make(manager)
    token = url.split("/")[2]

    assert token not in str(list(WallLink.objects.values())) + str(list(Entry.objects.values()))
    assert token not in discreet(f'"GET {url}live/ HTTP/1.1" 200')
    assert link.token_sha256 != token


def test_when_the_screen_was_last_there_is_written_once_a_minute(client, manager, noon):
    link, url = make(manager)
    for seconds in (0, 5, 59):
        with time_machine.travel(noon + timedelta(seconds=seconds), tick=False):
            client.get(f"{url}live/")
    link.refresh_from_db()
    assert link.seen_at == noon
    with time_machine.travel(noon + timedelta(seconds=60), tick=False):
        client.get(f"{url}live/")
    link.refresh_from_db()
    assert link.seen_at == noon + timedelta(seconds=60)


# --- making one ------------------------------------------------------------------------------


def test_a_manager_makes_one_and_revokes_it_on_the_page(client, manager, ticket):
    desk = log_in(manager)
    team = create_team(name="上海一组", leader=None, at=AT, by=SYSTEM)
    page = desk.get(f"{WALLS}?team={team.uid}")
    assert team.name in page.text

    made = desk.post(f"{WALLS}?team={team.uid}", {"name": "南墙"})

    assert made.headers["Cache-Control"] == "no-store"
    address = unescape(re.search(r'class="token-text">([^<]+)<', made.text)[1])
    link = WallLink.objects.get()
    assert (link.name, link.chosen) == ("南墙", {"team": str(team.uid)})
    assert client.get(address).status_code == 200

    assert f"{link.uid}/revoke" in desk.get(WALLS).text
    assert desk.post(reverse("desk:revoke_wall", args=[link.uid])).status_code == 302
    assert f"{link.uid}/revoke" not in desk.get(WALLS).text
    assert client.get(address).status_code == 404


def test_an_old_log_in_is_asked_for_the_password_before(manager, noon):
    client = log_in(manager)
    with time_machine.travel(noon + timedelta(hours=1), tick=False):
        response = client.post(WALLS, {"name": "南墙"})

    assert response.status_code == 302
    assert not WallLink.objects.exists()


def test_a_screen_without_a_name_is_refused(manager, noon):
    assert log_in(manager).post(WALLS, {"name": ""}).status_code == 422
    assert not WallLink.objects.exists()


@pytest.mark.parametrize("who", ["helpdesk", "engineer", "dispatcher"])
def test_others_make_none_and_see_none(client, request, who, manager, noon):
    someone = request.getfixturevalue(who)
    link, _url = make(manager)
    client.force_login(someone)

    assert client.get(WALLS).status_code == 403
    assert client.post(WALLS, {"name": "x"}).status_code == 403
    assert client.post(reverse("desk:revoke_wall", args=[link.uid])).status_code == 403
    with pytest.raises(PermissionDenied):
        make(someone)
    with pytest.raises(PermissionDenied):
        revoke_wall_link(link, at=timezone.now(), by=someone.as_actor())


def test_the_page_costs_the_same_with_more_links(client, manager, noon, queries_of):
    client.force_login(manager)
    make(manager)
    before = queries_of(client, WALLS)
    for number in range(3):
        make(person(f"m{number}", f"经理{number}", Role.MANAGER))

    assert queries_of(client, WALLS) == before
