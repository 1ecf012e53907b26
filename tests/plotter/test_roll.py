"""The picture of an arrangement: what stands where on the roll, and how it stays readable."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given

from arranger.melodies import layouts, line, song_of, songs, together
from counts import examples
from xylophone import Song, arrange, build_instrument, load_song, songs as own_songs
from xylophone.arranger import PRESETS
from xylophone.errors import FileError, OptionError
from xylophone.plotter.roll import COLOURS, WRITTEN, draw_arrangement, plot_arrangement
from xylophone.tables import Priority

SVG = "{http://www.w3.org/2000/svg}"
ALARM, BARS = "#d92d20", "#edf3f9"
BELL, WHITE = build_instrument("song-bell"), build_instrument("diatonic-15")
TUNE = (72, 74, 76, 72, 76, 77, 79, 79, 77, 76, 74, 76, 72, 72, 71, 72)


def paths(svg: str, colour: str, drawn: str) -> list[list[float]]:
    """Return the numbers of each mark of a colour that ends as `drawn` says, below the heading."""
    found = []
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        for path in group.iter(f"{SVG}path"):
            if path.get("stroke") == colour:
                marks = re.findall(rf"M([^M]*?{drawn}[^M]*)", path.get("d", ""))
                found += [[float(number) for number in re.findall(r"-?[\d.]+", mark)] for mark in marks]
    return found


def dots(svg: str, priority: Priority) -> list[list[float]]:
    return [mark[:2] for mark in paths(svg, COLOURS[priority], "h0")]


def words(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_note_that_fits_begins_with_its_dot() -> None:
    svg = draw_arrangement(arrange(song_of(line(*TUNE)), BELL))
    struck, written = dots(svg, Priority.MELODY), paths(svg, WRITTEN, "H")
    assert len(struck) == len(written) == len(TUNE)
    for (x, y), (begin, height, end) in zip(sorted(struck), sorted(written), strict=True):
        assert (x, y) == (begin, height)
        assert end > begin
    assert paths(svg, COLOURS[Priority.MELODY], "V") == []
    heights = [y for _, y in sorted(struck)]
    assert np.argsort(heights, kind="stable").tolist() == np.argsort(-np.array(TUNE), kind="stable").tolist()


def test_a_folded_note_hangs_on_a_thread_and_a_dropped_one_is_a_cross() -> None:
    """On white bars: a note two octaves too low, and one whose name no bar has."""
    other = song_of([(0.25, 48), (1.0, 54)], track=1)
    tune = song_of(line(*(pitch + 12 for pitch in TUNE)))
    arrangement = arrange(together(tune, other, names={0: "Melody"}), WHITE, transpose=12)
    svg = draw_arrangement(arrangement)
    threads = [thread for p in Priority for thread in paths(svg, COLOURS[p], "V")]
    moved = [c for c in arrangement.changes if c.bar is not None and c.bar != c.wanted]
    assert len(threads) == len(moved) == 1
    assert threads[0][1] - threads[0][2] == pytest.approx((moved[0].bar - moved[0].wanted) * 7.0, abs=0.2)
    assert len(paths(svg, ALARM, "l")) == sum(arrangement.dropped.values()) == 1


def test_drums_are_not_drawn_and_what_was_muted_is_no_loss() -> None:
    song = together(song_of(line(*TUNE)), song_of(line(36, 36), channel=9), song_of(line(60), track=1))
    svg = draw_arrangement(arrange(song, BELL, mute_tracks=[1]))
    assert len(paths(svg, WRITTEN, "H")) == len(TUNE) + 1
    assert paths(svg, ALARM, "l") == []


def test_the_bars_are_shaded_and_holes_are_not() -> None:
    def shaded(layout: str) -> int:
        page = ElementTree.fromstring(draw_arrangement(arrange(song_of(line(72)), build_instrument(layout))))
        return len([box for box in page.iter(f"{SVG}rect") if box.get("fill") == BARS])

    assert (shaded("song-bell"), shaded("diatonic-15")) == (1, 11)


def test_voices_and_renewals_look_different() -> None:
    held = arrange(song_of([(0.0, 72), (4.0, 76)], duration=3.0), BELL, weights=PRESETS["virtuoso"])
    page = ElementTree.fromstring(draw_arrangement(held))
    (group,) = page.iter(f"{SVG}g")
    widths = {path.get("stroke-width"): path.get("d", "") for path in group.iter(f"{SVG}path")}
    assert widths["6.0"].count("M") == 2
    assert widths["2.6"].count("M") == held.again


def test_measures_are_numbered_and_lines_begin_with_one() -> None:
    """100 s of 4/4 at 120 bpm: 50 measures, on five lines."""
    svg = draw_arrangement(arrange(song_of(line(*(TUNE * 13)[:200])), BELL))
    told = words(svg)
    assert told.count("measure") == 5
    numbers = [int(word) for word in told if word.isdigit()]
    assert numbers == sorted(set(numbers))
    assert (numbers[0], len(numbers)) == (1, 50)
    assert "0:00 to 0:20" in told


def test_what_was_done_is_told_in_the_heading() -> None:
    song = song_of(line(*(pitch - 12 for pitch in TUNE)))
    told = words(draw_arrangement(arrange(Song(song.notes, title="Für <Elise> ♯"), BELL)))
    assert {"Für <Elise> #", "song-bell", "melody", "bass", "inner voices", "dropped"} <= set(told)
    (line_,) = [line_ for line_ in told if line_.startswith("score")]
    assert line_.split("  ·  ")[:3] == ["score 100 of 100", "melody from track 0", "up an octave"]


@examples(40)
@given(songs(), layouts)
def test_every_strike_is_a_dot_and_every_loss_a_cross(song: Song, instrument) -> None:
    arrangement = arrange(song, instrument, weights=PRESETS["virtuoso"])
    svg = draw_arrangement(arrangement)
    assert sum(len(dots(svg, priority)) for priority in Priority) == len(arrangement.notes)
    lost = np.count_nonzero((arrangement.roles != 255) & (arrangement.struck < 0))
    assert len(paths(svg, ALARM, "l")) == lost
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        texts = [text for text in group.iter(f"{SVG}text") if text.get("text-anchor") == "middle"]
        places = sorted(float(text.attrib["x"]) for text in texts)
        assert not len(places) > 1 or np.diff(places).min() > 12.0


def test_a_long_song_stays_a_page_of_twelve_lines(tmp_path: Path) -> None:
    song = song_of([(0.06 * n, 60 + n % 37) for n in range(20_000)])
    plot_arrangement(arrange(song, BELL), tmp_path / "long.svg")
    assert words((tmp_path / "long.svg").read_text()).count("measure") == 12
    assert (tmp_path / "long.svg").stat().st_size < 3_000_000


def test_a_song_of_the_project_becomes_a_png_and_an_svg(tmp_path: Path) -> None:
    (path,) = [entry.path for entry in own_songs() if entry.name == "danse_macabre"]
    arrangement = arrange(load_song(path), WHITE)
    for name in ("out.PNG", "out.svg"):
        plot_arrangement(arrangement, tmp_path / name)
    assert (tmp_path / "out.PNG").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (tmp_path / "out.svg").read_text() == draw_arrangement(arrangement)


def test_a_name_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    arrangement = arrange(song_of(line(72)), BELL)
    with pytest.raises(OptionError, match=r"\.svg and \.png"):
        plot_arrangement(arrangement, tmp_path / "out.pdf")
    with pytest.raises(FileError, match="its folder does not exist"):
        plot_arrangement(arrangement, tmp_path / "no" / "out.svg")
    assert list(tmp_path.iterdir()) == []
