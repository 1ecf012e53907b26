"""The picture of a performance: a heading, and lines of two panels.

Above are the bars with what was planned and heard on them, below are the errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..performance.performance import Performance
from ..tables import Bools
from ..words import counted
from . import marks
from .page import INNER, LEFT, RIGHT, WIDTH, clock, shown

HEADING = 116.0
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


SHADE_DB = 3.0
"""dB of loudness a colour; the last colour is the top of the common scale and above."""

LEGEND = 88.0  # y of the legend's marks


def draw_heading(performance: Performance) -> Iterator[Any]:
    """Yield the shapes of the heading."""
    seed = "" if performance.seed is None else f", seed {performance.seed}"
    yield marks.text(shown(performance.title) or "untitled", LEFT, 36, 24, marks.INK, font_weight=600)
    yield marks.text(f"{performance.instrument.name}{seed}", WIDTH - RIGHT, 36, 14, marks.SOFT, "end")
    yield marks.text("  ·  ".join(figures(performance.summary())), LEFT, 60, 14, marks.SOFT)
    yield from _legend()
    yield from _loudness()


def figures(summary: dict[str, Any]) -> Iterator[str]:
    """Yield the figures below the title; those that are not known are left out."""
    counts = [counted(summary["strikes"], "strike"), f"{summary['missed']} missed"]
    counts.append(f"{sum(summary['refused'].values())} refused")
    yield ", ".join([*counts, *([f"{summary['double']} double"] if summary["double"] else [])])
    timing, level = summary["timing_error"], summary["level_error_db"]
    if timing["max"] is not None:
        yield f"timing error p95 {timing['p95'] * 1000:.2f} ms, max {timing['max'] * 1000:.2f} ms"
    if level["max"] is not None:
        yield f"level error p95 {level['p95']:.2f} dB"
    if summary["peak_current"] is not None:
        yield f"peak {summary['peak_current']:.1f} of {summary['supply_limit']:g} A"


def _legend() -> Iterator[Any]:
    spots = np.stack((LEFT + 6.0 + np.array([0.0, 84.0, 158.0, 237.0]), np.full(4, LEGEND)), axis=1)
    yield marks.rings(spots[:1], 5.8, marks.PLAN)
    yield marks.dots(spots[1:2], 4.2, marks.SHADES[4])
    yield marks.rings(spots[2:3], 5.8, marks.ALARM, 1.8)
    yield marks.crosses(spots[3:], 4.0)
    for name, x in zip(("planned", "heard", "missed", "refused"), spots[:, 0], strict=True):
        yield marks.text(name, float(x) + 12, LEGEND + 4.5, 13, marks.INK)


def _loudness() -> Iterator[Any]:
    wide = 30.0
    left = WIDTH - RIGHT - wide * len(marks.SHADES)
    yield marks.text("loudness heard, dB", left - 12, LEGEND + 4.5, 13, marks.INK, "end")
    for place, colour in enumerate(marks.SHADES):
        x = left + place * wide
        yield marks.box(x, LEGEND - 8, wide, 10, colour)
        decibels = marks.number(SHADE_DB * (place - len(marks.SHADES) + 1))
        yield marks.text(decibels, x + wide / 2, LEGEND + 15, 11, marks.SOFT, "middle")


BAND_MS = 3.0
"""ms; an error this small is not heard (Friberg & Sundberg 1995)."""


def draw_bars(line: SongLine) -> Iterator[Any]:
    """Yield the rows of bars with planned, heard, missed and refused strikes."""
    yield from _rows(line)
    performance, here = line.performance, line.here
    x = line.x(performance.planned)
    y = line.y(performance.plan.rows["hammer"].astype(float))
    heard = ~np.isnan(performance.heard)
    yield marks.rings(marks.at(x, y, here & heard), line.radius + 1.6, marks.PLAN)
    yield from _heard(line, here & heard)
    yield marks.rings(marks.at(x, y, here & performance.sent & ~heard), line.radius + 1.6, marks.ALARM, 1.8)
    yield marks.crosses(marks.at(x, y, here & ~performance.sent), line.radius + 0.4)


def draw_errors(line: SongLine) -> Iterator[Any]:
    """Yield the panel of timing errors, the band that nobody hears, and the axis of time."""
    top, bottom = line.errors
    high, low = line.y_error(BAND_MS), line.y_error(-BAND_MS)
    yield marks.box(LEFT, high, INNER, low - high, marks.BAND)
    yield from _grid(line, top, bottom)
    zero = line.y_error(0.0)
    yield marks.rule(LEFT, zero, LEFT + INNER, zero, marks.PLAN, 0.8)
    yield from _error_dots(line)
    for mark in line.marks_ms:
        yield marks.text(marks.number(mark), LEFT - 8, line.y_error(mark) + 3.7, 11, marks.INK, "end")
    middle = (top + bottom) / 2
    yield marks.text(
        "error, ms", 22, middle, 12, marks.SOFT, "middle", transform=f"rotate(-90,22,{middle:g})"
    )
    for tick in line.ticks:
        yield marks.text(clock(tick), line.x(tick), bottom + 17, 11, marks.INK, "middle")
    if line.last:
        yield marks.text("green: within 3 ms, which nobody hears", LEFT, bottom + 35, 12, marks.SOFT)
        yield marks.text("time, min:s", WIDTH - RIGHT, bottom + 35, 12, marks.SOFT, "end")


def _rows(line: SongLine) -> Iterator[Any]:
    for place, hammer in enumerate(line.performance.instrument.hammers):
        y, sharp = line.y(place), "#" in hammer.name
        if sharp:
            yield marks.box(LEFT, y - ROW / 2, INNER, ROW, marks.SHADE)
        yield marks.text(hammer.name, LEFT - 8, y + 3.8, 11, marks.SOFT if sharp else marks.INK, "end")
    yield from _grid(line, 0.0, line.bottom)


def _heard(line: SongLine, which: Any) -> Iterator[Any]:
    """Yield the heard strikes, less the common offset, one path for all of a colour."""
    performance = line.performance
    offset = np.nanmedian(performance.heard - performance.planned - performance.moved) if which.any() else 0.0
    x = line.x(performance.heard - offset)
    y = line.y(performance.plan.rows["hammer"].astype(float))
    shade = np.rint(np.nan_to_num(performance.level_db) / SHADE_DB) + len(marks.SHADES) - 1
    shade = np.clip(shade, 0, len(marks.SHADES) - 1)
    for place, colour in enumerate(marks.SHADES):
        yield marks.dots(marks.at(x, y, which & (shade == place)), line.radius, colour)


def _error_dots(line: SongLine) -> Iterator[Any]:
    errors = line.performance.timing_error * 1000.0
    x, y = line.x(line.performance.planned), line.y_error(errors)
    known = line.here & ~np.isnan(errors)
    far = np.abs(np.nan_to_num(errors)) > BAND_MS
    yield marks.dots(marks.at(x, y, known & ~far), 1.9, marks.ERROR)
    yield marks.dots(marks.at(x, y, known & far), 2.3, marks.ALARM)


def _grid(line: SongLine, top: float, bottom: float) -> Iterator[Any]:
    for tick in line.ticks:
        yield marks.rule(line.x(tick), top, line.x(tick), bottom)
    yield marks.frame(LEFT, top, INNER, bottom - top)
