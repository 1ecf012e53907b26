"""The pictures of docs/wiring.md are what their scripts draw, and all of their text can be read."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DRAWINGS = ("wiring.svg", "wiring-supply.svg", "wiring-595.svg")


@pytest.fixture(scope="module")
def scripts(root: Path) -> Iterator[dict[str, Any]]:
    """The scripts' own modules, by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "docs" / "drawings"))
        import draw
        import sheet

        names = ("draw", "sheet", "channel", "registers", "supply")
        yield {"draw": draw, "sheet": sheet}
        for name in names:
            sys.modules.pop(name)


@pytest.fixture(params=DRAWINGS)
def picture(request: pytest.FixtureRequest, root: Path) -> str:
    return (root / "docs" / request.param).read_text(encoding="utf-8")


def segments(svg: str) -> Iterator[tuple[float, float, float, float]]:
    """Yield every straight line of a picture."""
    for path in re.findall(r'<path d="([^"]*)"', svg):
        for part in path.split("M")[1:]:
            points = [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", part)]
            yield from ((*one, *other) for one, other in itertools.pairwise(points))


def crosses(box: Any, line: tuple[float, float, float, float]) -> bool:
    """Tell whether a line goes through the letters of a text."""
    x0, y0, x1, y1 = line
    inset_x, inset_y = 0.06 * (box.right - box.left), 0.3 * (box.bottom - box.top)
    left, right, top, bottom = (
        box.left + inset_x,
        box.right - inset_x,
        box.top + inset_y,
        box.bottom - inset_y,
    )
    for step in range(101):
        x, y = x0 + (x1 - x0) * step / 100, y0 + (y1 - y0) * step / 100
        if left < x < right and top < y < bottom:
            return True
    return False


def test_every_picture_is_what_its_script_draws(root: Path, scripts: dict[str, Any]) -> None:
    assert tuple(scripts["draw"].DRAWINGS) == DRAWINGS
    for name, draw in scripts["draw"].DRAWINGS.items():
        assert (root / "docs" / name).read_text(encoding="utf-8") == draw(), name


def test_no_text_is_cut(picture: str, scripts: dict[str, Any]) -> None:
    left, top, width, height = map(float, re.findall(r'viewBox="([^"]*)"', picture)[0].split())
    boxes = scripts["sheet"].text_boxes(picture)
    assert len(boxes) == picture.count("<text") > 8
    for box in boxes:
        assert left <= box.left <= box.right <= left + width, box.words
        assert top <= box.top <= box.bottom <= top + height, box.words


def test_no_text_runs_into_another_or_over_a_line(picture: str, scripts: dict[str, Any]) -> None:
    boxes = scripts["sheet"].text_boxes(picture)
    for one, other in itertools.combinations(boxes, 2):
        beside = one.right <= other.left or other.right <= one.left
        above = one.bottom <= other.top or other.bottom <= one.top
        assert beside or above, (one.words, other.words)
    lines = list(segments(picture))
    assert len(lines) > 40
    for box in boxes:
        assert not any(crosses(box, line) for line in lines), box.words


def test_a_text_over_a_line_or_another_is_seen(scripts: dict[str, Any]) -> None:
    sheet = scripts["sheet"].Sheet()
    sheet.wire((0, 0), (5, 0))
    sheet.say((1, -0.1), "words")
    sheet.say((1.2, 0.1), "more words")
    svg = sheet.picture()
    one, other = scripts["sheet"].text_boxes(svg)
    assert crosses(one, next(segments(svg)))
    assert one.right > other.left
    assert one.bottom > other.top
