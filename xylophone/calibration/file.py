"""calibration.toml: written by the program, read at every playing, kept by the instrument.

Times stand in milliseconds to 0.1 us and levels in dB to 0.001, so that the file can be read by
people; both are far below what anybody can measure. Reading uses the standard library only.
"""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path
from reprlib import repr as shown
from typing import Any

import numpy as np

from ..errors import CalibrationError, OptionError, did_you_mean
from ..files import key_name, read_toml, write_text
from ..instrument import Instrument
from ..pitch import parse_pitch, pitch_name
from ..tables import Floats
from ..words import counted
from .values import CURVES, ORIGINS, TERMS, Calibration, SupplyTerms, WarmthTerms

VERSION = 3
"""The version of the file format that this program writes, and the newest that it reads."""

FILE_NAME = "calibration.toml"

_SHIPPED = Path(__file__).parents[1] / "kinds"
_ROWS = {"level": "level_db"} | {key: f"{key}_ms" for key in CURVES}
_TOP = ("version", "kind", "rest_time", "supply", "warmth", "hammers")
_SINCE_2 = ("tuned", "backend", "measured")
_SINCE_3 = ("rest_coupling",)
_SHARED = ("supply", "warmth", "rest_coupling")
_SUPPLY_KEYS = {"lag": "lag_ms"}
_BOUNDS = {
    "rest_time": (0.01, 3600.0),
    "rest_coupling": (0.0, 10.0),
    "per_ampere": (0.0, 1.0),
    "lag_ms": (0.0, 100.0),
    "width_slope": (-10.0, 10.0),
    "latency_slope": (-10.0, 10.0),
    "per_second": (0.0, 1000.0),
    "time_constant": (0.1, 100_000.0),
    "loss_per_kelvin": (0.0, 0.1),
}


def write_calibration(path: str | Path, calibration: Calibration) -> None:
    """Replace a calibration file as a whole; FileError when it cannot be written.

    Raises CalibrationError, and writes nothing, as `checked_text` does.
    """
    write_text(path, checked_text(path, calibration))


def checked_text(path: str | Path, calibration: Calibration) -> str:
    """Return the text of a calibration file that is to be written to `path`.

    Raises CalibrationError when the file could not be read again: knots that lie closer than the file's
    digits, a coefficient out of bounds.
    """
    text = calibration_text(calibration)
    try:
        calibration_from(tomllib.loads(text))
    except CalibrationError as error:
        raise CalibrationError(f"cannot write {path}: {error}") from error
    return text


def calibration_text(calibration: Calibration) -> str:
    """Return the calibration as the TOML text of a calibration file."""
    blocks = [_head(calibration), _terms_text(calibration)]
    blocks += [_hammer_text(calibration, row) for row in range(len(calibration.hammers))]
    return "\n".join(blocks)


def read_calibration(path: str | Path) -> Calibration:
    """Return the calibration that a file holds, its values as `write_calibration` rounded them.

    Raises FileError for a file that cannot be read, else CalibrationError, whose message begins
    with the path: broken TOML with line and column, unknown keys with the nearest known one,
    missing or wrong values, a version newer than VERSION.
    """
    content = read_toml(path, CalibrationError)
    try:
        return calibration_from(content)
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from error


def default_calibration(instrument: Instrument) -> Calibration:
    """Return the calibration of an average hammer of the instrument's kind, for all its hammers.

    Shipped with the program, from the model of each kind: no hammer is exactly like it.
    """
    return _of_kind(instrument.kind.name).spread(_names(instrument))


def calibration_for(instrument: Instrument, path: str | Path | None) -> Calibration:
    """Return the calibration of the instrument's hammers, from a file or, for None, the default.

    Raises CalibrationError when the file is for another hammer kind or lacks one of the hammers,
    and what `read_calibration` raises.

    >>> calibration_for(build_instrument(), None).hammers[:3]
    ('G4', 'G#4', 'A4')
    """
    if path is None:
        return default_calibration(instrument)
    calibration = read_calibration(path)
    check_fits(calibration, instrument, path)
    return calibration.select(_names(instrument))


def check_fits(calibration: Calibration, instrument: Instrument, path: str | Path) -> None:
    """Raise CalibrationError, which names both, where the calibration of a file is for another instrument."""
    names = _names(instrument)
    missing = [name for name in names if name not in calibration.hammers]
    if missing or calibration.kind != instrument.kind.name:
        raise CalibrationError(
            f"{path} is for another instrument, {_span(calibration.kind, calibration.hammers)}, "
            f"not {_span(instrument.kind.name, names)}{f': it lacks {missing[0]}' if missing else ''}; "
            "tune this one into a file of its own: name it with --calibration, or give it another --config"
        )


