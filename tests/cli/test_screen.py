"""Bars that light up, the status line, and tables."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import select
import struct
import sys
import termios
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

import programs
from xylophone.cli.screen import GLOW, Lights, bars, fit, status
from xylophone.instrument import build_instrument
from xylophone.player import PlayerState, Snapshot
from xylophone.tables import HIT
from xylophone.words import clock_time

INSTRUMENT = build_instrument()
NAMES = [hammer.name for hammer in INSTRUMENT.hammers]


def drawn(what: RenderableType, width: int) -> list[str]:
    """Return lines as a terminal of this width shows them."""
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=False).print(what)
    return out.getvalue().splitlines()


def hit(time: float, channel: int) -> np.ndarray:
    return np.array([(time, -3.0, 0, channel, False)], HIT)


def test_a_bar_lights_at_its_hit_and_fades() -> None:
    lights = Lights(INSTRUMENT)
    lights.hit(hit(1.0, 5))
    moments = (0.99, 1.0, 1.0 + 0.8 * GLOW, 1.0 + GLOW)
    before, struck, later, after = (lights.shades(now) for now in moments)
    assert not any(before)
    assert [place for place, shade in enumerate(struck) if shade] == [5]
    assert later[5]
    assert later[5] != struck[5]
    assert not any(after)


def test_a_late_report_of_an_earlier_hit_does_not_darken_a_bar() -> None:
    lights = Lights(INSTRUMENT)
    lights.hit(hit(2.0, 5))
    lights.hit(hit(1.0, 5))
    assert lights.shades(2.1)[5]


@pytest.mark.parametrize("width", [20, 31, 80, 200])
@pytest.mark.parametrize("layout", ["song-bell", "diatonic-15", "glockenspiel-37"])
def test_bars_never_break_a_line_of_a_terminal_that_has_room_for_them(layout: str, width: int) -> None:
    instrument = build_instrument(layout)
    names = [hammer.name for hammer in instrument.hammers]
    lines = drawn(bars(names, [""] * len(names), width), width)
    if width > len(instrument):
        assert len(lines) == 5
        assert sum(name in lines[1] for name in "ABCDEFG") == 7
    assert max(len(line) for line in lines) <= width


def test_the_status_names_place_and_manner() -> None:
    place = {"position": 65.0, "duration": 130.0, "measure": 12, "beat": 3.5}
    manner = {"tempo_bpm": 90.0, "speed": 1.0, "volume": 0.8, "transpose": 0}
    shot = Snapshot(state=PlayerState.PAUSED, piece=1, pieces=3, title="Tune", **place, **manner)
    first, second = drawn(status(shot, 80, "2/3"), 80)
    assert first == "Tune (2/3)  measure 12, beat 3  90 bpm, volume 0.80  paused"
    assert second.count("━") == second.count("─") == 30
    assert second.endswith("1:05 / 2:10")


@pytest.mark.parametrize("width", [6, 8, 9, 20, 33, 47, 80])
@pytest.mark.parametrize(
    "title", ["Tune", "A title longer than a narrow terminal is wide, and more", "日本語の曲" * 8]
)
def test_the_state_is_read_at_every_width_and_the_title_yields(title: str, width: int) -> None:
    shot = Snapshot(PlayerState.PAUSED, 0, 3, title, 3.0, 9.0, 12, 1.5, 120.0, 1.0, 1.0, 0)
    first = drawn(status(shot, width, "1/3"), width)[0]
    assert first.endswith("paused"[:width])
    assert cell_len(first) <= width
    assert "measure 12, beat 1" in first or width < 47
    assert first.startswith(title[:2]) or width < 20


def test_the_size_of_the_terminal_holds_and_not_what_a_shell_once_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("LINES", "10")
    ours, theirs = pty.openpty()
    with open(theirs, "w") as file:
        console = Console(file=file)
        for width, new in [(60, True), (60, False), (90, True)]:
            fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 30, width, 0, 0))
            assert (fit(console), console.width, console.height) == (new, width, 30)
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
        assert (fit(console), console.width) == (False, 90)
    os.close(ours)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65.9, "1:05"), (3605, "1:00:05")])
def test_times_read_as_clocks_do(seconds: float, text: str) -> None:
    assert clock_time(seconds) == text


def test_without_colour_a_struck_bar_is_still_seen() -> None:
    shades = ["x" if place == 5 else "" for place in range(30)]
    lines = drawn(bars(NAMES, shades, 100, colour=False), 100)
    assert "█" in lines[0]
    assert lines[0].index("█") == 5 * 3
    assert lines[0].count("·") == 29 * 2


READ_KEYS = """
import threading
from xylophone.cli.screen import reading_keys
ended = threading.Event()
with reading_keys(lambda key: (print(key, flush=True), key == "q" and ended.set())):
    ended.wait()
"""


def test_keys_are_read_at_once_from_a_terminal_that_answers_no_question() -> None:
    ours, theirs = pty.openpty()
    plain = {name: value for name, value in os.environ.items() if name != "TERM_PROGRAM"} | {"TERM": "xterm"}
    command = [sys.executable, "-c", READ_KEYS]
    with programs.Program(command, stdin=theirs, stdout=theirs, stderr=theirs, env=plain) as reader:
        os.close(theirs)
        shown = b""
        while b"q\r\n" not in shown:  # what is typed before keys are read is thrown away
            os.write(ours, b"\x1b[D=q")
            if select.select([ours], [], [], 0.1)[0]:
                shown += os.read(ours, 4096)
    os.close(ours)
    assert reader.returncode == 0
    assert b"left\r\n+\r\nq\r\n" in shown
    assert b"\x1bP" not in shown  # a question
    assert b"\x1b[>" not in shown


def test_of_a_song_that_keeps_no_beat_no_measure_is_shown() -> None:
    shot = Snapshot(PlayerState.PLAYING, 0, 1, "Aria", 3.0, 9.0, None, None, 120.0, 1.0, 1.0, 0)
    assert "measure" not in str(status(shot, 80))
    assert "measure 2, beat 1" in str(status(replace(shot, measure=2, beat=1.5), 80))
