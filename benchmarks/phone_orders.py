"""Commands of a phone in any order: `python -m benchmarks.phone_orders --runs 2000 --steps 50`.

The ordinary tests play a few runs of the same machine (`tests/phone/orders.py`); this plays many,
in a database of its own beside the one of DATABASE_URL, which is dropped at the end. A run that
breaks a promise is made as short as it gets and printed.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from collections import Counter

from benchmarks.sweep import scratch_database


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "servicedesk.settings_test"
    with scratch_database(f"servicedesk_benchmark_phone_orders_{options.seed}"):
        play(options.runs, options.steps, options.seed)


def play(runs: int, steps: int, seed: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections
    from django.test.utils import setup_test_environment
    from django.utils import translation
    from hypothesis import HealthCheck, Verbosity, settings
    from hypothesis import seed as seeded
    from hypothesis.stateful import run_state_machine_as_test

    from accounts.roles import Role
    from tests.conftest import person
    from tests.phone.orders import Orders, prepared

    setup_test_environment()
    # Each refusal that is meant would be a line.
    logging.disable(logging.WARNING)
    call_command("migrate", verbosity=0)
    done: Counter[str] = Counter()
    deliver, teardown = Orders.deliver, Orders.teardown

    def counted_deliver(self: Orders, command: dict[str, object]) -> None:
        done["commands"] += 1
        deliver(self, command)

    def counted_teardown(self: Orders) -> None:
        teardown(self)
        done["runs"] += 1
        if done["runs"] % 100 == 0:
            print(f"{done['runs']} runs, {time.monotonic() - began:.0f} s", flush=True)

    Orders.deliver, Orders.teardown = counted_deliver, counted_teardown  # type: ignore[method-assign]
    began = time.monotonic()
    with translation.override("zh-hans"):
        machine = seeded(seed)(prepared(person("zhangwei", "张伟", Role.ENGINEER)))
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=runs,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                verbosity=Verbosity.quiet,
                suppress_health_check=list(HealthCheck),
            ),
        )
    connections.close_all()
    took = time.monotonic() - began
    print(
        f"{done['runs']} runs of {steps} steps at most, {done['commands']} commands sent,"
        f" every promise kept; {took:.0f} s"
    )


if __name__ == "__main__":
    main()
