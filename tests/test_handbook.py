"""Every rule of the handbook is a check, or stands in the list of what is not built yet."""

from __future__ import annotations

import re
from pathlib import Path

from servicedesk.core.rules import RULES

CHAPTERS = {
    "GEN": 8, "SLA": 7, "CALL": 11, "REM": 5, "VISIT": 24, "PRE": 5, "TRN": 5, "OPS": 14,
}  # fmt: skip
HANDBOOK = {f"{chapter}-{n}" for chapter, last in CHAPTERS.items() for n in range(1, last + 1)}
# Pre-sales, training and the operations around the desk come later. This list only shrinks.
NOT_YET = (
    {f"PRE-{n}" for n in range(1, 6)}
    | {f"TRN-{n}" for n in range(1, 6)}
    | {f"OPS-{n}" for n in range(2, 12)}
    | {"OPS-13", "OPS-14"}
)
TESTS = Path(__file__).parent


def test_every_rule_has_a_check_or_is_listed_as_missing():
    built = {rule.id for rule in RULES.values()}

    assert built <= HANDBOOK, "a check for a rule that the handbook does not have"
    assert HANDBOOK - built - NOT_YET == set(), "neither built nor listed"
    assert built & NOT_YET == set(), "built, so take it off the list"


def test_every_check_is_named_in_a_test():
    """Each check's answers are shown by tests that carry its rule ID."""
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in TESTS.rglob("test_*.py")
        if path.name != "test_handbook.py"
    )
    tested = set(re.findall(r"\b[A-Z]+-\d+\b", text))
    assert {rule.id for rule in RULES.values()} - tested == set()
