"""WAV files: 16 bit PCM, dithered, written in blocks and replaced whole."""

from __future__ import annotations

import wave
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..errors import OptionError
from ..files import replace_file
from ..tables import Samples

SAMPLE_RATE = 48000

STEPS = 32767
"""Steps of 16 bit from 0 to full scale."""

PART = 16384
"""Frames that are turned into bytes at once."""

MOST_BYTES = 2**32 - 64
"""A WAV file counts its bytes in 32 bits, its header included."""


def write_wav(path: str | Path, audio: Samples | Iterable[Samples], sample_rate: int = SAMPLE_RATE) -> None:
    """Write sound, float32 of shape (frames, 2) or blocks of that shape, full scale being 1.

    Samples are rounded to 16 bit with triangular dither of two steps, which turns the distortion of
    rounding into even noise (Lipshitz, Wannamaker & Vanderkooy 1992); the same sound gives the same
    file. The file is there whole or not at all. Raises FileError where it cannot be written,
    OptionError where it would pass 4 GB.

    >>> instrument = build_instrument()
    >>> performance = simulate(arrange(load_song(find_song("sakura")), instrument))
    >>> write_wav("sakura.wav", render(performance.hits, instrument))
    >>> Path("sakura.wav").exists()
    True
    """
    dither = np.random.default_rng(0)
    with replace_file(path) as out, wave.open(out, "wb") as file:
        file.setsampwidth(2)
        file.setnchannels(2)
        file.setframerate(sample_rate)
        written = 0
        for part in _parts(audio):
            written += part.size * 2
            if written > MOST_BYTES:
                raise OptionError(f"{path}: the sound is too long for a WAV file (4 GB): render a part of it")
            file.writeframesraw(_pcm(part, dither))


def _parts(audio: Samples | Iterable[Samples]) -> Iterator[Samples]:
    for block in [audio] if isinstance(audio, np.ndarray) else audio:
        if block.ndim != 2 or block.shape[1] != 2:
            raise TypeError(f"sound must have the shape (frames, 2), not {block.shape}")
        for begin in range(0, len(block), PART):
            yield block[begin : begin + PART]


def _pcm(part: Samples, dither: np.random.Generator) -> bytes:
    noise = dither.random((2, *part.shape), dtype=np.float32)
    steps = part * np.float32(STEPS)
    steps += noise[0]
    steps -= noise[1]
    np.rint(steps, out=steps)
    np.clip(steps, -STEPS - 1, STEPS, out=steps)
    return steps.astype("<i2").tobytes()
