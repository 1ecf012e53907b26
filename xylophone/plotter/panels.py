"""The two panels of a line: bars with what was planned and heard, and below the errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .heading import SHADE_DB
from .line import INNER, LEFT, RIGHT, ROW, WIDTH, SongLine
from .marks import (
    ALARM,
    BAND,
    ERROR,
    INK,
    PLAN,
    SHADE,
    SHADES,
    SOFT,
    at,
    box,
    crosses,
    dots,
    frame,
    number,
    rings,
    rule,
    text,
)

BAND_MS = 3.0
"""ms; an error this small is not heard (Friberg & Sundberg 1995)."""


def draw_bars(line: SongLine) -> Iterator[Any]:
    """Yield the rows of bars with planned, heard, missed and refused strikes."""
    yield from _rows(line)
    performance, here = line.performance, line.here
    x = line.x(performance.planned)
    y = line.y(performance.plan.rows["hammer"].astype(float))
    heard = ~np.isnan(performance.heard)
    yield rings(at(x, y, here & heard), line.radius + 1.6, PLAN)
    yield from _heard(line, here & heard)
    yield rings(at(x, y, here & performance.sent & ~heard), line.radius + 1.6, ALARM, 1.8)
    yield crosses(at(x, y, here & ~performance.sent), line.radius + 0.4)


def draw_errors(line: SongLine) -> Iterator[Any]:
    """Yield the panel of timing errors, the band that nobody hears, and the axis of time."""
    top, bottom = line.errors
    high, low = line.y_error(BAND_MS), line.y_error(-BAND_MS)
    yield box(LEFT, high, INNER, low - high, BAND)
    yield from _grid(line, top, bottom)
    zero = line.y_error(0.0)
    yield rule(LEFT, zero, LEFT + INNER, zero, PLAN, 0.8)
    yield from _error_dots(line)
    for mark in line.marks_ms:
        yield text(number(mark), LEFT - 8, line.y_error(mark) + 3.7, 11, INK, "end")
    middle = (top + bottom) / 2
    yield text("error, ms", 22, middle, 12, SOFT, "middle", transform=f"rotate(-90,22,{middle:g})")
    for tick in line.ticks:
        yield text(clock(tick), line.x(tick), bottom + 17, 11, INK, "middle")
    if line.last:
        yield text("green: within 3 ms, which nobody hears", LEFT, bottom + 35, 12, SOFT)
        yield text("time, min:s", WIDTH - RIGHT, bottom + 35, 12, SOFT, "end")


def _rows(line: SongLine) -> Iterator[Any]:
    for place, hammer in enumerate(line.performance.instrument.hammers):
        y, sharp = line.y(place), "#" in hammer.name
        if sharp:
            yield box(LEFT, y - ROW / 2, INNER, ROW, SHADE)
        yield text(hammer.name, LEFT - 8, y + 3.8, 11, SOFT if sharp else INK, "end")
    yield from _grid(line, 0.0, line.bottom)


def _heard(line: SongLine, which: Any) -> Iterator[Any]:
    """Yield the heard strikes, less the common offset, one path for all of a colour."""
    performance = line.performance
    offset = np.nanmedian(performance.heard - performance.planned - performance.moved) if which.any() else 0.0
    x = line.x(performance.heard - offset)
    y = line.y(performance.plan.rows["hammer"].astype(float))
    shade = np.rint(np.nan_to_num(performance.level_db) / SHADE_DB) + len(SHADES) - 1
    shade = np.clip(shade, 0, len(SHADES) - 1)
    for place, colour in enumerate(SHADES):
        yield dots(at(x, y, which & (shade == place)), line.radius, colour)


def _error_dots(line: SongLine) -> Iterator[Any]:
    errors = line.performance.timing_error * 1000.0
    x, y = line.x(line.performance.planned), line.y_error(errors)
    known = line.here & ~np.isnan(errors)
    far = np.abs(np.nan_to_num(errors)) > BAND_MS
    yield dots(at(x, y, known & ~far), 1.9, ERROR)
    yield dots(at(x, y, known & far), 2.3, ALARM)


def _grid(line: SongLine, top: float, bottom: float) -> Iterator[Any]:
    for tick in line.ticks:
        yield rule(line.x(tick), top, line.x(tick), bottom)
    yield frame(LEFT, top, INNER, bottom - top)


def clock(time: float) -> str:
    """Return a moment as minutes and seconds: '1:05'."""
    minutes, seconds = divmod(round(abs(time)), 60)
    sign = "\N{MINUS SIGN}" if time < 0 else ""
    return f"{sign}{minutes}:{seconds:02d}"
