"""propose_extension, consent, refuse, withdraw (SLA-5, form EX)"""

from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from accounts.models import Notification
from servicedesk.core import documents, paper
from servicedesk.core.errors import Refused, WrongState
from servicedesk.core.models import Document, OutboxMessage, SignLink
from sla.actions import acknowledge
from sla.models import Deadline, DeadlineMove, Escalation
from sla.queries import open_escalations_of
from tests.conftest import AT
from tests.journal import journal
from tests.tickets.tickets.factories import make_ticket
from tests.visits.factories import strokes
from tickets.actions import extensions
from tickets.actions.tickets import resolve
from tickets.models import Extension, Ticket
from tickets.states import ExtensionStatus, Status

pytestmark = pytest.mark.django_db

SOON = AT + timedelta(hours=20)
ANSWERED = AT + timedelta(hours=21)
NEW_TIME = AT + timedelta(hours=48)
YES = {"answered_by": "李晓梅", "channel": "call", "evidence": "CA-20260302-0009"}


def propose(engineer, **more):
    ticket = more.pop("ticket", None) or make_ticket(Status.IN_PROGRESS, engineer)
    told = {"plan": "从总部备份恢复", "proposed_due_at": NEW_TIME, "at": SOON} | more
    return extensions.propose_extension(ticket, **told, by=engineer.as_actor())


def resolution(extension):
    return Deadline.objects.of(Ticket.objects.get(pk=extension.ticket_id)).get(
        kind="ticket.resolution"
    )


def test_a_proposal_moves_nothing(engineer):
    extension = propose(engineer)

    assert extension.number == "EX-20260303-0001"
    assert extension.status == ExtensionStatus.PROPOSED
    assert resolution(extension).due_at == AT + timedelta(hours=24)


def test_consent_moves_the_deadline_and_both_times_are_kept(engineer):
    extension = propose(engineer)

    extensions.consent(extension, **YES, at=ANSWERED, by=engineer.as_actor())

    clock = resolution(extension)
    ticket = Ticket.objects.get()
    assert clock.due_at == ticket.due_at == NEW_TIME
    assert clock.original_due_at == AT + timedelta(hours=24) == extension.former_due_at
    move = DeadlineMove.objects.get()
    assert (move.cause, move.new_due_at) == (DeadlineMove.Cause.EXTENSION, NEW_TIME)
    assert extension.number in move.reason
    assert journal(ticket)[-1][:2] == ("extension.consented", ANSWERED)


def test_consent_after_the_miss_leaves_the_miss(engineer):
    extension = propose(engineer)

    extensions.consent(extension, **YES, at=AT + timedelta(hours=25), by=engineer.as_actor())

    clock = resolution(extension)
    assert (clock.due_at, clock.missed_at) == (NEW_TIME, AT + timedelta(hours=24))


def test_refusal_tells_the_supervisor_and_the_clock_stays(engineer, dispatcher):
    extension = propose(engineer)

    extensions.refuse(
        extension, answered_by="李晓梅", reason="今天必须好", at=ANSWERED, by=engineer.as_actor()
    )

    assert extension.status == ExtensionStatus.REFUSED
    assert resolution(extension).due_at == AT + timedelta(hours=24)
    told = Notification.objects.get(user=dispatcher, created_at=ANSWERED)
    assert told.urgent
    assert "今天必须好" in told.text
    escalation = Escalation.objects.get()
    assert (escalation.told, escalation.missed) == ([dispatcher.pk], False)
    assert str(escalation.step_label) == f"客户不同意延期 {extension.number}"
    assert OutboxMessage.objects.filter(recipient=dispatcher.email).exists()


def test_a_refusal_waits_for_a_word_even_when_the_ticket_is_solved(engineer, dispatcher):
    extension = propose(engineer)
    extensions.refuse(
        extension, answered_by="李晓梅", reason="今天必须好", at=ANSWERED, by=engineer.as_actor()
    )
    resolve(
        extension.ticket, solution="remote", resolution="好了", at=ANSWERED, by=engineer.as_actor()
    )

    assert open_escalations_of(dispatcher.as_actor()) == 1
    acknowledge(Escalation.objects.get(), at=ANSWERED, by=dispatcher.as_actor())
    assert open_escalations_of(dispatcher.as_actor()) == 0


def test_each_refusal_of_one_ticket_is_an_escalation(engineer, dispatcher):
    for number in range(2):
        at = ANSWERED + timedelta(minutes=number)
        ticket = Ticket.objects.first()
        extension = propose(engineer, ticket=ticket, at=at) if ticket else propose(engineer)
        extensions.refuse(
            extension, answered_by="李晓梅", reason="不行", at=at, by=engineer.as_actor()
        )

    assert Escalation.objects.filter(insists=True).count() == 2


def test_after_an_extension_page_and_api_show_the_original_time_and_its_miss(engineer, client):
    extension = propose(engineer, at=AT + timedelta(hours=26))
    extensions.consent(extension, **YES, at=AT + timedelta(hours=27), by=engineer.as_actor())

    client.force_login(engineer)
    page = client.get(extension.ticket.get_absolute_url()).content.decode()
    api = APIClient()
    api.force_authenticate(engineer)
    listed = api.get(f"/api/v1/tickets/{extension.ticket.number}").json()["deadlines"]

    assert "原截止时间" in page
    assert "超时时间" in page
    kept = next(d for d in listed if d["kind"] == "ticket.resolution")
    assert kept["original_due_at"] == kept["missed_at"] != kept["due_at"]


