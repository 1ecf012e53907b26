"""Balance: how loud each strike is to be, the tune before what accompanies it.

docs/arranging.md, "Loudness", states the law. Loudness is compared in dB, since that is what velocities of
strikes are even in. The tune's strikes are an affine image of what is written; the accompaniment is lowered
beneath them, phrase by phrase, so that no note of the tune has to be raised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..song import MOST_CHANNELS, Song
from ..strikes import DB_PER_STEP
from ..tables import Arranged, Floats, Ints, Priority, copied
from .choice import SOFTEST
from .columns import starts
from .score import INTERVAL
from .tune import NEAR

BOTTOM, TOP = 1.0, 127.0
"""The softest and the loudest velocity."""

_LOUD = 0.98
"""What the loud notes are: so much of the song is softer, the rest may be accents or mistakes."""

_EDGE = 0.01
"""Share of the notes at either end that a range does without."""

_DEEPEST = 30.0
"""dB; what is softer than the loudest by more is an echo or a fade, for which nothing else is pressed."""

EVEN = 2.0
"""dB; what has a narrower range is written even, and is not stretched."""

STRETCH = 1.5
"""Written dynamics are made larger by at most this."""

AGAIN = 3.0
"""dB by which a strike that renews a held note is softer than the note, as if it were written so."""

_MOSTLY = 0.9
"""Share of a phrase's tune notes that have all of the lead; beneath the others accents are pressed."""

LEAST = 2 / 3
"""Of the lead, what an accent of the accompaniment leaves at least."""

_FLOOR = 1.0 / DB_PER_STEP
"""Velocities above BOTTOM within which that finds its place, in its order, which would be below."""

_KEEPS = 4
"""Notes for which a part must have the tune to begin a phrase: a figure that parts share is none."""

_FULL = 0.97
"""A range that takes so much of what there is will not be stretched to be heard."""

_ROUNDING = 1e-6

_ROW = 10_000.0
"""Velocities between phrases laid end to end: more than any two strikes are apart."""


def written_db(loudness: Floats) -> Floats:
    """Return how loud notes are written, dB relative to velocity 127.

    It is 40 log10, as General MIDI Level 2 has it for volume and expression, and DLS Level 1 for velocity.
    """
    return np.asarray(40.0 * np.log10(np.maximum(loudness, SOFTEST) / TOP))


def as_written(loudness: Floats, velocity: Ints) -> Floats:
    """Return a velocity 1..127 for each loudness of notes among which none is to lead.

    `velocity` is theirs as written.
    """
    if not len(loudness):
        return np.zeros(0, np.float32)
    level = written_db(loudness)
    slope, offset = dynamics(level, _ranked(velocity, _LOUD)[0])
    return np.asarray(np.clip(slope * level + offset, BOTTOM, TOP), np.float32)


def dynamics(level: Floats, place: float, low: float = BOTTOM, beside: float = 0.0) -> tuple[float, float]:
    """Return slope (velocities a dB) and offset of the affine image of written levels (dB) in low..127.

    The level that 98 % stay below becomes the velocity `place`, unless the range needs the room. The range
    is pressed where there is no room for it. It is stretched about its median where there is room for it,
    and for what has a range of `beside` dB, and where the soft end need not be lifted for that.
    """
    (soft, most), (middle, loud) = _ends(level), _ranked(level, 0.5, _LOUD)
    range_, room = most - soft, TOP - low
    plain = slope = min(1.0 / DB_PER_STEP, room / max(range_, EVEN))
    centre = place - plain * (loud - middle)
    if range_ >= EVEN:
        below = (centre - low) / max(middle - soft, _ROUNDING)
        slope = max(plain, min(STRETCH * plain, room / max(range_, beside), below))
    offset = centre - slope * middle
    offset -= max(0.0, slope * most + offset - TOP)
    return slope, offset + max(0.0, low - slope * soft - offset)


def balanced(notes: Arranged, song: Song, loudness: Floats, lead: float) -> Arranged:
    """Return strikes with their velocities, and what the tune leads by if something accompanies it.

    `loudness` is that of the song's notes, or what a strike that carries several of them is to have;
    `lead` is in dB.
    """
    notes, voices = copied(notes), _Voices.of(notes)
    if not len(notes):
        return notes
    ahead = lead / DB_PER_STEP if voices.accompanied else 0.0
    source, low = notes["source"], BOTTOM + ahead
    level = written_db(loudness)[source] - AGAIN * notes["again"]
    written = song.notes["velocity"][source]
    place = max(_ranked(written[rows], _LOUD)[0] for rows in voices.all())
    slope, offset = dynamics(level[voices.tune], place, low, voices.beside(level))
    velocity = slope * level + offset
    sung, others = voices.tune, voices.others
    velocity[sung] = np.clip(velocity[sung], low, TOP)
    if ahead:
        part = song.notes["track"][source[sung]].astype(np.int64) * MOST_CHANNELS
        line = _Line(notes["onset"][sung], velocity[sung], part + song.notes["channel"][source[sung]])
        velocity[others] = line.beneath(notes["onset"][others], velocity[others], ahead)
    notes["velocity"], notes["lead"] = np.clip(velocity, BOTTOM, TOP), ahead
    return notes


