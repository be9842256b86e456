"""The settings of the tests for a real worker, whose own clock ticks."""

from __future__ import annotations

import os
from pathlib import Path

from servicedesk.settings_test import *  # noqa: F403
from servicedesk.settings_test import MEDIA_ROOT, SEAL_KEY_DIR

TICKER_ENABLED = True
# The test that started the worker reads the files that the worker writes.
MEDIA_ROOT = Path(os.environ.get("TEST_MEDIA_ROOT", MEDIA_ROOT))
SEAL_KEY_DIR = Path(os.environ.get("TEST_SEAL_KEY_DIR", SEAL_KEY_DIR))
