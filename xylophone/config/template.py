"""The commented xylophone.toml that `xylophone init` writes: what makers set, and no default changed."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

from ..arranger import Weights
from ..errors import FileError
from ..files import write_text
from ..instrument import DEFAULT_KIND, DEFAULT_LAYOUT, Instrument, build_instrument
from .places import FILE_NAME

_HEAD = """\
# xylophone.toml: the instrument, and how it is played. Here are the keys that makers set;
# docs/configuration.md has all others. A line that begins with "# " and a key is off and shows a
# default or an example: take the "# " away to set it. `xylophone info` shows what is in force.
"""
_ABOUT = {
    "instrument": "The bars, their hammers and what they share. "
    "Bars come from layout, or from lowest and highest, or from pitches.",
    "hammers": "What one hammer has different from its kind, in a table by the name of its bar: "
    '[hammers.C6], [hammers."F#6"]. '
    "A table [hammers.all], without a channel, holds for every hammer whose own says nothing else.",
    "backend": "What plays. --backend and XYLOPHONE_BACKEND come before this.",
    "gpio": "How the hammers are wired to a Raspberry Pi (docs/wiring.md); GPIO numbers, not the header's.",
    "arrange": "How songs are arranged unless the command says otherwise (docs/arranging.md). "
    "A preset bundles all weights; what is set here besides comes before the preset's.",
    "player": "How songs are played unless the command says otherwise.",
}
_SHOWN = {
    "instrument": ("layout", "lowest", "highest", "pitches", "kind", "supply_limit", "channels"),
    "hammers": ("longest_pulse_ms", "recovery_ms"),
    "backend": ("url",),
    "gpio": ("registers", "output_enable_pin", "master_enable_pin"),
    "arrange": ("preset", "lead", "chord", "gap", "accompaniment", "tremolo"),
    "player": ("speed", "volume", "roll"),
}
"""The keys that makers set, by table; all others are in docs/configuration.md."""

_SET = {("instrument", "layout"): DEFAULT_LAYOUT, ("instrument", "kind"): DEFAULT_KIND}
"""The keys that are written out, and what holds without them."""


def write_initial_config(
    path: str | Path = FILE_NAME,
    layout: str = DEFAULT_LAYOUT,
    kind: str = DEFAULT_KIND,
    *,
    force: bool = False,
) -> None:
    """Write the file to start from; FileError, and nothing written, where one is unless `force`.

    Raises InstrumentError for an unknown layout or kind.
    """
    text = initial_config(layout, kind)
    if not force and os.path.lexists(path):
        raise FileError(f"{path} is there already: name another file, or replace it with --force")
    write_text(path, text)


def initial_config(layout: str = DEFAULT_LAYOUT, kind: str = DEFAULT_KIND) -> str:
    """Return the file to start from: it means the instrument of layout and kind, all else default.

    Raises InstrumentError for an unknown layout or kind.
    """
    instrument = build_instrument(layout, kind)
    return "\n".join([_HEAD, *(_table(name, instrument) for name in _SHOWN)])


def _table(name: str, instrument: Instrument) -> str:
    import json

    from .schema import TABLES, rule_of

    shown = _examples(instrument)
    header = "# [hammers.C6]" if name == "hammers" else f"[{name}]"
    lines = [_comment(_ABOUT[name]), header]
    for key in _SHOWN[name]:
        field = TABLES[name].model_fields[key]
        example = shown.get((name, key), field.default)
        default = _default(name, key, _SET.get((name, key), example))
        lines.append(_comment(f"{field.description}: {rule_of(TABLES[name], key)}{default}"))
        lines.append(f"{'' if (name, key) in _SET else '# '}{key} = {json.dumps(example)}")
    return "\n".join(lines) + "\n"


def _comment(text: str) -> str:
    return textwrap.fill(text, 96, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False)


def _default(table: str, key: str, example: object) -> str:
    """Return what holds when the key is not given."""
    import json

    if key in ("lowest", "highest", "pitches"):
        return "; default: the layout's"
    if key == "channels":
        return "; default: 0, 1, 2, ..."
    if key == "master_enable_pin":
        return "; default: none"
    if table == "arrange" and key != "preset":
        return "; default: the preset's"
    of = " of the kind" if table == "hammers" or key == "supply_limit" else ""
    return f"; default{of} {json.dumps(example)}"


def _examples(instrument: Instrument) -> dict[tuple[str, str], object]:
    hammers, weights = instrument.hammers, Weights()
    one = min(hammers, key=lambda hammer: abs(hammer.pitch - 84))
    return {
        ("instrument", "layout"): instrument.name,
        ("instrument", "lowest"): hammers[0].name,
        ("instrument", "highest"): hammers[-1].name,
        ("instrument", "pitches"): [hammer.name for hammer in hammers],
        ("instrument", "kind"): instrument.kind.name,
        ("instrument", "supply_limit"): instrument.supply_limit,
        ("instrument", "channels"): [hammer.channel for hammer in hammers],
        ("hammers", "longest_pulse_ms"): round(one.longest_pulse * 1000, 4),
        ("hammers", "recovery_ms"): round(one.recovery * 1000, 4),
        ("gpio", "master_enable_pin"): 23,
        **{("arrange", key): getattr(weights, key) for key in _SHOWN["arrange"] if key != "preset"},
    }
