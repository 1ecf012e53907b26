"""History: what each hammer was measured to be like, at each tuning and check, so that changes can be told.

One line of JSON each time, in calibration.history.jsonl beside calibration.toml; lines are only ever added.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..errors import FileError
from ..files import alone_with, is_there, read_text, write_text

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
        for entry in entries:
            before = entry.hammers.get(name)
            if before is None:
                continue
            words = _words(state.latency - before.latency, state.level - before.level)
            if words:
                since = f"{entry.when.day} {entry.when:%B %Y}"
                lines.append(f"{name} has {words} since {since}")
            break
    return lines


def _words(later: float, louder: float) -> str:
    words = []
    if abs(later) >= CHANGED[0]:
        words.append(f"{'slowed' if later > 0 else 'quickened'} by {1e3 * abs(later):.1f} ms")
    if abs(louder) >= CHANGED[1]:
        words.append(f"become {abs(louder):.1f} dB {'louder' if louder > 0 else 'softer'}")
    return " and ".join(words)
