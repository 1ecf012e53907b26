"""The account: what was done to a song, in words, as one would tell it to a friend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np

from ..pitch import interval_words
from ..song import MOST_CHANNELS
from ..tables import Bools, Floats, Ints, Priority
from ..words import counted
from .arrangement import NO_ROLE, Arrangement
from .changes import Reason
from .columns import starts
from .form import key_of, places, sections
from .perception import share
from .score import INTERVAL, instants

MOST_PASSAGES = 6
"""So many changes of the leading part are told by their measures; nobody would read more."""

_PURE = 0.9
"""Share of a melody's notes that must come from the part that leads in their measure."""

_LOST, _STAYS = 0.95, 0.5
"""A part is left out from a place on if so much of it is lost behind, and less than this before."""

FEWEST = 8
"""Notes from which it is worth while to say where a part is left out."""

_BLOCK = 3
"""Notes that a part strikes at once in a block chord."""

_SILENCE = 4.0
"""s; a longer time from note to note counts as so much, where it is asked how often a melody moves."""

_MOST_CELLS = 10_000_000


def leading(part: Ints, measure: Ints) -> list[tuple[int, str]]:
    """Return which parts lead, each with its measures as '1-8, 17'; [] where few words do not tell it.

    Given are part and measure of each note of a melody.
    """
    measures, place = np.unique(measure, return_inverse=True)
    parts, which = np.unique(part, return_inverse=True)
    if len(measures) * len(parts) > _MOST_CELLS:
        return []
    counts = np.bincount(place * len(parts) + which, minlength=len(measures) * len(parts))
    counts = counts.reshape(len(measures), len(parts))
    if counts.max(axis=1).sum() < _PURE * len(part):
        return []
    leads = zip(parts[counts.argmax(axis=1)].tolist(), measures.tolist(), strict=True)
    runs = [(lead, [number for _, number in run]) for lead, run in groupby(leads, key=lambda row: row[0])]
    if len(runs) > MOST_PASSAGES:
        return []
    spans: dict[int, list[str]] = {}
    for lead, numbers in runs:
        spans.setdefault(lead, []).append(span(numbers[0], numbers[-1]))
    return [(lead, ", ".join(told)) for lead, told in spans.items()]


def is_texture(onset: Floats, pitch: Ints, chord: Ints) -> bool:
    """Return whether what leads is no tune: chords or one pitch throughout, and no contour either.

    Given are onset, pitch and size of the chord that it is the top of, for each note of a melody, by onset.
    """
    if len(pitch) < FEWEST:
        return False
    moves = np.diff(pitch) != 0
    even = np.mean(chord >= _BLOCK) >= _PURE or np.mean(~moves) >= _PURE
    return bool(even and INTERVAL * np.count_nonzero(moves) < np.minimum(np.diff(onset), _SILENCE).sum())


