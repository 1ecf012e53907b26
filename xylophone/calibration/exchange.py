"""Calibrations as JSON and CSV, for spreadsheets and other programs; pure: text and values.

Both hold the numbers of calibration.toml, digit for digit, under the same names. JSON has all of it;
CSV one row for each hammer and knot, the softest first, without what the hammers have in common.
What is read replaces the hammers that it names in a calibration that is there; the others stay.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from reprlib import repr as shown
from typing import Any

from ..errors import CalibrationError, OptionError
from ..files import key_name, unknown_key
from ..pitch import parse_pitch, pitch_name
from ..tuning.edits import MOST_LATENCY, MOST_WIDTH
from .file import calibration_from, calibration_text
from .values import CURVES, Calibration

FORMAT = "xylophone-calibration"
"""What the key `format` of a JSON file must say."""

VERSION = 1
"""The version of the JSON format that is written, and the newest that is read."""

COLUMNS = ("level_db", *(f"{key}_ms" for key in CURVES))
"""Columns of numbers, as calibration.toml names them; in CSV after `hammer` and `origin`."""

ORIGINS = ("default", "measured", "set")

_HEAD = ("hammer", "origin", *COLUMNS)
_NEEDED = ("format", "version", "kind", "hammers")
_COMMON = ("tuned", "backend", "measured", "rest_time", "supply", "warmth")
_RISING = ("level_db", "width_ms")
_MOST = {"width_ms": 1000 * MOST_WIDTH, "latency_ms": 1000 * MOST_LATENCY}
_LISTED = re.compile(r"\[\n([^\[\]{}]*?)\s*\]")


@dataclass
class _Rows:
    """What was read of one hammer, and where its knots stand in the file, for messages."""

    name: str
    origin: str
    columns: dict[str, list[Any]]
    at: Callable[[int], str]

    @property
    def knots(self) -> int:
        """How many knots were read."""
        return len(self.columns[COLUMNS[0]])

    def table(self) -> dict[str, Any]:
        """Return the hammer's table of calibration.toml."""
        return {"origin": self.origin, **self.columns}


