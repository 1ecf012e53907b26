"""Recorded bars beside the model's: partials, how long they ring, and which loss factors that makes.

    python benchmarks/bars.py FOLDER... [--bars steel]

A folder holds WAV files, each one blow on one bar that rings undamped and alone; a sample of a soundfont up
to its loop will do. The fundamental is the lowest strong tone after the blow; a partial is looked for near
the model's ratio. Its decay is a line through its level in dB, from 2 dB below its loudest down to 40 dB
below, to 10 dB above the noise or to the end, 4 dB at least. A dash is a partial that could not be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from xylophone.instrument import DEFAULT_BARS, MATERIALS
from xylophone.pitch import frequency, pitch_name
from xylophone.sound.bars import MODELS, TONAL, bars_of
from xylophone.sound.wav import read_wav
from xylophone.tables import Floats

COMPASS = (64.0, 109.0)
"""MIDI pitches between which a fundamental is looked for."""

STRONG, NEAR = 20.0, 0.1
"""dB that a fundamental may lie below the strongest tone; part of its ratio that a partial may be off."""

SPAN, LEAST = 40.0, 4.0
"""dB of decay that are fitted at most and at least."""

SHORTEST = 0.05
"""s; a shorter T60 is that of the window, as one of a partial above the fundamental's is that of noise."""


@dataclass(frozen=True)
class Partial:
    """One partial of a recording: Hz, T60 in s (NaN where it could not be read)."""

    hertz: float
    t60: float


def partials_of(path: Path, material: str) -> list[Partial]:
    """Return the partials of a recorded blow below 0.45 of the sample rate, the fundamental first."""
    sound, rate = read_wav(path)
    ring = sound[int(np.argmax(np.abs(sound) > 0.1 * np.abs(sound).max())) :].astype(np.float64)
    first = _lowest(ring[rate // 50 : rate // 2], rate)
    pitch = 69.0 + 12.0 * np.log2(first / 440.0)
    found = [Partial(first, _decay(ring, rate, first, 0.02))]
    for ratio in bars_of([pitch], material, 1e6).hertz[0, 1:TONAL] / frequency(pitch):
        low, high = (first * ratio * (1.0 + side * NEAR) for side in (-1, 1))
        if high < 0.45 * rate:
            hertz = _strongest(ring[: int(max(0.03, 60.0 / first) * rate)], rate, low, high)
            t60 = _decay(ring, rate, hertz, 0.006)
            found.append(Partial(hertz, t60 if SHORTEST <= t60 <= found[0].t60 else float("nan")))
    return found


def _spectrum(sound: Floats, rate: int, low: float, high: float) -> tuple[Floats, Floats]:
    """Return frequencies between two and how strong they are, the beginning of the sound counting most."""
    count = 2**19
    strength = np.abs(np.fft.rfft(sound * np.hanning(2 * len(sound))[len(sound) :], count))
    hertz = np.arange(len(strength)) * rate / count
    near = (hertz >= low) & (hertz <= high)
    return hertz[near], strength[near]


def _strongest(sound: Floats, rate: int, low: float, high: float) -> float:
    hertz, strength = _spectrum(sound, rate, low, high)
    return float(hertz[np.argmax(strength)])


def _lowest(sound: Floats, rate: int) -> float:
    """Return the lowest strong tone within the compass."""
    low, high = (frequency(pitch) for pitch in COMPASS)
    hertz, strength = _spectrum(sound, rate, low, high)
    strong = hertz[strength > strength.max() * 10.0 ** (-STRONG / 20.0)]
    return _strongest(sound, rate, strong[0], strong[0] * 1.05)


def _decay(sound: Floats, rate: int, hertz: float, span: float) -> float:
    """Return the T60 of the tone at `hertz`, heard through windows of `span` s."""
    window = np.hanning(int(span * rate))
    turned = sound * np.exp(-2j * np.pi * hertz * np.arange(len(sound)) / rate)
    size = len(sound) + len(window)
    heard = np.fft.ifft(np.fft.fft(turned, size) * np.fft.fft(window / window.sum(), size))
    level = 20.0 * np.log10(np.abs(heard[len(window) : len(sound) : rate // 1000]) + 1e-12)
    top = int(np.argmax(level[: max(1, len(level) // 2)]))
    noise = np.median(level[-max(1, len(level) // 10) :])
    floor = max(level[top] - SPAN, noise + 10.0 if noise < level[top] - 20.0 else -np.inf)
    begin = top + int(np.argmax(level[top:] < level[top] - 2.0))
    below = np.flatnonzero(level[begin:] < floor)
    end = begin + int(below[0]) if len(below) else len(level) - 1
    if end - begin < 4 or level[begin] - level[end] < LEAST:
        return float("nan")
    slope = np.polyfit(np.arange(begin, end) * (rate // 1000) / rate, level[begin:end], 1)[0]
    return float(-60.0 / slope)


def tell(found: Sequence[list[Partial]], material: str) -> None:
    """Print a line for each recording, the model's T60 behind the recorded one, and the loss factors."""
    print("   bar     Hz  T60 recorded/model, s; ratios")
    for partials in sorted(found, key=lambda partials: partials[0].hertz):
        first = partials[0].hertz
        pitch = 69.0 + 12.0 * np.log2(first / 440.0)
        model = np.log(1000.0) / bars_of([pitch], material, 1e6).decay[0]
        times = (f"{one.t60:5.2f}/{t60:.2f}" for one, t60 in zip(partials, model[:TONAL], strict=False))
        ratios = " : ".join(f"{one.hertz / first:.2f}" for one in partials)
        print(
            f"{pitch_name(round(pitch)):>6} {first:6.0f}  {' '.join(times).replace('nan', '  -')}  {ratios}"
        )
    _tell_loss("fundamental", [partials[0] for partials in found], MATERIALS[material].loss)
    _tell_loss("partials", [one for partials in found for one in partials[1:]], MODELS[material].loss)


def _tell_loss(name: str, partials: Sequence[Partial], model: float) -> None:
    loss = np.array([2.2 / (one.t60 * one.hertz) for one in partials if np.isfinite(one.t60)])
    p10, median, p90 = 100.0 * np.percentile(loss, (10, 50, 90))
    off = np.exp(np.median(np.abs(np.log(loss / model))))
    print(
        f"{name}: loss {median:.3f} % ({p10:.3f} to {p90:.3f}) in {len(loss)}, model {100 * model:.3f} %:",
        end="",
    )
    print(f" T60 within a factor of {off:.2f} in half of them")


@click.command()
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--bars", default=DEFAULT_BARS, type=click.Choice(MATERIALS), show_default=True)
def main(folders: tuple[Path, ...], bars: str) -> None:
    """Read the bars recorded in these folders."""
    for folder in folders:
        print(folder)
        tell([partials_of(path, bars) for path in sorted(folder.glob("*.wav"))], bars)


if __name__ == "__main__":
    main()
