"""What a listener hears of an arrangement beside its song: balance, texture, voices.

Each row is a function of `Heard`: an arrangement, which knows its song and its instrument, and the song's
tune. Levels are planned ones: velocities span the hammers' common range evenly in dB (`SPAN`). Two moments
within 30 ms are one. NaN says that a file has nothing to count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from arrangements.rules import Bools, Floats, Ints, audible, of_arrangement
from arrangements.scores import NEAR, exact, instants, share, upper_line
from xylophone import Arrangement, Calibration, Song, sequence, strikes_of
from xylophone.arranger import judge
from xylophone.performance.simulate import perform
from xylophone.simulation.hammers import Twin
from xylophone.tables import Priority

SPAN = 10.9
"""dB between velocity 1 and 127: the common range of the hammers as they come."""

LONGEST = 1.5
"""s; what is struck later after a tune note does not intrude upon it, however late the next one is."""

SIXTH, OCTAVE = 9, 12
"""Semitones."""

WRITTEN_SPAN = 4.5
"""dB; of a file with less written dynamics no range is asked."""

STEEPEST = 1.5
"""dB of level for each written dB, at most."""

SAME_BAR = 0.6
"""s within which a bar that is struck again rattles."""

FEWEST = 10
"""Intervals of a voice, or notes of an accompaniment, below which nothing is said of it."""


@dataclass(frozen=True, eq=False)
class Heard:
    """An arrangement beside its song and the song's tune, as a listener follows both.

    `tune` are rows of the song, ascending: the line that the file labels, else what is marked melody.
    """

    arrangement: Arrangement
    tune: Ints
    measured: Floats | None = (
        None  # level of each strike, dB, where it was played; NaN where it was not heard
    )

    @property
    def song(self) -> Song:
        """The song."""
        return self.arrangement.song

    @cached_property
    def time(self) -> Floats:
        """When each strike sounds, ascending."""
        return self.arrangement.notes["onset"].astype(np.float64)

    @cached_property
    def pitch(self) -> Ints:
        """The pitch of each strike's bar."""
        return self.arrangement.instrument.pitches[self.arrangement.notes["hammer"]].astype(np.int64)

    @cached_property
    def level(self) -> Floats:
        """The level of each strike in dB: as measured, else as planned, above the softest."""
        if self.measured is not None:
            return self.measured
        return (self.arrangement.notes["velocity"].astype(np.float64) - 1.0) * SPAN / 126.0

    @cached_property
    def written_pitch(self) -> Ints:
        """The highest written pitch of the notes that each strike carries."""
        carrier = self.arrangement.carrier
        highest = self.song.notes["pitch"][self.arrangement.notes["source"]].astype(np.int64)
        there = np.flatnonzero(carrier >= 0)
        np.maximum.at(highest, carrier[there], self.song.notes["pitch"][there].astype(np.int64))
        return highest

    @cached_property
    def written_level(self) -> Floats:
        """The written loudness of each note of the song in dB: 40 log10(loudness / 127)."""
        return 40.0 * np.log10(np.maximum(self.song.notes["loudness"].astype(np.float64), 0.5) / 127.0)

    @cached_property
    def strike(self) -> Ints:
        """The strike of each tune note, -1 where there is none."""
        return self.arrangement.carrier[self.tune]

    @cached_property
    def accompanies(self) -> Bools:
        """Which strikes carry no note of the tune, and are not one of its notes struck again."""
        mine = np.isin(self.arrangement.notes["source"], self.tune)
        mine[self.strike[self.strike >= 0]] = True
        return ~mine

    @cached_property
    def others(self) -> Ints:
        """Rows of the song's notes that are heard and are not of the tune."""
        return np.setdiff1d(np.flatnonzero(audible(self.song)), self.tune)

    @cached_property
    def windows(self) -> tuple[Ints, Ints]:
        """The first strike of each tune note's time, which lasts until the next one, and the one after it."""
        onset = self.song.notes["onset"][self.tune]
        begins = np.searchsorted(self.time, onset - NEAR)
        return begins, np.append(begins[1:], len(self.time))

    @property
    def alone(self) -> bool:
        """Whether the accompaniment is gone: less than a twentieth of what is written is struck at all."""
        return len(self.others) >= FEWEST and share(self.arrangement.carrier[self.others] >= 0) < 0.05


def melody_of(arrangement: Arrangement, labelled: Ints) -> Heard:
    """Return the arrangement with the tune that the file labels, or without one what it marks as melody."""
    marked = np.flatnonzero(arrangement.roles == Priority.MELODY)
    return Heard(arrangement, upper_line(arrangement.song, labelled).rows if len(labelled) else marked)