def to_json(calibration: Calibration) -> str:
    """Return a calibration as JSON text, all that its file holds; in ASCII, whatever shows or carries it."""
    content = _content(calibration)
    document = {"format": FORMAT, "version": VERSION, **{k: v for k, v in content.items() if k != "version"}}
    text = json.dumps(document, indent=2)
    return _LISTED.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def to_csv(calibration: Calibration) -> str:
    """Return the hammers of a calibration as CSV text, one row for each hammer and knot."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_HEAD)
    for name, table in _content(calibration)["hammers"].items():
        for values in zip(*(table[column] for column in COLUMNS), strict=True):
            writer.writerow((name, table["origin"], *values))
    return out.getvalue()


def from_json(text: str, base: Calibration) -> Calibration:
    """Return the calibration `base` with what a JSON text holds in its place.

    Only the hammers that it names are replaced; of what they have in common, the keys that are there.
    Raises CalibrationError, one line that names place, rule and remedy, for anything that does not fit.
    """
    document = _document(text, base)
    common = {key: document[key] for key in _COMMON if key in document}
    return _merged(base, list(_json_rows(document["hammers"])), common)


def from_csv(text: str, base: Calibration) -> Calibration:
    """Return the calibration `base` with the hammers that a CSV text names replaced.

    Rows of one hammer are its knots, from the softest. Raises CalibrationError as `from_json` does.
    """
    return _merged(base, list(_csv_rows(text)), {})


def _content(calibration: Calibration) -> dict[str, Any]:
    """Return what calibration.toml would hold, rounded to its digits."""
    return tomllib.loads(calibration_text(calibration))


def _merged(base: Calibration, rows: list[_Rows], common: dict[str, Any]) -> Calibration:
    content = _content(base)
    tables: dict[str, dict[str, Any]] = content["hammers"]
    for key in {"supply", "warmth"} & set(common):
        _check_terms(common[key], tuple(content[key]), key)
    for one in rows:
        one.columns = {column: _rounded(column, values) for column, values in one.columns.items()}
        _check(one, base.hammers)
    _check_knots(rows, base)
    return calibration_from(
        {**content, **common, "hammers": tables | {one.name: one.table() for one in rows}}
    )


def _check(one: _Rows, hammers: tuple[str, ...]) -> None:
    """Raise CalibrationError unless the rows of a hammer are curves of one that is there."""
    if one.name not in hammers:
        raise CalibrationError(
            f"{one.at(0)}: there is no hammer {one.name}, the calibration is for {hammers[0]}.."
            f"{hammers[-1]}: take it out, or choose another instrument"
        )
    if one.origin not in ORIGINS:
        raise CalibrationError(
            f"{one.at(0)}: origin {shown(one.origin)} must be one of {', '.join(ORIGINS)}: mend it"
        )
    for column, values in one.columns.items():
        _check_column(one, column, values)


def _check_column(one: _Rows, column: str, values: list[Any]) -> None:
    for knot, value in enumerate(values):
        if not _is_number(value):
            raise CalibrationError(
                f"{one.at(knot)}: {column} is {shown(value)}: it must be a number such as 7.5"
            )
        if not 0 < value <= _MOST.get(column, math.inf) and column in _MOST:
            raise CalibrationError(
                f"{one.at(knot)}: {column} is {value:g}: it must be above 0 and at most "
                f"{_MOST[column]:g}; mend it"
            )
    for knot, (before, after) in enumerate(pairwise(values), 1):
        if column in _RISING and not after > before:
            raise CalibrationError(
                f"{one.at(knot)}: {column} is {after:g} after {before:g}: it must rise from knot to knot; "
                "mend it"
            )


def _check_knots(rows: list[_Rows], base: Calibration) -> None:
    """Raise CalibrationError unless all hammers will have the same number of knots."""
    named = {one.name for one in rows}
    staying = [name for name in base.hammers if name not in named]
    first = rows[0]
    if staying:
        knots, whose = base.level.shape[1], f"{staying[0]}, which stays,"
    else:
        knots, whose = max(2, first.knots), first.name if first.knots >= 2 else "needs"
    for one in rows:
        if one.knots != knots:
            raise CalibrationError(
                f"{one.at(0)}: {one.name} has {one.knots} knots and {whose} {knots}: all hammers need the "
                "same number, at least 2; mend it, or import all hammers at once"
            )


def _rounded(column: str, values: list[Any]) -> list[Any]:
    """Return what a column holds, numbers with the digits that calibration.toml gives them."""
    digits = 3 if column == "level_db" else 4
    return [round(value, digits) if _is_number(value) else value for value in values]


def _check_terms(terms: object, known: tuple[str, ...], where: str) -> None:
    if not isinstance(terms, dict):
        raise CalibrationError(f"{where} must be an object with {', '.join(known)}: mend it, or leave it out")
    _check_keys(terms, known, known, f"{where}.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _hammer(name: str, where: str) -> str:
    try:
        return pitch_name(parse_pitch(name))
    except OptionError as error:
        raise CalibrationError(f"{where}: {error}") from error


# JSON


def _document(text: str, base: Calibration) -> dict[str, Any]:
    """Return what a JSON text holds; CalibrationError when it is no calibration of this kind of hammer."""
    document = _parsed(text)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise CalibrationError(
            f'this is no calibration: "format" must be "{FORMAT}"; see xylophone tune export'
        )
    _check_keys(document, (*_NEEDED, *_COMMON), _NEEDED, "")
    version = document["version"]
    if version != VERSION or isinstance(version, bool):
        raise CalibrationError(
            f"version {shown(version)} is not known: this program reads {VERSION}; export it again, "
            "or install a newer xylophone"
        )
    if document["kind"] != base.kind:
        raise CalibrationError(
            f"kind {shown(document['kind'])}: the instrument has hammers of kind {base.kind}; choose a file "
            "for these, or change the kind in xylophone.toml"
        )
    return document


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except RecursionError as error:
        raise CalibrationError("brackets are nested too deep for JSON: take some out") from error
    except json.JSONDecodeError as error:
        raise CalibrationError(
            f"line {error.lineno}, column {error.colno}: this is no JSON, {error.msg}: mend it, or export "
            "it again"
        ) from error
    except CalibrationError:
        raise
    except ValueError as error:
        raise CalibrationError("this is no JSON, a number has too many digits: mend it") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise CalibrationError(f"{key_name(key)} stands twice in one object: take one out")
        found[key] = value
    return found


def _json_rows(hammers: object) -> Iterator[_Rows]:
    if not isinstance(hammers, dict) or not hammers:
        raise CalibrationError('hammers must be an object with one or more hammers, "C6": {...}: name some')
    seen: set[str] = set()
    for written, table in hammers.items():
        name = _hammer(written, f"hammers.{key_name(written)}")
        if name in seen:
            raise CalibrationError(
                f"hammers.{written} is the bar {name}, which is there already: take one out"
            )
        seen.add(name)
        yield _json_row(name, table)


def _json_row(name: str, table: object) -> _Rows:
    where = f"hammers.{name}"
    if not isinstance(table, dict):
        raise CalibrationError(f"{where} must be an object with {', '.join(_HEAD[1:])}: export it again")
    _check_keys(table, _HEAD[1:], _HEAD[1:], f"{where}.")
    columns = {column: table[column] for column in COLUMNS}
    for column, values in columns.items():
        if not isinstance(values, list):
            raise CalibrationError(f"{where}.{column} must be a list of numbers, one for each knot: mend it")
        if len(values) != len(columns["level_db"]):
            raise CalibrationError(
                f"{where}.{column} has {len(values)} knots and level_db {len(columns['level_db'])}: "
                "all lists of a hammer need the same number; mend it"
            )
    return _Rows(name, table["origin"], columns, lambda knot: f"{where}, knot {knot + 1}")


def _check_keys(table: dict[str, Any], known: tuple[str, ...], needed: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise CalibrationError(f"unknown key {where}{key_name(key)}: {unknown_key(key, known)}")
    for key in needed:
        if key not in table:
            raise CalibrationError(f"{where}{key} is missing: add it, or export the calibration again")


# CSV


def _csv_rows(text: str) -> Iterator[_Rows]:
    """Yield the hammers of a CSV text in the order of their first rows."""
    found: dict[str, _Rows] = {}
    lines: dict[str, list[int]] = {}
    for line, row in _records(text):
        name = _hammer(row["hammer"], f"row {line}")
        numbers = lines.setdefault(name, [])
        one = found.setdefault(name, _of_csv(name, row["origin"], numbers))
        if row["origin"] != one.origin:
            raise CalibrationError(
                f"row {line} ({name}): origin {shown(row['origin'])} differs from {one.origin!r} in row "
                f"{numbers[0]}: a hammer has one origin; mend it"
            )
        numbers.append(line)
        for column in COLUMNS:
            one.columns[column].append(_number(row[column]))
    yield from found.values()


def _of_csv(name: str, origin: str, numbers: list[int]) -> _Rows:
    columns: dict[str, list[Any]] = {column: [] for column in COLUMNS}
    return _Rows(name, origin, columns, lambda knot: f"row {numbers[knot]} ({name})")


def _records(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row of a CSV text as number and columns, the first row being the head; CalibrationError."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [name.strip() for name in next(reader, [])]
        _check_head(head)
        count = 0
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            count += 1
            if len(row) != len(head):
                raise CalibrationError(
                    f"row {reader.line_num} has {len(row)} cells and the head {len(head)}: give every "
                    "column one, with a point in numbers and commas between"
                )
            yield reader.line_num, dict(zip(head, map(str.strip, row), strict=True))
    except csv.Error as error:
        raise CalibrationError(
            f"row {reader.line_num} is no CSV, {error}: mend it or export it again"
        ) from error
    if not count:
        raise CalibrationError("there is no row below the head: give each hammer its knots, a row for each")


def _check_head(head: list[str]) -> None:
    for name in head:
        if name not in _HEAD and len(head) > 1:
            raise CalibrationError(f"row 1: unknown column {key_name(name)}: {unknown_key(name, _HEAD)}")
    for name in _HEAD:
        if head.count(name) != 1:
            wrong = "stands twice: take one out" if name in head else "is missing: add it"
            comma = "; commas must stand between columns" if len(head) == 1 else ""
            raise CalibrationError(f"row 1: column {name} {wrong}{comma}")


def _number(cell: str) -> float | str:
    """Return the number in a cell, or the cell where it is none."""
    try:
        return float(cell)
    except ValueError:
        return cell
