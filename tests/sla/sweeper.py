"""Sweeps once, and stops for ever in the middle of the batch: `python -m tests.sla.sweeper`.

With `careless` the batch is no transaction: the control that shows what the guard prevents.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime

import django


def main() -> None:
    django.setup()
    from servicedesk.core.actors import SYSTEM
    from sla import sweeping
    from tests.sla import kinds  # noqa: F401

    def stop(*_args: object) -> list[object]:
        sys.stdout.write("in the middle\n")
        sys.stdout.flush()
        time.sleep(60)
        return []

    # The rows have been marked, nobody has been told yet.
    sweeping.escalate = stop  # type: ignore[assignment]
    now = datetime.fromisoformat(sys.argv[1])
    if "careless" in sys.argv:
        sweeping._batch.__wrapped__(at=now, limit=200, by=SYSTEM)  # type: ignore[attr-defined]
    else:
        sweeping.sweep(now)


if __name__ == "__main__":
    main()
