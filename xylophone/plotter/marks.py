"""Marks on the paper: dots, rings, crosses and words. Many marks of one look are one path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..tables import Floats

INK, SOFT, GRID, SHADE = "#1f2933", "#5a6775", "#e4e7eb", "#f5f7fa"
BAND, PLAN, ERROR, ALARM = "#e3f4ea", "#8794a2", "#3e5c8a", "#d92d20"

SHADES = ("#f5c56c", "#f09a57", "#e06f55", "#c24a5c", "#963a66", "#67306c", "#3b2a63")
"""Colours of a heard strike, from the softest to the loudest."""

FONT = "Source Sans Pro, Segoe UI, Helvetica, Arial, sans-serif"


def dots(points: Floats, radius: float, colour: str) -> Any:
    """Return filled dots at points (n, 2): strokes of no length with round ends."""
    return _at_each(points, "h0", stroke=colour, stroke_width=2.0 * radius, stroke_linecap="round")


def rings(points: Floats, radius: float, colour: str, width: float = 1.2) -> Any:
    """Return circles at points (n, 2)."""
    arc = f"a{radius:g} {radius:g} 0 1 0"
    shape = f"m{-radius:g} 0{arc} {2 * radius:g} 0{arc} {-2 * radius:g} 0"
    return _at_each(points, shape, stroke=colour, stroke_width=width)


def crosses(points: Floats, radius: float, colour: str = ALARM) -> Any:
    """Return crosses at points (n, 2)."""
    r = radius
    shape = f"m{-r:g} {-r:g}l{2 * r:g} {2 * r:g}m0 {-2 * r:g}l{-2 * r:g} {2 * r:g}"
    return _at_each(points, shape, stroke=colour, stroke_width=1.8, stroke_linecap="round")


def strokes(spans: Floats, width: float, colour: str, **more: Any) -> Any:
    """Return level strokes from x to x at a height, rows (n, 3)."""
    shapes = (f"M{begin:.1f} {y:.1f}H{end:.1f}" for begin, end, y in spans)
    return _path(shapes, stroke=colour, stroke_width=width, **more)


def falls(spans: Floats, width: float, colour: str, **more: Any) -> Any:
    """Return upright strokes at x from height to height, rows (n, 3)."""
    shapes = (f"M{x:.1f} {begin:.1f}V{end:.1f}" for x, begin, end in spans)
    return _path(shapes, stroke=colour, stroke_width=width, **more)


def box(x: float, y: float, width: float, height: float, fill: str, **more: Any) -> Any:
    """Return a filled rectangle."""
    import drawsvg

    return drawsvg.Rectangle(x, y, width, height, fill=fill, **more)


def frame(x: float, y: float, width: float, height: float) -> Any:
    """Return the frame of a panel."""
    return box(x, y, width, height, "none", stroke=PLAN, stroke_width=0.8)


def rule(
    x: float, y: float, to_x: float, to_y: float, colour: str = GRID, width: float = 1, **more: Any
) -> Any:
    """Return a straight line."""
    import drawsvg

    return drawsvg.Line(x, y, to_x, to_y, stroke=colour, stroke_width=width, **more)


def text(words: str, x: float, y: float, size: float, colour: str, anchor: str = "start", **more: Any) -> Any:
    """Return words on the base line y, to the right of x, or as `anchor` says."""
    import drawsvg

    return drawsvg.Text(words, size, x, y, fill=colour, text_anchor=anchor, **more)


def number(value: float) -> str:
    """Return a number with its sign, a true minus; 0 has none."""
    return f"{value:+g}".replace("-", "\N{MINUS SIGN}") if value else "0"


def at(x: npt.ArrayLike, y: npt.ArrayLike, which: npt.ArrayLike) -> Floats:
    """Return those points of many that are chosen by a mask, as (n, 2)."""
    return np.asarray(np.stack((np.asarray(x, float), np.asarray(y, float)), axis=1)[np.asarray(which)])


def _at_each(points: Iterable[Any], shape: str, **look: Any) -> Any:
    return _path((f"M{x:.1f} {y:.1f}{shape}" for x, y in points), **look)


def _path(shapes: Iterable[str], **look: Any) -> Any:
    """Return many shapes of one look as one path."""
    import drawsvg

    return drawsvg.Path("".join(shapes), fill="none", **look)
