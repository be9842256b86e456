"""A real Celery worker enforces deadlines, with a broker and without one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from accounts.actions import create_team
from servicedesk.core.actors import SYSTEM
from servicedesk.core.models import Heartbeat, OutboxMessage
from sla.models import Deadline, Escalation
from sla.queries import engine_silent
from tests.conftest import AT
from tests.sla.processes import running, wait_until

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("broker", ["there", "gone"])
def test_a_worker_fires_what_is_due_whether_the_broker_is_there_or_not(broker, start, engineer):
    # At night the e-mail of a warning would wait.
    users = type(engineer).objects.get_queryset()
    users.update(quiet_from=None, quiet_until=None)
    with running(
        "celery", "-A", "servicedesk", "worker", "--pool", "solo", "--loglevel", "info",
        "-I", "tests.sla.kinds", "--without-gossip", "--without-mingle",
        settings_module="tests.sla.worker_settings",
        REDIS_URL=settings.REDIS_URL if broker == "there" else NOBODY_LISTENS,
    ) as worker:  # fmt: skip
        assert wait_until(Heartbeat.objects.exists, 30), worker.poll()
        now = timezone.now()
        start(
            create_team(name="现在", at=AT, by=SYSTEM),
            at=now - timedelta(hours=12), due_at=now + timedelta(hours=12, seconds=1),
        )  # fmt: skip
        assert Deadline.objects.filter(next_step_at__gt=Now()).exists()

        assert wait_until(Escalation.objects.exists, 6)

        escalation = Escalation.objects.get()
        assert timedelta(0) <= escalation.fired_at - escalation.due_at < timedelta(seconds=5)
        assert not engine_silent()
        # The same worker sends the e-mail, again without the broker.
        assert wait_until(OutboxMessage.objects.filter(status="sent").exists, 10)