def unbalanced(notes: Arranged) -> Ints:
    """Return MIDI velocities, 1..127, of which `balanced` makes those of these strikes again, nearly.

    Levels differ by as many dB as on the bars, but where there would be room to stretch them.
    """
    if not len(notes):
        return np.zeros(0, np.uint8)
    voices, level = _Voices.of(notes), DB_PER_STEP * notes["velocity"].astype(np.float64)
    (soft, most), (middle, loud) = _ends(level[voices.tune]), _ranked(level[voices.tune], 0.5, _LOUD)
    range_, room = most - soft, DB_PER_STEP * (TOP - BOTTOM - float(notes["lead"][0]))
    stretched = 1.0
    if range_ >= EVEN and max(range_, voices.beside(level)) < _FULL * room:
        stretched = min(STRETCH, range_ / (EVEN - _ROUNDING))
    loud_place = middle + (loud - middle) / stretched  # as written it keeps its place
    decibels = middle + (level - middle) / stretched - loud_place
    velocity = loud_place / DB_PER_STEP * 10.0 ** (decibels / 40.0)
    return np.clip(np.rint(velocity), BOTTOM, TOP).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class _Voices:
    """Rows of the strikes whose dynamics count, which are the tune's if there is one, and of all others."""

    tune: Ints
    others: Ints
    accompanied: bool

    @classmethod
    def of(cls, notes: Arranged) -> _Voices:
        """Tell the voices of strikes apart; those that renew a note are no notes of the tune."""
        melody, own = notes["priority"] == Priority.MELODY, ~notes["again"]
        tune, others = np.flatnonzero(melody & own), np.flatnonzero(~melody)
        if not len(tune):
            return cls(np.flatnonzero(own), others, False)
        return cls(tune, others, len(others) > 0)

    def all(self) -> tuple[Ints, ...]:
        """Return the rows of each voice that there is."""
        return (self.tune, self.others) if self.accompanied else (self.tune,)

    def beside(self, level: Floats) -> float:
        """Return the range of what accompanies the tune, dB; 0 where nothing does."""
        if not self.accompanied:
            return 0.0
        soft, most = _ends(level[self.others])
        return most - soft


def _ends(level: Floats) -> tuple[float, float]:
    """Return the levels between which all but a hundredth at either end lie."""
    soft, most = _ranked(level, _EDGE, 1.0 - _EDGE)
    return max(soft, most - _DEEPEST), most


def _ranked(values: Floats | Ints, *shares: float) -> list[float]:
    """Return the values that these shares of all stay below; of two, the one farther from the middle."""
    last = len(values) - 1
    places = [int(share * last) if share <= _LOUD else last - int((1.0 - share) * last) for share in shares]
    return [float(value) for value in np.partition(values, places)[places]]


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """The tune as it is struck: onsets (s), velocities, and the part that each note is from."""

    onset: Floats
    velocity: Floats
    part: Ints

    def beneath(self, onset: Floats, velocity: Floats, ahead: float) -> Floats:
        """Return velocities of accompaniment at these onsets so lowered that the tune leads."""
        note = np.maximum(np.searchsorted(self.onset, onset, "right") - 1, 0)
        following = np.append(self.onset[1:], np.inf)
        near = note + (following[note] <= onset + NEAR)
        limit = np.minimum(self.velocity[note], self.velocity[near]) - ahead
        over, phrase, first = velocity - limit, self._phrases(), starts(note)
        lowered = _asked(np.maximum.reduceat(over, first), phrase[note[first]], int(phrase[-1]) + 1)
        over = _pressed(over - lowered[phrase[note]], ahead * (1.0 - LEAST))
        return _lifted(limit + over, limit)

    def _phrases(self) -> Ints:
        """Return the number of the phrase that each note is in, ascending from 0."""
        new = np.append(True, np.diff(self.onset) > INTERVAL)
        run = starts(self.part)
        run = run[np.diff(run, append=len(self.part)) >= _KEEPS]
        new[run[1:][np.diff(self.part[run]) != 0]] = True
        return np.cumsum(new) - 1


def _asked(over: Floats, phrase: Ints, phrases: int) -> Floats:
    """Return by how much to lower the accompaniment in each phrase, given how far it is over in places.

    `phrase`, of each place, ascends. A phrase between two that ask for more is lowered as
    the lesser of them: nothing swells for it alone.
    """
    ranked, first = np.sort(over + _ROW * phrase), starts(phrase)
    place = (_MOSTLY * (np.diff(first, append=len(phrase)) - 1)).astype(np.intp)
    asked = np.maximum(ranked[first + place] - _ROW * phrase[first], 0.0)
    asked[1:-1] = np.maximum(asked[1:-1], np.minimum(asked[:-2], asked[2:]))
    lowered = np.zeros(phrases)
    lowered[phrase[first]] = asked
    return lowered


def _pressed(over: Floats, width: float) -> Floats:
    """Return how far accents still are over, in their order: by less than `width`; others as they were."""
    return np.where(over > 0, -width * np.expm1(-np.maximum(over, 0.0) / width), over)


def _lifted(velocity: Floats, limit: Floats) -> Floats:
    """Return velocities of which none is below BOTTOM, in their order; `limit` and what is over it stay."""
    width = np.clip(limit - BOTTOM, _ROUNDING, _FLOOR)
    under = np.minimum(velocity - BOTTOM - width, 0.0)
    return np.where(under < 0, BOTTOM + width * np.exp(under / width), velocity)
