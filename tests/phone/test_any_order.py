"""A whole visit in any order, with repeats and mistakes. The long form: `benchmarks.phone_orders`."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.phone.orders import prepared

pytestmark = pytest.mark.django_db


def test_any_order_of_arrival_ends_in_the_same_state(engineer):
    run_state_machine_as_test(
        prepared(engineer),
        settings=settings(
            max_examples=5, stateful_step_count=30, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
