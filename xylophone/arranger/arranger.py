"""The arranger: from a song to the strikes of an instrument, in five steps."""

from __future__ import annotations

import operator
from collections.abc import Collection

import numpy as np

from ..errors import OptionError
from ..instrument import Instrument
from ..song import Song, Table
from .arrangement import ARRANGED, Arrangement
from .changes import CHANGE, NO_HAMMER, Changes, Kind, Reason
from .choice import Choice, left_out
from .dynamics import velocities
from .fold import fold
from .merge import carriers, loudest
from .score import Ints, Score, read_score
from .transpose import best_transposition
from .voices import priorities

MERGE_WITHIN = 0.010
"""Default of `merge_within`: no listener tells two strokes on a bar apart that are this close."""

_LONGEST_MERGE = 0.1
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
    drums: bool = False,
    merge_within: float = MERGE_WITHIN,
) -> Arrangement:
    """Return the song arranged for the instrument; the same for the same arguments, always.

    `tracks` are numbered as in `song.tracks`, from 0, `channels` 1..16; None takes all. What is
    muted is left out of these, and so are drums (channel 10) unless `drums`. `transpose` is in
    semitones, -127..127; None searches the shift that suits best. Notes on one bar at most
    `merge_within` (0..0.1 s) apart become one strike. Nothing is re-timed. An arrangement may be
    empty: `Arrangement.require_notes` says why. Raises OptionError for what is out of bounds.
    """
    choice = Choice(tracks, channels, mute_tracks, mute_channels, drums)
    if not 0 <= merge_within <= _LONGEST_MERGE:
        raise OptionError(f"merge_within {merge_within} s is out of range: give 0..{_LONGEST_MERGE:g} s")
    reasons = left_out(song, choice)
    score = read_score(song, np.flatnonzero(reasons == Reason.NONE))
    priority = priorities(score)
    shift = _shift(transpose, score, priority, instrument)
    hammer = fold(score, priority, shift, instrument)
    if transpose is None and (octaves := _common_octaves(score, shift, hammer, instrument)):
        shift += octaves
        hammer = fold(score, priority, shift, instrument)
    reasons[score.row[hammer < 0]] = Reason.NO_BAR
    return _assembled(song, instrument, score, shift, (reasons, hammer, priority), merge_within)


def _common_octaves(score: Score, shift: int, hammer: Ints, instrument: Instrument) -> int:
    """Return by how many semitones more than half of all notes were folded: that is a shift, no folding."""
    sounds = np.flatnonzero(hammer >= 0)
    moved = instrument.pitches[hammer[sounds]] - (score.pitch[sounds].astype(np.int64) + shift)
    octaves, counts = np.unique(moved, return_counts=True)
    if not len(octaves) or 2 * counts.max() <= len(sounds):
        return 0
    return int(octaves[np.argmax(counts)])


def _shift(given: int | None, score: Score, priority: Ints, instrument: Instrument) -> int:
    if given is None:
        return best_transposition(score.pitch, priority, instrument)
    shift = operator.index(given)
    if abs(shift) > _FARTHEST:
        raise OptionError(f"transposition {shift} is out of range: give -127..127 semitones")
    return shift


def _assembled(
    song: Song,
    instrument: Instrument,
    score: Score,
    shift: int,
    voiced: tuple[Ints, Ints, Ints],
    merge_within: float,
) -> Arrangement:
    """Merge, and put strikes and changes into their tables; `voiced` is reasons, hammers, priorities."""
    reasons, hammers, priority = voiced
    written = song.notes["velocity"][score.row]
    velocity = velocities(score.loudness, written)
    sounds = np.flatnonzero(hammers >= 0)
    row, onset, hammer = score.row[sounds], score.onset[sounds], hammers[sounds].astype(np.uint8)
    carrier = carriers(onset, hammer, priority[sounds] * 256.0 + velocity[sounds], merge_within)
    struck = np.flatnonzero(carrier == np.arange(len(carrier)))
    notes = np.zeros(len(struck), ARRANGED)
    notes["onset"] = onset[struck]
    notes["velocity"] = loudest(velocity[sounds], carrier)[struck]
    notes["source"] = row[struck]
    notes["hammer"] = hammer[struck]
    notes["priority"] = priority[sounds][struck]
    changes = _changes(song, instrument, shift, reasons, (row, hammer, row[carrier]))
    return Arrangement(song, instrument, shift, notes, Changes(song, instrument, shift, changes))


def _changes(
    song: Song, instrument: Instrument, shift: int, reasons: Ints, sounded: tuple[Ints, Ints, Ints]
) -> Table:
    """Return the CHANGE table; `sounded` is rows, hammers and carrying rows of the notes that sound."""
    row, hammer, into = sounded
    bars = np.full(len(song), NO_HAMMER, np.uint8)
    bars[row] = hammer
    carried = np.full(len(song), -1, np.int32)
    carried[row] = np.where(into == row, -1, into)
    pitch = np.zeros(len(song), np.int16)
    pitch[row] = instrument.pitches[hammer]
    kind = np.where(pitch != song.notes["pitch"] + np.int16(shift), Kind.FOLDED, 0).astype(np.uint8)
    kind[carried >= 0] = Kind.MERGED
    kind[reasons != Reason.NONE] = Kind.DROPPED
    changed = np.flatnonzero(kind)
    table = np.zeros(len(changed), CHANGE)
    table["note"], table["kind"], table["reason"] = changed, kind[changed], reasons[changed]
    table["into"], table["hammer"] = carried[changed], bars[changed]
    return table
