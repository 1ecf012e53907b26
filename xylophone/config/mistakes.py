"""The mistakes of a configuration file: all of them at once, one line each, with line number and remedy."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..errors import ConfigError, did_you_mean
from ..files import key_name
from .schema import TABLES, Config, SavedTable, rule_of

Keys = tuple[str, ...]
Mistake = tuple[Keys, str]
"""The keys that lead to a value, and one line about it."""

_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(#.*)?\Z")
_KEY = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*'|[.\s])+?)\s*=")


def config_error(path: Path, text: str, mistakes: Iterable[Mistake]) -> ConfigError:
    """Return the error that tells mistakes in the order of the file, each with path and line."""
    lines = line_numbers(text)
    told = []
    for keys, message in mistakes:
        line = _line_of(keys, lines)
        told.append((line, f"{path}{f', line {line}' if line else ''}: {message}"))
    return ConfigError(*(message for _, message in sorted(told, key=lambda pair: pair[0])))


def mistakes_of(error: ValidationError) -> list[Mistake]:
    """Return what pydantic found in xylophone.toml, or in the file beside a song, in this project's words."""
    saved = error.title == SavedTable.__name__
    return [_told(detail, saved) for detail in error.errors(include_url=False)]


def dotted(keys: Iterable[str]) -> str:
    """Return keys as a message shows them: hammers.C6.channel."""
    return ".".join(key_name(key) for key in keys)


def line_numbers(text: str) -> dict[Keys, int]:
    """Return the line, from 1, on which each table and key of a TOML text begins."""
    found: dict[Keys, int] = {}
    table: Keys = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _split(header[1])
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            keys = (*table, *_split(key[1]))
            for depth in range(len(table) + 1, len(keys) + 1):
                found.setdefault(keys[:depth], number)
    return found


def _split(written: str) -> Keys:
    """Return the keys of a dotted key; none when it is none, as in a text of several lines."""
    try:
        content: Any = tomllib.loads(f"{written.strip()} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    keys: list[str] = []
    while isinstance(content, dict):
        key, content = next(iter(content.items()))
        keys.append(key)
    return tuple(keys)


def _line_of(keys: Keys, lines: dict[Keys, int]) -> int:
    return next((lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in lines), 0)


def _told(detail: ErrorDetails, saved: bool) -> Mistake:
    keys, value = _place(detail)
    if detail["type"] == "extra_forbidden":
        remedy = did_you_mean(keys[0], SavedTable.model_fields) if saved else _home_of(keys)
        return keys, f"unknown key {dotted(keys)}: {remedy}"
    return keys, f"{value}: {_broken_rule(detail, rule_of(SavedTable, keys[0]) if saved else _rule(keys))}"


def _place(detail: ErrorDetails) -> tuple[Keys, str]:
    """Return the keys that lead to a mistake, and 'hammers.C6.channel is 70'."""
    places = [place for place in detail["loc"] if place != "[key]"]
    keys = tuple(str(place) for place in places if not isinstance(place, int))
    numbers = "".join(f"[{place}]" for place in places if isinstance(place, int))
    return keys, f"{dotted(keys)}{numbers} is {shown(detail['input'])}"


def _broken_rule(detail: ErrorDetails, rule: str) -> str:
    reason = detail.get("ctx", {}).get("error")
    return str(reason) if reason else f"it must be {rule}"


def _home_of(keys: Keys) -> str:
    """Return where a key belongs that its table does not know."""
    *before, key = keys
    known = TABLES[before[0]].model_fields if before else Config.model_fields
    homes = [name for name, table in TABLES.items() if key in table.model_fields and name not in before]
    if homes:
        return f"it belongs in [{'hammers.C6' if homes[0] == 'hammers' else homes[0]}]"
    return did_you_mean(key, known)


def _rule(keys: Keys) -> str:
    section, key = keys[0], keys[-1]
    if section in TABLES and key in TABLES[section].model_fields:
        return rule_of(TABLES[section], key)
    return f"a table [{dotted(keys)}]" if section != "hammers" or len(keys) > 1 else "tables [hammers.C6]"
