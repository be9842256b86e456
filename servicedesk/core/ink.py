"""What is drawn as a signature: is it one, and was it used before? (GEN-2)

A signature is compared by its shape: the line that the pen drew, cut into equal pieces and put
into a box of one by one. Moving it, making it larger, other times or fewer points change nothing
in that, so none of them makes a used signature a new one. A hand never repeats itself so closely.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from django.utils.translation import gettext as _

from servicedesk.core.errors import Refused
from servicedesk.core.models import Ink, KeptSignature, Signature

Point = tuple[float, float]
Strokes = Sequence[Sequence[dict[str, float]]]

# Units of the box of 600 × 200.
FEWEST_POINTS = 20
SMALLEST_EXTENT = 30
SHORTEST_LINE = 60
# What is no longer than this is a dot, however long the finger rested.
DOT = 8
# A line that strays less than this share of its length from a ruler's edge was no writing.
STRAIGHT = 0.04
# Nobody signs faster (ms).
QUICKEST = 150
PIECES = 48
# The mean distance of two shapes, in parts of the box, below which they are the same drawing.
SAME = 0.012


def check(strokes: Strokes) -> None:
    """Refuse what is no signature: nothing, dots, a ruler's line, a line nobody drew in time."""
    lines = [line for line in map(_line, strokes) if _length(line) > DOT]
    points = [point for line in lines for point in line]
    written = (
        len(points) >= FEWEST_POINTS
        and sum(_extent(points)) >= SMALLEST_EXTENT
        and sum(map(_length, lines)) >= SHORTEST_LINE
        and not _straight(points)
    )
    if not written:
        raise Refused(_("Please sign with your full name in the field."), field="strokes")
    times = [point["t"] for stroke in strokes for point in stroke]
    if max(times) - min(times) < QUICKEST:
        raise Refused(_("The signature could not be read. Sign again."), field="strokes")


def refuse_used(strokes: Strokes) -> None:
    """Refuse what was drawn before, for any form, also if it was not accepted then."""
    drawn = shape(strokes)
    if any(_seen(model, drawn) for model in (Signature, KeptSignature)):
        raise Refused(
            _("Every signature is drawn anew; this one was used before."), field="strokes"
        )


def _seen(model: type[Ink], drawn: list[float]) -> bool:
    # Means never differ by more than the mean distance does: the index loses nothing.
    near = {}
    for (name, value), width in zip(marks(drawn).items(), (1, 1, 2, 2), strict=True):
        near[f"{name}__range"] = (value - width * SAME, value + width * SAME)
    candidates = model._default_manager.filter(**near).values_list("shape", flat=True)
    return any(_distance(drawn, other) < SAME for other in candidates.iterator())


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    xs, ys = range(0, 2 * PIECES, 2), range(1, 2 * PIECES, 2)
    return (
        sum(
            max(abs(one[x] - other[x]), abs(one[y] - other[y])) for x, y in zip(xs, ys, strict=True)
        )
        / PIECES
    )


def shape(strokes: Strokes) -> list[float]:
    """x and y of `PIECES` points at equal distances along the drawn line, in a box of 1 × 1."""
    lines = [line for line in map(_line, strokes) if len(line) > 1]
    points = [point for line in lines for point in line]
    left, top = min(x for x, _y in points), min(y for _x, y in points)
    wide, high = (side or 1.0 for side in _extent(points))
    found: list[float] = []
    for x, y in _evenly(lines):
        found += (round((x - left) / wide, 4), round((y - top) / high, 4))
    return found


def marks(drawn: Sequence[float]) -> dict[str, float]:
    """What the index finds a shape by: the middle of the whole, and that of its first half."""
    xs, ys = drawn[0::2], drawn[1::2]
    half = PIECES // 2
    return {
        "middle_x": sum(xs) / PIECES,
        "middle_y": sum(ys) / PIECES,
        "first_x": sum(xs[:half]) / half,
        "first_y": sum(ys[:half]) / half,
    }


def _evenly(lines: Sequence[Sequence[Point]]) -> list[Point]:
    steps = [(a, b, math.dist(a, b)) for line in lines for a, b in pairwise(line)]
    total = sum(length for _a, _b, length in steps)
    found: list[Point] = []
    walked = 0.0
    for a, b, length in steps:
        while len(found) < PIECES and walked + length >= total * len(found) / (PIECES - 1) - 1e-9:
            part = (total * len(found) / (PIECES - 1) - walked) / length
            part = min(max(part, 0.0), 1.0)
            found.append((a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])))
        walked += length
    return found + [found[-1]] * (PIECES - len(found))


def _line(stroke: Sequence[dict[str, float]]) -> list[Point]:
    """The stroke's points without those on which the finger rested."""
    found: list[Point] = []
    for point in stroke:
        place = (point["x"], point["y"])
        if not found or math.dist(found[-1], place) > 0:
            found.append(place)
    return found


def _length(line: Sequence[Point]) -> float:
    return sum(math.dist(a, b) for a, b in pairwise(line))


def _extent(points: Sequence[Point]) -> tuple[float, float]:
    xs, ys = [x for x, _y in points], [y for _x, y in points]
    return max(xs) - min(xs), max(ys) - min(ys)


def _straight(points: Sequence[Point]) -> bool:
    """All lies along one ruler's edge: the thin side of the points against the long one."""
    count = len(points)
    mean_x, mean_y = sum(x for x, _y in points) / count, sum(y for _x, y in points) / count
    xx = sum((x - mean_x) ** 2 for x, _y in points)
    yy = sum((y - mean_y) ** 2 for _x, y in points)
    xy = sum((x - mean_x) * (y - mean_y) for x, y in points)
    angle = math.atan2(2 * xy, xx - yy) / 2
    along = [(x - mean_x) * math.cos(angle) + (y - mean_y) * math.sin(angle) for x, y in points]
    across = [(y - mean_y) * math.cos(angle) - (x - mean_x) * math.sin(angle) for x, y in points]
    return max(across) - min(across) < STRAIGHT * (max(along) - min(along))
