"""What was played by hand, as a song: at the times of the keys."""

from __future__ import annotations

import numpy as np

from ..song import Song
from ..tables import NOTE, as_notes
from .notes import Key

SHORTEST = 0.05
"""s that a note lasts at least: whoever reads the song sees it, and no key is let go sooner."""


class Recording:
    """Takes keys with their moments (s, any clock) and makes a song of them, whose time begins at `begin`."""

    def __init__(self, begin: float) -> None:
        self._begin = begin
        self._rows: list[tuple[float, float, Key]] = []  # onset, duration, key
        self._held: dict[tuple[int, int], tuple[float, Key]] = {}

    def __len__(self) -> int:
        return len(self._rows) + len(self._held)

    def take(self, key: Key, moment: float) -> None:
        """Note a key that was pressed, or let go; pressed twice, it is let go between."""
        onset, place = moment - self._begin, (key.pitch, key.channel)
        if (held := self._held.pop(place, None)) is not None:
            self._rows.append((held[0], max(SHORTEST, onset - held[0]), held[1]))
        if key.velocity:
            self._held[place] = (onset, key)

    def song(self, end: float, title: str = "") -> Song:
        """Return all that was played, by onsets; keys that are still down at `end` are let go there."""
        last = max(0.0, end - self._begin)
        held = [(onset, max(SHORTEST, last - onset), key) for onset, key in self._held.values()]
        rows = sorted(self._rows + held, key=lambda row: row[0])
        notes = np.zeros(len(rows), NOTE)
        for row, (onset, duration, key) in enumerate(rows):
            notes[row]["onset"], notes[row]["duration"] = onset, duration
            notes[row]["pitch"], notes[row]["channel"] = key.pitch, key.channel - 1
            notes[row]["velocity"] = notes[row]["loudness"] = key.velocity
            notes[row]["drum"] = key.channel == 10
        length = float((notes["onset"] + notes["duration"]).max(initial=0.0))
        return Song(as_notes(notes), title=title, duration=length)
