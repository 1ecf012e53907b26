"""Checking: a few strikes of each hammer beside its calibration, and beside what it did before.

What each hammer was measured to be like, at each tuning and check, is kept so that changes can be told: one
line of JSON each time, in calibration.history.jsonl beside calibration.toml; lines are only ever added.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from ..calibration.values import Calibration
from ..errors import FileError
from ..files import alone_with, is_there, read_text, write_text
from ..instrument import Instrument
from ..sound.position import Position
from ..tables import Floats
from .evidence import Evidence, gather
from .rounds import Turns
from .shape import Foretold, Shape, unbent
from .trials import Take

CHANGED = (0.0015, 2.0)
"""s and dB by which a hammer must have changed since an earlier time to be told."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a hammer was like: latency (s) and level (dB) at the middle of its range, beside the others."""

    latency: float
    level: float


@dataclass(frozen=True)
class Measured:
    """One measurement, of a tuning ('auto') or a 'check': when, and each hammer's state by its name."""

    when: datetime
    how: str
    hammers: Mapping[str, Heard]

    def line(self) -> str:
        """Return the entry as a line of JSON."""
        hammers = {
            name: [round(1e3 * state.latency, 3), round(state.level, 2)]
            for name, state in self.hammers.items()
        }
        head = {"when": self.when.isoformat(timespec="seconds"), "how": self.how}
        return json.dumps(head | {"latency_ms_and_level_db": hammers})


def history_of(calibration: Path) -> Path:
    """Return where the history of a calibration file is kept."""
    return calibration.with_name(f"{calibration.name.removesuffix('.toml')}.history.jsonl")


def read_history(path: Path) -> list[Measured]:
    """Return the entries, oldest first; none where there is no file. FileError names a broken line."""
    if not is_there(path):
        return []
    entries = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
            hammers = {
                str(name): Heard(float(latency) / 1e3, float(level))
                for name, (latency, level) in content["latency_ms_and_level_db"].items()
            }
            entries.append(Measured(datetime.fromisoformat(content["when"]), str(content["how"]), hammers))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise FileError(f"{path}: line {number} is no entry of a history: take it out") from error
    return entries


def add_entry(path: Path, entry: Measured) -> None:
    """Add an entry; the file is replaced whole, and held meanwhile. FileError."""
    with alone_with(path):
        lines = [old.line() for old in read_history(path)]
        write_text(path, "".join(f"{line}\n" for line in [*lines, entry.line()]))


def changes(entries: Sequence[Measured], now: Mapping[str, Heard]) -> list[str]:
    """Return a line for each hammer that has changed since the oldest entry that knows it differently.

    'C6 has slowed by 3.0 ms since 1 March 2026'
    """
    lines = []
    for name, state in now.items():
        if known := [entry for entry in entries if name in entry.hammers]:
            when, before = known[0].when, known[0].hammers[name]
            if words := _words(state.latency - before.latency, state.level - before.level):
                lines.append(f"{name} has {words} since {when.day} {when:%B %Y}")
    return lines


def _words(later: float, louder: float) -> str:
    words = []
    if abs(later) >= CHANGED[0]:
        words.append(f"{'slowed' if later > 0 else 'quickened'} by {1e3 * abs(later):.1f} ms")
    if abs(louder) >= CHANGED[1]:
        words.append(f"become {abs(louder):.1f} dB {'louder' if louder > 0 else 'softer'}")
    return " and ".join(words)


LEVELS = (0.75, 0.35, 0.8, 0.5)
"""How loud the strikes of a check are: parts of a hammer's range, in dB. The first only ends its rest."""

DRIFTED = (0.0012, 1.5)
"""s and dB by which a hammer must differ from its calibration to be named."""


@dataclass(frozen=True, slots=True)
class Drift:
    """By how much a hammer is later (s) and louder (dB) than its calibration says, beside the others.

    NaN where it was not heard clearly; `heard` of `struck` strikes were.
    """

    hammer: str
    later: float
    louder: float
    heard: int
    struck: int

    @property
    def drifted(self) -> bool:
        """Whether the calibration no longer fits."""
        return abs(self.later) > DRIFTED[0] or abs(self.louder) > DRIFTED[1]


def check_round(instrument: Instrument, calibration: Calibration) -> Turns:
    """Return the pulses of a check."""
    turns: Turns = []
    for place, hammer in enumerate(instrument.hammers):
        level, width = calibration.level[place], calibration.width[place]
        asked = np.interp(level[0] + np.array(LEVELS) * (level[-1] - level[0]), level, width)
        asked[0] += calibration.width_rest[place].mean()
        turns.append((place, np.clip(asked, hammer.shortest_pulse, hammer.longest_pulse)))
    return turns


def drifts(
    takes: Sequence[Take], instrument: Instrument, calibration: Calibration, position: Position
) -> list[Drift]:
    """Return what a check has heard of each hammer. TuningError where its recording cannot be used."""
    evidence = gather(takes, instrument, calibration, position)
    later, louder, heard, struck = np.array(
        [_beside(evidence, place, calibration) for place in range(len(instrument))]
    ).T
    later, louder = later - np.nanmedian(later), louder - np.nanmedian(louder)
    return [
        Drift(hammer.name, float(later[n]), float(louder[n]), int(heard[n]), int(struck[n]))
        for n, hammer in enumerate(instrument.hammers)
    ]


def _beside(evidence: Evidence, place: int, calibration: Calibration) -> tuple[float, float, int, int]:
    """Return latency and level of a hammer less what its calibration says, and how often it was heard."""
    rows = evidence.of(place)[1:]
    clear = rows[np.isfinite(evidence.latency[rows])]
    if len(clear) < 2:
        return np.nan, np.nan, len(clear), len(rows)
    trials = evidence.trials_of(clear)
    foretold = Foretold.of(Shape.of(calibration, place), unbent(), trials)
    later, louder = trials.latency - foretold.latency, trials.level - foretold.level
    return _median(later), _median(louder), len(clear), len(rows)


def _median(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else np.nan
