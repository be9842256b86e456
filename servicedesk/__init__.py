"""The service desk: settings, the roof (urls, desk) and the cellar (core)."""

from __future__ import annotations

from servicedesk.celery import app as celery_app

__all__ = ["celery_app"]
