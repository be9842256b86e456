"""A web process leaves to itself what lives as long as it does."""

from __future__ import annotations

import json
import subprocess
import sys

SETTLED = """
import gc, json
from deploy import gunicorn

class Worker:
    class log:
        class access_log:
            addFilter = print

gunicorn.post_worker_init(Worker)
print(json.dumps([gc.get_freeze_count(), gc.get_threshold()[0]]))
"""


def test_a_web_process_does_not_search_what_it_loaded_at_the_start():
    done = subprocess.run(
        [sys.executable, "-c", SETTLED], capture_output=True, text=True, check=True, timeout=60
    )

    frozen, threshold = json.loads(done.stdout.splitlines()[-1])
    assert frozen > 5_000
    assert threshold > 10_000
