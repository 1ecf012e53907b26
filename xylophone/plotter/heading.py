"""The heading: title, figures, and what the marks mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..performance.performance import Performance
from .line import LEFT, RIGHT, WIDTH
from .marks import ALARM, INK, PLAN, SHADES, SOFT, box, crosses, dots, number, rings, text

SHADE_DB = 3.0
"""dB of loudness a colour; the last colour is the top of the common scale and above."""

LEGEND = 88.0  # y of the legend's marks

MOST_TITLE = 60
"""Characters of a title that are drawn."""

PLAIN = str.maketrans({"♯": "#", "♭": "b", "♮": ""})
"""Signs that the font of the plot extra does not have, written as in names of pitches."""


def draw_heading(performance: Performance) -> Iterator[Any]:
    """Yield the shapes of the heading."""
    seed = "" if performance.seed is None else f", seed {performance.seed}"
    yield text(shown(performance.title) or "untitled", LEFT, 36, 24, INK, font_weight=600)
    yield text(f"{performance.instrument.name}{seed}", WIDTH - RIGHT, 36, 14, SOFT, "end")
    yield text("  ·  ".join(figures(performance.summary())), LEFT, 60, 14, SOFT)
    yield from _legend()
    yield from _loudness()


def shown(words: str, most: int = MOST_TITLE) -> str:
    """Return words as they can be drawn: with signs that font and XML may have, and not too many."""
    plain = "".join(sign if sign.isprintable() else " " for sign in words.translate(PLAIN))
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def figures(summary: dict[str, Any]) -> Iterator[str]:
    """Yield the figures below the title; those that are not known are left out."""
    counts = [f"{summary['strikes']} strikes", f"{summary['missed']} missed"]
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
    yield rings(spots[:1], 5.8, PLAN)
    yield dots(spots[1:2], 4.2, SHADES[4])
    yield rings(spots[2:3], 5.8, ALARM, 1.8)
    yield crosses(spots[3:], 4.0)
    for name, x in zip(("planned", "heard", "missed", "refused"), spots[:, 0], strict=True):
        yield text(name, float(x) + 12, LEGEND + 4.5, 13, INK)


def _loudness() -> Iterator[Any]:
    wide = 30.0
    left = WIDTH - RIGHT - wide * len(SHADES)
    yield text("loudness heard, dB", left - 12, LEGEND + 4.5, 13, INK, "end")
    for place, colour in enumerate(SHADES):
        x = left + place * wide
        yield box(x, LEGEND - 8, wide, 10, colour)
        decibels = number(SHADE_DB * (place - len(SHADES) + 1))
        yield text(decibels, x + wide / 2, LEGEND + 15, 11, SOFT, "middle")
