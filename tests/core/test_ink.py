"""What is a signature, and what was one before (GEN-2)."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from servicedesk.core import ink
from servicedesk.core.errors import Refused
from tests.core.forms_of_tests import stroke


def points(*places, step=16.0):
    return [
        {"x": float(x), "y": float(y), "t": step * i, "p": 0.5} for i, (x, y) in enumerate(places)
    ]


def dots(count):
    """Taps all over the field, some held so long that many points come of one."""
    return [
        [{"x": 40.0 * i, "y": 30.0 * (i % 5), "t": 300.0 * i + n, "p": 0.5} for n in range(9)]
        for i in range(count)
    ]


ruler = points(*((20 + 9 * i, 50 + 2 * i) for i in range(50)))


@pytest.mark.parametrize(
    "strokes",
    [
        [],
        [[]],
        [points((5, 5))],
        [points(*[(5, 5)] * 40)],
        [points(*((5 + i % 2, 5) for i in range(60)))],
        dots(3),
        dots(14),
        [ruler],
        [list(reversed(ruler))],
        [ruler, ruler],
        [points((10, 10), (590, 190))],
        [points(*((20 + 9 * i, 100) for i in range(50)))],
        [points(*((300, 20 + 3 * i) for i in range(50)))],
        [points(*((20 + 9 * i, 50 + 40 * math.sin(i)) for i in range(50)), step=0.0)],
    ],
    ids=[
        "nothing", "an empty stroke", "a point", "a dot held", "a trembling dot", "three dots",
        "many dots", "a line", "a line back", "a line twice", "a tap at each end", "a level line",
        "an upright line", "no time",
    ],
)  # fmt: skip
def test_what_is_no_signature(strokes):
    with pytest.raises(Refused) as refused:
        ink.check(strokes)
    assert refused.value.field == "strokes"


@pytest.mark.parametrize("seed", range(20))
def test_what_a_hand_writes_is_one(seed):
    ink.check(stroke(seed * 0.7))


def test_a_dot_beside_what_was_written_does_no_harm():
    """As in 冰, or over an i."""
    ink.check([*stroke(), points(*[(500, 20)] * 3)])


# --- the same drawing --------------------------------------------------------------------------


def changed(strokes, change):
    return [[point | change(point) for point in stroke] for stroke in strokes]


CHANGES = {
    "as it was": lambda p: {},
    "moved": lambda p: {"x": p["x"] + 31.7, "y": p["y"] - 12.3},
    "smaller": lambda p: {"x": round(p["x"] * 0.41, 2), "y": round(p["y"] * 0.41, 2)},
    "wider": lambda p: {"x": round(p["x"] * 1.3, 2)},
    "at other times": lambda p: {"t": p["t"] * 1.7 + 90_000, "p": 0.9},
    "trembling": lambda p: {"x": p["x"] + math.sin(p["t"]) * 0.8, "y": p["y"] + math.cos(p["t"])},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_drawing_is_known_again(change):
    drawn = stroke(1.0)
    assert ink._distance(ink.shape(drawn), ink.shape(changed(drawn, change))) < ink.SAME


def test_a_drawing_is_known_again_with_half_its_points():
    drawn = stroke(1.0)
    thinned = [drawn[0][::2] + drawn[0][-1:]]
    assert ink._distance(ink.shape(drawn), ink.shape(thinned)) < ink.SAME


def test_the_same_hand_writes_differently():
    """The same name by the same person: each point some five units from where it was."""
    dice = random.Random(4)  # noqa: S311

    def written():
        bend = [dice.uniform(-6, 6) for _ in range(8)]
        return [
            [
                point | {"y": point["y"] + bend[i // 8], "x": point["x"] + bend[(i // 8 + 3) % 8]}
                for i, point in enumerate(stroke(2.0)[0])
            ]
        ]

    shapes = [ink.shape(written()) for _ in range(12)]
    nearest = min(ink._distance(a, b) for a, b in itertools.combinations(shapes, 2))
    assert nearest > ink.SAME


def test_the_index_never_passes_over_what_is_the_same():
    """The means of two shapes are no farther apart than the shapes."""
    dice = random.Random(7)  # noqa: S311
    for _ in range(200):
        one = [dice.random() for _ in range(2 * ink.PIECES)]
        other = [value + dice.uniform(-0.02, 0.02) for value in one]
        apart = ink._distance(one, other)
        a, b = ink.marks(one), ink.marks(other)
        for name, width in (("middle_x", 1), ("middle_y", 1), ("first_x", 2), ("first_y", 2)):
            assert abs(a[name] - b[name]) <= width * apart + 1e-9
