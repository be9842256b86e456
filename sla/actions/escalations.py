"""What people do with escalations. Deadlines themselves change by `sla.deadlines`."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from servicedesk.core.actions import action, require
from servicedesk.core.actors import Actor
from servicedesk.core.errors import Refused
from servicedesk.core.events import record_all
from sla.events import EscalationAcknowledged, facts
from sla.models import Deadline, Escalation
from sla.telling import withdraw_steps


@action
def acknowledge(escalation: Escalation, *, at: datetime, by: Actor) -> Escalation:
    """A person says: I have seen it and take care (SLA-7).

    The first word counts, a second one changes nothing. It answers the earlier steps of the
    same deadline, too: who has seen the miss need not tick off the warnings before it. Where one
    of the steps answered says so (`Step.stops`), the later ones of its generation tell nobody.
    """
    require(by, "sla.acknowledge")
    # First the deadline, as the sweep does: no step fires between the word and its effect.
    deadline = Deadline.objects.select_for_update(no_key=True).get(pk=escalation.deadline_id)
    escalation.refresh_from_db(from_queryset=Escalation.objects.select_for_update(no_key=True))
    if escalation.superseded:
        raise Refused(_("Nobody was told about this step: a later one replaced it."))
    if escalation.acknowledged_at is not None:
        return escalation
    answered = Escalation.objects.filter(
        deadline=deadline, pk__lte=escalation.pk, acknowledged_at__isnull=True, superseded=False
    )
    ending = [step.name for step in deadline.steps if step.stops]
    ends = answered.filter(step__in=ending, generation=deadline.generation).exists()
    if ends:
        deadline.stopped = deadline.generation
        deadline.save(update_fields=["stopped"])
    withdraw_steps(answered, _("Withdrawn: %(name)s has seen it.") % {"name": by.label})
    answered.update(acknowledged_at=at, acknowledged_by=by.id)
    escalation.refresh_from_db()
    event = EscalationAcknowledged(
        at=at, step_label=str(escalation.step_label), ends=ends, **facts(deadline)
    )
    record_all([(event, [deadline.subject])], by=by)
    return escalation
