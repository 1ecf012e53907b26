"""Before and after: a song as it is written and as the hammers play it, as two WAV files to compare by ear.

Both have the same bars' sound, one loudness scale and one length, so that what differs is the arrangement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arranger import Arrangement
from ..arranger.balance import as_written
from ..arranger.choice import SOFTEST
from ..calibration.values import Calibration
from ..instrument import MOST_HAMMERS, Instrument, hammers_of
from ..sequencer.curves import Curves
from ..sound.loudness import CEILING, gain_of, true_peak
from ..sound.rendering import FADE, TAIL, Renderer, frames_of, mixed, stage
from ..sound.wav import SAMPLE_RATE, write_wav
from ..tables import HIT, Hits, Samples, as_hits, filled, joined, picked
from .performance import Performance


def write_comparison(
    arrangement: Arrangement, performance: Performance, calibration: Calibration, before: Path, after: Path
) -> float:
    """Write the song as written, drums left out, to `before`, and its performance to `after`.

    Written pitches that no bar has sound as bars of that pitch would. Loudness is the sequencer's, by the
    same calibration. When the true peak of one would pass CEILING, both are made softer by as much: by the dB
    that are returned. Raises FileError where a file cannot be written, OptionError for more than six hours;
    each file is there whole or not at all.
    """
    curves = Curves(arrangement.instrument, calibration)
    written = _Written.of(arrangement, curves)
    hits = joined([performance.hits, *(part.hits for part in written)])
    frames = frames_of(hits, SAMPLE_RATE, TAIL)

    def original() -> Iterator[Samples]:
        renderers = [part.renderer(arrangement) for part in written]
        return mixed(renderers or [Renderer(arrangement.instrument)], frames, _FADED)

    def played() -> Iterator[Samples]:
        renderer = Renderer(arrangement.instrument)
        renderer.add(performance.hits)
        return mixed([renderer], frames, _FADED)

    peak = max(true_peak(original()), true_peak(played()), CEILING)
    scale = np.float32(CEILING / peak)
    write_wav(before, (block * scale for block in original()))
    write_wav(after, (block * scale for block in played()))
    return float(20.0 * np.log10(peak / CEILING))


_FADED = round(FADE * SAMPLE_RATE)


@dataclass(frozen=True, eq=False)
class _Written:
    """Notes of a song as blows on bars of their own pitches, no more than an instrument can have."""

    instrument: Instrument
    hits: Hits

    @classmethod
    def of(cls, arrangement: Arrangement, curves: Curves) -> list[_Written]:
        """Return all notes of a song but drums and silent ones, in as many parts as it takes."""
        notes = arrangement.song.notes
        notes = picked(notes, ~notes["drum"] & (notes["loudness"] >= SOFTEST))
        velocity = as_written(notes["loudness"], notes["velocity"])
        level = curves.common_level(np.asarray(velocity, np.float64))
        pitches = np.unique(notes["pitch"])
        kind, found = arrangement.instrument.kind, []
        for part in np.split(pitches, range(MOST_HAMMERS, len(pitches), MOST_HAMMERS)) if len(notes) else ():
            mine = np.isin(notes["pitch"], part)
            channel = np.searchsorted(part, notes["pitch"][mine])
            columns = {"time": notes["onset"][mine], "level": level[mine], "channel": channel}
            hits = as_hits(filled(HIT, len(channel), strike=-1, **columns))
            bars = hammers_of((int(pitch) for pitch in part), kind)
            material = arrangement.instrument.bars
            found.append(cls(Instrument("as written", kind, bars, 1000.0, bars=material), hits))
        return found

    def renderer(self, arrangement: Arrangement) -> Renderer:
        """Return what makes them sound; a note is heard from where its bar is, or would be."""
        bars, place = arrangement.instrument.pitches, self.instrument.pitches + arrangement.transpose
        gains = np.stack([np.interp(place, bars, side) for side in stage(len(bars))])
        renderer = Renderer(self.instrument, gains=gain_of(arrangement.instrument) * gains)
        renderer.add(self.hits)
        return renderer
