"""Where things stand: lines of the picture, and the scales of time, bars and errors in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..performance.performance import Performance
from ..tables import Bools

WIDTH = 1200.0
LEFT, RIGHT = 66.0, 26.0
INNER = WIDTH - LEFT - RIGHT
HEADING = 116.0
LEAST_HEIGHT = 300.0
ROW = 13.0
GAP = 14.0  # between the bars and the errors below them
ERRORS = 86.0  # height of the panel of errors
AXIS = 48.0  # for what is below it

LINE = 40.0
"""s; about so much is drawn on one line, more of a piece that would take over MOST_LINES."""

MOST_LINES = 8

LIMITS_MS = (5.0, 10.0, 20.0, 50.0, 100.0)
"""ms; ends of the scale of errors: the first that holds them all, or the last."""

TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800)
"""s between marks on the axis of time."""


@dataclass(frozen=True)
class SongLine:
    """One line of the picture, the strikes from `begin` to `end`; y counts from its own top."""

    performance: Performance
    begin: float
    end: float
    limit_ms: float
    last: bool

    @property
    def bottom(self) -> float:
        """Where the rows of bars end."""
        return len(self.performance.instrument) * ROW

    @property
    def errors(self) -> tuple[float, float]:
        """Top and bottom of the panel of errors."""
        return self.bottom + GAP, self.bottom + GAP + ERRORS

    @property
    def height(self) -> float:
        """Of all the line, the space below it included."""
        return self.errors[1] + AXIS

    @property
    def radius(self) -> float:
        """Of a heard strike: smaller where time is narrow."""
        return float(np.clip(0.1 * INNER / (self.end - self.begin), 2.0, 4.2))

    @property
    def here(self) -> Bools:
        """Which strikes stand on this line."""
        planned = self.performance.planned
        return (planned >= self.begin) & ((planned < self.end) | self.last)

    @property
    def ticks(self) -> list[float]:
        """Full moments at which the axis of time is marked."""
        span = self.end - self.begin
        step = next((step for step in TICKS if span / step <= 16), span / 10)
        first, last = np.ceil(self.begin / step - 1e-9), np.floor(self.end / step + 1e-9)
        return [float(count * step) for count in np.arange(first, last + 1)]

    @property
    def marks_ms(self) -> list[float]:
        """Errors at which their axis is marked, apart enough to be read."""
        half = (self.limit_ms,) if self.limit_ms > 10 else (3.0, self.limit_ms)
        return [0.0, *half, *(-mark for mark in half)]

    def x(self, time: Any) -> Any:
        """Return where a moment, or an array of them, stands."""
        return LEFT + (time - self.begin) / (self.end - self.begin) * INNER

    def y(self, hammer: Any) -> Any:
        """Return the middle of a bar's row, or of an array of them."""
        return self.bottom - (hammer + 0.5) * ROW

    def y_error(self, error_ms: Any) -> Any:
        """Return where an error, or an array of them, stands; beyond the scale it is at the edge."""
        part = np.clip(error_ms, -self.limit_ms, self.limit_ms) / self.limit_ms
        return self.bottom + GAP + ERRORS / 2.0 * (1.0 - part)


def lines_of(performance: Performance) -> list[SongLine]:
    """Divide a performance into lines of even length, eight at most."""
    begin, end = -0.5, 0.5
    if len(performance):
        begin = min(begin, float(performance.planned.min()) - 0.5)
        end = max(end, float(performance.planned.max()) + 0.5)
    count = int(np.clip(np.ceil((end - begin) / LINE), 1, MOST_LINES))
    length = (end - begin) / count
    limit = _limit_ms(performance)
    return [
        SongLine(performance, begin + row * length, begin + (row + 1) * length, limit, row == count - 1)
        for row in range(count)
    ]


def _limit_ms(performance: Performance) -> float:
    sizes = np.abs(performance.timing_error) * 1000.0
    worst = np.max(sizes[~np.isnan(sizes)], initial=0.0)
    return next((limit for limit in LIMITS_MS if worst <= limit), LIMITS_MS[-1])
