"""Sessions on disk: a folder with session.json, what was struck, and a WAV file for each recording.

The folder can be analysed again, also elsewhere, and a session that broke off be gone on with.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import TuningError
from ..files import make_folder, read_text, write_text
from ..instrument import Instrument
from ..sound.position import Position
from ..sound.wav import read_wav, write_wav
from ..tables import TRIAL, Trials, as_trials
from .trials import Purpose, Take

FORMAT = "xylophone-tuning"
VERSION = 1
PLAN = "session.json"

LATEST, LONGEST = 1e9, 3600.0
"""s of a backend's clock, and of one recording, that are believed."""


def save_session(folder: Path, takes: Sequence[Take], instrument: Instrument, position: Position) -> None:
    """Write takes to a folder: session.json and take-1.wav, take-2.wav, ...; each file is replaced whole.

    Raises FileError where it cannot be written.
    """
    make_folder(folder, "name another folder with --session")
    for number, take in enumerate(takes, 1):
        wav = folder / f"take-{number}.wav"
        write_wav(wav, take.sound[:, None], take.sample_rate, channels=1, bits=24)
    write_text(folder / PLAN, plan_text([take.trials for take in takes], instrument, position))


def plan_text(trials: Sequence[Trials], instrument: Instrument, position: Position) -> str:
    """Return session.json: a list of trials for each recording, times in s, widths in milliseconds."""
    names = [hammer.name for hammer in instrument.hammers]
    head = {
        "format": FORMAT,
        "version": VERSION,
        "kind": instrument.kind.name,
        "hammers": names,
        "microphone": {"along": position.along, "before": position.before, "length": position.length},
    }
    lines = [json.dumps(head, ensure_ascii=False)[:-1] + ', "takes": [']
    blocks = []
    for table in trials:
        rows = (
            json.dumps([round(start, 6), round(1e3 * width, 4), names[hammer], Purpose(purpose).name.lower()])
            for start, width, hammer, purpose in table.tolist()
        )
        blocks.append("[\n" + ",\n".join(rows) + "\n]")
    return "\n".join([*lines, ",\n".join(blocks), "]}", ""])


def load_session(folder: Path, instrument: Instrument) -> tuple[tuple[Take, ...], Position]:
    """Return the takes of a folder and where the microphone stood. FileError, TuningError."""
    tables, position = read_plan(folder / PLAN, instrument)
    takes = []
    for number, trials in enumerate(tables, 1):
        sound, rate = read_wav(folder / f"take-{number}.wav")
        takes.append(Take(trials, sound, rate))
    return tuple(takes), position


def read_plan(path: Path, instrument: Instrument) -> tuple[list[Trials], Position]:
    """Return the trials of each recording of a session.json, and where the microphone stood.

    Raises TuningError where it is none, or for another instrument.
    """
    try:
        content = json.loads(read_text(path))
        if content["format"] != FORMAT or content["version"] > VERSION:
            raise ValueError
        position = Position(
            **{key: float(content["microphone"][key]) for key in ("along", "before", "length")}
        )
        places = {hammer.name: place for place, hammer in enumerate(instrument.hammers)}
        missing = [name for name in content["hammers"] if name not in places]
        if missing or content["kind"] != instrument.kind.name:
            what = f"it has a hammer {missing[0]}" if missing else f"its hammers are {content['kind']}"
            raise TuningError(
                f"{path} is for another instrument: {what}; choose the one it was made for with --config"
            )
        return [_table(rows, places) for rows in content["takes"]], position
    except TuningError:
        raise
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise TuningError(f"{path} is no plan of a tuning session: give the session.json of one") from error


def _table(rows: Any, places: dict[str, int]) -> Trials:
    trials = as_trials(np.zeros(len(rows), TRIAL))
    for number, (start, width_ms, name, purpose) in enumerate(rows):
        trials[number] = float(start), float(width_ms) / 1e3, places[name], Purpose[str(purpose).upper()]
    good = (np.abs(trials["start"]) < LATEST) & (trials["width"] > 0) & (trials["width"] < 0.2)
    good &= trials["start"] - trials["start"].min(initial=np.inf) < LONGEST
    if not good.all() or np.any(np.diff(trials["start"]) < 0):
        raise ValueError("trials are out of order or out of range")
    return trials
