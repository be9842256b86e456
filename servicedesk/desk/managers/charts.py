"""What a chart shows, as plain data for static/js/charts.js; its table says the same in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from django.core.serializers.json import DjangoJSONEncoder

from servicedesk.desk.managers.exports import Table

Tone = Literal["", "good", "bad", "wait", "info", "active", "neutral"]


@dataclass(frozen=True, slots=True)
class Series:
    """`notes` stand beside each value in the tooltip: the counts of a percentage ("87/92").
    A value of None is a gap. kind: how it is drawn, if not as the chart says."""

    name: Any
    values: Sequence[float | int | None]
    notes: Sequence[str] = ()
    kind: Literal["", "line", "bar"] = ""
    # A tone of css/tokens.css; else the next colour of the palette.
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """kind: "line", "bar", "bars" (lying) or "stacked".

    target: a dashed line with its label. links: where a click on a label's value leads to, one
    per label. `table` carries the export and what is read aloud.
    """

    name: str
    title: Any
    kind: Literal["line", "bar", "bars", "stacked"]
    labels: Sequence[Any]
    series: Sequence[Series]
    table: Table
    subtitle: Any = ""
    unit: str = ""
    targets: Sequence[tuple[Any, float]] = ()
    links: Sequence[str] = ()
    # The address of an export, up to its name: `filters.query(export="")`.
    export_base: str = ""
    # It takes a whole row.
    wide: bool = False

    @property
    def json(self) -> str:
        """For the attribute `data-chart`."""
        drawn = {
            "name": self.name, "title": self.title, "kind": self.kind, "labels": self.labels,
            "unit": self.unit, "targets": self.targets, "links": self.links,
            "series": [asdict(series) for series in self.series],
        }  # fmt: skip
        return json.dumps(drawn, cls=DjangoJSONEncoder, ensure_ascii=False)

    @property
    def empty(self) -> bool:
        return not any(value for series in self.series for value in series.values)
