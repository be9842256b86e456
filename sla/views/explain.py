"""Why a deadline is where it is, and who was told: the page on which a dispute ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from servicedesk.core import subjects
from servicedesk.core.actors import Actor
from servicedesk.core.http import DeskRequest
from servicedesk.core.subjects import Key
from sla import queries
from sla.models import Deadline, DeadlineMove, Escalation
from sla.worktime import elapsed


@require_GET
def explain(request: DeskRequest, uid: UUID) -> HttpResponse:
    """All deadlines of the record that this one belongs to, for whoever may see the record."""
    asked = get_object_or_404(Deadline, uid=uid)
    if not subjects.visible(*asked.subject, request.actor):
        raise Http404
    context = {
        "blocks": explained(asked.subject, request.actor),
        "label": asked.label,
        "back": asked.url,
    }
    template = "sla/_explained.html" if request.htmx else "sla/explain.html"
    return render(request, template, context)


@dataclass(frozen=True, slots=True)
class EscalationLine:
    escalation: Escalation
    told: list[str]
    can_acknowledge: bool
    messages: list[queries.Delivery]


@dataclass(frozen=True, slots=True)
class Block:
    """One deadline and all that made it what it is."""

    deadline: Deadline
    moves: list[DeadlineMove]
    escalations: list[EscalationLine]
    intervals: list[queries.Interval]
    # What the customer agreed to beyond the time first allowed, by extension.
    extensions: list[tuple[DeadlineMove, timedelta]]
    remaining: timedelta | None
    # Where its policy is; "" for whoever may not look there.
    policy_url: str

    @property
    def allowed(self) -> timedelta:
        """The sum of what the page shows, to the second."""
        counted = [interval.shown for interval in self.intervals if interval.counts]
        return sum(counted, whole(self.remaining or timedelta()))

    @property
    def first_allowed(self) -> timedelta:
        return self.allowed - sum((length for _move, length in self.extensions), timedelta())

    @property
    def late_by(self) -> timedelta | None:
        """After the due time, counted as the time allowed is."""
        return queries.late_by(self.deadline, self.deadline.due_at)

    @property
    def late_by_first(self) -> timedelta | None:
        """After the first promise, where it was moved since."""
        if self.deadline.due_at == self.deadline.original_due_at:
            return None
        return queries.late_by(self.deadline, self.deadline.original_due_at)

    @property
    def by_wish(self) -> bool:
        """The customer wants it before the time allowed is over."""
        return self.deadline.latest is not None and self.deadline.due_at == self.deadline.latest

    @property
    def policy(self) -> str:
        """Which policy, and which edition of it."""
        terms = self.deadline.terms
        return f"{terms.policy.name} v{terms.number}" if terms else ""


def whole(length: timedelta) -> timedelta:
    return timedelta(seconds=round(length.total_seconds()))


def explained(subject: Key, actor: Actor) -> list[Block]:
    """All deadlines of a record that the actor sees already, in five queries."""
    deadlines = queries.with_all(subject)
    fired = [e for d in deadlines for e in d.escalations.all()]
    names = queries.people_told(fired)
    sent = queries.deliveries(fired, names)
    return [_block(deadline, names, sent, actor) for deadline in deadlines]


def _block(
    deadline: Deadline,
    names: dict[int, str],
    sent: dict[int, list[queries.Delivery]],
    actor: Actor,
) -> Block:
    return Block(
        deadline,
        list(deadline.moves.all()),
        [
            EscalationLine(
                escalation,
                [names[pk] for pk in escalation.told if pk in names],
                escalation.is_open
                and actor.may("sla.acknowledge")
                and (actor.id in escalation.told or actor.may("sla.see_all")),
                sent.get(escalation.pk, []),
            )
            for escalation in deadline.escalations.all()
        ],
        queries.explain(deadline),
        [
            (move, whole(elapsed(deadline.work, move.old_due_at, move.new_due_at)))
            for move in deadline.moves.all()
            if move.cause == DeadlineMove.Cause.EXTENSION
        ],
        queries.remaining(deadline),
        deadline.terms.policy.get_absolute_url()
        if deadline.terms and actor.may("sla.manage")
        else "",
    )
