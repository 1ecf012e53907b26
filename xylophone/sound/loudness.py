"""How loud: one gain for each layout and material, the true peak, and the loudness of a whole piece.

The gain makes the project's songs, as they are arranged and played on the default kind of hammers, -20 LUFS
in the median (`benchmarks/loudness.py` measures it); what is soft among them stays soft. Nothing limits
peaks: a piece that would pass the ceiling is made softer as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from ..errors import MissingExtra, install
from ..instrument import LAYOUTS, Instrument
from ..tables import Floats, Samples

USUAL = -20.0
"""LUFS, integrated: the median of the project's songs."""

CEILING = 10.0 ** (-1.0 / 20.0)
"""True peak that is never passed: -1 dB re full scale."""

GAINS: dict[str, dict[str, float]] = {
    "steel": {
        "song-bell": -11.1,
        "glockenspiel": -10.4,
        "glockenspiel-written": -10.4,
        "music-box-c": -11.3,
        "music-box-f": -11.2,
        "diatonic-15": -10.2,
        "glockenspiel-25": -10.1,
        "glockenspiel-32": -10.3,
        "glockenspiel-37": -10.3,
    },
    "rosewood": {
        "song-bell": 0.1,
        "glockenspiel": 1.5,
        "glockenspiel-written": 1.5,
        "music-box-c": -1.3,
        "music-box-f": -0.2,
        "diatonic-15": 1.7,
        "glockenspiel-25": 1.7,
        "glockenspiel-32": 1.5,
        "glockenspiel-37": 1.5,
    },
}
"""dB re full scale of the fundamental of a blow of 1 m/s, by material and layout."""

QUIETEST, LOUDEST = -60.0, -5.0
"""LUFS that may be asked for."""

SPAN = 12
"""Samples from which each value between samples is reckoned."""

BLOCK = 4096
"""Frames that are looked at together for a true peak."""

BETWEEN = 4
"""Values that are reckoned for each sample (ITU-R BS.1770-5, annex 2)."""


def gain_of(instrument: Instrument) -> float:
    """Return the amplitude of the fundamental of a blow of 1 m/s, full scale being 1.

    Bars of no layout have the gain of the layout whose ends sound nearest to theirs.
    """
    low, high = instrument.hammers[0].pitch, instrument.hammers[-1].pitch

    def away(layout: str) -> int:
        pitches, sounding, _ = LAYOUTS[layout]
        up = sounding - instrument.sounding
        return abs(pitches[0] + up - low) + abs(pitches[-1] + up - high)

    return float(10.0 ** (GAINS[instrument.bars][min(LAYOUTS, key=away)] / 20.0))


def true_peak(parts: Iterable[Samples]) -> float:
    """Return the highest value of sound, (frames, channels), between samples too; it may come in parts.

    Parts in which nothing can be higher than what was found are not looked at closely.
    """
    taps = _between()
    reach = float(np.abs(taps).sum(axis=1).max())
    before: Samples | None = None
    peak = 0.0
    for part in (block for whole in parts for block in _blocks(whole)):
        joined = part if before is None else np.concatenate((before, part))
        highest = max(float(part.max()), -float(part.min()))
        peak = max(peak, highest)
        if highest * reach > peak and len(joined) >= SPAN:
            for weights, side in product(taps, joined.T):
                peak = max(peak, float(np.abs(np.convolve(side, weights, "valid")).max()))
        before = joined[1 - SPAN :]
    return peak


def _blocks(sound: Samples) -> Iterator[Samples]:
    """Yield sound in blocks that are short beside its changes of loudness."""
    for begin in range(0, len(sound), BLOCK):
        yield sound[begin : begin + BLOCK]


@lru_cache(maxsize=1)
def _between() -> Floats:
    """Return the weights (BETWEEN - 1, SPAN) of the values between the two middle samples of a span."""
    places = np.arange(SPAN) - (SPAN // 2 - 1)
    at = places - np.arange(1, BETWEEN)[:, None] / BETWEEN
    weights = np.sinc(at) * np.i0(5.0 * np.sqrt(1.0 - (2.0 * at / SPAN) ** 2))  # Kaiser's window
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def said_of_peak(softer: float) -> str:
    """Return what to tell of sound that had to be made softer by so many dB; nothing for less than 0.05."""
    return f", {softer:.1f} dB softer so that no peak passes -1 dBFS" if softer >= 0.05 else ""


def loudness_of(sound: Samples, sample_rate: int) -> float:
    """Return the integrated loudness of stereo sound in LUFS (ITU-R BS.1770-4); -inf for silence.

    Sound of less than 0.4 s, the meter's shortest, counts as followed by silence. MissingExtra without the
    meter.
    """
    meter = _meter(sample_rate)
    short = max(0, round(0.4 * sample_rate) + 1 - len(sound))
    return float(meter.integrated_loudness(np.pad(sound, ((0, short), (0, 0))).astype(np.float64)))


def check_meter() -> None:
    """Raise MissingExtra where no loudness can be measured."""
    _meter(48000)


def _meter(sample_rate: int) -> Any:
    try:
        import pyloudnorm  # which stands on scipy, and takes a second
    except ImportError as error:
        raise MissingExtra(
            f"the loudness meter is missing; install it with: {install('pyloudnorm')}"
        ) from error
    return pyloudnorm.Meter(sample_rate)
