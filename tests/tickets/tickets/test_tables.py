"""Every transition: from which states, by whom, and through which door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.roles import Role, permissions_of
from servicedesk.core.actors import SYSTEM, Actor
from servicedesk.core.errors import WrongState
from tests.conftest import AT, person
from tests.tickets.tickets.factories import RESULT, make_category, make_session, make_ticket
from tickets.actions import remote
from tickets.actions import tickets as actions
from tickets.api.remote import RemoteViewSet
from tickets.api.tickets import ExtensionViewSet, HandoverViewSet, TicketViewSet
from tickets.forms.remote import FORMS as REMOTE_FORMS
from tickets.forms.tickets import EXTENSION_FORMS, FORMS, HANDOVER_FORMS
from tickets.states import EXTENSION, HANDOVER, REMOTE, TICKET, RemoteStatus, Status
from tickets.views.remote import VERBS as REMOTE_VERBS
from tickets.views.tickets import VERBS

pytestmark = pytest.mark.django_db

NOW = AT + timedelta(hours=4)


def arguments(verb: str) -> dict[str, Any]:
    """What the action is told, as objects."""
    fixed = {
        "wait": {"reason": "等客户", "until": NOW + timedelta(hours=1)},
        "resolve": {"solution": "phone", "resolution": "重启"},
        "close": {"closing": "withdrawn", "confirmed_by": "李晓梅"},
        "reopen": {"reason": "又坏了"},
        "edit": {"title": "改过的标题"},
        "mark_urgent": {"urgency_reason": "顾客排队"},
        "flag_complaint": {"text": "生气"},
        "comment": {"text": "备注"},
        "request_visit": {"reason": "远程不行"},
        "propose_extension": {"plan": "换机", "proposed_due_at": NOW + timedelta(days=3)},
    }
    if verb == "assign":
        return {"assignee": person("worker", "工人", Role.ENGINEER)}
    if verb == "hand_over":
        return {"to_user": person("next", "接班", Role.HELPDESK), "reason": "交班"}
    if verb == "attach":
        return {"file": SimpleUploadedFile("a.txt", b"abc")}
    return fixed.get(verb, {})


def verb_of(name: str) -> Any:
    return actions.edit if name == "edit" else VERBS[name]


CASES = [(step.name, status) for step in TICKET for status in Status]


@pytest.mark.parametrize(("verb", "status"), CASES)
def test_a_transition_starts_from_its_states_only(verb, status, helpdesk):
    ticket = make_ticket(status, owner=helpdesk)
    possible = status in TICKET[verb].sources
    told = arguments(verb)
    # Nobody nudges himself.
    by = SYSTEM if verb == "nudge" else helpdesk.as_actor()

    if not possible:
        with pytest.raises(WrongState):
            verb_of(verb)(ticket, **told, at=NOW, by=by)
        ticket.refresh_from_db()
        assert ticket.status == status
    # Who has started has responded, too; that refusal is another one.
    elif verb != "respond" or status in {Status.NEW, Status.ASSIGNED}:
        verb_of(verb)(ticket, **told, at=NOW, by=by)
        ticket.refresh_from_db()
        assert ticket.status == (TICKET[verb].target or status)


@pytest.mark.parametrize("verb", [step.name for step in TICKET])
def test_a_transition_needs_its_permission(verb, helpdesk):
    step = TICKET[verb]
    status = sorted(step.sources)[0]
    ticket = make_ticket(status, owner=helpdesk)
    powerless = Actor(
        kind="user", id=helpdesk.pk, label="何雪",
        permissions=permissions_of(Role.HELPDESK) - {step.permission},
    )  # fmt: skip

    with pytest.raises(PermissionDenied):
        verb_of(verb)(ticket, **arguments(verb), at=NOW, by=powerless)


REMOTE_CASES = [(step.name, status) for step in REMOTE for status in RemoteStatus]


def remote_arguments(verb: str) -> dict[str, Any]:
    return {
        "consent": {"consent_by": "李晓梅", "consent_channel": "phone"},
        "add_step": {"did": "看一看"},
        "close": {"category": make_category(), **RESULT},
        "abandon": {"reason": "客户不在"},
    }.get(verb, {})


@pytest.mark.parametrize(("verb", "status"), REMOTE_CASES)
def test_a_session_goes_its_way_only(verb, status, engineer):
    session = make_session(status, engineer)
    if (verb, status) == ("close", RemoteStatus.RUNNING):
        remote.add_step(session, did="看一看", at=NOW, by=engineer.as_actor())
    step, told = REMOTE[verb], remote_arguments(verb)

    if status not in step.sources:
        with pytest.raises(WrongState):
            REMOTE_VERBS[verb](session, **told, at=NOW, by=engineer.as_actor())
        session.refresh_from_db()
        assert session.status == status
    else:
        REMOTE_VERBS[verb](session, **told, at=NOW, by=engineer.as_actor())
        session.refresh_from_db()
        assert session.status == (step.target or status)


@pytest.mark.parametrize("verb", [step.name for step in REMOTE])
def test_a_session_needs_its_permission(verb, engineer, business):
    session = make_session(sorted(REMOTE[verb].sources)[0], engineer)

    with pytest.raises(PermissionDenied):
        REMOTE_VERBS[verb](session, **remote_arguments(verb), at=NOW, by=business.as_actor())


def test_every_transition_has_its_doors():
    assert {s.name for s in TICKET} == set(FORMS) | {"edit"} == set(VERBS) | {"edit"}
    assert {s.name for s in REMOTE} == set(REMOTE_FORMS) == set(REMOTE_VERBS)
    assert {s.name for s in HANDOVER if not s.hidden} == set(HANDOVER_FORMS)
    assert {s.name for s in EXTENSION} == set(EXTENSION_FORMS)
    for machine, view in [
        (TICKET, TicketViewSet), (HANDOVER, HandoverViewSet), (EXTENSION, ExtensionViewSet),
        (REMOTE, RemoteViewSet),
    ]:  # fmt: skip
        assert all(hasattr(view, step.name) for step in machine if not step.hidden)
