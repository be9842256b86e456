from sla.models.deadlines import (
    Deadline,
    DeadlineMove,
    DeadlineQuerySet,
    Escalation,
    EscalationQuerySet,
)
from sla.models.policies import Calendar, CalendarVersion, Policy, PolicyVersion, worktime_of

__all__ = [
    "Calendar", "CalendarVersion", "Deadline", "DeadlineMove", "DeadlineQuerySet", "Escalation",
    "EscalationQuerySet", "Policy", "PolicyVersion", "worktime_of",
]  # fmt: skip
