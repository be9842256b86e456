"""The settings of the tests for a real worker, whose own clock ticks."""

from __future__ import annotations

from servicedesk.settings_test import *  # noqa: F403

TICKER_ENABLED = True
