"""`xylophone songs scan`: which files of a collection fit best, and which are the same tune."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ..collection.catalogue import Catalogue, open_catalogue
from ..collection.prepared import Asked
from ..collection.scanner import ScanSetting, midi_files, scan as scan_all
from ..config import cache_folder
from ..errors import FileError
from ..midifile.foreign import ENDINGS
from ..running.playing import leaving_on_signals
from ..words import counted
from . import scan_lists
from .incidents import with_words
from .options import FOLDER_PATH, setting_options, settings
from .printing import say, terminal, warn
from .screen import busy
from .song_options import arrange_options

DATABASE = "scan.sqlite"
"""Its name in the user's cache folder."""

TOLD = 10
"""So often a scan says how far it is where there is no terminal."""


@click.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=FOLDER_PATH)
@setting_options
@arrange_options
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes; without it one for each core.")
@click.option("--best", type=click.IntRange(0), default=20, show_default=True, help="List so many files.")
@click.option("--duplicates", is_flag=True, help="List files that are the same tune.")
@click.option("--failed", is_flag=True, help="List files without a score, and why.")
@click.option("--json", "as_json", is_flag=True, help="Print all files as JSON (docs/cli.md).")
@click.option("--database", type=FOLDER_PATH, metavar="FILE", help="Where to keep what was found out.")
def scan(
    folders: tuple[Path, ...],
    jobs: int | None,
    best: int,
    duplicates: bool,
    failed: bool,
    as_json: bool,
    database: Path | None,
    **options: Any,
) -> None:
    """Score all MIDI files below folders for the instrument, and list those that fit best.

    What was scored is kept: a file that has not changed is not scored again, and a scan that was
    stopped goes on where it was.
    """
    if duplicates + failed + as_json > 1:
        raise click.UsageError("--duplicates, --failed and --json print different lists: give one of them")
    found = settings(options)
    setting = ScanSetting(found.instrument, Asked.take(options, found).arguments())
    setting.check()
    with open_catalogue(database or cache_folder() / DATABASE, setting.key) as catalogue:
        _fill(catalogue, setting, folders, jobs or _cores())
        if as_json:
            scan_lists.print_json(catalogue, setting.instrument.name)
        elif duplicates:
            scan_lists.print_duplicates(catalogue)
        elif failed:
            scan_lists.print_failed(catalogue)
        else:
            scan_lists.print_best(catalogue, best)


def _fill(catalogue: Catalogue, setting: Any, folders: tuple[Path, ...], jobs: int) -> None:
    """Find the files and score those that are not known; a signal ends it by Stopped."""
    count = [0, 0]  # done, of all
    try:
        with leaving_on_signals():
            with busy("looking for MIDI files"):
                absolute = [Path(os.path.abspath(folder)) for folder in folders]
                catalogue.list_files(midi_files(folders, lambda line: warn(line, "left out: ")), absolute)
            count[1], waiting = catalogue.count()
            count[0] = count[1] - waiting
            with _progress(count) as advance:
                scan_all(catalogue, setting, min(jobs, max(1, waiting)), advance)
    except (KeyboardInterrupt, SystemExit) as signalled:
        done = f"{count[0]:,} of {counted(count[1], 'file is', 'files are', ',')} done; run it again to go on"
        raise with_words(signalled, done) from None
    if not count[1]:
        listed = ", ".join(str(folder) for folder in folders)
        raise FileError(f"no file below {listed} ends in {', '.join(ENDINGS)}: name the folder of your songs")


@contextmanager
def _progress(count: list[int]) -> Iterator[Callable[[], object]]:
    """Show on stderr how far the scan is; gives what is called after each file, which raises count[0]."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    def step() -> None:
        count[0] += 1
        if count[0] * TOLD // count[1] > (count[0] - 1) * TOLD // count[1]:
            say(f"{count[0]:,} of {counted(count[1], 'file', spec=',')}", err=True)

    def advance() -> None:
        count[0] += 1
        shown.update(bar, completed=count[0])

    console = terminal(err=True)
    if not console.is_terminal or count[0] == count[1]:
        yield step
        return
    columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        bar = shown.add_task("", total=count[1], completed=count[0])
        yield advance


def _cores() -> int:
    """Return how many cores this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1
