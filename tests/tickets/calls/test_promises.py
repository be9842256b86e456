"""Callback promises: kept, moved in time or too late, not reached, dropped (CALL-6, CALL-7)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from servicedesk.core.errors import Refused, WrongState
from servicedesk.core.models import RuleResult
from servicedesk.core.rules import journal_of
from sla.models import Deadline, DeadlineMove, Escalation
from sla.sweeping import sweep
from tests.conftest import AT
from tickets.actions import promises
from tickets.models import CallbackPromise

LATER = AT + timedelta(minutes=30)
DUE = AT + timedelta(hours=2)


def log_in(client, person):
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def answer(promise, rule):
    return RuleResult.objects.get(
        subject_kind="tickets.callbackpromise", subject_id=promise.pk, rule=rule
    ).answer


def test_a_kept_promise_is_counted_as_kept(promise, engineer):
    promises.keep(promise, answer="可以改", at=LATER, by=engineer.as_actor())

    promise.refresh_from_db()
    assert (promise.status, promise.kept_at, promise.answer) == ("kept", LATER, "可以改")
    assert not Deadline.objects.of(promise).open().exists()
    assert (answer(promise, "CALL-6"), answer(promise, "CALL-7")) == ("kept", "not_applicable")


def test_kept_too_late_is_broken(promise, engineer):
    promises.keep(promise, answer="可以改", at=DUE + timedelta(minutes=1), by=engineer.as_actor())

    assert (answer(promise, "CALL-6"), answer(promise, "CALL-7")) == ("broken", "broken")


def move(promise, by, *, at: datetime = LATER, due_at: datetime = DUE + timedelta(hours=3), **more):
    data = {"spoken_to": "李红梅", "reason": "还在核实"} | more
    return promises.move(promise, due_at=due_at, **data, at=at, by=by.as_actor())


def test_a_new_time_moves_the_deadline_with_whom_it_was_agreed(promise, engineer):
    move(promise, engineer)

    promise.refresh_from_db()
    assert (promise.due_at, promise.original_due_at) == (DUE + timedelta(hours=3), DUE)
    assert promise.moved_count == 1
    deadline = Deadline.objects.of(promise).open().get()
    assert (deadline.due_at, deadline.original_due_at) == (promise.due_at, DUE)
    assert "李红梅" in DeadlineMove.objects.get().reason
    moved = journal_of(promise).first("promise.moved")
    assert moved is not None
    assert moved.data["in_time"] is True


def test_moved_in_time_and_kept_then_is_right(promise, engineer):
    move(promise, engineer)
    promises.keep(promise, answer="可以", at=DUE + timedelta(hours=1), by=engineer.as_actor())

    assert (answer(promise, "CALL-6"), answer(promise, "CALL-7")) == ("kept", "kept")


def test_moved_after_the_time_is_counted_as_broken(promise, engineer):
    move(promise, engineer, at=DUE + timedelta(minutes=1))
    promises.keep(promise, answer="可以", at=DUE + timedelta(hours=1), by=engineer.as_actor())

    assert answer(promise, "CALL-7") == "broken"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"spoken_to": ""}, "spoken_to"),
        ({"due_at": LATER}, "due_at"),
        ({"due_at": DUE - timedelta(minutes=1)}, "due_at"),
        ({"due_at": DUE}, "due_at"),
    ],
)
def test_a_new_time_needs_a_word_and_lies_later(change, field, promise, engineer):
    with pytest.raises(Refused) as refused:
        move(promise, engineer, **change)

    assert refused.value.field == field
    promise.refresh_from_db()
    assert promise.due_at == DUE


def test_an_attempt_leaves_the_promise_as_it_is(promise, engineer):
    promises.attempt(promise, note="占线", at=LATER, by=engineer.as_actor())

    promise.refresh_from_db()
    assert (promise.status, promise.due_at) == ("open", DUE)
    assert journal_of(promise).all("promise.attempted")[0].data["note"] == "占线"


def test_reassigned_the_reminders_go_to_the_next(promise, dispatcher, other_engineer):
    promises.reassign(promise, owner=other_engineer, at=LATER, by=dispatcher.as_actor())

    promise.refresh_from_db()
    assert promise.owner == other_engineer
    assert Deadline.objects.of(promise).open().get().owner == other_engineer


def test_reassigning_is_for_those_who_assign_and_to_those_who_can(
    promise, engineer, dispatcher, business
):
    with pytest.raises(PermissionDenied):
        promises.reassign(promise, owner=dispatcher, at=LATER, by=engineer.as_actor())
    for owner in (business, engineer):
        with pytest.raises(Refused) as refused:
            promises.reassign(promise, owner=owner, at=LATER, by=dispatcher.as_actor())
        assert refused.value.field == "owner"


def test_dropped_by_the_caller_nothing_is_owed(promise, engineer):
    promises.drop(
        promise, spoken_to="李红梅", reason="已自行解决", at=LATER, by=engineer.as_actor()
    )

    promise.refresh_from_db()
    assert (promise.status, promise.answer) == ("dropped", "已自行解决")
    assert not Deadline.objects.of(promise).open().exists()
    assert answer(promise, "CALL-6") == "not_applicable"


def test_dropping_needs_the_caller_s_word(promise, engineer):
    with pytest.raises(Refused) as refused:
        promises.drop(promise, spoken_to="", reason="不需要", at=LATER, by=engineer.as_actor())
    assert refused.value.field == "spoken_to"


def test_the_owner_is_reminded_before_the_time_has_passed(promise, engineer):
    sweep(DUE - timedelta(minutes=14))

    assert "soon" in Escalation.objects.values_list("step", flat=True)
    assert engineer.notifications.exists()
    assert not Escalation.objects.filter(step="missed").exists()


CALLS = {
    "keep": {"answer": "x"},
    "move": {"due_at": DUE + timedelta(hours=1), "spoken_to": "x", "reason": "x"},
    "attempt": {},
    "drop": {"spoken_to": "x", "reason": "x"},
}


@pytest.mark.parametrize("verb", sorted(CALLS))
def test_a_promise_is_its_owner_s_or_a_supervisor_s(verb, promise, other_engineer, engineer):
    with pytest.raises(PermissionDenied):
        getattr(promises, verb)(promise, **CALLS[verb], at=LATER, by=other_engineer.as_actor())

    promises.keep(promise, answer="x", at=LATER, by=engineer.as_actor())
    with pytest.raises(WrongState):
        getattr(promises, verb)(promise, **CALLS[verb], at=LATER, by=engineer.as_actor())


# --- Doors -------------------------------------------------------------------------------------


@pytest.fixture
def live(engineer, helpdesk):
    """A promise that is due an hour from now by the clock of the doors."""
    now = timezone.now()
    return promises.make_promise(
        owner=engineer, caller_name="李红梅", caller_number="13800138001", question="能改吗",
        due_at=now + timedelta(hours=1), at=now, by=helpdesk.as_actor(),
    )  # fmt: skip


def body(verb: str, door: str, other) -> dict[str, str]:
    later = timezone.localtime() + timedelta(hours=5)
    due = {
        "page": {"due_at_choice": "time", "due_at_time": f"{later:%Y-%m-%dT%H:%M}"},
        "api": {"due_at": later.isoformat()},
    }["api" if door == "api" else "page"]
    return {
        "keep": {"answer": "可以"},
        "move": due | {"spoken_to": "李红梅", "reason": "核实中"},
        "attempt": {"note": "占线"},
        "reassign": {"owner": str(other.uid)},
        "drop": {"spoken_to": "李红梅", "reason": "已解决"},
    }[verb]


PAST = {
    "keep": "kept", "move": "moved", "attempt": "attempted", "reassign": "reassigned",
    "drop": "dropped",
}  # fmt: skip


def send(client, promise, verb, data, door="page"):
    if door == "api":
        return client.post(
            f"/api/v1/promises/{promise.uid}/{verb}", data, content_type="application/json"
        )
    data = {f"{verb}-{name}": value for name, value in data.items()}
    headers = {"HX-Request": "true"} if door == "htmx" else {}
    url = reverse("tickets:promise_act", args=[promise.uid, verb])
    return client.post(url, data, headers=headers)


@pytest.mark.parametrize("door", ["page", "htmx", "api"])
@pytest.mark.parametrize("verb", ["keep", "move", "attempt", "reassign", "drop"])
def test_every_door_leads_to_the_action(door, verb, client, live, dispatcher, other_engineer):
    data = body(verb, door, other_engineer)
    response = send(log_in(client, dispatcher), live, verb, data, door)

    assert response.status_code == {"page": 302, "htmx": 200, "api": 200}[door], response.content
    assert journal_of(live).first(f"promise.{PAST[verb]}") is not None


@pytest.mark.parametrize(
    ("verb", "change"),
    [
        ("keep", {"answer": ""}),
        ("keep", {"answer": "x" * 2001}),
        ("move", {"spoken_to": ""}),
        ("move", {"spoken_to": "x" * 61}),
        ("attempt", {"note": "x" * 301}),
        ("reassign", {"owner": "no-uid"}),
        ("drop", {"reason": ""}),
        ("drop", {"spoken_to": "a\nb"}),
    ],
)
def test_bad_input_is_answered_at_the_field(verb, change, client, live, dispatcher, other_engineer):
    client = log_in(client, dispatcher)
    page = send(client, live, verb, body(verb, "page", other_engineer) | change)
    api = send(client, live, verb, body(verb, "api", other_engineer) | change, "api")

    assert (page.status_code, api.status_code) == (422, 400), api.content
    assert api.json()["errors"][0]["pointer"] == f"/{next(iter(change))}"
    live.refresh_from_db()
    assert (live.status, live.moved_count) == ("open", 0)


@pytest.mark.parametrize(
    "times",
    [
        {"due_at_choice": "", "due_at_time": ""},
        {"due_at_choice": "time", "due_at_time": ""},
        {"due_at_choice": "time", "due_at_time": "yesterday"},
        {"due_at_choice": "time", "due_at_time": "2020-01-01T10:00"},
        {"due_at_choice": "never", "due_at_time": ""},
    ],
)
def test_a_new_time_that_is_none_is_refused_at_the_field(times, client, live, dispatcher):
    data = {"spoken_to": "李红梅", "reason": "核实中"} | times
    response = send(log_in(client, dispatcher), live, "move", data)

    assert response.status_code == 422
    assert "field-errors" in response.content.decode()


def test_a_foreign_promise_does_not_exist(client, live, other_engineer):
    client = log_in(client, other_engineer)
    for door in ("page", "htmx", "api"):
        assert send(client, live, "keep", {"answer": "x"}, door).status_code == 404
    assert client.get(live.get_absolute_url()).status_code == 404


def test_reassigned_by_an_owner_who_may_not_see_all_he_is_sent_to_his_list(
    client, helpdesk, live, other_engineer
):
    response = send(
        log_in(client, helpdesk), live, "reassign", {"owner": str(other_engineer.uid)}, "htmx"
    )
    assert response.status_code == 200
    assert other_engineer.name in response.content.decode()


def test_a_promise_can_be_made_over_the_api(client, helpdesk, engineer):
    data = {
        "owner": str(engineer.uid), "caller_name": "李红梅", "caller_number": "13800138001",
        "question": "能改吗", "due_at": "2096-03-02T12:00:00+08:00",
    }  # fmt: skip
    response = log_in(client, helpdesk).post(
        "/api/v1/promises/make", data, content_type="application/json"
    )

    assert response.status_code == 201, response.content
    assert response.json()["actions"] == ["keep", "move", "attempt", "reassign", "drop"]
    assert CallbackPromise.objects.get().owner == engineer


def test_the_list_is_in_the_order_of_the_times(client, engineer, helpdesk):
    now = timezone.now()
    for name, hours in [("第三", 3), ("第一", 1), ("第二", 2)]:
        promises.make_promise(
            owner=engineer, caller_name=name, caller_number="1380013", question="q",
            due_at=now + timedelta(hours=hours), at=now, by=helpdesk.as_actor(),
        )  # fmt: skip
    page = log_in(client, engineer).get(reverse("tickets:promises")).content.decode()

    assert page.index("第一") < page.index("第二") < page.index("第三")


def test_what_is_due_soon_is_counted_in_the_navigation(client, promise, engineer):
    page = log_in(client, engineer).get(reverse("tickets:promises")).content.decode()

    assert '<b class="side-badge">1</b>' in page
    assert "inbox-late" in page


def test_the_number_of_queries_does_not_grow(
    client, promise, engineer, helpdesk, django_assert_max_num_queries
):
    client = log_in(client, engineer)
    client.get(reverse("tickets:promises"))
    for _n in range(5):
        promises.make_promise(
            owner=engineer, caller_name="王", caller_number="1380013800", question="x",
            due_at=DUE, store=promise.store, at=AT, by=helpdesk.as_actor(),
        )  # fmt: skip
    with django_assert_max_num_queries(12):
        client.get(reverse("tickets:promises"))
    with django_assert_max_num_queries(13):
        client.get(promise.get_absolute_url())
