"""What `xylophone songs scan` prints: the best fits, the same tunes, what failed, and all as JSON."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from ..collection.catalogue import Catalogue, Found, Scored
from ..collection.scanner import same_tunes
from ..words import clock_time, counted
from .printing import plain, say, say_json

WIDEST_TITLE = 40
"""Columns of the terminal; longer titles are cut. The path stands last, and whole."""

HEADS = ("score", "title", "notes", "duration", "transposed", "path")

Row = tuple[Found, Scored]


def print_best(catalogue: Catalogue, many: int) -> None:
    """Print the files that fit best, one of each tune, and the summary."""
    leaders = same_tunes(catalogue)
    distinct = (row for number, row in enumerate(_scored(catalogue)) if leaders[number] == number)
    rows = [_cells(*row) for row in itertools.islice(distinct, many)]
    if rows:
        _print_columns(HEADS, rows)
        say("")
    say(_summary(catalogue, leaders))


def print_duplicates(catalogue: Catalogue) -> None:
    """Print the files of each tune that several files hold, the best of them first, and the summary."""
    leaders = same_tunes(catalogue)
    groups: dict[int, list[Sequence[str]]] = {number: [] for number in _repeated(leaders)}
    for leader, row in zip(leaders, _scored(catalogue), strict=True):
        if leader in groups:
            groups[leader].append(_cells(*row))
    rows = [row for group in groups.values() for row in (*group, ())]
    if rows:
        _print_columns(HEADS, rows)
    say(_summary(catalogue, leaders))


def print_failed(catalogue: Catalogue) -> None:
    """Print the files without a score, each with the reason, and the summary."""
    for file, fit in catalogue.fits():
        if fit.score is None:
            say(f"{_shown(file.path)}: {fit.reason}")
    say(_summary(catalogue, same_tunes(catalogue)))


def print_json(catalogue: Catalogue, instrument: str) -> None:
    """Print an array of all files, the best first, those without a score last; an object a line."""
    leaders = same_tunes(catalogue)
    paths: list[str] = []
    say("[")
    for number, (file, fit) in enumerate(catalogue.fits()):
        path = click.format_filename(file.path)
        leader = leaders[number] if number < len(leaders) else number
        paths += [path] if number < len(leaders) else []
        row = _as_dict(file, fit, instrument, None if leader == number else paths[leader])
        say_json(row, before="," if number else " ")
    say("]")


def _as_dict(file: Found, fit: Scored, instrument: str, same_as: str | None) -> dict[str, Any]:
    """Return the stable, documented JSON of one file."""
    numbers = ("duration", "notes", "score", "transpose", "kept", "folded", "merged", "dropped")
    return {
        "path": click.format_filename(file.path),
        "size": file.size,
        "modified": file.modified / 1e6,
        "sha256": fit.digest.hex() or None,
        "title": fit.title or None,
        "instrument": instrument,
        **{name: getattr(fit, name) for name in numbers},
        "melody": fit.melody or None,
        "same_as": same_as,
        "reason": fit.reason or None,
    }


def _scored(catalogue: Catalogue) -> Iterator[Row]:
    return (row for row in catalogue.fits() if row[1].score is not None)


def _repeated(leaders: Sequence[int]) -> list[int]:
    """Return the numbers of files that others are the same as, ascending."""
    return sorted({leader for number, leader in enumerate(leaders) if leader != number})


def _summary(catalogue: Catalogue, leaders: Sequence[int]) -> str:
    listed, _ = catalogue.count()
    same = sum(leader != number for number, leader in enumerate(leaders))
    failed = listed - len(leaders)
    parts = [f"{len(leaders) - same:,} scored"]
    if same:
        parts.append(f"{same:,} {'are' if same > 1 else 'is'} the same tune as another")
    if failed:
        parts.append(f"{failed:,} could not be read (--failed lists {'them' if failed > 1 else 'it'})")
    return f"{counted(listed, 'file', spec=',')}: {', '.join(parts)}"


def _cells(file: Found, fit: Scored) -> tuple[str, ...]:
    return (
        str(fit.score),
        fit.title.strip() or os.path.basename(file.path),
        f"{fit.notes:,}",
        clock_time(fit.duration or 0.0),
        f"{fit.transpose:+d}" if fit.transpose else "0",
        _shown(file.path),
    )


def _shown(path: str) -> str:
    """Return a path as people and terminals read it: from the working folder where it lies below."""
    within = os.path.join(os.getcwd(), "")
    return plain(path.removeprefix(within))


def _print_columns(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns as wide as they need; titles are cut, an empty row is an empty line."""
    from rich.cells import cell_len, set_cell_size

    lines = [list(row) for row in (heads, *rows)]
    for line in lines[1:]:
        if line and cell_len(line[1]) > WIDEST_TITLE:
            line[1] = set_cell_size(line[1], WIDEST_TITLE - 3).rstrip() + "..."
    full = [line for line in lines if line]
    widths = [max(cell_len(cell) for cell in column) for column in zip(*full, strict=True)]
    for line in lines:
        cells = [set_cell_size(cell, width) for cell, width in zip(line[:-1], widths, strict=False)]
        say("  ".join([*cells, *line[-1:]]))
