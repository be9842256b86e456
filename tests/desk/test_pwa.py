"""What a telephone needs to keep the product: manifest, service worker, shell."""

from __future__ import annotations

import json

import pytest
from django.contrib.staticfiles import finders
from PIL import Image

from servicedesk.core.assets import asset_version, phone_assets
from tests.visits.factories import make_visit
from visits import queries
from visits.models import VisitOrder
from visits.states import Status

pytestmark = pytest.mark.django_db


def test_the_service_worker_may_rule_the_whole_site_and_is_never_stale(client):
    answer = client.get("/sw.js")

    assert answer["Content-Type"].startswith("text/javascript")
    assert answer["Service-Worker-Allowed"] == "/"
    assert "no-cache" in answer["Cache-Control"]
    known = json.loads(answer.text.split("\n", 1)[0].removeprefix("self.DESK = ").removesuffix(";"))
    assert known["version"].startswith(asset_version())
    assert known["assets"] == [[asset.url, asset.integrity] for asset in phone_assets()]
    assert any(url.endswith("js/phone/queue.js") for url, _integrity in known["assets"])


def test_the_manifest_names_icons_that_are_there(client):
    manifest = client.get("/manifest.webmanifest").json()

    assert (manifest["display"], manifest["start_url"]) == ("standalone", "/visits/today/")
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        path = finders.find(icon["src"].removeprefix("/static/"))
        with Image.open(path) as picture:
            assert icon["sizes"] == f"{picture.width}x{picture.height}"


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_shell_says_nothing_of_anybody(language, client, engineer):
    visit = make_visit(Status.APPOINTED, engineer)
    client.force_login(engineer)

    page = client.get("/phone/shell/", {"language": language}).text

    assert f'lang="{language}"' in page
    for secret in (engineer.name, str(engineer.uid), visit.number, visit.store.name):
        assert secret not in page


def test_the_queue_page_is_for_people_who_are_logged_in(client, engineer):
    assert client.get("/phone/queue/").status_code == 302
    client.force_login(engineer)
    assert f'data-user="{engineer.uid}"' in client.get("/phone/queue/").text


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.ARCHIVED}))
def test_the_telephone_sorts_the_day_as_the_server_does(status, engineer):
    visit = make_visit(status, engineer)
    day = queries.day_of(engineer.pk, now=visit.window_from or visit.ordered_at)
    on_server = [str(title) for title, visits in day.sections if visit in visits]

    night = queries.bounds_of((visit.window_from or visit.ordered_at).date())[1]
    on_phone = [
        str(title)
        for title, section in queries.PHONE_DAY
        if visit.status in section["statuses"]
        and (
            "tonight" not in section
            or (VisitOrder.objects.get().window_from < night) == (section["tonight"] == "before")
        )
    ]
    assert on_phone == on_server
