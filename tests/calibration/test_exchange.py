"""Calibrations as text of JSON and CSV, and back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from xylophone.calibration.exchange import COLUMNS, FORMAT, from_csv, from_json, to_csv, to_json
from xylophone.calibration.file import (
    calibration_text,
    default_calibration,
    read_calibration,
    write_calibration,
)
from xylophone.calibration.values import CURVES, Calibration
from xylophone.errors import CalibrationError
from xylophone.instrument import build_instrument
from xylophone.tuning.edits import later, louder

DEFAULT = default_calibration(build_instrument())
NAMES = DEFAULT.hammers
TEXTS = {"json": (to_json, from_json), "csv": (to_csv, from_csv)}
TERMS = ("kind", "supply", "warmth", "rest_time")


def uneven(seed: int = 1, knots: int = 5) -> Calibration:
    """Return a calibration of hammers that all differ, with more digits than any file has."""
    rng = np.random.default_rng(seed)
    shape = (len(NAMES), knots)
    curves = {key: rng.normal(0.0, 0.01, shape) for key in CURVES}
    curves["width"] = 0.006 + np.cumsum(rng.uniform(1e-4, 2e-3, shape), axis=1)
    curves["latency"] = rng.uniform(0.015, 0.03, shape)
    origin = tuple(rng.choice(["default", "measured", "set"], len(NAMES)).tolist())
    return replace(
        DEFAULT,
        level=-20.0 + np.cumsum(rng.uniform(0.01, 3.0, shape), axis=1),
        origin=origin,
        rest_time=12.5,
        tuned="2026-03-01T20:15:00+01:00",
        backend='gpio:"595" [ä]',
        **curves,
    )


def test_json_is_the_same_bytes_whatever_shows_it() -> None:
    """A terminal without a letter would put another in its place, and one that steers would be left out."""
    odd = replace(DEFAULT, tuned="\u00e9\U0001f600", backend="gpio:\u00e9")
    text = to_json(odd)
    assert text.isascii()
    assert from_json(text, DEFAULT).tuned == odd.tuned


def edited(text: str, change: Callable[[dict[str, Any]], Any]) -> str:
    document = json.loads(text)
    change(document)
    return json.dumps(document)


def with_rows(text: str, change: Callable[[list[list[str]]], Any]) -> str:
    rows = list(csv.reader(io.StringIO(text)))
    change(rows)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


@settings(max_examples=15)
@given(st.integers(0, 1000), st.integers(2, 9))
def test_json_there_and_back_is_exact_to_the_digits_of_the_file(seed: int, knots: int) -> None:
    one = uneven(seed, knots)
    back = from_json(to_json(one), DEFAULT)
    assert calibration_text(back) == calibration_text(one)


@settings(max_examples=15)
@given(st.integers(0, 1000), st.integers(2, 9))
def test_csv_there_and_back_is_exact_and_leaves_what_hammers_share(seed: int, knots: int) -> None:
    one = uneven(seed, knots)
    back = from_csv(to_csv(one), DEFAULT)
    shared = {key: getattr(DEFAULT, key) for key in (*TERMS, "tuned", "backend")}
    assert calibration_text(back) == calibration_text(replace(one, **shared))


@pytest.mark.parametrize("form", TEXTS)
def test_what_was_read_from_a_file_comes_back_as_the_same_floats(tmp_path: Path, form: str) -> None:
    write_calibration(tmp_path / "c.toml", uneven())
    one = read_calibration(tmp_path / "c.toml")
    write, read = TEXTS[form]
    back = read(write(one), one)
    for key in ("level", *CURVES):
        assert np.array_equal(getattr(back, key), getattr(one, key))
    assert (back.hammers, back.origin, back.supply) == (one.hammers, one.origin, one.supply)


@pytest.mark.parametrize("form", TEXTS)
def test_only_the_hammers_that_are_named_are_replaced(form: str) -> None:
    write, read = TEXTS[form]
    part = louder(later(DEFAULT, 3, 0.002), 3, 1.0).select((NAMES[3], NAMES[0]))
    back = read(write(part), DEFAULT)
    assert back.hammers == NAMES
    assert [row for row in range(30) if not np.array_equal(back.level[row], DEFAULT.level[row])] == [3]
    assert back.latency[3] == pytest.approx(part.latency[0])
    assert back.origin == (*("default",) * 3, "set", *("default",) * 26)


def test_json_is_as_documented() -> None:
    document = json.loads(to_json(uneven()))
    assert list(document) == [
        "format", "version", "kind", "tuned", "backend", "measured",
        "rest_time", "supply", "warmth", "hammers",
    ]  # fmt: skip
    assert (document["format"], document["version"]) == (FORMAT, 1)
    assert list(document["hammers"]) == list(NAMES)
    assert list(document["hammers"]["C6"]) == ["origin", *COLUMNS]
    assert max(map(len, to_json(uneven()).splitlines())) > 30  # knots of a curve stand on one line


def test_json_with_hammers_alone_leaves_what_they_share() -> None:
    def bare(document: dict[str, Any]) -> None:
        for key in ("tuned", "backend", "rest_time", "supply", "warmth"):
            del document[key]

    back = from_json(edited(to_json(uneven()), bare), DEFAULT)
    assert (back.rest_time, back.supply, back.tuned) == (DEFAULT.rest_time, DEFAULT.supply, "")


def test_csv_is_as_documented() -> None:
    rows = list(csv.reader(io.StringIO(to_csv(uneven(knots=4)))))
    assert rows[0] == [
        "hammer", "origin", "level_db", "width_ms", "latency_ms", "width_loss_ms", "width_loss2_ms",
        "latency_loss_ms", "latency_loss2_ms", "width_rest_ms", "latency_rest_ms",
    ]  # fmt: skip
    assert [row[0] for row in rows[1:]] == [name for name in NAMES for _ in range(4)]


def test_csv_of_a_spreadsheet_is_read() -> None:
    """Carriage returns, quotes, spaces, empty rows, columns in another order, flats."""
    rows = list(csv.DictReader(io.StringIO(to_csv(uneven()))))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0])[::-1], quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row | {"hammer": {"C#6": "Db6 "}.get(row["hammer"], row["hammer"])})
    text = out.getvalue() + ',"",,,,,,,,,\r\n\r\n'
    back = from_csv(text, DEFAULT)
    assert calibration_text(back) == calibration_text(from_csv(to_csv(uneven()), DEFAULT))


def cut(document: dict[str, Any], away: slice) -> None:
    for table in document["hammers"].values():
        for key in COLUMNS:
            del table[key][away]


JSON_FAULTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "format": (lambda d: d.update(format="song"), r'no calibration: "format" must be .* export'),
    "version": (lambda d: d.update(version=2), r"version 2 .* reads 1; export it again"),
    "no version": (lambda d: d.pop("version"), r"version is missing: add it"),
    "kind": (lambda d: d.update(kind="jf-0530b"), r"kind 'jf-0530b': .* of kind zye1-0530; choose a file"),
    "unknown key": (lambda d: d.update(rest_tim=1), r"unknown key rest_tim: did you mean rest_time\?"),
    "no hammers": (lambda d: d.update(hammers={}), r"hammers must be an object with one or more"),
    "list of hammers": (lambda d: d.update(hammers=[1]), r"hammers must be an object"),
    "no pitch": (lambda d: d["hammers"].update(H9={}), r"hammers\.H9: 'H9' is no pitch: write a name"),
    "flat and sharp": (
        lambda d: d["hammers"].update(Gb6=d["hammers"]["F#6"]),
        r"hammers\.Gb6 is the bar F#6, which is there already: take one out",
    ),
    "unknown hammer": (
        lambda d: d["hammers"].update(C1=d["hammers"]["C6"]),
        r"hammers\.C1, knot 1: there is no hammer C1, .* G4\.\.C7: take it out",
    ),
    "no table": (lambda d: d["hammers"].update(C6=3), r"hammers\.C6 must be an object with origin"),
    "no column": (
        lambda d: d["hammers"]["C6"].pop("width_ms"),
        r"hammers\.C6\.width_ms is missing: add it",
    ),
    "unknown column": (
        lambda d: d["hammers"]["C6"].update(with_ms=[]),
        r"unknown key hammers\.C6\.with_ms: did you mean width_ms\?",
    ),
    "no list": (
        lambda d: d["hammers"]["C6"].update(level_db=3),
        r"hammers\.C6\.level_db must be a list of numbers",
    ),
    "short list": (
        lambda d: d["hammers"]["C6"]["latency_ms"].pop(),
        r"hammers\.C6\.latency_ms has 4 knots and level_db 5: .* mend it",
    ),
    "origin": (
        lambda d: d["hammers"]["C6"].update(origin=["set"]),
        r"hammers\.C6, knot 1: origin \['set'\] must be one of default, measured, set: mend it",
    ),
    "text": (
        lambda d: d["hammers"]["C6"]["width_rest_ms"].__setitem__(2, "7,5"),
        r"hammers\.C6, knot 3: width_rest_ms is '7,5': it must be a number such as 7\.5",
    ),
    "truth": (
        lambda d: d["hammers"]["C6"]["width_ms"].__setitem__(0, True),
        r"knot 1: width_ms is True: it must be a number",
    ),
    "nan": (
        lambda d: d["hammers"]["C6"]["level_db"].__setitem__(0, float("nan")),
        r"knot 1: level_db is nan: it must be a number",
    ),
    "huge": (
        lambda d: d["hammers"]["C6"]["level_db"].__setitem__(0, 10**400),
        r"knot 1: level_db is 10+\.\.\.0+: it must be a number",
    ),
    "too long": (
        lambda d: d["hammers"]["C6"]["width_ms"].__setitem__(4, 201),
        r"knot 5: width_ms is 201: it must be above 0 and at most 200; mend it",
    ),
    "negative": (
        lambda d: d["hammers"]["C6"]["latency_ms"].__setitem__(4, -1),
        r"knot 5: latency_ms is -1: it must be above 0 and at most 500; mend it",
    ),
    "falling": (
        lambda d: d["hammers"]["C6"]["level_db"].reverse(),
        r"hammers\.C6, knot 2: level_db is .* after .*: it must rise from knot to knot; mend it",
    ),
    "knots": (
        lambda d: [d["hammers"]["C6"][key].pop() for key in COLUMNS],
        r"hammers\.C6, knot 1: C6 has 4 knots and G4 5: all hammers need the same number",
    ),
    "knots of those that stay": (
        lambda d: d["hammers"].pop("G4"),
        r"G#4 has 5 knots and G4, which stays, 28: .* or import all hammers at once",
    ),
    "one knot": (
        lambda d: cut(d, slice(1, None)),
        r"G4 has 1 knots and needs 2: all hammers need the same number, at least 2",
    ),
    "no knot": (
        lambda d: cut(d, slice(None)),
        r"G4 has 0 knots and needs 2",
    ),
    "supply": (lambda d: d.update(supply=[]), r"supply must be an object with per_ampere, .* leave it out"),
    "term": (lambda d: d["supply"].pop("lag_ms"), r"supply\.lag_ms is missing: add it"),
    "unknown term": (
        lambda d: d["warmth"].update(per_secnd=1),
        r"unknown key warmth\.per_secnd: did you mean per_second\?",
    ),
    "term out of bounds": (lambda d: d["supply"].update(per_ampere=7), r"supply\.per_ampere is 7: .* 0\.\.1"),
    "rest_time": (lambda d: d.update(rest_time=None), r"rest_time is None: it must be a number"),
}  # fmt: skip


@pytest.mark.parametrize("fault", JSON_FAULTS)
def test_json_that_does_not_fit_is_told_in_one_line(fault: str) -> None:
    change, words = JSON_FAULTS[fault]
    with pytest.raises(CalibrationError, match=words) as told:
        from_json(edited(to_json(uneven()), change), DEFAULT)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"line 1, column 1: this is no JSON, .* mend it"),
        ('{"format": }', r"line 1, column 12: this is no JSON"),
        ("[]", r'"format" must be "xylophone-calibration"'),
        ("[" * 100_000, r"nested too deep for JSON"),
        ("1" * 5000, r"no JSON, a number has too many digits"),
        ('{"format": 1, "format": 2}', r"format stands twice in one object: take one out"),
    ],
)
def test_what_is_no_json_is_told_in_one_line(text: str, words: str) -> None:
    with pytest.raises(CalibrationError, match=words) as told:
        from_json(text, DEFAULT)
    assert "\n" not in str(told.value)


def cell(row: int, column: str, value: str) -> Callable[[list[list[str]]], Any]:
    return lambda rows: rows[row].__setitem__(rows[0].index(column), value)


CSV_FAULTS: dict[str, tuple[Callable[[list[list[str]]], Any], str]] = {
    "no column": (lambda rows: [row.pop(3) for row in rows], r"row 1: column width_ms is missing: add it"),
    "unknown column": (
        cell(0, "width_ms", "with_ms"),
        r"row 1: unknown column with_ms: did you mean width_ms\?",
    ),
    "column twice": (cell(0, "width_ms", "level_db"), r"row 1: column level_db stands twice: take one out"),
    "no rows": (lambda rows: rows.__delitem__(slice(1, None)), r"no row below the head: give each hammer"),
    "cells": (lambda rows: rows[7].append("8"), r"row 8 has 12 cells and the head 11: .* commas between"),
    "no pitch": (cell(1, "hammer", "x"), r"row 2: 'x' is no pitch: write a name"),
    "unknown hammer": (cell(1, "hammer", "C1"), r"row 2 \(C1\): there is no hammer C1, .* take it out"),
    "origin": (cell(1, "origin", "me"), r"row 3 \(G4\): origin .* differs from 'me' in row 2: .* mend it"),
    "wrong origin": (
        lambda rows: [row.__setitem__(1, "me") for row in rows[1:]],
        r"row 2 \(G4\): origin 'me' must be one of default, measured, set",
    ),
    "no number": (cell(9, "latency_ms", "9,5"), r"row 10 \(G#4\): latency_ms is '9,5': it must be a number"),
    "empty": (cell(9, "latency_ms", ""), r"row 10 \(G#4\): latency_ms is '': it must be a number"),
    "nan": (cell(9, "latency_ms", "nan"), r"row 10 \(G#4\): latency_ms is nan: it must be a number"),
    "falling": (cell(4, "level_db", "-60"), r"row 5 \(G4\): level_db is -60 after -\d.*: it must rise"),
    "even": (
        lambda rows: cell(4, "width_ms", rows[3][rows[0].index("width_ms")])(rows),
        r"row 5 \(G4\): width_ms is .* it must rise from knot to knot; mend it",
    ),
    "nearer than the digits": (
        lambda rows: cell(4, "level_db", rows[3][rows[0].index("level_db")] + "4")(rows),
        r"row 5 \(G4\): level_db is .* it must rise from knot to knot; mend it",
    ),
    "knots": (lambda rows: rows.pop(8), r"row 7 \(G#4\): G#4 has 4 knots and G4 5: all hammers need"),
}  # fmt: skip


@pytest.mark.parametrize("fault", CSV_FAULTS)
def test_csv_that_does_not_fit_is_told_in_one_line(fault: str) -> None:
    change, words = CSV_FAULTS[fault]
    with pytest.raises(CalibrationError, match=words) as told:
        from_csv(with_rows(to_csv(uneven()), change), DEFAULT)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"row 1: column hammer is missing: add it"),
        (to_csv(DEFAULT).replace(",", ";"), r"column hammer is missing.* commas must stand between columns"),
        (to_csv(DEFAULT) + '"G4', r"row 842 is no CSV, .*: mend it"),
    ],
)
def test_what_is_no_csv_is_told_in_one_line(text: str, words: str) -> None:
    with pytest.raises(CalibrationError, match=words) as told:
        from_csv(text, DEFAULT)
    assert "\n" not in str(told.value)
