"""Blind pairs: what two states of the program make of songs, for readers who do not know which is which.

    PYTHONPATH=OLD python benchmarks/pairs.py play before FILES...    (OLD is a checkout of the state before)
    python benchmarks/pairs.py play after FILES...
    python benchmarks/pairs.py write before after PAIRS --key key.json
    python benchmarks/pairs.py tally key.json VERDICTS...

`play` keeps the strikes of each song, `write` makes a folder for each song with the roll of the source and,
under random names, roll and sound of both; the same hammers play both, both are rendered alike, and the key
lies elsewhere. Each pair stands twice in `sheets.txt`, in either order. A reader, who has a file of his own,
writes a line for each sheet: the pair, and the name preferred or `tie`. Who decides otherwise in the other
order has no preference.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import click
import numpy as np
from startup import Figure, show, table

from xylophone import (
    STRIKE,
    Calibration,
    Instrument,
    Song,
    arrange,
    as_strikes,
    build_instrument,
    load_song,
    preset as preset_of,
    render,
    sequence,
    strikes_of,
    write_wav,
)
from xylophone.performance.simulate import perform
from xylophone.pitch import pitch_name
from xylophone.simulation.bench import measure
from xylophone.simulation.hammers import Twin

COLUMNS = ("time", "velocity", "source", "hammer", "priority")
"""What is kept of a strike; a later state of the program may know more."""

SPAN = 10.9
"""dB between velocity 1 and 127."""

QUESTIONS = """\
Each folder holds a source and two arrangements of it for a song bell of thirty bars. A roll has a line for
each moment: seconds, and what begins then from high to low, each with its level in dB (0 is the loudest there
is); in the source a letter says which part plays it. For each line of sheets.txt (pair, first, second) read
the first, then the second, beside the source, and ask of both:

1. Is the tune clear: whole, in one register, and ahead of the rest?
2. Is the bass out of the tune's way, and is there one?
3. Is it busy: the same bars again and again, seconds, notes that only rattle?
4. What is lost: notes of the tune, harmony, rhythm, dynamics?

