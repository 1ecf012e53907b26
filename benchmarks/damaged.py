"""Read damaged MIDI files with this project's parser and with its peers, and compare what each still gets.

    python benchmarks/damaged.py FOLDER...

Folders to try: "Resources/MIDI files/Invalid" of melanchall/drywetmidi, and jazz-soft/test-midi-files.
The figures asked for are no traceback, no hang, and no file of which a peer reads more notes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from midi_readers import READERS, Run, midi_files, run_reader
from rich.console import Console
from rich.table import Table

REFUSED = {"SongError", "FileError"}
"""How this parser says that a file is no song at all."""


def compare(paths: list[str]) -> tuple[dict[str, Run], list[tuple[str, str, int, int]]]:
    """Run all readers; return their runs and (path, peer, its notes, ours) where a peer reads more."""
    runs = {name: run_reader(name, paths) for name in READERS}
    ours = runs["xylophone"].outcomes
    more = [
        (path, name, run.outcomes[path].notes, ours[path].notes)
        for path in paths
        for name, run in runs.items()
        if run.outcomes[path].notes > ours[path].notes
    ]
    return runs, more


def main() -> int:
    """Print the table; return 1 where a figure is missed."""
    paths = midi_files(sys.argv[1:])
    if not paths:
        print(__doc__)
        return 2
    runs, more = compare(paths)
    table = Table("reader", "read", "refused", "traceback", "hangs or dies", "notes", "reads more than we")
    for name, run in runs.items():
        errors = [outcome.error for outcome in run.outcomes.values()]
        lost = sum(error in ("hangs", "dies") for error in errors)
        refused = sum(error in REFUSED for error in errors)
        table.add_row(
            name,
            *map(str, (errors.count(""), refused, len(errors) - errors.count("") - refused - lost, lost)),
            str(sum(outcome.notes for outcome in run.outcomes.values())),
            str(sum(peer == name for _, peer, _, _ in more)),
        )
    print(f"{len(paths)} files")
    Console(width=110).print(table)
    for path, peer, theirs, own in more:
        print(f"{Path(path).parent.name}/{Path(path).name}: {peer} reads {theirs} notes, we read {own}")
    failed = [
        (path, outcome)
        for path, outcome in runs["xylophone"].outcomes.items()
        if outcome.error and outcome.error not in REFUSED
    ]
    for path, outcome in failed:
        print(f"{path}: {outcome.error}: {outcome.line}")
    return 1 if more or failed else 0


if __name__ == "__main__":
    sys.exit(main())
