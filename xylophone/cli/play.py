"""`xylophone play`: songs, in real time, with bars that light up and keys to play by."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import click

from ..arranger import Arrangement
from ..collection.chance import not_by_chance
from ..collection.library import songs
from ..collection.playlists import write_list
from ..collection.prepared import Asked, Preparation, start_gone
from ..config import Settings
from ..errors import BackendAbsent, BackendError, OptionError, XylophoneError
from ..player import Player
from ..running.playing import leaving_on_signals, playing
from ..sequencer import PlanOptions
from ..shelf.logbook import Logbook
from ..words import counted
from .calibrations import calibration_of
from .evening import Evening, Programme, Told
from .hearing import Hearing, noting
from .incidents import not_played, tell
from .option_types import WithPasses
from .options import check_writable, settings, stage_options
from .printing import beep, has_pictures, say, warn
from .queue import Part, Queue, queue_options
from .screen import View, busy, reading_keys, show
from .song_options import (
    Manner,
    arrange_options,
    complete_songs,
    find_all,
    first_is_missing,
    playing_options,
    song_options,
)
from .stage import Stage, open_stage, sounding
from .suspended import suspending
from .through import owner_for, play_through
from .waiting import wait_for_board
from .wanted import Options, wanted
from .wishes import Evenly, Wishes, wish_options, wished

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


@click.command(cls=WithPasses)
@click.argument("names", metavar="[SONG]...", nargs=-1, shell_complete=complete_songs)
@stage_options
@arrange_options
@song_options
@playing_options
@queue_options
@wish_options
@click.option("--wait", is_flag=True, help="Wait for a board that is not plugged in, also in play.")
@click.option("--mute", is_flag=True, help="No loudspeaker.")
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
@click.option("--here", is_flag=True, help="In this process, also where an owner holds the instrument.")
@click.option("--detach", is_flag=True, help="Return once the owner plays; the music goes on.")
def play(names: tuple[str, ...], wait: bool, quiet: bool, here: bool, detach: bool, **options: Any) -> None:
    """Play songs: files, wildcards, or names of the project's own; several make a queue.

    Without names: --mood calm --for 20min chooses songs, --list favourites plays a list of the shelf.

    Keys while it plays: space pauses, left and right seek, up and down change the volume, + and - the
    speed, n and p go to the next and previous song, q stops.
    """
    told, wishes = Options.take(options), Wishes.take(options)
    _require_songs(names, wishes)
    queue, found = Queue.take(options, chooses=wishes.choosing), settings(options)
    asked, manner = Asked.take(options, found), Manner.take(options, found)
    paths, missing = find_all(names)
    queue = _without_lost_start(queue, names) if missing else queue
    if wishes:
        paths, queue = _wished(wishes, paths, queue, found, asked, quiet)
    if queue.save_list is not None:
        _save_list(queue.save_list, paths, missing)
        return
    paths, as_written = _shuffled(paths) if queue.shuffle else paths, options.pop("as_written")
    if (owner := owner_for(here, detach)) is not None:
        told.check(owner.greeting, found.instrument)
        songs = wanted(paths, queue, asked, as_written, manner, told)
        failed = play_through(owner, songs, quiet, detach, wait)
    else:
        preparation = Preparation(asked, found.instrument, as_written)
        programme = Programme(paths, preparation, lambda: queue.order(paths), queue.pause, queue.limit)
        failed = _play_here(programme, found, manner, queue.part, told.mute, quiet, wait)
    if failed := failed or missing:
        raise type(failed)("not every song could be played: see above")


def _require_songs(names: tuple[str, ...], wishes: Wishes) -> None:
    if not names and not wishes:
        raise click.MissingParameter(param_type="argument", param_hint="'SONG...'")


def _play_here(
    programme: Programme, found: Settings, manner: Manner, part: Part, mute: bool, quiet: bool, wait: bool
) -> XylophoneError | None:
    """Play songs in this process; return the last error of one that was left out."""
    with noting(found.home.folder) as book, closing(Evening(programme)) as evening:
        _Playing(found, manner, evening, part, mute, quiet, book).begin(wait)
    return evening.failed


def _wished(
    wishes: Wishes, paths: list[Path], queue: Queue, found: Settings, asked: Asked, quiet: bool
) -> tuple[list[Path], Queue]:
    """Return the songs of a wish, and how they are played: once, where they fill the time."""
    how = Evenly(queue.limit, queue.seed or 0, date.today(), found, asked)
    paths, fills = wished(wishes, paths, how, quiet)
    return paths, replace(queue, loop=1) if fills and queue.loop is None else queue


def _without_lost_start(queue: Queue, names: tuple[str, ...]) -> Queue:
    """Return how a queue is played of which a name is left out: whole, and told, where that is the first."""
    if not queue.part.start or queue.shuffle or not first_is_missing(names):
        return queue
    warn(start_gone(queue.part.start))
    return replace(queue, part=queue.part.left)


def _shuffled(paths: list[Path]) -> list[Path]:
    """Return what of a queue may be drawn by chance: no anthems and chimes, seasonal songs in their season.

    The others are told; OptionError where nothing else is there.
    """
    kept_back = not_by_chance(paths, songs(), date.today())
    if kept_back:
        names = ", ".join(sorted(path.stem for path in kept_back))
        warn(f"left out of the shuffle: {names}: anthems, chimes, and songs out of season are not for chance")
    if not (left := [path for path in paths if path not in kept_back]):
        raise OptionError("no song is left to shuffle: play these without --shuffle")
    return left


def _save_list(target: Path, paths: list[Path], missing: XylophoneError | None) -> None:
    """Write a queue as a list of songs."""
    check_writable(target)
    write_list(target, paths)
    say(f"wrote {target}: {counted(len(paths), 'song')}")
    if missing:
        raise type(missing)("not every song is in it: see above")


@dataclass(frozen=True)
class _Playing:
    """How an evening is played: where, in which manner, and what is shown of it."""

    found: Settings
    manner: Manner
    evening: Evening
    part: Part
    mute: bool
    quiet: bool
    book: Logbook

    def begin(self, wait: bool) -> None:
        """Look for the first song, then play all, once a board has come where it is to be waited for."""
        first = self.evening.first().piece
        if self.evening.first_left_out and self.part.start:
            warn(start_gone(self.part.start))
        self._part.check(first.song.duration)
        self.evening.check_length(first, self.manner.speed_of(first))
        with leaving_on_signals(), playing(self.found.backend, config=self.found.config):
            if wait:
                wait_for_board(lambda came: self.play(came, absent_ends=False))
            else:
                self.play()

    def play(self, came: Callable[[], None] = lambda: None, *, absent_ends: bool = True) -> None:
        """Play to the end; `came` is called when the backend is open.

        What was played is told at the end, whatever that is, but for a board that has gone and is waited for.
        """
        player: Player | None = None
        first, hearing = self.evening.first().piece, Hearing(self.evening, self.book)
        try:
            with open_stage(self.found) as stage:
                came()
                player, looks = self._player(stage)
                looks.append(lambda _: hearing.look(player))
                with sounding(stage, self.mute, self.quiet), self._watching(player, stage, looks):
                    self._begin(player, first)
                    player.wait()
        except (BackendError, KeyboardInterrupt, SystemExit) as leaving:
            if player is not None and (absent_ends or not isinstance(leaving, BackendAbsent)):
                _say_goodbye(player, stage, self.quiet)
            raise
        finally:
            hearing.end()
        _say_goodbye(player, stage, self.quiet, str(stage.backend.coils))

    @property
    def _part(self) -> Part:
        return self.part.left if self.evening.first_left_out else self.part

    def _begin(self, player: Player, first: Arrangement) -> None:
        part, manner = self._part, self.manner
        speed, gap = manner.speed_of(first), self.evening.pause
        player.play(first, speed=speed, volume=manner.volume, start=part.start, more=True, gap=gap)
        if (loop := part.repeated(first)) is not None and self.evening.songs == 1:
            player.set_loop(*loop)

    def _player(self, stage: Stage) -> tuple[Player, list[Callable[[float], object]]]:
        """Return a player on the stage that knows its hammers, and what it calls now and then, for more."""
        with busy("measuring the simulated hammers", self.quiet or stage.twin is None):
            calibration = calibration_of(self.found, stage.twin)
        told, looks = Told(self.evening, self.quiet or has_pictures()), list[Callable[[float], object]]()

        def watch(now: float) -> None:
            stage.listen()
            stage.tell_faults(player)
            self.evening.attend(player)
            told.look(player)
            for look in looks:
                look(now)

        player = Player(stage.backend, calibration, PlanOptions(roll=self.manner.roll), watch=watch)
        return player, looks

    @contextmanager
    def _watching(
        self, player: Player, stage: Stage, looks: list[Callable[[float], object]]
    ) -> Iterator[None]:
        """Show bars and position and read keys while the block runs, where there is a terminal."""
        if self.quiet or not has_pictures():
            yield
            return
        keys = reading_keys(lambda key: _press(player, key)) if sys.stdin.isatty() else nullcontext()
        names = [hammer.name for hammer in stage.backend.instrument.hammers]
        view = View(
            names,
            lambda: player.backend.now() - stage.delay,
            stage.lights.shades,
            player.snapshot,
            self.evening.place,
        )
        with show(view) as shown, keys, suspending(player, player.backend.now, shown) as look:
            looks.append(look)
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
    words = [f"played {counted(report.pulses, 'strike')}"]
    if lost := not_played(report, player.refusals):
        words.append(lost)
    if not quiet:
        say("; ".join([*words, *last]))
    elif lost:
        warn("; ".join(words))
