"""An arrangement: the strikes that a song becomes on an instrument, and what was changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import SilentSong, SongError
from ..instrument import Instrument
from ..song import MOST_CHANNELS, Song
from ..tables import Arranged, Ints, Priority, as_arranged, as_change_rows
from ..words import counted
from .changes import ChangeKind, Changes, Reason
from .columns import starts

NO_ROLE = 255
"""Role of a note that was left out before voices were looked for."""

_REMEDIES = {
    Reason.DRUMS: "are drums: allow drums to hear their rhythm on the bars",
    Reason.NOT_CHOSEN: "are in tracks or channels that were not chosen: choose others",
    Reason.MUTED: "are muted: mute fewer tracks or channels",
    Reason.SILENT: "are silent (velocity, volume or expression 0): there is nothing to hear in it",
    Reason.NO_BAR: "have no bar in any octave: let the transposition be searched, or take more bars",
    Reason.COVERS: "would cover the melody: choose the tracks to play",
    Reason.NOT_READY: "come before their hammer is ready: play other tracks",
    Reason.CROWDED: "are in chords that are large enough: raise `chord`, or take another preset",
    Reason.NOT_MELODY: "are no melody: take another preset",
    Reason.CLASHES: "are a second beside another bar: take another preset",
}


@dataclass(frozen=True, eq=False)
class Arrangement:
    """What is struck when a song is played on an instrument, sorted by onset.

    `notes` is a read-only table of dtype ARRANGED; two strikes of one hammer never share an
    onset. `roles` is a read-only array with the Priority of each note of the song, NO_ROLE
    for one that was not arranged. In `counterpoint` the voices are equals, and what enters has the priority
    of a melody: it is the voice of each note, and None where voices accompany a tune. `changes` tells of
    every note that is not struck as written, so that always len(song) == kept + folded + replaced + merged +
    sum of dropped; a note of these that is renewed may be shortened besides. Each note that is kept, folded
    or replaced has one strike, and what long notes are struck again.

    >>> fitted = arrange(load_song(find_song("greensleeves")), build_instrument("diatonic-15"))
    >>> fitted.transpose, fitted.kept, fitted.folded
    (12, 397, 10)
    >>> print(fitted.changes[0])
    measure 2, beat 5.5: F#7 (written F#6) replaced by its neighbour F7, no bar of that name
    """

    song: Song
    instrument: Instrument
    transpose: int  # semitones; of most notes, where there are several `shifts`
    notes: Arranged
    changes: Changes
    roles: Ints
    counterpoint: Ints | None = None

    def __post_init__(self) -> None:
        for table in (as_arranged(self.notes), as_change_rows(self.changes.table), self.roles):
            table.flags.writeable = False
        if len(self.notes) - self.again != self.kept + self.folded + self.replaced:
            raise ValueError(
                f"{counted(len(self.notes) - self.again, 'strike')} for "
                f"{self.kept} kept, {self.folded} folded and "
                f"{self.replaced} replaced notes: each of these needs one strike"
            )
        self._check_rows()

    def _check_rows(self) -> None:
        notes = self.notes
        if len(notes) and not (
            bool(np.all(notes["onset"][1:] >= notes["onset"][:-1]))
            and int(notes["hammer"].max()) < len(self.instrument)
            and float(notes["velocity"].min()) >= 1
            and float(notes["velocity"].max()) <= 127
        ):
            raise ValueError("strikes must be sorted by onset, on hammers that exist, velocity 1..127")

    def __len__(self) -> int:
        return len(self.notes)

    @cached_property
    def voices(self) -> Ints:
        """For each note of the song a number of what sounds as one with it: a part, its basses apart."""
        if self.counterpoint is not None:
            return self.counterpoint
        notes = self.song.notes
        part = notes["track"].astype(np.int64) * MOST_CHANNELS + notes["channel"]
        return np.asarray(part * 2 + (self.roles == Priority.BASS))

    @cached_property
    def carrier(self) -> Ints:
        """For each note of the song the row of `notes` that sounds it, -1 where none does."""
        carrier = np.full(len(self.song), -1, np.intp)
        first = np.flatnonzero(~self.notes["again"])
        carrier[self.notes["source"][first]] = first
        merged = self.changes.table[self.changes.table["kind"] == ChangeKind.MERGED]
        carrier[merged["note"]] = carrier[merged["into"]]
        return carrier

    @cached_property
    def struck(self) -> Ints:
        """For each note of the song the pitch of the bar that sounds it, -1 where none does."""
        pitch = np.append(self.instrument.pitches[self.notes["hammer"]].astype(np.int64), -1)
        return np.asarray(pitch[self.carrier])

    @cached_property
    def away(self) -> Ints:
        """By how many semitones each note is struck away from where it stands transposed, if it is struck."""
        return np.asarray(self.struck - self.wanted)

    @property
    def wanted(self) -> Ints:
        """For each note of the song the pitch where it stands transposed, also outside 0..127."""
        return self.changes.wanted

    @cached_property
    def shifts(self) -> tuple[tuple[float, int], ...]:
        """The transpositions one after another: the song time in s from which on each holds, and semitones.

        There are several only where bars are missing and the song modulates; the first holds from 0 on.
        """
        notes = self.song.notes
        moved = self.wanted - notes["pitch"]
        first = starts(moved)
        times = notes["onset"][first].tolist()
        begins = (0.0, int(moved[0]) if len(moved) else self.transpose)
        return (begins, *zip(times[1:], moved[first[1:]].tolist(), strict=True))

    @property
    def kept(self) -> int:
        """Notes struck at their written pitch plus the transposition that holds there."""
        return len(self.song) - len(self.changes) + self.shortened

    @property
    def folded(self) -> int:
        """Notes struck some octaves away from there."""
        return self._counted[0][ChangeKind.FOLDED]

    @property
    def replaced(self) -> int:
        """Melody notes that a neighbouring bar stands for, since no bar has their name."""
        return self._counted[0][ChangeKind.REPLACED]

    @property
    def again(self) -> int:
        """Strikes that renew a held note."""
        return int(np.count_nonzero(self.notes["again"]))

    @property
    def shortened(self) -> int:
        """Held notes that are not renewed until they end."""
        return self._counted[0][ChangeKind.SHORTENED]

    @property
    def merged(self) -> int:
        """Notes that another note's strike carries: the same bar at the same instant."""
        return self._counted[0][ChangeKind.MERGED]

    @property
    def dropped(self) -> dict[str, int]:
        """Notes that nothing sounds, counted by reason; reasons that did not occur are left out."""
        counts = self._counted[1]
        return {reason.word: counts[reason] for reason in Reason if reason and counts[reason]}

    @property
    def melody(self) -> int:
        """Strikes of melody priority."""
        return int(np.count_nonzero(self.notes["priority"] == Priority.MELODY))

    def require_notes(self) -> Arrangement:
        """Return the arrangement itself; SongError, naming reason and remedy, where nothing is struck.

        A SilentSong where there is nothing to hear in the file either.
        """
        if len(self.notes):
            return self
        if not len(self.song):
            raise SilentSong("the song has no notes: there is nothing to play; take another file")
        counts = self._counted[1]
        chief = max(_REMEDIES, key=lambda reason: counts[reason])
        which = f"all {len(self.song)}" if counts[chief] == len(self.song) else f"{counts[chief]}"
        error = SilentSong if counts[Reason.SILENT] == len(self.song) else SongError
        raise error(
            f"none of the song's {counted(len(self.song), 'note')} can be struck: {which} {_REMEDIES[chief]}"
        )

    @cached_property
    def _counted(self) -> tuple[list[int], list[int]]:
        table = self.changes.table
        return (
            np.bincount(table["kind"], minlength=len(ChangeKind) + 1).tolist(),
            np.bincount(table["reason"][table["kind"] == ChangeKind.DROPPED], minlength=len(Reason)).tolist(),
        )
