"""What a listener hears of arrangements of real files: one table of rows, each beside what is asked.

    python benchmarks/listening.py FILES-or-FOLDERS... [--preset P] [--layout song-bell] [--jobs 2]
        [--rule "b nearest"] [--json OUT] [--against OLD.json] [--strips FOLDER]

A path that ends in .txt is a list of files, one a line, relative to the list. arrangements/listener.py says
what each row counts. Which files are songs, counterpoint or chorales, and which name their tune, is told by
regular expressions on paths. A file whose accompaniment is gone has failed in every row. Exit code 1 says
that a figure is missed.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import click
import numpy as np
from arrangement import files_of, stage
from arrangements.degrade import points_lost
from arrangements.listened import Row, failed, figures, of_strips
from arrangements.listener import (
    OCTAVE,
    Heard,
    better_shift,
    intrusions,
    lead,
    melody_of,
    near_basses,
    played,
    ranges,
    singer,
    steps,
    texture,
    worst_voice,
)
from arrangements.rules import RULES, Ints, as_arrangement, audible, disguised, of_arrangement
from arrangements.scores import likeness, read_source, share, sounded
from rich import box
from rich.console import Console
from rich.table import Table
from startup import Figure

from xylophone import Arrangement, Calibration, Song, XylophoneError, arrange, judge, load_song, preset
from xylophone.simulation.bench import measure
from xylophone.simulation.hammers import Twin


@dataclass(frozen=True)
class Asked:
    """How files are arranged and what is known of them."""

    layout: str
    preset: str | None
    labelled: str
    first: str
    songs: str
    counterpoint: str
    chorales: str
    transpositions: bool
    rule: str | None = None
    heard: bool = False

    def arranged(self, song: Song, **options: object) -> Arrangement:
        """Return the song as it is arranged by this setting; a rule knows no options."""
        if self.rule is not None:
            instrument = stage(self.layout)[0]
            outcome = RULES[self.rule](song, instrument)
            return as_arrangement(outcome, song, instrument, read_source(song).skyline.rows)
        if self.preset is not None:
            options["weights"] = preset(self.preset)
        return arrange(song, stage(self.layout)[0], **options)


@cache
def tuned(layout: str) -> tuple[Twin, Calibration]:
    """Return simulated hammers, and what the bench measures of them."""
    twin = Twin(stage(layout)[0])
    return twin, measure(twin)


def paths_of(places: Sequence[Path], limit: int | None) -> list[Path]:
    """Return the files that are named: themselves, below folders, or in lists."""
    found = []
    for place in places:
        if place.is_dir():
            found += files_of(place, limit)
        elif place.suffix == ".txt":
            found += [place.parent / line for line in place.read_text().splitlines() if line]
        else:
            found.append(place)
    return found


def tune_tracks(song: Song, path: Path, asked: Asked) -> tuple[int, ...]:
    """Return the tracks that hold the tune by their name, or as the first of a file of a known kind."""
    named = tuple(part.number for part in song.tracks if re.search(asked.labelled, part.name))
    first = asked.first and re.search(asked.first, str(path)) and len(song.tracks) > 1
    return (song.tracks[0].number,) if first and not named else named


def plain(song: Song) -> tuple[Song, Ints]:
    """Return the song without names and programs, tracks in another order, and which row each note had."""
    other, order = disguised(song)
    notes = other.notes.copy()
    notes["program"] = 0
    return replace(other, notes=notes, lyrics=()), order


def of_singer(song: Song, tracks: tuple[int, ...], asked: Asked) -> Row:
    """Return how well the singer is told from the piano, with names and without."""
    other, order = plain(song)
    voice = np.flatnonzero(audible(song) & np.isin(song.notes["track"], tracks))
    there = np.flatnonzero(np.isin(order, voice))
    marked, pure = singer(asked.arranged(song), voice)
    marked_plain, pure_plain = singer(asked.arranged(other), there)
    return {"marked": marked_plain, "pure": pure_plain, "marked named": marked, "pure named": pure}


def of_texture(song: Song, asked: Asked) -> Row:
    """Return how dense the song is as paper strips would have it."""
    strip = melody_of(replace(asked, preset="music-box").arranged(song), np.zeros(0, np.int64))
    dense = texture(strip.time, strip.pitch)
    return {"strip rate": dense.rate, "strip again": dense.again, "strip seconds": dense.seconds}


def of_file(path: Path, asked: Asked) -> Row | str:
    """Return all rows of one file, or why there are none."""
    try:
        song = load_song(path)
    except XylophoneError as error:
        return f"{path}: {error}"
    tracks = tune_tracks(song, path, asked)
    source = read_source(song, tracks)
    arrangement = asked.arranged(song)
    if not len(source.rows) or not len(arrangement.notes):
        return f"{path}: no note is heard"
    heard = melody_of(arrangement, source.labelled)
    row = {
        "file": str(path.resolve()),
        "kind": path.parent.name,
        "alone": heard.alone,
        "labelled": len(tracks) > 0,
    }
    row |= rows_of(heard) | of_texture(song, asked)
    row |= {f"lost {fault}": points for fault, points in points_lost(heard).items()}
    outcome = of_arrangement(arrangement)
    row |= {"sounded": share(sounded(source, outcome)), "harmony": share(likeness(source, outcome))}
    if re.search(f"{asked.counterpoint}|{asked.chorales}", str(path)):
        row["voice"] = worst_voice(heard)
        row["imitates"] = bool(re.search(asked.counterpoint, str(path)))
    if re.search(asked.songs, str(path)):
        row |= of_singer(song, tracks, asked)
    if asked.transpositions and asked.rule is None:
        row["shift"] = better_shift(heard, lambda shift: asked.arranged(song, transpose=shift))
    if asked.heard:
        row["lead heard"] = lead(played(heard, *tuned(asked.layout)))[0]
    return failed(row) if heard.alone else row


def rows_of(heard: Heard) -> Row:
    """Return the rows that one arrangement alone shows."""
    median, low = lead(heard)
    used, written = ranges(heard)
    dense = texture(heard.time, heard.pitch)
    equal = heard.arrangement.counterpoint is not None  # voices cross, and none is a bass
    return {
        "lead": median,
        "lead low": low,
        "steps": steps(heard),
        "range": used,
        "written": written,
        "intrusions": np.nan if equal else intrusions(heard),
        "basses": np.nan if equal else near_basses(heard),
        "basses octave": np.nan if equal else near_basses(heard, OCTAVE),
        "rate": dense.rate,
        "again": dense.again,
        "seconds": dense.seconds,
        "score": judge(heard.arrangement).score,
    }


def by_name(found: Iterable[Figure]) -> dict[str, Figure]:
    """Return figures by their names."""
    return {figure.name: figure for figure in found}


def overview(found: Sequence[Figure], before: Mapping[str, Figure]) -> Table:
    """Return the table of figures, with those of before where there are such."""
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for head in ("row", "at least", "aim", *(["before"] if before else []), "measured"):
        grid.add_column(head)
    for figure in found:
        name, measured, least, aim = figure.cells()
        old = [before[name].cells()[1].split(",")[0].removesuffix(" MISSED")] if name in before else [""]
        grid.add_row(
            name, least, aim, *(old if before else []), measured, style="red" if figure.missed else None
        )
    return grid


def listen(paths: Sequence[Path], asked: Asked, jobs: int) -> tuple[list[Row], list[str]]:
    """Return the rows of all files, and what is to be said of those that have none."""
    work = partial(of_file, asked=asked)
    if jobs == 1:
        found = [work(path) for path in paths]
    else:
        with ProcessPoolExecutor(jobs) as pool:
            found = list(pool.map(work, paths))
    return [one for one in found if not isinstance(one, str)], [one for one in found if isinstance(one, str)]


@click.command()
@click.argument("places", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--preset", help="Preset of the arranger; else its default.")
@click.option("--rule", type=click.Choice(list(RULES)), help="What another project does, instead.")
@click.option("--layout", default="song-bell", show_default=True)
@click.option("--limit", type=click.IntRange(1), help="Files of each folder, evenly spaced.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1))
@click.option("--labelled", default="^MELODY$", show_default=True, help="Names of tracks that are the tune.")
@click.option(
    "--first", default="nottingham|lieder", show_default=True, help="Files whose first track is it."
)
@click.option("--songs", default="lieder", show_default=True, help="Files of voice and piano.")
@click.option(
    "--counterpoint", default="counterpoint", show_default=True, help="Files with imitating voices."
)
@click.option("--chorales", default="chorales", show_default=True, help="Files with a track for each voice.")
@click.option("--transpositions/--no-transpositions", default=True, help="Judge other transpositions (slow).")
@click.option(
    "--strips", type=click.Path(exists=True, file_okay=False, path_type=Path), help="People's own strips."
)
@click.option("--heard", is_flag=True, help="Play all on simulated hammers too (slow).")
@click.option("--kinds", is_flag=True, help="Print a table for each folder too.")
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Write all rows.")
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Rows of before: of the same files.",
)
def main(
    places: tuple[Path, ...], limit: int | None, jobs: int, strips: Path | None, kinds: bool,
    json_path: Path | None, against: Path | None, **options: object,
) -> None:  # fmt: skip
    """Print what a listener hears of arrangements of real files."""
    rows, left_out = listen(paths_of(places, limit), Asked(**options), jobs)
    for line in left_out:
        click.echo(f"left out: {line}")
    if json_path:
        json_path.write_text(json.dumps(rows))
    files = {row["file"] for row in rows}
    old = [row for row in (json.loads(against.read_text()) if against else []) if row["file"] in files]
    alone = sum(bool(row["alone"]) for row in rows)
    click.echo(f"{len(rows)} files, {alone} of them without their accompaniment, {len(left_out)} left out")
    found = figures(rows)
    console = Console(width=170)
    console.print(
        overview([*found, *(of_strips(strips) if strips else [])], by_name(figures(old) if old else ()))
    )
    for kind in sorted({str(row["kind"]) for row in rows}) if kinds else ():
        console.print(f"[bold]{kind}")
        some, before = ([row for row in those if row["kind"] == kind] for those in (rows, old))
        console.print(overview(figures(some), by_name(figures(before) if before else ())))
    sys.exit(any(figure.missed for figure in found))


if __name__ == "__main__":
    main()
