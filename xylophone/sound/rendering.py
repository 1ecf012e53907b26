"""Sound: what the hammers really did, rendered from the modes of the bars they hit.

Every mode of every bar is one damped oscillation, a complex number that turns and shrinks. A hit
adds to it at its exact moment, between samples too, so a hit on a ringing bar just adds, and a bar
costs no more when it is hit often. Samples are made in blocks: a row of oscillations begun at the
block's start, times what rings there.

Full scale is 1. A blow of 1 m/s has the same fundamental on every bar, that of the instrument's gain
(loudness.py); loudness follows the impact speed and nothing evens it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..errors import OptionError
from ..instrument import Instrument
from ..tables import HIT, Complex, Floats, Hits, Ints, Samples, as_hits, joined, ordered, picked
from ..words import counted
from .bars import MODES, bars_of
from .loudness import CEILING, gain_of, loudness_of, true_peak
from .wav import SAMPLE_RATE, write_wav

TAIL = 5.0
"""s that are rendered after the last hit, the last FADE of them fading out."""

FADE = 2.0

SILENT = 1.5e-5
"""Amplitude at which a mode is let go: -96 dB re the fundamental of a blow of 1 m/s."""

BLOCK = 8192
"""Frames that are made at once."""

LONGEST = 6 * 3600.0
"""s; a WAV file of 16 bit and two channels at 48 kHz holds a little more."""

SPARSE, EACH = 600.0, 60.0
"""s of sound that a piece may take whatever is in it, and for each hit: a file of a few bytes may
last for hours, and fills no disk."""

FITS = 600.0
"""s of sound that are kept in memory (230 MB); a longer piece is rendered twice, for its peak and to disk."""

WIDTH = 0.35
"""How much of the stage from left (lowest bar) to right the instrument takes."""


class Renderer:
    """Makes sound of hits, block by block, for as long as it is asked: stereo, unless `gains` says otherwise.

    `gains` has a row for each channel and in it for each bar the amplitude of a blow of 1 m/s. `position` is
    the time of the next frame, 0 at first. A renderer gives the same sound whatever the sizes of its blocks,
    to less than half a step of 16 bit.
    """

    def __init__(
        self, instrument: Instrument, sample_rate: int = SAMPLE_RATE, gains: Floats | None = None
    ) -> None:
        if not 8000 <= sample_rate <= 192000:
            raise OptionError(f"sample rate {sample_rate} Hz is out of range: give 8000..192000")
        self.instrument = instrument
        self.sample_rate = sample_rate
        self._pitches = tuple(int(pitch) + instrument.sounding for pitch in instrument.pitches)
        self._bars = bars_of(self._pitches, instrument.bars, sample_rate)
        self._turn = -self._bars.decay + 2j * np.pi * self._bars.hertz
        heard = gain_of(instrument) * stage(len(instrument)) if gains is None else gains
        self._gains = heard.astype(np.float32)
        self._volume = 1.0
        self._ringing = np.zeros(self._bars.hertz.shape, dtype=np.complex128)
        self._pending = as_hits(np.empty(0, HIT))  # hits that are still to come, sorted by time
        self._zero = 0.0  # the time at which frame 0 sounds
        self._frame = 0
        self._place = instrument.places

    @property
    def position(self) -> float:
        """The time of the next frame."""
        return self._zero + self._frame / self.sample_rate

    def seek(self, time: float) -> None:
        """Let the next frame be that of `time`; what rings rings on, hits to come keep their times."""
        self._zero, self._frame = time, 0

    def add(self, hits: Hits) -> None:
        """Take hits (dtype HIT); those before `position` sound at once. OptionError for a foreign channel."""
        check_hits(hits)
        bar = self._place[hits["channel"]]
        if len(bar) and bar.min() < 0:
            raise OptionError(
                f"a hit on channel {hits['channel'][np.argmin(bar)]}, which has no hammer: "
                "give the hits of this instrument"
            )
        self._pending = ordered(joined((self._pending, hits)), "time")

    def read(self, frames: int) -> Samples:
        """Return the next frames, float32 of shape (frames, channels), none above CEILING.

        Where one would be, the volume falls towards it until that one is just as high, and stays there:
        nothing is rounded off, and what was softer stays softer.
        """
        sound = self.mix(frames)
        loudest = np.abs(sound).max(axis=1, initial=0.0)
        volume, lowest = self._volume, CEILING / max(float(loudest.max(initial=0.0)), CEILING)
        if lowest < volume:
            first = int(np.argmax(loudest * volume > CEILING))
            sound[:first] *= np.linspace(volume, lowest, first, dtype=np.float32)[:, None]
            sound[first:] *= np.float32(lowest)
            self._volume = lowest
        elif volume < 1.0:
            sound *= np.float32(volume)
        return sound

    def mix(self, frames: int) -> Samples:
        """Return the next frames as they are, however loud: float32 of shape (frames, channels)."""
        sound = np.empty((frames, len(self._gains)), dtype=np.float32)
        for begin in range(0, frames, BLOCK):
            self._fill(sound[begin : begin + BLOCK])
        return sound

    def _fill(self, sound: Samples) -> None:
        """Make the next frames, at most BLOCK."""
        frames = len(sound)
        due = int(np.searchsorted(self._pending["time"], self.position + frames / self.sample_rate))
        hits, self._pending = picked(self._pending, slice(due)), picked(self._pending, slice(due, None))
        bars = self._place[hits["channel"]]
        rows, mono = self._old(bars, frames)
        self._ringing *= np.exp(self._turn * (frames / self.sample_rate))
        self._new(hits, bars, rows, mono)
        self._ringing[np.abs(self._ringing) < SILENT] = 0.0
        self._frame += frames
        for side, gains in enumerate(self._gains):
            sound[:, side] = gains[rows] @ mono

    def _old(self, also: Ints, frames: int) -> tuple[Ints, Samples]:
        """Return the bars that ring, and those in `also`, and the sound of what rings: a row a bar."""
        modes = np.max((self._ringing != 0) * np.arange(1, MODES + 1), axis=1)
        rows = np.unique(np.concatenate((np.flatnonzero(modes), also)))
        mono = np.zeros((len(rows), frames), dtype=np.float32)
        for out, bar in zip(mono, rows.tolist(), strict=True):
            if modes[bar]:
                self._ring(out, bar, self._ringing[bar, : modes[bar]])
        return rows, mono

    def _new(self, hits: Hits, bars: Ints, rows: Ints, mono: Samples) -> None:
        """Add hits to the sound of their bars, and to what rings after it."""
        frames = mono.shape[1]
        begins = np.maximum(hits["time"] - self.position, 0.0) * self.sample_rate
        first = np.ceil(begins).astype(np.intp)
        turn = self._turn[bars] / self.sample_rate
        amplitude = self._bars.amplitudes(bars, 10.0 ** (hits["level"] / 20.0))
        states = -1j * amplitude * np.exp(turn * (first - begins)[:, None])
        places = np.searchsorted(rows, bars).tolist()
        for place, bar, frame, state in zip(places, bars.tolist(), first.tolist(), states, strict=True):
            if frame < frames:
                self._ring(mono[place, frame:], bar, state)
        np.add.at(self._ringing, bars, states * np.exp(turn * (frames - first)[:, None]))

    def _ring(self, out: Samples, bar: int, state: Complex) -> None:
        """Add the first modes of a bar, in `state` at the first frame of `out`."""
        parts = np.ascontiguousarray(state).view(np.float64).astype(np.float32)
        out += (
            parts
            @ oscillations(self._pitches[bar], self.instrument.bars, self.sample_rate)[
                : len(parts), : len(out)
            ]
        )


def render(hits: Hits, instrument: Instrument, sample_rate: int = SAMPLE_RATE, tail: float = TAIL) -> Samples:
    """Return the sound of hits (dtype HIT) as float32 of shape (frames, 2), time 0 being frame 0.

    It ends `tail` seconds after the last hit, faded out. When its true peak passes CEILING the whole piece
    is made softer by as much, else nothing is changed. Raises OptionError beyond LONGEST, or for
    hours of silence.

    >>> instrument = build_instrument()
    >>> performance = simulate(arrange(load_song(find_song("sakura")), instrument))
    >>> render(performance.hits, instrument).shape  # frames of 1 / 48000 s, left and right
    (4490965, 2)
    """
    sound = _whole(hits, instrument, sample_rate, tail)
    sound *= np.float32(_allowed(true_peak([sound])))
    return sound


def render_wav(
    path: str | Path,
    hits: Hits,
    instrument: Instrument,
    sample_rate: int = SAMPLE_RATE,
    tail: float = TAIL,
    loudness: float | None = None,
) -> float:
    """Write what `render` returns to a WAV file, with memory that does not grow with the piece.

    With `loudness` it is made as loud as that, in LUFS, as far as CEILING allows. Returns by how many dB the
    file is softer than it would be without CEILING, mostly 0. Raises FileError where it cannot be written and
    OptionError as `render` does, or for a loudness of more than FITS seconds; nothing is half-written.
    """
    if frames_of(hits, sample_rate, tail) <= FITS * sample_rate:
        sound = _whole(hits, instrument, sample_rate, tail)
        wanted = 1.0 if loudness is None else 10.0 ** ((loudness - loudness_of(sound, sample_rate)) / 20.0)
        allowed = _allowed(wanted * true_peak([sound]))
        sound *= np.float32(wanted * allowed)
        write_wav(path, sound, sample_rate)
    elif loudness is not None:
        raise OptionError(
            f"{path}: the loudness of more than {FITS:g} s is not measured: leave it out, or take a part"
        )
    else:
        allowed = _allowed(true_peak(blocks(hits, instrument, sample_rate, tail)))
        scale = np.float32(allowed)
        write_wav(path, (block * scale for block in blocks(hits, instrument, sample_rate, tail)), sample_rate)
    return float(-20.0 * np.log10(allowed))


def _whole(hits: Hits, instrument: Instrument, sample_rate: int, tail: float) -> Samples:
    """Return the sound of hits as it is, however loud."""
    sound = np.empty((frames_of(hits, sample_rate, tail), 2), dtype=np.float32)
    begin = 0
    for block in blocks(hits, instrument, sample_rate, tail):
        sound[begin : begin + len(block)] = block
        begin += len(block)
    return sound


def _allowed(peak: float) -> float:
    """Return the factor, at most 1, that keeps a true peak at CEILING."""
    return CEILING / max(peak, CEILING)


def blocks(
    hits: Hits, instrument: Instrument, sample_rate: int = SAMPLE_RATE, tail: float = TAIL
) -> Iterator[Samples]:
    """Yield the sound of hits block by block, faded out at its end, however loud it is."""
    renderer = Renderer(instrument, sample_rate)
    renderer.add(hits)
    return mixed([renderer], frames_of(hits, sample_rate, tail), round(min(FADE, tail) * sample_rate))


def mixed(renderers: Sequence[Renderer], frames: int, fade: int) -> Iterator[Samples]:
    """Yield what renderers sound together block by block, the last `fade` of all frames fading out."""
    fade = max(1, fade)
    for begin in range(0, frames, BLOCK):
        block = renderers[0].mix(min(BLOCK, frames - begin))
        for renderer in renderers[1:]:
            block += renderer.mix(len(block))
        left = frames - begin - np.arange(len(block))
        if left[-1] < fade:
            part = np.minimum(left / fade, 1.0)
            block *= (0.5 - 0.5 * np.cos(np.pi * part)).astype(np.float32)[:, None]
        yield block


def frames_of(hits: Hits, sample_rate: int, tail: float) -> int:
    """Return how many frames the sound of these hits takes; OptionError where it is too long."""
    check_hits(hits)
    if not 0 <= tail <= 60:
        raise OptionError(f"tail {tail} s is out of range: give 0..60 s after the last hit")
    seconds = max(0.0, float(hits["time"].max(initial=0.0))) + tail
    if seconds > LONGEST:
        raise OptionError(
            f"the piece takes {seconds:.0f} s, more than the {LONGEST:.0f} s of sound that a WAV file holds: "
            "render a part of it"
        )
    if seconds > SPARSE + EACH * len(hits):
        raise OptionError(
            f"the piece takes {seconds:.0f} s of sound for {counted(len(hits), 'hit')}, "
            "which is nearly all silence: "
            "take the gaps out of it, or render a part of it"
        )
    return int(np.ceil(seconds * sample_rate))


def check_hits(hits: Hits) -> None:
    """Raise TypeError where the table is none of hits, OptionError where a time or level is no number."""
    if hits.dtype != HIT:
        raise TypeError(f"hits must be a table of dtype HIT, not {hits.dtype}")
    for key in ("time", "level"):
        if not np.isfinite(hits[key]).all():
            raise OptionError(f"a hit's {key} is no number: give finite times and levels")


def stage(count: int) -> Floats:
    """Return the gains (2, count) of the bars to the left and right: equal power, low bars left."""
    place = np.linspace(-0.5, 0.5, count) if count > 1 else np.zeros(1)
    angle = (0.5 + WIDTH * place) * np.pi / 2.0
    return np.stack((np.cos(angle), np.sin(angle)))


@lru_cache(maxsize=256)
def oscillations(pitch: int, material: str, sample_rate: int) -> Samples:
    """Return BLOCK samples of each mode of a bar as float32, two rows a mode, for `parts @ rows`.

    The real part of z exp((i 2 pi f - decay) t) is Re z times the first row plus Im z times the second.
    """
    bars = bars_of([pitch], material, sample_rate)
    turn = (2j * np.pi * bars.hertz[0] - bars.decay[0]) / sample_rate
    coarse = np.exp(turn[:, None] * np.arange(0, BLOCK, 64))
    fine = np.exp(turn[:, None] * np.arange(64))
    wave = (coarse[:, :, None] * fine[:, None, :]).reshape(MODES, BLOCK)
    rows = np.stack((wave.real, -wave.imag), axis=1).reshape(2 * MODES, BLOCK)
    return np.ascontiguousarray(rows, dtype=np.float32)
