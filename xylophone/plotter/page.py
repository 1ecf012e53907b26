"""A page: a heading, and lines of a long piece beneath each other; how wide it is, and words on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .marks import FONT

WIDTH = 1200.0
LEFT, RIGHT = 66.0, 26.0
INNER = WIDTH - LEFT - RIGHT
LEAST_HEIGHT = 300.0

MOST_TITLE = 60
"""Characters of a title that are drawn."""

PLAIN = str.maketrans({"♯": "#", "♭": "b", "♮": ""})
"""Signs that the font of the plot extra does not have, written as in names of pitches."""


def draw_page(heading: Iterable[Any], height: float, lines: Iterable[tuple[float, Iterable[Any]]]) -> str:
    """Return a page as SVG: a heading of some height, then lines, each its height and what is drawn in it."""
    import drawsvg

    drawn = [(tall, list(marks)) for tall, marks in lines]
    whole = max(LEAST_HEIGHT, height + sum(tall for tall, _ in drawn))
    drawing = drawsvg.Drawing(WIDTH, whole, font_family=FONT)
    drawing.append(drawsvg.Rectangle(0, 0, WIDTH, whole, fill="white"))
    drawing.extend(heading)
    top = height
    for tall, marks in drawn:
        group = drawsvg.Group(transform=f"translate(0,{top:g})")
        group.extend(marks)
        drawing.append(group)
        top += tall
    svg: str = drawing.as_svg()
    return svg


def shown(words: str, most: int = MOST_TITLE) -> str:
    """Return words as they can be drawn: with signs that font and XML may have, and not too many."""
    plain = "".join(sign if sign.isprintable() else " " for sign in words.translate(PLAIN))
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def clock(time: float) -> str:
    """Return a moment as minutes and seconds: '1:05'."""
    minutes, seconds = divmod(round(abs(time)), 60)
    sign = "\N{MINUS SIGN}" if time < 0 else ""
    return f"{sign}{minutes}:{seconds:02d}"
