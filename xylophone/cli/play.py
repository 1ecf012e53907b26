"""`xylophone play`: songs, in real time, with bars that light up and keys to play by."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..arranger import Arrangement
from ..config import Settings
from ..errors import BackendAbsent, BackendError, OptionError, XylophoneError
from ..instrument import Instrument
from ..player import Player
from ..player.bounds import SHORTEST_LOOP
from ..running.playing import leaving_on_signals, playing
from ..sequencer import PlanOptions
from .calibrations import calibration_of
from .incidents import line_words, not_played, tell
from .options import (
    Asked,
    Choices,
    Manner,
    arrange_options,
    find_all,
    load,
    playing_options,
    settings,
    song_options,
    stage_options,
)
from .printing import beep, say, warn
from .screen import busy, reading_keys, show
from .stage import Stage, open_stage, sounding
from .waiting import wait_for_board

LOUDER, FASTER = 1.12, 1.05
"""Factors by which a press of a key changes volume and speed."""

KEYS: dict[str, tuple[Callable[[Player], object], str]] = {
    "space": (lambda player: player.toggle(), "pause, resume"),
    "left": (lambda player: player.seek_by(-5.0), "5 s back"),
    "right": (lambda player: player.seek_by(5.0), "5 s on"),
    "up": (lambda player: player.scale_volume(LOUDER), "louder"),
    "down": (lambda player: player.scale_volume(1 / LOUDER), "softer"),
    "+": (lambda player: player.scale_speed(FASTER), "faster"),
    "-": (lambda player: player.scale_speed(1 / FASTER), "slower"),
    "n": (lambda player: player.next(), "next song"),
    "p": (lambda player: player.previous(), "from the beginning, or the song before"),
    "q": (lambda player: player.stop(), "stop"),
}
"""Key: what it does, and the words for it."""


@click.command()
@click.argument("names", metavar="SONG...", nargs=-1, required=True)
@stage_options
@arrange_options
@song_options
@playing_options
@click.option(
    "--start", type=float, default=0.0, show_default=True, help="Second of the first song to begin at."
)
@click.option("--end", type=float, help="With --loop: repeat from --start to this second of the song.")
@click.option("--loop", is_flag=True, help="Play again and again.")
@click.option("--wait", is_flag=True, help="Wait for a board that is not plugged in, also in play.")
@click.option("--mute", is_flag=True, help="No loudspeaker.")
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
def play(
    names: tuple[str, ...],
    start: float,
    end: float | None,
    loop: bool,
    wait: bool,
    mute: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Play songs: files, wildcards, or names of the project's own; several make a queue.

    Keys while it plays: space pauses, left and right seek, up and down change the volume, + and - the
    speed, n and p go to the next and previous song, q stops.
    """
    if end is not None and not loop:
        raise click.UsageError("--end goes with --loop: add it, or leave --end out")
    found = settings(options)
    asked, manner = Asked.take(options, found), Manner.take(options, found)
    paths, missing = find_all(names)
    chosen, failed = _load_all(paths, asked, found.instrument)
    evening = _Evening(found, manner, chosen, _Part(start, end, loop), mute, quiet)
    evening.part.check(evening.pieces[0].song.duration)
    with leaving_on_signals(), playing(found.backend, config=found.config):
        if wait:
            wait_for_board(lambda came: evening.play(came, absent_ends=False))
        else:
            evening.play()
    if failed := failed or missing:
        raise type(failed)("not every song could be played: see above")


@dataclass(frozen=True)
class _Part:
    """What of the first song is played: from `start` on, to `end` again and again; s of its song time."""

    start: float
    end: float | None
    loop: bool

    def check(self, duration: float) -> None:
        """Raise OptionError for what lies outside of a song."""
        if not 0 <= self.start < duration:
            raise OptionError(f"--start {self.start:g} is outside the song: give 0..{duration:.2f} s")
        if self.end is not None and not self.start + SHORTEST_LOOP <= self.end <= duration:
            raise OptionError(
                f"--end {self.end:g} does not fit --start {self.start:g}: "
                f"give {self.start + SHORTEST_LOOP:g}..{duration:.2f} s"
            )


