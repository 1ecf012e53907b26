"""The arranger: from a song to the strikes of an instrument, step by step."""

from __future__ import annotations

import operator
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import OptionError
from ..instrument import Instrument
from ..song import Song
from ..tables import ARRANGED, Arranged, Bools, Floats, Ints, Priority, as_arranged, filled, picked
from .arrangement import NO_ROLE, Arrangement
from .balance import balanced
from .changes import NO_HAMMER, Changes, Reason
from .choice import Choice, left_out
from .fold import Folding, Placed, bars_of, fold
from .form import ostinato
from .score import Score, instants, read_score
from .thin import MERGE_WITHIN, carriers, crowded_out, informed, loudest, unready, worth
from .transpose import best_transposition
from .tremolo import with_tremolo
from .voices import priorities
from .weights import DEFAULT_PRESET, PRESETS, Weights

_FARTHEST = 127


def arrange(
    song: Song,
    instrument: Instrument,
    *,
    tracks: Collection[int] | None = None,
    channels: Collection[int] | None = None,
    mute_tracks: Collection[int] = (),
    mute_channels: Collection[int] = (),
    transpose: int | None = None,
    octaves: Mapping[int, int] | None = None,
    drums: bool = False,
    merge_within: float = MERGE_WITHIN,
    weights: Weights = PRESETS[DEFAULT_PRESET],
) -> Arrangement:
    """Return the song arranged for the instrument; the same for the same arguments, always.

    `tracks` are numbered as in `song.tracks`, from 0, `channels` 1..16; None takes all. What is
    muted is left out of these, and so are drums unless `drums`. `transpose` is in
    semitones, -127..127; None searches the shift that suits best. `octaves` moves tracks, -10..10
    each, before anything else. Notes on one bar at most `merge_within` (0..0.1 s) apart become one
    strike. `weights` is taste: what the search weighs. Nothing is re-timed. An arrangement may be
    empty: `Arrangement.require_notes` says why. Raises OptionError for what is out of bounds.

    >>> song = load_song(find_song("ode_to_joy"))
    >>> len(arrange(song, build_instrument("music-box-c")))
    416
    """
    choice = Choice(tracks, channels, mute_tracks, mute_channels, drums, octaves or {})
    chosen = _chosen(song, choice, weights)
    shift, placed = _placed(transpose, chosen.score, chosen.priority, instrument, weights)
    return _Drafted(song, instrument, chosen, shift, placed, weights).finished(merge_within)


@dataclass(frozen=True, eq=False)
class _Chosen:
    """The notes that are to be arranged, and why the others are not: a Reason for each note of the song."""

    score: Score
    priority: Ints
    reasons: Ints


def _chosen(song: Song, choice: Choice, weights: Weights) -> _Chosen:
    """Leave out what was not chosen; where the melody is to be alone, the other voices too."""
    reasons = left_out(song, choice)
    score = read_score(song, np.flatnonzero(reasons == Reason.NONE), choice.octaves)
    priority = priorities(score)
    if weights.accompaniment:
        return _Chosen(score, priority, reasons)
    tune = priority == Priority.MELODY
    reasons[score.row[~tune]] = Reason.NOT_MELODY
    return _Chosen(read_score(song, score.row[tune], choice.octaves), priority[tune], reasons)


def _placed(
    transpose: int | None, score: Score, priority: Ints, instrument: Instrument, weights: Weights
) -> tuple[int, Placed]:
    """Return the shift that is given or costs least, and where all notes are struck then."""
    if transpose is not None:
        shift = operator.index(transpose)
        if abs(shift) > _FARTHEST:
            raise OptionError(f"transposition {shift} is out of range: give -127..127 semitones")
        return shift, fold(score, priority, shift, instrument, weights)
    tune = np.flatnonzero(priority == Priority.MELODY)

    def octaves_cost(shift: int) -> float:
        pitch = (score.pitch + shift).astype(np.int16)
        folding = Folding(score, pitch, bars_of(instrument, pitch[tune]), weights)
        return folding.melody_octaves(tune)[1] / max(1, len(tune))

    shift = best_transposition(score, priority, instrument, weights, octaves_cost)
    placed = fold(score, priority, shift, instrument, weights)
    if octaves := _common_octaves(score, shift, placed.hammer, instrument):
        shift += octaves
        placed = fold(score, priority, shift, instrument, weights)
    return shift, placed


