"""The work of the night goes on when a part of it finds a fault, and says so."""

from __future__ import annotations

import logging

from django.db import connection

from servicedesk.core.tasks import nightly


def told(caplog):
    """The commands that found something."""
    found = [r.getMessage() for r in caplog.records if r.name == nightly.__module__]
    return [message.partition(":")[0] for message in found]


def test_a_night_without_faults_says_nothing(start, caplog):
    start()

    with caplog.at_level(logging.ERROR):
        nightly()

    assert told(caplog) == []


def test_a_deadline_behind_the_journals_back_is_told(start, caplog):
    start()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE sla_deadline SET due_at = due_at + interval '1 h'")

    with caplog.at_level(logging.ERROR):
        nightly()

    assert told(caplog) == ["rebuild_deadlines"]