@dataclass(frozen=True)
class _Evening:
    """What is played, and how: a queue of pieces, each with what was chosen for it."""

    found: Settings
    manner: Manner
    chosen: dict[Arrangement, Choices]
    part: _Part
    mute: bool
    quiet: bool

    @property
    def pieces(self) -> list[Arrangement]:
        """The queue."""
        return list(self.chosen)

    def play(self, came: Callable[[], None] = lambda: None, *, absent_ends: bool = True) -> None:
        """Play to the end; `came` is called when the backend is open.

        What was played is told at the end, whatever that is, but for a board that has gone and is waited for.
        """
        player: Player | None = None
        try:
            with open_stage(self.found) as stage:
                came()
                player = _player(stage, self.found, self.chosen, self.manner, self.quiet)
                with sounding(stage, self.mute, self.quiet), _watching(player, stage, self.quiet):
                    self._begin(player)
                    player.wait()
        except (BackendError, KeyboardInterrupt, SystemExit) as leaving:
            if player is not None and (absent_ends or not isinstance(leaving, BackendAbsent)):
                _say_goodbye(player, stage, self.quiet)
            raise
        _say_goodbye(player, stage, self.quiet, str(stage.backend.coils))

    def _begin(self, player: Player) -> None:
        part, manner = self.part, self.manner
        speed, again = manner.speed_of(self.pieces[0].song), part.loop and part.end is None
        player.play(self.pieces, speed=speed, volume=manner.volume, start=part.start, repeat=again)
        if part.end is not None:
            player.set_loop(part.start, part.end)
        if not self.quiet and not sys.stdout.isatty():
            titles = ", ".join(piece.song.title or "an untitled song" for piece in self.pieces)
            say(f"playing {titles}")


def _player(
    stage: Stage, found: Settings, chosen: dict[Arrangement, Choices], manner: Manner, quiet: bool
) -> Player:
    """Return a player on the stage that knows its hammers, and what was chosen for each song."""
    with busy("measuring the simulated hammers", quiet or stage.twin is None):
        calibration = calibration_of(found, stage.twin)

    choices = {piece.song: mine for piece, mine in chosen.items()}

    def watch(_now: float) -> None:
        stage.listen()
        stage.tell_faults(player)

    player = Player(
        stage.backend,
        calibration,
        PlanOptions(roll=manner.roll),
        rearrange=lambda song, shift: choices[song].transposed(shift).arrange(song, found.instrument),
        watch=watch,
    )
    return player


def _load_all(
    paths: list[Path], asked: Asked, instrument: Instrument
) -> tuple[dict[Arrangement, Choices], XylophoneError | None]:
    """Load and arrange all songs, each with what was chosen for it.

    One that cannot be played is named and left out of a queue.
    """
    pieces: dict[Arrangement, Choices] = {}
    failed: XylophoneError | None = None
    for path in paths:
        try:
            song = load(path, asked.encoding)
            choices = asked.choices_for(path, song)
            pieces[choices.arrange(song, instrument).require_notes()] = choices
        except XylophoneError as error:
            if len(paths) == 1:
                raise
            warn(error, "left out: ")
            failed = error
    if not pieces and failed:
        raise failed
    return pieces, failed


@contextmanager
def _watching(player: Player, stage: Stage, quiet: bool) -> Iterator[None]:
    """Show bars and position and read keys while the block runs, where there is a terminal."""
    if quiet or not sys.stdout.isatty():
        yield
        return
    keys = reading_keys(lambda key: _press(player, key)) if sys.stdin.isatty() else nullcontext()
    with show(player, stage.lights, stage.loudspeaker is not None), keys:
        yield


def _press(player: Player, key: str) -> None:
    """Do what a key means; what the player cannot do just now is let be."""
    if key in KEYS:
        try:
            KEYS[key][0](player)
        except XylophoneError:
            beep()


def _say_goodbye(player: Player, stage: Stage, quiet: bool, *last: str) -> None:
    """Tell what came at the very end, then how much was played, what was not, and a last word."""
    stage.tell_faults(player)
    tell(player.backend.poll())
    report = player.backend.report()
    words = [f"played {report.pulses} strikes"]
    if lost := not_played(report, player.refusals):
        words += [f"not played: {lost}", *filter(None, [line_words(report)])]
    if not quiet:
        say("; ".join([*words, *last]))
    elif lost:
        warn("; ".join(words))
