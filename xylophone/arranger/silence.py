"""Silence that nobody waits for: cut before the first strike, between strikes, and after the last has rung.

What was cut stays in the song, with all its measures: its tempo is as much faster there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..song import Song
from ..tables import TEMPO, Floats, Tempos, as_tempos, copied, filled
from .arrangement import Arrangement

BEFORE = 1.0
"""s of silence that stay before the first strike."""

LONGEST, BETWEEN = 10.0, 3.0
"""s of silence between two strikes: what is longer than the first becomes the second."""

RUNG = 2.0
"""s after the last strike in which its bar rings; longer where its note is written so, at most LONGEST."""

_EVER = 1e9
"""s; later than any song ends."""


@dataclass(frozen=True, eq=False)
class Cuts:
    """The silences that are cut: begin and end in the song's own time, and how much of each is left, s.

    `duration` is where the song is over in its own time, `after` what is cut there.
    """

    begin: Floats
    end: Floats
    left: Floats
    duration: float
    after: float

    @classmethod
    def of(cls, arrangement: Arrangement) -> Cuts:
        """Return the silences of an arrangement, in which something is struck, that are too long."""
        onset = arrangement.notes["onset"].astype(np.float64)
        begin, later = np.append(0.0, onset[:-1]), np.arange(len(onset)) > 0
        long = onset - begin > np.where(later, LONGEST, BEFORE)
        source = arrangement.song.notes[arrangement.notes["source"]]
        held = float((source["onset"] + source["duration"]).max())
        rung = max(onset[-1] + RUNG, min(held, onset[-1] + LONGEST))
        duration = min(arrangement.song.duration, rung)
        left = np.where(later, BETWEEN, BEFORE)
        return cls(begin[long], onset[long], left[long], duration, arrangement.song.duration - duration)

    @property
    def words(self) -> str:
        """Say in one line what is cut; '' for nothing."""
        lengths, before = self.end - self.begin, self.left == BEFORE
        parts = [f"{length:.1f} s before the first strike to {BEFORE:g} s" for length in lengths[before]]
        if len(between := lengths[~before]):
            many = f"{len(between)} of them, " if len(between) > 1 else ""
            parts.append(f"{many}{between.max():.1f} s between strikes to {BETWEEN:g} s")
        if self.after > 0:
            parts.append(f"{self.after:.1f} s at the end")
        return f"silence is cut: {'; '.join(parts)}" if parts else ""

    def moved(self, time: Floats) -> Floats:
        """Return where moments of the song are once the silences are cut."""
        old = np.stack((self.begin, self.end), 1).ravel()
        steps = np.stack((np.diff(self.begin, prepend=0.0), self.left), 1)
        steps[1:, 0] = self.begin[1:] - self.end[:-1]
        new = np.cumsum(steps.ravel())
        last = (old[-1], new[-1]) if len(old) else (0.0, 0.0)
        return np.asarray(np.interp(time, [0.0, *old, last[0] + _EVER], [0.0, *new, last[1] + _EVER]))

    def faster(self, tempos: Tempos, song: Song) -> Tempos:
        """Return the tempos of a song, as much faster where it is silent as is cut there."""
        time = np.sort(np.concatenate((tempos["time"], self.begin, self.end)))
        time = time[np.diff(time, prepend=-1.0) > 0]
        row = np.maximum(np.searchsorted(tempos["time"], time, "right") - 1, 0)
        place = np.searchsorted(self.begin, time, "right") - 1
        inside = (place >= 0) & (time < np.append(self.end, 0.0)[place])
        factor = np.where(inside, np.append((self.end - self.begin) / self.left, 1.0)[place], 1.0)
        bpm = tempos["bpm"][row] * factor
        quarter = song.quarters_at(time)
        return as_tempos(filled(TEMPO, len(time), time=self.moved(time), quarter=quarter, bpm=bpm))


def without_silence(arrangement: Arrangement) -> tuple[Arrangement, str]:
    """Return an arrangement whose long silences are cut, and in one line what was cut, '' for nothing.

    Before the first strike BEFORE seconds stay, BETWEEN of what is longer than LONGEST between two strikes,
    and the song is over where its last strike has rung. Measures keep their numbers.

    >>> fitted, told = without_silence(arrange(load_song(find_song("sakura")), build_instrument()))
    >>> told
    ''
    """
    if not len(arrangement):
        return arrangement, ""
    cuts = Cuts.of(arrangement)
    if not cuts.words:
        return arrangement, ""
    notes = copied(arrangement.notes)
    notes["onset"] = cuts.moved(notes["onset"])
    return replace(arrangement, song=_shorter(arrangement.song, cuts), notes=notes), cuts.words


def _shorter(song: Song, cuts: Cuts) -> Song:
    notes, keys = copied(song.notes), copied(song.keys)
    notes["onset"] = cuts.moved(song.notes["onset"])
    notes["duration"] = cuts.moved(song.notes["onset"] + song.notes["duration"]) - notes["onset"]
    notes["pedal"] = np.minimum(notes["pedal"], notes["duration"])
    keys["time"] = cuts.moved(song.keys["time"])
    at = cuts.moved(np.array([lyric.time for lyric in song.lyrics])).tolist() if song.lyrics else []
    cut = [*song.cut, *zip(cuts.begin.tolist(), cuts.end.tolist(), strict=True)]
    return replace(
        song,
        notes=notes,
        keys=keys,
        tempos=cuts.faster(song.tempos, song),
        lyrics=tuple(replace(lyric, time=time) for lyric, time in zip(song.lyrics, at, strict=True)),
        loop=None if song.loop is None else tuple(cuts.moved(np.array(song.loop)).tolist()),
        cut=tuple((float(begin), float(end)) for begin, end in cuts.moved(np.array(cut).reshape(-1, 2))),
        duration=float(cuts.moved(np.array([cuts.duration]))[0]),
    )
