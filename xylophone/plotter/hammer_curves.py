"""A picture of a calibration: how long each hammer takes, and how loud it can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..calibration.values import Calibration
from ..tables import Floats
from ..tuning.edits import middle
from . import check_ending, write_picture
from .marks import ALARM, BAND, ERROR, INK, PLAN, SHADE, SOFT, at, box, dots, falls, frame, number, rule, text
from .page import INNER, LEFT, RIGHT, WIDTH, draw_page

HEIGHT = 646.0
LATENCY = (118.0, 340.0)
LEVEL = (384.0, 606.0)
"""Top and bottom of the two panels."""

MOST_ABOUT = 150
"""Characters of the line about a calibration that are drawn, the last ones."""

BAR = 7.0
"""Width of the stroke that spans a hammer's range."""

_DIGIT = 0.001  # dB, the last digit of levels in calibration.toml

Range = tuple[float, float]

_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)


@dataclass(frozen=True)
class _Panel:
    """One panel: a value for each bar, low to high from left to right, on a scale of its own."""

    names: tuple[str, ...]
    top: float
    bottom: float
    least: float
    most: float

    @property
    def column(self) -> float:
        """Width that a bar has."""
        return INNER / len(self.names)

    def x(self, place: Any) -> Any:
        """Return the middle of a bar's column, or of an array of them."""
        return LEFT + (place + 0.5) * self.column

    def y(self, value: Any) -> Any:
        """Return where a value, or an array of them, stands."""
        part = (value - self.least) / (self.most - self.least)
        return self.bottom - part * (self.bottom - self.top)


def plot_tuning(calibration: Calibration, common: Range | None, path: Path, about: str) -> None:
    """Draw a calibration into a file, SVG or PNG by its ending, with a line about what it is.

    `common` is the softest and loudest level that the hammers share, None where they share none. Raises as
    `xylophone.plotter.plot` does; an old file stays whole until the new one is.
    """
    check_ending(path)
    write_picture(draw_tuning(calibration, common, about), path)


def draw_tuning(calibration: Calibration, common: Range | None, about: str) -> str:
    """Return the picture of a calibration as SVG."""
    told = about if len(about) <= MOST_ABOUT else f"…{about[1 - MOST_ABOUT :]}"
    heading = (
        text("What each hammer does", LEFT, 36, 24, INK, font_weight=600),
        text(calibration.kind, WIDTH - RIGHT, 36, 14, SOFT, "end"),
        text(told, LEFT, 60, 14, SOFT),
    )
    shapes = (*heading, *_legend(), *_latencies(calibration), *_levels(calibration, common))
    return draw_page(shapes, HEIGHT, ())


def _latencies(calibration: Calibration) -> Iterator[Any]:
    curves = 1000.0 * calibration.latency
    middles = np.array([1000.0 * middle(calibration, row)[2] for row in range(len(curves))])
    panel = _panel(calibration.hammers, LATENCY, curves)
    yield from _paper(panel, curves, "latency, ms")
    yield _spans(panel, curves.min(axis=1), curves.max(axis=1))
    place = np.arange(len(middles))
    yield dots(at(panel.x(place), panel.y(middles), place >= 0), 4.2, ERROR)
    yield from _names(panel)


def _levels(calibration: Calibration, common: Range | None) -> Iterator[Any]:
    levels = calibration.level
    soft, loud = levels[:, 0], levels[:, -1]
    panel = _panel(calibration.hammers, LEVEL, levels)
    yield from _paper(panel, levels, "level, dB re 1 m/s", common)
    yield _spans(panel, soft, loud)
    if common is not None:
        place = np.arange(len(soft))
        yield dots(at(panel.x(place), panel.y(soft), soft > common[0] + _DIGIT), 4.2, ALARM)
        yield dots(at(panel.x(place), panel.y(loud), loud < common[1] - _DIGIT), 4.2, ALARM)
    yield from _names(panel)


def _panel(names: tuple[str, ...], place: tuple[float, float], values: Floats) -> _Panel:
    least, most = float(values.min()), float(values.max())
    room = max(0.08 * (most - least), 0.2)
    return _Panel(names, *place, least - room, most + room)


def _paper(panel: _Panel, values: Floats, title: str, band: Range | None = None) -> Iterator[Any]:
    """Yield what is behind the values: shaded sharps, a band, lines across, their numbers, a frame."""
    height = panel.bottom - panel.top
    for place, name in enumerate(panel.names):
        if "#" in name:
            yield box(panel.x(place) - panel.column / 2, panel.top, panel.column, height, SHADE)
    if band is not None:
        yield box(LEFT, panel.y(band[1]), INNER, panel.y(band[0]) - panel.y(band[1]), BAND)
    for mark in _marks(panel.least, panel.most):
        y = panel.y(mark)
        yield rule(LEFT, y, LEFT + INNER, y)
        written = number(mark) if values.min() < 0 else f"{mark:g}"
        yield text(written, LEFT - 8, y + 3.7, 11, INK, "end")
    yield frame(LEFT, panel.top, INNER, height)
    half = (panel.top + panel.bottom) / 2
    yield text(title, 22, half, 12, SOFT, "middle", transform=f"rotate(-90,22,{half:g})")


def _spans(panel: _Panel, low: Floats, high: Floats) -> Any:
    """Return a stroke for each hammer from its least value to its greatest."""
    spans = np.stack((panel.x(np.arange(len(low))), panel.y(low), panel.y(high)), axis=1)
    return falls(spans, min(BAR, 0.5 * panel.column), PLAN, stroke_opacity=0.55)


def _names(panel: _Panel) -> Iterator[Any]:
    size = min(11.0, 0.5 * panel.column)  # of 64 hammers the names are small, and still apart
    for place, name in enumerate(panel.names):
        colour = SOFT if "#" in name else INK
        yield text(name, panel.x(place), panel.bottom + 17, size, colour, "middle")


def _marks(least: float, most: float) -> list[float]:
    """Return round values within a scale, eight at most."""
    step = next((step for step in _STEPS if (most - least) / step <= 8), _STEPS[-1])
    first, last = np.ceil(least / step), np.floor(most / step)
    return [round(float(count * step), 6) for count in np.arange(first, last + 1)]


def _legend() -> Iterator[Any]:
    spots = np.array([[LEFT + 6.0, 88.0], [LEFT + 232.0, 88.0], [LEFT + 346.0, 88.0]])
    yield rule(LEFT + 6, 80, LEFT + 6, 96, PLAN, BAR, stroke_opacity=0.55)
    yield dots(spots[1:2], 4.2, ERROR)
    yield dots(spots[2:3], 4.2, ALARM)
    words = ("from its softest to its loudest blow", "at the middle", "does not reach what all share")
    for told, x in zip(words, spots[:, 0], strict=True):
        yield text(told, float(x) + 12, 92.5, 13, INK)
    yield text("green: loudness that all share", WIDTH - RIGHT, 92.5, 13, SOFT, "end")