def left_out_from(lost: Bools) -> int | None:
    """Return the place from which on nearly all notes of a part are lost, though fewer were before.

    None where there is no such place, or so near the beginning or the end that it says nothing.
    """
    many = len(lost)
    behind = np.cumsum(lost[::-1])[::-1] / np.arange(many, 0, -1)
    before = np.concatenate(([0.0], np.cumsum(lost)[:-1] / np.arange(1, many)))
    fits = (behind >= _LOST) & (before < _STAYS) & lost
    fits[: many // 10] = False
    fits[many - FEWEST + 1 :] = False
    places = np.flatnonzero(fits)
    return int(places[0]) if len(places) else None


def span(first: int, last: int) -> str:
    """Return measures as people write them: '17-24', or '17'."""
    return str(first) if first == last else f"{first}-{last}"


_NEARLY_ALL = 0.9
"""Share of the melody from which one part is said to have it."""

_MOSTLY = 0.5
_LONGEST_NAME = 40
_NAMED = 3
"""So many parts are named of a melody that comes from many."""

_VOICE = 0.05
"""Share of the notes of counterpoint that a voice has, at least; what has fewer fills a chord."""

_REMEDIES = {Reason.DRUMS.word: " (--drums lets them strike bars)"}
_BEFOREHAND = (Reason.DRUMS, Reason.NOT_CHOSEN, Reason.MUTED, Reason.SILENT, Reason.NOT_MELODY)


def describe(arrangement: Arrangement) -> tuple[str, ...]:
    """Return what was done to a song in phrases, to be read after each other: 'melody from track 3 'Flute''.

    Where the melody comes from, how it was transposed, which parts are left out and from which measure on,
    which share of the notes was dropped, folded, replaced, merged, and how often long ones are struck again.

    >>> for phrase in describe(arrange(load_song(find_song("sakura")), build_instrument())):
    ...     print(phrase)
    melody from track 1 'Melody'
    form A A (measures 4-14, 18-28)
    every note is struck as it is written
    """
    if not len(arrangement.notes):
        return ("nothing can be struck",)
    account = _Account(arrangement)
    phrases = [account.melody(), account.form()]
    if not len(arrangement.changes) and not arrangement.transpose and not arrangement.again:
        phrases.append("every note is struck as it is written")
    else:
        phrases += [account.moved(), account.not_arranged(), *account.left_out(), account.dropped()]
        phrases += [account.folded(), account.replaced(), account.merged(), account.again()]
    return tuple(filter(None, phrases))


@dataclass(frozen=True, eq=False)
class _Account:
    """Phrases about one arrangement; '' where there is nothing to tell."""

    arrangement: Arrangement

    @cached_property
    def part(self) -> Ints:
        """The part of each note of the song: track and channel in one number."""
        notes = self.arrangement.song.notes
        return np.asarray(notes["track"].astype(np.int64) * MOST_CHANNELS + notes["channel"])

    @cached_property
    def arranged(self) -> Bools:
        """Which notes of the song were arranged: not left out beforehand."""
        return np.asarray(self.arrangement.roles != NO_ROLE)

    @cached_property
    def tune(self) -> Bools:
        """Which notes of the song are melody."""
        return np.asarray(self.arrangement.roles == Priority.MELODY)

    @cached_property
    def lost(self) -> Bools:
        """Which notes were arranged and are not struck."""
        return np.asarray(self.arranged & (self.arrangement.struck < 0))

    @cached_property
    def texture(self) -> bool:
        """Whether what leads is a backing track's chords or drone."""
        if self.arrangement.counterpoint is not None:
            return False
        notes = self.arrangement.song.notes
        arranged = notes[self.arranged]
        instant = instants(arranged["onset"]).astype(np.int64)
        _, which, size = np.unique(
            instant << 32 | self.part[self.arranged], return_inverse=True, return_counts=True
        )
        tune = np.flatnonzero(self.tune[self.arranged])
        tune = tune[starts(instant[tune])]
        return is_texture(
            arranged["onset"][tune], arranged["pitch"][tune].astype(np.int64), size[which[tune]]
        )

    def melody(self) -> str:
        """From which parts the melody comes, in order of their shares or of the measures; or the voices."""
        if self.arrangement.counterpoint is not None:
            size = np.bincount(self.arrangement.counterpoint[self.arranged])
            many = np.count_nonzero(size >= _VOICE * size.sum())
            return f"counterpoint of {counted(int(many), 'voice')}, what enters leads"
        part = self.part[self.tune]
        if not len(part):
            return "no melody"
        if self.texture:
            return "a texture, no tune"
        shares = _shares_of(part)
        if shares[0][1] >= _NEARLY_ALL:
            return f"melody from {self.name(shares[0][0])}"
        song = self.arrangement.song
        told = leading(part, song.measures_at(song.notes["onset"][self.tune])) if song.has_beat else []
        if told:
            return f"melody from {_listed([f'{self.name(one)} (measures {where})' for one, where in told])}"
        return f"melody {self._mixed(shares)}"

    def _mixed(self, shares: list[tuple[int, float]]) -> str:
        named = [f"{self.name(part)} ({_percent(share)})" for part, share in shares[:_NAMED]]
        if len(shares) > _NAMED:
            named.append("others")
        if shares[0][1] < _MOSTLY:
            return f"from what is on top: {_listed(named)}"
        return f"mostly from {named[0]}, else from {_listed(named[1:])}"

    def form(self) -> str:
        """The sections of the melody, each with its measures; nothing where there are none."""
        none = self.texture or self.arrangement.counterpoint is not None
        if none or not self.arrangement.song.has_beat:
            return ""
        notes = self.arrangement.song.notes[self.tune]
        measure, place = places(self.arrangement.song, notes["onset"])
        found = sections(measure, place, notes["pitch"].astype(np.int64))
        if not found:
            return ""
        letters = " ".join(letter for letter, _, _ in found)
        return f"form {letters} (measures {', '.join(span(first + 1, last + 1) for _, first, last in found)})"

    def moved(self) -> str:
        """The transposition as an interval, with the keys where it leaves the key; else where each begins."""
        (_, semitones), *later = self.arrangement.shifts
        song = self.arrangement.song
        if later:
            told = (f"from {self._place(time)} {_moved(further)}" for time, further in later)
            return ", ".join((_moved(semitones), *told))
        if not semitones:
            return ""
        before, after, words = key_of(song), key_of(song, semitones), _moved(semitones)
        return words if before == after or not before else f"{words}, from {before} to {after}"

    def not_arranged(self) -> str:
        """What was left out before any bar was looked for, by reason."""
        dropped = self.arrangement.dropped
        words = [reason.word for reason in _BEFOREHAND if reason.word in dropped]
        told = [f"{dropped[word]:,} {word}{_REMEDIES.get(word, '')}" for word in words]
        return f"not arranged: {', '.join(told)}" if told else ""

    def left_out(self) -> Iterator[str]:
        """Parts that are left out, from a measure on or for the most part."""
        for part in sorted(set(self.part[self.lost].tolist())):
            if words := self._left_out(np.flatnonzero(self.arranged & (self.part == part))):
                yield f"{self.name(part)} {words}"

    def _left_out(self, rows: Ints) -> str:
        lost = self.lost[rows]
        part = share(lost)
        if part == 1:
            return "left out"
        if len(rows) < FEWEST:
            return ""
        if (place := left_out_from(lost)) is not None:
            return f"left out from {self._place(float(self.arrangement.song.notes['onset'][rows[place]]))}"
        return f"mostly left out ({_percent(part)})" if part > _MOSTLY else ""

    def _place(self, time: float) -> str:
        song = self.arrangement.song
        return f"measure {song.measure_at(time)[0]}" if song.has_beat else f"{time:.0f} s on"

    def dropped(self) -> str:
        """The share of the notes that is not heard, and of the melody."""
        return self._shares(self.lost, "dropped") if self.lost.any() else "no note dropped"

    def folded(self) -> str:
        """The share of the notes that is struck in another octave, and of the melody."""
        away = self.arrangement.away
        folded = (self.arrangement.struck >= 0) & (away != 0) & (away % 12 == 0)
        return self._shares(folded, "in another octave") if folded.any() else ""

    def _shares(self, which: Bools, words: str) -> str:
        told = f"{_percent(float(np.mean(which[self.arranged])))} of the notes {words}"
        return told if self.texture else f"{told}, {_percent(share(which[self.tune]))} of the melody"

    def replaced(self) -> str:
        """How many melody notes a neighbouring bar stands for."""
        count = self.arrangement.replaced
        return f"{_count(count, 'melody note')} replaced by the bar next to it" if count else ""

    def merged(self) -> str:
        """How many notes share the strike of another."""
        count = self.arrangement.merged
        return f"{_count(count, 'note')} carried by another's strike" if count else ""

    def again(self) -> str:
        """How often long notes of the tune are struck again."""
        count, cut = self.arrangement.again, self.arrangement.shortened
        short = f"; {_count(cut, 'note')} not until {'its' if cut == 1 else 'their'} end" if cut else ""
        return f"long notes of the tune struck again, {_count(count, 'time')} in all{short}" if count else ""

    def name(self, part: int) -> str:
        """Return what people call a part: track 3 'Flute', or channel 2 of track 0 where it has several."""
        track, channel = divmod(part, MOST_CHANNELS)
        names = {row.number: row.name for row in self.arrangement.song.tracks}
        words = f"track {track}"
        if name := names.get(track):
            words += f" '{name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + '…'}'"
        return words if self._parts_of(track) == 1 else f"channel {channel + 1} of {words}"

    def _parts_of(self, track: int) -> int:
        return sum(part // MOST_CHANNELS == track for part in set(self.part.tolist()))


def _shares_of(part: Ints) -> list[tuple[int, float]]:
    """Return the parts that notes are of, each with its share, the greatest first."""
    return [(one, count / len(part)) for one, count in Counter(sorted(part.tolist())).most_common()]


def _moved(semitones: int) -> str:
    return f"{'up' if semitones > 0 else 'down'} {interval_words(semitones)}" if semitones else "as written"


def _percent(share: float) -> str:
    if share in (0, 1):
        return "all" if share else "none"
    return f"{min(99, round(100 * share))} %" if share >= 0.005 else "less than 1 %"


def _count(number: int, what: str) -> str:
    return counted(number, what, spec=",")


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
