"""A form of the tests: two blocks, one of them the customer's, about a colleague's record."""

from __future__ import annotations

import math
from typing import Any

from django import forms

from servicedesk.core.documents import KINDS, Block, DocumentKind, define
from servicedesk.core.forms import DeskForm


class Rating(DeskForm):
    stars = forms.IntegerField(min_value=1, max_value=5)


KIND = KINDS.get("test") or define(
    DocumentKind(
        name="test",
        title="测试单",
        template="pdf/test_form.html",
        blocks=(
            Block("customer", "客户", outside=True),
            Block("engineer", "工程师", outside=False),
        ),
        answers=Rating,
    )
)
PLAIN = KINDS.get("plain") or define(
    DocumentKind(name="plain", title="记录", template="pdf/test_form.html")
)
# An attendance sheet: each attendee in a place of his own, the trainer in his.
SHEET = KINDS.get("sheet") or define(
    DocumentKind(
        name="sheet",
        title="签到表",
        template="pdf/test_form.html",
        blocks=(
            Block("attendee", "学员", outside=True, many=True),
            Block("trainer", "讲师", outside=False),
        ),
    )
)


def stroke(seed: float = 0.0, points: int = 60) -> list[list[dict[str, float]]]:
    """A drawn line; another seed, another hand."""
    return [
        [
            {
                "x": round(20 + 5 * i, 2),
                "y": round(100 + 60 * math.sin(i / 5 + seed) + seed, 2),
                "t": 1000.0 + 16 * i,
                "p": 0.5,
            }
            for i in range(points)
        ]
    ]


def data(**more: Any) -> dict[str, Any]:
    return {"customer": "大兴百货", "need": "收银台不能积分 <b>粗体</b>", **more}