def _common_octaves(score: Score, shift: int, hammer: Ints, instrument: Instrument) -> int:
    """Return by how many semitones more than half of all notes were folded: that is a shift, no folding."""
    sounds = np.flatnonzero(hammer >= 0)
    moved = instrument.pitches[hammer[sounds]] - (score.pitch[sounds].astype(np.int64) + shift)
    octaves, counts = np.unique(moved[moved % 12 == 0], return_counts=True)
    if not len(octaves) or 2 * counts.max() <= len(sounds):
        return 0
    return int(octaves[np.argmax(counts)])


@dataclass(frozen=True, eq=False)
class _Drafted:
    """Everything that is decided but for what falls together: notes of a score and their hammers."""

    song: Song
    instrument: Instrument
    chosen: _Chosen
    shift: int
    placed: Placed
    weights: Weights

    def finished(self, merge_within: float) -> Arrangement:
        """Merge what falls together, leave out what no hammer could play, and put all into tables."""
        song, score, priority = self.song, self.chosen.score, self.chosen.priority
        sounds = np.flatnonzero(self.placed.hammer >= 0)
        row, hammer = score.row[sounds], self.placed.hammer[sounds].astype(np.uint8)
        loudness = score.loudness[sounds]
        rank = priority[sounds] * 256.0 + loudness
        carrier = carriers(score.onset[sounds], hammer, rank, merge_within)
        carries = carrier == np.arange(len(carrier))
        notes = as_arranged(
            filled(ARRANGED, len(sounds), onset=score.onset[sounds], source=row, hammer=hammer)
        )
        notes["priority"] = priority[sounds]
        notes, loud = picked(notes, carries), song.notes["loudness"].copy()
        loud[notes["source"]] = loudest(loudness, priority[sounds], carrier)[carries]
        why = self._thinned(notes, loud[notes["source"]])
        reasons = self.chosen.reasons.copy()
        reasons[score.row] = self.placed.reason
        reasons[row] = why[(np.cumsum(carries) - 1)[carrier]]
        notes = picked(notes, why == Reason.NONE)
        changes = self._changes(reasons, row, hammer, row[carrier])
        if self.weights.tremolo:
            notes, cut = with_tremolo(notes, song, self.instrument.column("recovery"))
            changes = changes.with_shortened(cut)
        notes = balanced(notes, song, loud, self.weights.lead)
        roles = np.full(len(song), NO_ROLE, np.uint8)
        roles[score.row] = priority
        return Arrangement(song, self.instrument, self.shift, notes, changes, roles)

    def _thinned(self, notes: Arranged, loudness: Floats) -> Ints:
        """Return a Reason for each strike, NONE for those that stay."""
        why = np.zeros(len(notes), np.uint8)
        value, priority = worth(notes["priority"], loudness), notes["priority"]
        if self.weights.chord:
            why[self._crowd(notes, value)] = Reason.CROWDED
        recovery = self.instrument.column("recovery")
        asked = [(recovery, priority >= Priority.INNER)]
        if self.weights.gap > recovery.min():
            asked.append((np.maximum(recovery, self.weights.gap), priority < Priority.MELODY))
        for least, mine in asked:
            rows = np.flatnonzero(mine & (why == 0))
            lost = unready(notes["onset"][rows], notes["hammer"][rows], value[rows], least)
            why[rows[lost]] = Reason.NOT_READY
        return why

    def _crowd(self, notes: Arranged, value: Floats) -> Bools:
        """Return which strikes are more than an instant may hold."""
        onset, hammer, instant = notes["onset"], notes["hammer"], instants(notes["onset"])
        again = np.zeros(len(self.song), np.bool_)
        again[self.chosen.score.row] = ostinato(self.chosen.score.repeat, self.chosen.score.measure)
        pitch = self.instrument.pitches[hammer]
        telling = informed(value, instant, pitch, onset, hammer, again[notes["source"]])
        return crowded_out(instant, hammer, telling, self.weights.chord)

    def _changes(self, reasons: Ints, row: Ints, hammer: Ints, into: Ints) -> Changes:
        """Return the changes, by a Reason for each note of the song.

        Given besides are rows, hammers and carrying rows of the notes that have a bar.
        """
        song = self.song
        bars, carried = np.full(len(song), NO_HAMMER, np.uint8), np.full(len(song), -1, np.int32)
        bars[row], carried[row] = hammer, np.where(into == row, -1, into)
        other = self.chosen.score.row[self.placed.substituted]
        return Changes.of(song, self.instrument, self.shift, reasons, bars, carried, other)
