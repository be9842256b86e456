"""Messages for absent colleagues: each verb, through each door (CALL-4)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from servicedesk.core.errors import Refused, WrongState
from servicedesk.core.models import RuleResult
from sla.models import Deadline, Escalation
from sla.sweeping import sweep
from tests.conftest import AT
from tests.journal import journal
from tickets.actions import messages
from tickets.models import Message

LATER = AT + timedelta(minutes=10)


def log_in(client, person):
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_reading_is_recorded_and_meets_its_deadline(message, engineer):
    messages.read(message, at=LATER, by=engineer.as_actor())

    message.refresh_from_db()
    assert (message.status, message.read_at) == ("read", LATER)
    assert journal(message)[-1][0] in {"message.read", "deadline.met"}
    assert [d.kind for d in Deadline.objects.of(message).open()] == ["message.callback"]


def test_only_the_addressee_can_have_read_it(message, dispatcher):
    with pytest.raises(PermissionDenied):
        messages.read(message, at=LATER, by=dispatcher.as_actor())


def test_an_unread_message_nags_until_the_supervisor_hears(message, engineer):
    sweep(AT + timedelta(minutes=31))

    steps = set(
        Escalation.objects.filter(deadline__kind="message.read").values_list("step", "missed")
    )
    assert ("missed", True) in steps
    assert engineer.notifications.exists()


def test_finishing_says_what_came_of_it_and_answers_the_rules(message, engineer):
    messages.finish(message, outcome="已回电", at=LATER, by=engineer.as_actor())

    message.refresh_from_db()
    assert (message.status, message.done_at, message.read_at) == ("done", LATER, LATER)
    assert not Deadline.objects.of(message).open().exists()
    answers = RuleResult.objects.filter(subject_kind="tickets.message", subject_id=message.pk)
    assert answers.get(rule="CALL-4").answer == "kept"
    assert answers.get(rule="CALL-4").person_id == engineer.pk


def test_a_supervisor_may_finish_a_stranger_may_not(message, dispatcher, other_engineer):
    with pytest.raises(PermissionDenied):
        messages.finish(message, outcome="x", at=LATER, by=other_engineer.as_actor())
    messages.finish(message, outcome="代为回电", at=LATER, by=dispatcher.as_actor())
    assert message.status == "done"


def test_passed_on_it_is_unread_again_and_keeps_its_time(message, engineer, other_engineer):
    messages.read(message, at=LATER, by=engineer.as_actor())
    messages.pass_on(
        message, to_user=other_engineer, reason="出差", at=LATER, by=engineer.as_actor()
    )

    message.refresh_from_db()
    assert (message.status, message.to_user, message.read_at) == ("unread", other_engineer, None)
    open_ones = {d.kind: d for d in Deadline.objects.of(message).open()}
    assert set(open_ones) == {"message.read", "message.callback"}
    assert {d.owner_id for d in open_ones.values()} == {other_engineer.pk}
    assert open_ones["message.callback"].due_at == message.call_back_by


def test_it_is_passed_on_to_somebody_else(message, engineer):
    with pytest.raises(Refused) as refused:
        messages.pass_on(message, to_user=engineer, at=LATER, by=engineer.as_actor())
    assert refused.value.field == "to_user"


@pytest.mark.parametrize(
    ("verb", "data"), [("read", {}), ("finish", {"outcome": "x"}), ("pass_on", {})]
)
def test_nothing_happens_to_a_message_that_is_done(verb, data, message, engineer, other_engineer):
    messages.finish(message, outcome="已回电", at=LATER, by=engineer.as_actor())
    if verb == "pass_on":
        data = {"to_user": other_engineer}
    with pytest.raises(WrongState):
        getattr(messages, verb)(message, **data, at=LATER, by=engineer.as_actor())


# --- Doors -------------------------------------------------------------------------------------

BODY = {"finish": {"outcome": "已回电"}, "read": {}, "pass_on": {"reason": "出差"}}
STATUS = {"finish": "done", "read": "read", "pass_on": "unread"}


def send(client, message, verb, other, *, door="page", **change):
    if door == "api":
        body = BODY[verb] | ({"to_user": str(other.uid)} if verb == "pass_on" else {}) | change
        path = verb.replace("_", "-")
        return client.post(
            f"/api/v1/messages/{message.uid}/{path}", body, content_type="application/json"
        )
    body = {f"{verb}-{name}": value for name, value in (BODY[verb] | change).items()}
    if verb == "pass_on":
        body.setdefault("pass_on-to_user", str(other.uid))
    headers = {"HX-Request": "true"} if door == "htmx" else {}
    return client.post(
        reverse("tickets:message_act", args=[message.uid, verb]), body, headers=headers
    )


@pytest.mark.parametrize("door", ["page", "htmx", "api"])
@pytest.mark.parametrize("verb", ["read", "finish"])
def test_every_door_leads_to_the_action(door, verb, client, message, engineer, other_engineer):
    response = send(log_in(client, engineer), message, verb, other_engineer, door=door)

    assert response.status_code == {"page": 302, "htmx": 200, "api": 200}[door], response.content
    message.refresh_from_db()
    assert message.status == STATUS[verb]


@pytest.mark.parametrize("door", ["page", "htmx", "api"])
def test_passing_on_through_every_door(door, client, message, engineer, other_engineer):
    response = send(log_in(client, engineer), message, "pass_on", other_engineer, door=door)

    assert response.status_code in {200, 302}, response.content
    if door == "htmx":
        # It is not his any more, so the browser is sent to his list.
        assert response["HX-Redirect"] == reverse("tickets:inbox")
    message.refresh_from_db()
    assert message.to_user == other_engineer


@pytest.mark.parametrize(
    ("verb", "change"),
    [
        ("finish", {"outcome": ""}),
        ("finish", {"outcome": "x" * 301}),
        ("pass_on", {"to_user": "no-uid"}),
        ("pass_on", {"to_user": "00000000-0000-7000-8000-000000000000"}),
        ("pass_on", {"reason": "x" * 301}),
    ],
)
def test_bad_input_is_answered_at_the_field(
    verb, change, client, message, engineer, other_engineer
):
    client = log_in(client, engineer)
    page = send(client, message, verb, other_engineer, **change)
    api = send(client, message, verb, other_engineer, door="api", **change)

    assert (page.status_code, api.status_code) == (422, 400), api.content
    assert api.json()["errors"][0]["pointer"] == f"/{next(iter(change))}"
    message.refresh_from_db()
    assert message.status == "unread"


@pytest.mark.parametrize("door", ["page", "htmx", "api"])
def test_a_foreign_message_does_not_exist(door, client, message, other_engineer, engineer):
    response = send(log_in(client, other_engineer), message, "finish", engineer, door=door)

    assert response.status_code == 404
    assert client.get(message.get_absolute_url()).status_code == 404


def test_a_verb_that_is_none_is_404(client, message, engineer):
    client = log_in(client, engineer)
    assert (
        client.post(reverse("tickets:message_act", args=[message.uid, "shred"])).status_code == 404
    )


def test_a_message_can_be_taken_over_the_api(client, helpdesk, engineer):
    body = {
        "to_user": str(engineer.uid), "caller_name": "李红梅", "caller_number": "13800138001",
        "text": "请回电", "call_back_by": "2096-03-02T12:00:00+08:00",
    }  # fmt: skip
    client = log_in(client, helpdesk)
    response = client.post("/api/v1/messages/take", body, content_type="application/json")

    assert response.status_code == 201, response.content
    assert Message.objects.get().to_user == engineer
    late = body | {"call_back_by": "2020-03-02T12:00:00+08:00"}
    response = client.post("/api/v1/messages/take", late, content_type="application/json")
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (409, "/call_back_by")


def test_the_list_shows_unread_ones_first_and_counts(client, message, engineer, helpdesk):
    client = log_in(client, engineer)
    page = client.get(reverse("tickets:inbox")).content.decode()

    assert "李红梅" in page
    assert "我已阅读" in page
    assert '<b class="side-badge">1</b>' in page
    client.post(reverse("tickets:message_act", args=[message.uid, "read"]), {"back": "list"})
    page = client.get(reverse("tickets:inbox")).content.decode()
    assert "已读，待回电" in page
    assert '<b class="side-badge">' not in page


def test_each_box_shows_what_it_says(client, message, engineer, helpdesk, other_engineer):
    def names(person, query):
        page = log_in(client, person).get(reverse("tickets:inbox") + query).content.decode()
        return "李红梅" in page

    assert names(engineer, "")
    assert names(helpdesk, "?box=taken")
    assert names(helpdesk, "?box=all")
    assert not names(helpdesk, "")
    assert not names(other_engineer, "?box=all")
    assert not names(engineer, "?done=1")


@pytest.mark.parametrize("query", ["?box=%27", "?box=x", "?after=%27&before=x", "?done=%27"])
def test_a_bent_address_shows_a_list(query, client, engineer):
    assert log_in(client, engineer).get(reverse("tickets:inbox") + query).status_code == 200


def test_the_number_of_queries_does_not_grow(
    client, message, engineer, helpdesk, django_assert_max_num_queries
):
    client = log_in(client, engineer)
    client.get(reverse("tickets:inbox"))
    for _n in range(5):
        messages.take_message(
            to_user=engineer, caller_name="王", caller_number="1380013800", text="x",
            call_back_by=LATER, store=message.store, at=AT, by=helpdesk.as_actor(),
        )  # fmt: skip
    with django_assert_max_num_queries(13):
        client.get(reverse("tickets:inbox"))
    with django_assert_max_num_queries(13):
        client.get(message.get_absolute_url())
