"""What a browser shows that was led to an address which is no page."""

from __future__ import annotations

import pytest

from servicedesk.core.http import page_above

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "back"),
    [
        ("/accounts/people/{uid}/deactivate/", "/accounts/people/{uid}/"),
        ("/accounts/notifications/read/", "/accounts/notifications/"),
        ("/outbox/{uid}/replay/", "/outbox/"),
    ],
)
def test_the_address_of_a_button_says_so_and_leads_back(path, back, client, admin):
    client.force_login(admin)
    path, back = (text.format(uid=admin.uid) for text in (path, back))

    answer = client.get(path)

    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    page = answer.content.decode()
    assert "不是页面" in page
    assert f'href="{back}"' in page
    assert client.get(back).status_code == 200


def test_it_speaks_english_too(client, admin):
    client.force_login(admin)

    client.cookies["django_language"] = "en"
    page = client.get("/accounts/notifications/read/")

    assert "is not a page" in page.content.decode()


def test_the_api_answers_with_a_problem_document(client, admin):
    client.force_login(admin)

    answer = client.get("/api/v1/tickets/open")

    assert answer.status_code in {404, 405}
    assert answer["Content-Type"] == "application/problem+json"


def test_other_methods_get_no_page(client, admin):
    client.force_login(admin)

    answer = client.put("/accounts/notifications/read/")

    assert (answer.status_code, answer.content) == (405, b"")


@pytest.mark.parametrize(
    ("path", "above"), [("/nowhere/at/all/", "/"), ("/", "/"), ("/accounts/nobody/x/y/", "/")]
)
def test_the_page_above_is_the_nearest_that_there_is(path, above):
    assert page_above(path) == above


@pytest.mark.parametrize(
    "send",
    [
        lambda client: client.get("/visits/%00/"),
        lambda client: client.get("/tickets/", {"q": "a\0"}),
        lambda client: client.get("/tickets/", {"a\0": "q"}),
        lambda client: client.post("/tickets/bulk-assign/", {"tickets": ["\0"]}),
        lambda client: client.post("/tickets/calls/new/draft/", {"a\0b": "c"}),
        lambda client: client.get("/tickets/", headers={"User-Agent": "a\0"}),
        lambda client: client.get(
            "/tickets/", headers={"Cookie": 'sessionid="' + "\\000" * 9 + '"'}
        ),
        lambda client: client.get("/documents/verify/%00/x/"),
    ],
    ids=["path", "value", "name", "field", "name of a field", "header", "cookie", "public page"],
)
def test_a_null_character_is_not_understood_wherever_it_stands(send, client, helpdesk):
    client.force_login(helpdesk)

    answer = send(client)

    assert answer.status_code == 400
    assert "无法识别这个请求" in answer.text


def test_the_api_says_so_as_a_problem_document(client, helpdesk):
    client.force_login(helpdesk)

    answer = client.get("/api/v1/visits?status=%00")

    assert (answer.status_code, answer.json()["title"]) == (400, "parse error")
    assert answer["Content-Type"] == "application/problem+json"
