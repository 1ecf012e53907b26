"""Calibrations as text of JSON, and back; as CSV."""

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
from hypothesis import given, strategies as st

from counts import examples
from xylophone.calibration.exchange import COLUMNS, FORMAT, from_json, to_csv, to_json
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
        rest_coupling=2.25,
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


@examples(15)
@given(st.integers(0, 1000), st.integers(2, 9))
def test_json_there_and_back_is_exact_to_the_digits_of_the_file(seed: int, knots: int) -> None:
    one = uneven(seed, knots)
    back = from_json(to_json(one), DEFAULT)
    assert calibration_text(back) == calibration_text(one)


def test_what_was_read_from_a_file_comes_back_as_the_same_floats(tmp_path: Path) -> None:
    write_calibration(tmp_path / "c.toml", uneven())
    one = read_calibration(tmp_path / "c.toml")
    back = from_json(to_json(one), one)
    for key in ("level", *CURVES):
        assert np.array_equal(getattr(back, key), getattr(one, key))
    assert (back.hammers, back.origin, back.supply) == (one.hammers, one.origin, one.supply)


def test_only_the_hammers_that_are_named_are_replaced() -> None:
    part = louder(later(DEFAULT, 3, 0.002), 3, 1.0).select((NAMES[3], NAMES[0]))
    back = from_json(to_json(part), DEFAULT)
    assert back.hammers == NAMES
    assert [row for row in range(30) if not np.array_equal(back.level[row], DEFAULT.level[row])] == [3]
    assert back.latency[3] == pytest.approx(part.latency[0])
    assert back.origin == (*("default",) * 3, "set", *("default",) * 26)


def test_json_is_as_documented() -> None:
    document = json.loads(to_json(uneven()))
    assert list(document) == [
        "format", "version", "kind", "tuned", "backend", "measured",
        "rest_time", "rest_coupling", "supply", "warmth", "hammers",
    ]  # fmt: skip
    assert (document["format"], document["version"]) == (FORMAT, 2)
    assert list(document["hammers"]) == list(NAMES)
    assert list(document["hammers"]["C6"]) == ["origin", *COLUMNS]
    assert max(map(len, to_json(uneven()).splitlines())) > 30  # knots of a curve stand on one line


def test_json_with_hammers_alone_leaves_what_they_share() -> None:
    def bare(document: dict[str, Any]) -> None:
        for key in ("tuned", "backend", "rest_time", "rest_coupling", "supply", "warmth"):
            del document[key]

    back = from_json(edited(to_json(uneven()), bare), DEFAULT)
    assert (back.rest_time, back.supply, back.tuned) == (DEFAULT.rest_time, DEFAULT.supply, "")
    assert back.rest_coupling == DEFAULT.rest_coupling


def test_json_of_version_1_is_read() -> None:
    """It knew no coupling of rest and loss: that of the calibration it is read into stays."""

    def older(document: dict[str, Any]) -> None:
        document["version"] = 1
        del document["rest_coupling"]

    back = from_json(edited(to_json(uneven()), older), DEFAULT)
    assert (back.rest_time, back.rest_coupling) == (12.5, DEFAULT.rest_coupling)


def test_csv_is_as_documented() -> None:
    rows = list(csv.reader(io.StringIO(to_csv(uneven(knots=4)))))
    assert rows[0] == [
        "hammer", "origin", "level_db", "width_ms", "latency_ms", "width_loss_ms", "width_loss2_ms",
        "latency_loss_ms", "latency_loss2_ms", "width_rest_ms", "latency_rest_ms",
    ]  # fmt: skip
    assert [row[0] for row in rows[1:]] == [name for name in NAMES for _ in range(4)]


def cut(document: dict[str, Any], away: slice) -> None:
    for table in document["hammers"].values():
        for key in COLUMNS:
            del table[key][away]


