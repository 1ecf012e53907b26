"""The arranger: from a song to the strikes of an instrument, step by step."""

from __future__ import annotations

import operator
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np

from ..errors import OptionError
from ..instrument import Instrument
from ..song import Song
from ..tables import ARRANGED, Arranged, Bools, Floats, Ints, Priority, as_arranged, filled, picked
from .arrangement import NO_ROLE, Arrangement
from .balance import balanced
from .changes import NO_HAMMER, Changes, Reason
from .choice import Choice, left_out
from .counterpoint import equals, is_hymn, leading, voices
from .fold import Placed, fold, fold_equals
from .form import ostinato
from .modulation import modulated
from .ornaments import main_notes
from .quality import judge
from .reach import bars_of
from .score import Score, instants, read_score
from .search import AROUND, LONG, SHORT, common_octaves, excerpt, judged, likely_shift, second_look
from .thin import (
    MERGE_WITHIN,
    carriers,
    clashing,
    crowded_out,
    informed,
    loudest,
    sweetened,
    too_many,
    worth,
    yielding,
)
from .transpose import OTHER_KEY, best_judged
from .tremolo import with_tremolo
from .voices import priorities
from .weights import ALWAYS, DEFAULT_PRESET, ENTRY_LEAD, PRESETS, WHERE_IT_IS, Weights

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
    original_key: bool = False,
    drums: bool = False,
    merge_within: float = MERGE_WITHIN,
    weights: Weights = PRESETS[DEFAULT_PRESET],
) -> Arrangement:
    """Return the song arranged for the instrument; the same for the same arguments, always.

    `tracks` are numbered as in `song.tracks`, from 0, `channels` 1..16; None takes all. What is
    muted is left out of these, and so are drums unless `drums`. `transpose` is in
    semitones, -127..127; None searches the best shift, with `original_key` among whole octaves, else
    several where bars are missing and the song modulates. `octaves` moves tracks, -10..10 each, before
    anything else. Notes on one bar at most `merge_within` (0..0.1 s) apart become one strike. `weights` is
    taste: what the search weighs. Nothing is re-timed. An arrangement may be empty:
    `Arrangement.require_notes` says why. Raises OptionError for what is out of bounds.

    >>> song = load_song(find_song("ode_to_joy"))
    >>> len(arrange(song, build_instrument("music-box-c")))
    447
    """
    choice = Choice(tracks, channels, mute_tracks, mute_channels, drums, octaves or {})
    draft = _Draft(song, instrument, _chosen(song, choice, weights), weights, merge_within)
    shift = _given(transpose)
    return draft.searched(original_key) if shift is None else draft.at(shift)


class Texture(Enum):
    """What the notes of a song are to each other, and so how they are placed."""

    TUNE = auto()  # one leads, and the others accompany it
    HYMN = auto()  # the top leads lines that move together, each of which is sung
    COUNTERPOINT = auto()  # voices are equals


@dataclass(frozen=True, eq=False)
class _Chosen:
    """The notes that are to be arranged, and why the others are not: a Reason for each note of the song."""

    score: Score
    priority: Ints
    voice: Ints
    grace: Bools
    texture: Texture
    reasons: Ints

    @property
    def counterpoint(self) -> bool:
        """Whether no voice accompanies another."""
        return self.texture is Texture.COUNTERPOINT


def _chosen(song: Song, choice: Choice, weights: Weights) -> _Chosen:
    """Leave out what was not chosen; where the melody is to be alone, the other voices too."""
    reasons = left_out(song, choice)
    score = read_score(song, np.flatnonzero(reasons == Reason.NONE), choice.octaves)
    voice = _equals(score, weights.counterpoint)
    if voice is not None:
        entries = np.where(leading(score, voice), Priority.MELODY, Priority.INNER).astype(np.uint8)
        grace = main_notes(score, voice) >= 0
        return _Chosen(score, entries, voice, grace, Texture.COUNTERPOINT, reasons)
    priority = priorities(score)
    if not weights.accompaniment:
        tune = priority == Priority.MELODY
        reasons[score.row[~tune]] = Reason.NOT_MELODY
        score, priority = read_score(song, score.row[tune], choice.octaves), priority[tune]
    voice = score.part * 2 + (priority == Priority.BASS)
    grace = main_notes(score, voice * 2 + (priority == Priority.MELODY)) >= 0
    texture = Texture.HYMN if is_hymn(score) else Texture.TUNE
    return _Chosen(score, priority, voice, grace, texture, reasons)


def _equals(score: Score, when: int) -> Ints | None:
    """Return the voice of each note where they are to be equals, else None."""
    if when == WHERE_IT_IS:
        return equals(score)
    return voices(score) if when == ALWAYS else None


