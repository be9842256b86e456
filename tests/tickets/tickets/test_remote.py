"""Remote sessions: prepare, consent, start, add_step, close, abandon, make_article."""

from __future__ import annotations

from datetime import timedelta

import pytest

from knowledge.models import Article
from servicedesk.core import paper
from servicedesk.core.errors import Refused, WrongState
from servicedesk.core.models import Document, RuleResult
from tests.conftest import AT
from tests.journal import journal
from tests.tickets.tickets.factories import RESULT, make_category, make_session, make_ticket
from tickets.actions import remote
from tickets.models import Ticket
from tickets.states import RemoteStatus, Status

pytestmark = pytest.mark.django_db

SOON = AT + timedelta(minutes=30)
END = AT + timedelta(minutes=60)


def close(session, engineer, **said):
    told = {"category": make_category(), **RESULT, "at": END} | said
    return remote.close(session, **told, by=engineer.as_actor())


def running(engineer, *, steps=1, **more):
    session = make_session(RemoteStatus.RUNNING, engineer, **more)
    for n in range(steps):
        remote.add_step(
            session, did=f"第 {n + 1} 步", outcome="正常", at=SOON, by=engineer.as_actor()
        )
    return session


def test_a_prepared_session_knows_its_ticket(engineer):
    session = make_session(RemoteStatus.PREPARED, engineer)

    assert session.number == "RS-20260302-0001"
    assert (session.engineer, session.category) == (engineer, session.ticket.category)
    assert journal(session.ticket)[-1][0] == "remote.prepared"


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.CLOSED])
def test_a_closed_case_gets_no_session(status, engineer):
    ticket = make_ticket(status, engineer)

    with pytest.raises(WrongState):
        remote.prepare(ticket, channel="client", at=END, by=engineer.as_actor())


def test_one_session_at_a_time(engineer):
    session = make_session(RemoteStatus.PREPARED, engineer)

    with pytest.raises(Refused, match=session.number):
        remote.prepare(session.ticket, channel="client", at=SOON, by=engineer.as_actor())


def test_an_unknown_channel_is_refused(engineer):
    ticket = make_ticket(Status.IN_PROGRESS, engineer)

    with pytest.raises(Refused) as refused:
        remote.prepare(ticket, channel="pigeon", at=SOON, by=engineer.as_actor())

    assert refused.value.field == "channel"


def test_nothing_starts_without_consent(engineer):
    """REM-1"""
    session = make_session(RemoteStatus.PREPARED, engineer)

    with pytest.raises(WrongState):
        remote.start(session, at=SOON, by=engineer.as_actor())


def test_nothing_starts_before_consent(engineer):
    """REM-1: consent noted afterwards is none."""
    session = make_session(RemoteStatus.CONSENTED, engineer)

    with pytest.raises(Refused) as refused:
        remote.start(session, at=session.consent_at - timedelta(seconds=1), by=engineer.as_actor())

    assert refused.value.field == "at"


def test_consent_says_who_how_and_when_and_is_a_response(engineer):
    ticket = make_ticket(Status.ASSIGNED, engineer)
    session = remote.prepare(ticket, channel="client", at=AT, by=engineer.as_actor())

    remote.consent(
        session, consent_by="李晓梅", consent_channel="chat", at=SOON, by=engineer.as_actor()
    )

    session.refresh_from_db()
    assert (session.consent_by, session.consent_channel, session.consent_at) == (
        "李晓梅", "chat", SOON,
    )  # fmt: skip
    assert Ticket.objects.get().responded_at == SOON


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"consent_by": " "}, "consent_by"),
        ({"consent_channel": "nod"}, "consent_channel"),
        ({"at": AT - timedelta(minutes=1)}, "at"),
    ],
)
def test_half_a_consent_is_refused(said, field, engineer):
    session = make_session(RemoteStatus.PREPARED, engineer)
    told = {"consent_by": "李晓梅", "consent_channel": "phone", "at": SOON} | said

    with pytest.raises(Refused) as refused:
        remote.consent(session, **told, by=engineer.as_actor())

    assert refused.value.field == field


@pytest.mark.parametrize("status", [Status.NEW, Status.ASSIGNED, Status.WAITING])
def test_starting_gets_the_ticket_going(status, engineer):
    ticket = make_ticket(status, engineer)

    make_session(RemoteStatus.RUNNING, engineer, ticket=ticket)

    ticket.refresh_from_db()
    assert (ticket.status, ticket.assignee) == (Status.IN_PROGRESS, engineer)


