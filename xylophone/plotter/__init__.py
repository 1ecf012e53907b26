"""Pictures: of a performance here, of an arrangement in `roll`, of a calibration in `tuning`.

A performance is planned and heard strikes, and the timing error of each. Time runs along x, one row is
one bar, the highest at the top. A long piece is wrapped into lines like a page of music, each with the
errors of its strikes below. SVG is drawn by drawsvg; PNG is the same picture turned into pixels by resvg,
with a font that comes with the plot extra, because a small machine may have none.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from ..errors import MissingExtra, OptionError, install
from ..files import replace_file, write_text
from ..performance.performance import Performance
from .heard import HEADING, draw_bars, draw_errors, draw_heading, lines_of
from .page import WIDTH, draw_page

MOST_PIXELS = 24e6
"""A PNG has two pixels for a unit of the drawing, or fewer where it would have more than this."""


def plot(performance: Performance, path: str | Path) -> None:
    """Draw a performance into a file: SVG or, with the plot extra, PNG, by the ending of its name.

    Raises OptionError for another ending, MissingExtra where PNG needs the extra, FileError where the
    file cannot be written; an old file stays whole until the new one is.

    >>> plot(simulate(arrange(load_song(find_song("sakura")), build_instrument())), "sakura.svg")
    >>> Path("sakura.svg").exists()
    True
    """
    check_ending(path)
    write_picture(draw(performance), path)


def check_ending(path: str | Path) -> None:
    """Raise OptionError where a name does not end as a picture's does."""
    ending = Path(path).suffix.lower()
    if ending not in (".svg", ".png"):
        raise OptionError(
            f"cannot plot to {path}: its ending {ending!r} is none of .svg and .png; name such a file"
        )


def write_picture(svg: str, path: str | Path) -> None:
    """Write a picture as SVG or PNG, by the ending of its name; MissingExtra, FileError."""
    if Path(path).suffix.lower() == ".svg":
        write_text(path, svg)
        return
    pixels = _png(svg)
    with replace_file(path) as out:
        out.write(pixels)


def draw(performance: Performance) -> str:
    """Return the picture of a performance as SVG."""
    lines = ((line.height, [*draw_bars(line), *draw_errors(line)]) for line in lines_of(performance))
    return draw_page(draw_heading(performance), HEADING, lines)


def _png(svg: str) -> bytes:
    try:
        import font_source_sans_pro
        import resvg_py
    except ImportError as error:
        raise MissingExtra(
            f"a PNG needs more: {install('resvg-py', 'font-source-sans-pro')}, or plot to an .svg file"
        ) from error
    fonts = font_source_sans_pro.font_files_ttf
    pixels: bytes = resvg_py.svg_to_bytes(
        svg_string=svg,
        width=_pixels_wide(svg),
        font_files=[fonts["SourceSansPro"], fonts["SourceSansProSemibold"]],
        skip_system_fonts=True,
    )
    return pixels


def _pixels_wide(svg: str) -> int:
    page = ElementTree.fromstring(svg)
    height = float(page.attrib["height"])
    return int(WIDTH * (2 if 4 * WIDTH * height <= MOST_PIXELS else 1))