def _given(transpose: int | None) -> int | None:
    shift = None if transpose is None else operator.index(transpose)
    if shift is not None and abs(shift) > _FARTHEST:
        raise OptionError(f"transposition {shift} is out of range: give -127..127 semitones")
    return shift


@dataclass(frozen=True, eq=False)
class _Draft:
    """Everything that is decided but for the transposition and what follows from it."""

    song: Song
    instrument: Instrument
    chosen: _Chosen
    weights: Weights
    merge_within: float

    def searched(self, original_key: bool) -> Arrangement:
        """Return the arrangement under the transposition that is judged best, or under several."""
        shift = self.best_shift(original_key)
        return self.at(shift) if original_key else self.modulated(shift)

    def best_shift(self, original_key: bool) -> int:
        """Return the transposition that is judged best: all keys by an excerpt, the best by a longer one."""
        score, priority = self.chosen.score, self.chosen.priority
        if not bars_of(self.instrument, score.pitch).off(score.pitch).any():
            return 0  # it is written for these bars
        likely = likely_shift(score, priority, self.instrument, self.weights, original_key)
        short = self._excerpt(excerpt(len(score), SHORT))
        likely += common_octaves(short.at(likely))
        points = judged([likely, likely - 12, likely + 12], short.at)
        likely = best_judged(points, likely)
        if original_key or (likely % 12 == 0 and round(points[likely]) > 100 - OTHER_KEY):
            return likely  # no other key can be better by enough
        best = likely
        for _ in range(2):  # the best may lie at the edge of what was judged
            unseen = (best + away for away in AROUND)
            points |= judged((shift for shift in unseen if shift not in points), short.at)
            best = max(points, key=lambda shift: points[shift])
        if len(score) > SHORT:
            long = self._excerpt(excerpt(len(score), LONG))
            points = second_look(points, likely, lambda shift: judge(long.at(shift)).points)
        return best_judged(points, likely)

    def _excerpt(self, rows: Ints) -> _Draft:
        """Return the draft of a song of some rows of the score only."""
        if len(rows) == len(self.chosen.score):
            return self
        score = self.chosen.score.excerpt(rows)
        song = replace(self.song, notes=picked(self.song.notes, self.chosen.score.row[rows]))
        columns = {name: getattr(self.chosen, name)[rows] for name in ("priority", "voice", "grace")}
        reasons = np.zeros(len(rows), np.uint8)
        chosen = replace(self.chosen, score=score, reasons=reasons, **columns)
        return replace(self, song=song, chosen=chosen, weights=replace(self.weights, unlike=0.0))

    def modulated(self, shift: int) -> Arrangement:
        """Return the arrangement under a transposition, or several where bars are missing and it pays."""
        whole, chosen = self.at(shift), self.chosen
        if chosen.counterpoint:  # its voices do not rest together
            return whole
        shifts = modulated(chosen.score, chosen.priority, self.instrument, shift, self.song.notes["onset"])
        if not len(shifts) or not np.ptp(shifts):
            return whole
        parted = self.at(int(np.bincount(shifts + _FARTHEST).argmax()) - _FARTHEST, shifts)
        return parted if judge(parted).score >= judge(whole).score + OTHER_KEY else whole

    def at(self, shift: int, shifts: Ints | None = None) -> Arrangement:
        """Return the arrangement under a transposition; `shifts` are those of each note, if not all alike."""
        chosen, pitch = self.chosen, self.song.notes["pitch"]
        wanted = (pitch + (np.int16(shift) if shifts is None else shifts)).astype(np.int16)
        moved = (wanted - pitch)[chosen.score.row]
        if chosen.counterpoint:
            placed = fold_equals(chosen.score, chosen.voice, moved, self.instrument, self.weights)
        else:
            hymn = chosen.texture is Texture.HYMN
            placed = fold(chosen.score, chosen.priority, moved, self.instrument, self.weights, hymn)
        return _Placing(self, shift, wanted, placed).finished()


