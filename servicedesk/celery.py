"""Celery: workers that tick against PostgreSQL (see `core.ticker`), and a beat that only nudges."""

from __future__ import annotations

import os

from celery import Celery

from servicedesk.core.ticker import TickerStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "servicedesk.settings")

app = Celery("servicedesk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(TickerStep)
