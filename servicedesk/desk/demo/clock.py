"""The simulation's clock: many stories at once, told in the order of time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from datetime import datetime

# A story does something, yields the time at which it wants to go on, and so forth.
Story = Iterator[datetime]


class Clock:
    def __init__(self, end: datetime, pause: Callable[[datetime], None]) -> None:
        """`pause` runs between two steps: the workers' turn at that moment."""
        self.end = end
        self._pause = pause
        self._waiting: list[tuple[datetime, int, Story]] = []
        self._tickets = itertools.count()

    def add(self, at: datetime, story: Story) -> None:
        heapq.heappush(self._waiting, (at, next(self._tickets), story))

    def run(self) -> None:
        """Until nothing is left before the end; stories beyond it stay unfinished."""
        while self._waiting and self._waiting[0][0] <= self.end:
            now, _number, story = heapq.heappop(self._waiting)
            self._pause(now)
            following = next(story, None)
            if following is not None:
                self.add(max(following, now), story)
        self._pause(self.end)
