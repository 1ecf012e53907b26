"""`xylophone tune hand`: keys on a virtual clock and what sounds then; the program in a terminal."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import forking
import programs
from xylophone.backends.contract import Fault
from xylophone.backends.simulated import SimulatedBackend
from xylophone.calibration.file import default_calibration, read_calibration, write_calibration
from xylophone.calibration.values import Calibration
from xylophone.cli.incidents import StoppedBy, with_words
from xylophone.cli.stage import Stage
from xylophone.cli.tune import hand as screen
from xylophone.cli.tune.hand import HELP, lines, unsaved_words, write
from xylophone.cli.tune.hand_session import ACTS, HandSession
from xylophone.cli.tune.kept import present
from xylophone.cli.tune.striker import Striker
from xylophone.clock import VirtualClock
from xylophone.config import Settings
from xylophone.errors import BackendError, BackendMissing, CalibrationError, FileError
from xylophone.instrument import Instrument, build_instrument
from xylophone.simulation.hammers import Twin
from xylophone.tuning.by_ear import ByEar
from xylophone.tuning.edits import later, middle

INSTRUMENT = build_instrument()
DEFAULT = default_calibration(INSTRUMENT)
C6 = INSTRUMENT.index("C6")

NEAR = 0.001
"""s; average hammers without scatter sound as near to their plan as the default curves know them."""

Run = Callable[..., Any]


class Bench:
    """A session at simulated hammers, all average and without scatter, on a virtual clock."""

    def __init__(self, instrument: Instrument = INSTRUMENT, **begin: Any) -> None:
        twin = Twin(instrument, tolerance=0.0, scatter_time=0.0, scatter_level_db=0.0)
        self.backend = SimulatedBackend(instrument, VirtualClock(), twin)
        self.stage = Stage(self.backend, twin)
        self.saved: list[Calibration] = []
        by_ear = ByEar.begin(instrument, default_calibration(instrument), begin.pop("place", C6), **begin)
        self.session = HandSession(self.stage, by_ear, self.keep)

    def keep(self, _begun: Calibration, calibration: Calibration) -> str:
        self.saved.append(calibration)
        return "wrote it"

    def press(self, *keys: str, seconds: float = 0.0) -> None:
        """Press keys, one after the other without a pause, then let time pass."""
        for key in keys:
            self.session.press(key)
        self.wait(seconds)

    def wait(self, seconds: float) -> None:
        end = self.backend.now() + seconds
        while self.backend.now() < end:
            self.session.look()
            self.backend.clock.wait_until(min(end, self.backend.now() + screen.STEP))
        self.session.look()

    def heard(self, since: float = 0.0) -> list[tuple[float, str]]:
        """Return time and bar of all first blows from then on."""
        names = {hammer.channel: hammer.name for hammer in self.backend.instrument.hammers}
        hits = self.backend.outcome().hits
        hits = hits[~hits["double"] & (hits["time"] >= since)]
        return [(hit["time"], names[int(hit["channel"])]) for hit in hits]

    def bars(self, since: float = 0.0) -> list[str]:
        return [name for _, name in self.heard(since)]


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    with made.backend:
        yield made
        report = made.backend.report()
        assert (report.late, report.refused) == (0, {})


# What is struck


def test_space_strikes_at_once(bench: Bench) -> None:
    bench.wait(1.0)
    assert bench.heard() == []
    bench.press("space", seconds=1.0)
    ((moment, name),) = bench.heard()
    assert name == "C6"
    assert 1.0 < moment < 1.25


def test_every_change_is_heard_unless_auto_is_off(bench: Bench) -> None:
    bench.press("right", seconds=0.5)
    bench.press("up", seconds=0.5)
    bench.press("n", seconds=0.5)
    bench.press("o", seconds=0.5)
    assert bench.bars() == ["C6", "C6", "C#6", "C#6"]
    bench.press("a", "left", "u", "o", seconds=1.0)
    assert len(bench.bars()) == 4
    bench.press("space", seconds=1.0)
    assert len(bench.bars()) == 5


def test_a_key_that_is_held_strikes_no_faster_than_it_is_heard(bench: Bench) -> None:
    for _ in range(60):
        bench.press("right", seconds=1 / 30)
    bench.wait(0.5)
    times = [moment for moment, _ in bench.heard()]
    assert 8 <= len(times) <= 20
    assert np.diff(times).min() > 0.1
    assert bench.session.message == ""
    assert bench.session.by_ear.unsaved == {"C6": "latency +6 ms"}


def test_what_cannot_be_done_is_told_and_not_struck(bench: Bench) -> None:
    bench.press("u", seconds=1.0)
    assert bench.session.message.startswith("nothing to undo")
    assert bench.heard() == []
    bench.press("x", "tab", "enter", "escape", "", seconds=1.0)
    assert (bench.session.message, bench.heard()) == ("", [])


def test_in_turn_it_goes_on_evenly_until_it_is_ended(bench: Bench) -> None:
    bench.press("t", seconds=3.0)
    times, names = zip(*bench.heard(), strict=True)
    assert len(names) >= 10
    assert list(names[:6]) == ["B5", "C6", "C#6"] * 2
    assert np.diff(times) == pytest.approx(0.25, abs=NEAR)
    bench.press("t", seconds=1.0)
    assert bench.bars(bench.backend.now() - 0.5) == []


def test_a_change_is_heard_from_the_next_beat_on_and_breaks_no_rhythm(bench: Bench) -> None:
    """1 ms more latency: from then on the bar sounds 1 ms before its beat, its neighbours on it."""
    bench.press("t", seconds=3.0)
    began = bench.backend.now() + 0.3
    bench.press(">", seconds=3.0)
    before = {name: moment for moment, name in bench.heard() if moment < began - 0.3}
    for moment, name in bench.heard(began):
        early = -0.001 if name == "C6" else 0.0
        beats = (moment - before[name] - early) / 0.75
        assert abs(beats - round(beats)) * 0.75 < NEAR / 2, name
    assert len(bench.heard(began)) >= 10


def test_hammers_that_play_on_are_known_to_be_no_longer_rested(bench: Bench) -> None:
    """Curves that are replaced again and again must not start from rested hammers each time."""
    bench.press("t", seconds=8.0)
    began = bench.backend.now()
    for _ in range(10):
        bench.press("right", "left", seconds=0.3)
    moments = [moment for moment, _ in bench.heard(began)]
    assert np.diff(moments) == pytest.approx(0.25, abs=NEAR / 2)


def test_together_both_sound_at_one_instant(bench: Bench) -> None:
    bench.press("c", seconds=3.0)
    heard = bench.heard()
    pairs = list(zip(heard[::2], heard[1::2], strict=True))
    assert len(pairs) >= 5
    for (first, one), (second, other) in pairs:
        assert {one, other} == {"B5", "C6"}
        assert second - first < NEAR
    assert np.diff([first for (first, _), _ in pairs]) == pytest.approx(0.5, abs=NEAR)


def test_a_latency_that_is_wrong_is_heard_against_the_reference(bench: Bench) -> None:
    bench.press("c", ">", ">", ">", ">", ">", seconds=4.0)
    moments = {name: moment for moment, name in bench.heard(2.0)}
    assert moments["B5"] - moments["C6"] == pytest.approx(0.005, abs=NEAR)
    bench.press("o", seconds=2.0)
    old = {name: moment for moment, name in bench.heard(bench.backend.now() - 1.0)}
    assert abs(old["B5"] - old["C6"]) < NEAR


def test_space_while_it_repeats_says_how_to_end_it(bench: Bench) -> None:
    bench.press("t", "space")
    assert bench.session.message == "it sounds in turn again and again: t or c ends that"


def test_a_wild_latency_in_the_middle_of_a_pattern_harms_nothing(bench: Bench) -> None:
    """No pulse out of order or into one that is on: see the fixture; the fewer strikes are told."""
    bench.press("t", seconds=1.0)
    for text in ("300", "4.9", "150", "18"):
        bench.press(*text, "enter", seconds=1.3)
    bench.wait(2.0)
    assert bench.bars(bench.backend.now() - 0.9)[:3] != []


def test_a_pulse_of_other_curves_never_meets_one_that_was_sent(bench: Bench) -> None:
    """By the new curves its coil would go on while the old pulse is still to come: it is left out."""
    striker = Striker(bench.stage, DEFAULT)
    _, first = striker.strike(DEFAULT, [C6], 80.0)
    slow = later(DEFAULT, C6, 0.3)
    begins = first.rows["start"][0] + 0.005
    _, plan = striker.strike(slow, [C6], 80.0, begins + 0.3 + middle(DEFAULT, C6)[2])
    assert plan.refusals == {"late": 1}
    _, again = striker.strike(slow, [C6], 80.0, begins + 0.8)
    assert again.refusals == {}


@pytest.mark.parametrize("kind", ["zye1-0530", "jf-0530b", "jf-0530b-24v"])
def test_any_keys_in_any_order_keep_the_laws(kind: str) -> None:
    made = Bench(build_instrument(kind=kind))
    chance = np.random.default_rng(5)
    keys = ["space", "a", "x", *ACTS, "t", "c", "t", "c"]
    typed = [[*text, "enter"] for text in ("18", "20.5", "40", "12", "90")]
    with made.backend:
        for number in chance.integers(0, len(keys) + len(typed), 60):
            press = [*([key] for key in keys), *typed][number]
            made.press(*press, seconds=float(chance.choice([0.0, 0.02, 0.2, 0.5])))
        made.wait(1.0)
        report = made.backend.report()
        assert (report.late, report.refused) == (0, {})
        assert report.pulses > 15


# Typing, saving, quitting


def test_a_latency_is_typed(bench: Bench) -> None:
    bench.press(*"19,45", "backspace", "right", seconds=0.1)
    assert bench.session.typed == "19.4"
    bench.press("enter")
    assert (bench.session.typed, bench.session.by_ear.latency) == ("", pytest.approx(0.0194))
    bench.press("1", "escape", *"2", "exit", *"3", "backspace")
    assert bench.session.by_ear.latency == pytest.approx(0.0194)
    assert bench.session.typed == ""
    bench.press(*"1..", "enter")
    assert bench.session.message == "1.. is no number: type a latency in ms, such as 18.4"
    bench.press(*"99999", "enter")
    assert "must stay in 0..500 ms" in bench.session.message


def test_saving_hands_over_the_new_curves_also_while_old_ones_are_heard(bench: Bench) -> None:
    bench.press("right", "o", "s")
    assert bench.session.message == "wrote it"
    assert middle(bench.saved[0], C6)[2] == pytest.approx(middle(DEFAULT, C6)[2] + 1e-4)
    assert unsaved_words(bench.session.by_ear) == ""
    bench.press("q")
    assert bench.session.ended


def test_what_cannot_be_saved_is_told_and_stays_unsaved(bench: Bench) -> None:
    def fail(_begun: Calibration, _calibration: Calibration) -> str:
        raise FileError("cannot write c.toml: the disk is full")

    bench.session._save = fail
    bench.press("right", "s")
    assert bench.session.message == "cannot write c.toml: the disk is full"
    assert unsaved_words(bench.session.by_ear) == "C6 latency +0.1 ms"
    bench.press("q", "s")
    assert not bench.session.ended


def test_quit_asks_only_when_something_is_not_saved(bench: Bench) -> None:
    bench.press("right", "q")
    assert not bench.session.ended
    assert bench.session.message.startswith("not saved: C6: s saves and quits")
    bench.press("q", seconds=1.0)
    assert (bench.session.ended, bench.session.asking) == (False, False)
    bench.press("q", "s")
    assert (bench.session.ended, len(bench.saved)) == (True, 1)


def test_quit_without_saving(bench: Bench) -> None:
    bench.press("right", "q", "Q")
    assert (bench.session.ended, bench.saved) == (True, [])


def test_a_fatal_fault_ends_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.backend, "poll", lambda: (Fault(0.0, "the board is gone", True),))
    with pytest.raises(BackendError, match="the board is gone"):
        bench.session.look()


@pytest.mark.parametrize(
    ("leaving", "code", "line"),
    [
        (BackendMissing("the board is gone"), 3, "the board is gone; not saved: C6 latency +1 ms"),
        (SystemExit(129), 129, "stopped by a signal; not saved: C6 latency +1 ms"),
    ],
)
def test_whatever_ends_it_the_last_line_names_what_is_not_saved(
    leaving: BaseException, code: int, line: str
) -> None:
    ended: Any = with_words(leaving, "not saved: C6 latency +1 ms")
    assert (str(ended), ended.code if isinstance(ended, StoppedBy) else ended.exit_code) == (line, code)


# The screen


def drawn(session: HandSession, width: int = 80) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=False).print(
        lines(session, width, unsaved_words(session.by_ear))
    )
    return out.getvalue().splitlines()


def test_the_screen_shows_what_there_is(bench: Bench) -> None:
    bench.press("right", "up", "c", "a", "n", "o")
    mark, *rows = drawn(bench.session)
    assert mark == f"{' ' * 2 * (C6 + 1)}^ C#6"
    told = {row[:10].strip(): row[10:] for row in rows[:7]}
    assert told == {
        "bar": "C#6, 19 of 30, channel 18",
        "latency": "18.23 ms, at the middle of its loudness",
        "pulses": "9.69..14.43 ms, softest..loudest; limits 6..22 ms",
        "velocity": "85; struck with space only",
        "heard": "together with C6; reference C6",
        "curves": "OLD, as at the beginning; o returns to the new ones",
        "unsaved": "C6 latency +0.1 ms",
    }


def test_the_screen_shows_what_is_typed(bench: Bench) -> None:
    bench.press(*"18.")
    assert drawn(bench.session)[-1] == "latency 18._ ms: enter sets it, escape leaves it"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_screen_fits(bench: Bench, width: int) -> None:
    for _ in range(12):
        bench.press("right", "+", "k", "n")
    bench.press("q")
    assert max(len(line) for line in drawn(bench.session, width)) <= width
    if width >= 80:
        assert len(drawn(bench.session, width)) + 5 <= 24


def test_every_key_stands_in_the_help() -> None:
    words = " ".join(HELP).split()
    assert not [key for key in (*ACTS, "space", "a", "s", "q") if key not in words]
    assert max(map(len, HELP)) <= 80


def test_the_chosen_bar_is_the_first_of_what_is_not_saved(bench: Bench) -> None:
    bench.press("right", "n", "left")
    assert unsaved_words(bench.session.by_ear) == "C#6 latency -0.1 ms; C6 latency +0.1 ms"


# The command


def test_without_a_terminal_it_says_what_to_use(xylophone: Run) -> None:
    ran = xylophone("tune", "hand", "C6")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert "xylophone tune set C6 --later-ms 0.5" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["H6"], 2, "'H6' is no pitch"),
        (["C1"], 1, "no bar C1"),
        (["C6", "--velocity", "0"], 2, "--velocity 0 is out of range: give 1..127"),
        (["C6", "--reference", "84"], 2, "--reference 84 is the bar that is tuned"),
        (["C6", "--reference", "C1"], 1, "no bar C1"),
        (["C6", "--instrument", "diatonic-15"], 2, "--calibration"),
    ],
)
def test_what_is_wrong_is_one_line(xylophone: Run, arguments: list[str], code: int, words: str) -> None:
    ran = xylophone("tune", "hand", *arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1)
    assert words in ran.err


UNDO = "xylophone tune undo"


def test_edits_begin_from_the_whole_file(tmp_path: Path) -> None:
    wide = later(default_calibration(build_instrument("glockenspiel-37")), 3, 0.001)
    write_calibration(path := tmp_path / "c.toml", wide)
    found = Settings(build_instrument("glockenspiel-25"))
    calibration = present(found, path)
    assert calibration.hammers == wide.hammers
    assert write(found, path, calibration, calibration, UNDO) == f"wrote {path}; {UNDO} takes it back"
    again = read_calibration(path)
    assert (again.hammers, again.backend) == (wide.hammers, "sim:")


def test_a_file_that_is_not_there_yet_is_begun(tmp_path: Path) -> None:
    path = tmp_path / "new" / "c.toml"
    found = Settings(INSTRUMENT, calibration=path, backend="gpio:null")
    calibration = present(found, path)
    assert calibration.hammers == DEFAULT.hammers
    write(found, path, calibration, calibration, UNDO)
    assert path.exists()


def test_what_another_program_changes_meanwhile_stays(tmp_path: Path) -> None:
    found = Settings(INSTRUMENT, backend="gpio:null")
    write_calibration(path := tmp_path / "c.toml", DEFAULT)
    begun = present(found, path)
    mine = later(begun, C6, 0.001)
    write_calibration(path, later(later(begun, 3, 0.002), C6, 0.002))
    write(found, path, begun, mine, UNDO)
    new = read_calibration(path)
    assert new.latency[C6] - DEFAULT.latency[C6] == pytest.approx(0.001)
    assert new.latency[3] - DEFAULT.latency[3] == pytest.approx(0.002)


def test_a_file_of_another_instrument_is_refused(tmp_path: Path) -> None:
    write_calibration(path := tmp_path / "c.toml", default_calibration(build_instrument("diatonic-15")))
    with pytest.raises(CalibrationError, match=r"is for another instrument, 15 .* not 30 "):
        present(Settings(INSTRUMENT), path)


# The program in a terminal


class Terminal:
    """The program in a pseudo-terminal of 80 by 24: keys go in, and what it writes comes out."""

    def __init__(self, folder: Path, cache: Path, *arguments: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "XYLO"))}
        more = {"HOME": str(folder), "XDG_CACHE_HOME": str(cache), "TERM": "xterm", "NO_COLOR": "1"}
        own = kept | more | {"COLUMNS": "80", "LINES": "24"}
        self.text = ""
        self.end, theirs = pty.openpty()
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
        self.fork = forking.Fork(["tune", "hand", *arguments], env=own, cwd=folder, leads=True, **streams)
        os.close(theirs)

    def await_words(self, words: str, since: int = 0) -> int:
        """Read until these words have come after a place in the text; return the place behind them."""
        until = time.monotonic() + programs.PATIENCE
        while words not in self.text[since:]:
            ready, _, _ = select.select([self.end], [], [], 1.0)
            assert time.monotonic() < until, self.text[-3000:]
            if ready:
                self.text += self._read()
        return self.text.index(words, since) + len(words)

    def press(self, keys: str) -> None:
        os.write(self.end, keys.encode())

    def code(self) -> int:
        """Read to the end, and return the exit code."""
        until = time.monotonic() + programs.PATIENCE
        while time.monotonic() < until:
            if select.select([self.end], [], [], 1.0)[0]:
                if not (more := self._read()):
                    break
                self.text += more
        else:
            self.fork.kill()
        os.close(self.end)
        return self.fork.wait()

    def _read(self) -> str:
        try:
            read = os.read(self.end, 65536).decode(errors="replace")
        except OSError:  # Linux, when the program has left
            return ""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", read)


def test_a_session_in_a_terminal(tmp_path: Path, cache: Path) -> None:
    terminal = Terminal(tmp_path, cache, "C6", "--mute")
    seen = terminal.await_words("unsaved   nothing")
    terminal.press("\x1b[C>")  # right, 1 ms more
    seen = terminal.await_words("unsaved   C6 latency +1.1 ms", seen)
    terminal.press("d1\r")
    seen = terminal.await_words("must stay in 0..500 ms", seen)
    terminal.press("us")
    seen = terminal.await_words("wrote ", seen)
    terminal.press("q")
    assert terminal.code() == 0
    path = tmp_path / ".config" / "xylophone" / "calibration-sim.toml"
    assert terminal.text.rstrip().endswith(f"C6 latency +1.1 ms; wrote {path}; all coils are off")
    calibration = read_calibration(path)
    assert (calibration.origin[C6], calibration.backend) == ("set", "sim:")


@pytest.mark.parametrize(("number", "code", "by"), [(None, 130, "Ctrl-C"), (signal.SIGTERM, 143, "a signal")])
def test_a_signal_ends_it_and_names_what_is_not_saved(
    tmp_path: Path, cache: Path, number: signal.Signals | None, code: int, by: str
) -> None:
    terminal = Terminal(tmp_path, cache, "C6", "--mute")
    terminal.await_words("unsaved   nothing")
    terminal.press("t>")
    terminal.await_words("unsaved   C6 latency +1 ms")
    if number is None:
        terminal.press("\x03")
    else:
        terminal.fork.send_signal(number)
    assert terminal.code() == code
    last = f"xylophone: stopped by {by}; all coils are off; not saved: C6 latency +1 ms"
    assert terminal.text.rstrip().splitlines()[-1].endswith(last)