JSON_FAULTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "format": (lambda d: d.update(format="song"), r'no calibration: "format" must be .* export'),
    "version": (lambda d: d.update(version=3), r"version 3 .* reads 1\.\.2; export it again"),
    "no version": (lambda d: d.pop("version"), r"version is missing: add it"),
    "kind": (lambda d: d.update(kind="jf-0530b"), r"kind 'jf-0530b': .* of kind zye1-0530; choose a file"),
    "unknown key": (lambda d: d.update(rest_tim=1), r"unknown key rest_tim: did you mean rest_time\?"),
    "no hammers": (lambda d: d.update(hammers={}), r"hammers must be one or more tables"),
    "list of hammers": (lambda d: d.update(hammers=[1]), r"hammers must be one or more tables"),
    "no pitch": (lambda d: d["hammers"].update(H9={}), r"hammers\.H9: 'H9' is no pitch: write a name"),
    "flat and sharp": (
        lambda d: d["hammers"].update(Gb6=d["hammers"]["F#6"]),
        r"hammers\.Gb6 is the bar F#6, which has a table: take one out",
    ),
    "unknown hammer": (
        lambda d: d["hammers"].update(C1=d["hammers"]["C6"]),
        r"hammers\.C1: there is no hammer C1, .* G4\.\.C7: take it out",
    ),
    "no table": (lambda d: d["hammers"].update(C6=3), r"hammers\.C6 must be a table"),
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
        r"hammers\.C6\.level_db is 3: it must be a list of numbers; mend it",
    ),
    "short list": (
        lambda d: d["hammers"]["C6"]["latency_ms"].pop(),
        r"hammers\.C6\.latency_ms has 4 knots and level_db 5: all rows need the same number",
    ),
    "origin": (
        lambda d: d["hammers"]["C6"].update(origin=["set"]),
        r"hammers\.C6\.origin \['set'\] must be one of default, measured, set: mend it",
    ),
    "text": (
        lambda d: d["hammers"]["C6"]["width_rest_ms"].__setitem__(2, "7,5"),
        r"hammers\.C6\.width_rest_ms is \[.*'7,5'.*\]: it must be a list of numbers",
    ),
    "truth": (
        lambda d: d["hammers"]["C6"]["width_ms"].__setitem__(0, True),
        r"hammers\.C6\.width_ms is \[True, .*\]: it must be a list of numbers",
    ),
    "nan": (
        lambda d: d["hammers"]["C6"]["level_db"].__setitem__(0, float("nan")),
        r"hammers\.C6\.level_db is \[nan, .*\]: it must be a list of numbers",
    ),
    "huge": (
        lambda d: d["hammers"]["C6"]["level_db"].__setitem__(0, 10**400),
        r"hammers\.C6\.level_db is \[10+\.\.\.0+, .*\]: it must be a list of numbers",
    ),
    "too long": (
        lambda d: d["hammers"]["C6"]["width_ms"].__setitem__(4, 201),
        r"calibration of C6: width must lie in 0\.\.0\.2 s",
    ),
    "negative": (
        lambda d: d["hammers"]["C6"]["latency_ms"].__setitem__(4, -1),
        r"calibration of C6: latency must lie in 0\.\.0\.5 s",
    ),
    "falling": (
        lambda d: d["hammers"]["C6"]["level_db"].reverse(),
        r"calibration of C6: level must rise from knot to knot",
    ),
    "knots": (
        lambda d: [d["hammers"]["C6"][key].pop() for key in COLUMNS],
        r"hammers\.C6 has 4 knots and G4 has 5: all hammers need the same number",
    ),
    "knots of those that stay": (
        lambda d: d["hammers"].pop("G4"),
        r"hammers\.G#4 has 5 knots and G4 has 28: all hammers need the same number",
    ),
    "one knot": (
        lambda d: cut(d, slice(1, None)),
        r"level has shape \(30, 1\), it must be 30 hammers by the same two or more knots",
    ),
    "no knot": (
        lambda d: cut(d, slice(None)),
        r"level has shape \(30, 0\)",
    ),
    "supply": (lambda d: d.update(supply=[]), r"supply must be a table"),
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
