"""Settings of gunicorn that hold wherever the web process runs: `gunicorn --config deploy/gunicorn.py`."""

from __future__ import annotations

from typing import Any

accesslog = "-"
# The address without what was asked: customers are searched for by name and telephone number. For
# the same reason without the page that somebody came from.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s %(M)s ms'


def post_worker_init(worker: Any) -> None:
    from servicedesk.core.logs import Discreet
    from servicedesk.core.memory import settle

    settle()
    worker.log.access_log.addFilter(Discreet())
