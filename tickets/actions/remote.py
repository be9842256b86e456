"""A remote session from its preparation to the record of what was done (REM-1 … REM-5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from knowledge.actions import create_article
from knowledge.models import Article, FaultCategory
from servicedesk.core import documents, rules
from servicedesk.core.actions import action, advance, begin, lock, require, save_changes
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused, WrongState
from servicedesk.core.events import record
from servicedesk.core.numbering import next_number
from tickets.actions import tickets
from tickets.events import (
    ArticleMade,
    RemoteAbandoned,
    RemoteClosed,
    RemoteConsented,
    RemotePrepared,
    RemoteStarted,
    RemoteStepAdded,
)
from tickets.models import RemoteSession, RemoteStep, Ticket
from tickets.pdf import REMOTE_RECORD, remote_data
from tickets.states import OPEN, REMOTE, REMOTE_OPEN, Status

Result = RemoteSession.Result


@action
def prepare(
    ticket: Ticket, *, channel: str, tool: str = "", at: datetime, by: Actor
) -> RemoteSession:
    require(by, "remote.work")
    lock(ticket)
    if ticket.status not in OPEN:
        raise WrongState(_("%(ticket)s is not open any more.") % {"ticket": ticket})
    if channel not in RemoteSession.Channel.values:
        raise Refused(_("Say how you will connect."), field="channel")
    former = ticket.remote_sessions.filter(status__in=sorted(REMOTE_OPEN)).first()
    if former is not None:
        raise Refused(
            _("Remote session %(session)s is still open; end it first.") % {"session": former}
        )
    session = RemoteSession.objects.create(
        number=next_number("RS", at=at),
        ticket=ticket,
        engineer=tickets.colleague(by),
        channel=channel,
        tool=tool,
        category=ticket.category,
        prepared_at=at,
    )
    record(
        RemotePrepared(
            **_which(session, at), channel=channel, channel_label=session.get_channel_display()
        ),
        about=[ticket, session],
        by=by,
    )
    return session


@action
def consent(
    session: RemoteSession, *, consent_by: str, consent_channel: str, at: datetime, by: Actor
) -> RemoteSession:
    """REM-1: who of the customer agreed, how, and when (`at`). It is a response, too."""
    ticket = session.ticket
    lock(ticket)
    step = begin(REMOTE, "consent", session, by=by)
    if not consent_by.strip():
        raise Refused(_("Say who agreed."), field="consent_by")
    if consent_channel not in RemoteSession.ConsentChannel.values:
        raise Refused(_("Say how the customer agreed."), field="consent_channel")
    tickets.check_moment(ticket, at)
    session.consent_by, session.consent_channel, session.consent_at = (
        consent_by,
        consent_channel,
        at,
    )
    advance(session, step, "consent_by", "consent_channel", "consent_at")
    if ticket.responded_at is None:
        tickets.note_response(ticket, at=at, by=by)
        save_changes(ticket, "responded_at")
    record(
        RemoteConsented(
            **_which(session, at), consent_by=consent_by, consent_channel=consent_channel,
            consent_channel_label=session.get_consent_channel_display(),
        ),
        about=[ticket, session],
        by=by,
    )  # fmt: skip
    return session


@action
def start(session: RemoteSession, *, watcher: str = "", at: datetime, by: Actor) -> RemoteSession:
    """The session begins; with it the work on the ticket, if it had not."""
    ticket = session.ticket
    lock(ticket)
    step = begin(REMOTE, "start", session, by=by)
    if session.consent_at is None or at < session.consent_at:
        raise Refused(_("It cannot start before the customer agreed."), field="at")
    session.started_at, session.watcher = at, watcher
    advance(session, step, "started_at", "watcher")
    if ticket.status == Status.NEW:
        tickets.take(ticket, at=at, by=by)
    if ticket.status == Status.ASSIGNED:
        tickets.start(ticket, at=at, by=by)
    elif ticket.status == Status.WAITING:
        tickets.resume(ticket, at=at, by=by)
    record(RemoteStarted(**_which(session, at)), about=[ticket, session], by=by)
    return session


@action
def add_step(
    session: RemoteSession, *, did: str, outcome: str = "", at: datetime, by: Actor
) -> RemoteStep:
    """REM-4: what was tried and what came of it, in this order."""
    begin(REMOTE, "add_step", session, by=by)
    if not did.strip():
        raise Refused(_("Write down what was done."), field="did")
    _check_running(session, at)
    last = session.steps.aggregate(last=Max("position"))["last"] or 0
    added = RemoteStep.objects.create(
        session=session, position=last + 1, did=did, outcome=outcome, at=at
    )
    record(
        RemoteStepAdded(**_which(session, at), position=last + 1, did=did, outcome=outcome),
        about=[session],
        by=by,
    )
    return added


@action
def close(
    session: RemoteSession,
    *,
    result: str,
    category: FaultCategory,
    cause: str = "",
    summary: str = "",
    changes_made: str = "",
    data_untouched: bool,
    watcher: str = "",
    end_confirmed_by: str = "",
    resolve_ticket: bool = False,
    at: datetime,
    by: Actor,
) -> RemoteSession:
    """The session ends: what it was, what came of it, what was changed; the form RS is made.

    With `resolve_ticket` a solved session resolves its ticket in the same act.
    """
    ticket = session.ticket
    lock(ticket)
    step = begin(REMOTE, "close", session, by=by)
    _check_running(session, at)
    if result not in Result.values:
        raise Refused(_("Say what came of it."), field="result")
    if not session.steps.exists():
        raise Refused(_("Write down at least one step first."))
    if result != Result.NOT_SOLVED and not summary.strip():
        raise Refused(_("Write down what solved it."), field="summary")
    if not data_untouched and not changes_made.strip():
        raise Refused(_("Write down what was changed."), field="changes_made")
    if resolve_ticket and result == Result.NOT_SOLVED:
        raise Refused(_("What is not solved cannot be resolved."), field="resolve_ticket")
    session.ended_at, session.result, session.category = at, result, category
    session.cause, session.summary, session.changes_made = cause, summary, changes_made
    session.data_untouched = data_untouched
    session.watcher = watcher or session.watcher
    session.end_confirmed_by = end_confirmed_by
    advance(
        session, step, "ended_at", "result", "category", "cause", "summary", "changes_made",
        "data_untouched", "watcher", "end_confirmed_by",
    )  # fmt: skip
    if ticket.category is None:
        # Whoever goes there next knows what kind of fault it is (VISIT-4).
        ticket.category = category
        save_changes(ticket, "category")
    record(
        RemoteClosed(
            **_which(session, at),
            result=result,
            result_label=session.get_result_display(),
            summary=summary,
            steps=session.steps.count(),
            watcher=session.watcher,
            end_confirmed_by=end_confirmed_by,
            changes_made=changes_made,
            data_untouched=data_untouched,
        ),
        about=[ticket, session, ticket.store],
        by=by,
    )
    documents.freeze(
        REMOTE_RECORD, session, number=session.number, data=remote_data(session),
        keywords=[ticket.number, ticket.customer.name, ticket.store.name, session.engineer.name],
        at=at, by=by,
    )  # fmt: skip
    rules.store(
        session, counts_at=session.started_at or at, person_id=session.engineer_id,
        team_id=session.engineer.team_id, at=at,
    )  # fmt: skip
    if resolve_ticket:
        tickets.resolve(ticket, solution=Ticket.Solution.REMOTE, resolution=summary, at=at, by=by)
    return session


@action
def abandon(session: RemoteSession, *, reason: str, at: datetime, by: Actor) -> RemoteSession:
    """It did not come about: no consent, no connection."""
    lock(session.ticket)
    step = begin(REMOTE, "abandon", session, by=by)
    if not reason.strip():
        raise Refused(_("Say why."), field="reason")
    session.ended_at = at
    advance(session, step, "ended_at")
    record(
        RemoteAbandoned(**_which(session, at), reason=reason),
        about=[session.ticket, session],
        by=by,
    )
    return session


@action
def make_article(session: RemoteSession, *, title: str = "", at: datetime, by: Actor) -> Article:
    """REM-4: the record becomes a knowledge entry, so that the next one is solved faster."""
    begin(REMOTE, "make_article", session, by=by)
    ticket = session.ticket
    article = create_article(
        title=title or ticket.title,
        product=ticket.product,
        category=session.category,
        symptom=ticket.need,
        cause=session.cause,
        solution=_solution(session),
        source=session,
        at=at,
        by=by,
    )
    record(
        ArticleMade(**_which(session, at), article=article.number, title=article.title),
        about=[ticket, session],
        by=by,
    )
    return article


def _solution(session: RemoteSession) -> str:
    steps = [
        f"{step.position}. {step.did}" + (f" → {step.outcome}" if step.outcome else "")
        for step in session.steps.all()
    ]
    return "\n".join(filter(None, [session.summary, *steps]))


def _check_running(session: RemoteSession, at: datetime) -> None:
    if session.started_at is not None and at < session.started_at:
        raise Refused(_("That is before the session started."), field="at")


def _which(session: RemoteSession, at: datetime) -> dict[str, Any]:
    return {
        "at": at,
        "ticket_id": session.ticket_id,
        "number": session.ticket.number,
        "session": session.number,
    }