@dataclass(frozen=True, eq=False)
class _Placing:
    """A draft whose notes have hammers: all that is left to decide is what falls together."""

    draft: _Draft
    shift: int
    wanted: Ints  # of each note of the song where it stands transposed
    placed: Placed

    def finished(self) -> Arrangement:
        """Merge what falls together, leave out what no hammer could play, and put all into tables."""
        song, score, priority = self.draft.song, self.draft.chosen.score, self.draft.chosen.priority
        sounds = np.flatnonzero(self.placed.hammer >= 0)
        row, hammer = score.row[sounds], self.placed.hammer[sounds].astype(np.uint8)
        loudness = score.loudness[sounds]
        grace = self.draft.chosen.grace[sounds]
        rank = priority[sounds] * 256.0 + np.where(grace, 0.0, loudness)
        carrier = carriers(score.onset[sounds], hammer, rank, self.draft.merge_within)
        carries = carrier == np.arange(len(carrier))
        notes = as_arranged(
            filled(ARRANGED, len(sounds), onset=score.onset[sounds], source=row, hammer=hammer)
        )
        notes["priority"] = priority[sounds]
        notes, loud = picked(notes, carries), song.notes["loudness"].copy()
        loud[notes["source"]] = loudest(loudness, priority[sounds], carrier)[carries]
        why = self._thinned(notes, loud[notes["source"]], grace[carries])
        reasons = self.draft.chosen.reasons.copy()
        reasons[score.row] = self.placed.reason
        lost = why[(np.cumsum(carries) - 1)[carrier]]
        stays = lost == Reason.NONE
        reasons[row[~stays]] = lost[~stays]
        notes = picked(notes, why == Reason.NONE)
        changes = self._changes(reasons, row[stays], hammer[stays], row[carrier][stays])
        if self.draft.weights.tremolo:
            notes, cut = with_tremolo(notes, song, self.draft.instrument)
            changes = changes.with_shortened(cut)
        return self._told(balanced(notes, song, loud, self._lead), changes)

    def _told(self, notes: Arranged, changes: Changes) -> Arrangement:
        """Return the arrangement of strikes and changes, with what each note is in it."""
        chosen, song = self.draft.chosen, self.draft.song
        roles, voice = np.full(len(song), NO_ROLE, np.uint8), np.zeros(len(song), np.int32)
        roles[chosen.score.row], voice[chosen.score.row] = chosen.priority, chosen.voice
        equals = voice if chosen.counterpoint else None
        return Arrangement(song, self.draft.instrument, self.shift, notes, changes, roles, equals)

    @property
    def _lead(self) -> float:
        """By how many dB the tune is to lead, or what enters among equal voices."""
        lead = self.draft.weights.lead
        return min(lead, ENTRY_LEAD) if self.draft.chosen.counterpoint else lead

    def _thinned(self, notes: Arranged, loudness: Floats, grace: Bools) -> Ints:
        """Return a Reason for each strike, NONE for those that stay."""
        why = np.zeros(len(notes), np.uint8)
        if not len(notes):
            return why
        weights, priority = self.draft.weights, notes["priority"]
        value = worth(priority, loudness)
        if weights.chord or weights.density or not weights.seconds:
            self._crowd(notes, value, why)
        recovery = self.draft.instrument.column("recovery")
        asked = [(recovery, priority >= Priority.INNER)]
        if weights.gap > recovery.min():
            asked.append((np.maximum(recovery, weights.gap), priority < Priority.MELODY))
        for least, mine in asked:
            rows = np.flatnonzero(mine & (why == 0))
            lost = yielding(notes["onset"][rows], notes["hammer"][rows], value[rows], least, grace[rows])
            why[rows[lost]] = Reason.NOT_READY
        return why

    def _crowd(self, notes: Arranged, value: Floats, why: Ints) -> None:
        """Write into `why` which strikes clash, or are more than an instant or a second may hold."""
        weights, score, tune = (
            self.draft.weights,
            self.draft.chosen.score,
            notes["priority"] == Priority.MELODY,
        )
        onset, hammer, instant = notes["onset"], notes["hammer"], instants(notes["onset"])
        again = np.zeros(len(self.draft.song), np.bool_)
        again[score.row] = ostinato(score.repeat, score.measure)
        pitch = self.draft.instrument.pitches[hammer].astype(np.int64)
        telling = informed(value, instant, pitch, onset, hammer, again[notes["source"]])
        if not weights.seconds:
            why[clashing(instant, pitch, telling) & ~tune] = Reason.CLASHES
        if weights.chord:
            rows = np.flatnonzero(why == 0)
            why[rows[crowded_out(instant[rows], hammer[rows], telling[rows], weights.chord)]] = Reason.CROWDED
        if weights.density:
            rows = np.flatnonzero((why == 0) & ~tune)
            sweet = sweetened(telling, instant, pitch, tune)[rows]
            why[rows[too_many(onset[rows], sweet, weights.density)]] = Reason.CROWDED

    def _changes(self, reasons: Ints, row: Ints, hammer: Ints, into: Ints) -> Changes:
        """Return the changes, by a Reason for each note of the song.

        Given besides are rows, hammers and carrying rows of the notes that sound.
        """
        song = self.draft.song
        bars, carried = np.full(len(song), NO_HAMMER, np.uint8), np.full(len(song), -1, np.int32)
        bars[row], carried[row] = hammer, np.where(into == row, -1, into)
        other = self.draft.chosen.score.row[self.placed.substituted]
        return Changes.of(song, self.draft.instrument, self.wanted, reasons, bars, carried, other)