def test_a_withdrawn_one_makes_room_for_the_next(engineer):
    extension = propose(engineer)

    extensions.withdraw(extension, at=ANSWERED, by=engineer.as_actor())
    second = propose(engineer, ticket=Ticket.objects.get(), plan="换新机", at=ANSWERED)

    assert (extension.status, second.number) == (ExtensionStatus.WITHDRAWN, "EX-20260303-0002")
    assert Document.objects.get(number=extension.number).status == Document.Status.VOID


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"plan": " "}, "plan"),
        ({"proposed_due_at": AT + timedelta(hours=24)}, "proposed_due_at"),
        ({"at": AT + timedelta(hours=50)}, "proposed_due_at"),
    ],
)
def test_a_plan_and_a_later_time_are_needed(said, field, engineer):
    with pytest.raises(Refused) as refused:
        propose(engineer, **said)

    assert refused.value.field == field


def test_one_proposal_at_a_time(engineer):
    extension = propose(engineer)

    with pytest.raises(Refused):
        propose(engineer, ticket=extension.ticket)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"answered_by": " "}, "answered_by"),
        ({"evidence": " "}, "evidence"),
        ({"channel": "dream"}, "channel"),
        ({"channel": "link"}, "channel"),
        ({"at": SOON - timedelta(minutes=1)}, "at"),
        ({"at": NEW_TIME + timedelta(minutes=1)}, "at"),
    ],
)
def test_no_consent_without_who_how_when_and_proof(said, field, engineer):
    extension = propose(engineer)

    with pytest.raises(Refused) as refused:
        extensions.consent(extension, **YES | {"at": ANSWERED} | said, by=engineer.as_actor())

    assert refused.value.field == field
    assert resolution(extension).due_at == AT + timedelta(hours=24)


@pytest.mark.parametrize("said", [{"answered_by": " "}, {"reason": " "}])
def test_a_refusal_says_who_and_why(said, engineer):
    extension = propose(engineer)

    with pytest.raises(Refused) as refused:
        extensions.refuse(
            extension, **{"answered_by": "李晓梅", "reason": "不行"} | said, at=ANSWERED,
            by=engineer.as_actor(),
        )  # fmt: skip

    assert refused.value.field == next(iter(said))


@pytest.mark.parametrize("verb", ["consent", "refuse", "withdraw"])
def test_there_is_one_answer(verb, engineer):
    extension = propose(engineer)
    extensions.withdraw(extension, at=ANSWERED, by=engineer.as_actor())
    told = {"consent": YES, "refuse": {"answered_by": "李", "reason": "不"}, "withdraw": {}}[verb]

    with pytest.raises(WrongState):
        getattr(extensions, verb)(extension, **told, at=ANSWERED, by=engineer.as_actor())


def test_a_ticket_that_was_solved_meanwhile_needs_no_consent(engineer):
    extension = propose(engineer)
    resolve(
        extension.ticket, solution="remote", resolution="好了", at=ANSWERED, by=engineer.as_actor()
    )

    with pytest.raises(WrongState):
        extensions.consent(extension, **YES, at=ANSWERED, by=engineer.as_actor())
    assert extension.status == ExtensionStatus.WITHDRAWN


# --- The form ----------------------------------------------------------------------------------


def test_a_recorded_consent_completes_the_form(engineer):
    extension = propose(engineer)
    waiting = Document.objects.get(number=extension.number)
    assert (waiting.status, waiting.blocks) == (Document.Status.OPEN, ["customer"])

    extensions.consent(extension, **YES, at=ANSWERED, by=engineer.as_actor())

    waiting.refresh_from_db()
    done = Document.objects.get(number=extension.number, version=2)
    assert (waiting.status, done.status) == (Document.Status.VOID, Document.Status.COMPLETE)
    html = paper.render(done, layout="pdf/base.html")
    for text in ("延期方案确认单", "从总部备份恢复", "2026-03-04 09:30", "CA-20260302-0009"):
        assert text in html


def link_of(extension, engineer):
    document = Document.objects.get(number=extension.number, status=Document.Status.OPEN)
    token = documents.make_link(
        document, block="customer", method="L2", signer_name="李晓梅", at=SOON,
        by=engineer.as_actor(),
    )  # fmt: skip
    return document, SignLink.objects.get(token_sha256=documents.token_hash(token))


def test_the_customers_signature_by_link_is_consent(engineer):
    extension = propose(engineer)
    document, link = link_of(extension, engineer)

    documents.sign_by_link(
        link, signer_name="李晓梅", strokes=strokes(), shown_sha256=document.data_sha256,
        answers={}, at=ANSWERED, by=documents.signer(link),
    )  # fmt: skip

    extension.refresh_from_db()
    assert (extension.status, extension.channel) == (
        ExtensionStatus.CONSENTED, Extension.Channel.LINK,
    )  # fmt: skip
    assert document.data_sha256[:16] in extension.evidence
    assert resolution(extension).due_at == NEW_TIME


def test_refusing_by_link_is_refusal(engineer, dispatcher):
    extension = propose(engineer)
    _document, link = link_of(extension, engineer)

    documents.refuse_by_link(
        link, signer_name="李晓梅", reason="太晚了", at=ANSWERED, by=documents.signer(link)
    )

    extension.refresh_from_db()
    assert (extension.status, extension.evidence) == (ExtensionStatus.REFUSED, "太晚了")
