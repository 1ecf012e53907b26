"""Parse MIDI files to notes in seconds: this parser beside its peers, on the same files, in one run.

    python benchmarks/parse.py FOLDER... [--million]

Each reader works in a process of its own; its peak memory is what it took above its imports. The
ratio is a peer's time over ours on the files that it reads. `--million` adds a file of one million
notes, which this script writes, and how our time and memory grow from 1,000 notes to 1,000,000.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from pathlib import Path

from midi_readers import READERS, Run, midi_files, run_reader
from rich.console import Console
from rich.table import Table

CONSOLE = Console(width=110)
TRACKS = 8
ROUNDS = 3
"""A million notes and the growth rows are read so often; the least time counts."""


def side_by_side(title: str, paths: list[str], limit: float = 20.0) -> None:
    """Print what all readers make of the same files."""
    runs = {name: run_reader(name, paths, limit) for name in READERS if name != "mido"}
    ours = runs["xylophone"]
    table = Table(
        "reader", "files", "notes", "s", "us a note", "ratio", "peak MB", "memory ratio", title=title
    )
    for name, run in runs.items():
        read = [path for path in paths if not run.outcomes[path].error]
        both = [path for path in read if not ours.outcomes[path].error]
        notes, seconds = _total(run, read)
        ratio = _total(run, both)[1] / max(1e-9, _total(ours, both)[1])
        memory = run.peak_mb / max(0.1, ours.peak_mb)
        each = 1e6 * seconds / max(1, notes)
        row = (
            f"{notes:,}",
            f"{seconds:.3f}",
            f"{each:.2f}",
            f"{ratio:.1f}",
            f"{run.peak_mb:.0f}",
            f"{memory:.1f}",
        )
        table.add_row(name, str(len(read)), *row)
    CONSOLE.print(table)
    for name, run in runs.items():
        errors = sorted(
            {f"{outcome.error}: {outcome.line}"[:100] for outcome in run.outcomes.values() if outcome.error}
        )
        for error in errors[:3]:
            print(f"{name} fails: {error}")


def _total(run: Run, paths: list[str]) -> tuple[int, float]:
    outcomes = [run.outcomes[path] for path in paths]
    return sum(outcome.notes for outcome in outcomes), sum(outcome.seconds for outcome in outcomes)


def growth(folder: Path) -> None:
    """Print our time and memory from a thousand notes to a million; each size in a process of its own."""
    table = Table("notes", "bytes", "ms", "us a note", "peak MB", "bytes a note", title="growth")
    for notes in (1_000, 10_000, 100_000, 1_000_000):
        path = folder / f"{notes}.mid"
        path.write_bytes(song_of(notes))
        runs = [run_reader("xylophone", [str(path)]) for _ in range(ROUNDS)]
        outcome = min((run.outcomes[str(path)] for run in runs), key=lambda outcome: outcome.seconds)
        if outcome.notes != notes:
            raise SystemExit(f"{path.name} was read as {outcome.notes} notes: the parser is wrong")
        peak = min(run.peak_mb for run in runs)
        cells = (f"{1e3 * outcome.seconds:.2f}", f"{1e6 * outcome.seconds / notes:.2f}", f"{peak:.1f}")
        table.add_row(f"{notes:,}", f"{path.stat().st_size:,}", *cells, f"{1e6 * peak / notes:.0f}")
    CONSOLE.print(table)


def song_of(notes: int) -> bytes:
    """Return a format 1 file of so many notes: eight tracks, chords, running status, rests, tempos, pedal."""
    chance = random.Random(notes)
    tracks = [_tempo_track(chance, notes)]
    counts = [notes // TRACKS + (number < notes % TRACKS) for number in range(TRACKS)]
    tracks += [_note_track(chance, channel, count) for channel, count in enumerate(counts)]
    header = (
        b"MThd" + (6).to_bytes(4, "big") + b"\0\1" + len(tracks).to_bytes(2, "big") + (480).to_bytes(2, "big")
    )
    return header + b"".join(b"MTrk" + len(track).to_bytes(4, "big") + track for track in tracks)


def _number(value: int) -> bytes:
    parts = [value & 127]
    while value := value >> 7:
        parts.append(value & 127 | 128)
    return bytes(reversed(parts))


def _tempo_track(chance: random.Random, notes: int) -> bytes:
    changes = (chance.randrange(300_000, 900_000).to_bytes(3, "big") for _ in range(max(1, notes // 2_000)))
    return b"".join(b"\x8f\x00\xff\x51\x03" + change for change in changes) + b"\0\xff\x2f\0"


def _note_track(chance: random.Random, channel: int, notes: int) -> bytes:
    """Write chords of one to four notes; a controller now and then interrupts the running status."""
    track = bytearray(
        (0, 0xC0 | channel, chance.randrange(128), 0, 0xB0 | channel, 7, chance.randrange(60, 127))
    )
    on, left, running = 0x90 | channel, notes, False
    while left:
        chord = chance.sample(range(36, 97), min(left, chance.choice((1, 1, 1, 2, 3, 4))))
        left -= len(chord)
        if chance.random() < 0.05:
            track += bytes((0, 0xB0 | channel, chance.choice((1, 11, 64)), chance.randrange(128)))
            running = False
        for velocity, wait in (
            (True, chance.choice((0, 0, 30, 120, 480))),
            (False, chance.choice((60, 115, 230))),
        ):
            for place, pitch in enumerate(chord):
                track += _number(0 if place else wait) + (b"" if running else bytes((on,)))
                track += bytes((pitch, chance.randrange(30, 120) if velocity else 0))
                running = True
    return bytes(track) + b"\0\xff\x2f\0"


def main() -> int:
    """Print the tables that are asked for."""
    folders = [word for word in sys.argv[1:] if word != "--million"]
    paths = midi_files(folders)
    if not paths and "--million" not in sys.argv:
        print(__doc__)
        return 2
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    if paths:
        side_by_side(f"{len(paths)} files", paths)
    if "--million" in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            growth(Path(folder))
            side_by_side("one million notes", [str(Path(folder) / "1000000.mid")], limit=300.0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
