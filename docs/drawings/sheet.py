"""What all drawings share: a sheet to draw on, wires, and text that stands where it is put."""

from __future__ import annotations

import html
import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import schemdraw
import schemdraw.elements as elm

FOLDER = Path(__file__).resolve().parents[1]
"""Where the pictures go: the folder of the pages."""

SMALL = 11
"""Size of remarks; names of parts have the sheet's own."""


WIDEST = 0.62
"""Mean width of a letter, in parts of its size: DejaVu Sans, the widest of the usual fonts, has 0.60."""

EDGE = 6
"""Room around all."""


class Sheet(schemdraw.Drawing):
    """A drawing in absolute coordinates; a unit is about a third of a part's length."""

    def __init__(self) -> None:
        schemdraw.use("svg")
        super().__init__(show=False)
        self.config(
            unit=2.5, fontsize=13, font="sans-serif", bgcolor="white", margin=0.3, inches_per_unit=0.42
        )

    def wire(self, *corners: tuple[float, float]) -> None:
        """Draw a wire round these corners."""
        for begin, end in pairwise(corners):
            self.add(elm.Line().at(begin).to(end))

    def part(self, part: elm.Element, begin: tuple[float, float], end: tuple[float, float]) -> None:
        """Draw a part with two ends."""
        self.add(part.at(begin).to(end))

    def dot(self, *places: tuple[float, float]) -> None:
        """Join what crosses at these places."""
        for place in places:
            self.add(elm.Dot().at(place))

    def ground(self, *places: tuple[float, float]) -> None:
        """Draw ground symbols."""
        for place in places:
            self.add(elm.Ground().at(place))

    def say(self, place: tuple[float, float], *lines: str, small: bool = True, to: str = "left") -> None:
        """Write lines of text whose middle is at the height of a place, from there to the right or `to`."""
        gap = 0.45 if small else 0.55
        for number, line in enumerate(lines):
            label = elm.Label().at((place[0], place[1] + gap * ((len(lines) - 1) / 2 - number)))
            self.add(
                label.label(line, halign=to, valign="center", ofst=(0, 0), fontsize=SMALL if small else None)
            )

    def picture(self) -> str:
        """Return the sheet as SVG, a line for each thing in it, as large as its text needs."""
        svg = self.get_imagedata("svg").decode()
        svg = svg.replace("stroke-dasharray:-;", "").replace('"sans"', '"sans-serif"').replace("><", ">\n<")
        left, top, width, height = map(float, re.findall(r'viewBox="([^"]*)"', svg)[0].split())
        texts = text_boxes(svg)
        left, right = (
            min(left, *(box.left for box in texts)),
            max(left + width, *(box.right for box in texts)),
        )
        top, bottom = min(top, *(box.top for box in texts)), max(top + height, *(box.bottom for box in texts))
        size = [
            round(number)
            for number in (left - EDGE, top - EDGE, right - left + 2 * EDGE, bottom - top + 2 * EDGE)
        ]
        view = f'height="{size[3]}" width="{size[2]}" viewBox="{" ".join(map(str, size))}"'
        return re.sub(r'height="[^"]*" width="[^"]*" viewBox="[^"]*"', view, svg, count=1) + "\n"


class Box(NamedTuple):
    """Where a line of text stands in an SVG, at its widest: y goes down."""

    left: float
    top: float
    right: float
    bottom: float
    words: str


def text_boxes(svg: str) -> list[Box]:
    """Return where all text of a picture stands, whatever font the viewer has for sans-serif."""
    boxes = []
    found = (
        r'<text x="([^"]*)" y="([^"]*)"[^>]*font-size="([^"]*)"[^>]*text-anchor="([^"]*)"[^>]*>\s*'
        r'<tspan[^>]*dy="([^"]*)"[^>]*>([^<]*)'
    )
    for x, y, size, anchor, down, words in re.findall(found, svg):
        em, middle, words = float(size), float(y) + float(down), html.unescape(words)
        width = WIDEST * em * len(words)
        left = float(x) - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
        boxes.append(Box(left, middle - 0.55 * em, left + width, middle + 0.55 * em, words))
    return boxes
