"""A simulated microphone in a simulated room: what a cheap one before the instrument would record.

Each bar sounds over its own distance: later by it at the speed of sound, softer by it (the direct sound of
a point source). Pink noise of a living room lies below, knocks that have nothing to do with the instrument
may fall in between, and the sound card is late by a constant and has a clock of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..instrument import Instrument
from ..sound.position import Position
from ..sound.rendering import Renderer
from ..sound.wav import SAMPLE_RATE
from ..tables import Floats, Hits, Samples

GAIN = 0.2
"""Amplitude of the fundamental of a blow of 1 m/s at 1 m, full scale being 1, of any material."""

LOUD = -6.0
"""dB re 1 m/s: the blow above which the room's noise is told."""

KNOCKS = ((310.0, 0.05), (1340.0, 0.03), (4100.0, 0.012))
"""(Hz, T60 in s) of the modes of a knock in the room."""

_LOOP = 2**19  # frames after which the noise repeats: 11 s


class Sounding(Protocol):
    """What makes sound of hits: a Renderer, or other bars that do the same."""

    def add(self, hits: Hits) -> None:
        """Take hits."""

    def mix(self, frames: int) -> Samples:
        """Return the next frames, of one channel."""


@dataclass(frozen=True, slots=True)
class Room:
    """Where the microphone stands and what else it meets.

    `snr_db` is how far the room's noise lies below a LOUD blow at 1 m, `knocks` how many
    knocks a second fall, `late` the delay of the sound card and `ppm` by how much its clock is fast.
    """

    position: Position = field(default_factory=Position)
    snr_db: float = 50.0
    knocks: float = 0.0
    late: float = 0.12
    ppm: float = 30.0
    gain: float = 1.0
    seed: int = 0

    def loud(self, bars: int) -> float:
        """Return the recorded amplitude of a blow of 1 m/s at 1 m, full scale being 1.

        Where a bar is nearer than that, the microphone is turned down, so that it records no more of it.
        """
        return self.gain * GAIN * float(10.0 ** (min(self.position.losses(bars).min(), 0.0) / 20.0))


class SimulatedMicrophone:
    """Records what hammers strike. Time runs by the hits' own: `hear` them, then `read` up to a moment.

    `sounding` makes the sound, by default the Renderer of the instrument.
    """

    def __init__(
        self,
        instrument: Instrument,
        room: Room | None = None,
        sample_rate: int = SAMPLE_RATE,
        sounding: Sounding | None = None,
    ) -> None:
        self.sample_rate = sample_rate
        self.room = room = room or Room()
        bars = len(instrument)
        self._loud = room.loud(bars)
        gains = self._loud * 10.0 ** (-room.position.losses(bars) / 20.0)
        self._sounding = sounding or Renderer(instrument, sample_rate, gains[None, :])
        self._delays = (room.position.delays(bars) + room.late)[instrument.places]
        self._chance = np.random.default_rng(room.seed)
        noise = self._loud * 10.0 ** ((LOUD - room.snr_db) / 20.0) / np.sqrt(2.0)
        self._noise = (noise * pink_noise(_LOOP, sample_rate, self._chance)).astype(np.float32)
        self._frame = 0
        self._knocked = 0.0  # s of the recording up to which knocks were drawn
        self._knocks: list[tuple[int, Samples]] = []

    def hear(self, hits: Hits) -> None:
        """Take hits (dtype HIT) in backend time; none may be earlier than what was read."""
        heard = hits.copy()
        heard["time"] = (hits["time"] + self._delays[hits["channel"]]) * (1.0 + 1e-6 * self.room.ppm)
        self._sounding.add(heard)

    def read(self, until: float) -> Samples:
        """Return the recording from where the last call ended to backend time `until`, float32 (frames,)."""
        end = int(until * (1.0 + 1e-6 * self.room.ppm) * self.sample_rate)
        count = max(0, end - self._frame)
        sound = self._sounding.mix(count)[:, 0]
        sound += np.take(self._noise, np.arange(self._frame, self._frame + count), mode="wrap")
        self._knock(sound)
        self._frame += count
        return np.clip(sound, -1.0, 1.0)

    def _knock(self, sound: Samples) -> None:
        """Let knocks of the room fall into the next frames."""
        end = (self._frame + len(sound)) / self.sample_rate
        for _ in range(self._chance.poisson(self.room.knocks * max(0.0, end - self._knocked))):
            at = self._chance.uniform(self._knocked, end)
            loud = self._loud * 10.0 ** (self._chance.uniform(-20.0, 0.0) / 20.0)
            self._knocks.append((int(at * self.sample_rate), (loud * self._one_knock()).astype(np.float32)))
        self._knocked = end
        for frame, knock in self._knocks:
            first, last = max(frame, self._frame), min(frame + len(knock), self._frame + len(sound))
            if first < last:
                sound[first - self._frame : last - self._frame] += knock[first - frame : last - frame]
        self._knocks = [(f, k) for f, k in self._knocks if f + len(k) > self._frame + len(sound)]

    def _one_knock(self) -> Floats:
        time = np.arange(round(0.08 * self.sample_rate)) / self.sample_rate
        modes = (
            self._chance.uniform(0.3, 1.0)
            * np.exp(-6.91 * time / t60)
            * np.sin(2 * np.pi * hertz * self._chance.uniform(0.8, 1.25) * time)
            for hertz, t60 in KNOCKS
        )
        return np.asarray(sum(modes))


class Struck(Protocol):
    """Simulated hammers that are played: the simulated backend."""

    def now(self) -> float:
        """Return the present, s."""

    def take_hits(self) -> Hits:
        """Return what was struck since the last call (dtype HIT)."""


class SimulatedEar:
    """A simulated microphone before simulated hammers that are played."""

    def __init__(self, backend: Struck, microphone: SimulatedMicrophone) -> None:
        self._backend = backend
        self._microphone = microphone
        self.sample_rate = microphone.sample_rate

    def read(self) -> Samples:
        """Return what was recorded up to the backend's present."""
        self._microphone.hear(self._backend.take_hits())
        return self._microphone.read(self._backend.now())


def pink_noise(count: int, sample_rate: int, chance: np.random.Generator) -> Floats:
    """Return noise of RMS 1 whose power falls with frequency above 20 Hz; its end fits on its beginning."""
    spectrum = np.fft.rfft(chance.standard_normal(count))
    hertz = np.arange(len(spectrum)) * sample_rate / count
    spectrum /= np.sqrt(np.maximum(hertz, 20.0))
    spectrum[0] = 0.0
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(noise / noise.std())
