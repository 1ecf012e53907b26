"""How fast a collection is scanned, and how surely the same tune is found in other files.

    python benchmarks/scan.py FOLDER... [--jobs 2] [--song 'POP909/([0-9]+)/'] [--nameless]

With `--song`, a regular expression, files whose paths have the same group are versions of one song:
recall is the share of their pairs that are found, a false pair is one of two songs in one group. A set
may hold a song twice: the groups that join songs are listed. `--nameless` takes the names off the
tracks first, so that nothing says which part is the tune.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
from startup import Figure, show, table

from xylophone import arrange, build_instrument, parse_song
from xylophone.collection.catalogue import Catalogue, open_catalogue
from xylophone.collection.scanner import ScanSetting, midi_files, same_tunes, scan
from xylophone.collection.tunes import first_alike, tune_of

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def speed(catalogue: Catalogue, setting: ScanSetting, folders: Sequence[Path], jobs: int) -> list[Figure]:
    """Return how long scoring takes, and finding duplicates after it."""
    begin = time.perf_counter()
    catalogue.list_files(midi_files(folders, click.echo), [])
    scan(catalogue, setting, jobs, lambda: None)
    scored = time.perf_counter()
    same_tunes(catalogue)
    end = time.perf_counter()
    files, seconds = catalogue.count()[0], scored - begin
    return [
        Figure(f"files a second on {jobs} cores", (files / seconds,), digits=1, note=f"{files:,} files"),
        Figure("1,000 files", (1000 * seconds / files,), "s", (300,), (90,), digits=0),
        Figure("finding duplicates among all", (end - scored,), "s"),
    ]


def pairs(many: int) -> int:
    """Return in how many ways two of so many can be taken."""
    return many * (many - 1) // 2


def duplicates(leaders: Sequence[int], songs: Sequence[str]) -> list[Figure]:
    """Return recall and false pairs; `leaders` and `songs` say of each file its group and its song."""
    together = Counter(zip(leaders, songs, strict=True))
    found = sum(map(pairs, together.values()))
    there = sum(map(pairs, Counter(songs).values()))
    false = sum(map(pairs, Counter(leaders).values())) - found
    joined = Counter(leader for leader, _ in together)
    for leader in (leader for leader, count in joined.items() if count > 1):
        click.echo(f"one group: {', '.join(sorted(song for other, song in together if other == leader))}")
    note = f"of {pairs(len(songs)) - there:,}, {sum(count > 1 for count in joined.values())} groups"
    return [
        Figure(
            "versions found: recall", (100 * found / there,), "%", (95,), more=True, note=f"{there:,} pairs"
        ),
        Figure("pairs of two songs taken for one", (false,), digits=0, note=note),
    ]


def nameless(paths: Sequence[str], setting: ScanSetting) -> list[int]:
    """Return the groups of files whose tracks have lost their names."""
    tunes = []
    for path in paths:
        song = parse_song(Path(path).read_bytes())
        bare = replace(song, tracks=tuple(replace(track, name="") for track in song.tracks))
        tunes.append(tune_of(arrange(bare, setting.instrument)))
    return first_alike(tunes).tolist()


@click.command()
@click.argument("folders", nargs=-1, required=True, type=FOLDER)
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(1))
@click.option("--layout", default="song-bell", show_default=True)
@click.option("--song", metavar="REGEX", help="Its group, in a path, names the song.")
@click.option("--nameless", "bare", is_flag=True, help="Take the names off the tracks.")
def main(folders: tuple[Path, ...], jobs: int, layout: str, song: str | None, bare: bool) -> None:
    """Print speed, and with --song how well duplicates are found."""
    setting = ScanSetting(build_instrument(layout))
    with (
        tempfile.TemporaryDirectory() as folder,
        open_catalogue(Path(folder) / "scan.sqlite", setting.key) as catalogue,
    ):
        figures = speed(catalogue, setting, folders, jobs)
        if song:
            paths = [file.path for file, fit in catalogue.fits() if fit.score is not None]
            songs = [found[1] if (found := re.search(song, path)) else path for path in paths]
            if len(set(songs)) == len(songs):
                raise click.UsageError(f"no two of {len(songs)} files are the same song by {song!r}: mend it")
            figures += duplicates(nameless(paths, setting) if bare else same_tunes(catalogue), songs)
    show(table(f"scan, {layout}", figures))
    sys.exit(any(figure.missed for figure in figures))


if __name__ == "__main__":
    main()
