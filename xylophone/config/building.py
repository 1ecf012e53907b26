"""From the tables of a configuration file to the instrument that they describe."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from ..errors import ConfigError, InstrumentError, OptionError
from ..files import read_text, read_toml
from ..instrument import (
    DEFAULT_KIND,
    DEFAULT_LAYOUT,
    KINDS,
    LAYOUTS,
    MOST_HAMMERS,
    Hammer,
    Instrument,
    hammer_of,
)
from ..pitch import parse_pitch, pitch_name
from ..words import counted
from .mistakes import Mistake, config_error, dotted, mistakes_of
from .schema import Config, HammerTable, InstrumentTable

ALL = "all"
"""[hammers.all] holds for every hammer whose own table says nothing else."""

_MILLISECONDS = "_ms"


def read_config(path: Path) -> Config:
    """Return a configuration file, checked key by key; ConfigError tells all mistakes, FileError."""
    content = read_toml(path, ConfigError)
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise config_error(path, read_text(path), mistakes_of(error)) from error


def configured_instrument(path: Path, config: Config, layout: str | None) -> Instrument:
    """Return the instrument that a checked file describes; ConfigError names what cannot be.

    A `layout` given here takes the place of the file's bars: its pitches, name, sounding, material, channels
    and tables of single hammers are left out, its kind, supply limit and [hammers.all] stay.
    """
    table = config.instrument
    if layout is not None:
        keys = {"layout": layout, "kind": table.kind, "supply_limit": table.supply_limit}
        table = InstrumentTable.model_validate(keys)
        config = Config(instrument=table, hammers={k: v for k, v in config.hammers.items() if k == ALL})
    if (wrong := _contradiction(table)) is not None:
        raise refused(path, ("instrument", wrong[0]), wrong[1])
    hammers, mistakes = _hammers(config)
    if mistakes:
        raise config_error(path, read_text(path), mistakes)
    try:
        return _assembled(table, hammers)
    except InstrumentError as error:
        raise refused(path, ("instrument",), error) from error


def refused(path: Path, where: tuple[str, ...], error: Exception | str) -> ConfigError:
    """Return the error for a file, of which a table or key asks for what cannot be."""
    return config_error(path, read_text(path), [(where, str(error))])


def _assembled(table: InstrumentTable, hammers: tuple[Hammer, ...]) -> Instrument:
    kind = KINDS[table.kind or DEFAULT_KIND]
    own = table.pitches is not None or table.lowest is not None
    layout = None if own else table.layout or DEFAULT_LAYOUT
    sounding = LAYOUTS[layout][1] if layout else 0
    return Instrument(
        name=table.name or layout or "own",
        kind=kind,
        hammers=hammers,
        supply_limit=kind.supply_limit if table.supply_limit is None else table.supply_limit,
        sounding=sounding if table.sounding is None else table.sounding,
        bars=table.bars,
    )


def _contradiction(table: InstrumentTable) -> tuple[str, str] | None:
    """Return a key of [instrument] that is right by itself but not beside the others, and why not."""
    given = [key for key in ("layout", "lowest", "pitches") if getattr(table, key) is not None]
    if (table.lowest is None) != (table.highest is None):
        there, lacks = ("lowest", "highest") if table.highest is None else ("highest", "lowest")
        return there, f"instrument.{there} stands alone: give instrument.{lacks} too"
    if len(given) > 1:
        return given[1], f"instrument has {' and '.join(given)}: keep one of them"
    bars = len(_pitches(table))
    if not 1 <= bars <= MOST_HAMMERS:
        return "lowest", (
            f"instrument.lowest to instrument.highest are {counted(bars, 'bar')}: "
            f"an instrument has 1..{MOST_HAMMERS}, so change one of them"
        )
    if table.channels is not None and len(table.channels) != bars:
        channels = len(table.channels)
        return (
            "channels",
            f"instrument.channels has {counted(channels, 'channel')} for "
            f"{counted(bars, 'bar')}: give each one",
        )
    return None


def _pitches(table: InstrumentTable) -> tuple[int, ...]:
    if table.pitches is not None:
        return tuple(table.pitches)
    if table.lowest is not None and table.highest is not None:
        return tuple(range(table.lowest, table.highest + 1))
    return LAYOUTS[table.layout or DEFAULT_LAYOUT][0]


def _hammers(config: Config) -> tuple[tuple[Hammer, ...], list[Mistake]]:
    """Return the hammers with their tables applied, and what is wrong in these."""
    table = config.instrument
    kind, pitches = KINDS[table.kind or DEFAULT_KIND], _pitches(table)
    tables, mistakes = _by_name(config.hammers, {pitch_name(pitch) for pitch in pitches})
    made = []
    for pitch, channel in zip(pitches, table.channels or range(len(pitches)), strict=True):
        written, own = tables.get(pitch_name(pitch), (ALL, HammerTable()))
        limits = {"channel": channel} | _limits(config.hammers.get(ALL, HammerTable())) | _limits(own)
        try:
            made.append(hammer_of(pitch, kind, **limits))
        except InstrumentError as error:
            mistakes.append((("hammers", written), str(error)))
    return tuple(made), mistakes


def _by_name(
    tables: dict[str, HammerTable], bars: set[str]
) -> tuple[dict[str, tuple[str, HammerTable]], list[Mistake]]:
    """Return the tables by the names of bars, each with the name as written, and what is wrong in these."""
    found: dict[str, tuple[str, HammerTable]] = {}
    mistakes: list[Mistake] = []
    for written, table in tables.items():
        where = ("hammers", written)
        try:
            name = ALL if written == ALL else pitch_name(parse_pitch(written))
        except OptionError as error:
            mistakes.append((where, f"{dotted(where)}: {error}"))
            continue
        if wrong := _misplaced(name, table, bars, found):
            mistakes.append((where, f"{dotted(where)}: {wrong}"))
        found[name] = (written, table)
    return found, mistakes


def _misplaced(
    name: str, table: HammerTable, bars: set[str], found: dict[str, tuple[str, HammerTable]]
) -> str:
    if name == ALL:
        return (
            "" if table.channel is None else "one channel cannot serve all hammers: use instrument.channels"
        )
    if name not in bars:
        return f"the instrument has no bar {name}: take the table out, or give it that bar"
    if name in found:
        return f"the bar {name} has the table hammers.{found[name][0]} already: keep one"
    return ""


def _limits(table: HammerTable) -> dict[str, float]:
    """Return what a table sets, by the names and in the seconds of Hammer."""
    given = table.model_dump(exclude_none=True)
    return {
        key.removesuffix(_MILLISECONDS): value / 1000 if key.endswith(_MILLISECONDS) else value
        for key, value in given.items()
    }