def played(heard: Heard, twin: Twin, calibration: Calibration) -> Heard:
    """Return the same as simulated hammers play it, with the levels that are heard."""
    strikes = strikes_of(heard.arrangement.notes)
    strikes["source"] = np.arange(len(strikes))
    plan = sequence(strikes, heard.arrangement.instrument, calibration)
    hits = perform(plan, twin).hits
    hits = hits[(hits["strike"] >= 0) & ~hits["double"]]
    level = np.full(len(strikes), np.nan)
    level[plan.rows["source"][hits["strike"]]] = hits["level"]
    return replace(heard, measured=level)


def leads(heard: Heard) -> Floats:
    """Return by how many dB each struck tune note stands over the loudest accompaniment until the next one.

    Counted are strikes from 30 ms before the tune note until 30 ms before the next note of the tune, struck
    or not, however late that is; a tune note without any among them has no lead.
    """
    counts = heard.accompanies & ~np.isnan(heard.level)
    level = np.append(np.where(counts, heard.level, -np.inf), -np.inf)
    first, last = heard.windows
    if not len(first):
        return np.zeros(0)
    loudest = np.maximum.reduceat(level, np.stack((first, last), axis=1).ravel())[::2]
    there = (first < last) & (heard.strike >= 0) & np.isfinite(loudest)
    found = heard.level[heard.strike[there]] - loudest[there]
    return found[~np.isnan(found)]


def lead(heard: Heard) -> tuple[float, float]:
    """Return median and 10th percentile of a file's leads."""
    found = leads(heard)
    return tuple(np.percentile(found, (50, 10)).tolist()) if len(found) else (np.nan, np.nan)


def steps(heard: Heard) -> float:
    """Return the share of the tune's steps of level that are the scaled written ones within 0.5 dB.

    A step leads from one struck note of the tune to the next that is struck. The scale is the slope, between
    0 and 1.5, that fits the levels to the written ones best (least squares over the tune's struck notes).
    """
    struck = np.flatnonzero(heard.strike >= 0)
    level, written = heard.level[heard.strike[struck]], heard.written_level[heard.tune[struck]]
    if len(struck) < 2:
        return np.nan
    off = written - written.mean()
    spread = float(off @ off)
    slope = np.clip(float(off @ level) / spread, 0.0, STEEPEST) if spread > 1e-9 else 0.0
    return share(np.abs(np.diff(level) - slope * np.diff(written)) <= 0.5 + 1e-6)


def ranges(heard: Heard) -> tuple[float, float]:
    """Return the dB from the 5th to the 95th percentile of all strikes, and of all notes that are written."""
    written = heard.written_level[audible(heard.song)]
    if not len(written) or not len(heard.level):
        return np.nan, np.nan
    return float(np.ptp(np.percentile(heard.level, (5, 95)))), float(np.ptp(np.percentile(written, (5, 95))))


def intrusions(heard: Heard) -> float:
    """Return the strikes of accompaniment that intrude upon the tune, for each 100 struck tune notes.

    Such a strike carries only notes that are written below the tune note that began last, lands on that
    note's bar or above it, and comes from 30 ms before it until 30 ms before the next one, 1.5 s at most.
    """
    struck = heard.strike >= 0
    if not struck.any():
        return np.nan
    rows = np.flatnonzero(heard.accompanies)
    onset = heard.song.notes["onset"][heard.tune]
    note = np.searchsorted(onset - NEAR, heard.time[rows], "right") - 1
    rows, note = rows[note >= 0], note[note >= 0]
    sounds = struck[note] & (heard.time[rows] <= onset[note] + LONGEST)
    below = heard.written_pitch[rows] < heard.song.notes["pitch"][heard.tune[note]]
    above = heard.pitch[rows] >= heard.pitch[heard.strike[note]]
    return 100.0 * float(np.count_nonzero(sounds & below & above)) / int(struck.sum())


