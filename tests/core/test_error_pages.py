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
