"""propose_extension, consent, refuse, withdraw (SLA-5, form EX)"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Notification
from accounts.roles import Role, permissions_of
from servicedesk.core import documents, paper
from servicedesk.core.errors import Refused, Stale, WrongState
from servicedesk.core.files import files_of
from servicedesk.core.models import Document, OutboxMessage, SignLink
from sla.actions import acknowledge
from sla.models import Deadline, DeadlineMove, Escalation
from sla.queries import open_escalations_of
from sla.rebuilding import rebuild
from sla.sweeping import sweep
from tests.conftest import AT, person
from tests.journal import journal
from tests.tickets.tickets.factories import make_call, make_ticket
from tests.visits.factories import strokes
from tickets.actions import extensions
from tickets.actions.tickets import resolve
from tickets.models import Extension, Ticket
from tickets.queries import calls_to_name
from tickets.states import ExtensionStatus, Status

pytestmark = pytest.mark.django_db

SOON = AT + timedelta(hours=20)
ANSWERED = AT + timedelta(hours=21)
NEW_TIME = AT + timedelta(hours=48)


def propose(engineer, **more):
    ticket = more.pop("ticket", None) or make_ticket(Status.IN_PROGRESS, engineer)
    told = {"plan": "从总部备份恢复", "proposed_due_at": NEW_TIME, "at": SOON} | more
    return extensions.propose_extension(ticket, **told, by=engineer.as_actor())


def agree(extension, person, *, at=ANSWERED, **more):
    """The customer agreed in a call that ended at `at`."""
    call = more.pop("call", None) or make_call(extension.ticket, at=at, by=person)
    return extensions.consent(extension, call=call, **more, at=at, by=person.as_actor())


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

    agree(extension, engineer)

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

    agree(extension, engineer, at=AT + timedelta(hours=25))

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
    agree(extension, engineer, at=AT + timedelta(hours=27))

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


# --- (b) In a call that is on record -----------------------------------------------------------


def test_the_call_tells_who_agreed_when_and_on_which_number(engineer):
    extension = propose(engineer)
    call = make_call(extension.ticket, at=ANSWERED, by=engineer)

    agree(extension, engineer, call=call, recording="R-7", at=ANSWERED + timedelta(minutes=20))

    assert (extension.call, extension.channel) == (call, Extension.Channel.CALL)
    assert (extension.answered_by, extension.answered_at) == ("李晓梅", ANSWERED)
    assert extension.evidence == f"{call.number} · 139****5678 · R-7"
    assert journal(extension.ticket)[-1][:2] == ("extension.consented", ANSWERED)


def test_a_call_of_another_store_is_no_consent(engineer):
    extension = propose(engineer)
    foreign = make_call(make_ticket(Status.IN_PROGRESS, engineer), at=ANSWERED, by=engineer)

    with pytest.raises(Refused) as refused:
        agree(extension, engineer, call=foreign)

    assert refused.value.field == "call"
    assert resolution(extension).due_at == AT + timedelta(hours=24)


@pytest.mark.parametrize(
    ("ended", "now"),
    [
        (SOON - timedelta(minutes=1), ANSWERED),
        (ANSWERED + timedelta(minutes=1), ANSWERED),
        (NEW_TIME + timedelta(minutes=1), NEW_TIME + timedelta(minutes=2)),
    ],
)
def test_a_call_before_the_proposal_in_the_future_or_too_late_is_no_consent(ended, now, engineer):
    extension = propose(engineer)
    call = make_call(extension.ticket, at=ended, by=engineer)

    with pytest.raises(Refused):
        agree(extension, engineer, call=call, at=now)

    assert resolution(extension).due_at == AT + timedelta(hours=24)


def test_a_call_of_nobody_needs_a_name(engineer, helpdesk):
    extension = propose(engineer)
    call = make_call(extension.ticket, at=ANSWERED, by=helpdesk)
    call.caller_name = ""

    with pytest.raises(Refused) as refused:
        agree(extension, engineer, call=call)

    assert refused.value.field == "answered_by"


def test_the_database_knows_no_telephone_consent_without_a_call(engineer):
    extension = propose(engineer)
    agree(extension, engineer)

    with pytest.raises(IntegrityError, match="tickets_extension_call_named"):
        Extension.objects.filter(pk=extension.pk).update(call=None)


def test_an_engineer_can_name_the_tickets_calls_and_his_own_but_no_others(
    engineer, helpdesk, dispatcher
):
    extension = propose(engineer)
    ticket = extension.ticket
    about_it = make_call(ticket, at=ANSWERED, by=helpdesk)
    other = make_ticket(Status.IN_PROGRESS, helpdesk, store=ticket.store)
    elsewhere = make_call(other, at=ANSWERED, by=helpdesk)
    before = make_call(ticket, at=SOON - timedelta(hours=1), by=helpdesk)

    mine = set(calls_to_name(extension, engineer.as_actor()))
    all_of_them = set(calls_to_name(extension, dispatcher.as_actor()))

    assert (mine, all_of_them) == ({about_it}, {about_it, elsewhere})
    assert before not in all_of_them


# --- Refusal -----------------------------------------------------------------------------------


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
    call = make_call(extension.ticket, at=ANSWERED, by=engineer)
    told = {
        "consent": {"call": call}, "refuse": {"answered_by": "李", "reason": "不"}, "withdraw": {}
    }[verb]  # fmt: skip

    with pytest.raises(WrongState):
        getattr(extensions, verb)(extension, **told, at=ANSWERED, by=engineer.as_actor())


def test_a_ticket_that_was_solved_meanwhile_needs_no_consent(engineer):
    extension = propose(engineer)
    resolve(
        extension.ticket, solution="remote", resolution="好了", at=ANSWERED, by=engineer.as_actor()
    )

    with pytest.raises(WrongState):
        agree(extension, engineer)
    assert extension.status == ExtensionStatus.WITHDRAWN


@pytest.mark.parametrize(
    ("door", "channel"), [("call", "call"), ("L2", "link"), ("L1", "in_person")]
)
def test_every_way_of_refusing_tells_the_supervisor_once_and_seals_a_form(
    door, channel, engineer, dispatcher
):
    extension = propose(engineer)
    words = "今天必须好" * 60

    if door == "call":
        call = make_call(extension.ticket, at=ANSWERED, by=engineer)
        extensions.refuse(
            extension, answered_by="李晓梅", reason=words, call=call, at=ANSWERED,
            by=engineer.as_actor(),
        )  # fmt: skip
    else:
        _document, link = link_of(extension, engineer, door)
        soon = SOON + timedelta(minutes=10)
        documents.refuse_by_link(
            link, signer_name="李晓梅", reason=words, at=soon, by=documents.signer(link)
        )

    extension.refresh_from_db()
    assert (extension.status, extension.channel) == (ExtensionStatus.REFUSED, channel)
    assert (extension.reason, extension.answered_by) == (words, "李晓梅")
    assert resolution(extension).due_at == AT + timedelta(hours=24) == extension.former_due_at
    assert Escalation.objects.get(insists=True).told == [dispatcher.pk]
    assert Notification.objects.filter(user=dispatcher, urgent=True).count() == 1
    assert OutboxMessage.objects.filter(recipient=dispatcher.email).count() == 1
    form = Document.objects.get(number=extension.number, version=2)
    assert form.status == Document.Status.COMPLETE
    html = paper.render(form, layout="pdf/base.html")
    assert "客户不同意，仍按原时间执行" in html
    assert words in html


def test_a_colleague_cannot_give_the_customers_answer(engineer, manager, admin):
    """GEN-2"""
    extension = propose(engineer)
    told = {"signer_name": "李晓梅", "in_person": True, "at": ANSWERED}

    for colleague in (engineer, manager, admin):
        with pytest.raises(PermissionDenied):
            extensions.consent_by_signature(
                extension, **told, evidence="x", by=colleague.as_actor()
            )
        with pytest.raises(PermissionDenied):
            extensions.refuse_by_link(extension, **told, reason="x", by=colleague.as_actor())
    document, link = link_of(extension, engineer, "L1")
    with pytest.raises(PermissionDenied):
        documents.sign_by_link(
            link, signer_name="李晓梅", strokes=strokes(), shown_sha256=document.data_sha256,
            answers={}, at=ANSWERED, by=engineer.as_actor(),
        )  # fmt: skip
    with pytest.raises(PermissionDenied):
        documents.sign_own(
            document, block="customer", strokes=strokes(), shown_sha256=document.data_sha256,
            at=ANSWERED, by=engineer.as_actor(),
        )  # fmt: skip
    extension.refresh_from_db()
    assert extension.status == ExtensionStatus.PROPOSED


# --- The form ----------------------------------------------------------------------------------


def test_a_recorded_consent_completes_the_form(engineer):
    extension = propose(engineer)
    waiting = Document.objects.get(number=extension.number)
    assert (waiting.status, waiting.blocks) == (Document.Status.OPEN, ["customer"])

    agree(extension, engineer)

    waiting.refresh_from_db()
    done = Document.objects.get(number=extension.number, version=2)
    assert (waiting.status, done.status) == (Document.Status.VOID, Document.Status.COMPLETE)
    html = paper.render(done, layout="pdf/base.html")
    for text in ("延期方案确认单", "从总部备份恢复", "2026-03-04 09:30", "CA-20260303-0001"):
        assert text in html


def link_of(extension, engineer, method="L2"):
    document = Document.objects.get(number=extension.number, status=Document.Status.OPEN)
    if method == "L2":
        token = extensions.make_link(extension, at=SOON, by=engineer.as_actor())
    else:
        token = documents.make_link(
            extensions.form_to_sign(extension, by=engineer.as_actor()), block="customer",
            method=method, at=SOON, by=engineer.as_actor(),
        )  # fmt: skip
    return document, SignLink.objects.get(token_sha256=documents.token_hash(token))


@pytest.mark.parametrize(("method", "channel"), [("L2", "link"), ("L1", "in_person")])
def test_the_customers_signature_is_consent(method, channel, engineer):
    extension = propose(engineer)
    document, link = link_of(extension, engineer, method)
    drawn = strokes()

    documents.sign_by_link(
        link, signer_name="李晓梅", strokes=drawn, shown_sha256=document.data_sha256,
        answers={}, at=ANSWERED - timedelta(minutes=50), by=documents.signer(link),
    )  # fmt: skip

    extension.refresh_from_db()
    document.refresh_from_db()
    assert (extension.status, extension.channel) == (ExtensionStatus.CONSENTED, channel)
    assert document.data_sha256[:16] in extension.evidence
    assert resolution(extension).due_at == NEW_TIME
    signature = document.signatures.get()
    assert (signature.method, signature.shown_sha256) == (method, document.data_sha256)
    assert signature.strokes == drawn
    assert document.status == Document.Status.COMPLETE


@pytest.mark.parametrize("method", ["L1", "L2"])
def test_a_blank_or_a_dot_is_no_signature_and_no_consent(method, engineer):
    extension = propose(engineer)
    document, link = link_of(extension, engineer, method)
    dot = [[{"x": 5.0, "y": 5.0, "t": float(n), "p": 0.5} for n in range(30)]]

    for drawn in ([], [[]], dot):
        with pytest.raises(Refused) as refused:
            documents.sign_by_link(
                link, signer_name="李晓梅", strokes=drawn, shown_sha256=document.data_sha256,
                answers={}, at=SOON + timedelta(minutes=1), by=documents.signer(link),
            )  # fmt: skip
        assert refused.value.field == "strokes"
    extension.refresh_from_db()
    assert extension.status == ExtensionStatus.PROPOSED


def test_what_was_not_shown_is_not_signed(engineer):
    extension = propose(engineer)
    _document, link = link_of(extension, engineer)

    with pytest.raises(Stale):
        documents.sign_by_link(
            link, signer_name="李晓梅", strokes=strokes(), shown_sha256="0" * 64, answers={},
            at=SOON + timedelta(minutes=1), by=documents.signer(link),
        )  # fmt: skip


def test_a_link_works_once_and_ends(engineer):
    extension = propose(engineer)
    document, link = link_of(extension, engineer)
    told = {
        "signer_name": "李晓梅", "strokes": strokes(), "shown_sha256": document.data_sha256,
        "answers": {}, "by": documents.signer(link),
    }  # fmt: skip

    with pytest.raises(Refused):
        documents.sign_by_link(link, **told, at=link.expires_at)
    documents.sign_by_link(link, **told, at=ANSWERED)
    with pytest.raises(Refused):
        documents.refuse_by_link(
            link, signer_name="李", reason="不", at=ANSWERED, by=documents.signer(link)
        )
    extension.refresh_from_db()
    assert extension.status == ExtensionStatus.CONSENTED


def test_an_answered_proposal_has_no_more_links(engineer):
    extension = propose(engineer)
    agree(extension, engineer)

    with pytest.raises(WrongState):
        extensions.make_link(extension, at=ANSWERED, by=engineer.as_actor())


# --- Files -------------------------------------------------------------------------------------


def paper_file(name="方案.txt", text="第一步：备份"):
    return SimpleUploadedFile(name, text.encode())


def read(response):
    return b"".join(response.streaming_content).decode()


def test_files_of_the_plan_are_named_with_their_hashes_in_the_form(engineer):
    extension = propose(engineer, attachments=[paper_file(), paper_file("报价.txt", "免费")])

    first, second = files_of(extension)
    form = Document.objects.get(number=extension.number)
    html = paper.render(form, layout="pdf/base.html")

    assert [f["sha256"] for f in form.data["files"]] == [first.sha256, second.sha256]
    for text in ("方案.txt", "报价.txt", first.sha256, second.sha256):
        assert text in html


def test_the_link_gives_the_files_of_the_plan_and_no_others(engineer, client):
    extension = propose(engineer, attachments=[paper_file()], at=timezone.now(),
                        proposed_due_at=timezone.now() + timedelta(days=2))  # fmt: skip
    other = propose(engineer, attachments=[paper_file("别人.txt", "秘密")])
    token = extensions.make_link(extension, at=timezone.now(), by=engineer.as_actor())
    mine, foreign = files_of(extension).get(), files_of(other).get()
    client.post(f"/documents/s/{token}/", {"digits": "5678"})

    page = client.get(f"/documents/s/{token}/").content.decode()
    got = client.get(f"/documents/s/{token}/files/{mine.uid}/")

    assert f"/documents/s/{token}/files/{mine.uid}/" in page
    assert read(got) == "第一步：备份"
    assert got["Content-Disposition"].startswith("attachment")
    assert client.get(f"/documents/s/{token}/files/{foreign.uid}/").status_code == 404
    assert client.get(f"/documents/s/{'x' * 43}/files/{mine.uid}/").status_code == 404
    # Without the link a visitor has nothing.
    assert client.get(mine.url).status_code == 302


def test_the_files_ask_for_the_digits_as_the_form_does(engineer, client):
    extension = propose(engineer, attachments=[paper_file()])
    token = extensions.make_link(extension, at=timezone.now(), by=engineer.as_actor())
    url = f"/documents/s/{token}/files/{files_of(extension).get().uid}/"

    assert client.get(url)["Location"] == f"/documents/s/{token}/"
    client.post(f"/documents/s/{token}/", {"digits": "5678"})
    assert read(client.get(url)) == "第一步：备份"


@pytest.mark.parametrize("end", ["expired", "refused", "revoked"])
def test_a_link_that_is_over_gives_no_files(end, engineer, client):
    extension = propose(engineer, attachments=[paper_file()])
    now = timezone.now()
    token = extensions.make_link(extension, at=now, by=engineer.as_actor())
    url = f"/documents/s/{token}/files/{files_of(extension).get().uid}/"
    client.post(f"/documents/s/{token}/", {"digits": "5678"})
    assert read(client.get(url)) == "第一步：备份"
    link = SignLink.objects.get()

    if end == "expired":
        SignLink.objects.update(expires_at=now)
    elif end == "refused":
        documents.refuse_by_link(
            link, signer_name="李", reason="不", at=now, by=documents.signer(link)
        )
    else:
        extensions.make_link(extension, at=now, by=engineer.as_actor())

    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    "files",
    [
        [paper_file("程序.exe")],
        [paper_file(f"{n}.txt") for n in range(11)],
        [SimpleUploadedFile(f"{n}.txt", b"a" * 11_000_000) for n in range(2)],
    ],
)
def test_wrong_too_many_and_too_large_files_are_refused(files, engineer):
    with pytest.raises(Refused) as refused:
        propose(engineer, attachments=files)

    assert refused.value.field == "attachments"
    assert not Extension.objects.exists()


def test_refusing_by_link_is_refusal(engineer, dispatcher):
    extension = propose(engineer)
    _document, link = link_of(extension, engineer)

    documents.refuse_by_link(
        link, signer_name="李晓梅", reason="太晚了", at=ANSWERED, by=documents.signer(link)
    )

    extension.refresh_from_db()
    assert (extension.status, extension.reason) == (ExtensionStatus.REFUSED, "太晚了")


# --- On the ticket's page ----------------------------------------------------------------------


def test_the_page_costs_the_same_however_many_extensions(engineer, client):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)
    client.force_login(engineer)

    def extend(hours):
        due_at = AT + timedelta(hours=48 + hours)
        at = ANSWERED + timedelta(minutes=hours)
        files = [paper_file(f"{n}.txt") for n in range(hours)]
        extension = propose(
            engineer, ticket=Ticket.objects.get(pk=ticket.pk), proposed_due_at=due_at, at=at,
            attachments=files,
        )  # fmt: skip
        agree(extension, engineer, at=at)

    extend(1)
    client.get(ticket.get_absolute_url())
    with CaptureQueriesContext(connection) as once:
        client.get(ticket.get_absolute_url())
    for hours in (2, 3, 4):
        extend(hours)
    with CaptureQueriesContext(connection) as often:
        client.get(ticket.get_absolute_url())

    assert len(often) == len(once)


def test_the_journal_tells_the_deadline_again_after_a_consent_that_was_entered_late(engineer):
    """The customer agreed in time, and it was written down only after the miss."""
    extension = propose(engineer)
    call = make_call(extension.ticket, at=ANSWERED, by=engineer)
    sweep(AT + timedelta(hours=24, minutes=1))

    agree(extension, engineer, call=call, at=AT + timedelta(hours=25))

    clock = resolution(extension)
    assert (clock.due_at, clock.missed_at) == (NEW_TIME, AT + timedelta(hours=24))
    assert extension.answered_at == ANSWERED
    assert list(rebuild(Deadline.objects.all())) == []


ASKERS = [role for role in Role if "tickets.extend" in permissions_of(role)]


@pytest.mark.parametrize("role", ASKERS)
def test_whoever_may_ask_for_an_extension_makes_the_link_and_signs_nothing(role, engineer, client):
    extension = propose(engineer, at=timezone.now() - timedelta(minutes=1),
                        proposed_due_at=timezone.now() + timedelta(days=2),
                        ticket=make_ticket(Status.IN_PROGRESS, engineer, at=timezone.now() - timedelta(hours=1)))  # fmt: skip
    asker = engineer if role == Role.ENGINEER else person(f"asker-{role}", "问询人", role)
    client.force_login(asker)

    page = client.get(extension.ticket.get_absolute_url()).content.decode()
    assert reverse("tickets:extension_link", args=[extension.number]) in page
    made = client.post(reverse("tickets:extension_link", args=[extension.number]))

    assert made.status_code == 200
    assert SignLink.objects.get().made_by_id == asker.pk
    extension.refresh_from_db()
    assert extension.status == ExtensionStatus.PROPOSED


def test_who_may_not_ask_for_an_extension_makes_no_link(engineer, business):
    with pytest.raises(PermissionDenied):
        extensions.make_link(propose(engineer), at=SOON, by=business.as_actor())

    assert not SignLink.objects.exists()


def test_the_explanation_adds_up_to_the_second_and_says_how_late_it_was(engineer, client):
    extension = propose(engineer)
    agree(extension, engineer)
    ticket = Ticket.objects.get(pk=extension.ticket_id)
    resolve(ticket, solution="remote", resolution="好了", at=NEW_TIME + timedelta(minutes=3, seconds=7),
            by=engineer.as_actor())  # fmt: skip

    client.force_login(engineer)
    page = client.get(reverse("sla:explain", args=[resolution(extension).uid]))
    late = page.context["blocks"][0]

    assert late.deadline.kind == "ticket.resolution"  # what was late stands first
    assert [length for _move, length in late.extensions] == [timedelta(hours=24)]
    assert late.first_allowed == timedelta(hours=24)
    assert (
        late.allowed
        == timedelta(hours=48)
        == sum((interval.shown for interval in late.intervals), timedelta())
    )
    assert late.late_by == timedelta(minutes=3, seconds=7)
    assert late.late_by_first == timedelta(hours=24, minutes=3, seconds=7)
    text = page.content.decode()
    assert all(spelled in text for spelled in ("0:03:07", "24:03:07", "+ 24:00:00", "48:00:00"))
