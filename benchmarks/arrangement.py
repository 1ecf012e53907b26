"""How well songs are arranged for few bars, beside rules that other projects use, on the same real files.

    python benchmarks/arrangement.py FOLDER... [--limit 60] [--layouts song-bell,diatonic-15] [--jobs 2]

Where a track is labelled as melody (`--labelled`), the tune is its upper line, else the upper line of all
notes; the two kinds of file have tables of their own. Cells are median/10th percentile over songs, shares in
percent. arrangements/rules.py has the rules, arrangements/scores.py says what each score counts. Exit code 1
says that the arranger misses a figure.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import click
import numpy as np
from arrangements.rules import ARRANGER, RULES, Outcome, nameless, of_arranger, refused, wandering
from arrangements.scores import (
    Source,
    best_intervals,
    best_names,
    density,
    identified,
    means,
    read_source,
    scores,
)
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table
from startup import Figure, show, table

from xylophone import (
    Calibration,
    Instrument,
    Song,
    XylophoneError,
    build_instrument,
    calibration_for,
    load_song,
)

LAYOUTS = "song-bell,glockenspiel,music-box-c,diatonic-15"

TUNE = ("kept", "intervals", "contour", "top", "top_all")
"""Scores of the tune, in which the arranger is to be ahead of every other rule."""

COLUMNS = (*TUNE, "held", "skyline", "sounded", "harmony", "alike", "refused", "rate", "chord")

PLAIN = ("rate", "chord")
"""Columns that are no shares."""

PEERS = tuple(rule for rule in RULES if rule != "b' clamp")
"""Rules that the arranger is to be ahead of; one that strikes wrong notes on one bar is no peer."""

PERFECT = 0.999

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

NAMELESS = "no names"
"""The arranger again, where tracks have no names and another order; of files with a labelled melody only."""

WANDERING = "wandering"
"""The same, where the tune changes places with the busiest other part every minute."""

STRETCH = 60.0
"""s after which a wandering tune changes places."""

Row = dict[str, float]

Result = dict[str, object]
"""One file, layout and rule: names and scores, as `--json` writes them."""


@dataclass(frozen=True)
class Asked:
    """What is asked of each file: layouts, what labels a melody, and how the scores are taken."""

    layouts: tuple[str, ...]
    labelled: str
    first: str
    cache: Path | None
    sequenced: bool
    refusals: bool


@cache
def stage(layout: str) -> tuple[Instrument, Calibration]:
    """Return the instrument of a layout, and what is known of its hammers."""
    instrument = build_instrument(layout)
    return instrument, calibration_for(instrument, None)


def files_of(folder: Path, limit: int | None) -> list[Path]:
    """Return MIDI files below a folder in the order of their names, or so many, evenly spaced."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".mid", ".midi"))
    if limit is None or limit >= len(paths):
        return paths
    return [paths[place * len(paths) // limit] for place in range(limit)]


def melody_tracks(song: Song, path: Path, asked: Asked) -> tuple[int, ...]:
    """Return the tracks that are labelled as melody: by name, or as the first of a file of a known kind."""
    named = tuple(part.number for part in song.tracks if re.search(asked.labelled, part.name))
    if named or not (asked.first and re.search(asked.first, str(path)) and len(song.tracks) > 1):
        return named
    return (song.tracks[0].number,)


def score_file(path: Path, asked: Asked) -> list[Result] | str:
    """Return the scores of every rule on every layout, or why there are none."""
    try:
        song = load_song(path)
    except XylophoneError as error:
        return f"{path}: {error}"
    source = read_source(song, melody_tracks(song, path, asked))
    if not len(source.rows):
        return f"{path}: no note is heard"
    about = {"file": str(path), "labelled": bool(len(source.labelled)), "notes": len(source.rows)}
    return [
        {**about, "layout": layout, "rule": rule, **row}
        for layout in asked.layouts
        for rule, row in score_layout(source, layout, asked)
    ]


def score_layout(source: Source, layout: str, asked: Asked) -> Iterator[tuple[str, Row]]:
    """Yield the scores of the song as written and of every rule on one layout."""
    instrument, _ = stage(layout)
    best = best_intervals(source.skyline, instrument.pitches, asked.cache)
    yield "as written", dict(zip(PLAIN, density(source.onset, source), strict=True))
    allowed = best_names(source.melody, instrument.pitches)
    for name, rule in {**RULES, ARRANGER: of_arranger}.items():
        row = score_rule(source, rule(source.song, instrument), layout, best, asked)
        yield name, {**row, "allowed": allowed}
    if len(source.labelled):
        outcome = nameless(source.song, instrument)
        row = score_rule(source, outcome, layout, best, asked)
        yield NAMELESS, {**row, **identified(source, outcome)}
        if (other := wandering(source.song, source.labelled, STRETCH)) is not None:
            outcome = nameless(other, instrument)
            row = score_rule(source, outcome, layout, best, asked)
            yield WANDERING, {**row, **identified(source, outcome)}


def score_rule(source: Source, outcome: Outcome, layout: str, best: int, asked: Asked) -> Row:
    """Return the scores of one outcome, with what the sequencer refuses of it."""
    share = np.nan
    if asked.refusals or asked.sequenced:
        lost = refused(outcome, *stage(layout))
        share = float(lost.mean()) if len(lost) else np.nan
        if asked.sequenced:
            outcome = outcome.without(lost)
    return {**scores(source, outcome, best), "refused": share}


def cell(rows: Sequence[Row], key: str) -> str:
    """Return median/10th percentile of a score, in percent if it is a share; of what is refused the 90th."""
    if not any(key in row for row in rows):
        return ""
    sign, scale = (-1 if key == "refused" else 1), (1 if key in PLAIN else 100)
    pair = means([{key: sign * row[key]} for row in rows], key)
    return "/".join(f"{abs(scale * value):.1f}".replace("100.0", "100") for value in pair)


def overview(title: str, by_rule: Mapping[str, Sequence[Row]]) -> Table:
    """Return the table of rules and scores."""
    grid = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for head in ("rule", *COLUMNS):
        grid.add_column(head, justify="left" if head == "rule" else "right", no_wrap=True)
    for rule, rows in by_rule.items():
        grid.add_row(rule, *(cell(rows, key) for key in COLUMNS), style="bold" if rule == ARRANGER else None)
    return grid


def limits(layout: str, labelled: bool) -> dict[str, tuple[float, ...]]:
    """Return what is asked of median and 10th percentile; of the tune only where it is labelled."""
    chromatic = len(set(stage(layout)[0].pitches % 12)) == 12
    tune = {
        "kept": (99.9, 99.0),
        "intervals": (99.0, 95.0) if chromatic else (93.0, 85.0),
        "contour": (99.5, 97.0),
        "top": (97.0, 92.0),
        "top_all": (97.0, 92.0),
    }
    floors = {"sounded": (80.0, 60.0), "harmony": (95.0, 88.0)}
    return {**tune, **floors} if labelled else {"skyline": (95.0,)}


def verdicts(layout: str, labelled: bool, by_rule: Mapping[str, Sequence[Row]]) -> list[Figure]:
    """Return the arranger's scores beside what is asked, and beside the best of the other rules."""
    asked = limits(layout, labelled)
    figures = []
    for key in (*TUNE, "skyline", "sounded", "harmony"):
        own = means(by_rule[ARRANGER], key)
        note = beside(key, own, by_rule) if key in TUNE else ""
        if key == "kept":
            note += "; the bars allow {:.2f} / {:.2f}".format(
                *(100 * value for value in means(by_rule[ARRANGER], "allowed"))
            )
        shares = tuple(100 * value for value in own)
        figures.append(Figure(key, shares, "%", asked.get(key, ()), more=True, note=note))
    refused = means([{"refused": -float(row["refused"])} for row in by_rule[ARRANGER]], "refused")
    shares = tuple(abs(100 * value) for value in refused)
    figures.append(Figure("refused: median / 90th percentile", shares, "%", (0.5,)))
    return figures + (of_parts(by_rule) if labelled else [])


def beside(key: str, own: tuple[float, float], by_rule: Mapping[str, Sequence[Row]]) -> str:
    """Say whether median and 10th percentile are ahead of the best other rule, or nearly perfect."""
    words = []
    for place in (0, 1):
        best, rule = max((np.nan_to_num(means(by_rule[rule], key)[place]), rule) for rule in PEERS)
        word = "ahead of" if own[place] > best else "perfect beside" if own[place] >= PERFECT else "BEHIND"
        words.append(f"{word} {rule[0]} {100 * best:.1f}")
    return " / ".join(words)


def of_parts(by_rule: Mapping[str, Sequence[Row]]) -> list[Figure]:
    """Return how often the melody part is found when it has no name, and how much of it is marked."""
    rows, wandering_rows = by_rule[NAMELESS], by_rule[WANDERING]
    right = [row["part"] for row in rows if not np.isnan(row["part"])]
    marked = tuple(100 * value for value in means(rows, "marked"))
    found = 100 * float(np.mean(right)) if right else float("nan")
    return [
        Figure(
            "melody part found without names", (found,), "%", (90.0,), more=True, note=f"{len(right)} files"
        ),
        Figure("its notes marked as melody", marked, "%"),
        *(
            Figure(
                f"wandering every {STRETCH:g} s: {words}",
                tuple(100 * value for value in means(wandering_rows, key)),
                "%",
            )
            for key, words in (("marked", "notes marked"), ("pure", "of what is marked, the tune's"))
        ),
    ]


def timing(paths: Sequence[Path], layouts: Sequence[str]) -> list[Figure]:
    """Return how long the arranger takes for the file that is nearest to 5,000 notes, best of three."""
    loaded = [load_song(path) for path in paths]
    song = min(loaded, key=lambda one: abs(len(one) - 5000))
    figures = []
    for layout in layouts:
        instrument, _ = stage(layout)
        times = []
        for _ in range(3):
            begin = time.perf_counter()
            of_arranger(song, instrument)
            times.append(time.perf_counter() - begin)
        figures.append(
            Figure(f"arranging {len(song):,} notes, {layout}", (min(times),), "s", (0.5,), digits=3)
        )
    return figures


def report(results: Sequence[Result], layouts: Sequence[str]) -> list[Figure]:
    """Print the tables of all layouts and return the arranger's figures."""
    figures = []
    for layout in layouts:
        for labelled in (True, False):
            some = [one for one in results if one["layout"] == layout and one["labelled"] == labelled]
            if not some:
                continue
            rules = ("as written", *RULES, ARRANGER, *((NAMELESS, WANDERING) if labelled else ()))
            by_rule = {rule: [one for one in some if one["rule"] == rule] for rule in rules}
            what = "labelled melody" if labelled else "skyline as melody"
            title = f"{layout}, {len(by_rule[ARRANGER])} files, {what}"
            Console(width=150).print(overview(f"{title}: median/10th percentile", by_rule))
            checked = verdicts(layout, labelled, by_rule)
            show(table(f"{title}: arranger", checked))
            figures += checked
    return figures


def score_all(paths: Sequence[Path], asked: Asked, jobs: int) -> tuple[list[Result], list[str]]:
    """Return the scores of all files, and what is to be said of those that have none."""
    console = Console(stderr=True)
    watch = partial(track, total=len(paths), console=console, transient=True, disable=not console.is_terminal)
    score = partial(score_file, asked=asked)
    if jobs == 1:
        found = list(watch(map(score, paths), "scoring"))
    else:
        with ProcessPoolExecutor(jobs) as pool:
            found = list(watch(pool.map(score, paths, chunksize=4), "scoring"))
    failed = [one for one in found if isinstance(one, str)]
    return [row for one in found if not isinstance(one, str) for row in one], failed


@click.command()
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--labelled", default="^(MELODY)$", show_default=True, help="Names of tracks that are the melody."
)
@click.option(
    "--first", default="", help="Paths of files whose first track is the melody, as a regular expression."
)
@click.option("--layouts", default=LAYOUTS, show_default=True)
@click.option("--limit", type=click.IntRange(1), help="Files of each folder, evenly spaced.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1))
@click.option("--cache", type=click.Path(path_type=Path), help="Folder that keeps bounds.")
@click.option("--sequenced", is_flag=True, help="Take the scores of what the sequencer lets pass.")
@click.option("--refusals/--no-refusals", default=True, help="Ask the sequencer what it refuses (slow).")
@click.option(
    "--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Write all scores."
)
def main(
    folders: tuple[Path, ...], limit: int | None, jobs: int, json_path: Path | None, **options: object
) -> None:
    """Print the scores of the arranger and of other rules."""
    layouts = tuple(str(options.pop("layouts")).split(","))
    asked = Asked(layouts=layouts, **options)
    paths = [path for folder in folders for path in files_of(folder, limit)]
    results, failed = score_all(paths, asked, jobs)
    for line in failed:
        click.echo(f"left out: {line}")
    if json_path:
        json_path.write_text(json.dumps(results))
    click.echo(f"{len(paths) - len(failed)} files scored, {len(failed)} left out")
    figures = report(results, layouts)
    speed = timing(sorted({Path(str(one["file"])) for one in results}), layouts)
    show(table("the arranger's time", speed))
    sys.exit(any(figure.missed for figure in [*figures, *speed]))


if __name__ == "__main__":
    main()