Write one line for each: the pair, and the name of the one that you would rather hear, or tie. Nothing else.
"""


FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@cache
def stage(layout: str) -> tuple[Twin, Calibration]:
    """Return the hammers that play both states, and what the bench measures of them."""
    twin = Twin(build_instrument(layout))
    return twin, measure(twin)


def excerpt(rows: np.ndarray, key: str, seconds: float) -> np.ndarray:
    """Return the rows of the first seconds, from the first of all."""
    first = rows[key][0] if len(rows) else 0.0
    return rows[rows[key] < first + seconds]


def played_roll(strikes: np.ndarray, instrument: Instrument) -> list[str]:
    """Return the lines of a roll of strikes."""
    level = (strikes["velocity"].astype(np.float64) - 127.0) * SPAN / 126.0
    pitch = instrument.pitches[strikes["hammer"]]
    return roll(strikes["time"], pitch, [f"{one:+.1f}" for one in level])


def source_roll(song: Song, seconds: float) -> list[str]:
    """Return the lines of a roll of the song as it is written, without drums."""
    notes = excerpt(song.notes[~song.notes["drum"]], "onset", seconds)
    level = 40.0 * np.log10(np.maximum(notes["loudness"].astype(np.float64), 0.5) / 127.0)
    parts = np.unique(notes["track"], return_inverse=True)[1]
    told = [f"{one:+.1f}{chr(ord('a') + part % 26)}" for one, part in zip(level, parts.tolist(), strict=True)]
    return roll(notes["onset"], notes["pitch"], told)


def roll(time: np.ndarray, pitch: np.ndarray, told: Sequence[str]) -> list[str]:
    """Return a line for each moment (10 ms): what begins then, from high to low."""
    moments: dict[int, list[tuple[int, str]]] = {}
    for when, high, words in zip(
        np.round(100 * time).astype(int).tolist(), pitch.tolist(), told, strict=True
    ):
        moments.setdefault(when, []).append((-high, f"{pitch_name(high)} {words}"))
    return [
        f"{when / 100:.2f}  " + "  ".join(words for _, words in sorted(notes))
        for when, notes in sorted(moments.items())
    ]


def read_strikes(path: Path, seconds: float) -> np.ndarray:
    """Return the first seconds of what `play` kept."""
    kept = json.loads(path.read_text())["strikes"]
    strikes = np.zeros(len(kept), STRIKE)
    for place, key in enumerate(COLUMNS):
        strikes[key] = [row[place] for row in kept]
    return excerpt(strikes, "time", seconds)


def tally(key: dict[str, dict[str, str]], readers: Iterable[Sequence[str]]) -> Counter[str]:
    """Return how often readers prefer `after`, `before` or neither; each reader counts once for each pair."""
    counted: Counter[str] = Counter()
    for lines in readers:
        said: dict[str, set[str]] = {}
        for line in filter(None, lines):
            pair, name = line.split()
            names = {key[pair]["before"]: "before", key[pair]["after"]: "after", "tie": "tie"}
            said.setdefault(pair, set()).add(names[name])
        counted.update(words.pop() if len(words) == 1 else "tie" for words in said.values())
    return counted


@click.group()
def main() -> None:
    """Make blind pairs, and count what readers say of them."""


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--layout", default="song-bell", show_default=True)
@click.option("--preset", help="Preset of the arranger; else its default.")
def play(folder: Path, files: tuple[Path, ...], layout: str, preset: str | None) -> None:
    """Keep the strikes that this state of the program makes of each song."""
    folder.mkdir(parents=True, exist_ok=True)
    instrument = build_instrument(layout)
    options = {} if preset is None else {"weights": preset_of(preset)}
    for path in files:
        strikes = strikes_of(arrange(load_song(path), instrument, **options).notes)
        kept = [[row[key].item() for key in COLUMNS] for row in strikes]
        words = {"file": str(path.resolve()), "layout": layout, "strikes": kept}
        (folder / f"{path.stem}.json").write_text(json.dumps(words))


@main.command()
@click.argument("before", type=FOLDER)
@click.argument("after", type=FOLDER)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--key", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Not for readers."
)
@click.option("--seconds", default=40.0, show_default=True, help="How much of each song.")
@click.option("--seed", type=int, help="Of the names and the order; else chance.")
@click.option("--sound/--no-sound", default=True, help="Write WAV files too.")
def write(
    before: Path, after: Path, folder: Path, key: Path, seconds: float, seed: int | None, sound: bool
) -> None:
    """Write pairs of both states under random names, and the key to them."""
    chance, kept = random.Random(seed), sorted(before.glob("*.json"))
    names = chance.sample(range(0x1000, 0x10000), 2 * len(kept))
    known: dict[str, dict[str, str]] = {}
    for number, path in enumerate(chance.sample(kept, len(kept)), 1):
        own = [f"{name:x}" for name in (names.pop(), names.pop())]
        known[f"{number:02}"] = {"song": path.stem, "before": own[0], "after": own[1]}
        states = dict(zip(own, (path, after / path.name), strict=True))
        write_pair(folder / f"{number:02}", states, seconds, sound)
    sheets = [
        f"{pair} {' '.join(order)}"
        for pair, one in known.items()
        for order in ((one["before"], one["after"]), (one["after"], one["before"]))
    ]
    (folder / "sheets.txt").write_text("\n".join(chance.sample(sheets, len(sheets))) + "\n")
    (folder / "questions.txt").write_text(QUESTIONS)
    key.write_text(json.dumps(known, indent=1))


def write_pair(folder: Path, states: dict[str, Path], seconds: float, sound: bool) -> None:
    """Write the rolls of source and states, and how the states sound."""
    folder.mkdir(parents=True)
    for name, path in sorted(states.items()):
        kept = json.loads(path.read_text())
        instrument = build_instrument(kept["layout"])
        strikes = read_strikes(path, seconds)
        (folder / f"{name}.txt").write_text("\n".join(played_roll(strikes, instrument)) + "\n")
        if sound:
            twin, calibration = stage(kept["layout"])
            heard = perform(sequence(as_strikes(strikes), instrument, calibration), twin)
            write_wav(folder / f"{name}.wav", render(heard.hits, instrument))
    source = source_roll(load_song(Path(kept["file"])), seconds)
    (folder / "source.txt").write_text("\n".join(source) + "\n")


@main.command("tally")
@click.argument("key", type=FILE)
@click.argument("verdicts", nargs=-1, required=True, type=FILE)
def tally_command(key: Path, verdicts: tuple[Path, ...]) -> None:
    """Print what readers prefer."""
    counted = tally(json.loads(key.read_text()), [path.read_text().splitlines() for path in verdicts])
    total = sum(counted.values())
    words = (
        f"{len(verdicts)} readers: after {counted['after']}, before {counted['before']}, tie {counted['tie']}"
    )
    share = 100 * counted["after"] / total if total else float("nan")
    figure = Figure(
        "blind pairs that prefer `after`", (share,), "%", (80,), (95,), more=True, digits=0, note=words
    )
    show(table("blind pairs", [figure]))
    sys.exit(figure.missed)


if __name__ == "__main__":
    main()
