"""Calibrations as JSON and CSV, for spreadsheets and other programs; pure: text and values.

Both hold the numbers of calibration.toml, digit for digit, under the same names. JSON has all of it, and is
read again: it replaces the hammers that it names in a calibration that is there; the others stay. CSV has
one row for each hammer and knot, the softest first, without what the hammers have in common.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from reprlib import repr as shown
from typing import Any

from ..errors import CalibrationError
from ..files import key_name
from .file import calibration_from, calibration_text, check_keys, hammer_tables
from .values import CURVES, Calibration

FORMAT = "xylophone-calibration"
"""What the key `format` of a JSON file must say."""

VERSION = 2
"""The version of the JSON format that is written, and the newest that is read."""

COLUMNS = ("level_db", *(f"{key}_ms" for key in CURVES))
"""Columns of numbers, as calibration.toml names them; in CSV after `hammer` and `origin`."""

_HEAD = ("hammer", "origin", *COLUMNS)
_NEEDED = ("format", "version", "kind", "hammers")
_COMMON = ("tuned", "backend", "measured", "rest_time", "rest_coupling", "supply", "warmth")
_LISTED = re.compile(r"\[\n([^\[\]{}]*?)\s*\]")


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
    document, content = _document(text, base), _content(base)
    tables = hammer_tables(document["hammers"])
    for name in tables:
        if name not in base.hammers:
            raise CalibrationError(
                f"hammers.{name}: there is no hammer {name}, the calibration is for {base.hammers[0]}.."
                f"{base.hammers[-1]}: take it out, or choose another instrument"
            )
    common = {key: document[key] for key in _COMMON if key in document}
    return calibration_from({**content, **common, "hammers": content["hammers"] | tables})


def _content(calibration: Calibration) -> dict[str, Any]:
    """Return what calibration.toml would hold, rounded to its digits."""
    return tomllib.loads(calibration_text(calibration))


def _document(text: str, base: Calibration) -> dict[str, Any]:
    """Return what a JSON text holds; CalibrationError when it is no calibration of this kind of hammer."""
    document = _parsed(text)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise CalibrationError(
            f'this is no calibration: "format" must be "{FORMAT}"; see xylophone tune export'
        )
    check_keys(document, _NEEDED, "", _COMMON)
    version = document["version"]
    if version not in range(1, VERSION + 1) or isinstance(version, bool):
        raise CalibrationError(
            f"version {shown(version)} is not known: this program reads 1..{VERSION}; export it again, "
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
