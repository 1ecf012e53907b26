"""`xylophone tune hand`: a hammer tuned by ear, in the terminal: strike, listen, nudge, compare, save."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from ...errors import BackendError, CalibrationError, OptionError, XylophoneError
from ...running import leaving_on_signals, playing
from ...tuning.by_ear import ByEar, Company
from ..options import calibration_of, setting_options
from ..outcome import line_words, not_played, tell
from ..screen import bars, busy, keyboard
from ..stage import Stage, open_stage, sounding
from ..striking import STEP
from .change import place as place_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...calibration import Calibration
    from ...config import Settings
    from ...sequencer import Plan, Planner

MARGIN = 0.05
"""s between planning a strike and its earliest coil going on."""

KNOWN = 600.0
"""s of strikes that a new plan is told of: warmth of coils fades with this time."""

ACTS: dict[str, tuple[Callable[[ByEar], ByEar], str]] = {
    "left": (lambda now: now.nudge_latency(-1e-4), "latency 0.1 ms shorter: struck later"),
    "right": (lambda now: now.nudge_latency(1e-4), "latency 0.1 ms longer: struck earlier"),
    "<": (lambda now: now.nudge_latency(-1e-3), "latency 1 ms shorter"),
    ">": (lambda now: now.nudge_latency(1e-3), "latency 1 ms longer"),
    "d": (lambda now: now.nudge_softest(-1e-4), "softest pulse 0.1 ms shorter"),
    "f": (lambda now: now.nudge_softest(1e-4), "softest pulse 0.1 ms longer"),
    "j": (lambda now: now.nudge_loudest(-1e-4), "loudest pulse 0.1 ms shorter"),
    "k": (lambda now: now.nudge_loudest(1e-4), "loudest pulse 0.1 ms longer"),
    "-": (lambda now: now.louder(-0.5), "0.5 dB softer"),
    "+": (lambda now: now.louder(0.5), "0.5 dB louder"),
    "=": (lambda now: now.louder(0.5), "0.5 dB louder"),  # the same key as + on many keyboards
    "up": (lambda now: now.strike_at(now.velocity + 5), "velocity up by 5"),
    "down": (lambda now: now.strike_at(now.velocity - 5), "velocity down by 5"),
    "n": (lambda now: now.choose(now.place + 1), "next bar"),
    "p": (lambda now: now.choose(now.place - 1), "previous bar"),
    "t": (lambda now: now.listen(Company.IN_TURN), "in turn with its neighbours, or alone"),
    "c": (lambda now: now.listen(Company.TOGETHER), "together with the reference, or alone"),
    "r": (lambda now: now.refer(1), "reference a bar higher"),
    "R": (lambda now: now.refer(-1), "reference a bar lower"),
    "o": (lambda now: now.compare(), "old curves, or the new ones"),
    "u": (lambda now: now.undo(), "undo"),
    "U": (lambda now: now.redo(), "redo"),
}
"""Key: what it changes in what is heard, and the words for it."""

HELP = (
    "space strike   n p next, previous bar   up down velocity   a auto-strike",
    "left right latency -+ 0.1 ms   < > -+ 1 ms   digits: type it   (more: earlier)",
    "d f softest pulse -+ 0.1 ms   j k loudest pulse -+ 0.1 ms   - + louder -+ 0.5 dB",
    "t in turn with neighbours   c together with reference   r R reference up, down",
    "o old or new curves   u U undo, redo   s save   q quit",
)


QUESTION = "s saves and quits, Q quits without saving, any other key goes on"


class Striker:
    """Strikes on a stage without waiting, by whatever calibration is in force at each strike."""

    def __init__(self, stage: Stage, calibration: Calibration) -> None:
        from ...strikes import STRIKE

        self._stage = stage
        self._sent = np.zeros(0, STRIKE)
        self._free = -np.inf  # when all coils that were sent a pulse are ready for the next
        self._floor = (
            -np.inf
        )  # earliest start: pulses of other curves may lie differently than is planned for
        self._calibration = calibration
        self._planner = self._new_planner()

    def notice(self, calibration: Calibration) -> float:
        """Return how long before its time a strike must be asked for, in seconds."""
        self._follow(calibration)
        return self._planner.lead + MARGIN

    def strike(
        self, calibration: Calibration, hammers: Sequence[int], velocity: float, at: float = -np.inf
    ) -> tuple[float, Plan]:
        """Strike hammers together at a time, or as soon after as can be; return when, and the plan."""
        from ...strikes import Priority

        backend = self._stage.backend
        time = max(at, backend.now() + self.notice(calibration))
        strikes = np.zeros(len(hammers), self._sent.dtype)
        strikes["time"], strikes["hammer"], strikes["velocity"] = time, hammers, velocity
        strikes["priority"], strikes["source"] = Priority.MELODY, -1
        self._planner.add(strikes)
        plan = self._planner.commit(np.inf, self._floor)
        backend.schedule(plan.pulses)
        self._note(plan)
        return time, plan

    def _note(self, plan: Plan) -> None:
        """Keep what was sent: hammers that have just played answer sooner than rested ones."""
        sent = plan.rows[plan.rows["refused"] == 0]
        strikes = sent[list(self._sent.dtype.names or ())].astype(self._sent.dtype)
        recent = self._sent["time"] > self._stage.backend.now() - KNOWN
        self._sent = np.concatenate((self._sent[recent], strikes))
        rests = self._stage.backend.instrument.column("rest")[sent["hammer"].astype(np.intp)]
        self._free = float((sent["start"] + sent["width"] + rests).max(initial=self._free))

    def _follow(self, calibration: Calibration) -> None:
        """Plan by this calibration from now on."""
        if calibration is not self._calibration:
            self._calibration, self._floor = calibration, self._free
            self._planner = self._new_planner()

    def _new_planner(self) -> Planner:
        """Return a planner that knows what the hammers have been through."""
        from ...sequencer import Planner

        planner = Planner(self._stage.backend.instrument, self._calibration)
        planner.add(self._sent)
        planner.finish()
        return planner


class Session:
    """What keys do and what is struck; `by_ear` is the state, `message` the last thing to be told."""

    def __init__(self, stage: Stage, by_ear: ByEar, save: Callable[[Calibration], str]) -> None:
        self.stage = stage
        self.by_ear = by_ear
        self.auto = True
        self.typed = ""  # a latency in ms, while it is being typed
        self.asking = False  # whether to quit without saving
        self.ended = False
        self.message = ""
        self._save = save
        self._striker = Striker(stage, by_ear.heard)
        self._wanted = False  # a strike, as soon as the one before has sounded
        self._beat = 0  # of the pattern that repeats
        self._next = -np.inf  # when it sounds; of single strikes, when the last has sounded

    def press(self, key: str) -> None:
        """Do what a key means; what cannot be done is told in `message`."""
        self.message = ""
        if self.asking:
            self._answer(key)
        elif self.typed or (key.isdecimal() and key.isascii()):
            self._type(key)
        elif key in ACTS:
            self._act(ACTS[key][0])
        elif key in _OTHERS:
            _OTHERS[key](self)

    def look(self) -> None:
        """Strike what is due, let it be heard and seen; BackendError after which nothing more plays."""
        self._strike_due()
        self.stage.listen()
        faults = self.stage.backend.poll()
        tell(faults)
        for fault in faults:
            if fault.fatal:
                raise BackendError(fault.message)

    def want(self) -> None:
        """Strike once, as soon as what was struck before has sounded."""
        if self.by_ear.pattern.period:
            self.message = f"it sounds {self.by_ear.company} again and again: t or c ends that"
        self._wanted = True

    def save(self) -> None:
        """Write the new calibration, or tell why it cannot be written."""
        try:
            self.message = self._save(self.by_ear.calibration)
        except XylophoneError as error:
            self.message = str(error)
            return
        self.by_ear = self.by_ear.kept()

    def quit(self) -> None:
        """End the session; ask first when something is not saved."""
        if self.by_ear.unsaved:
            self.asking = True
            self.message = f"not saved: {', '.join(self.by_ear.unsaved)}: {QUESTION}"
        else:
            self.ended = True

    def switch_auto(self) -> None:
        """Let every change be followed by a strike, or no more."""
        self.auto = not self.auto

    def _act(self, act: Callable[[ByEar], ByEar]) -> None:
        before = self.by_ear
        try:
            self.by_ear = act(before)
        except (CalibrationError, OptionError) as error:
            self.message = str(error)
            return
        if (before.company, before.place) != (self.by_ear.company, self.by_ear.place):
            self._beat = 0
        self._wanted = self._wanted or self.auto

    def _type(self, key: str) -> None:
        """Take a digit of a latency that is typed, or what ends it."""
        if key == "enter":
            text, self.typed = self.typed, ""
            try:
                latency = float(text) / 1000
            except ValueError:
                self.message = f"{text} is no number: type a latency in ms, such as 18.4"
                return
            self._act(lambda now: now.set_latency(latency))
        elif key in ("escape", "exit"):
            self.typed = ""
        elif key in ("backspace", "delete"):
            self.typed = self.typed[:-1]
        elif key in (*"0123456789", ".", ",") and len(self.typed) < 8:
            self.typed += key.replace(",", ".")

    def _answer(self, key: str) -> None:
        """Take the answer to the question whether to quit."""
        self.asking = False
        if key == "s":
            self.save()
            self.ended = not self.by_ear.unsaved
        elif key == "Q":
            self.ended = True

    def _strike_due(self) -> None:
        now, state = self.stage.backend.now(), self.by_ear
        pattern = state.pattern
        if not pattern.period:
            if self._wanted and self._next <= now:
                self._next = self._strike(0, -np.inf)
                self._wanted = False
            return
        self._wanted = False
        if self._next - self._striker.notice(state.heard) <= now + 2 * STEP:
            self._next = self._strike(self._beat, self._next) + pattern.gap(self._beat)
            self._beat = (self._beat + 1) % len(pattern.beats)

    def _strike(self, number: int, at: float) -> float:
        """Strike a beat of the pattern; return when it sounds."""
        beat = self.by_ear.pattern.beats[number]
        time, plan = self._striker.strike(self.by_ear.heard, beat.hammers, beat.velocity, at)
        for refused in plan.refused:
            self.message = f"{refused.hammer} not struck: {refused.why}"
        return time


_OTHERS: dict[str, Callable[[Session], None]] = {
    "space": Session.want,
    "a": Session.switch_auto,
    "s": Session.save,
    "q": Session.quit,
}


def unsaved_words(by_ear: ByEar) -> str:
    """Return what is not saved in words, the chosen bar first: 'C6 latency +0.3 ms; D6 louder +0.5 dB'."""
    changes = sorted(by_ear.unsaved.items(), key=lambda change: change[0] != by_ear.hammer.name)
    return "; ".join(f"{name} {how}" for name, how in changes)


def lines(session: Session, width: int, unsaved: str) -> RenderableType:
    """Return what stands below the bars: the chosen one marked, its figures, what is not saved, the keys."""
    from rich.console import Group
    from rich.text import Text

    room = max(1, min(4, (width - 1) // len(session.by_ear.instrument)))
    page = Text(no_wrap=True, overflow="ellipsis")
    page.append(f"{' ' * (room * session.by_ear.place)}^ {session.by_ear.hammer.name}\n", "bold")
    for label, text in figures(session.by_ear, session.auto):
        page.append(f"{label:<10}", "dim").append(f"{text}\n")
    page.append(f"{'unsaved':<10}", "dim").append(f"{unsaved or 'nothing'}\n\n", "bold" if unsaved else "")
    page.append("\n".join(HELP), "dim")
    typed = f"latency {session.typed}_ ms: enter sets it, escape leaves it"
    return Group(page, Text(typed if session.typed else session.message, "bold"))


def figures(by_ear: ByEar, auto: bool) -> list[tuple[str, str]]:
    """Return lines about the chosen hammer and how it is struck, each with its label."""
    hammer, hammers = by_ear.hammer, by_ear.instrument.hammers
    low, high = (1e3 * pulse for pulse in by_ear.pulses)
    limits = f"{1e3 * hammer.shortest_pulse:g}..{1e3 * hammer.longest_pulse:g} ms"
    company = {
        Company.ALONE: "alone",
        Company.IN_TURN: f"in turn with {' and '.join(hammers[n].name for n in by_ear.neighbours)}",
        Company.TOGETHER: f"together with {hammers[by_ear.reference].name if len(hammers) > 1 else ''}",
    }[by_ear.company]
    place = f"{by_ear.place + 1} of {len(hammers)}"
    reference = f"; reference {hammers[by_ear.reference].name}" if len(hammers) > 1 else ""
    return [
        ("bar", f"{hammer.name}, {place}, channel {hammer.channel}"),
        ("latency", f"{1e3 * by_ear.latency:.2f} ms, at the middle of its loudness"),
        ("pulses", f"{low:.2f}..{high:.2f} ms, softest..loudest; limits {limits}"),
        ("velocity", f"{by_ear.velocity:g}; struck {'after every change' if auto else 'with space only'}"),
        ("heard", f"{company}{reference}"),
        ("curves", "OLD, as at the beginning; o returns to the new ones" if by_ear.hears_old else "new"),
    ]


@contextmanager
def showing(session: Session) -> Iterator[None]:
    """Draw bars and figures in the terminal while the block runs."""
    from rich.console import Console, Group
    from rich.live import Live

    console, stage = Console(), session.stage
    drawn: dict[str, Any] = {"state": None, "unsaved": ""}

    def draw() -> RenderableType:
        from ...loudspeaker import DELAY

        now = stage.backend.now() - (DELAY if stage.loudspeaker is not None else 0.0)
        if drawn["state"] is not session.by_ear:  # comparing all curves takes longer than drawing
            drawn["state"] = session.by_ear
            drawn["unsaved"] = unsaved_words(session.by_ear)
        shades = stage.lights.shades(now)
        picture = bars(stage.backend.instrument, shades, console.width, not console.no_color)
        return Group(picture, lines(session, console.width, drawn["unsaved"]))

    with Live(
        get_renderable=draw,
        console=console,
        refresh_per_second=20,
        transient=True,
        redirect_stderr=sys.stderr.isatty(),
    ):
        yield


def play_keys(session: Session) -> None:
    """Take keys, read by a thread of their own, and strike until the session ends."""
    clock, backend = session.stage.backend.clock, session.stage.backend
    keys: SimpleQueue[str] = SimpleQueue()
    ended = threading.Event()

    def take(key: str) -> None:
        keys.put(key)
        clock.wake()

    reader = threading.Thread(target=keyboard, args=(take, ended), daemon=True)
    reader.start()
    try:
        while not session.ended:
            while not keys.empty() and not session.ended:
                session.press(keys.get())
            session.look()
            clock.wait_until(backend.now() + STEP)
    finally:
        ended.set()
        reader.join(1.0)


@click.command()
@click.argument("bar", required=False)
@click.option("--velocity", type=float, default=80.0, show_default=True, help="To begin with; 1..127.")
@click.option("--reference", metavar="BAR", help="Bar to strike together with; else the nearest.")
@setting_options
@click.option("--backend", metavar="URL", help="Backend, in place of the configured one.")
@click.option("--mute", is_flag=True, help="No loudspeaker.")
def hand(bar: str | None, velocity: float, reference: str | None, mute: bool, **options: Any) -> None:
    """Tune a hammer by ear: strike it, nudge it, compare, save. The keys stand on the screen.

    Without BAR it begins with the lowest; n and p go to the next and previous one.
    """
    if not 1 <= velocity <= 127:
        raise OptionError(f"--velocity {velocity:g} is out of range: give 1..127")
    found, path = place_of(options)
    place = 0 if bar is None else found.instrument.index(bar)
    other = None if reference is None else found.instrument.index(reference)
    if other == place:
        raise OptionError(f"--reference {reference} is the bar that is tuned: name another bar")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        name = found.instrument.hammers[place].name
        raise OptionError(
            "tuning by hand needs a terminal, for keys and screen: run it in one, "
            f"or give numbers with: xylophone tune set {name} --later-ms 0.5"
        )
    _tune(found, path, place, velocity, other, mute)


def _tune(
    found: Settings, path: Path, place: int, velocity: float, reference: int | None, mute: bool
) -> None:
    session: Session | None = None
    try:
        with leaving_on_signals(), playing(found.backend), open_stage(found) as stage:
            with busy("measuring the simulated hammers", quiet=stage.twin is None):
                calibration = present(found, path, stage)
            by_ear = ByEar.begin(found.instrument, calibration, place, velocity=velocity, reference=reference)
            session = Session(stage, by_ear, lambda new: write(path, new, found.backend))
            with sounding(stage, mute), showing(session):
                play_keys(session)
    except (KeyboardInterrupt, SystemExit, XylophoneError) as leaving:
        if session is None or not session.by_ear.unsaved:
            raise
        raise with_last_word(leaving, f"not saved: {unsaved_words(session.by_ear)}") from leaving
    _say_goodbye(session, path)


def present(found: Settings, path: Path, stage: Stage) -> Calibration:
    """Return the calibration that edits begin from: the whole file, where there is one.

    It may hold hammers that the instrument has not. Without a file, the one in force.
    """
    from ...calibration_file import calibration_for, read_calibration

    if not os.path.lexists(path):
        return calibration_of(replace(found, calibration=None), stage.twin)
    calibration_for(found.instrument, path)  # raises where it is for another instrument
    return read_calibration(path)


def write(path: Path, calibration: Calibration, backend: str) -> str:
    """Write a calibration, the one before kept beside it, and return what to tell."""
    from datetime import datetime

    from ...tuning.keeping import keep

    there = path.exists()
    keep(path, calibration, datetime.now().astimezone(), backend)
    return f"wrote {path}{'; xylophone tune undo takes it back' if there else ''}"


def with_last_word(leaving: BaseException, word: str) -> XylophoneError:
    """Return an error that ends the program as `leaving` would, its one line followed by a word."""
    if isinstance(leaving, XylophoneError):
        return type(leaving)(f"{leaving}; {word}")
    interrupted = isinstance(leaving, KeyboardInterrupt)
    by = "Ctrl-C" if interrupted else "a signal"
    stopped = XylophoneError(f"stopped by {by}; all coils are off; {word}")
    stopped.exit_code = 128 + signal.SIGINT if interrupted else getattr(leaving, "code", 1)
    return stopped


def _say_goodbye(session: Session, path: Path) -> None:
    """Tell what was changed and where it is, what was not played, and that the coils are off."""
    by_ear = session.by_ear
    words = [f"{name} {how}" for name, how in by_ear.written.items()]
    words += [f"wrote {path}"] if by_ear.saved is not by_ear.loaded else []
    words += [f"not saved: {unsaved_words(by_ear)}"] if by_ear.unsaved else []
    click.echo("; ".join([*(words or ["nothing was changed"]), "all coils are off"]))
    report = session.stage.backend.report()
    if lost := not_played(report, {}):
        told = [f"not played: {lost}", *filter(None, [line_words(report)])]
        click.echo(f"xylophone: {'; '.join(told)}", err=True)
