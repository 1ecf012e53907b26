"""The picture of a performance: what is in it, in which form it is written, and how it stays readable."""

from __future__ import annotations

import re
import struct
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from xylophone.errors import FileError, MissingExtra, OptionError
from xylophone.instrument import build_instrument
from xylophone.performance.performance import Performance
from xylophone.plotter import draw, plot
from xylophone.sequencer import Plan
from xylophone.tables import HIT, PLANNED, Refusal

INSTRUMENT = build_instrument("song-bell")
SVG = "{http://www.w3.org/2000/svg}"
ALARM, CROSS, RING = "#d92d20", "l", "a"


def played(count: int, length: float, title: str = "A tune", error: float = 0.0) -> Performance:
    """Return a performance of strikes at even distances, heard as planned, every fifth `error` late."""
    rows = np.zeros(count, PLANNED)
    rows["time"] = np.linspace(0.0, length, count)
    rows["hammer"] = np.arange(count) % 30
    rows["level"] = -11.0
    hits = np.zeros(count, HIT)
    hits["time"], hits["level"], hits["strike"] = rows["time"] + 0.02, -11.0, np.arange(count)
    hits["time"][::5] += error
    hits["channel"] = rows["hammer"]
    return Performance.of(Plan(INSTRUMENT, rows, -5.0), hits, title=title, seed=4, peak_current=3.25)


def faulty() -> Performance:
    """Return ten strikes of which two are refused and one of the others is missed."""
    good = played(10, 5.0)
    rows = good.plan.rows.copy()
    rows["refused"][[2, 5]] = Refusal.RECOVERY
    hits = good.hits[~np.isin(good.hits["strike"], [2, 5, 7])]
    return Performance.of(Plan(INSTRUMENT, rows, -5.0), hits, title="Faults")


