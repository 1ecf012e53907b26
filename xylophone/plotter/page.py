"""A page: a heading, and lines of a long piece beneath each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .line import LEAST_HEIGHT, WIDTH
from .marks import FONT


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
