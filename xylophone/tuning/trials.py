"""Trials: the strikes of a tuning session, the recordings in which they are heard, and where both are kept.

A session on disk is a folder with session.json, what was struck, and a WAV file for each recording. It can be
analysed again, also elsewhere, and a session that broke off be gone on with.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np

from ..calibration.values import Calibration
from ..errors import TuningError
from ..files import make_folder, read_text, write_text
from ..instrument import Instrument
from ..sound.position import Position
from ..sound.wav import read_wav, write_wav
from ..tables import PULSE, TRIAL, Floats, Pulses, Samples, Trials, as_pulses, as_trials, filled, joined


class Purpose(IntEnum):
    """What a trial is for."""

    CURVE = 0  # a hammer's width, level and latency
    REFERENCE = 1  # always the same, again and again: it shows how clocks and warmth drift
    CHORD = 2  # one of several at one instant: it shows how the supply sags


@dataclass(frozen=True, eq=False)
class Take:
    """One recording without a break and the trials (dtype TRIAL, sorted by start) that are heard in it.

    `sound` is mono, full scale 1. Its time runs along with backend time, from another zero and by a clock
    of its own.
    """

    trials: Trials
    sound: Samples
    sample_rate: int

    @property
    def seconds(self) -> float:
        """How long the recording is."""
        return len(self.sound) / self.sample_rate

    def samples(self) -> Floats:
        """Return the sound in double precision, without the constant that cheap sound cards add to it."""
        sound = self.sound.astype(np.float64)
        return sound - sound.mean() if len(sound) else sound


def pulses_of(trials: Trials, instrument: Instrument) -> Pulses:
    """Return the pulses (dtype PULSE) of trials."""
    channel = instrument.column("channel")[trials["hammer"]]
    columns = {"start": trials["start"], "width": trials["width"], "channel": channel}
    return as_pulses(filled(PULSE, len(trials), strike=-1, **columns))


def all_trials(takes: Sequence[Take]) -> Trials:
    """Return the trials of all takes, one after the other."""
    return joined([as_trials(np.zeros(0, TRIAL)), *(take.trials for take in takes)])


def conditions(trials: Trials, instrument: Instrument, calibration: Calibration) -> tuple[Floats, Floats]:
    """Return drive loss by warmth, and rest (0 just played .. 1 long rest), of each trial of one take.

    From the calibration's warmth terms and rest time, hammers being cold and rested at the beginning.
    """
    warmth = calibration.warmth
    loss, rested = np.zeros(len(trials)), np.ones(len(trials))
    last: dict[int, tuple[float, float, float]] = {}  # end and start of the last pulse, K at that start
    for row, (start, width, hammer) in enumerate(trials[["start", "width", "hammer"]].tolist()):
        if hammer in last:
            end, since, kelvin = last[hammer]
            rested[row] = -np.expm1(-max(0.0, start - end) / calibration.rest_time)
            kelvin *= np.exp(-(start - since) / warmth.time_constant)
            loss[row] = kelvin * warmth.loss_per_kelvin
        else:
            kelvin = 0.0
        last[hammer] = start + width, start, kelvin + width * warmth.per_second
    return loss, rested


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
