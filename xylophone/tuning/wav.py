"""Recordings as WAV files: whatever recorders, telephones and sound editors write is read."""

from __future__ import annotations

import struct
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import TuningError
from ..files import read_bytes, replace_file
from ..tables import Floats, Samples

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
"""Codes of formats; of an extensible one the code proper stands in its first bytes at SUBFORMAT."""

SUBFORMAT = 24

BITS = {PCM: (8, 16, 24, 32), FLOAT: (32, 64)}

FASTEST_RATE = 768_000
"""Hz; no recorder takes more samples a second, so a header that says so lies."""


@dataclass(frozen=True, slots=True)
class Format:
    """How samples are stored; `size` is the bytes of one sample of one channel."""

    code: int
    channels: int
    sample_rate: int
    size: int


def write_mono(path: Path, sound: Samples, sample_rate: int) -> None:
    """Write a mono sound, full scale 1, as a WAV file of 24 bit; FileError."""
    steps = np.clip(np.rint(sound.astype(np.float64) * 8388607.0), -8388608, 8388607).astype("<i4")
    data = steps.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    with replace_file(path) as out, wave.open(out, "wb") as file:
        file.setsampwidth(3)
        file.setnchannels(1)
        file.setframerate(sample_rate)
        file.writeframesraw(data)


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
        raise _unreadable(path, f"it says to have {channels} channels and {rate} samples a second")
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
