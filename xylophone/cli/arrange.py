"""`xylophone arrange`: what will be played as MIDI, JSON, picture and sound; choices saved beside a song."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from ..arranger import Arrangement
from ..arranger.table import as_json as table
from ..arranger.written import as_song
from ..collection.library import STANDARD_INPUT, find_song
from ..collection.prepared import Asked, titled
from ..config import Settings, forget_saved, make_place, write_saved
from ..errors import OptionError
from ..files import alone_with
from ..midifile.writing import write_song
from ..performance.comparison import write_comparison
from ..performance.simulate import simulate
from ..plotter.roll import plot_arrangement
from ..sequencer import PlanOptions
from ..simulation.hammers import twin_of
from ..sound.loudness import said_of_peak
from ..words import counted
from .calibrations import calibration_of
from .info import print_account
from .option_types import PICTURE, Target
from .options import FOLDER_PATH, check_writable, setting_options, settings
from .printing import say, say_json
from .screen import busy
from .song_options import arrange_options, complete_songs, load, song_options
from .stage import simulation_of

SONG = Target("write", ".mid", ".midi")


@click.command()
@click.argument("name", metavar="SONG", shell_complete=complete_songs)
@setting_options
@arrange_options
@song_options
@click.option("-o", "--output", type=SONG, metavar="FILE", help="Write what will be played: .mid.")
@click.option("--json", "as_json", is_flag=True, help="Print notes and strikes as JSON (docs/arranging.md).")
@click.option("--plot", type=PICTURE, metavar="FILE", help="Draw the song and what is struck: .svg, .png.")
@click.option(
    "--compare", type=FOLDER_PATH, metavar="PREFIX", help="Write PREFIX-before.wav and PREFIX-after.wav."
)
@click.option("--save", is_flag=True, help="Save what these options chose beside the song.")
@click.option("--forget", is_flag=True, help="Delete what is saved beside the song.")
def arrange(
    name: str,
    output: Path | None,
    as_json: bool,
    plot: Path | None,
    compare: Path | None,
    save: bool,
    forget: bool,
    **options: Any,
) -> None:
    """Arrange a song for the instrument, and write, draw or compare what comes of it.

    Without an output it says in words what was done.
    """
    found = settings(options)
    asked, path = Asked.take(options, found), find_song(name)
    outputs = Outputs(output, plot, *_pair(compare))
    outputs.check(path)
    _check_saving(path, save, forget)
    song = load(path, asked.encoding)
    told = [_forgotten(path)] if forget else []
    arrangement = asked.arrange(path, song, found.instrument)
    told += [f"wrote {written}" for written in outputs.write(arrangement, found, titled(song, path))]
    told += [_saved(path, asked)] if save else []
    for line in told:
        say(line, err=as_json)
    if as_json:
        say_json(table(arrangement))
    elif not told:
        print_account(arrangement)


@dataclass(frozen=True)
class Outputs:
    """The files to write, None for those that were not asked for."""

    song: Path | None
    picture: Path | None
    before: Path | None
    after: Path | None

    def check(self, source: Path) -> None:
        """Refuse, before anything is done, what cannot be written, or would replace the song itself."""
        paths = (self.song, self.picture, self.before, self.after)
        check_writable(*paths)
        for path in filter(None, paths):
            if _same(path, source):
                raise OptionError(f"cannot write {path}: it is the song itself: name another file")

    def write(self, arrangement: Arrangement, found: Settings, title: str) -> Iterator[str]:
        """Write the files and yield words for each; SongError where nothing would be struck.

        `title` is what the picture is headed by: a file that names no song is not given a name.
        """
        if self.song or self.picture or self.before:
            arrangement.require_notes()
        if self.song:
            write_song(self.song, as_song(arrangement))
            yield f"{self.song}: {counted(len(arrangement), 'strike')}"
        if self.picture:
            with busy(f"drawing {self.picture}"):
                named = replace(arrangement, song=replace(arrangement.song, title=title))
                plot_arrangement(named, self.picture)
            yield str(self.picture)
        if self.before and self.after:
            softer = _compare(arrangement, found, self.before, self.after)
            yield f"{self.before} and {self.after}{said_of_peak(softer)}"


def _pair(compare: Path | None) -> tuple[Path | None, Path | None]:
    """Return the two files that --compare writes: in a folder, or with what is given before their names."""
    if compare is None:
        return None, None
    if compare.is_dir():
        return compare / "before.wav", compare / "after.wav"
    return Path(f"{compare}-before.wav"), Path(f"{compare}-after.wav")


def _compare(arrangement: Arrangement, found: Settings, before: Path, after: Path) -> float:
    """Let the arrangement be played on the simulated hammers, and write it and the original as sound.

    Returns by how many dB both had to be made softer.
    """
    twin = twin_of(found.instrument, simulation_of(found))
    with busy("measuring the simulated hammers"):
        calibration = calibration_of(found, twin)
    with busy("playing and rendering"):
        options = PlanOptions(roll=found.player.roll)
        performance = simulate(arrangement, calibration, twin=twin, options=options)
        return write_comparison(arrangement, performance, calibration, before, after)


def _check_saving(path: Path, save: bool, forget: bool) -> None:
    if save and forget:
        raise click.UsageError("--save and --forget exclude each other: give one of them")
    if (save or forget) and path == STANDARD_INPUT:
        raise click.UsageError("standard input has no place beside it to save choices: name the song's file")


def _forgotten(path: Path) -> str:
    gone = forget_saved(path)
    return f"deleted {gone}" if gone else f"nothing is saved beside {path}"


def _saved(path: Path, asked: Asked) -> str:
    """Save what the options chose, together with what was saved before, and say so."""
    if not asked.chosen:
        saved = asked.saved(path)
        still = f"{saved.path} stays as it is" if saved else "nothing is saved"
        return f"nothing was chosen: {still}; choose with --octave, --mute-tracks, --preset, ..."
    with alone_with(make_place(path)):
        saved = asked.saved(path)
        return f"saved {write_saved(path, asked.chosen.over(saved.chosen) if saved else asked.chosen)}"


def _same(path: Path, source: Path) -> bool:
    with suppress(OSError):
        return os.path.samefile(path, source)
    return False
