"""Bars that sound as the samples of a soundfont: a sound that nobody of this project made.

The wheel of pretty_midi brings TimGM6mb.sf2, in which a xylophone's attack is followed by a loop; a player
fades that out. Only what is needed of the format is read (SoundFont 2.01 specification, sections 5 to 7).
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from xylophone import Instrument
from xylophone.pitch import frequency
from xylophone.tables import Rows

HEADER = np.dtype(
    [
        ("name", "S20"), ("start", "<u4"), ("end", "<u4"), ("loop_start", "<u4"), ("loop_end", "<u4"),
        ("sample_rate", "<u4"), ("pitch", "u1"), ("correction", "i1"), ("link", "<u2"), ("kind", "<u2"),
    ]
)  # fmt: skip

SAMPLE = b"Xylophone C4"
SECONDS, FADE = 1.5, 0.9  # of each sound; T60 of its fading


def soundfont() -> Path:
    """Return the soundfont that pretty_midi brings."""
    spec = find_spec("pretty_midi")
    assert spec, "the extra 'oracle' is needed: pip install -e '.[oracle]'"
    return Path(str(spec.origin)).parent / "TimGM6mb.sf2"


@cache
def sample() -> tuple[np.ndarray, int, slice]:
    """Return the recorded sound, its sample rate and its loop."""
    data = soundfont().read_bytes()
    header = next(one for one in np.frombuffer(_chunk(data, b"shdr"), HEADER) if one["name"] == SAMPLE)
    frames = np.frombuffer(_chunk(data, b"smpl"), "<i2")[header["start"] : header["end"]]
    loop = slice(int(header["loop_start"] - header["start"]), int(header["loop_end"] - header["start"]))
    return frames / 32768.0, int(header["sample_rate"]), loop


def _chunk(data: bytes, name: bytes) -> bytes:
    at = data.index(name) + 8
    return data[at : at + int.from_bytes(data[at - 4 : at], "little")]


@cache
def sound_of(pitch: int, sample_rate: int) -> np.ndarray:
    """Return a pitch as a soundfont player makes it: the sample read faster, looped, fading."""
    frames, recorded, loop = sample()
    own = recorded / (loop.stop - loop.start)  # Hz: the loop is one period
    time = np.arange(round(SECONDS * sample_rate)) / sample_rate
    place = time * recorded * frequency(pitch) / own
    looped = np.where(place < loop.stop, place, loop.start + (place - loop.start) % (loop.stop - loop.start))
    low = np.minimum(looped.astype(int), len(frames) - 2)
    part = looped - low
    return (frames[low] * (1 - part) + frames[low + 1] * part) * 10.0 ** (-3.0 * time / FADE)


class SoundfontBars:
    """Takes hits and makes their sound, each bar with its own gain, as a Renderer does."""

    def __init__(self, instrument: Instrument, sample_rate: int, gains: np.ndarray) -> None:
        self._rate, self._frame = sample_rate, 0
        self._bars = {
            hammer.channel: gain * sound_of(hammer.pitch + instrument.sounding, sample_rate)
            for hammer, gain in zip(instrument.hammers, gains, strict=True)
        }
        self._hits: list[tuple[float, float, int]] = []

    def add(self, hits: Rows) -> None:
        """Take hits (dtype HIT)."""
        self._hits += [
            (hit["time"] * self._rate, 10.0 ** (hit["level"] / 20.0), hit["channel"]) for hit in hits
        ]

    def mix(self, frames: int) -> np.ndarray:
        """Return the next frames, of one channel."""
        sound = np.zeros(frames)
        end = self._frame + frames
        for at, loud, channel in self._hits:
            bar = self._bars[channel]
            first = int(np.ceil(at))
            begin, stop = max(first, self._frame), min(first + len(bar) - 1, end)
            if begin < stop:
                place = np.arange(begin, stop) - at
                low = place.astype(int)
                heard = bar[low] + (place - low) * (bar[low + 1] - bar[low])
                sound[begin - self._frame : stop - self._frame] += loud * heard
        self._hits = [hit for hit in self._hits if hit[0] + SECONDS * self._rate > end]
        self._frame = end
        return sound.astype(np.float32)[:, None]
