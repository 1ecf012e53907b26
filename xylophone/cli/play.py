"""`xylophone play`: songs, in real time, with bars that light up and keys to play by."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import BackendAbsent, BackendError, OptionError, XylophoneError
from ..player import Player
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
    setting_options,
    settings,
    song_options,
)
from .printing import beep, say, warn
from .screen import busy, keyboard, show
from .stage import Stage, open_stage, sounding
from .waiting import wait_for_board

if TYPE_CHECKING:
    from ..arranger import Arrangement
    from ..config import Settings
    from ..instrument import Instrument

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
@setting_options
@click.option("--backend", metavar="URL", help="Backend, in place of the configured one.")
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
    pieces = list(chosen)
    if not 0 <= start < pieces[0].song.duration:
        raise OptionError(f"--start {start:g} is outside the song: give 0..{pieces[0].song.duration:.2f} s")
    if end is not None and not start + 0.1 <= end <= pieces[0].song.duration:
        raise OptionError(
            f"--end {end:g} does not fit --start {start:g}: "
            f"give {start + 0.1:g}..{pieces[0].song.duration:.2f} s"
        )
    speed = manner.speed_of(pieces[0].song)

    def begin(player: Player) -> None:
        player.play(pieces, speed=speed, volume=manner.volume, start=start, repeat=loop and end is None)
        if loop and end is not None:
            player.set_loop(start, end)
        if not quiet and not sys.stdout.isatty():
            titles = ", ".join(piece.song.title or "an untitled song" for piece in pieces)
            say(f"playing {titles}")

    def perform(came: Callable[[], None]) -> None:
        player: Player | None = None
        try:
            with open_stage(found) as stage:
                came()
                player = _player(stage, found, chosen, manner, quiet)
                with sounding(stage, mute, quiet), _watching(player, stage, quiet):
                    begin(player)
                    player.wait()
        except (BackendError, KeyboardInterrupt, SystemExit) as leaving:
            if player is not None and not (wait and isinstance(leaving, BackendAbsent)):
                _say_goodbye(player, stage, quiet)
            raise
        _say_goodbye(player, stage, quiet, str(stage.backend.coils))

    with leaving_on_signals(), playing(found.backend, config=found.config):
        if wait:
            wait_for_board(perform)
        else:
            perform(lambda: None)
    if failed := failed or missing:
        raise type(failed)("not every song could be played: see above")


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
            song = load(path)
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
    ended = threading.Event()
    reader = threading.Thread(target=keyboard, args=(lambda key: _press(player, key), ended), daemon=True)
    with show(player, stage.lights, stage.loudspeaker is not None):
        if sys.stdin.isatty():
            reader.start()
        try:
            yield
        finally:
            ended.set()
            if reader.is_alive():
                reader.join(1.0)


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
