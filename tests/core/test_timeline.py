"""A line of the timeline reads like the language it is in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import translation

from servicedesk.core.models import Entry
from servicedesk.core.timeline import line

AT = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)


def text(kind: str, language: str, **data: object) -> str:
    with translation.override(language):
        return line(Entry(type=kind, at=AT, recorded_at=AT, actor_kind="user", data=data)).text


ALL = [
    (
        "promise.moved",
        {
            "old_due_at": "2026-11-21T06:30:00+00:00", "due_at": "2027-01-02T01:00:00+00:00",
            "spoken_to": "李梅", "reason": "等厂家答复",
        },
        "11月21日 14:30 → 2027年1月2日 09:00；李梅：等厂家答复",
        "Nov 21 14:30 → Jan 2, 2027 09:00; 李梅: 等厂家答复",
    ),
    (
        "remote.consented", {"consent_by": "李梅", "consent_channel_label": "电话"},
        "李梅，电话", "李梅, 电话",
    ),
    (
        "document.signed", {"number": "SV-1", "signer_name": "李梅", "method": "L1"},
        "SV-1 李梅（在工程师手机上签署）", "SV-1 李梅 (on the engineer's phone)",
    ),
    ("ticket.edited", {"fields": ["主题", "联系人"]}, "主题、联系人", "主题, 联系人"),
    # What is not known leaves no sign behind.
    ("extension.refused", {"answered_by": "李梅", "reason": ""}, "李梅", "李梅"),
    ("extension.refused", {"answered_by": "", "reason": "太久"}, "太久", "太久"),
    ("message.taken", {"to_name": "李梅"}, "→ 李梅", "→ 李梅"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "data", "chinese", "english"), ALL)
def test_a_detail_has_the_punctuation_and_the_dates_of_its_language(kind, data, chinese, english):
    assert text(kind, "zh-hans", **data) == chinese
    assert text(kind, "en", **data) == english


def test_what_people_wrote_stays_as_they_wrote_it():
    assert text("ticket.noted", "zh-hans", text="a, b: c (d)") == "a, b: c (d)"