def near_basses(heard: Heard, least: int = SIXTH) -> float:
    """Return the share of basses that are struck less than so many semitones under the tune, or above it.

    A bass is the lowest note that is written at its instant (25 ms). Counted are those that begin together
    with a tune note, written as far below it or farther, both struck; one on the tune's own bar is near.
    """
    rows = np.flatnonzero(audible(heard.song))
    if not len(rows) or not len(heard.tune):
        return np.nan
    notes = heard.song.notes
    instant = instants(notes["onset"][rows])
    order = np.lexsort((notes["pitch"][rows], instant))
    bass = rows[order[np.diff(instant[order], prepend=-1) > 0]]
    onset = notes["onset"][heard.tune]
    place = np.clip(np.searchsorted(onset, notes["onset"][bass]), 1, max(1, len(onset) - 1))
    before = np.minimum(place - 1, len(onset) - 1)
    after = np.minimum(place, len(onset) - 1)
    closer = np.abs(onset[before] - notes["onset"][bass]) <= np.abs(onset[after] - notes["onset"][bass])
    tune = heard.tune[np.where(closer, before, after)]
    pitch, struck = notes["pitch"].astype(np.int64), heard.arrangement.struck
    together = np.abs(notes["onset"][tune] - notes["onset"][bass]) <= NEAR
    counted = together & (pitch[tune] - pitch[bass] >= least) & (struck[tune] >= 0) & (struck[bass] >= 0)
    return share((struck[tune] - struck[bass] < least)[counted])


def worst_voice(heard: Heard) -> float:
    """Return the share of intervals that are exact in the worst voice of a file with a track for each voice.

    A voice is the upper line of a track that has at least ten intervals (notes within 1.5 s). NaN for fewer
    than two.
    """
    song, outcome = heard.song, of_arrangement(heard.arrangement)
    rows = np.flatnonzero(audible(song))
    track = song.notes["track"][rows]
    found = []
    for number in np.unique(track):
        line = upper_line(song, rows[track == number])
        if np.count_nonzero(line.joined) >= FEWEST:
            found.append(share(exact(line, outcome)))
    return min(found) if len(found) > 1 else np.nan


def better_shift(heard: Heard, arranged_at: Callable[[int], Arrangement], farthest: int = 9) -> float:
    """Return how many points more the judge gives to the best other transposition, up to a sixth away."""
    own = judge(heard.arrangement).score
    shifts = [heard.arrangement.transpose + step for step in range(-farthest, farthest + 1) if step]
    return float(max(judge(arranged_at(shift)).score for shift in shifts) - own)


@dataclass(frozen=True)
class Texture:
    """How dense strikes are: how many a second, the share that are on a bar struck within 0.6 s before.

    `seconds` is the share of chords that have a second in them.
    """

    rate: float
    again: float
    seconds: float


def texture(time: Floats, pitch: Ints) -> Texture:
    """Return how dense strikes are, of ascending times, from the first to the last.

    A chord is an instant (25 ms) with at least two bars; it has a second where two of them are one or two
    semitones apart.
    """
    if len(time) < 2:
        return Texture(np.nan, np.nan, np.nan)
    order = np.lexsort((time, pitch))
    near = (np.diff(time[order]) <= SAME_BAR) & (np.diff(pitch[order]) == 0)
    number = instants(time)
    chord = np.lexsort((pitch, number))
    step = np.diff(pitch[chord])
    beside = np.diff(number[chord]) == 0
    count = number[-1] + 1
    apart = np.bincount(number[chord][1:], beside & (step > 0), count) > 0
    second = np.bincount(number[chord][1:], beside & (step > 0) & (step <= 2), count) > 0
    span = float(time[-1] - time[0])
    return Texture(
        len(time) / span if span > 0 else np.nan, float(near.sum()) / len(time), share(second[apart])
    )


def singer(arrangement: Arrangement, voice: Ints) -> tuple[float, float]:
    """Return how much of the singer is marked as melody, and how much of what is marked is the singer.

    First, the share of the voice's notes that are marked, or have a doubling that is: a note within 30 ms on
    the same pitch or an octave from it. Second, of the notes marked while the voice sounds, the share that
    are the voice's or such a doubling.
    """
    notes = arrangement.song.notes
    marked = np.flatnonzero(arrangement.roles == Priority.MELODY)
    if not len(voice):
        return np.nan, np.nan
    found = doubled(notes, voice, marked)
    onset = notes["onset"][voice]
    last = np.searchsorted(onset - NEAR, notes["onset"][marked], "right") - 1
    end = np.maximum.accumulate(onset + notes["duration"][voice])
    sings = (last >= 0) & (notes["onset"][marked] < end[np.maximum(last, 0)])
    return share(found), share(doubled(notes, marked[sings], voice))


def doubled(notes: np.ndarray, rows: Ints, by: Ints) -> Bools:
    """Return which of some notes are among others, or begin with one of these, in unison or an octave off."""
    apart = 1e6  # s, longer than any song
    there = np.sort(notes["pitch"][by] * apart + notes["onset"][by])
    found = np.isin(rows, by)
    for octave in (-12, 0, 12):
        wanted = (notes["pitch"][rows] + float(octave)) * apart + notes["onset"][rows]
        first, last = np.searchsorted(there, wanted - NEAR), np.searchsorted(there, wanted + NEAR, "right")
        found |= first < last
    return found
