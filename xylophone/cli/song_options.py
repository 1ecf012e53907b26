"""Options that say what is made of songs, and what they lead to: songs, arrangements, how they are played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..arranger import PRESETS, Arrangement
from ..collection.library import songs as own_songs
from ..collection.playlists import songs_meant
from ..config import Settings
from ..config.values import SPEEDS, VOLUMES
from ..errors import OptionError, XylophoneError
from ..midifile import load_song
from ..song import Song
from ..strikes import volume_of
from .option_types import Numbers, TrackOctaves, Within, stack
from .printing import warn


def complete_songs(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[Any]:
    """Return the project's songs that begin so, and let the shell add files."""
    from click.shell_completion import CompletionItem  # which only a shell asks for

    names = [CompletionItem(song.name) for song in own_songs() if song.name.startswith(begun)]
    return [*names, CompletionItem(begun, type="file")]


def complete_presets(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Return the presets of the arranger that begin so."""
    return [name for name in PRESETS if name.startswith(begun)]


arrange_options = stack(
    click.option(
        "--preset",
        metavar="NAME",
        shell_complete=complete_presets,
        help=f"One of {', '.join(PRESETS)}.",
    ),
    click.option("--tracks", type=Numbers(), help="Only these tracks, as info numbers them: 0,2-4."),
    click.option("--channels", type=Numbers(), help="Only these channels, 1..16."),
    click.option("--mute-tracks", type=Numbers(), help="Leave these tracks out."),
    click.option("--mute-channels", type=Numbers(), help="Leave these channels out."),
    click.option("--drums/--no-drums", default=None, help="Let drums strike bars too."),
    click.option("--transpose", type=int, help="Semitones; without it the best shift is searched."),
    click.option("--original-key/--any-key", default=None, help="Transpose by whole octaves only."),
)

song_options = stack(
    click.option(
        "--octave",
        type=TrackOctaves(),
        multiple=True,
        metavar="TRACK:N",
        help="Move a track by octaves: 3:-1; repeatable.",
    ),
    click.option("--no-saved", is_flag=True, help="Leave out what is saved beside the song."),
    click.option("--encoding", metavar="NAME", help="Of the file's titles and names: shift_jis, cp1251, ..."),
)
"""What can be chosen for a song beside `arrange_options`, which fit any number of songs."""


class Volume(Within):
    """A volume: a factor, or a percentage of what is arranged (`strikes.volume_of`)."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the factor; OptionError out of bounds."""
        text = str(value).strip()
        if not text.endswith("%"):
            return super().convert(value, param, ctx)
        return volume_of(self.read(text[:-1].strip(), param, ctx))


playing_options = stack(
    click.option(
        "--speed", type=Within(*SPEEDS), help="Factor on the song's tempo, {:g}..{:g}.".format(*SPEEDS)
    ),
    click.option("--bpm", type=Within(1, 2000), help="Tempo at the beginning, in quarter notes a minute."),
    click.option(
        "--volume",
        type=Volume(*VOLUMES),
        help="How loud, {:g}..{:g}, or 0%..100%; 1 is as arranged.".format(*VOLUMES),
    ),
    click.option("--as-written", is_flag=True, help="Keep long silence, which is cut else (docs/cli.md)."),
    click.option("--roll/--no-roll", default=None, help="Roll too large a chord, or drop notes."),
)


def find_all(names: tuple[str, ...]) -> tuple[list[Path], XylophoneError | None]:
    """Return the files of a queue; of several names, one that is no song is told and left out.

    The error is the last one told; raised where nothing is left.
    """
    paths: list[Path] = []
    failed: XylophoneError | None = None
    for name in names:
        found = _meant(name)
        paths += [song for song in found if isinstance(song, Path)]
        for refused in (song for song in found if isinstance(song, XylophoneError)):
            if len(names) > 1 or len(found) > 1:
                warn(refused, "left out: ")
            failed = refused
    if failed and not paths:
        raise (
            failed if len(names) == 1 else type(failed)("no song is left to play: name files that are there")
        )
    return paths, failed


def first_is_missing(names: Sequence[str]) -> bool:
    """Tell whether what is named first is, or begins with, what `find_all` leaves out."""
    return bool(names) and isinstance(_meant(names[0])[0], XylophoneError)


def _meant(name: str) -> list[Path | XylophoneError]:
    try:
        return songs_meant(name)
    except XylophoneError as error:
        return [error]


def load(path: Path, encoding: str | None = None, *, quiet: bool = False) -> Song:
    """Load a song; what was damaged in it is told on stderr unless `quiet`."""
    song: Song = load_song(path, encoding)
    for warning in () if quiet else song.warnings:
        warn(f"warning: {path.name}: {warning}")
    return song


@dataclass(frozen=True)
class Manner:
    """How the user wants songs played: what the options say, else the configuration."""

    speed: float
    bpm: float | None
    volume: float
    roll: bool

    @classmethod
    def take(cls, options: dict[str, Any], found: Settings) -> Manner:
        """Take the playing options out of a command's keyword arguments."""
        speed, bpm, volume, roll = (options.pop(key) for key in ("speed", "bpm", "volume", "roll"))
        if speed is not None and bpm is not None:
            raise click.UsageError("--speed and --bpm both set the tempo: give one of them")
        return cls(
            found.player.speed if speed is None else speed,
            bpm,
            found.player.volume if volume is None else volume,
            found.player.roll if roll is None else roll,
        )

    def speed_of(self, piece: Arrangement) -> float:
        """Return the factor on a song's tempo; OptionError where --bpm would need one out of bounds."""
        if self.bpm is None:
            return self.speed
        own = piece.song.tempo_at(float(piece.notes["onset"][0]))  # in silence before it the tempo is another
        return speed_for(self.bpm, own)


def speed_for(bpm: float, own: float) -> float:
    """Return the factor that brings a tempo to another; OptionError where it is out of bounds."""
    if not SPEEDS[0] <= bpm / own <= SPEEDS[1]:
        raise OptionError(
            f"--bpm {bpm:g} is {bpm / own:.3g} times the song's {own:.4g} bpm: "
            f"give one within {SPEEDS[0]:g}..{SPEEDS[1]:g} times"
        )
    return bpm / own
