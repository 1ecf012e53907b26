"""Tuning sessions before simulated hammers, for tests of tuning."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from xylophone.backends.simulated import SimulatedBackend
from xylophone.calibration.file import default_calibration
from xylophone.calibration.values import Calibration
from xylophone.clock import VirtualClock
from xylophone.instrument import DEFAULT_KIND, KINDS, Instrument, hammers_of
from xylophone.simulation.ear import Room, SimulatedEar, SimulatedMicrophone
from xylophone.simulation.hammers import Twin
from xylophone.sound.position import position_of
from xylophone.tables import Samples
from xylophone.tuning.analysis import Analysis, analyse
from xylophone.tuning.auto_session import AutoSession, Ear
from xylophone.tuning.sag import result_of
from xylophone.tuning.trials import Take, pulses_of

FRONT = position_of("front")


def instrument_of(pitches: Iterable[int]) -> Instrument:
    """Return a small instrument of the default kind of hammers."""
    kind = KINDS[DEFAULT_KIND]
    return Instrument("small", kind, hammers_of(pitches, kind), kind.supply_limit)


EIGHT = instrument_of((67, 71, 74, 77, 81, 84, 88, 96))
FIVE = instrument_of((67, 74, 81, 88, 96))
THREE = instrument_of((72, 76, 79))


class Spoilt:
    """An ear that passes on what another one hears, changed by `spoil`, which is told the seconds so far."""

    def __init__(self, ear: Ear, spoil: Callable[[Samples, float], Samples]) -> None:
        self._ear, self._spoil = ear, spoil
        self._frames = 0
        self.sample_rate = ear.sample_rate

    def read(self) -> Samples:
        sound = self._ear.read()
        self._frames += len(sound)
        return self._spoil(sound, self._frames / self.sample_rate)


def session(
    twin: Twin,
    *,
    room: Room | None = None,
    sample_rate: int = 48000,
    spoil: Callable[[Samples, float], Samples] | None = None,
    **options: Any,
) -> AutoSession:
    """Return a session that is to be run, before the hammers of a twin."""
    instrument, room = twin.instrument, room or Room(FRONT)
    backend = SimulatedBackend(instrument, VirtualClock(), twin)
    ear: Ear = SimulatedEar(backend, SimulatedMicrophone(instrument, room, sample_rate))
    if spoil is not None:
        ear = Spoilt(ear, spoil)
    return AutoSession(backend, ear, default_calibration(instrument), room.position, **options)


@dataclass(frozen=True)
class Tuned:
    """A session that was run."""

    session: AutoSession
    analysis: Analysis
    calibration: Calibration


def tune(twin: Twin, **options: Any) -> Tuned:
    """Run a session and return what came of it."""
    begun = session(twin, **options)
    analysis = begun.run()
    return Tuned(begun, analysis, result_of(analysis))


def recorded_again(tuned: Tuned, twin: Twin, room: Room, sample_rate: int = 48000) -> Tuned:
    """Return what the same strikes teach that another microphone has recorded."""
    instrument, trials = twin.instrument, tuned.session.takes[0].trials
    microphone = SimulatedMicrophone(instrument, room, sample_rate)
    microphone.hear(twin.play(pulses_of(trials, instrument)).hits)
    sound = microphone.read(float(trials["start"][-1]) + room.late + 1.0)
    take = Take(trials, sound, sample_rate)
    analysis = analyse([take], instrument, default_calibration(instrument), room.position)
    return Tuned(tuned.session, analysis, result_of(analysis))


@dataclass(frozen=True)
class Distance:
    """How far two calibrations are apart: the greatest and the median difference of the widths, as a part
    of them, and of the latencies in ms; of both what is the same for all hammers is taken off: nobody can
    hear it."""

    width: float
    usual_width: float
    latency: float
    usual_latency: float


def distance(one: Calibration, other: Calibration, rows: Iterable[int] | None = None) -> Distance:
    """Compare two calibrations where both have curves, 0.5 dB from their ends."""
    wider, later = [], []
    for row in range(len(one.hammers)) if rows is None else rows:
        low = max(one.level[row, 0], other.level[row, 0]) + 0.5
        high = min(one.level[row, -1], other.level[row, -1]) - 0.5
        level = np.linspace(low, high, 9)
        values = [
            [np.interp(level, each.level[row], getattr(each, key)[row]) for each in (one, other)]
            for key in ("width", "latency")
        ]
        wider.append(values[0][0] / values[0][1] - 1.0)
        later.append(1e3 * (values[1][0] - values[1][1]))
    width, latency = (np.abs(np.array(apart) - np.median(apart)) for apart in (wider, later))
    return Distance(
        float(width.max()), float(np.median(width)), float(latency.max()), float(np.median(latency))
    )
