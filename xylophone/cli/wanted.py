"""What is asked of an owner by `play`: songs in their order, how they are played, and what it cannot do."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..calibration.digest import digest
from ..calibration.file import calibration_for
from ..collection.library import STANDARD_INPUT
from ..collection.order import Turn
from ..collection.prepared import Asked
from ..config.places import BACKEND_VARIABLE
from ..errors import OptionError
from ..instrument import Instrument
from ..midifile import load_song
from ..owner.queue import MOST_ENTRIES
from ..owner.songs import song_of
from ..strikes import percent_of
from ..words import counted
from .queue import Queue
from .song_options import Manner, speed_for

HERE = "leave it out, or play here: --here"

MOST_DRAWN = 500
"""Songs of a shuffle without an end that are drawn; after that many the same order comes again."""

_TAKEN = ("config", "calibration", "backend", "instrument", "volume", "roll")


@dataclass(frozen=True)
class Wanted:
    """Songs as the owner takes them, which of how many each is, how they are played, and what is repeated."""

    songs: Sequence[dict[str, Any]]
    places: Sequence[str]
    manner: Mapping[str, Any]
    part: tuple[float, float] | None = None


@dataclass(frozen=True)
class Options:
    """The options of `play` as they were told, before settings are set in for those that were not."""

    options: Mapping[str, Any]
    mute: bool

    @classmethod
    def take(cls, options: dict[str, Any]) -> Options:
        """Take --mute out of a command's arguments, and note what others say."""
        return cls({key: options[key] for key in _TAKEN}, options.pop("mute"))

    def check(self, greeting: Mapping[str, Any], instrument: Instrument) -> None:
        """Raise UsageError where the owner that greets so cannot do what was told."""
        told, holds = self.options, greeting["backend"]
        backend = told["backend"] or os.environ.get(BACKEND_VARIABLE) or holds
        if backend != holds:
            raise click.UsageError(f"--backend {backend}: the owner holds {holds}: {HERE}")
        if told["instrument"] not in (None, greeting["instrument"]):
            has = greeting["instrument"]
            raise click.UsageError(f"--instrument {told['instrument']}: the owner has {has}: {HERE}")
        if told["config"] is not None and os.path.realpath(told["config"]) != greeting["config"]:
            own = greeting["config"] or "none"
            raise click.UsageError(f"--config {told['config']}: the owner was started with {own}: {HERE}")
        if told["calibration"] is not None:
            _check_calibration(told["calibration"], greeting["calibration"], instrument)
        if self.mute and holds.startswith("sim:"):
            raise click.UsageError(f"--mute: the loudspeaker is the owner's: {HERE}")
        if (told["volume"] or 0.0) > 1:
            raise click.UsageError(f"--volume {told['volume']:g}: the owner takes 0..1, or 0%..100%: {HERE}")


def _check_calibration(path: Path, held: Mapping[str, Any] | None, instrument: Instrument) -> None:
    """Raise UsageError where the owner plays by another calibration than that of a file, or by none yet."""
    if held is None:
        raise click.UsageError(f"--calibration {path}: the owner has not opened its backend: {HERE}")
    if digest(calibration_for(instrument, path)) == held["digest"]:
        return
    if held["file"] == str(path.absolute()):
        raise click.UsageError(f"--calibration {path} was changed since the owner read it: start that anew")
    file = held["file"] or "what nobody has tuned"
    raise click.UsageError(f"--calibration {path}: the owner plays by {file}: {HERE}")


def wanted(
    paths: Sequence[Path], queue: Queue, asked: Asked, as_written: bool, manner: Manner, told: Options
) -> Wanted:
    """Return what is asked of the owner; OptionError for more than it takes, and for standard input."""
    if STANDARD_INPUT in paths:
        raise OptionError(
            "the owner cannot read standard input: save the song as a file, or play with --here"
        )
    turns = turns_of(queue, paths)
    songs = [song_of(path, asked, as_written) for path in paths]
    volume = told.options["volume"]
    how = {
        "start": queue.part.start or None,
        "speed": _speed(manner, paths[turns[0].song], asked.encoding),
        "volume": None if volume is None else percent_of(volume),
        "gap": _gap(queue, paths),
        "roll": told.options["roll"],
        "limit": queue.limit,
        "repeat": True if queue.endless else None,
    }
    part, end = None, queue.part.end
    if end is not None and len(paths) == 1:
        part = queue.part.start, end
    return Wanted(
        [songs[turn.song] for turn in turns],
        ["" if turn.of == 1 else f"{turn.number}/{turn.of}" for turn in turns],
        {key: value for key, value in how.items() if value is not None},
        part,
    )


def turns_of(queue: Queue, paths: Sequence[Path]) -> list[Turn]:
    """Return the songs in the order in which they are played, of a queue without an end those of a round.

    A round that is drawn by chance has several passes, so that what repeats is long. OptionError for more
    than the owner takes.
    """
    order = queue.order(paths)
    passes = max(1, MOST_DRAWN // len(paths)) if queue.endless and queue.shuffle else queue.loop or 1
    if len(paths) * passes > MOST_ENTRIES:
        songs = counted(len(paths) * passes, "song")
        raise OptionError(f"{songs} are too many: the owner's queue takes {MOST_ENTRIES}: give fewer")
    drawn = (order.draw() for _ in range(len(paths) * passes))
    return [turn for turn in drawn if turn is not None]


def _gap(queue: Queue, paths: Sequence[Path]) -> float | None:
    """Return the silence between songs: none where a song alone comes several times, unless one was told."""
    several = len(paths) == 1 and (queue.loop or 1) > 1
    return 0.0 if queue.pause is None and several else queue.pause


def _speed(manner: Manner, path: Path, encoding: str | None) -> float:
    """Return the factor on the tempo of songs the first of which is this one."""
    if manner.bpm is None:
        return manner.speed
    song = load_song(path, encoding)
    return speed_for(manner.bpm, song.tempo_at(float(song.notes["onset"].min()) if len(song.notes) else 0.0))
