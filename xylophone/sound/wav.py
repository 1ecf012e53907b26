"""WAV files: sound is written in 16 or 24 bit, and whatever recorders and sound editors write is read."""

from __future__ import annotations

import struct
import wave
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import OptionError, TuningError
from ..files import read_bytes, replace_file
from ..tables import Floats, Samples
from ..words import counted

SAMPLE_RATE = 48000

PART = 16384
"""Frames that are turned into bytes at once."""

MOST_BYTES = 2**32 - 64
"""A WAV file counts its bytes in 32 bits, its header included."""

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
"""Codes of formats; of an extensible one the code proper stands in its first bytes at SUBFORMAT."""

SUBFORMAT = 24

BITS = {PCM: (8, 16, 24, 32), FLOAT: (32, 64)}

FASTEST_RATE = 768_000
"""Hz; no recorder takes more samples a second, so a header that says so lies."""


def write_wav(
    path: str | Path,
    audio: Samples | Iterable[Samples],
    sample_rate: int = SAMPLE_RATE,
    *,
    channels: int = 2,
    bits: int = 16,
) -> None:
    """Write sound, float32 of shape (frames, channels) or blocks of that shape, full scale being 1.

    Samples are rounded to 24 bit, for programs, or to 16, for ears: with triangular dither of two steps,
    which turns the distortion of rounding into even noise (Lipshitz, Wannamaker & Vanderkooy 1992); the same
    sound gives the same file. The file is there whole or not at all. Raises FileError where it cannot be
    written, OptionError where it would pass 4 GB.

    >>> instrument = build_instrument()
    >>> performance = simulate(arrange(load_song(find_song("sakura")), instrument))
    >>> write_wav("sakura.wav", render(performance.hits, instrument))
    >>> Path("sakura.wav").exists()
    True
    """
    dither, written = np.random.default_rng(0), 0
    with replace_file(path) as out, wave.open(out, "wb") as file:
        file.setsampwidth(bits // 8)
        file.setnchannels(channels)
        file.setframerate(sample_rate)
        for part in _blocks([audio] if isinstance(audio, np.ndarray) else audio, channels):
            written += part.size * bits // 8
            if written > MOST_BYTES:
                raise OptionError(f"{path}: the sound is too long for a WAV file (4 GB): render a part of it")
            file.writeframesraw(_pcm(part, bits, dither))


def _blocks(blocks: Iterable[Samples], channels: int) -> Iterator[Samples]:
    for block in blocks:
        if block.shape[1:] != (channels,):
            raise TypeError(f"sound must have the shape (frames, {channels}), not {block.shape}")
        for begin in range(0, len(block), PART):
            yield block[begin : begin + PART]


def _pcm(part: Samples, bits: int, dither: np.random.Generator) -> bytes:
    most = 2 ** (bits - 1) - 1
    steps = part * (np.float32(most) if bits == 16 else np.float64(most))
    if bits == 16:
        noise = dither.random((2, *part.shape), dtype=np.float32)
        steps += noise[0]
        steps -= noise[1]
    np.rint(steps, out=steps)
    np.clip(steps, -most - 1, most, out=steps)
    if bits == 16:
        return steps.astype("<i2").tobytes()
    return steps.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


@dataclass(frozen=True, slots=True)
class Format:
    """How samples are stored; `size` is the bytes of one sample of one channel."""

    code: int
    channels: int
    sample_rate: int
    size: int


def read_wav(path: Path) -> tuple[Samples, int]:
    """Return a WAV file as mono float32, full scale 1, and its sample rate.

    Of several channels the loudest is taken: their sum would cancel what reaches them at different times.
    Reads PCM of 8, 16, 24 and 32 bit and floating point, plain or extensible, also where the recorder was
    stopped before it wrote the length; TuningError for anything else, FileError where it cannot be read.
    """
    content = read_bytes(path)
    form, data = _parts(path, content)
    whole = len(data) - len(data) % (form.size * form.channels)
    sound = _values(data[:whole], form).reshape(-1, form.channels)
    if not len(sound):
        raise TuningError(f"{path} holds no sound: give the recording of the whole session")
    if not np.isfinite(sound).all():
        raise _unreadable(path, "some of its samples are no numbers")
    loudest = int(np.argmax(np.mean(np.square(sound), axis=0)))
    return sound[:, loudest].astype(np.float32), form.sample_rate


def _parts(path: Path, content: bytes) -> tuple[Format, bytes]:
    """Return the format and the samples; TuningError where either is missing or unknown."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise _unreadable(path, "it does not begin as one" if content else "it is empty")
    form, place = None, 12
    while place + 8 <= len(content):
        name, length = struct.unpack_from("<4sI", content, place)
        begin = place + 8
        if name == b"fmt ":
            form = _format(path, content[begin : begin + length])
        elif name == b"data" and form is not None:
            unknown = length == 0  # written at the end, which never came
            return form, content[begin:] if unknown else content[begin : begin + length]
        place = begin + length + length % 2
    raise _unreadable(path, "it is cut short within its header")


def _format(path: Path, chunk: bytes) -> Format:
    if len(chunk) < 16:
        raise _unreadable(path, "its header is broken")
    code, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if code == EXTENSIBLE and len(chunk) >= SUBFORMAT + 2:
        (code,) = struct.unpack_from("<H", chunk, SUBFORMAT)
    if bits not in BITS.get(code, ()):
        raise _unreadable(path, f"its format is {code} of {bits} bit")
    if not channels or not 0 < rate <= FASTEST_RATE:
        raise _unreadable(path, f"it says to have {counted(channels, 'channel')} and {rate} samples a second")
    return Format(code, channels, rate, bits // 8)


def _values(data: bytes, form: Format) -> Floats:
    """Return samples as numbers, full scale 1."""
    if form.code == FLOAT:
        return np.frombuffer(data, f"<f{form.size}").astype(np.float64)
    raw = np.frombuffer(data, np.uint8).reshape(-1, form.size)
    if form.size == 1:
        return raw[:, 0] / 128.0 - 1.0
    wide = np.zeros((len(raw), 4), np.uint8)
    wide[:, 4 - form.size :] = raw
    return wide.view("<i4")[:, 0] / 2147483648.0


def _unreadable(path: Path, why: str) -> TuningError:
    return TuningError(
        f"{path} is no WAV file that can be read here ({why}): save it as WAV, PCM of 16 or 24 bit"
    )