@cache
def _of_kind(kind: str) -> Calibration:
    return read_calibration(_SHIPPED / f"{kind}.toml")


def _names(instrument: Instrument) -> tuple[str, ...]:
    return tuple(hammer.name for hammer in instrument.hammers)


def _span(kind: str, hammers: tuple[str, ...]) -> str:
    if len(hammers) == 1:
        return f"1 {kind} hammer {hammers[0]}"
    return f"{counted(len(hammers), f'{kind} hammer')} {hammers[0]}..{hammers[-1]}"


def _head(calibration: Calibration) -> str:
    return (
        f"# Calibration of {_span(calibration.kind, calibration.hammers)}. Written by the program:\n"
        "# tune again rather than edit. Level is the impact speed in dB re 1 m/s, width the pulse that\n"
        "# gives it, latency the time from its start to the contact. See docs/configuration.md.\n"
        f"version = {VERSION}\nkind = {_quoted(calibration.kind)}\n"
        f"tuned = {_quoted(calibration.tuned)}  # when last changed\n"
        f"backend = {_quoted(calibration.backend)}  # on what\n"
        f"measured = {json.dumps(list(calibration.measured))}  # of what hammers share; else the default's\n"
        f"rest_time = {_short(calibration.rest_time)}  # s\n"
        f"rest_coupling = {_short(calibration.rest_coupling)}  # of rest and loss of drive\n"
    )


def _quoted(text: str) -> str:
    """Return a TOML string; letters stay as they are: JSON escapes emoji as TOML may not."""
    return json.dumps(text, ensure_ascii=False)


def _terms_text(calibration: Calibration) -> str:
    supply, warmth = calibration.supply, calibration.warmth
    return (
        "[supply]\n"
        f"per_ampere = {_short(supply.per_ampere)}  # of the drive, an ampere of the other coils\n"
        f"lag_ms = {_number(supply.lag * 1000, 4)}\n"
        f"width_slope = {_short(supply.width_slope)}\n"
        f"latency_slope = {_short(supply.latency_slope)}\n\n"
        "[warmth]\n"
        f"per_second = {_short(warmth.per_second)}  # K a second of on-time\n"
        f"time_constant = {_short(warmth.time_constant)}  # s\n"
        f"loss_per_kelvin = {_short(warmth.loss_per_kelvin)}  # of the drive\n"
    )


def _hammer_text(calibration: Calibration, row: int) -> str:
    name = calibration.hammers[row]
    table = f'[hammers."{name}"]' if "#" in name else f"[hammers.{name}]"
    lines = [table, f'origin = "{calibration.origin[row]}"']
    for key, written in _ROWS.items():
        scale, digits = (1.0, 3) if key == "level" else (1000.0, 4)
        knots = ", ".join(_number(value * scale, digits) for value in getattr(calibration, key)[row])
        lines.append(f"{written} = [{knots}]")
    return "\n".join(lines) + "\n"


def _number(value: float, digits: int) -> str:
    """Return a value with at least one and at most `digits` decimals, never '-0.0'."""
    text = f"{round(float(value), digits) + 0.0:.{digits}f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def _short(value: float) -> str:
    return str(float(f"{value:.6g}"))


def calibration_from(content: dict[str, Any]) -> Calibration:
    """Return the calibration that the content of a calibration file makes; CalibrationError."""
    version = _version(content)
    newer = _SINCE_2 if version >= 2 else ()
    coupled = _SINCE_3 if version >= 3 else ()
    check_keys(content, (*_TOP, *newer, *coupled), "")
    tables = hammer_tables(content["hammers"])
    rows = {key: _stack(tables, written) for key, written in _ROWS.items()}
    return Calibration(
        kind=_text(content, "kind"),
        hammers=tuple(tables),
        supply=SupplyTerms(**_terms(content, "supply", TERMS[0])),
        warmth=WarmthTerms(**_terms(content, "warmth", TERMS[1])),
        rest_time=_bounded(content, "rest_time", ""),
        rest_coupling=_bounded(content, "rest_coupling", "") if coupled else 0.0,
        origin=tuple(table["origin"] for table in tables.values()),
        tuned=_text(content, "tuned") if newer else "",
        backend=_text(content, "backend") if newer else "",
        measured=_measured(content["measured"]) if newer else (),
        **rows,
    )


