"""What a person sees in the terminal: tables, and the bars that light up while a song plays."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..instrument import Instrument
from ..tables import Hits
from ..words import clock_time
from .printing import plain, plain_text, put, terminal

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

    from ..player import Snapshot

GLOW = 0.35
"""s a bar stays lit after a hit."""

_SHADES = ("bold white on red", "bold white on dark_orange3", "bold black on yellow3", "black on grey58")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on stdout: ruled on a terminal, plain columns into a file or pipe."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Grid

    console = terminal() if sys.stdout.isatty() else terminal(width=200)
    grid = Grid(box=SIMPLE_HEAD if console.is_terminal else None, pad_edge=False, header_style="bold")
    for head in heads:
        grid.add_column(head, overflow="fold", no_wrap=head in ("name", "layout", "hammer kind", "range"))
    for row in rows:
        grid.add_row(*(plain_text(str(cell)) for cell in row))
    with console.capture() as drawn:
        console.print(grid)
    put(drawn.get())


class Lights:
    """The bars of an instrument, lit by hits and fading; from any thread."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._place = {hammer.channel: n for n, hammer in enumerate(instrument.hammers)}
        self._struck = [-1e9] * len(instrument)
        self._lock = threading.Lock()

    def hit(self, hits: Hits) -> None:
        """Light the bars of these hits (dtype HIT)."""
        with self._lock:
            for time, channel in zip(hits["time"].tolist(), hits["channel"].tolist(), strict=True):
                place = self._place[channel]
                self._struck[place] = max(self._struck[place], time)

    def shades(self, now: float) -> list[str]:
        """Return a style for each bar at a moment of backend time: '' where it is dark."""
        with self._lock:
            ages = [now - struck for struck in self._struck]
        return [shade(age) for age in ages]


def shade(age: float) -> str:
    """Return the style of a bar that was struck so many s ago: '' where it is dark."""
    return _SHADES[int(age / GLOW * len(_SHADES))] if 0 <= age < GLOW else ""