def test_steps_keep_their_order(engineer):
    """REM-4"""
    session = running(engineer, steps=3)

    assert [(s.position, s.did) for s in session.steps.all()] == [
        (1, "第 1 步"), (2, "第 2 步"), (3, "第 3 步"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "field"), [({"did": " "}, "did"), ({"did": "看", "at": AT}, "at")]
)
def test_a_step_is_something_done_in_the_session(said, field, engineer):
    session = running(engineer)

    with pytest.raises(Refused) as refused:
        remote.add_step(session, **{"at": SOON} | said, by=engineer.as_actor())

    assert refused.value.field == field


def test_closing_makes_the_form_and_keeps_the_answers_of_the_rules(engineer):
    """REM-4, form RS"""
    session = running(engineer)

    close(session, engineer)

    session.refresh_from_db()
    assert (session.status, session.ended_at) == (RemoteStatus.CLOSED, END)
    form = Document.objects.get(number=session.number)
    assert form.status == Document.Status.COMPLETE
    html = paper.render(form, layout="pdf/base.html")
    for text in ("远程服务记录", "第 1 步", "重装 V3.2 打印驱动", "李晓梅", "ToDesk 882 114 903"):
        assert text in html
    kept = RuleResult.objects.filter(subject_kind="tickets.remotesession")
    assert dict(kept.values_list("rule", "answer"))["REM-5"] == "kept"
    assert {r.person_id for r in kept} == {engineer.pk}


def test_a_solved_session_resolves_its_ticket_in_one_act(engineer):
    session = running(engineer)

    close(session, engineer, resolve_ticket=True)

    ticket = Ticket.objects.get()
    assert (ticket.status, ticket.solution, ticket.resolution, ticket.resolved_at) == (
        Status.RESOLVED, Ticket.Solution.REMOTE, "重装 V3.2 打印驱动", END,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"result": "perhaps"}, "result"),
        ({"summary": " "}, "summary"),
        ({"data_untouched": False, "changes_made": " "}, "changes_made"),
        ({"result": "not_solved", "resolve_ticket": True}, "resolve_ticket"),
        ({"at": AT}, "at"),
    ],
)
def test_closing_is_refused(said, field, engineer):
    session = running(engineer)

    with pytest.raises(Refused) as refused:
        close(session, engineer, **said)

    assert refused.value.field == field
    assert not Document.objects.exists()


def test_closing_without_a_step_is_refused(engineer):
    """REM-4"""
    session = running(engineer, steps=0)

    with pytest.raises(Refused):
        close(session, engineer)


def test_what_is_not_solved_closes_without_a_solution(engineer):
    session = running(engineer)

    close(session, engineer, result="not_solved", summary="")

    assert session.status == RemoteStatus.CLOSED
    assert Ticket.objects.get().status == Status.IN_PROGRESS


@pytest.mark.parametrize(
    "status", [RemoteStatus.PREPARED, RemoteStatus.CONSENTED, RemoteStatus.RUNNING]
)
def test_abandoning_makes_room_for_another(status, engineer):
    session = make_session(status, engineer)

    remote.abandon(session, reason="客户不在", at=SOON, by=engineer.as_actor())
    again = remote.prepare(session.ticket, channel="phone", at=SOON, by=engineer.as_actor())

    assert (session.status, again.status) == (RemoteStatus.ABANDONED, RemoteStatus.PREPARED)


def test_abandoning_says_why(engineer):
    session = make_session(RemoteStatus.PREPARED, engineer)

    with pytest.raises(Refused) as refused:
        remote.abandon(session, reason=" ", at=SOON, by=engineer.as_actor())

    assert refused.value.field == "reason"


def test_a_knowledge_entry_comes_out_in_one_act(engineer):
    """REM-4"""
    session = make_session(RemoteStatus.CLOSED, engineer)

    remote.make_article(session, title="小票打印乱码", at=END, by=engineer.as_actor())

    article = Article.objects.get()
    assert (article.title, article.product, article.category) == (
        "小票打印乱码", session.ticket.product, session.category,
    )  # fmt: skip
    assert article.symptom == session.ticket.need
    assert article.cause == "驱动被系统更新替换"
    assert "1. 查看打印队列 → 驱动报错 0x61" in article.solution


def test_there_is_one_entry_per_session(engineer):
    session = make_session(RemoteStatus.CLOSED, engineer)
    remote.make_article(session, at=END, by=engineer.as_actor())

    with pytest.raises(Refused):
        remote.make_article(session, at=END, by=engineer.as_actor())


def test_a_ticket_that_nobody_had_classified_takes_the_category_over(engineer):
    ticket = make_ticket(Status.IN_PROGRESS, engineer, category=None)
    session = running(engineer, ticket=ticket)

    close(session, engineer, category=make_category("WL", "网络"))

    ticket.refresh_from_db()
    assert ticket.category == session.category


def test_a_classified_ticket_keeps_its_category(engineer):
    session = running(engineer)
    known = session.ticket.category

    close(session, engineer, category=make_category("WL", "网络"))

    session.ticket.refresh_from_db()
    assert session.ticket.category == known