def _version(content: dict[str, Any]) -> int:
    version = content.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise CalibrationError(
            f"version {shown(version)} is no version: this program reads 1..{VERSION}; tune again"
        )
    if version > VERSION:
        raise CalibrationError(
            f"version {version} is newer than this program, which reads 1..{VERSION}: "
            "install a newer xylophone, or tune again"
        )
    return version


def check_keys(table: dict[str, Any], known: tuple[str, ...], where: str, also: tuple[str, ...] = ()) -> None:
    """Raise CalibrationError unless a table has all keys that are `known`, and none but these and `also`."""
    for key in table:
        if key not in known + also:
            raise CalibrationError(f"unknown key {where}{key_name(key)}: {did_you_mean(key, known + also)}")
    for key in known:
        if key not in table:
            raise CalibrationError(f"{where}{key} is missing: add it, or tune again")


def hammer_tables(hammers: object) -> dict[str, dict[str, Any]]:
    """Return the tables of hammers by the names of their bars; CalibrationError unless each is one."""
    if not isinstance(hammers, dict) or not hammers:
        raise CalibrationError("hammers must be one or more tables such as [hammers.C6]: tune again")
    tables: dict[str, dict[str, Any]] = {}
    for written, table in hammers.items():
        name = _hammer_name(written)
        if name in tables:
            raise CalibrationError(f"hammers.{written} is the bar {name}, which has a table: take one out")
        tables[name] = _table(table, name)
    return tables


def _hammer_name(name: str) -> str:
    try:
        return pitch_name(parse_pitch(name))
    except OptionError as error:
        raise CalibrationError(f"hammers.{key_name(name)}: {error}") from error


def _table(table: object, name: str) -> dict[str, Any]:
    where = f"hammers.{name}."
    if not isinstance(table, dict):
        raise CalibrationError(f"hammers.{name} must be a table [hammers.{name}]: tune {name} again")
    check_keys(table, ("origin", *_ROWS.values()), where)
    if table["origin"] not in ORIGINS:
        raise CalibrationError(
            f"{where}origin {shown(table['origin'])} must be one of {', '.join(ORIGINS)}: mend it"
        )
    for written in _ROWS.values():
        if not isinstance(table[written], list) or not all(map(_is_number, table[written])):
            raise CalibrationError(
                f"{where}{written} is {shown(table[written])}: it must be a list of numbers; "
                f"mend it, or tune {name} again"
            )
        if len(table[written]) != len(table["level_db"]):
            raise CalibrationError(
                f"{where}{written} has {len(table[written])} knots and level_db {len(table['level_db'])}: "
                f"all rows need the same number; tune {name} again"
            )
    return table


def _stack(tables: dict[str, dict[str, Any]], written: str) -> Floats:
    first, *others = tables
    knots = len(tables[first][written])
    for name in others:
        if len(tables[name][written]) != knots:
            raise CalibrationError(
                f"hammers.{name} has {len(tables[name][written])} knots and {first} has {knots}: "
                f"all hammers need the same number; tune {name} again"
            )
    scale = 1.0 if written == "level_db" else 0.001
    return np.array([table[written] for table in tables.values()], dtype=np.float64) * scale


def _terms(content: dict[str, Any], name: str, fields: tuple[str, ...]) -> dict[str, float]:
    table = content[name]
    if not isinstance(table, dict):
        raise CalibrationError(f"{name} must be a table [{name}]: tune again")
    keys = {field: _SUPPLY_KEYS.get(field, field) for field in fields}
    check_keys(table, tuple(keys.values()), f"{name}.")
    values = {field: _bounded(table, key, f"{name}.") for field, key in keys.items()}
    return values | {"lag": values["lag"] / 1000} if "lag" in values else values


def _bounded(table: dict[str, Any], key: str, where: str) -> float:
    least, most = _BOUNDS[key]
    value = table[key]
    if not _is_number(value) or not least <= value <= most:
        raise CalibrationError(
            f"{where}{key} is {shown(value)}: it must be a number {least:g}..{most:g}; tune again"
        )
    return float(value)


def _text(content: dict[str, Any], key: str) -> str:
    if not isinstance(content[key], str) or not content[key].isprintable():
        raise CalibrationError(f"{key} is {shown(content[key])}: it must be a name in quotes")
    return str(content[key])


def _measured(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(name in _SHARED for name in value):
        raise CalibrationError(f"measured is {shown(value)}: it must be a list of {', '.join(_SHARED)}")
    return tuple(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9