def bars(names: Sequence[str], shades: Sequence[str], width: int, colour: bool = True) -> RenderableType:
    """Draw the bars side by side, low to high, longer ones for lower pitches, in at most `width` columns.

    Without colour a bar is made of dots, and a struck one is solid.
    """
    from rich.text import Text

    room = max(1, min(4, (width - 1) // len(names)))
    rows = [Text(no_wrap=True) for _ in range(5)]
    for place, (name, shade) in enumerate(zip(names, shades, strict=True)):
        dark = "black on grey35" if "#" in name else "black on grey70"
        length = 5 - round(2 * place / max(1, len(names) - 1))
        label = name.replace("#", "♯") if room == 4 else name[0].lower() if "#" in name else name[0]
        for row, text in enumerate(rows):
            inside = label if row == 1 else "" if colour or row >= length else ("█" if shade else "·") * room
            wide = room - 1 if room > 1 else 1
            text.append(f"{inside:^{wide}}"[:wide], shade or dark if row < length else "")
            text.append(" " * (room - wide))
    return Text("\n").join(rows)


@contextmanager
def busy(what: str, quiet: bool = False) -> Iterator[None]:
    """Say on the terminal what takes a moment, while the block runs."""
    console = terminal(err=True)
    if quiet or not console.is_terminal:
        yield
        return
    with console.status(plain_text(f"{what} ...")):
        yield


@dataclass(frozen=True)
class View:
    """What is shown of music, and how it is asked.

    The names of the bars; the backend time that is heard just now; each bar's style at such a time; where the
    music is; which of how many songs a piece is, as '2/3'.
    """

    bars: Sequence[str]
    now: Callable[[], float]
    shades: Callable[[float], list[str]]
    snapshot: Callable[[], Snapshot]
    place: Callable[[int], str]


@contextmanager
def show(view: View) -> Iterator[Live]:
    """Show bars, position and keys in the terminal while the block runs."""
    from rich.console import Group
    from rich.text import Text

    console = terminal()
    help_line = Text(HELP, style="dim")

    def draw() -> RenderableType:
        drawn = bars(view.bars, view.shades(view.now()), console.width, not console.no_color)
        shot = view.snapshot()
        return Group(
            Text(""), drawn, Text(""), status(shot, console.width, view.place(shot.piece)), help_line
        )

    with drawn_again(draw, console, 25) as shown:
        shown.refresh()  # what drawing needs is imported by then
        yield shown


def drawn_again(draw: Callable[[], RenderableType], console: Console, per_second: int) -> Live:
    """Return what shows a picture, drawn anew so often, in the terminal while its block runs."""
    from rich.live import Live

    fit(console)

    def fitted() -> RenderableType:
        if fit(console):  # the terminal has broken the lines of the last picture anew
            put(CLEARED)
        return draw()

    return Live(
        get_renderable=fitted,
        console=console,
        refresh_per_second=per_second,
        transient=True,
        redirect_stderr=sys.stderr.isatty(),  # lines on it go above the picture; a file gets its own
    )


def fit(console: Console) -> bool:
    """Give a console the size of its terminal, whatever COLUMNS and LINES say; tell whether its width is new.

    Those hold what a shell has set once; a terminal is resized.
    """
    try:
        columns, lines = os.get_terminal_size(console.file.fileno())
    except (OSError, ValueError):  # no terminal, or no file at all
        return False
    before = console.width
    if columns and lines:
        console.size = (columns, lines)
    return console.width != before


CLEARED = "\x1b[2J\x1b[H"
"""What empties a terminal."""

HELP = "space pause  ←→ seek  ↑↓ volume  +- speed  n p next, previous  q stop"


TITLE = 12
"""Columns that a title has at least, where there are so many: what stands after it gives way."""


def status(shot: Snapshot, width: int, queued: str = "") -> RenderableType:
    """Return two lines: the song with its place in the queue and in the music, and a bar of how far it is."""
    from rich.text import Text

    queue = f" ({queued})" if queued else ""
    place = "" if shot.beat is None else f"  measure {shot.measure}, beat {int(shot.beat)}"
    manner = f"  {shot.tempo_bpm:.0f} bpm, volume {shot.volume:.2f}"
    state = "  paused" if shot.state == "paused" else ""
    left = width - len(state)
    clock = f"{clock_time(shot.position)} / {clock_time(shot.duration)}"
    room = max(8, min(60, width - len(clock) - 3))
    done = round(room * min(1.0, shot.position / shot.duration)) if shot.duration else 0
    rests = (f"{queue}{place}{manner}", f"{queue}{place}", queue, "")
    rest = next(rest for rest in rests if not rest or len(rest) + TITLE <= left)
    line = Text(no_wrap=True, overflow="crop")
    if left > 0:
        line.append(plain(shot.title)).truncate(left - len(rest), overflow="ellipsis")
    line.append(rest).append(state[-width:], "bold yellow")
    line.append(f"\n{'━' * done}", "red").append("─" * (room - done), "grey50").append(f"  {clock}")
    return line


SAME_KEY = {" ": "space", "=": "+"}
"""What is read: the name that it has here; + and = are one key on many keyboards."""


@contextmanager
def reading_keys(act: Callable[[str], object]) -> Iterator[None]:
    """Pass the names of keys on ('space', 'left', 'q', ...) while the block runs, from a thread of their own.

    All that takes long is done when the block begins: the thread only reads.
    """
    import blessed

    class Keys(blessed.Terminal):
        # For styles it would ask the terminal who it is, and read no key for 10 s where none answers.
        does_styling = False

    def read() -> None:
        while not ended.is_set():
            key = keys.inkey(timeout=0.1)
            if key:
                named = (key.name or "").removeprefix("KEY_").lower()
                act(named if key.is_sequence else SAME_KEY.get(key, str(key)))

    keys, ended = Keys(), threading.Event()
    with keys.cbreak():
        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            yield
        finally:
            ended.set()
            reader.join(1.0)
