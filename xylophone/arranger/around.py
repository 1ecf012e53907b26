"""What sounds around an accompanying note: the tune above it, at its side, and the bass beneath.

A struck bar rings on, so a listener follows the tune from one note to the next: what is written below a
note of the tune is not struck on its bar or above it until the next one comes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..tables import Bools, Ints
from .columns import starts
from .score import INTERVAL, Score
from .tune import FREE, NEAR, Tune, tune_of

SIXTH = 9
"""Semitones that a bass keeps below the tune, where it is written so far below and there are bars."""


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """Columns for all notes of a score, in pitches of bars; FREE, or -FREE beneath, where nothing sounds."""

    ceiling: Ints  # the highest that a note may be struck
    near: Ints  # the highest that the lowest note of a chord with the tune should be
    beside: Ints  # the tune's note of the same instant
    octaves: Ints  # by which the tune's note is moved that sounds above, FREE for none
    floor: Ints  # the bass that sounds below

    def above(self, score: Score, rows: Ints, struck: Ints) -> Around:
        """Return the same above basses, in `rows` of the score, that are so struck."""
        if not len(rows):
            return self
        bass = tune_of(score, rows, struck)
        last, sounds = _sounding(bass, score)
        sounds &= score.pitch > score.pitch[rows[last]]
        return replace(self, floor=np.where(sounds, struck[last], -FREE).astype(np.int16))

    @property
    def alone(self) -> Bools:
        """Which notes have no tune above them, and none beside: they may go on with its line."""
        return np.asarray((self.octaves == FREE) & (self.beside == FREE))


def around_tune(score: Score, tune: Tune, octaves: Ints, ceiling: Ints) -> Around:
    """Return what sounds around each note under a tune moved by so many octaves.

    `ceiling` is what holds for notes that are written above the tune too.
    """
    free = np.full(len(score), FREE, np.int16)
    if not len(tune.rows):
        return Around(ceiling, free, free, free, -free)
    last, sounds = _sounding(tune, score)
    struck, written = tune.struck[last], score.pitch[tune.rows[last]].astype(np.int16)
    apart = written - score.pitch
    beneath = sounds & (apart > 0)
    beneath[tune.rows] = False
    beside = sounds & (score.onset <= tune.onset[last] + NEAR)
    beside[tune.rows] = False
    lowest = np.minimum.reduceat(score.pitch, starts(score.instant))[score.instant] == score.pitch
    return Around(
        ceiling=np.minimum(ceiling, np.where(beneath, struck - 1, FREE)).astype(np.int16),
        near=np.where(beside & lowest & (apart >= SIXTH), struck - SIXTH, FREE).astype(np.int16),
        beside=np.where(beside, struck, FREE).astype(np.int16),
        octaves=np.where(beneath, octaves[last], FREE).astype(np.int16),
        floor=-free,
    )


def _sounding(line: Tune, score: Score) -> tuple[Ints, Bools]:
    """Return the note of a line that began last before each note, and whether it sounds still."""
    last = line.at(score.onset)
    note = np.maximum(last, 0)
    sounds = (last >= 0) & (score.onset <= line.onset[note] + INTERVAL) & (line.struck[note] >= 0)
    return note, np.asarray(sounds)
