"""`xylophone tune hand`: a hammer tuned by ear, in the terminal: strike, listen, nudge, compare, save."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import click

from ...calibration.values import Calibration
from ...config import Settings
from ...errors import OptionError, XylophoneError
from ...tuning.by_ear import VELOCITIES, ByEar, Company
from ...tuning.edits import carried
from ...tuning.keeping import hold
from ..incidents import not_played, with_words
from ..option_types import Within
from ..options import stage_options
from ..printing import plain_text, say, terminal, warn
from ..screen import bars, drawn_again, reading_keys
from ..stage import alone_on_stage, sounding
from ..striking import STEP
from .hand_session import HandSession
from .kept import command, place as place_of, present

if TYPE_CHECKING:
    from rich.console import RenderableType

HELP = (
    "space strike   n p next, previous bar   up down velocity   a auto-strike",
    "left right latency -+ 0.1 ms   < > -+ 1 ms   digits: type it   (more: earlier)",
    "d f softest pulse -+ 0.1 ms   j k loudest pulse -+ 0.1 ms   - + louder -+ 0.5 dB",
    "t in turn with neighbours   c together with reference   r R reference up, down",
    "o old or new curves   u U undo, redo   s save   q quit",
)


def unsaved_words(by_ear: ByEar) -> str:
    """Return what is not saved in words, the chosen bar first: 'C6 latency +0.3 ms; D6 louder +0.5 dB'."""
    changes = sorted(by_ear.unsaved.items(), key=lambda change: change[0] != by_ear.hammer.name)
    return "; ".join(f"{name} {how}" for name, how in changes)


def lines(session: HandSession, width: int, unsaved: str) -> RenderableType:
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
    return Group(page, plain_text(typed if session.typed else session.message, "bold"))


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
def showing(session: HandSession) -> Iterator[None]:
    """Draw bars and figures in the terminal while the block runs."""
    from rich.console import Group

    console, stage = terminal(), session.stage
    names = [hammer.name for hammer in stage.backend.instrument.hammers]
    drawn: dict[str, Any] = {"state": None, "unsaved": ""}

    def draw() -> RenderableType:
        now = stage.backend.now() - stage.delay
        if drawn["state"] is not session.by_ear:  # comparing all curves takes longer than drawing
            drawn["state"] = session.by_ear
            drawn["unsaved"] = unsaved_words(session.by_ear)
        shades = stage.lights.shades(now)
        picture = bars(names, shades, console.width, not console.no_color)
        return Group(picture, lines(session, console.width, drawn["unsaved"]))

    with drawn_again(draw, console, 20):
        yield


def play_keys(session: HandSession) -> None:
    """Take keys, read by a thread of their own, and strike until the session ends."""
    clock, backend = session.stage.backend.clock, session.stage.backend
    keys: SimpleQueue[str] = SimpleQueue()

    def take(key: str) -> None:
        keys.put(key)
        clock.wake()

    with reading_keys(take):
        while not session.ended:
            while not keys.empty() and not session.ended:
                session.press(keys.get())
            session.look()
            clock.wait_until(backend.now() + STEP)


@click.command()
@click.argument("bar", required=False)
@click.option(
    "--velocity", type=Within(*VELOCITIES), default=80.0, show_default=True, help="At first; 1..127."
)
@click.option("--reference", metavar="BAR", help="Bar to strike together with; else the nearest.")
@stage_options
@click.option("--mute", is_flag=True, help="No loudspeaker.")
def hand(bar: str | None, velocity: float, reference: str | None, mute: bool, **options: Any) -> None:
    """Tune a hammer by ear: strike it, nudge it, compare, save. The keys stand on the screen.

    Without BAR it begins with the lowest; n and p go to the next and previous one.
    """
    undo = command("undo", options)
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
    by_ear = ByEar.begin(found.instrument, present(found, path), place, velocity=velocity, reference=other)
    _tune(found, path, by_ear, undo, mute)


def _tune(found: Settings, path: Path, by_ear: ByEar, undo: str, mute: bool) -> None:
    session: HandSession | None = None
    try:
        with alone_on_stage(found) as stage:
            session = HandSession(stage, by_ear, lambda begun, new: write(found, path, begun, new, undo))
            with sounding(stage, mute), showing(session):
                play_keys(session)
    except (KeyboardInterrupt, SystemExit, XylophoneError) as leaving:
        if session is None or not session.by_ear.unsaved:
            raise
        raise with_words(leaving, f"not saved: {unsaved_words(session.by_ear)}") from leaving
    _say_goodbye(session, path)


def write(found: Settings, path: Path, begun: Calibration, calibration: Calibration, undo: str) -> str:
    """Write a calibration that was made from `begun`, the one before kept beside it; return what to tell.

    What another program has changed in the file meanwhile stays, but for hammers that were changed here.
    """
    with hold(path) as held:
        if os.path.lexists(path):
            calibration = carried(begun, calibration, present(found, path))
        held.keep(calibration, datetime.now().astimezone(), found.backend)
    return f"wrote {path}; {undo} takes it back"


def _say_goodbye(session: HandSession, path: Path) -> None:
    """Tell what was changed and where it is, what was not played, and that the coils are off."""
    by_ear = session.by_ear
    words = [f"{name} {how}" for name, how in by_ear.written.items()]
    words += [f"wrote {path}"] if by_ear.saved is not by_ear.loaded else []
    words += [f"not saved: {unsaved_words(by_ear)}"] if by_ear.unsaved else []
    say("; ".join([*(words or ["nothing was changed"]), str(session.stage.backend.coils)]))
    if lost := not_played(session.stage.backend.report()):
        warn(lost)