def words(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def marks(svg: str, shape: str, colour: str | None = None) -> int:
    """Count the points that have this shape in all paths of a colour."""
    paths = [path.attrib for path in ElementTree.fromstring(svg).iter(f"{SVG}path")]
    chosen = [path for path in paths if colour in (None, path["stroke"])]
    return sum(len(re.findall(rf"M[^M]*{shape}[^M]*", path.get("d", ""))) for path in chosen)


def test_every_strike_is_drawn_as_what_became_of_it():
    svg, plain = draw(faulty()), draw(played(10, 5.0))
    legend = 1
    assert marks(plain, RING) - 2 * legend == 10
    assert marks(svg, RING, ALARM) - legend == 1
    assert marks(svg, RING) - 2 * legend == 8
    assert marks(svg, CROSS) - legend == 2
    assert marks(plain, CROSS) - legend == 0
    assert marks(plain, "h0") - legend == 20  # each heard strike and its error


def spots(svg: str, shape: str) -> np.ndarray:
    """Return the points (n, 2) of this shape in the picture's lines, the legend left out, sorted."""
    page = ElementTree.fromstring(svg)
    paths = [path.attrib.get("d", "") for group in page.iter(f"{SVG}g") for path in group.iter(f"{SVG}path")]
    found = [re.findall(rf"M([-\d.]+) ([-\d.]+)[^M]*{shape}", path) for path in paths]
    return np.array(sorted(tuple(map(float, point)) for points in found for point in points))


def places(svg: str) -> dict[str, float]:
    """Return the height at which each word of a picture of one line stands."""
    (group,) = ElementTree.fromstring(svg).iter(f"{SVG}g")
    return {"".join(text.itertext()): float(text.attrib["y"]) for text in group.iter(f"{SVG}text")}


def test_a_strike_stands_in_the_row_of_its_bar_the_highest_at_the_top():
    svg = draw(played(30, 10.0))
    rings, named = spots(svg, RING), places(svg)
    rows = [named[hammer.name] for hammer in INSTRUMENT.hammers]
    assert np.all(np.diff(rows) < 0)
    assert rings[:, 1] == pytest.approx(rows, abs=5.0)
    assert np.all(np.diff(rings[:, 0]) > 0)


def test_a_strike_heard_as_planned_fills_its_outline():
    """All are heard 20 ms late, an offset that no listener can know; it is taken off."""
    svg = draw(played(30, 10.0))
    rings, points = spots(svg, RING), spots(svg, "h0")
    dots = points[points[:, 1] <= rings[:, 1].max()]
    assert dots == pytest.approx(rings, abs=0.11)


@pytest.mark.parametrize("error", [0.0, 0.008])
def test_the_band_ends_at_three_milliseconds(error):
    svg = draw(played(50, 10.0, error=error))
    (band,) = [one for one in ElementTree.fromstring(svg).iter(f"{SVG}rect") if one.get("fill") == "#e3f4ea"]
    half, named = float(band.attrib["height"]) / 2, places(svg)
    assert half == pytest.approx(named["0"] - named["+3"])
    assert half == pytest.approx(named["\N{MINUS SIGN}3"] - named["0"])
    heights = spots(svg, "h0")[:, 1]
    on_time = np.median(heights[heights > spots(svg, RING)[:, 1].max() + 5.0])
    assert float(band.attrib["y"]) + half == pytest.approx(on_time, abs=0.1)


def test_title_bars_and_figures_are_told_in_words():
    told = words(draw(played(30, 10.0, "Für <Elise> & co")))
    assert "Für <Elise> & co" in told
    assert "song-bell, seed 4" in told
    assert {hammer.name for hammer in INSTRUMENT.hammers} <= set(told)
    (line,) = [line for line in told if "strikes" in line]
    assert "30 strikes, 0 missed, 0 refused" in line
    assert "timing error p95 0.00 ms, max 0.00 ms" in line
    assert "peak 3.2 of 8 A" in line
    assert {"planned", "heard", "missed", "refused", "loudness heard, dB", "error, ms", "time, min:s"} <= set(
        told
    )


def test_a_title_with_signs_that_no_xml_may_hold():
    assert "a b c" in words(draw(played(3, 1.0, "a\x00b\x1bc")))


def test_accidentals_in_a_title_are_written_with_signs_that_the_font_has():
    assert "Prelude in C# and Bb" in words(draw(played(3, 5.0, "Prelude in C♯ and B♭")))


def test_errors_beyond_what_nobody_hears_are_red():
    assert marks(draw(played(50, 10.0, error=0.002)), "h0", ALARM) == 0
    assert marks(draw(played(50, 10.0, error=0.008)), "h0", ALARM) == 10
    assert "+10" in words(draw(played(50, 10.0, error=0.008)))
    assert "+5" in words(draw(played(50, 10.0, error=0.002)))


def test_loudness_is_a_colour():
    soft = played(1, 0.0)
    hits = soft.hits.copy()
    hits["level"] = -30.0
    assert marks(draw(Performance.of(soft.plan, hits)), "h0", "#f5c56c") == 1
    assert marks(draw(soft), "h0", "#f5c56c") == 0


@pytest.mark.parametrize(("length", "lines"), [(0.0, 1), (30.0, 1), (60.0, 2), (200.0, 6), (4000.0, 8)])
def test_a_long_piece_is_wrapped_into_lines(length, lines):
    told = words(draw(played(100, length)))
    assert told.count("C6") == lines
    clocks = [word for word in told if re.fullmatch(r"\d+:\d\d", word)]
    in_order = sorted(set(clocks), key=lambda word: [int(part) for part in word.split(":")])
    assert list(dict.fromkeys(clocks)) == in_order
    assert 1 <= len(clocks) <= 17 * lines


def test_no_strike_is_drawn_twice_where_a_line_ends():
    svg = draw(played(401, 200.0))
    assert marks(svg, RING) - 2 == 401


def test_words_do_not_overlap_on_the_axes():
    """Names of bars stand a row apart, marks of time further than they are wide, those of errors too."""
    page = ElementTree.fromstring(draw(played(100, 4000.0)))
    for anchor, axis, least in (("end", "y", 9.0), ("middle", "x", 34.0)):
        for group in page.iter(f"{SVG}g"):
            texts = [text.attrib for text in group.findall(f"{SVG}text") if "transform" not in text.attrib]
            places = sorted({float(text[axis]) for text in texts if text["text-anchor"] == anchor})
            assert np.diff(places).min() >= least


def test_nothing_played_is_a_picture_too():
    told = words(draw(Performance.of(Plan(INSTRUMENT, np.zeros(0, PLANNED), -5.0), np.zeros(0, HIT))))
    assert "0 strikes, 0 missed, 0 refused" in told
    assert "untitled" in told


def test_ten_thousand_strikes_stay_a_small_file(tmp_path):
    plot(played(10_000, 1200.0), tmp_path / "long.svg")
    assert 100_000 < (tmp_path / "long.svg").stat().st_size < 2_000_000


def test_a_png_shows_the_picture_with_its_words(tmp_path):
    """A machine without fonts would draw no words, and two titles would give the same pixels."""
    pictures = []
    for number, title in enumerate(("One", "Two", "Two")):
        plot(played(30, 10.0, title), tmp_path / f"{number}.PNG")
        pictures.append((tmp_path / f"{number}.PNG").read_bytes())
    assert pictures[0][:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", pictures[0][16:24]) == (2400, 1308)
    assert pictures[0] != pictures[1]
    assert pictures[1] == pictures[2]
    plot(played(15, 10.0, "Two"), tmp_path / "fewer.png")
    assert len((tmp_path / "fewer.png").read_bytes()) < len(pictures[1])


def test_a_png_without_the_extra_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(MissingExtra, match="-m pip install resvg-py font-source-sans-pro"):
        plot(played(3, 1.0), tmp_path / "out.png")
    plot(played(3, 1.0), tmp_path / "out.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["out.svg"]


@pytest.mark.parametrize("name", ["out.pdf", "out", "svg"])
def test_another_ending_is_refused(tmp_path: Path, name):
    with pytest.raises(OptionError, match=r"\.svg and \.png"):
        plot(played(3, 1.0), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_file_is_named(tmp_path):
    with pytest.raises(FileError, match="its folder does not exist"):
        plot(played(3, 1.0), tmp_path / "nowhere" / "out.svg")
